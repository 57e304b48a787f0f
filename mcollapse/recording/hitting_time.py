"""HittingTime: the first generation at which a metric crosses a threshold."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from mcollapse.recording.base import AbstractReducer, Allocate, Collector, gathered
from mcollapse.recording.entries import Arrays, Entry, Variables
from mcollapse.recording.last_block import LastBlockApart
from mcollapse.schedules import number

NEVER = -1


class HittingEntry(Entry):
    """When replicates first crossed a threshold: `hits` is `[*sweep, *components, time]`, time 0 … T."""

    kind = "hitting_time"

    def __init__(self, hits: np.ndarray, censored: np.ndarray, sweep_axes: tuple[str, ...] = ()):
        self.hits, self.censored, self.sweep_axes = hits, censored, sweep_axes
        self.generations = np.arange(hits.shape[-1])

    @property
    def replicates(self) -> np.ndarray:
        """Replicates observed, the censored (never hit within the run) included."""
        return np.asarray(self.hits.sum(axis=-1) + self.censored)

    @property
    def probability(self) -> np.ndarray:
        """The share of replicates that have hit by each generation."""
        return np.cumsum(self.hits, axis=-1) / self.replicates[..., None]

    @property
    def standard_error(self) -> np.ndarray:
        """Of `probability`, binomial."""
        p = self.probability
        return np.sqrt(p * (1 - p) / self.replicates[..., None])

    @property
    def median(self) -> np.ndarray:
        """The first generation by which half have hit; infinite where fewer than half ever do."""
        return self.quantile(0.5)

    def quantile(self, q: float) -> np.ndarray:
        """The first generation by which a share q has hit; infinite where the run ended before."""
        reached = self.probability >= q - 1e-12
        return np.where(reached.any(axis=-1), np.argmax(reached, axis=-1), math.inf)

    @property
    def mean(self) -> np.ndarray:
        """Mean hitting time in generations; infinite where a replicate was censored."""
        hit = np.maximum(self.replicates - self.censored, 1)
        return np.where(self.censored == 0, (self.hits * self.generations).sum(axis=-1) / hit, math.inf)

    def variables(self, name: str) -> Variables:
        """The histogram of times and the number censored."""
        components = self.dims(self.censored, "")
        return {
            f"{name}.hits": ((*components, "time"), self.hits),
            f"{name}.censored": (components, self.censored),
        }

    @classmethod
    def read(
        cls, name: str, arrays: Arrays, generations: np.ndarray, sweep_axes: tuple[str, ...] = ()
    ) -> "HittingEntry":
        """From the histogram of times, whose axis is that of the run's generations."""
        return cls(arrays[f"{name}.hits"], arrays[f"{name}.censored"], sweep_axes)

    @property
    def component_shape(self) -> tuple[int, ...]:
        """The axes behind those of a sweep."""
        return self.censored.shape[len(self.sweep_axes) :]

    def at(self, cell: tuple[int, ...], component: int | None = None) -> "HittingEntry":
        """Times of one cell and component."""
        place = cell if component is None else (*cell, component)
        return HittingEntry(self.hits[place], np.asarray(self.censored[place]))


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
        length = len(generations)
        return LastBlockApart(lambda: _HittingCollector(shape, length), replicates)

    def _crossed(self, values: Array) -> Array:
        if self.below is not None:
            return values < jnp.asarray(self.below, values.dtype)
        return values > jnp.asarray(self.above, values.dtype)


class _HittingCollector(Collector):
    """`shape` is `[*sweep, *components]`; the histogram has its time axis last until it is finished."""

    def __init__(self, shape: tuple[int, ...], length: int):
        self.shape, self.length = shape, length
        self.hits = np.zeros((int(np.prod(shape)), length + 1), np.int64)  # last column: censored

    def add(self, first: int, summary: np.ndarray, count: int | None = None) -> None:
        times = summary.reshape(self.hits.shape[0], -1)
        row = np.broadcast_to(np.arange(times.shape[0])[:, None], times.shape)
        column = np.where(times == NEVER, self.length, times)
        valid = times >= NEVER
        flat = row[valid] * (self.length + 1) + column[valid]
        self.hits += np.bincount(flat, minlength=self.hits.size).reshape(self.hits.shape)

    def state(self) -> dict[str, np.ndarray]:
        return {"hits": self.hits.copy()}

    def merge(self, state: Mapping[str, np.ndarray]) -> None:
        self.hits += gathered(state, {"hits": self.hits}).get("hits", 0)

    def finish(self) -> HittingEntry:
        table = self.hits.copy().reshape(*self.shape, self.length + 1)
        return HittingEntry(table[..., :-1], table[..., -1])
