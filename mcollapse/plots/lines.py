"""What is to be drawn: the cells and components that were asked for, and what theory says of each."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcollapse import theory
from mcollapse.metrics import Above
from mcollapse.plots.crossings import survival_predictions
from mcollapse.plots.quantities import short_name
from mcollapse.plots.style import BOUNDS, COLOURS, MARKERS, shades
from mcollapse.predicting import predictions
from mcollapse.recording import Entry, HistogramEntry, HittingEntry, QuantilesEntry
from mcollapse.sweeping import chosen_cells
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

    def at(self, chosen: np.ndarray, shift: float = 0.0) -> "Curve":
        """At some of its generations, with something added to them."""
        lower, upper = (None if side is None else side[chosen] for side in (self.lower, self.upper))
        return dataclasses.replace(
            self, generations=self.generations[chosen] + shift, values=self.values[chosen], lower=lower,
            upper=upper,
        )  # fmt: skip


def chosen_record(
    run: Trajectories, name: str | None, kinds: type | tuple[type, ...], what: str, cure: str
) -> str:
    """The name of a record of a kind, the first of them where none is said.

    Raises:
        ValueError: there is none of that kind, or the one named is of another.
    """
    if name is None:
        name = next((n for n, entry in run.items() if isinstance(entry, kinds)), None)
        if name is None:
            raise ValueError(f"{what}, and this run has no such record: {cure}")
    elif not isinstance(run[name], kinds):
        raise ValueError(f"{what}, and {name!r} was kept as {run[name].kind}: {cure}")
    return name


def one_line(lines: Sequence[Line], what: str) -> Line:
    """The only line of a figure that has room for one."""
    if len(lines) > 1:
        raise ValueError(
            f"{what} is of one cell and one component, and {len(lines)} are free: pick one with "
            f"{'component=0' if lines[0].component is not None else 'cell={…}'}"
        )
    return lines[0]


def select_lines(
    run: Trajectories, name: str, cell: Mapping[str, float], component: int | Sequence[int] | None
) -> list[Line]:
    """Every line asked for; they differ in one thing, the value of an axis or the component."""
    entry, sweep = run[name], run.attributes["sweep"]
    cells, components = chosen_cells(sweep, cell), _components(entry, name, component)
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


def _cell_labels(
    cells: list[tuple[int, ...]], sweep: Mapping[str, Sequence[float]], cell: Mapping[str, float]
) -> list[str]:
    """Name and value of the free axis; of many values only some are named, first and last among them."""
    (path,) = (p for p in sweep if p not in cell)
    short = short_name(path)
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
    if isinstance(line.entry, HittingEntry):
        found = survival_predictions(run, name, line.cell)
    else:
        found = [p for p in predictions(run, name, line.cell) if p.statistic != "variance"]
    exact = [p for p in found if p.law.kind == "exact"]
    if exact:  # then approximations say nothing more, and bounds of several lines would be a thicket
        found = [p for p in found if p.law.kind in ("exact", *(BOUNDS if line.alone else ()))]

    def own(values: np.ndarray | None) -> Any:
        return values if values is None or line.component is None else values[..., line.component]

    steps, width = isinstance(line.entry, HittingEntry), 1.6 if line.alone else 1.1
    return [
        Curve(p.law, p.generations, own(p.values), own(p.lower), own(p.upper), steps, width) for p in found
    ]
