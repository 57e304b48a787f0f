"""Figures of an experiment: drawn, saved as SVG and PNG, and told in words."""

import dataclasses
import inspect
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

from mcollapse.reproducing.checks import Reading
from mcollapse.reproducing.curves import Curve
from mcollapse.reproducing.findings import shown
from mcollapse.reproducing.running import Reproduction, slug
from mcollapse.reproducing.values import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TOLD = 8
"""Lines that a text alternative tells of."""


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A figure on a disk, with what somebody should know who does not see it."""

    caption: str
    alternative: str
    svg: pathlib.Path
    png: pathlib.Path


def draw(reproduction: Reproduction, directory: pathlib.Path) -> tuple[Drawn, ...]:
    """Every figure of the experiment, in a directory that exists."""
    import matplotlib as mpl
    from matplotlib import pyplot

    drawn = []
    for number, figure in enumerate(reproduction.experiment.figures, 1):
        axes = _axes(reproduction, figure)
        canvas = axes.get_figure(root=True)
        assert canvas is not None
        stem = f"figure-{number}-{slug(figure.name or str(figure.options.get('name', figure.plot.__name__)))}"
        svg, png = directory / f"{stem}.svg", directory / f"{stem}.png"
        # the same run gives the same file
        with mpl.rc_context({"svg.hashsalt": stem}):
            canvas.savefig(svg, bbox_inches="tight", metadata={"Date": None})
        canvas.savefig(png, dpi=200, bbox_inches="tight")
        pyplot.close(canvas)
        drawn.append(Drawn(figure.caption, alternative(reproduction, figure, axes), svg, png))
    return tuple(drawn)


def _axes(reproduction: Reproduction, figure: Figure) -> "Axes":
    runs = reproduction.results.runs
    names = figure.arms or (tuple(runs) if figure.several else tuple(runs)[:1])
    if not figure.several:
        return figure.plot(runs[names[0]], **figure.options)
    options: dict[str, Any] = dict(figure.options)
    if "published" in inspect.signature(figure.plot).parameters and "published" not in options:
        options["published"] = _published(reproduction, figure, names)
    return figure.plot({name: runs[name] for name in names}, **options)


def _published(reproduction: Reproduction, figure: Figure, arms: tuple[str, ...]) -> dict[int, float]:
    """Numbers of the paper on the figure's axes: of one arm alone, so that they cannot be mistaken."""
    found: dict[int, float] = {}
    for check in reproduction.experiment.checks:
        if isinstance(check, Reading) and check.arm in arms and check.record == figure.options.get("name"):
            if check.published and check.relation == "=" and check.window is None and len(arms) == 1:
                found |= {t: value / check.scale for t, value in check.published.items()}
    return found


def alternative(reproduction: Reproduction, figure: Figure, axes: "Axes") -> str:
    """What the figure shows, in words and numbers: ends of its lines, and the law's."""
    runs, name = reproduction.results.runs, figure.options.get("name")
    told = [f"{axes.get_ylabel()} against {axes.get_xlabel()}."]
    if name is None:
        return " ".join([figure.caption, *told])
    cell = figure.options.get("cell") or {}
    for arm in (figure.arms or tuple(runs))[:MOST_TOLD]:
        run = runs[arm]
        own = {path: x for path, x in cell.items() if path in run.attributes["sweep"]}
        whole = name in run and set(own) == set(run.attributes["sweep"])
        if whole and not run[name].component_shape and run[name].kind in ("keep", "moments", "hitting_time"):
            told.append(_ends(arm, reproduction.results.curve(arm, name, own)))
    return " ".join([figure.caption, *told])


def _ends(arm: str, curve: Curve) -> str:
    first, last = curve.generations[[0, -1]]
    values = f"{shown(curve.seen[0], 3)} at generation {first}, {shown(curve.seen[-1], 3)} at {last}"
    law = curve.law
    known = law is not None and np.isfinite(law[-1])
    return f"{arm}: {values}" + (f", where the law says {shown(float(law[-1]), 3)}." if known else ".")  # type: ignore[index]
