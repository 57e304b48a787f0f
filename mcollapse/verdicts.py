r"""Verdicts: a run held against theory, with a standard error and the power to see a deviation.

Exact laws are tested two-sided and simultaneously over generations, with the law's own standard error
where it is known; probabilities by the exact binomial law, so that 0 of R is no infinite z. Bounds are
tested one-sided. Asymptotic laws and approximations give a ratio with an interval and never a
violation. The level is family-wise over everything that one report tests.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from mcollapse import theory
from mcollapse.families.base import Truth
from mcollapse.predicting import absorbing, predictions
from mcollapse.recording import (
    Entry,
    HistogramEntry,
    HittingEntry,
    HittingTime,
    KeptEntry,
    MeanEntry,
    QuantilesEntry,
    Record,
)
from mcollapse.significance import binomial_p_value, critical_value, ratio_interval, t_p_value
from mcollapse.trajectories import Trajectories

Outcome = Literal["consistent", "violated", "not testable", "reported"]
INDICATORS = ("alive", "single_symbol")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one law and one run say to each other.

    Arrays are `[generation, *components]`. `power` is the smallest relative deviation from the law that
    the test would have seen with probability 0.9, at the generation where it is sharpest.
    """

    law: theory.Law
    record: str
    statistic: str
    generations: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray
    standard_error: np.ndarray
    p_value: float
    worst_z: float
    worst_generation: int
    worst_component: tuple[int, ...]
    outcome: Outcome
    power: float
    note: str = ""
    cell: dict[str, float] = dataclasses.field(default_factory=dict)

    def at_worst(self, array: np.ndarray) -> float:
        """The number where the deviation is largest."""
        index = int(np.flatnonzero(self.generations == self.worst_generation)[0])
        return float(array[(index, *self.worst_component)])

    def row(self) -> dict[str, Any]:
        """Plain data for a table or JSON: the numbers at the worst generation."""
        return {
            "law": self.law.name,
            "kind": self.law.kind,
            "source": self.law.source,
            "record": self.record,
            "statistic": self.statistic,
            "outcome": self.outcome,
            "p_value": self.p_value,
            "worst_z": self.worst_z,
            "worst_generation": self.worst_generation,
            "worst_component": list(self.worst_component),
            "observed": self.at_worst(self.observed),
            "predicted": self.at_worst(self.predicted),
            "standard_error": self.at_worst(self.standard_error),
            "power": self.power,
            "note": self.note,
            **({"cell": self.cell} if self.cell else {}),
        }


@dataclasses.dataclass(frozen=True)
class Report:
    """All verdicts on a run."""

    verdicts: tuple[Verdict, ...]
    level: float
    replicates: int
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def violated(self) -> tuple[Verdict, ...]:
        """Exact laws and bounds that the run contradicts."""
        return tuple(v for v in self.verdicts if v.outcome == "violated")

    def rows(self) -> list[dict[str, Any]]:
        """Plain data, one row a verdict."""
        return [verdict.row() for verdict in self.verdicts]

    def __str__(self) -> str:
        from mcollapse.tables import plain

        return plain(self)


def compare(run: Trajectories, *, level: float = 1e-3) -> Report:
    """Every law that applies to what was recorded.

    Arguments:
        run: the trajectories.
        level: probability that any true law is called violated, over the whole report.

    Raises:
        ValueError: the run is a difference of two, or `level` lies outside (0, 1).
    """
    if "difference_of" in run.attributes:
        raise ValueError("a difference of two runs has no law of its own: compare the runs")
    if not 0 < level < 1:
        raise ValueError(f"level is a probability, such as 0.001, got {level}")
    tests = [test for cell, index in _cells(run) for test in _tests(run, cell, index)]
    decided = sum(test.prediction.law.kind in ("exact", "upper bound", "lower bound") for test in tests)
    verdicts = tuple(test.verdict(level / max(decided, 1)) for test in tests)
    return Report(verdicts, level, run.replicates, _notes(run))


@dataclasses.dataclass(frozen=True)
class _Test:
    """One prediction beside the numbers that it is about."""

    prediction: theory.Prediction
    record: str
    observed: np.ndarray
    standard_error: np.ndarray
    indicator: bool
    heavy: np.ndarray
    replicates: int
    cell: dict[str, float]
    resolution: float

    def verdict(self, level: float) -> Verdict:
        """Decide at this level, divided over the positions that can be tested."""
        p = self.prediction
        usable = (
            p.trustworthy(self.replicates) & ~self.heavy & np.isfinite(self.observed) & np.isfinite(p.values)
        )
        decided = p.law.kind in ("exact", "upper bound", "lower bound")
        p_values, z = self._p_values()
        tested = max(int(usable.sum()), 1)
        worst = np.where(usable, p_values, np.inf)
        position = np.unravel_index(int(np.argmin(worst)), worst.shape)
        combined = min(1.0, float(worst[position]) * tested) if usable.any() else math.nan
        if not usable.any():
            outcome: Outcome = "not testable"
        elif not decided:
            outcome = "reported"
        else:
            outcome = "violated" if combined < level else "consistent"
        return Verdict(
            law=p.law,
            record=self.record,
            statistic=p.statistic,
            generations=p.generations,
            observed=self.observed,
            predicted=p.values,
            standard_error=self.standard_error,
            p_value=combined,
            worst_z=float(z[position]),
            worst_generation=int(p.generations[position[0]]),
            worst_component=tuple(int(i) for i in position[1:]),
            outcome=outcome,
            power=self._power(usable, level / tested),
            note=self._note(usable),
            cell=self.cell,
        )

    def _p_values(self) -> tuple[np.ndarray, np.ndarray]:
        p, side = self.prediction, _side(self.prediction)
        lower = p.values if p.lower is None else p.lower
        upper = p.values if p.upper is None else p.upper
        nearest = np.clip(self.observed, lower, upper)
        # what the program's precision cannot tell apart is no deviation
        size = np.abs(np.where(np.isfinite(p.values), p.values, 0.0))
        # nor, where nothing is predicted, what is rounding beside the largest that this law predicts
        beside = np.where(p.values == 0, self.resolution * size.max(initial=0.0), 0.0)
        equal = np.abs(self.observed - nearest) <= self.resolution * np.abs(nearest) + beside
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(equal, 0.0, (self.observed - nearest) / self.standard_error)
        if self.indicator:
            count = np.rint(self.observed * self.replicates)
            return binomial_p_value(count, self.replicates, lower, upper, side), z
        return t_p_value(z, self.replicates, side), z

    def _power(self, usable: np.ndarray, level: float) -> float:
        if not usable.any():
            return math.nan
        usable = usable & self.prediction.sharp  # a deviation within a bracket is none
        reach = critical_value(level, self.replicates) + 1.2816  # seen with probability 0.9
        size = np.abs(self.prediction.values)
        if self.indicator:  # of an event or of its opposite, whichever is rarer, where both are seen at all
            size = np.minimum(size, 1.0 - size)
            usable = usable & (size * self.replicates >= 10)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = reach * self.standard_error / size
        relative = relative[usable & (size > 0) & (self.standard_error > 0)]
        return float(relative.min()) if relative.size else math.nan

    def _note(self, usable: np.ndarray) -> str:
        p, notes = self.prediction, []
        infinite = int(np.isinf(p.values).sum())
        if infinite:
            notes.append(f"{infinite} of {usable.size} means are infinite by this law: look at quantiles")
        left_out = usable.size - int(usable.sum()) - infinite
        if left_out:
            notes.append(
                f"{left_out} of {usable.size} means are carried by rare replicates and left out: "
                "look at a logarithm or at quantiles"
            )
        if p.law.kind in ("asymptotic", "approximation") and usable.any():
            sharp = usable & (p.values > 10 * self.standard_error)  # elsewhere a ratio is mostly noise
            if sharp.any():
                low, high = ratio_interval(self.observed[sharp], p.values[sharp], self.standard_error[sharp])
                notes.append(f"observed/law between {low:.4g} and {high:.4g}")
            else:
                notes.append("too few replicates for a ratio of observed to law")
            if p.tolerance is not None:
                notes.append(f"declared tolerance {p.tolerance:.2g}")
        return "; ".join(notes)


def _side(prediction: theory.Prediction) -> Literal["two", "above", "below"]:
    """Where a deviation contradicts the law."""
    return {"upper bound": "above", "lower bound": "below"}.get(prediction.law.kind, "two")  # type: ignore[return-value]


def _tests(run: Trajectories, cell: dict[str, float], index: tuple[int, ...]) -> Iterator[_Test]:
    resolution = 8 * float(np.finfo(run.attributes["dtype"]).eps)
    for name, entry in run.entries.items():
        replicates = _replicates(entry, run)
        for prediction in predictions(run, name, cell):
            seen = _observed(entry, prediction, run.records[name], index, run)
            if seen is not None:
                observed, error, heavy = seen
                indicator = prediction.statistic == "probability" or prediction.quantity in INDICATORS
                error = _standard_error(prediction, error, replicates, indicator, run.truth)
                yield _Test(prediction, name, observed, error, indicator, heavy, replicates, cell, resolution)


def _standard_error(
    prediction: theory.Prediction, sample: np.ndarray, replicates: int, indicator: bool, truth: Truth
) -> np.ndarray:
    """The law's own where it is known, otherwise the sample's, mended where that is no estimate."""
    values, own = prediction.values, prediction.standard_error(replicates)
    if indicator:
        own = np.sqrt(values * (1 - values) / replicates)
    error = sample if own is None else own
    if own is None and prediction.quantity == "support":
        # While losses are few in all replicates together, their sample variance says little. Counts of
        # extinct symbols vary no more than a sum of independent ones: at most by their mean.
        lost = np.maximum(_symbols(truth) - values, 0.0)
        error = np.where(lost * replicates < 100, np.maximum(error, np.sqrt(lost / replicates)), error)
    # a sample without spread is no proof that there is none: one replicate could have differed
    return np.where(error > 0, error, np.abs(values) / replicates)


def _symbols(truth: Truth) -> int:
    """How many symbols the truth can draw."""
    table = getattr(truth.params, "probabilities", getattr(truth.params, "weights", None))
    if table is None:
        p = float(truth.params.probability)
        table = [1.0 - p, p]
    return int(np.sum(np.asarray(table) > 0))


def _replicates(entry: Entry, run: Trajectories) -> int:
    """How many replicates an entry speaks of: fewer than ran where only the first were kept."""
    return entry.values.shape[0] if isinstance(entry, KeptEntry) else run.replicates


def _observed(
    entry: Entry, prediction: theory.Prediction, record: Record, index: tuple[int, ...], run: Trajectories
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Statistic, its standard error from the sample, and where a mean is not to be trusted."""
    if isinstance(entry, HittingEntry):
        return _surviving(entry, record, index, run)
    if not isinstance(entry, MeanEntry) or np.any(entry.count[index] < 2):
        return None
    if prediction.statistic == "variance":
        # without the law's fourth moment: the normal approximation of the variance of a variance
        error = entry.variance[index] * math.sqrt(2.0 / max(_replicates(entry, run) - 1, 1))
        return entry.variance[index], error, np.zeros(prediction.values.shape, bool)
    heavy = np.zeros(prediction.values.shape, bool)
    if prediction.quantity not in INDICATORS and prediction.statistic == "mean":
        heavy = np.broadcast_to(entry.heavy[index], heavy.shape)
    return entry.mean[index], entry.standard_error[index], heavy


def _surviving(
    entry: HittingEntry, record: Record, index: tuple[int, ...], run: Trajectories
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """A hitting time of an absorbing event gives its probability at every generation."""
    reducer = record.reduce
    metric = getattr(record.metric, "__name__", "")
    if not absorbing(run) or not isinstance(reducer, HittingTime):
        return None
    probability = np.moveaxis(entry.probability[index], -1, 0)
    if metric == "alive" and reducer.below is not None and 0 < float(reducer.below) <= 1:
        probability = 1.0 - probability
    elif not (metric == "single_symbol" and reducer.above is not None and 0 <= float(reducer.above) < 1):
        return None
    error = np.sqrt(probability * (1 - probability) / run.replicates)
    return probability, error, np.zeros(probability.shape, bool)


def _cells(run: Trajectories) -> list[tuple[dict[str, float], tuple[int, ...]]]:
    sweep = run.attributes["sweep"]
    if not sweep:
        return [({}, ())]
    axes = list(sweep)
    shape = tuple(len(values) for values in sweep.values())
    return [
        ({axis: sweep[axis][i] for axis, i in zip(axes, index, strict=True)}, index)
        for index in np.ndindex(shape)
    ]


def _notes(run: Trajectories) -> tuple[str, ...]:
    notes, first = [], _cells(run)[0][0]
    for name, entry in run.entries.items():
        replicates = _replicates(entry, run)
        if isinstance(entry, QuantilesEntry | HistogramEntry) and predictions(run, name, first):
            notes.append(
                f"{name}: not compared, since it is kept as {entry.kind} and its laws are of means; record "
                "it with reduce=mc.Moments() as well"
            )
        if isinstance(entry, MeanEntry) and np.any(entry.count < replicates):
            missing = int(replicates - entry.count.min())
            notes.append(f"{name}: up to {missing} replicates are not finite and left out")
        if isinstance(entry, MeanEntry) and np.any(entry.heavy):
            notes.append(
                f"{name}: the largest 0.1 % of replicates carry over 10 % of a sum; do not trust its mean"
            )
    return tuple(notes)
