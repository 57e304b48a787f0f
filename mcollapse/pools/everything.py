"""Accumulate: train on all data so far."""

import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.pools.base import State, starts_of
from mcollapse.pools.growing import AbstractGrowing
from mcollapse.pools.rows import Rows
from mcollapse.random import Key


class All(AbstractGrowing):
    """Each generation sees every batch so far ("accumulate"; Gerstgrasser et al. 2024, arXiv 2404.01413).

    On statistics this is a running merge, whose cost does not grow with the history. Rows are written in
    place; but a fit to rows reads the whole buffer, which has room for the points of the last generation from
    the first on, and a model that is its data holds it once more. With n points a generation an Empirical or
    a KernelDensity thus takes time of order n T a generation, n T^2 a run: some 5 ns a row and replicate.
    """

    def fitted_sizes(self, batch_sizes: np.ndarray, start: str) -> np.ndarray:
        """All points so far."""
        return np.asarray(starts_of(batch_sizes, start).values)[1:]

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """Everything so far, this batch included."""
        state = self.grown(state, batch, t)
        return state, state.all(batch.share) if isinstance(state, Rows) else state
