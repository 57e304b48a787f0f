"""Accumulate: train on all data so far."""

import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch, Samples
from mcollapse.pools.base import AbstractPool, State, starts_of
from mcollapse.pools.rows import Rows
from mcollapse.random import Key
from mcollapse.schedules import Table


class All(AbstractPool):
    """Each generation sees every batch so far ("accumulate"; Gerstgrasser et al. 2024, arXiv 2404.01413).

    On statistics this is a running merge, whose cost does not grow with the history.
    """

    def fitted_sizes(self, batch_sizes: np.ndarray, start: str) -> np.ndarray:
        """All points so far."""
        return np.asarray(starts_of(batch_sizes, start).values)[1:]

    def capacity(self, batch: int) -> int:
        """All points, and room for the last batch's buffer."""
        return buffer_rows(self.starts, batch)

    def init(self, batch: Batch, capacity: int) -> State:
        """No data yet."""
        return empty(batch, capacity)

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """Everything so far, this batch included."""
        state = merged(state, batch, self.starts, t)
        return state, state.all(batch.share) if isinstance(state, Rows) else state


def buffer_rows(starts: Table | None, batch: int) -> int:
    """Host: rows of a buffer that holds every point."""
    return 0 if starts is None else 1 << (int(starts.values[-1]) + batch - 1).bit_length()


def empty(batch: Batch, capacity: int) -> Rows | Batch:
    """A pool without data: a buffer for rows, zeros for statistics."""
    part = batch.real if batch.real is not None else batch.synthetic
    return Rows.empty(batch, capacity) if isinstance(part, Samples) else batch


def merged(state: Rows | Batch, batch: Batch, starts: Table | None, t: Int[Array, ""]) -> Rows | Batch:
    """The pool with one more batch in it."""
    if isinstance(state, Batch):
        return state.merge(batch)
    assert starts is not None  # a planned pool knows where its rows begin
    return state.write(batch, starts.at(t))
