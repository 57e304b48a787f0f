"""Rates: means in log-log coordinates with the line that is fitted to them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mcollapse import rates
from mcollapse.plots.lines import chosen_record, law_curves, select_lines
from mcollapse.plots.marks import draw_law
from mcollapse.plots.quantities import quantity
from mcollapse.plots.scales import plain_ticks
from mcollapse.plots.style import add_legend, label_axes, placed
from mcollapse.recording import KeptEntry
from mcollapse.trajectories import Trajectories

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes

POINTS = 24
"""About as many means as are marked."""


def rate(
    run: Trajectories,
    name: str | None = None,
    *,
    window: tuple[int, int] | None = None,
    shift: float = 0.0,
    ax: "Axes | None" = None,
    cell: Mapping[str, float] | None = None,
    component: int | Sequence[int] | None = None,
    level: float = 0.95,
    law: bool = True,
) -> "Axes":
    """Means over replicates on logarithmic axes, the fitted line of each with its slope, and the exact law.

    Marks are means with two standard errors, a solid line is the fit over its window (`run.rate` gives the
    numbers), and the legend tells its slope, with the interval of a jackknife over replicates, and the slope
    of the exact law over the same window.

    Arguments:
        run: the trajectories.
        name: a record that kept whole trajectories; left out, the first that did.
        window: first and last generation of the fit; left out, the run's last decade.
        shift: what is added to generations, such as 1 where the number of fits counts.
        ax: where to draw; left out, a new figure.
        cell: of a sweep, values of its axes by path; one axis may stay free and becomes a line a value.
        component: of a metric with several values, which to draw.
        level: of the intervals.
        law: whether to draw the exact law.

    Raises:
        ValueError: the record keeps no trajectories or has no rate, or the lines are too many.
    """
    cure = "record it with reduce=mc.Keep(): the interval is one over replicates"
    name = chosen_record(run, name, KeptEntry, "a rate is fitted to whole trajectories", cure)
    lines = select_lines(run, name, cell or {}, component)
    fits = [
        rates.rate(
            run, name, window=window, shift=shift, cell=line.cell, component=line.component, level=level
        )
        for line in lines
    ]
    figure, ax = placed(ax)
    curves = []
    for line, fit in zip(lines, fits, strict=True):
        entry = line.entry
        assert isinstance(entry, KeptEntry)
        at = entry.generations + shift
        shown = _spread(at, entry.mean)
        told = _told(fit, law, "" if line.alone else line.label)
        style = {"color": line.colour, "marker": line.marker, "markersize": 4.5}
        ax.errorbar(
            at[shown], entry.mean[shown], 2 * entry.standard_error[shown], linestyle="none", capsize=2,
            markerfacecolor="white", **style,
        )  # fmt: skip
        ends = np.array(fit.window)
        ax.plot(ends + shift, fit.values(ends), color=line.colour, linewidth=1.6)
        # in the legend both are one
        ax.plot([], [], linewidth=1.6, markerfacecolor="white", label=told, **style)
        curves += [c for c in law_curves(run, name, line) if c.law.kind == "exact"] if law else []
    for curve in curves:
        draw_law(ax, curve.at((curve.values > 0) & (curve.generations + shift > 0), shift))
    ax.set_xscale("log")
    ax.set_yscale("log")
    plain_ticks(ax)
    label_axes(ax, f"generation + {shift:g}" if shift else "generation", quantity(run, name))
    first, last = fits[0].window
    slopes = "slope" if len(fits) == 1 else "slopes"
    title = (
        f"mean of {len(run[name].values):,} replicates ± 2 s.e.;\n"  # type: ignore[attr-defined]
        f"{slopes} in generations {first} to {last}, {100 * level:g} % interval"
    )
    add_legend(ax, title, figure)
    return ax


def _spread(at: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Places with positive means, about equally far from each other on a logarithmic axis."""
    good = np.flatnonzero((at > 0) & (mean > 0))
    if len(good) <= POINTS:
        return good
    wanted = np.geomspace(at[good[0]], at[good[-1]], POINTS)
    return np.unique(good[np.argmin(np.abs(at[good][:, None] - wanted), axis=0)])


def _told(fit: rates.Rate, law: bool, what: str) -> str:
    """Two short lines for the legend: nothing is as long as a column is wide."""
    if what == "_":  # of many lines only some are named
        return what
    low, high = fit.interval
    digits = int(np.clip(np.ceil(-np.log10(max(fit.standard_error, 1e-6))), 2, 6))
    known = f"; law {fit.law_slope:.{digits}f}" if fit.law and law else ""
    rare = "\ncarried by rare replicates: do not trust" if fit.heavy else ""
    name = f"{what}: " if what else ""
    text = f"{name}slope {fit.slope:.{digits}f}\n({low:.{digits}f} to {high:.{digits}f}{known}){rare}"
    return text.replace("-", "−")
