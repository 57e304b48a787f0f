r"""Improvement, plateau or collapse: what becomes of a risk, in every cell of a sweep.

The words are those of `mcollapse.theory.LongRun`; here they are read off a run, which is finite: from the
slope of the mean over its second half, and from how far it is from the first fit. Unlike there, a plateau far
above the first fit counts as collapse, and a risk that falls improves whatever it was before.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mcollapse.definitions import RISKS, Thresholds
from mcollapse.predicting import predictions
from mcollapse.recording import KeptEntry, MeanEntry
from mcollapse.trajectories import Trajectories

THRESHOLDS = Thresholds(slope=0.1, sigmas=3.0)
"""Coarser than those of the definitions: a map has many cells, whose exponents differ by more."""
OUTCOMES = ("improves", "plateaus", "collapses", "undecided")
UNDECIDED = OUTCOMES.index("undecided")


@dataclasses.dataclass(frozen=True)
class Fates:
    """What becomes of a risk; arrays are `[*sweep]`.

    Arguments:
        record: whose mean is the risk.
        slope: of the mean in log-log coordinates, from the middle of the run to its end.
        slope_error: its standard error.
        growth: the last mean as a multiple of that of the first fit.
        growth_error: its standard error.
        outcome: places in `OUTCOMES`.
        law: the same read off the exact law, -1 where none is known; None where it was not asked for.
        generations: the first fit, the middle and the end.
        axes: names of the axes of the arrays.
    """

    record: str
    slope: np.ndarray
    slope_error: np.ndarray
    growth: np.ndarray
    growth_error: np.ndarray
    outcome: np.ndarray
    law: np.ndarray | None
    generations: tuple[int, int, int]
    axes: tuple[str, ...]

    def words(self) -> np.ndarray:
        """The outcomes as words."""
        return np.asarray(OUTCOMES)[self.outcome]


def fates(
    run: Trajectories, name: str | None = None, *, thresholds: Thresholds | None = None, law: bool = True
) -> Fates:
    r"""What becomes of a risk in every cell of a run.

    It improves where the slope is at most `-thresholds.slope`, collapses where it is at least
    `thresholds.slope` or the risk is `thresholds.catastrophic` times that of the first fit, and plateaus
    where none of these holds. A decision takes `thresholds.sigmas` standard errors; what needs more
    replicates for one is undecided. So is a mean that rare replicates carry where it is looked at, and one
    that is not known there, as in a sweep that has not ended. A plateau far above the first fit is a collapse
    here, unlike in `mcollapse.theory.LongRun`, and a risk that falls improves whatever it was. The slope is
    $\log(R_T/R_m)/\log(T/m)$ with m the recorded generation nearest to T/2.

    Arguments:
        run: a run or a sweep.
        name: a record of a risk, with means; left out, the first of `definitions.RISKS`.
        thresholds: from where on a risk grows; left out, a slope of 0.1 and three standard errors.
        law: whether to read the exact law in the same way.

    Raises:
        ValueError: there is no such record, its means are not positive, or it is recorded too rarely.
    """
    given, name = thresholds or THRESHOLDS, _record(run, name)
    entry = run[name]
    assert isinstance(entry, MeanEntry)
    places = _places(run, name)
    first, middle, last = (int(entry.generations[i]) for i in places)
    mean, axis = np.asarray(entry.mean, np.float64), len(entry.sweep_axes)
    start, half, end = (np.take(mean, i, axis) for i in places)
    if np.any((start <= 0) | (half <= 0) | (end <= 0)):
        raise ValueError(f"a mean of {name!r} is not positive: its growth and slope are those of a risk")
    length = np.log(last / middle)
    slope, growth = np.log(end / half) / length, end / start
    errors = (_log_ratio_error(entry, places[2], i) for i in (places[1], places[0]))
    slope_error, growth_error = next(errors) / length, growth * next(errors)
    heavy = np.take(np.asarray(entry.heavy), list(places), axis).any(axis)
    outcome = np.where(heavy, UNDECIDED, _decided(slope, slope_error, growth, growth_error, given))
    expected = _law(run, name, places, length, given) if law else None
    return Fates(
        name, slope, slope_error, growth, growth_error, outcome, expected, (first, middle, last),
        tuple(run.attributes["sweep"]),
    )  # fmt: skip


def _record(run: Trajectories, name: str | None) -> str:
    cure = "record a scalar risk with reduce=mc.Moments() or mc.Keep(), such as mc.metrics.squared_error"
    metrics = {getattr(record.metric, "__name__", ""): n for n, record in reversed(list(run.records.items()))}
    if name is None:
        found = [metrics[risk] for risk in RISKS if risk in metrics and _usable(run, metrics[risk])]
        if not found:
            raise ValueError(f"this run has no risk with means: {cure}")
        return found[0]
    if not _usable(run, name):
        raise ValueError(f"{name!r} ({run[name].kind}) has no mean that is one number a generation: {cure}")
    return name


def _usable(run: Trajectories, name: str) -> bool:
    return isinstance(run[name], MeanEntry) and not run[name].component_shape


def _places(run: Trajectories, name: str) -> tuple[int, int, int]:
    """Where the first fit, the middle and the end are recorded."""
    generations = np.asarray(run[name].generations)
    first = 0 if run.attributes["start"] == "real" else 1
    fits = np.flatnonzero(generations >= first)
    if len(fits) > 2:
        inner = fits[1:-1]
        middle = int(inner[np.argmin(np.abs(generations[inner] - generations[-1] / 2))])
        return int(fits[0]), middle, int(fits[-1])
    raise ValueError(
        f"{name!r} is recorded at {len(fits)} fits, and three are needed: record it at more generations"
    )


def _log_ratio_error(entry: MeanEntry, one: int, other: int) -> np.ndarray:
    """Of the logarithm of one mean over another: paired by replicate, or as if both were independent.

    The latter is an upper bound where replicates that are high stay high.
    """
    axis = len(entry.sweep_axes)
    if isinstance(entry, KeptEntry):
        parts = []
        for place in (one, other):
            values = np.take(entry.values, place, 1 + axis).astype(np.float64)
            parts.append(values / values.mean(axis=0))
        return (parts[0] - parts[1]).std(axis=0, ddof=1) / np.sqrt(len(entry.values))
    relative = [np.take(entry.standard_error / entry.mean, place, axis) for place in (one, other)]
    return np.hypot(*relative)


def _decided(
    slope: np.ndarray, slope_error: Any, growth: np.ndarray, growth_error: Any, given: Thresholds
) -> np.ndarray:
    """Places in `OUTCOMES`."""
    reach, far = given.sigmas * slope_error, given.sigmas * growth_error
    improves = slope + reach <= -given.slope
    collapses = (slope - reach >= given.slope) | (growth - far >= given.catastrophic)
    plateaus = (np.abs(slope) + reach < given.slope) & (growth + far < given.catastrophic)
    return np.select([improves, collapses, plateaus], [0, 2, 1], UNDECIDED)


def _law(
    run: Trajectories, name: str, places: tuple[int, int, int], length: float, given: Thresholds
) -> np.ndarray:
    sweep: Mapping[str, Any] = run.attributes["sweep"]
    shape = tuple(len(values) for values in sweep.values())
    found = np.full(shape, -1)
    for index in np.ndindex(shape):
        cell = {path: sweep[path][i] for path, i in zip(sweep, index, strict=True)}
        said = predictions(run, name, cell)
        exact = [p for p in said if p.law.kind == "exact" and p.statistic == "mean"]
        exact = [p for p in exact if p.sharp[list(places)].all()]
        if exact:
            start, half, end = (exact[0].values[i] for i in places)
            slope = np.asarray(np.log(end / half) / length)
            found[index] = _decided(slope, 0.0, np.asarray(end / start), 0.0, given)
    return found
