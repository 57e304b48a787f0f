"""Accumulate: train on all data so far."""

from jaxtyping import Array, Int

from mcollapse.data import Batch, Samples
from mcollapse.pools.base import AbstractPool, State
from mcollapse.pools.rows import Rows
from mcollapse.random import Key


class All(AbstractPool):
    """Each generation sees every batch so far ("accumulate"; Gerstgrasser et al. 2024, arXiv 2404.01413).

    On statistics this is a running merge, whose cost does not grow with the history.
    """

    def capacity(self, batch: int, generations: int) -> int:
        """A slot for each generation."""
        return batch * (generations + 1)

    def init(self, batch: Batch, capacity: int) -> State:
        """No data yet."""
        part = batch.real if batch.real is not None else batch.synthetic
        return Rows.empty(batch, capacity) if isinstance(part, Samples) else batch

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """Everything so far, this batch included."""
        if isinstance(state, Rows):
            state = state.write(batch, t)
            return state, state.batch(batch.share)
        state = state.merge(batch)
        return state, state
