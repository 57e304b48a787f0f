"""Until: as many replicates as a stated precision needs."""

import dataclasses
import math
from typing import Any

import numpy as np

from mcollapse.recording import BLOCK, Entry, Keep, MeanEntry, Moments
from mcollapse.running.preparation import Prepared
from mcollapse.trajectories import Trajectories
from mcollapse.whole_numbers import check_whole, whole

FIRST = 8192
GROWTH = (1.25, 8.0)
"""The next number of replicates is at least and at most so many times the last."""
SPARE = 1.05
"""A standard error is itself an estimate: a little more is asked for than it says is needed."""


@dataclasses.dataclass(frozen=True)
class Until:
    """Replicates until the standard error of a mean is small, see `until`."""

    record: str
    relative: float
    at_most: int

    @property
    def first(self) -> int:
        """How many to begin with."""
        return min(FIRST, self.at_most)

    def ratio(self, entry: Entry) -> float:
        """The largest standard error, as a share of what is allowed, over all that is recorded."""
        assert isinstance(entry, MeanEntry)
        allowed = self.relative * np.abs(entry.mean)
        found = np.isfinite(entry.mean) & (entry.standard_error > 0)
        with np.errstate(divide="ignore"):
            return float(np.max(entry.standard_error / allowed, where=found, initial=0.0))

    def next(self, replicates: int, ratio: float) -> int | None:
        """How many in all come next, in whole blocks; `None` where it is enough, or as much as may be."""
        if ratio <= 1.0 or replicates >= self.at_most:
            return None
        times = min(max(SPARE * ratio**2, GROWTH[0]), GROWTH[1])
        return min(math.ceil(times * replicates / BLOCK) * BLOCK, self.at_most)

    def told(self, run: Trajectories) -> dict[str, Any]:
        """For the attributes of a run: what was asked for, and whether it was reached."""
        reached = self.ratio(run[self.record]) * self.relative
        return {"record": self.record, "relative": self.relative, "at_most": self.at_most, "reached": reached}


def until(record: str, *, relative: float, at_most: int) -> Until:
    r"""As many replicates as make the standard error of `record` at most `relative` times its mean.

    At every recorded generation, cell and component whose mean is finite; in whole blocks of 128, and no
    more than `at_most`. How many that are depends on the run's numbers alone, so that another machine stops
    at the same place. A rule that stops at a precision biases the mean by less than its standard error.

    ```python
    enough = mc.until("squared_error", relative=0.01, at_most=10**6)
    mc.simulate(process, truth, key=key, generations=100, replicates=enough)
    ```

    Raises:
        ValueError: `relative` is not above 0, or `at_most` is less than a block.
    """
    if not isinstance(record, str):
        raise ValueError(f"until takes the name of a record, got {record!r}")
    number = isinstance(relative, int | float | np.number) and not isinstance(relative, bool)
    if not number or not 0 < relative < math.inf:
        raise ValueError(f"relative is a share of the mean above 0, such as 0.01, got {relative!r}")
    most = whole(at_most)
    check_whole("at_most", most, least=BLOCK)
    return Until(record, float(relative), most // BLOCK * BLOCK)


def check_rule(rule: Until, asked: Prepared) -> None:
    """Refuse a rule about a record that there is not, or that has no mean."""
    if rule.record not in asked.records:
        raise ValueError(
            f"until looks at the record {rule.record!r}, and recorded are {', '.join(asked.records)}"
        )
    reducer = asked.records[rule.record].reduce
    whole_run = isinstance(reducer, Keep) and reducer.first is None
    if not whole_run and not isinstance(reducer, Moments):
        raise ValueError(
            f"until looks at a mean over all replicates, and {rule.record!r} is reduced by "
            f"{type(reducer).__name__}: record it with mc.Moments() or mc.Keep()"
        )
