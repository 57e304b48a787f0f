"""Lines, bands and laws on axes."""

import dataclasses
import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mcollapse import theory
from mcollapse.plots.lines import Curve, Line
from mcollapse.plots.style import BOUNDS, COLOURS, DARK, STYLES, lighter
from mcollapse.recording import Entry, HistogramEntry, HittingEntry, KeptEntry, MeanEntry, QuantilesEntry
from mcollapse.theory.law import closed

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes


def draw_observed(ax: "Axes", line: Line, law_of_mean: bool) -> np.ndarray:
    """The line with its spread; returns the means, by which scales are chosen."""
    entry = line.entry
    if isinstance(entry, HittingEntry):
        return _draw_survival(ax, entry, line)
    if isinstance(entry, HistogramEntry):
        return _draw_density(ax, entry)
    if isinstance(entry, QuantilesEntry):
        return draw_fan(ax, entry, line) if line.alone else _draw_median(ax, entry, line)
    assert isinstance(entry, MeanEntry)
    if not (line.alone and isinstance(entry, KeptEntry)):
        return _draw_mean(ax, entry, line)
    draw_fan(ax, entry, line)
    if law_of_mean:
        draw_mean_in_fan(ax, entry, line)
    return entry.mean


def draw_mean_in_fan(ax: "Axes", entry: KeptEntry, line: Line) -> None:
    """The mean, in a colour of its own and with marks."""
    _draw_mean(ax, entry, dataclasses.replace(line, colour=COLOURS[1]), marker="s", markevery=0.13)


def draw_fan(
    ax: "Axes", entry: KeptEntry | QuantilesEntry, line: Line, levels: Sequence[float] = (0.5, 0.9)
) -> np.ndarray:
    """The median, and bands that hold these shares of the replicates; returns the median."""
    inner = sorted(levels)
    sides = [(1 - level) / 2 for level in inner] + [(1 + level) / 2 for level in inner]
    with np.errstate(invalid="ignore"):  # between two infinite values lies no quantile
        median, *edges = entry.quantile([0.5, *sides])
    t, number = (
        entry.generations,
        f"{len(entry.values):,}" if isinstance(entry, KeptEntry) else _replicates(entry),
    )
    ax.plot(t, median, color=line.colour, linewidth=1.8, label=f"median of {number} replicates")
    for i, (level, low, high) in enumerate(zip(inner, edges, edges[len(inner) :], strict=False)):
        colour = lighter(line.colour, 0.45 * (1 - i / (len(inner) + 0.5)))
        label = f"middle {100 * level:g} %"
        ax.fill_between(t, low, high, color=colour, linewidth=0, zorder=1 - 0.1 * i / len(inner), label=label)
    return median


def _draw_median(ax: "Axes", entry: QuantilesEntry, line: Line) -> np.ndarray:
    median, (low, high) = entry.median, entry.interval(0.5)
    known = np.isfinite(low) & np.isfinite(high)  # too few replicates have no interval
    ax.fill_between(entry.generations, low, high, where=known, color=line.colour, alpha=0.25, linewidth=0)
    ax.plot(entry.generations, median, color=line.colour, linewidth=1.8, **_identity(line))
    return median


def _draw_density(ax: "Axes", entry: HistogramEntry) -> np.ndarray:
    """Shades of the density over generations; returns means of what is inside positive edges."""
    t = np.asarray(entry.generations, float)
    between = (t[1:] + t[:-1]) / 2
    sides = np.concatenate([[t[0] - 0.5], between, [t[-1] + 0.5]])
    density = np.ma.masked_equal(entry.density.T, 0.0)
    mesh = ax.pcolormesh(sides, entry.edges, density, cmap="Blues", rasterized=True)
    ax.figure.colorbar(mesh, ax=ax, label=f"density over {_replicates(entry)} replicates")
    middle = (entry.edges[1:] + entry.edges[:-1]) / 2
    inside = np.maximum(entry.counts.sum(axis=-1), 1)
    return entry.counts @ middle / inside if entry.edges[0] > 0 else np.full(len(t), np.nan)


def _draw_mean(ax: "Axes", entry: MeanEntry, line: Line, **style: Any) -> np.ndarray:
    t, mean, error = entry.generations, entry.mean, 2 * entry.standard_error
    mean = np.where(entry.count > 0, mean, np.nan)  # without a finite replicate there is no mean
    ax.fill_between(t, mean - error, mean + error, color=line.colour, alpha=0.25, linewidth=0)
    ax.plot(t, mean, color=line.colour, linewidth=1.8, **(_identity(line) | style))
    rare = entry.heavy & np.isfinite(mean)
    if rare.any() and not line.share:  # a small share is carried by few replicates, and yet is what it is
        label = "carried by rare replicates: do not trust" if line.alone else "_"
        ax.plot(t[rare], mean[rare], "o", color=line.colour, markerfacecolor="white", label=label)
    return mean


def _draw_survival(ax: "Axes", entry: HittingEntry, line: Line) -> np.ndarray:
    t, share, error = entry.generations, 1.0 - entry.probability, 2 * entry.standard_error
    ax.fill_between(t, share - error, share + error, step="post", color=line.colour, alpha=0.25, linewidth=0)
    ax.plot(t, share, color=line.colour, linewidth=1.8, drawstyle="steps-post", **_identity(line))
    return share


def _identity(line: Line) -> dict[str, Any]:
    """Label and marker; of several lines the legend's title says what they are."""
    if line.alone:
        return {"label": averaged(line.entry)}
    return {"label": line.label, "marker": line.marker, "markersize": 5, "markevery": 0.13}


def draw_law(ax: "Axes", curve: Curve) -> None:
    """The curve in its law's style, once in the legend; of what is only known to lie between, the bracket."""
    label, handles = law_name(curve.law), dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    style = {"color": DARK, "linewidth": curve.width, "drawstyle": "steps-post" if curve.steps else "default"}
    if label in handles:
        style |= _marker(getattr(handles[label], "get_marker", lambda: "None")())
        label = "_"  # one law of several lines is named once
    elif curve.law.kind in BOUNDS:
        drawn = sum(text.startswith(curve.law.kind) for text in handles)
        style |= _marker(BOUNDS[curve.law.kind][drawn % 3])
    values = curve.values
    if curve.lower is not None and curve.upper is not None:
        values = np.where(closed(curve.lower, curve.upper), values, np.nan)
        ax.fill_between(curve.generations, curve.lower, curve.upper, color=DARK, alpha=0.15, linewidth=0)
    ax.plot(curve.generations, values, STYLES[curve.law.kind], label=label, zorder=3, **style)


def _marker(marker: Any) -> dict[str, Any]:
    return {"marker": marker, "markersize": 4.5, "markerfacecolor": "none", "markevery": 0.15}


def averaged(entry: Entry) -> str:
    """What a line is of: how many replicates, and what the band around it means."""
    if isinstance(entry, HittingEntry):
        return f"share of {int(np.max(entry.replicates)):,} replicates ± 2 s.e."
    if isinstance(entry, QuantilesEntry):
        return f"median of {_replicates(entry)} replicates with its 95 % interval"
    return f"mean of {_replicates(entry)} replicates ± 2 s.e."


def _replicates(entry: Entry) -> str:
    """How many replicates, where they differ the least and the most."""
    assert isinstance(entry, MeanEntry | QuantilesEntry | HistogramEntry)
    most, least = int(np.max(entry.count)), int(np.min(entry.count))
    return f"{most:,}" if most == least else f"{least:,} to {most:,} finite"


def law_name(law: theory.Law) -> str:
    """Kind and name of a law, and below them where it comes from."""
    kind = {"exact": "exact law", "asymptotic": "asymptotic law"}.get(law.kind, law.kind)
    return f"{kind}: {law.name}\n" + textwrap.fill(f"({_citation(law.source)})", 44)


def _citation(source: str) -> str:
    """Authors and year: "Bakshi & Chakraborty, 2026, arXiv …" as "Bakshi, Chakraborty 2026"."""
    found = re.match(r"(?:derived, )?(.*?),? (\d{4})\b", source)
    if not found:
        return source
    authors = re.split(r", | & ", found[1])
    return f"{', '.join(authors) if len(authors) < 3 else f'{authors[0]} et al.'} {found[2]}"
