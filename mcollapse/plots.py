"""Figures: what a run recorded, with its spread, beside what theory says of the same quantity.

Colours are those of Okabe and Ito, which colour-blind eyes tell apart; the values of a sweep go from
dark to light. What is observed is solid, exact laws are dashed and bounds dotted, so that a figure
survives a printer without colours. Matplotlib is imported when something is drawn and not before.
"""

import dataclasses
import itertools
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mcollapse import theory
from mcollapse.metrics import Above
from mcollapse.predicting import absorbing, predictions
from mcollapse.recording import Entry, HittingEntry, HittingTime, KeptEntry, MeanEntry, MomentsEntry, Record
from mcollapse.trajectories import Trajectories
from mcollapse.verdicts import INDICATORS

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Scale = Literal["linear", "log"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "os^DvX"
DARK = "#1a1a1a"
BOUNDS = ("upper bound", "lower bound")
STYLES = {"exact": "--", "upper bound": ":", "lower bound": ":", "asymptotic": "-.", "approximation": "-."}
MOST_LINES = 6
DECADES = 100.0
"""Positive values that span more than this ratio are drawn on logarithmic axes."""

QUANTITIES = {
    "squared_error": "squared error of the estimate",
    "chi_square": "χ² divergence from the truth",
    "total_variation": "total variation distance from the truth",
    "hellinger": "Hellinger distance from the truth",
    "kl_divergence": "KL divergence from the truth (nats)",
    "wasserstein2_squared": "squared Wasserstein-2 distance from the truth",
    "entropy": "entropy (nats)",
    "concentration": "concentration Σp²",
    "probabilities": "probability of the category",
    "alive": "share of replicates with the category alive",
    "support": "categories alive",
    "single_symbol": "share of replicates with a single symbol left",
    "log_variance": "log variance",
    "variance": "variance",
    "standard_deviation": "standard deviation",
    "mean": "mean of the model",
}


def trajectory(
    run: Trajectories,
    name: str | None = None,
    *,
    ax: "Axes | None" = None,
    cell: Mapping[str, float] | None = None,
    component: int | Sequence[int] | None = None,
    scale: Scale | None = None,
    law: bool = True,
) -> "Axes":
    """A record against generation, with its spread over replicates and the laws that speak of it.

    Whole trajectories are a median and the bands that hold half and nine tenths of the replicates;
    moments, and several lines at once, are means with two standard errors; hitting times are the share
    of replicates not yet hit. A law of the mean is never drawn without the mean.

    Arguments:
        run: the trajectories.
        name: which record; left out, the first.
        ax: where to draw; left out, a new figure.
        cell: of a sweep, values of its axes by path; one axis may stay free and becomes a line a value.
        component: of a metric with several values, which to draw.
        scale: of both axes; left out, logarithmic where values are positive over more than two decades.
        law: whether to draw what `mcollapse.theory` says.

    Raises:
        ValueError: the lines to draw are too many or do not exist; the message says how to choose.
    """
    if scale not in (None, "linear", "log"):
        raise ValueError(f'scale is "linear" or "log", got {scale!r}')
    name = next(iter(run)) if name is None else name
    lines = _lines(run, name, cell or {}, component)
    curves = [_curves(run, name, line) if law else [] for line in lines]
    figure, ax = _placed(ax)
    centres = [_draw_observed(ax, line, bool(said)) for line, said in zip(lines, curves, strict=True)]
    for curve in itertools.chain(*curves):
        _draw_law(ax, curve)
    ax.set_xlabel("generation")
    ax.set_ylabel(_quantity(run, name))
    _set_scales(ax, lines[0].entry, np.stack(centres), scale)
    _add_legend(ax, "" if lines[0].alone else _averaged(lines[0].entry), figure)
    return ax


def bands(
    generations: np.ndarray,
    observed: Sequence[np.ndarray],
    standard_error: Sequence[np.ndarray],
    law: Sequence[np.ndarray],
    labels: Sequence[str],
    *,
    quantity: str = "share of words still alive",
    ax: "Axes | None" = None,
) -> "Axes":
    """A handful of groups: observed shares as markers with two standard errors, the exact law as a line.

    Arguments:
        generations: `[generation]`.
        observed: `[group, generation]`.
        standard_error: of `observed`, the same shape.
        law: the same shape.
        labels: a name for each group, with its count where that matters.
        quantity: what the vertical axis shows.
        ax: where to draw; left out, a new figure.

    Raises:
        ValueError: the shapes do not agree.
    """
    expected = (len(labels), len(generations))
    given = {"observed": observed, "standard_error": standard_error, "law": law}
    wrong = [f"{name} is {np.shape(array)}" for name, array in given.items() if np.shape(array) != expected]
    if wrong:
        raise ValueError(
            f"{expected[0]} labels and {expected[1]} generations need arrays of shape {expected}, but "
            f"{', '.join(wrong)}"
        )
    figure, ax = _placed(ax)
    step = -(-len(generations) // 14)  # markers at every generation would hide the law
    for i, colour in enumerate(_shades(len(labels))):
        shown = slice(i % step, None, step)  # staggered, so that bars of neighbouring groups do not meet
        t, values, error = (np.asarray(a)[shown] for a in (generations, observed[i], standard_error[i]))
        style = {"linestyle": "none", "marker": MARKERS[i % len(MARKERS)], "markersize": 4.5, "capsize": 2}
        ax.plot(generations, law[i], STYLES["exact"], color=colour, linewidth=1.3)
        ax.errorbar(t, values, 2 * error, color=colour, label=labels[i], **style)
    ax.plot([], [], STYLES["exact"], color=DARK, linewidth=1.3, label="exact law")
    ax.set(xlabel="generation", ylabel=quantity, ylim=(-0.03, 1.03))
    _add_legend(ax, "observed ± 2 s.e.", figure)
    return ax


@dataclasses.dataclass(frozen=True)
class _Line:
    """One line to draw: one cell of a sweep, one component of the metric, and how it looks."""

    entry: Entry
    cell: dict[str, float]
    component: int | None
    alone: bool
    share: bool
    label: str
    colour: Any
    marker: str


@dataclasses.dataclass(frozen=True)
class _Curve:
    """What one law says of one line; `lower` and `upper` where the value is only known to lie between."""

    law: theory.Law
    generations: np.ndarray
    values: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    steps: bool
    width: float


def _lines(
    run: Trajectories, name: str, cell: Mapping[str, float], component: int | Sequence[int] | None
) -> list[_Line]:
    """Every line asked for; they differ in one thing, the value of an axis or the component."""
    entry, sweep = run[name], run.attributes["sweep"]
    cells, components = _cells(sweep, cell), _components(entry, name, len(sweep), component)
    if len(cells) > 1 and len(components) > 1:
        raise ValueError(
            f"{name!r} has {len(components)} components in each of {len(cells)} cells: draw one component, "
            "such as component=0, or one cell with cell={…}"
        )
    if len(cells) > 1:
        labels, colours = _cell_labels(cells, sweep, cell), _shades(len(cells))
    else:
        labels, colours = [f"component {i}" for i in components], itertools.cycle(COLOURS)
    metric = run.records[name].metric
    share = isinstance(metric, Above) or getattr(metric, "__name__", "") in INDICATORS
    every = list(itertools.product(cells, components))
    return [
        _Line(
            entry=_sliced(entry, index, i),
            cell={path: sweep[path][k] for path, k in zip(sweep, index, strict=True)},
            component=i,
            alone=len(every) == 1,
            share=share,
            label=label,
            colour=colour,
            marker=MARKERS[number % len(MARKERS)],
        )
        for number, ((index, i), label, colour) in enumerate(zip(every, labels, colours, strict=False))
    ]


def _cells(sweep: Mapping[str, Sequence[float]], cell: Mapping[str, float]) -> list[tuple[int, ...]]:
    """Positions of the cells that have the given values; at most one axis may be left free."""
    unknown = [path for path in cell if path not in sweep]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no axis of this run; its sweep has {', '.join(sweep) or 'none'}")
    free = [path for path in sweep if path not in cell]
    if len(free) > 1:
        example = {path: sweep[path][0] for path in free[1:]}
        raise ValueError(
            f"lines can vary along one axis, and {' and '.join(free)} are free: fix all but one, such as "
            f"cell={example}"
        )
    every = (_positions(path, values, cell.get(path)) for path, values in sweep.items())
    return list(itertools.product(*every))


def _positions(path: str, values: Sequence[float], value: float | None) -> Sequence[int]:
    if value is None:
        return range(len(values))
    near = np.flatnonzero(np.isclose(values, value))
    if not near.size:
        listed = ", ".join(f"{v:g}" for v in values)
        raise ValueError(f"cell[{path!r}] is {value!r}, and the sweep has {listed}")
    return [int(near[0])]


def _cell_labels(
    cells: list[tuple[int, ...]], sweep: Mapping[str, Sequence[float]], cell: Mapping[str, float]
) -> list[str]:
    """Name and value of the free axis; of many values only some are named, first and last among them."""
    (path,) = (p for p in sweep if p not in cell)
    short = path.split(".")[-1].replace("_", " ")
    named = set(np.linspace(0, len(cells) - 1, min(len(cells), MOST_LINES + 2)).round())
    return [f"{short} = {sweep[path][i]:g}" if i in named else "_" for i in range(len(cells))]


def _components(
    entry: Entry, name: str, axes: int, component: int | Sequence[int] | None
) -> Sequence[int | None]:
    """Which components to draw; a single `None` for a scalar metric."""
    shape = _component_shape(entry, axes)
    if not shape and component is None:
        return [None]
    if len(shape) != 1:
        what = f"components of shape {shape}" if shape else "no components"
        raise ValueError(f"{name!r} has {what}: component={component!r} picks none of them")
    if component is None and shape[0] > MOST_LINES:
        raise ValueError(
            f"{name!r} has {shape[0]} components, too many for one figure: pick some, such as component=0 or "
            f"component=[0, {shape[0] // 2}, {shape[0] - 1}]"
        )
    chosen = range(shape[0]) if component is None else [int(i) for i in np.atleast_1d(component)]
    if not len(chosen) or min(chosen) < 0 or max(chosen) >= shape[0]:
        raise ValueError(f"{name!r} has components 0 … {shape[0] - 1}, got component={component!r}")
    return chosen


def _component_shape(entry: Entry, axes: int) -> tuple[int, ...]:
    if isinstance(entry, HittingEntry):
        return entry.censored.shape[axes:]
    if isinstance(entry, KeptEntry):
        return entry.values.shape[2 + axes :]
    assert isinstance(entry, MeanEntry)
    return entry.mean.shape[1 + axes :]


def _sliced(entry: Entry, index: tuple[int, ...], component: int | None) -> Entry:
    """The entry of one cell and one component, as if nothing else had been recorded."""
    last = () if component is None else (component,)
    if isinstance(entry, HittingEntry):
        place = index + last
        return HittingEntry(entry.hits[place], np.asarray(entry.censored[place]))
    place = (*index, slice(None), *last)
    if isinstance(entry, KeptEntry):
        return KeptEntry(entry.values[:, *place], entry.generations)
    assert isinstance(entry, MeanEntry)
    mean, variance = entry.mean[place], entry.variance[place]
    return MomentsEntry(mean, variance, entry.count[place], entry.top_share[place], entry.generations)


def _curves(run: Trajectories, name: str, line: _Line) -> list[_Curve]:
    """The laws of what is drawn: of the mean, or of the share not yet hit."""
    if "difference_of" in run.attributes:
        return []  # the laws are those of the two runs, not of their difference
    if isinstance(line.entry, HittingEntry) and not _never_returns(run, run.records[name]):
        return []

    def own(values: np.ndarray | None) -> Any:
        return values if values is None or line.component is None else values[..., line.component]

    found = [p for p in predictions(run, name, line.cell) if p.statistic != "variance"]
    exact = [p for p in found if p.law.kind == "exact"]
    if exact:  # then approximations say nothing more, and bounds of several lines would be a thicket
        found = [p for p in found if p.law.kind in ("exact", *(BOUNDS if line.alone else ()))]
    steps, width = isinstance(line.entry, HittingEntry), 1.6 if line.alone else 1.1
    return [
        _Curve(p.law, p.generations, own(p.values), own(p.lower), own(p.upper), steps, width) for p in found
    ]


def _never_returns(run: Trajectories, record: Record) -> bool:
    """Whether a category that dies is dead for good, so that the law of `alive` is that of survival."""
    reducer = record.reduce
    dies = isinstance(reducer, HittingTime) and reducer.below is not None and 0 < float(reducer.below) <= 1
    return absorbing(run) and dies and getattr(record.metric, "__name__", "") == "alive"


def _draw_observed(ax: "Axes", line: _Line, law_of_mean: bool) -> np.ndarray:
    """The line with its spread; returns the means, by which scales are chosen."""
    entry = line.entry
    if isinstance(entry, HittingEntry):
        return _draw_survival(ax, entry, line)
    assert isinstance(entry, MeanEntry)
    if not (line.alone and isinstance(entry, KeptEntry)):
        return _draw_mean(ax, entry, line)
    _draw_quantiles(ax, entry, line)
    if law_of_mean:
        _draw_mean(ax, entry, dataclasses.replace(line, colour=COLOURS[1]))
    return entry.mean


def _draw_quantiles(ax: "Axes", entry: KeptEntry, line: _Line) -> None:
    with np.errstate(invalid="ignore"):  # between two infinite values lies no quantile
        low, lower, median, upper, high = entry.quantile([0.05, 0.25, 0.5, 0.75, 0.95])
    t, style = entry.generations, {"color": line.colour, "linewidth": 0}
    ax.plot(t, median, color=line.colour, linewidth=1.8, label=f"median of {len(entry.values):,} replicates")
    ax.fill_between(t, lower, upper, alpha=0.3, label="middle 50 %", **style)
    ax.fill_between(t, low, high, alpha=0.18, label="middle 90 %", **style)


def _draw_mean(ax: "Axes", entry: MeanEntry, line: _Line) -> np.ndarray:
    t, mean, error = entry.generations, entry.mean, 2 * entry.standard_error
    mean = np.where(entry.count > 0, mean, np.nan)  # without a finite replicate there is no mean
    ax.fill_between(t, mean - error, mean + error, color=line.colour, alpha=0.25, linewidth=0)
    ax.plot(t, mean, color=line.colour, linewidth=1.8, **_identity(line))
    rare = entry.heavy & np.isfinite(mean)
    if rare.any() and not line.share:  # a small share is carried by few replicates, and yet is what it is
        label = "carried by rare replicates: do not trust" if line.alone else "_"
        ax.plot(t[rare], mean[rare], "o", color=line.colour, markerfacecolor="white", label=label)
    return mean


def _draw_survival(ax: "Axes", entry: HittingEntry, line: _Line) -> np.ndarray:
    t, share, error = entry.generations, 1.0 - entry.probability, 2 * entry.standard_error
    ax.fill_between(t, share - error, share + error, step="post", color=line.colour, alpha=0.25, linewidth=0)
    ax.plot(t, share, color=line.colour, linewidth=1.8, drawstyle="steps-post", **_identity(line))
    return share


def _identity(line: _Line) -> dict[str, Any]:
    """Label and marker; of several lines the legend's title says what they are."""
    if line.alone:
        return {"label": _averaged(line.entry)}
    return {"label": line.label, "marker": line.marker, "markersize": 5, "markevery": 0.13}


def _draw_law(ax: "Axes", curve: _Curve) -> None:
    label = _named(curve.law)
    if label in ax.get_legend_handles_labels()[1]:
        label = "_"  # one law of several lines is named once
    if curve.lower is not None and curve.upper is not None:
        ax.fill_between(curve.generations, curve.lower, curve.upper, color=DARK, alpha=0.15, linewidth=0)
    style = {"color": DARK, "linewidth": curve.width, "drawstyle": "steps-post" if curve.steps else "default"}
    ax.plot(curve.generations, curve.values, STYLES[curve.law.kind], label=label, zorder=3, **style)


def _averaged(entry: Entry) -> str:
    """What a line is of: how many replicates, and what the band around it means."""
    if isinstance(entry, HittingEntry):
        return f"share of {int(np.max(entry.replicates)):,} replicates ± 2 s.e."
    assert isinstance(entry, MeanEntry)
    most, least = int(np.max(entry.count)), int(np.min(entry.count))
    number = f"{most:,}" if most == least else f"{least:,} to {most:,} finite"
    return f"mean of {number} replicates ± 2 s.e."


def _named(law: theory.Law) -> str:
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


def _quantity(run: Trajectories, name: str) -> str:
    """What the vertical axis shows, with its unit."""
    record = run.records[name]
    metric, reducer = record.metric, record.reduce
    if isinstance(metric, Above):
        text = f"probability that {_described(metric.metric, name)} > {_number(metric.threshold)}"
    else:
        text = _described(metric, name)
    if isinstance(reducer, HittingTime) and getattr(metric, "__name__", "") != "alive":
        side, threshold = ("below", reducer.below) if reducer.above is None else ("above", reducer.above)
        text = f"share not yet hit ({text} {side} {_number(threshold)})"
    return f"difference in {text}" if "difference_of" in run.attributes else text


def _number(value: Any) -> str:
    return f"{float(value):g}".replace("-", "−")


def _described(metric: Any, name: str) -> str:
    return QUANTITIES.get(getattr(metric, "__name__", ""), name.replace("_", " "))


def _set_scales(ax: "Axes", entry: Entry, centres: np.ndarray, scale: Scale | None) -> None:
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


def _placed(ax: "Axes | None") -> tuple["Figure | None", "Axes"]:
    """The given axes, or new ones and the figure that they alone are in."""
    if ax is not None:
        return None, ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(6.8, 3.9), layout="constrained")


def _add_legend(ax: "Axes", title: str, figure: "Figure | None") -> None:
    """Below a figure of our own, where it covers nothing; inside axes that somebody else laid out."""
    style: dict[str, Any] = {"title": title, "fontsize": "small", "title_fontsize": "small"}
    if figure is None:
        ax.legend(**style)
        return
    handles, labels = ax.get_legend_handles_labels()
    style |= {"ncols": 2, "columnspacing": 1.2, "frameon": False}
    legend = figure.legend(handles, labels, loc="outside lower center", **style)
    figure.set_figheight(figure.get_figheight() + legend.get_window_extent().height / figure.dpi)


def _shades(count: int) -> list[Any]:
    """Colours from dark to light, which keep their order in grey."""
    from matplotlib import colormaps

    return [colormaps["cividis"](x) for x in np.linspace(0.0, 0.85, count)]
