"""One curve of a run: what was seen, what the exact law says, and whole trajectories where they were kept."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mcollapse.recording import Entry, HittingEntry, KeptEntry, MeanEntry
from mcollapse.trajectories import Trajectories
from mcollapse.verdicts import Report, Verdict

GROUPS = 50
"""Into how many groups of replicates a jackknife divides them."""


@dataclasses.dataclass(frozen=True)
class Results:
    """Runs and their reports, by arm."""

    runs: Mapping[str, Trajectories]
    reports: Mapping[str, Report]

    def curve(
        self,
        arm: str,
        record: str,
        cell: Mapping[str, float] | None = None,
        component: int | None = None,
        statistic: str = "mean",
    ) -> "Curve":
        """The curve of one cell and component.

        Raises:
            ValueError: there is no such cell, or the record is of no number.
        """
        run = self.runs[arm]
        index = cell_index(run, cell or {})
        found = {
            path: values[i] for (path, values), i in zip(run.attributes["sweep"].items(), index, strict=True)
        }
        said = [v for v in self.reports[arm] if v.record == record and v.cell == found]
        said = [v for v in said if (v.statistic == "variance") == (statistic == "variance")]
        entry = run[record].at(index, component)
        observed, error = _seen(entry, run, record, statistic)
        return Curve(entry, entry.generations, observed, error, tuple(said), component)


@dataclasses.dataclass(frozen=True)
class Curve:
    """Arrays are `[generation]`; `verdicts` are all that the report says of the record in this cell."""

    entry: Entry
    generations: np.ndarray
    seen: np.ndarray
    sample_error: np.ndarray
    verdicts: tuple[Verdict, ...]
    component: int | None

    @property
    def main(self) -> Verdict | None:
        """That of the exact law, or else of the best that there is; bounds have no value to compare."""
        for kind in ("exact", "asymptotic", "approximation"):
            for verdict in self.verdicts:
                if verdict.law.kind == kind:
                    return verdict
        return None

    def of(self, law: str) -> Verdict:
        """The verdict of one law.

        Raises:
            ValueError: no such law speaks of this record.
        """
        for verdict in self.verdicts:
            if verdict.law.name == law:
                return verdict
        known = ", ".join(v.law.name for v in self.verdicts) or "none"
        raise ValueError(f"no law {law!r} speaks of this record; there are {known}")

    def own(self, array: np.ndarray) -> np.ndarray:
        """Of an array of a verdict, the component."""
        return array if self.component is None else array[:, self.component]

    @property
    def law(self) -> np.ndarray | None:
        """What the main law says."""
        return None if self.main is None else self.own(self.main.predicted)

    @property
    def error(self) -> np.ndarray:
        """Standard errors: the law's own where it knows them."""
        if self.main is None or self.main.standard_error.shape != self.main.predicted.shape:
            return self.sample_error
        return np.where(self.sample_error > 0, self.sample_error, self.own(self.main.standard_error))

    @property
    def values(self) -> np.ndarray | None:
        """Whole trajectories `[replicate, generation]`, where they were kept."""
        return self.entry.values if isinstance(self.entry, KeptEntry) else None

    def positions(self, generations: range | tuple[int, ...]) -> np.ndarray:
        """Where the given generations are.

        Raises:
            ValueError: one was not recorded.
        """
        missing = sorted(set(generations) - set(self.generations.tolist()))
        if missing:
            raise ValueError(f"generation {missing[0]} was not recorded")
        return np.searchsorted(self.generations, np.asarray(generations))


def cell_index(run: Trajectories, cell: Mapping[str, float]) -> tuple[int, ...]:
    """The position of a cell of a sweep.

    Raises:
        ValueError: the sweep has no such value, or an axis is not fixed.
    """
    sweep = run.attributes["sweep"]
    if set(cell) != set(sweep):
        raise ValueError(
            f"a cell fixes {', '.join(sweep) or 'nothing'}, and not {', '.join(cell) or 'nothing'}"
        )
    index = []
    for path, values in sweep.items():
        near = np.flatnonzero(np.isclose(values, cell[path]))
        if not near.size:
            raise ValueError(f"{path} takes no value {cell[path]:g} in this sweep")
        index.append(int(near[0]))
    return tuple(index)


def _seen(entry: Entry, run: Trajectories, record: str, statistic: str) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(entry, HittingEntry):
        ended = getattr(run.records[record].metric, "__name__", "") == "single_symbol"
        share = entry.probability if ended else 1.0 - entry.probability
        return share, entry.standard_error
    if not isinstance(entry, MeanEntry):
        raise ValueError(f"{record!r} is kept as {entry.kind}, which has no mean: record Moments or Keep")
    if statistic == "variance":
        return entry.variance, entry.variance * np.sqrt(2.0 / np.maximum(entry.count - 1, 1))
    return entry.mean, entry.standard_error


def jackknife(values: np.ndarray, statistic: Any) -> tuple[float, float]:
    """A statistic of means over replicates, and its standard error by leaving out groups of them.

    Arguments:
        values: `[replicate, ...]`.
        statistic: takes the means `[...]`, gives a number.
    """
    groups = min(GROUPS, len(values))
    parts = np.array_split(np.asarray(values, np.float64), groups)
    sums, counts = np.stack([part.sum(axis=0) for part in parts]), np.array([len(part) for part in parts])
    total, count = sums.sum(axis=0), counts.sum()
    left = np.array([statistic((total - s) / (count - c)) for s, c in zip(sums, counts, strict=True)])
    spread = (groups - 1) / groups * np.sum((left - left.mean()) ** 2)
    return float(statistic(total / count)), float(np.sqrt(spread))
