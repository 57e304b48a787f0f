"""HittingTime: the first generation at which a metric crosses a threshold."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from mcollapse.recording.base import BLOCK, TAIL, AbstractReducer, Allocate, Collector, gathered
from mcollapse.recording.entries import HittingEntry
from mcollapse.schedules import number

NEVER = -1


def _threshold(value: object) -> np.ndarray | None:
    return None if value is None else number(value)


class HittingTime(AbstractReducer):
    r"""$\tau = \min\{t : x_t < \text{below}\}$, or $x_t > \text{above}$, looking at every generation.

    Replicates that never cross are counted as censored, not dropped. What is kept is the histogram of
    times, whose size does not depend on the number of replicates.
    """

    below: np.ndarray | None = eqx.field(converter=_threshold, default=None)
    above: np.ndarray | None = eqx.field(converter=_threshold, default=None)

    every_generation: ClassVar[bool] = True

    def __check_init__(self):
        """One threshold, no more and no less."""
        if (self.below is None) == (self.above is None):
            raise ValueError("HittingTime takes one threshold: HittingTime(below=…) or HittingTime(above=…)")

    def init(self, values: Array) -> Array:
        """Zero where the threshold is crossed at generation 0 already."""
        return jnp.where(self._crossed(values), 0, NEVER).astype(jnp.int32)

    def observe(self, carry: Array, values: Array, t: Int[Array, ""]) -> Array:
        """The first crossing stays."""
        return jnp.where((carry == NEVER) & self._crossed(values), t, carry).astype(jnp.int32)

    def summarise(self, values: Array, present: Bool[Array, " lanes"]) -> Array:
        """The times; padding lanes are marked apart from the censored."""
        return jnp.where(present, values, NEVER - 1)

    def collector(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        generations: np.ndarray,
        replicates: int,
        allocate: Allocate = np.empty,
    ) -> Collector:
        """An empty histogram over the run's generations, which `generations` lists in full."""
        return _HittingCollector(shape, len(generations), replicates)

    def _crossed(self, values: Array) -> Array:
        if self.below is not None:
            return values < jnp.asarray(self.below, values.dtype)
        return values > jnp.asarray(self.above, values.dtype)


class _HittingCollector(Collector):
    """`shape` is `[*sweep, *components]`; the histogram has its time axis last until it is finished."""

    def __init__(self, shape: tuple[int, ...], length: int, replicates: int):
        self.shape, self.length, self.whole = shape, length, replicates // BLOCK * BLOCK
        self.hits = np.zeros((int(np.prod(shape)), length + 1), np.int64)  # last column: censored
        self.tail = np.zeros_like(self.hits)

    def add(self, first: int, summary: np.ndarray) -> None:
        split = max(0, self.whole - first)
        self.hits += self._counted(summary[..., :split])
        self.tail += self._counted(summary[..., split:])

    def state(self) -> dict[str, np.ndarray]:
        return {"hits": self.hits.copy(), TAIL + "hits": self.tail.copy()}

    def merge(self, state: Mapping[str, np.ndarray]) -> None:
        taken = gathered(state, {"hits": self.hits, TAIL + "hits": self.tail})
        self.hits = self.hits + taken.get("hits", 0)
        self.tail = self.tail + taken.get(TAIL + "hits", 0)

    def finish(self) -> HittingEntry:
        table = (self.hits + self.tail).reshape(*self.shape, self.length + 1)
        return HittingEntry(table[..., :-1], table[..., -1])

    def _counted(self, times: np.ndarray) -> np.ndarray:
        """How many lanes hit at each time; padding lanes are in none of the columns."""
        times = times.reshape(self.hits.shape[0], -1)
        row = np.broadcast_to(np.arange(times.shape[0])[:, None], times.shape)
        column = np.where(times == NEVER, self.length, times)
        valid = times >= NEVER
        flat = row[valid] * (self.length + 1) + column[valid]
        return np.bincount(flat, minlength=self.hits.size).reshape(self.hits.shape)
