"""Experiments: settings with a question, a run and an answer; one module a paper.

A module of a paper has `EXPERIMENTS`, a tuple of `mcollapse.reproducing.Experiment`, and nothing but
settings. What runs them, holds them against theory and writes reports is `mcollapse.reproducing`.
"""

import difflib
import importlib
import pkgutil

from mcollapse.reproducing import Experiment


def every() -> tuple[Experiment, ...]:
    """All experiments of all papers, papers by year and name."""
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    found = [one for module in modules for one in getattr(module, "EXPERIMENTS", ())]
    return tuple(sorted(found, key=lambda one: (one.paper.year, one.paper.key)))


def find(name: str) -> tuple[Experiment, ...]:
    """The experiment of that id, or all of a paper, named by what comes before the stroke.

    Raises:
        ValueError: there is none; the message names the nearest.
    """
    known = {one.id: one for one in every()}
    if name in known:
        return (known[name],)
    of_paper = tuple(one for one in known.values() if one.id.split("/")[0] == name)
    if of_paper:
        return of_paper
    papers = {one.split("/")[0] for one in known}
    close = difflib.get_close_matches(name, [*known, *papers], n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else "mcollapse reproduce lists them"
    raise ValueError(f"there is no experiment {name!r}; {hint}")
