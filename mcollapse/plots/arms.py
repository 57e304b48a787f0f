"""Several runs in one figure: the arms of an experiment, beside their laws and what a paper prints."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mcollapse.plots.lines import Line, law_curves, select_lines
from mcollapse.plots.marks import averaged, draw_law, draw_observed
from mcollapse.plots.quantities import quantity
from mcollapse.plots.scales import Scale, set_scales
from mcollapse.plots.style import COLOURS, DARK, MARKERS, add_legend, placed, shades
from mcollapse.recording import KeptEntry
from mcollapse.trajectories import Trajectories

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes


def arms(
    runs: Mapping[str, Trajectories],
    name: str,
    *,
    cell: Mapping[str, float] | None = None,
    component: int | None = None,
    published: Mapping[int, float] | None = None,
    scale: Scale | None = None,
    law: bool = True,
    ax: "Axes | None" = None,
) -> "Axes":
    """One record of several runs: means with two standard errors, exact laws dashed, published numbers open.

    Arguments:
        runs: trajectories by the name that the legend shows, all with this record.
        name: which record.
        cell: of sweeps, the value of each axis.
        component: of a metric with several values, which to draw.
        published: generation -> number, drawn as open diamonds.
        scale: of both axes; left out, logarithmic where values are positive over more than two decades.
        law: whether to draw what `mcollapse.theory` says.
        ax: where to draw; left out, a new figure.

    Raises:
        ValueError: there are no runs, or one leaves more than a line to draw.
    """
    if not runs:
        raise ValueError("there are no runs to draw")
    colours = COLOURS if len(runs) <= len(COLOURS) else shades(len(runs))
    lines = [
        dataclasses.replace(
            _only(run, name, label, cell or {}, component),
            label=label, colour=colour, marker=MARKERS[i % len(MARKERS)], alone=False,
        )
        for i, ((label, run), colour) in enumerate(zip(runs.items(), colours, strict=False))
    ]  # fmt: skip
    figure, ax = placed(ax)
    centres = [draw_observed(ax, line, law) for line in lines]
    if law:
        for run, line in zip(runs.values(), lines, strict=True):
            for curve in law_curves(run, name, line):
                draw_law(ax, curve)
    if published:
        t, values = zip(*sorted(published.items()), strict=True)
        style = {"markersize": 7, "markerfacecolor": "none", "markeredgecolor": DARK, "zorder": 4}
        ax.plot(t, values, "D", label="published", **style)
    ax.set_xlabel("generation")
    ax.set_ylabel(quantity(next(iter(runs.values())), name))
    longest = max((line.entry for line in lines), key=lambda entry: len(entry.generations))
    same = [c for c in centres if len(c) == len(longest.generations)]
    set_scales(ax, longest, np.stack(same), scale)
    add_legend(ax, averaged(lines[0].entry), figure)
    return ax


def _only(run: Trajectories, name: str, label: str, cell: Mapping[str, float], component: int | None) -> Line:
    found = select_lines(
        run, name, {p: x for p, x in cell.items() if p in run.attributes["sweep"]}, component
    )
    if len(found) != 1:
        raise ValueError(
            f"{label!r} has {len(found)} lines of {name!r}, and one of each run is drawn: fix its cell and "
            "component"
        )
    return found[0]


def paths(
    run: Trajectories,
    name: str,
    *,
    most: int = 25,
    scale: Scale | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Whole trajectories of a number, a thin line a replicate.

    Arguments:
        run: the trajectories.
        name: a record that keeps some of them, such as `reduce=mc.Keep(first=25)`.
        most: replicates drawn.
        scale: of both axes; left out, logarithmic where values are positive over more than two decades.
        ax: where to draw; left out, a new figure.

    Raises:
        ValueError: the record does not keep whole trajectories of a number.
    """
    entry = run[name]
    if not isinstance(entry, KeptEntry) or entry.values.ndim != 2:
        raise ValueError(f"{name!r} does not keep trajectories of one number: record it with mc.Keep()")
    figure, ax = placed(ax)
    drawn = entry.values[:most]
    lines = ax.plot(entry.generations, drawn.T, color=COLOURS[0], linewidth=0.8, alpha=0.6)
    lines[0].set_label(f"{len(drawn)} replicates")
    ax.set(xlabel="generation", ylabel=quantity(run, name))
    set_scales(ax, entry, drawn, scale)
    add_legend(ax, "", figure)
    return ax


def scatter(
    runs: Mapping[str, Trajectories],
    name: str,
    *,
    at: int,
    most: int = 1000,
    ax: "Axes | None" = None,
) -> "Axes":
    """One record of two runs with common keys against each other: a point a replicate, and the diagonal.

    Arguments:
        runs: two, by name; both keep whole trajectories of a number.
        name: which record.
        at: the generation.
        most: replicates drawn.
        ax: where to draw; left out, a new figure.

    Raises:
        ValueError: there are not two runs, or they do not keep whole trajectories.
    """
    if len(runs) != 2:
        raise ValueError(f"a scatter is of two runs, got {len(runs)}")
    sides = []
    for label, run in runs.items():
        entry = run[name]
        if not isinstance(entry, KeptEntry) or entry.values.ndim != 2:
            raise ValueError(
                f"{label!r} does not keep {name!r} whole, as one number: record it with mc.Keep()"
            )
        position = np.flatnonzero(entry.generations == at)
        if not position.size:
            raise ValueError(f"{label!r} has not recorded generation {at} of {name!r}")
        sides.append(entry.values[:most, position[0]])
    figure, ax = placed(ax)
    count = min(len(side) for side in sides)
    x, y = (side[:count] for side in sides)
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    ax.plot(ends, ends, "--", color=DARK, linewidth=1.1, label="equal")
    ax.plot(x, y, "o", color=COLOURS[0], markersize=3, alpha=0.5, label=f"{count:,} replicates")
    what = quantity(next(iter(runs.values())), name)
    ax.set(xlabel=f"{what}, {tuple(runs)[0]}", ylabel=f"{what}, {tuple(runs)[1]}", aspect="equal")
    add_legend(ax, f"generation {at}", figure)
    return ax
