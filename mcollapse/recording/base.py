"""Recording: what of a run is kept.

A reducer has two halves. On the device it summarises the metric of all lanes, at recorded generations
or at every one; on the host a collector merges these summaries over replicates. Merging is done in
float64, in fixed blocks of 128 replicate ids taken in order, because a plain sum would depend on how
the run was cut into chunks.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Int

from mcollapse.recording.entries import Entry
from mcollapse.recording.generations import At, as_at

BLOCK = 128
"""Replicates that are reduced together; chunks are whole blocks."""


class Collector(abc.ABC):
    """The host half: merges summaries of consecutive replicates."""

    @abc.abstractmethod
    def add(self, first: int, summary: Any) -> None:
        """Merge the summary of replicates from `first` on; called in order of `first`."""

    @abc.abstractmethod
    def finish(self) -> Entry:
        """The recorded entry."""


class AbstractReducer(eqx.Module):
    """How values over replicates become what is kept."""

    every_generation: ClassVar[bool] = False
    """Whether the reducer looks at all generations, whatever is recorded."""

    def init(self, values: Array) -> Any:
        """The carry of a reducer that looks at every generation, from the values at generation 0."""
        raise TypeError(f"{type(self).__name__} looks at recorded generations only")

    def observe(self, carry: Any, values: Array, t: Int[Array, ""]) -> Any:
        """The carry after generation `t`."""
        raise TypeError(f"{type(self).__name__} looks at recorded generations only")

    @abc.abstractmethod
    def summarise(self, values: Any, present: Bool[Array, " lanes"]) -> Any:
        """Device: a summary of values `[..., lanes]` (or of the carry); lanes not `present` are padding."""

    @abc.abstractmethod
    def collector(
        self, shape: tuple[int, ...], dtype: Any, generations: np.ndarray, replicates: int
    ) -> Collector:
        """Host: an empty collector; `shape` is `[*sweep, generation, *components]` of the entry."""

    def bytes(self, size: int, replicates: int) -> int:
        """Host: what the entry will occupy, where a replicate records `size` numbers."""
        del replicates
        return 32 * size


def _default_reducer() -> "AbstractReducer":
    from mcollapse.recording.keep import Keep

    return Keep()


class Record(eqx.Module):
    """What to keep of a run: a metric, at which generations, reduced how.

    `at` is `None` or `"all"`, `"log"`, `mc.every(k)`, `mc.log_spaced(T, count)` or a list of generations.
    """

    metric: Any  # Callable[..., Array]; checked below with a message of its own
    at: At = eqx.field(converter=as_at, static=True, default=None)
    reduce: AbstractReducer = eqx.field(default_factory=_default_reducer)

    def __check_init__(self):
        """A metric is a function and `reduce` a reducer."""
        if not callable(self.metric):
            raise ValueError(
                f"a metric is a function (family, params, truth) -> array, got {self.metric!r}; the built-in "
                "ones are in mcollapse.metrics"
            )
        if not isinstance(self.reduce, AbstractReducer):
            raise ValueError(
                f"reduce is mc.Keep(), mc.Moments() or mc.HittingTime(below=…), got {self.reduce!r}"
            )
