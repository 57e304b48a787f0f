"""Linear or logarithmic axes, chosen by what is drawn."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from mcollapse.recording import Entry, HittingEntry

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes

Scale = Literal["linear", "log"]
DECADES = 100.0
"""Positive values that span more than this ratio are drawn on logarithmic axes."""


def check_scale(scale: Scale | None) -> None:
    """Refuse a scale that there is not."""
    if scale not in (None, "linear", "log"):
        raise ValueError(f'scale is "linear" or "log", got {scale!r}')


def set_scales(ax: "Axes", entry: Entry, centres: np.ndarray, scale: Scale | None) -> None:
    """Logarithmic axes where they are asked for, or where they show more than linear ones."""
    hitting = isinstance(entry, HittingEntry)
    steep = not hitting and _spans_decades(entry.generations, centres)
    if scale == "log" and not np.any(centres > 0):
        raise ValueError('scale="log" needs positive values, and there are none here: use scale="linear"')
    if scale == "log" or (scale is None and steep):
        ax.set_yscale("log")
        _hide_nonpositive(ax)
    elif hitting:
        ax.set_ylim(-0.03, 1.03)
    if scale == "log" or (scale is None and (steep or _log_spaced(entry.generations))):
        _set_generations_log(ax, entry.generations)


def _spans_decades(generations: np.ndarray, centres: np.ndarray) -> bool:
    # the error of a start at the truth is an exact zero at generation 0, which decides nothing
    values = centres[:, generations > 0]
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() > 0 and values.max() > DECADES * values.min())


def _hide_nonpositive(ax: "Axes") -> None:
    """Leave out, and say so, what a logarithmic axis would draw as a fall to the bottom."""
    for line in ax.get_lines():
        values = np.asarray(line.get_ydata(), np.float64)
        if np.any(values <= 0):
            line.set_ydata(np.where(values > 0, values, np.nan))
            ax.set_xlabel("generation (values of 0 are not shown)")


def _log_spaced(generations: np.ndarray) -> bool:
    gaps = np.diff(generations)
    return len(gaps) > 2 and gaps[-1] > 3 * gaps[0]


def _set_generations_log(ax: "Axes", generations: np.ndarray) -> None:
    """A logarithmic axis on which generation 0 has a place of its own, left of 1."""
    from matplotlib.ticker import FuncFormatter

    if generations[0] > 0:
        ax.set_xscale("log")
    else:
        ax.set_xscale("symlog", linthresh=1, linscale=0.4, subs=range(2, 10))
        ax.set_xlim(left=-0.2)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{t:,.0f}"))


def plain_ticks(ax: "Axes") -> None:
    """Whole generations on a logarithmic axis as they are, 100 and not 10²."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    low, high = ax.get_xlim()
    ax.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{t:,g}"))
    # within a decade the main ticks are too few to read a place off
    few = FuncFormatter(lambda t, _: f"{t:,g}" if f"{t:e}"[0] in "25" else "")
    ax.xaxis.set_minor_formatter(few if high < 30 * low else NullFormatter())
