"""Moments: mean, variance and standard error over replicates, in bounded memory."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from mcollapse.recording.base import BLOCK, AbstractReducer, Collector, gathered
from mcollapse.recording.entries import MomentsEntry, top_share
from mcollapse.summation import tree_sum


class BlockMoments(NamedTuple):
    """Of the finite values of each block: count, mean, scatter, sum of sizes |x| and largest size."""

    count: Any
    mean: Any
    scatter: Any
    absolute: Any
    largest: Any


class Moments(AbstractReducer):
    r"""Mean and variance over replicates, $\bar x$ and $\frac{1}{R-1}\sum (x - \bar x)^2$.

    Values that are not finite (the logarithm of a variance that is zero) are left out and show in
    `count`. The device reduces each block of 128 replicates by a fixed tree of additions in the
    program's precision; blocks are merged in float64, in order of replicate ids.
    """

    def summarise(self, values: Array, present: Bool[Array, " lanes"]) -> BlockMoments:
        """Moments of each block of 128 lanes."""
        blocks = jnp.asarray(values, jnp.result_type(float)).reshape(*values.shape[:-1], -1, BLOCK)
        keep = jnp.isfinite(blocks) & present.reshape(-1, BLOCK)
        count = tree_sum(keep.astype(blocks.dtype), axis=-1)
        mean = tree_sum(jnp.where(keep, blocks, 0.0), axis=-1) / jnp.maximum(count, 1.0)
        scatter = tree_sum(jnp.where(keep, blocks - mean[..., None], 0.0) ** 2, axis=-1)
        size = jnp.where(keep, jnp.abs(blocks), 0.0)
        return BlockMoments(count, mean, scatter, tree_sum(size, axis=-1), jnp.max(size, axis=-1))

    def collector(
        self, shape: tuple[int, ...], dtype: Any, generations: np.ndarray, replicates: int
    ) -> Collector:
        """Zero replicates so far."""
        return _MomentsCollector(shape, generations, jnp.result_type(float))

    def bytes(self, size: int, replicates: int) -> int:
        """Five float64 numbers a position, and the largest value of each block."""
        return size * (40 + 4 * (replicates // BLOCK + 1))


SUMS = ("count", "mean", "scatter", "absolute")


class _MomentsCollector(Collector):
    def __init__(self, shape: tuple[int, ...], generations: np.ndarray, dtype: Any):
        self.generations = generations
        self.count, self.mean, self.scatter, self.absolute = (np.zeros(shape) for _ in SUMS)
        self.largest = [np.zeros((0, *shape), dtype)]

    def add(self, first: int, summary: BlockMoments) -> None:
        parts = (np.moveaxis(part, -1, 0).astype(np.float64) for part in summary[:4])
        for count, mean, scatter, absolute in zip(*parts, strict=True):
            self._merge(count, mean, scatter, absolute)
        self.largest.append(np.moveaxis(summary.largest, -1, 0))

    def _merge(self, count: np.ndarray, mean: np.ndarray, scatter: np.ndarray, absolute: np.ndarray) -> None:
        total = self.count + count
        weight = count / np.maximum(total, 1.0)
        shift = mean - self.mean
        self.scatter = self.scatter + scatter + shift**2 * self.count * weight
        self.mean = self.mean + shift * weight
        self.count, self.absolute = total, self.absolute + absolute

    def state(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in SUMS} | {"largest": np.concatenate(self.largest)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        taken = gathered(
            state, {name: getattr(self, name) for name in SUMS} | {"largest": self.largest[0][:0]}
        )
        self.count, self.mean, self.scatter, self.absolute = (taken[name] for name in SUMS)
        self.largest = [taken["largest"]]

    def finish(self) -> MomentsEntry:
        replicates = int(self.count.max(initial=1))
        # two of the largest may share a block, of which only one is seen: the share is a lower bound
        share = top_share(np.concatenate(self.largest), self.absolute, replicates)
        variance = self.scatter / np.maximum(self.count - 1.0, 1.0)
        mean = np.where(self.count > 0, self.mean, np.nan)  # there is no mean of nothing
        return MomentsEntry(mean, variance, self.count, share, self.generations)
