"""A buffer of rows with a slot a generation."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Num, Shaped

from mcollapse.data import Batch, Samples


class Rows(eqx.Module):
    """All rows so far, with real and synthetic weights; a weight array is `None` where none ever comes."""

    rows: Shaped[Array, "capacity ..."]
    real: Num[Array, " capacity"] | None
    synthetic: Num[Array, " capacity"] | None

    @classmethod
    def empty(cls, batch: Batch, capacity: int) -> "Rows":
        """Room for `capacity` rows like those of `batch`."""
        part = batch.real if batch.real is not None else batch.synthetic
        assert isinstance(part, Samples)
        rows = jnp.zeros((capacity, *part.rows.shape[1:]), part.rows.dtype)
        weights = (
            None if part is None else jnp.zeros(capacity, part.weights.dtype)  # pyright: ignore
            for part in (batch.real, batch.synthetic)
        )
        return cls(rows, *weights)

    def write(self, batch: Batch, t: Int[Array, ""]) -> "Rows":
        """The batch in the slot of generation `t`, which is its own and never moves."""
        parts = [part for part in (batch.real, batch.synthetic) if isinstance(part, Samples)]
        slot = parts[0].rows.shape[0]
        start = t * slot

        def put(buffer: Array, value: Array) -> Array:
            return jax.lax.dynamic_update_slice_in_dim(buffer, value, start, axis=0)

        def weight(buffer: Array | None, part: object) -> Array | None:
            return put(buffer, part.weights) if buffer is not None and isinstance(part, Samples) else buffer

        rows = put(self.rows, parts[0].rows)
        return Rows(rows, weight(self.real, batch.real), weight(self.synthetic, batch.synthetic))

    def batch(self, share: Array | float, keep: Array | None = None) -> Batch:
        """All rows, or those that the mask `keep` picks, as one batch."""

        def part(weights: Array | None) -> Samples | None:
            if weights is None:
                return None
            return Samples(self.rows, weights if keep is None else jnp.where(keep, weights, 0))

        both = self.real is not None and self.synthetic is not None
        return Batch(part(self.real), part(self.synthetic), share, one_buffer=both)

    @property
    def present(self) -> Array:
        """Which rows hold a point."""
        weights = [weight for weight in (self.real, self.synthetic) if weight is not None]
        return sum(weights[1:], start=weights[0]) > 0
