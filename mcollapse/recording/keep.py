"""Keep: whole trajectories."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from mcollapse.recording.base import BLOCK, AbstractReducer, Allocate, Collector, gathered
from mcollapse.recording.entries import Arrays, Entry, MeanEntry, Part, Variables, top_share
from mcollapse.whole_numbers import is_whole

_ROWS = 1024


class KeptEntry(MeanEntry):
    """Whole trajectories: `values` is `[replicate, *sweep, generation, *components]`."""

    kind = "keep"

    def __init__(self, values: Any, generations: np.ndarray, sweep_axes: tuple[str, ...] = ()):
        self.stored, self.generations, self.sweep_axes = values, generations, sweep_axes
        self.shape = values.shape

    @functools.cached_property
    def values(self) -> np.ndarray:
        """In memory: an array on a disk is read when it is asked for."""
        return np.asarray(self.stored[...])

    @property
    def count(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Finite values per position."""
        return np.isfinite(self.values).sum(axis=0)

    @property
    def mean(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Over replicates whose value is finite, in float64; NaN where none is."""
        return _finite_mean(self.values)

    @property
    def variance(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Over replicates whose value is finite, with divisor R - 1."""
        count = self.count
        squares = np.where(np.isfinite(self.values), self.values - self.mean, 0.0) ** 2
        return squares.sum(axis=0, dtype=np.float64) / np.maximum(count - 1, 1)

    @property
    def top_share(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The share of the sum of absolute values that the largest 0.1 % of replicates carry."""
        size = np.abs(np.where(np.isfinite(self.values), self.values, 0.0))
        return top_share(size, size.sum(axis=0, dtype=np.float64), self.values.shape[0])

    def quantile(self, q: float | list[float]) -> np.ndarray:
        """Quantiles over replicates."""
        return np.quantile(self.values, q, axis=0)

    def variables(self, name: str) -> Variables:
        """One array with a replicate axis."""
        return {name: (("replicate", *self.dims(np.broadcast_to(0, self.shape[1:]))), self.stored)}

    @classmethod
    def read(
        cls, name: str, arrays: Arrays, generations: np.ndarray, sweep_axes: tuple[str, ...] = ()
    ) -> "KeptEntry":
        """From one array."""
        return cls(arrays[name], generations, sweep_axes)

    @classmethod
    def joined(cls, shape: tuple[int, ...], nothing: Entry, parts: Sequence[Part]) -> "KeptEntry":
        """Every part has written to the one array of all cells."""
        assert isinstance(nothing, KeptEntry)
        return cls(nothing.stored.whole, nothing.generations)

    @property
    def component_shape(self) -> tuple[int, ...]:
        """The axes behind the generations."""
        return self.shape[2 + len(self.sweep_axes) :]

    def at(self, cell: tuple[int, ...], component: int | None = None) -> "KeptEntry":
        """Trajectories of one cell and component."""
        return KeptEntry(self.values[:, *self.place(cell, component)], self.generations)


class Keep(AbstractReducer):
    """Every recorded value of every replicate, or of the `first` so many."""

    first: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        """At least one replicate is kept."""
        if self.first is not None and not is_whole(self.first):
            raise ValueError(f"Keep(first=…) keeps at least one replicate, got {self.first!r}")

    def summarise(self, values: Array, present: Bool[Array, " lanes"]) -> Array:
        """The values as they are; with `first` no more lanes than can be wanted."""
        lanes = values.shape[-1]
        wanted = lanes if self.first is None else min(lanes, math.ceil(self.first / BLOCK) * BLOCK)
        return jnp.asarray(values)[..., :wanted]

    def collector(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        generations: np.ndarray,
        replicates: int,
        allocate: Allocate = np.empty,
    ) -> Collector:
        """An array with room for all that is kept."""
        rows = replicates if self.first is None else min(self.first, replicates)
        return _KeepCollector(allocate((rows, *shape), dtype), generations)

    def bytes(self, size: int, replicates: int) -> int:
        """Of the program's float, an upper limit for counts and truth values."""
        width = np.dtype(jnp.result_type(float)).itemsize
        return width * size * (replicates if self.first is None else min(self.first, replicates))


class _KeepCollector(Collector):
    """Writes each chunk where it belongs, in memory or on a disk."""

    def __init__(self, values: Any, generations: np.ndarray):
        self.values, self.generations = values, generations
        self.in_memory = getattr(values, "in_memory", isinstance(values, np.ndarray))
        self.filled = np.zeros(values.shape[0], bool)

    def add(self, first: int, summary: np.ndarray, count: int | None = None) -> None:
        own = summary.shape[-1] if count is None else min(count, summary.shape[-1])
        stop = min(first + own, self.values.shape[0])
        if stop > first:
            self.values[first:stop] = np.moveaxis(summary[..., : stop - first], -1, 0)
            self.filled[first:stop] = True

    def state(self) -> dict[str, np.ndarray]:
        if not self.in_memory:
            return {}
        return {"replicates": np.flatnonzero(self.filled), "values": self.values[self.filled]}

    def merge(self, state: Mapping[str, np.ndarray]) -> None:
        if not self.in_memory:
            return
        taken = gathered(state, {"replicates": np.zeros(0, np.int64), "values": self.values[:0]})
        if np.any(taken["replicates"] >= len(self.values)):
            raise ValueError(
                f"the state's values are of replicate {taken['replicates'].max()}, and only "
                f"{len(self.values)} replicates are kept"
            )
        self.values[taken["replicates"]] = taken["values"]
        self.filled[taken["replicates"]] = True

    def finish(self) -> KeptEntry:
        return KeptEntry(self.values, self.generations)


def _finite_mean(values: np.ndarray) -> np.ndarray:
    """Of differences to one of the values: a number that all share stays as it is, however many share it."""
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    if not len(values):
        return np.full(count.shape, np.nan)
    one = np.take_along_axis(values, np.argmax(finite, axis=0)[None], axis=0)[0].astype(np.float64)
    one = np.where(count > 0, one, 0.0)
    total = np.zeros(count.shape)
    for first in range(0, len(values), _ROWS):  # a copy of all in float64 might not fit
        part = slice(first, first + _ROWS)
        total += np.where(finite[part], values[part] - one, 0.0).sum(axis=0)
    return np.where(count > 0, one + total / np.maximum(count, 1), np.nan)  # there is no mean of nothing
