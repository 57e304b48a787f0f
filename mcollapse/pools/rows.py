"""A buffer of rows, filled batch after batch."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Num, Shaped

from mcollapse.data import Batch, Samples


class Rows(eqx.Module):
    """All rows so far, with real and synthetic weights; a weight array is `None` where none ever comes.

    Points lie without gaps: those of generation t begin where the sizes of the generations before say,
    so that the i-th point of all is row i. What a batch's buffer holds beyond its points has weight 0
    and is written over by the next batch.
    """

    rows: Shaped[Array, "capacity ..."]
    real: Num[Array, " capacity"] | None
    synthetic: Num[Array, " capacity"] | None

    @classmethod
    def empty(cls, batch: Batch, capacity: int) -> "Rows":
        """Room for `capacity` rows like those of `batch`."""
        part = batch.real if batch.real is not None else batch.synthetic
        assert isinstance(part, Samples)

        def weights(part: object) -> Array | None:
            return jnp.zeros(capacity, part.weights.dtype) if isinstance(part, Samples) else None

        rows = jnp.zeros((capacity, *part.rows.shape[1:]), part.rows.dtype)
        return cls(rows, weights(batch.real), weights(batch.synthetic))

    def write(self, batch: Batch, start: Int[Array, ""]) -> "Rows":
        """The batch with its first point in row `start`."""
        parts = [part for part in (batch.real, batch.synthetic) if isinstance(part, Samples)]
        absent = jnp.zeros_like(parts[0].weights)

        def put(buffer: Array, value: Array) -> Array:
            return jax.lax.dynamic_update_slice_in_dim(buffer, value, start, axis=0)

        def weights(buffer: Array | None, part: object) -> Array | None:
            # a part that does not come now must still wipe what the last batch left beyond its points
            value = part.weights if isinstance(part, Samples) else absent
            return None if buffer is None else put(buffer, value)

        rows = put(self.rows, parts[0].rows)
        return Rows(rows, weights(self.real, batch.real), weights(self.synthetic, batch.synthetic))

    def all(self, share: Array) -> Batch:
        """Every row as one batch."""
        return self._batch(self.rows, share, lambda weights: weights)

    def take(self, index: Int[Array, " chosen"], share: Array) -> Batch:
        """The rows at `index`; -1 stands for none."""
        safe = jnp.maximum(index, 0)
        return self._batch(self.rows[safe], share, lambda weights: jnp.where(index >= 0, weights[safe], 0))

    def _batch(self, rows: Array, share: Array, weigh) -> Batch:
        real, synthetic = (
            None if weights is None else Samples(rows, weigh(weights))
            for weights in (self.real, self.synthetic)
        )
        return Batch(real, synthetic, share, one_buffer=real is not None and synthetic is not None)
