"""Keep: whole trajectories."""

import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from mcollapse.recording.base import BLOCK, AbstractReducer, Allocate, Collector, gathered
from mcollapse.recording.entries import KeptEntry


class Keep(AbstractReducer):
    """Every recorded value of every replicate, or of the `first` so many."""

    first: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        """At least one replicate is kept."""
        if self.first is not None and (not isinstance(self.first, int) or self.first < 1):
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
        self.filled = np.zeros(values.shape[0], bool)

    def add(self, first: int, summary: np.ndarray) -> None:
        count = min(summary.shape[-1], self.values.shape[0] - first)
        if count > 0:
            self.values[first : first + count] = np.moveaxis(summary[..., :count], -1, 0)
            self.filled[first : first + count] = True

    def state(self) -> dict[str, np.ndarray]:
        if not isinstance(self.values, np.ndarray):
            return {}
        return {"replicates": np.flatnonzero(self.filled), "values": self.values[self.filled]}

    def merge(self, state: Mapping[str, np.ndarray]) -> None:
        if not isinstance(self.values, np.ndarray):
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
