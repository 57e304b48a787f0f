"""Moments: mean, variance and standard error over replicates, in bounded memory."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from mcollapse.recording.base import BLOCK, TAIL, AbstractReducer, Allocate, Collector, gathered
from mcollapse.recording.blocks import BlockTree, Parts
from mcollapse.recording.entries import Arrays, MeanEntry, Variables, top_share
from mcollapse.summation import tree_sum

PARTS = ("mean", "variance", "count", "top_share")


class MomentsEntry(MeanEntry):
    """Mean and variance over replicates, without the replicates."""

    kind = "moments"

    def __init__(
        self,
        mean: np.ndarray,
        variance: np.ndarray,
        count: np.ndarray,
        top_share: np.ndarray,
        generations: np.ndarray,
        sweep_axes: tuple[str, ...] = (),
    ):
        self.mean, self.variance, self.count, self.top_share = mean, variance, count, top_share
        self.generations, self.sweep_axes = generations, sweep_axes

    def variables(self, name: str) -> Variables:
        """Mean, variance, count, standard error and tail weight."""
        parts = (*PARTS, "standard_error")
        return {f"{name}.{part}": (self.dims(self.mean), np.asarray(getattr(self, part))) for part in parts}

    @classmethod
    def read(
        cls, name: str, arrays: Arrays, generations: np.ndarray, sweep_axes: tuple[str, ...] = ()
    ) -> "MomentsEntry":
        """From what determines the rest."""
        mean, variance, count, share = (arrays[f"{name}.{part}"] for part in PARTS)
        return cls(mean, variance, count, share, generations, sweep_axes)

    @property
    def component_shape(self) -> tuple[int, ...]:
        """The axes behind the generations."""
        return self.mean.shape[1 + len(self.sweep_axes) :]

    def at(self, cell: tuple[int, ...], component: int | None = None) -> "MomentsEntry":
        """Moments of one cell and component."""
        mean, variance, count, share = (getattr(self, part)[self.place(cell, component)] for part in PARTS)
        return MomentsEntry(mean, variance, count, share, self.generations)


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
    program's precision; blocks are merged in float64, by a fixed tree over replicate ids.
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
        self,
        shape: tuple[int, ...],
        dtype: Any,
        generations: np.ndarray,
        replicates: int,
        allocate: Allocate = np.empty,
    ) -> Collector:
        """Zero replicates so far."""
        return _MomentsCollector(shape, generations, replicates)

    def bytes(self, size: int, replicates: int) -> int:
        """Five float64 numbers a position, and the largest value of each block."""
        width = np.dtype(jnp.result_type(float)).itemsize
        return size * (40 + width * (replicates // BLOCK + 1))


class _MomentsCollector(Collector):
    """Merges in float64, in the order of `BlockTree`; the largest value of each block is kept as it is."""

    names = ("count", "mean", "scatter", "absolute")

    def __init__(self, shape: tuple[int, ...], generations: np.ndarray, replicates: int):
        self.generations, self.shape = generations, shape
        self.tree = BlockTree(_merged, replicates // BLOCK)
        self.largest = np.zeros((-(-replicates // BLOCK), *shape), jnp.result_type(float))

    def add(self, first: int, summary: BlockMoments, count: int | None = None) -> None:
        begin = first // BLOCK
        blocks = summary.count.shape[-1] if count is None else -(-count // BLOCK)
        stop = min(begin + blocks, len(self.largest))
        parts = tuple(np.moveaxis(part, -1, 0)[: stop - begin] for part in summary)
        self.tree.add(begin, tuple(part.astype(np.float64) for part in parts[:-1]))
        self.largest[begin:stop] = parts[-1]

    def state(self) -> dict[str, np.ndarray]:
        return self.tree.state(self.names) | {"largest": self.largest.copy()}

    def merge(self, state: Mapping[str, np.ndarray]) -> None:
        like: dict[str, np.ndarray] = {"largest": self.largest[:0], "nodes": np.zeros((0, 2), np.int64)}
        like |= {name: np.zeros((0, *self.shape)) for name in self.names}
        like |= {TAIL + name: np.zeros(self.shape) for name in self.names}
        taken = gathered(state, like)
        self.tree.merge(taken, self.names)
        largest = taken.get("largest", self.largest[:0])
        self.largest[: len(largest)] = np.maximum(self.largest[: len(largest)], largest)

    def finish(self) -> MomentsEntry:
        nothing = tuple(np.zeros(self.shape) for _ in self.names)
        count, mean, scatter, absolute = self.tree.fold() or nothing
        replicates = int(count.max(initial=1))
        # two of the largest may share a block, of which only one is seen: the share is a lower bound
        share = top_share(self.largest, absolute, replicates)
        variance = scatter / np.maximum(count - 1.0, 1.0)
        mean = np.where(count > 0, mean, np.nan)  # there is no mean of nothing
        return MomentsEntry(mean, variance, count, share, self.generations)


def _merged(left: Parts, right: Parts) -> Parts:
    """Counts, means, scatters and sums of sizes of two sets as those of both (Chan, Golub and LeVeque)."""
    (count, mean, scatter, absolute), (more, other, spread, sizes) = left, right
    total = count + more
    weight = more / np.maximum(total, 1.0)
    shift = other - mean
    return total, mean + shift * weight, scatter + spread + shift**2 * count * weight, absolute + sizes
