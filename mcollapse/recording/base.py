"""Recording: what of a run is kept.

A reducer has two halves. On the device it summarises the metric of all lanes, at recorded generations
or at every one; on the host a collector merges these summaries over replicates. Merging is done in
float64, in fixed blocks of 128 replicate ids and a fixed order, because a plain sum would depend on how
the run was cut into chunks.
"""

import abc
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Int

from mcollapse.recording.entries import Entry
from mcollapse.recording.generations import At, as_at

BLOCK = 128
"""Replicates that are reduced together; chunks are whole blocks."""

TAIL = "tail."
"""Begins the names in a collector's state of what it holds of a last block that is not whole."""

Allocate = Callable[[tuple[int, ...], Any], Any]
"""Makes an array of a shape and dtype, in memory or on a disk, to which slices are assigned."""


class Collector(abc.ABC):
    """The host half: merges summaries of replicates, in whatever order they come.

    `state` and `merge` let a run stop after any chunk and go on later, or in several processes at once: a
    collector that merges the states of others of the same arguments ends in the same entry, bit for bit,
    as one that was given all summaries. An array's length may depend on how much was added, its dtype not.
    """

    @abc.abstractmethod
    def add(self, first: int, summary: Any, count: int | None = None) -> None:
        """Merge the summary of replicates from `first` on, each of which comes once.

        Only the first `count` of them are the chunk's own, all that there are where it is left out; they are
        whole blocks, unless they are the run's last.
        """

    @abc.abstractmethod
    def finish(self) -> Entry:
        """The entry of all that was added; more may be added afterwards."""

    @abc.abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """All that `add` has gathered so far, as named arrays that no later `add` changes.

        What the collector has written to an array on a disk is not repeated in it. A last block that is
        not whole is told apart, under names that begin with `TAIL`: where more replicates follow, it is
        gathered again.
        """

    @abc.abstractmethod
    def merge(self, state: Mapping[str, np.ndarray]) -> None:
        """Add what another collector of the same arguments has gathered of other replicates.

        Raises:
            ValueError: the arrays are not those of a collector of the same arguments.
        """


def gathered(state: Mapping[str, np.ndarray], like: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a state, copied, where their names, dtypes and shapes are those of a collector.

    `like` has an array for each name that there may be; where its first axis has length 0, any length is
    right.
    """
    if not set(state) <= set(like):
        raise ValueError(f"this state holds {', '.join(sorted(state))}, not {', '.join(sorted(like))}")
    for name, array in state.items():
        own, given = like[name], np.asarray(array)
        free = own.shape[:1] == (0,)
        if given.dtype != own.dtype or given.shape[free:] != own.shape[free:] or given.ndim != own.ndim:
            raise ValueError(
                f"the state's {name} is {given.dtype} {given.shape}, not {own.dtype} {own.shape}: it was "
                "gathered for other records, generations or cells"
            )
    return {name: np.array(array, order="C") for name, array in state.items()}


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
        self,
        shape: tuple[int, ...],
        dtype: Any,
        generations: np.ndarray,
        replicates: int,
        allocate: Allocate = np.empty,
    ) -> Collector:
        """Host: an empty collector; `shape` is `[*sweep, generation, *components]` of the entry.

        `allocate` makes the arrays that have an axis of replicates.
        """

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
                "reduce is mc.Keep(), mc.Moments(), mc.Quantiles(), mc.Histogram(edges=…) or "
                f"mc.HittingTime(below=…), got {self.reduce!r}"
            )
