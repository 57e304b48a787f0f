"""A mean against a number that was swept, with the place where it is least."""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mcollapse import theory
from mcollapse.plots.lines import chosen_record
from mcollapse.plots.marks import law_name
from mcollapse.plots.quantities import axis_label, number, quantity, short_name
from mcollapse.plots.style import COLOURS, DARK, MARKERS, STYLES, add_legend, label_axes, placed, shades
from mcollapse.predicting import predictions
from mcollapse.rates import BLOCKS, jackknife, lowest, near_lowest
from mcollapse.recording import KeptEntry, MeanEntry
from mcollapse.sweeping import chosen_cells
from mcollapse.trajectories import Trajectories

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes

FINE = 40
"""Values at which a law is drawn."""


@dataclasses.dataclass(frozen=True)
class _Curve:
    """Means along the axis in one value of the other axis."""

    cell: dict[str, float]
    places: np.ndarray
    values: np.ndarray | None
    """Of each replicate, `[replicate, place]`."""
    mean: np.ndarray
    error: np.ndarray


def optimum(
    run: Trajectories,
    name: str | None = None,
    *,
    along: str | None = None,
    at: int | None = None,
    ax: "Axes | None" = None,
    cell: Mapping[str, float] | None = None,
    law: bool = True,
) -> "Axes":
    """A mean over replicates against a number that was swept, such as the weight w, and where it is least.

    Marks are means with two standard errors. The least of a cubic through the logarithms of the lowest mean
    and up to three on either side is marked by a star; where whole trajectories were kept, with two standard
    errors on either side, from a jackknife over replicates, which the cells share. The exact law is drawn
    between the values too, with a dashed line where it is least.

    Arguments:
        run: a sweep.
        name: a record that has means; left out, the first.
        along: the path of the horizontal axis; left out, the weight, or the first axis that is free.
        at: the generation; left out, the last that was recorded.
        ax: where to draw; left out, a new figure.
        cell: values of the other axes; one may stay free and becomes a line a value.
        law: whether to draw the exact law.

    Raises:
        ValueError: the run is no sweep, the record has no scalar mean, or the axes are too many.
    """
    cure = "record it with reduce=mc.Moments() or mc.Keep()"
    name = chosen_record(run, name, MeanEntry, "an optimum is that of means", cure)
    along = _along(run, along, cell or {})
    curves, generation = _curves(run, name, along, at, cell or {})
    figure, ax = placed(ax)
    alone = len(curves) == 1
    laws: dict[str, theory.Law] = {}
    for i, (curve, colour) in enumerate(zip(curves, _colours(len(curves)), strict=True)):
        found = _law(run, name, along, curve, generation) if law else None
        _draw(ax, curve, colour, MARKERS[i % len(MARKERS)], along, alone, found)
        if found is not None:
            laws[found[2].name] = found[2]
    for one in laws.values():
        ax.plot([], [], STYLES["exact"], color=DARK, linewidth=1.3, label=law_name(one))
    label_axes(ax, axis_label(along), f"{quantity(run, name)} at generation {generation}")
    means = np.concatenate([curve.mean for curve in curves])
    if np.all(means > 0) and means.max() > 10 * means.min():
        ax.set_yscale("log")
    count = len(curves[0].values) if curves[0].values is not None else run.replicates
    add_legend(ax, f"mean of {count:,} replicates ± 2 s.e.; least at ☆", figure)
    return ax


def _along(run: Trajectories, along: str | None, cell: Mapping[str, float]) -> str:
    sweep = run.attributes["sweep"]
    if not sweep:
        raise ValueError(
            "this run is no sweep, so that nothing varies: run mc.sweep(…, "
            'over={"estimator.weight": [0.3, 0.5, 0.7]}) instead of mc.simulate'
        )
    free = [path for path in sweep if path not in cell]
    if along is None and free:
        weights = [path for path in free if short_name(path) == "weight"]
        along = (weights or free)[0]
    if along is None or along not in free:
        raise ValueError(
            f"along is an axis of the sweep that is free ({', '.join(free) or 'none is'}), got {along!r}"
        )
    return along


def _curves(
    run: Trajectories, name: str, along: str, at: int | None, cell: Mapping[str, float]
) -> tuple[list[_Curve], int]:
    """One for each value of the axis that is free besides `along`, and the generation."""
    entry, sweep = run[name], run.attributes["sweep"]
    assert isinstance(entry, MeanEntry)
    if entry.component_shape:
        raise ValueError(
            f"{name!r} has components of shape {entry.component_shape}, and an optimum is that of one number"
        )
    recorded = entry.generations.tolist()
    generation = recorded[-1] if at is None else at
    if generation not in recorded:
        near = recorded[int(np.argmin(np.abs(entry.generations - generation)))]
        raise ValueError(f"{name!r} is not recorded at generation {generation}; the nearest is at={near}")
    place, axis = recorded.index(generation), list(sweep).index(along)
    curves = []
    for index in chosen_cells(sweep, {**cell, along: sweep[along][0]}):
        line = tuple(slice(None) if i == axis else k for i, k in enumerate(index))
        values = None
        if isinstance(entry, KeptEntry):
            values = np.asarray(entry.values[:, *line, place], np.float64)
        own = {path: sweep[path][k] for path, k in zip(sweep, index, strict=True) if path != along}
        own = dict(sorted(own.items(), key=lambda item: item[0] not in cell))  # what is free names the line
        curves.append(
            _Curve(own, np.asarray(sweep[along], np.float64), values, entry.mean[(*line, place)],
                   entry.standard_error[(*line, place)])
        )  # fmt: skip
    return curves, int(generation)


def _colours(count: int) -> list[Any]:
    return [COLOURS[0]] if count == 1 else shades(count)


def _draw(
    ax: "Axes",
    curve: _Curve,
    colour: Any,
    marker: str,
    along: str,
    alone: bool,
    law: tuple[np.ndarray, np.ndarray, theory.Law] | None,
) -> None:
    order = np.argsort(curve.places)
    x, mean, error = curve.places[order], curve.mean[order], curve.error[order]
    best, spread = _best(x, mean, None if curve.values is None else curve.values[:, order])
    short = short_name(along)
    told = [_told(short, x, mean, best, spread)]
    if law is not None:
        fine, values, _ = law
        ax.plot(fine, values, STYLES["exact"], color=DARK if alone else colour, linewidth=1.3, zorder=1.5)
        lowest_place = _fine_lowest(fine, values)
        if lowest_place is not None:
            told.append(f"law {_rounded(lowest_place, spread).split(' ±')[0]}")
            ax.axvline(lowest_place, color=DARK, linestyle=STYLES["exact"], linewidth=0.8, zorder=0.7)
    if not alone:
        (path, value), *_ = [*curve.cell.items()][-1:]
        told[0] = f"{short_name(path)} = {number(value)}:\n{told[0]}"
    style: dict[str, Any] = {"linestyle": "none", "marker": marker, "markersize": 4.5, "color": colour}
    ax.errorbar(x, mean, 2 * error, capsize=2, zorder=3, **style)
    ax.plot([], [], label=", ".join(told), **style)
    if math.isfinite(best):
        height = float(np.exp(np.interp(best, x, np.log(mean))))
        ax.plot(best, height, "*", color=colour, markeredgecolor=DARK, markersize=12, zorder=5)
        if spread is not None:
            ax.axvspan(best - 2 * spread, best + 2 * spread, color=colour, alpha=0.2, linewidth=0, zorder=0.5)


def _told(short: str, x: np.ndarray, mean: np.ndarray, best: float, spread: float | None) -> str:
    """Where the means are least, in words."""
    if math.isfinite(best):
        return f"least at {short} {_rounded(best, spread)}"
    place = int(np.argmin(mean))
    where = "at the end of what was swept" if place in (0, len(x) - 1) else "of the values swept"
    return f"least {where}, {short} {number(x[place])}"


def _best(x: np.ndarray, mean: np.ndarray, values: np.ndarray | None) -> tuple[float, float | None]:
    """Where the means are least, NaN where no cubic tells, and the standard error where it is known."""
    if not np.all(np.isfinite(mean)) or not np.all(mean > 0):
        return math.nan, None
    around = near_lowest(mean)
    if around is None:
        return math.nan, None
    best = lowest(x[around], mean[around])
    if not x[around][0] <= best <= x[around][-1]:
        return math.nan, None
    if values is None or len(values) < BLOCKS or not np.all(np.isfinite(values)):
        return best, None
    kept = values[:, around]
    best, spread = jackknife(kept, lambda means: lowest(x[around], means) if np.all(means > 0) else math.nan)
    return best, spread if math.isfinite(spread) else None


def _rounded(value: float, error: float | None) -> str:
    if error is None or not error > 0:
        return number(float(f"{value:.4g}"))
    digits = int(np.clip(np.ceil(-np.log10(error)), 1, 8))
    return f"{value:.{digits}f} ± {error:.{digits}f}".replace("-", "−")


def _law(
    run: Trajectories, name: str, along: str, curve: _Curve, generation: int
) -> tuple[np.ndarray, np.ndarray, theory.Law] | None:
    """Places, values and card of the exact law of the mean, in all places or nowhere."""
    if "difference_of" in run.attributes:
        return None
    places, found = _law_places(curve.places), []
    at = run[name].generations.tolist().index(generation)
    for place in places:
        cell = {**curve.cell, along: float(place)}
        said = [p for p in predictions(run, name, cell) if p.law.kind == "exact" and p.statistic == "mean"]
        said = [p for p in said if p.sharp[at]]
        if not said:
            return None
        found.append(said[0])
    return places, np.array([p.values[at] for p in found]), found[0].law


def _law_places(places: np.ndarray) -> np.ndarray:
    """Between the values too, unless they are counts."""
    if np.all(places == np.round(places)):
        return np.sort(places)
    return np.union1d(places, np.linspace(places.min(), places.max(), FINE))


def _fine_lowest(x: np.ndarray, values: np.ndarray) -> float | None:
    """The vertex of a parabola through the lowest value and its neighbours."""
    i = int(np.argmin(values))
    if not 0 < i < len(x) - 1 or not np.all(np.isfinite(values[i - 1 : i + 2])):
        return None
    square, linear, _ = np.polyfit(x[i - 1 : i + 2] - x[i], values[i - 1 : i + 2], 2)
    return float(x[i] - linear / (2 * square))
