"""The same real data in every generation, and the newest batch."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch, merge_parts
from mcollapse.pools.base import AbstractPool, State
from mcollapse.random import Key


class RealAndNewest(AbstractPool):
    """Each generation sees the real points of generation 0 once more, and its own batch.

    The partially synthetic loop of Seddik et al. (2024, arXiv 2404.05090) and the fixed real data of
    Alemohammad et al. (2023, arXiv 2307.01850).
    """

    keeps_real: ClassVar[bool] = True

    def fitted_sizes(self, batch_sizes: np.ndarray, start: str) -> np.ndarray:
        """The batch, and from generation 1 on the n_0 real points."""
        return np.concatenate([batch_sizes[:1], batch_sizes[1:].astype(np.int64) + int(batch_sizes[0])])

    def init(self, batch: Batch, capacity: int) -> State:
        """No real points yet."""
        return batch.real

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """What was kept, none at generation 0, and the batch, which is kept at generation 0."""
        data = Batch(merge_parts(state, batch.real), batch.synthetic, batch.share)
        if batch.synthetic is None:
            state = jax.tree.map(lambda new, old: jnp.where(t == 0, new, old), batch.real, state)
        return state, data
