"""Recording: what of a run is kept.

A reducer has two halves. On the device it summarises the metric of all lanes, at recorded generations
or at every one; on the host a collector merges these summaries over replicates. Merging is done in
float64, in fixed blocks of 128 replicate ids taken in order, because a plain sum would depend on how
the run was cut into chunks.
"""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Int

from mcollapse.recording.entries import Entry
from mcollapse.recording.generations import At, as_at

BLOCK = 128
"""Replicates that are reduced together; chunks are whole blocks."""


class Collector(abc.ABC):
    """The host half: merges summaries of consecutive replicates.

    `state` and `restore` let a run stop after any chunk and go on later, in another process: a fresh
    collector of the same arguments that is restored and then given the remaining summaries ends in the
    same entry, bit for bit. An array's length may depend on how much was added, its name and dtype do not.
    """

    @abc.abstractmethod
    def add(self, first: int, summary: Any) -> None:
        """Merge the summary of replicates from `first` on; called in order of `first`."""

    @abc.abstractmethod
    def finish(self) -> Entry:
        """The recorded entry."""

    @abc.abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """All that `add` has gathered so far, as named arrays that no later `add` changes."""

    @abc.abstractmethod
    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take back what `state` gave, in place of whatever this collector holds.

        Raises:
            ValueError: the arrays are not those of a collector of the same arguments.
        """


def gathered(state: Mapping[str, np.ndarray], like: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a state, copied, where their names, dtypes and shapes are those of a collector.

    `like` has an array for each name; where its first axis has length 0, any length is right.
    """
    if set(state) != set(like):
        raise ValueError(f"this state holds {', '.join(sorted(state))}, not {', '.join(sorted(like))}")
    for name, own in like.items():
        given, free = np.asarray(state[name]), own.shape[:1] == (0,)
        if given.dtype != own.dtype or given.shape[free:] != own.shape[free:] or given.ndim != own.ndim:
            raise ValueError(
                f"the state's {name} is {given.dtype} {given.shape}, not {own.dtype} {own.shape}: it was "
                "gathered for other records, generations or cells"
            )
    return {name: np.array(state[name]) for name in like}


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
