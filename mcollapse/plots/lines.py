"""What is to be drawn: the cells and components that were asked for, and what theory says of each."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcollapse import theory
from mcollapse.metrics import Above
from mcollapse.plots.style import BOUNDS, COLOURS, MARKERS, shades
from mcollapse.predicting import absorbing, predictions
from mcollapse.recording import Entry, HistogramEntry, HittingEntry, HittingTime, QuantilesEntry, Record
from mcollapse.trajectories import Trajectories
from mcollapse.verdicts import INDICATORS

MOST_LINES = 6


@dataclasses.dataclass(frozen=True)
class Line:
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
class Curve:
    """What one law says of one line; `lower` and `upper` where the value is only known to lie between."""

    law: theory.Law
    generations: np.ndarray
    values: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    steps: bool
    width: float


def select_lines(
    run: Trajectories, name: str, cell: Mapping[str, float], component: int | Sequence[int] | None
) -> list[Line]:
    """Every line asked for; they differ in one thing, the value of an axis or the component."""
    entry, sweep = run[name], run.attributes["sweep"]
    cells, components = _cells(sweep, cell), _components(entry, name, component)
    if len(cells) > 1 and len(components) > 1:
        raise ValueError(
            f"{name!r} has {len(components)} components in each of {len(cells)} cells: draw one component, "
            "such as component=0, or one cell with cell={…}"
        )
    if len(cells) > 1:
        labels, colours = _cell_labels(cells, sweep, cell), shades(len(cells))
    else:
        labels, colours = [f"component {i}" for i in components], itertools.cycle(COLOURS)
    metric = run.records[name].metric
    share = isinstance(metric, Above) or getattr(metric, "__name__", "") in INDICATORS
    every = list(itertools.product(cells, components))
    if isinstance(entry, HistogramEntry) and len(every) > 1:
        raise ValueError(
            f"{name!r} is a histogram, and {len(every)} of them do not fit one figure: draw one, with "
            f"{'cell={…}' if len(cells) > 1 else 'component=0'}"
        )
    return [
        Line(
            entry=entry.at(index, i),
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


def _components(entry: Entry, name: str, component: int | Sequence[int] | None) -> Sequence[int | None]:
    """Which components to draw; a single `None` for a scalar metric."""
    shape = entry.component_shape
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


def law_curves(run: Trajectories, name: str, line: Line) -> list[Curve]:
    """The laws of what is drawn: of the mean, or of the share not yet hit."""
    if "difference_of" in run.attributes:
        return []  # the laws are those of the two runs, not of their difference
    if isinstance(line.entry, QuantilesEntry | HistogramEntry):
        return []  # laws of a mean beside what has none would be misread
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
        Curve(p.law, p.generations, own(p.values), own(p.lower), own(p.upper), steps, width) for p in found
    ]


def _never_returns(run: Trajectories, record: Record) -> bool:
    """Whether a category that dies is dead for good, so that the law of `alive` is that of survival."""
    reducer = record.reduce
    dies = isinstance(reducer, HittingTime) and reducer.below is not None and 0 < float(reducer.below) <= 1
    return absorbing(run) and dies and getattr(record.metric, "__name__", "") == "alive"
