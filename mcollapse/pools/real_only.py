"""Filtration: train on the real points alone, of all batches so far."""

from typing import ClassVar

import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.pools.base import State
from mcollapse.pools.growing import AbstractGrowing
from mcollapse.pools.rows import Rows
from mcollapse.random import Key


class RealOnly(AbstractGrowing):
    """Each generation sees all real points so far and no synthetic one, as if these were filtered out.

    Provenance is taken to be known. Source: the filtration of Bakshi and Chakraborty (2026, arXiv
    2602.10531).
    """

    keeps_real: ClassVar[bool] = True

    def fitted_sizes(self, batch_sizes: np.ndarray, start: str) -> np.ndarray:
        """At least the real points of generation 0; how many more there are the source decides."""
        return np.full(len(batch_sizes), batch_sizes[0])

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """Everything so far, of which the synthetic part is left out."""
        state = self.grown(state, batch, t)
        data = state.all(batch.share) if isinstance(state, Rows) else state
        return state, Batch(data.real, None, batch.share)
