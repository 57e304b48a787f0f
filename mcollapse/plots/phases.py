"""Phase maps: in which cells of a sweep a risk improves, plateaus or collapses."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mcollapse.definitions import Thresholds
from mcollapse.fates import OUTCOMES, Fates, fates
from mcollapse.plots.quantities import axis_label, number, quantity
from mcollapse.plots.style import DARK, add_legend, label_axes, placed
from mcollapse.sweeping import chosen_cells
from mcollapse.trajectories import Trajectories

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes

LOOKS = {
    "improves": ("#d6e9f5", "v", "improvement"),
    "plateaus": ("#8fb8d6", "s", "plateau"),
    "collapses": ("#b5532a", "^", "collapse"),
    "undecided": ("#ffffff", "x", "undecided: needs more replicates,\nor rare ones carry the mean"),
}
"""Colour, mark and word of each outcome; from light to dark in grey too."""
MOST_TICKS = 9


def phases(
    run: Trajectories,
    name: str | None = None,
    *,
    x: str | None = None,
    y: str | None = None,
    ax: "Axes | None" = None,
    cell: Mapping[str, float] | None = None,
    thresholds: Thresholds | None = None,
    law: bool = True,
) -> "Axes":
    """A map of two axes of a sweep: improvement, plateau or collapse, as `mcollapse.fates` reads them.

    Cells are as large as each other, whatever their values. Dashed lines part the cells that differ by the
    exact law, read in the same way. What is undecided needs more replicates, or its mean is carried by rare
    ones.

    Arguments:
        run: a sweep over at least two numbers.
        name: a record of a risk, with means; left out, the first.
        x: path of the horizontal axis; left out, the last that is free.
        y: path of the vertical axis; left out, the first that is free.
        ax: where to draw; left out, a new figure.
        cell: values of the other axes.
        thresholds: from where on a risk grows.
        law: whether to draw the lines of the exact law.

    Raises:
        ValueError: the sweep has not two free axes, or the record is no risk with means.
    """
    x, y = _axes(run, x, y, cell or {})
    found = fates(run, name, thresholds=thresholds, law=law)
    (index,) = chosen_cells(run.attributes["sweep"], {**(cell or {}), **_firsts(run, x, y)}, free=0)
    outcome, expected = (_plane(found, array, index, x, y) for array in (found.outcome, found.law))
    assert outcome is not None
    values = [np.asarray(run.attributes["sweep"][path], np.float64) for path in (x, y)]
    across, up = (np.argsort(v) for v in values)
    outcome = outcome[np.ix_(up, across)]
    figure, ax = placed(ax)
    _draw(ax, outcome)
    if expected is not None and np.all(expected >= 0):
        _draw_borders(ax, expected[np.ix_(up, across)])
    for axis, listed in ((ax.xaxis, values[0][across]), (ax.yaxis, values[1][up])):
        shown = np.arange(0, len(listed), -(-len(listed) // MOST_TICKS))
        axis.set_ticks(shown, [number(listed[i]) for i in shown])
    label_axes(ax, axis_label(x), axis_label(y))
    first, middle, last = found.generations
    what = quantity(run, found.record)
    add_legend(ax, f"{what},\ngenerations {middle} to {last}, and {last} against {first}", figure)
    return ax


def _axes(run: Trajectories, x: str | None, y: str | None, cell: Mapping[str, float]) -> tuple[str, str]:
    sweep = run.attributes["sweep"]
    free = [path for path in sweep if path not in cell]
    for path in (x, y):
        if path is not None and path not in free:
            raise ValueError(f"{path!r} is no free axis of this run; free are {', '.join(free) or 'none'}")
    others = [path for path in free if path not in (x, y)]
    y = y or (others.pop(0) if others else None)
    x = x or (others.pop() if others else None)
    if x is None or y is None or x == y:
        raise ValueError(
            f"a phase map has two axes, and free are {', '.join(free) or 'none'}: run mc.sweep with "
            'over={"source.real_share.exponent": […], "sizes.exponent": […]}, or draw one axis with '
            "plots.optimum"
        )
    if others:
        example = {path: sweep[path][0] for path in others}
        raise ValueError(
            f"a phase map has two axes, and {len(free)} are free: fix the rest, with cell={example}"
        )
    return x, y


def _firsts(run: Trajectories, x: str, y: str) -> dict[str, float]:
    return {path: run.attributes["sweep"][path][0] for path in (x, y)}


def _plane(
    found: Fates, array: np.ndarray | None, index: tuple[int, ...], x: str, y: str
) -> np.ndarray | None:
    """`[y, x]` of an array over all axes."""
    if array is None:
        return None
    place: Any = tuple(
        slice(None) if path in (x, y) else k for path, k in zip(found.axes, index, strict=True)
    )
    plane = array[place]
    return plane if found.axes.index(y) < found.axes.index(x) else plane.T


def _draw(ax: "Axes", outcome: np.ndarray) -> None:
    """Cells in their colours and with a mark each, so that they differ without colours too."""
    from matplotlib.colors import ListedColormap

    colours = ListedColormap([LOOKS[word][0] for word in OUTCOMES])
    rows, columns = outcome.shape
    sides = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    style: dict[str, Any] = {"cmap": colours, "vmin": -0.5, "vmax": len(OUTCOMES) - 0.5}
    ax.pcolormesh(*sides, outcome, edgecolors="white", linewidth=0.8, **style)
    for code, word in enumerate(OUTCOMES):
        up, across = np.nonzero(outcome == code)
        if not up.size:
            continue
        colour, marker, label = LOOKS[word]
        edge = "white" if word == "collapses" else DARK
        size = 5.0 if max(rows, columns) <= 12 else 3.0
        face = "none" if marker != "x" else edge
        ax.plot(across, up, marker, color=edge, markerfacecolor=face, markersize=size, linestyle="none")
        key: dict[str, Any] = {"markerfacecolor": colour if marker != "x" else DARK, "markeredgecolor": DARK}
        ax.plot([], [], marker, markersize=8, linestyle="none", label=label, **key)
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(-0.5, rows - 0.5)


def _draw_borders(ax: "Axes", expected: np.ndarray) -> None:
    """Dashed along the sides of cells that the law tells apart."""
    style: dict[str, Any] = {"color": DARK, "linestyle": "--", "linewidth": 1.6}
    across, up = [], []
    for row, column in zip(*np.nonzero(expected[:, 1:] != expected[:, :-1]), strict=True):
        across += [column + 0.5, column + 0.5, np.nan]
        up += [row - 0.5, row + 0.5, np.nan]
    for row, column in zip(*np.nonzero(expected[1:] != expected[:-1]), strict=True):
        across += [column - 0.5, column + 0.5, np.nan]
        up += [row + 0.5, row + 0.5, np.nan]
    ax.plot(across, up, label="border by the exact law", **style)
