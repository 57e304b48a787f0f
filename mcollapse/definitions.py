"""What is called collapse? Eight definitions of the literature, each answered for a run.

Papers that disagree on whether models collapse often mean different things. Schaeffer et al. (2025,
arXiv 2503.03150) tell eight apart; here each has its threshold, its reference and its number.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from mcollapse.rates import BLOCKS, jackknife, slope
from mcollapse.recording import KeptEntry, MeanEntry
from mcollapse.trajectories import Trajectories

Answer = Literal["yes", "no", "undecided", "not decidable from this run"]
RISKS = (
    "test_error", "squared_error", "kl_divergence", "chi_square", "total_variation", "hellinger",
    "wasserstein2_squared", "frobenius_squared",
)  # fmt: skip
"""Metrics that are a risk, the first of which is taken that a run recorded."""

DIVERSITIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "trace": np.asarray,
    "variance": np.asarray,
    "standard_deviation": np.asarray,
    "entropy": np.asarray,
    "concentration": lambda value: 1.0 - value,
    "log_variance": np.exp,
    "log_determinant": np.exp,
}
"""Metrics that tell a variety, and how; of a logarithm the geometric mean."""


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """From where on a definition holds; a decision takes `sigmas` standard errors."""

    catastrophic: float = 10.0
    """1: the risk has grown by this factor."""
    slope: float = 0.05
    """3: over the second half of the run the risk grows at least like this power of t."""
    diversity: float = 0.1
    """4: so little of the variety is left."""
    modes: float = 0.9
    """6: so few of the modes are still covered."""
    tails: float = 0.9
    """7: so few of the symbols can still be drawn."""
    hallucinated: float = 0.01
    """8: so much mass lies where the truth has none."""
    sigmas: float = 4.0

    def __post_init__(self):
        """Thresholds are positive numbers."""
        for name, value in dataclasses.asdict(self).items():
            if not 0 < value < np.inf:
                raise ValueError(f"the threshold {name} is a positive number, got {value}")


@dataclasses.dataclass(frozen=True)
class Definition:
    """One definition of collapse, and what a run says to it."""

    number: int
    name: str
    answer: Answer
    threshold: str
    reference: str
    value: float = float("nan")
    standard_error: float = float("nan")
    record: str = ""
    note: str = ""


@dataclasses.dataclass(frozen=True)
class CollapseReport:
    """The eight definitions in their order."""

    definitions: tuple[Definition, ...]

    def __iter__(self) -> Iterator[Definition]:
        return iter(self.definitions)

    def __getitem__(self, number: int) -> Definition:
        """By its number, 1 to 8."""
        if number not in range(1, 9):
            raise KeyError(f"definitions are numbered 1 to 8, got {number}")
        return self.definitions[number - 1]

    def rows(self) -> list[dict[str, Any]]:
        """Plain data, one row a definition."""
        return [dataclasses.asdict(definition) for definition in self]

    def __str__(self) -> str:
        lines = []
        for d in self:
            number = "" if np.isnan(d.value) else f"{d.value:.4g} ± {d.standard_error:.2g}, {d.threshold}; "
            about = number + ("; ".join(x for x in (d.record, d.reference, d.note) if x))
            lines.append(f"{d.number}. {d.name}: {d.answer} ({about})")
        return "\n".join(lines)


def collapse_report(run: Trajectories, thresholds: Thresholds | None = None) -> CollapseReport:
    """Which of the eight definitions hold for this run.

    The reference is the first fit: generation 0, or 1 where the truth is generation 0; the number that of the
    last generation. Where a definition needs what was not recorded, several sizes or modes, it says so.
    Source: Schaeffer et al. (2025, arXiv 2503.03150).

    Raises:
        ValueError: the run is a sweep or a difference of two.
    """
    if run.attributes["sweep"] or "difference_of" in run.attributes:
        raise ValueError(
            "a report is on one experiment, and this run is a sweep or a difference: run a cell alone"
        )
    given = thresholds or Thresholds()
    risk, diversity = _first(run, RISKS), _first(run, tuple(DIVERSITIES))
    return CollapseReport(
        (
            _catastrophic(run, risk, given),
            _increase(run, risk, given),
            _divergence(run, risk, given),
            _diversity(run, diversity, given),
            _missing(5, "changed scaling law", "needs a sweep over sample sizes"),
            _modes(run, given),
            _tails(run, given),
            _hallucinated(run, given),
        )
    )


def _first(run: Trajectories, names: tuple[str, ...]) -> str | None:
    """The record of the first of these metrics that has means of at least two fits."""
    metrics = {getattr(record.metric, "__name__", ""): name for name, record in run.records.items()}
    found = [metrics[name] for name in names if name in metrics]
    usable = [name for name in found if isinstance(run[name], MeanEntry) and len(_fits(run, name)) > 1]
    return usable[0] if usable else None


def _fits(run: Trajectories, name: str) -> np.ndarray:
    """Positions of the recorded generations from the first fit on."""
    first = 0 if run.attributes["start"] == "real" else 1
    return np.flatnonzero(np.asarray(run[name].generations) >= first)


def _moments(run: Trajectories, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard errors from the first fit on."""
    entry = run[name]
    assert isinstance(entry, MeanEntry)
    fits = _fits(run, name)
    return np.asarray(entry.mean, float)[fits], np.asarray(entry.standard_error, float)[fits]


def _reference(run: Trajectories, name: str) -> str:
    generations = np.asarray(run[name].generations)[_fits(run, name)]
    return f"generation {generations[-1]} against {generations[0]}"


def _decided(value: float, error: float, limit: float, given: Thresholds, above: bool = True) -> Answer:
    """Beyond the limit by enough standard errors, short of it by as many, or neither."""
    gap = (value - limit) if above else (limit - value)
    if gap > given.sigmas * error:
        return "yes"
    return "no" if gap < -given.sigmas * error or (error == 0 and gap <= 0) else "undecided"


def _ratio(mean: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Last over first with its standard error, as if both were independent: an upper bound on most runs."""
    if mean[0] == 0:
        return float("nan"), float("nan")
    ratio = mean[-1] / mean[0]
    return float(ratio), float(np.hypot(error[-1], ratio * error[0]) / abs(mean[0]))


def _missing(number: int, name: str, note: str) -> Definition:
    return Definition(number, name, "not decidable from this run", "", "", note=note)


def _catastrophic(run: Trajectories, risk: str | None, given: Thresholds) -> Definition:
    name = "catastrophic increase of risk"
    if risk is None:
        return _missing(1, name, f"record a risk, such as {RISKS[1]}")
    value, error = _ratio(*_moments(run, risk))
    if np.isnan(value):
        return _missing(1, name, "the risk of the first fit is 0")
    answer = _decided(value, error, given.catastrophic, given)
    return Definition(
        1, name, answer, f"ratio at least {given.catastrophic:g}", _reference(run, risk), value, error, risk
    )


def _increase(run: Trajectories, risk: str | None, given: Thresholds) -> Definition:
    name = "any increase of risk"
    if risk is None:
        return _missing(2, name, f"record a risk, such as {RISKS[1]}")
    entry, (mean, error) = run[risk], _moments(run, risk)
    value, spread, note = float(mean[-1] - mean[0]), float(np.hypot(error[-1], error[0])), "not paired"
    if isinstance(entry, KeptEntry):
        fits = _fits(run, risk)
        pairs = np.asarray(entry.values, float)[:, fits[-1]] - np.asarray(entry.values, float)[:, fits[0]]
        spread, note = float(np.std(pairs, ddof=1) / np.sqrt(len(pairs))), "paired by replicate"
    answer = _decided(value, spread, 0.0, given)
    return Definition(2, name, answer, "difference above 0", _reference(run, risk), value, spread, risk, note)


def _divergence(run: Trajectories, risk: str | None, given: Thresholds) -> Definition:
    name = "asymptotically diverging risk"
    if risk is None:
        return _missing(3, name, f"record a risk, such as {RISKS[1]}")
    entry = run[risk]
    if not isinstance(entry, KeptEntry) or entry.values.shape[0] < 2 * BLOCKS:
        return _missing(3, name, f"needs whole trajectories of {2 * BLOCKS} replicates: reduce=mc.Keep()")
    generations = np.asarray(entry.generations)
    late = np.flatnonzero((generations >= generations[-1] / 2) & (generations > 0))
    if len(late) < 5:
        return _missing(3, name, "a slope needs five recorded generations in the second half of the run")
    values = np.asarray(entry.values, float)[:, late]
    if np.any(values.mean(axis=0) <= 0):
        return _missing(3, name, "the risk is not positive in the second half of the run")
    steepness, error = jackknife(values, lambda means: slope(generations[late], means))
    answer = _decided(steepness, error, given.slope, given)
    window = f"log-log slope from generation {generations[late[0]]} to {generations[-1]}"
    return Definition(
        3, name, answer, f"slope at least {given.slope:g}", window, steepness, error, risk,
        "over these generations; a bound beyond them is theory's",
    )  # fmt: skip


def _diversity(run: Trajectories, record: str | None, given: Thresholds) -> Definition:
    name = "vanishing variance or diversity"
    if record is None:
        return _missing(4, name, "record a variance, an entropy or a concentration")
    metric = run.records[record].metric.__name__  # type: ignore[attr-defined]
    mean, error = _moments(run, record)
    counts = np.asarray(run[record].count)[_fits(run, record)]  # type: ignore[union-attr]
    if metric.startswith("log_") and counts[-1] < counts[0]:
        gone = int(counts[0] - counts[-1])
        return _missing(4, name, f"{gone} replicates have no finite {metric} left: record a variance")
    if metric.startswith("log_"):
        value = float(np.exp(mean[-1] - mean[0]))
        spread = value * float(np.hypot(error[-1], error[0]))
    else:
        value, spread = _ratio(DIVERSITIES[metric](mean), error)
        if np.isnan(value):
            return _missing(4, name, "the first fit has no variety")
    answer = _decided(value, spread, given.diversity, given, above=False)
    return Definition(
        4, name, answer, f"ratio at most {given.diversity:g}", _reference(run, record), value, spread, record
    )


def _modes(run: Trajectories, given: Thresholds) -> Definition:
    name = "lost or entangled modes"
    record = _first(run, ("mode_coverage",))
    if record is None:
        return _missing(6, name, "record mode_coverage, of a model and a truth with modes")
    value, spread = _ratio(*_moments(run, record))
    if np.isnan(value):
        return _missing(6, name, "the first fit covers no mode")
    answer = _decided(value, spread, given.modes, given, above=False)
    return Definition(
        6, name, answer, f"ratio at most {given.modes:g}", _reference(run, record), value, spread, record
    )


def _tails(run: Trajectories, given: Thresholds) -> Definition:
    name = "disappearing tails"
    record = _first(run, ("support", "alive"))
    if record is None:
        return _missing(7, name, "record support or alive, of a model with symbols")
    mean, error = _moments(run, record)
    if mean.ndim > 1:  # a number for each symbol: how many there are, errors added without their signs
        mean, error = (array.reshape(len(array), -1).sum(axis=1) for array in (mean, error))
    value, spread = _ratio(mean, error)
    answer = _decided(value, spread, given.tails, given, above=False)
    return Definition(
        7, name, answer, f"ratio at most {given.tails:g}", _reference(run, record), value, spread, record
    )


def _hallucinated(run: Trajectories, given: Thresholds) -> Definition:
    name = "hallucinated data"
    record = _first(run, ("probabilities",))
    truth = getattr(run.truth.params, "probabilities", None)
    if record is None or truth is None or not np.any(np.asarray(truth) == 0):
        return _missing(8, name, "record probabilities, of a truth that gives some symbols none")
    impossible = np.asarray(truth) == 0
    mean, error = _moments(run, record)
    value, spread = float(mean[-1, impossible].sum()), float(error[-1, impossible].sum())
    answer = _decided(value, spread, given.hallucinated, given)
    return Definition(
        8, name, answer, f"mass at least {given.hallucinated:g}", _reference(run, record).split(" ag")[0],
        value, spread, record,
    )  # fmt: skip
