"""Times of collapse: how many replicates have not crossed a threshold yet, and when the others did."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from mcollapse.plots.lines import Curve, Line, chosen_record, law_curves, one_line, select_lines
from mcollapse.plots.marks import draw_law
from mcollapse.plots.quantities import crossing, quantity
from mcollapse.plots.scales import Scale, check_scale, set_scales
from mcollapse.plots.style import COLOURS, DARK, STYLES, add_legend, label_axes, placed
from mcollapse.recording import HittingEntry
from mcollapse.trajectories import Trajectories

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes

CURE = "record it with reduce=mc.HittingTime(below=…) or (above=…)"
BARS = 30
"""About as many bars as a histogram of times has."""


def survival(
    run: Trajectories,
    name: str | None = None,
    *,
    ax: "Axes | None" = None,
    cell: Mapping[str, float] | None = None,
    component: int | Sequence[int] | None = None,
    level: float = 0.95,
    scale: Scale | None = None,
    law: bool = True,
) -> "Axes":
    """The share of replicates that have not crossed the threshold yet, with its law and bounds.

    Every replicate is followed to the run's end, so that the Kaplan-Meier estimate is this share; its band is
    the exact binomial (Clopper-Pearson) interval at each generation, which holds at shares of 0 and 1 too.

    Arguments:
        run: the trajectories.
        name: a record of hitting times; left out, the first.
        ax: where to draw; left out, a new figure.
        cell: of a sweep, values of its axes by path; one axis may stay free and becomes a line a value.
        component: of a metric with several values, which to draw.
        level: of the band.
        scale: "log" shows the tail; left out, linear.
        law: whether to draw what `mcollapse.theory` says.

    Raises:
        ValueError: the record holds no hitting times, or the lines are too many or do not exist.
    """
    check_scale(scale)
    name, lines = _chosen(run, name, cell, component, level)
    curves = [law_curves(run, name, line) if law else [] for line in lines]
    figure, ax = placed(ax)
    band = f"with {100 * level:g} % interval"
    shares = np.stack([_draw_share(ax, line, level, band, crossed=False) for line in lines])
    for curve in (curve for said in curves for curve in said):
        draw_law(ax, curve)
    label_axes(ax, "generation", quantity(run, name))
    set_scales(ax, lines[0].entry, shares, scale)
    if scale == "log":
        ax.set_xscale("linear")  # a tail that falls exponentially is a straight line
        ax.set_ylim(min(shares[shares > 0]) / 3, 1.5)
    add_legend(ax, "" if lines[0].alone else f"share of {_replicates(lines[0]):,} replicates {band}", figure)
    return ax


def collapse_times(
    run: Trajectories,
    name: str | None = None,
    *,
    ax: "Axes | None" = None,
    cell: Mapping[str, float] | None = None,
    component: int | Sequence[int] | None = None,
    cumulative: bool = False,
    bars: int = BARS,
    level: float = 0.95,
    law: bool = True,
) -> "Axes":
    """When replicates crossed the threshold: a histogram of the times, or their distribution function.

    Bars and the function have exact binomial (Clopper-Pearson) intervals; the exact law, where one is known,
    is summed over the same bars. The legend tells how many have not crossed, and the median.

    Arguments:
        run: the trajectories.
        name: a record of hitting times; left out, the first.
        ax: where to draw; left out, a new figure.
        cell: of a sweep, values of its axes by path; of a distribution function one axis may stay free.
        component: of a metric with several values, which to draw.
        cumulative: the distribution function, not the histogram.
        bars: of the histogram, about how many; each spans whole generations.
        level: of the intervals.
        law: whether to draw the exact law.

    Raises:
        ValueError: the record holds no hitting times, or the lines are too many or do not exist.
    """
    name, lines = _chosen(run, name, cell, component, level)
    if not cumulative:
        one_line(lines, "a histogram of times (cumulative=True draws several)")
    if bars < 1:
        raise ValueError(f"a histogram has at least one bar, got bars={bars!r}")
    curves = [
        [c for c in law_curves(run, name, line) if c.law.kind == "exact"] if law else [] for line in lines
    ]
    figure, ax = placed(ax)
    if cumulative:
        for line in lines:
            _draw_share(ax, line, level, f"with {100 * level:g} % interval", crossed=True)
        for curve in (curve for said in curves for curve in said):
            draw_law(ax, _complement(curve))
        ax.set_ylim(-0.03, 1.03)
    else:
        _draw_bars(ax, lines[0], curves[0], bars, level)
    if lines[0].alone:
        _mark_median(ax, lines[0])
    share = "share of replicates that have crossed" if cumulative else "share of replicates per generation"
    label_axes(ax, f"generation of the first crossing ({crossing(run, name)})", share)
    add_legend(ax, "" if lines[0].alone else f"{_replicates(lines[0]):,} replicates each", figure)
    return ax


def _chosen(
    run: Trajectories,
    name: str | None,
    cell: Mapping[str, float] | None,
    component: int | Sequence[int] | None,
    level: float,
) -> tuple[str, list[Line]]:
    if not 0 < level < 1:
        raise ValueError(f"level is a probability, such as 0.95, got {level!r}")
    name = chosen_record(run, name, HittingEntry, "times of collapse are drawn from hitting times", CURE)
    return name, select_lines(run, name, cell or {}, component)


def share_interval(count: np.ndarray, total: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Clopper and Pearson's interval of a probability, from so many of a total."""
    tail, k = (1.0 - level) / 2.0, np.asarray(count, np.float64)
    low = np.where(k > 0, special.betaincinv(np.maximum(k, 1), total - k + 1, tail), 0.0)
    high = np.where(k < total, special.betaincinv(k + 1, np.maximum(total - k, 1), 1.0 - tail), 1.0)
    return low, high


def _hits(line: Line) -> np.ndarray:
    assert isinstance(line.entry, HittingEntry)
    return line.entry.hits


def _replicates(line: Line) -> int:
    assert isinstance(line.entry, HittingEntry)
    return int(line.entry.replicates)


def _draw_share(ax: "Axes", line: Line, level: float, band: str, crossed: bool) -> np.ndarray:
    """Who has crossed, or has not, as steps with a band."""
    total, t = _replicates(line), line.entry.generations
    count = np.cumsum(_hits(line))
    count = count if crossed else total - count
    low, high = share_interval(count, total, level)
    what: dict[str, Any] = {"label": f"share of {total:,} replicates {band}"}
    if not line.alone:
        what: dict[str, Any] = {
            "label": line.label,
            "marker": line.marker,
            "markersize": 5,
            "markevery": 0.13,
        }
    ax.fill_between(t, low, high, step="post", color=line.colour, alpha=0.25, linewidth=0)
    style: Any = {"color": line.colour, "linewidth": 1.8, "drawstyle": "steps-post"}
    ax.plot(t, count / total, **(style | what))
    return count / total


def _draw_bars(ax: "Axes", line: Line, curves: list[Curve], bars: int, level: float) -> None:
    hits, total = _hits(line), _replicates(line)
    crossed = np.flatnonzero(hits)
    last = int(crossed[-1]) if crossed.size else len(hits) - 1
    width = math.ceil((last + 1) / bars)
    edges = np.arange(0, (last // width + 1) * width + 1, width)
    edges[-1] = min(edges[-1], len(hits))  # the last bar ends with the run
    count, spans = np.add.reduceat(hits, edges[:-1]), np.diff(edges)
    low, high = share_interval(count, total, level)
    share, middle = count / total, edges[:-1] + spans / 2 - 0.5
    missing = 1.0 - hits.sum() / total
    label = f"{total:,} replicates\n({100 * missing:.3g} % not crossed by generation {len(hits) - 1})"
    style: Any = {"color": COLOURS[0], "alpha": 0.35, "edgecolor": COLOURS[0], "linewidth": 0.8}
    ax.bar(middle, share / spans, width=spans, label=label, **style)
    ax.errorbar(
        middle, share / spans, ((share - low) / spans, (high - share) / spans), linestyle="none",
        color=COLOURS[0], capsize=1.5, linewidth=1.0, label=f"{100 * level:g} % interval",
    )  # fmt: skip
    for curve in curves:
        left = np.concatenate([[1.0], curve.values])  # P(tau > t) at t = -1, 0, 1, …
        chance = (left[edges[:-1]] - left[edges[1:]]) / spans
        # a step a bar: the law of what the bar counts
        bounds = np.repeat(edges - 0.5, 2)[1:-1]
        steps = dataclasses.replace(curve, generations=bounds, values=np.repeat(chance, 2), steps=False,
                                    lower=None, upper=None)  # fmt: skip
        draw_law(ax, steps)
    ax.set_xlim(-0.5 - 0.02 * edges[-1], edges[-1] - 0.5 + 0.02 * edges[-1])
    ax.set_ylim(bottom=0.0)


def _complement(curve: Curve) -> Curve:
    lower, upper = (None if side is None else 1.0 - side for side in (curve.upper, curve.lower))
    return dataclasses.replace(curve, values=1.0 - curve.values, lower=lower, upper=upper)


def _mark_median(ax: "Axes", line: Line) -> None:
    assert isinstance(line.entry, HittingEntry)
    median = float(line.entry.median)
    if math.isfinite(median):
        style = STYLES["asymptotic"]
        ax.axvline(
            median, color=DARK, linewidth=0.9, linestyle=style, label=f"median: generation {median:.0f}"
        )
