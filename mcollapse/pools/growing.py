"""What pools have in common that keep every batch: one merge of statistics, or one buffer of rows."""

from jaxtyping import Array, Int

from mcollapse.data import Batch, Samples
from mcollapse.pools.base import AbstractPool, State
from mcollapse.pools.rows import Rows


class AbstractGrowing(AbstractPool):
    """A pool of all batches so far."""

    def capacity(self, batch: int) -> int:
        """All points, and room for the last batch's buffer."""
        return 0 if self.starts is None else 1 << (int(self.starts.values[-1]) + batch - 1).bit_length()

    def init(self, batch: Batch, capacity: int) -> State:
        """No data yet: a buffer for rows, zeros for statistics."""
        part = batch.real if batch.real is not None else batch.synthetic
        return Rows.empty(batch, capacity) if isinstance(part, Samples) else batch

    def grown(self, state: Rows | Batch, batch: Batch, t: Int[Array, ""]) -> Rows | Batch:
        """The pool with one more batch in it."""
        if isinstance(state, Batch):
            return state.merge(batch)
        assert self.starts is not None  # a planned pool knows where its rows begin
        return state.write(batch, self.starts.at(t))
