"""Replace: train on the newest batch alone."""

from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.pools.base import AbstractPool, State
from mcollapse.random import Key


class Newest(AbstractPool):
    """Each generation sees its own batch and nothing else ("replace")."""

    def init(self, batch: Batch, capacity: int) -> State:
        """Nothing is kept."""
        return None

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """The batch itself."""
        return state, batch
