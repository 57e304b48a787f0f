"""A sliding window: train on the last few batches."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch, Samples
from mcollapse.pools.base import AbstractPool, State
from mcollapse.random import Key
from mcollapse.whole_numbers import check_whole, whole


class Window(AbstractPool):
    """Each generation sees the last `batches` batches, its own and the real one of generation 0 included.

    Between `Newest` (one batch) and `All`: old data leave the pool, as they do where storage is limited.
    """

    batches: int = eqx.field(static=True, converter=whole)

    def __check_init__(self):
        """A window holds at least one batch."""
        check_whole("batches of Window", self.batches, remedy="; pools.All() holds all")

    def planned(self, batch_sizes: np.ndarray, start: str, as_rows: bool) -> "Window":
        """Host: nothing to tabulate; a window longer than the run holds no more than all batches."""
        del start, as_rows
        return dataclasses.replace(self, batches=min(self.batches, len(batch_sizes)))

    def fitted_sizes(self, batch_sizes: np.ndarray, start: str) -> np.ndarray:
        """The sum over the window."""
        drawn = np.concatenate([[0] if start == "truth" else batch_sizes[:1], batch_sizes[1:]])
        ends = np.cumsum(drawn.astype(np.int64))
        before = np.concatenate([np.zeros(self.batches, np.int64), ends])[: len(ends)]
        sums = ends - before
        return np.concatenate([batch_sizes[:1], sums[1:]]) if start == "truth" else sums

    def capacity(self, batch: int) -> int:
        """A buffer for each batch."""
        return batch * self.batches

    def init(self, batch: Batch, capacity: int) -> State:
        """Empty places."""
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (self.batches, *leaf.shape)), batch)

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """The batch in the place of the oldest, and all places together."""
        place = t % self.batches
        filled = _like(batch, state)
        state = jax.tree.map(lambda all, new: all.at[place].set(new), state, filled)
        return state, dataclasses.replace(_together(state), share=batch.share)


def _like(batch: Batch, state: Batch) -> Batch:
    """The batch with every part that ever comes: one that does not come now is empty."""
    first = jax.tree.map(lambda leaf: leaf[0], state)

    def part(ours, like, other):
        if ours is not None or like is None:
            return ours
        if isinstance(other, Samples) and state.one_buffer:  # rows are shared, weights are not
            return Samples(other.rows, jnp.zeros_like(other.weights))
        return like.zero()

    return Batch(
        part(batch.real, first.real, batch.synthetic),
        part(batch.synthetic, first.synthetic, batch.real),
        jnp.asarray(batch.share, first.share.dtype),
        one_buffer=state.one_buffer,
    )


def _together(state: Batch) -> Batch:
    if isinstance(state.real, Samples) or isinstance(state.synthetic, Samples):
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), state)
    parts = [jax.tree.map(lambda leaf, i=i: leaf[i], state) for i in range(len(state.share))]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    return merged
