"""Replace: train on the newest batch alone."""

from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.pools.base import AbstractPool, State
from mcollapse.random import Key
from mcollapse.schedules import Table


class Newest(AbstractPool):
    """Each generation sees its own batch and nothing else ("replace")."""

    starts: Table | None = None

    def init(self, batch: Batch, capacity: int) -> State:
        """Nothing is kept."""
        return None

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """The batch itself."""
        return state, batch
