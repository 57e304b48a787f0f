"""Draw: what a source asks for points, whatever the family, the path and the buffer."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from mcollapse.data import AbstractStatistics, Batch, Samples
from mcollapse.decoders import AbstractDecoder
from mcollapse.families.base import AbstractFamily, Numbers, Params, Truth, offers
from mcollapse.random import Key

REAL, MODEL, PLACES = 1, 2, 4  # purposes below the key of a batch; 3 is a source's own


class Draw(eqx.Module):
    """Draws points from the truth or from a model, as statistics or as rows.

    A source calls `real`, `model` or `both` and never learns which path is taken.
    """

    family: AbstractFamily
    truth: Truth
    capacity: int = eqx.field(static=True)
    as_rows: bool = eqx.field(static=True)
    decoder: AbstractDecoder
    t: Int[Array, ""]

    def real(self, key: Key, count: Numbers) -> AbstractStatistics | Samples:
        """`count` points of the truth."""
        return self._draw(key.at(REAL), self.truth.family, self.truth.params, count)

    def model(self, key: Key, params: Params, count: Numbers) -> AbstractStatistics | Samples:
        """`count` points of the model with these parameters, as decoded."""
        decoded = self.decoder.decode(self.family, params, self.t)
        return self._draw(key.at(MODEL), self.family, decoded, count)

    def models(
        self, key: Key, stacked: Params, counts: Int[Array, " models"]
    ) -> AbstractStatistics | Samples:
        """`counts[j]` points of the model with the j-th of these parameters, for all j together."""
        if not self.as_rows and offers(self.family, "sample_statistics"):
            first, rest = ((jax.tree.map(take, stacked), take(counts)) for take in (_first, _others))
            start = self.model(key.fold(0), *first)

            def add(so_far: Any, given: tuple[Any, Array, Array]) -> tuple[Any, None]:
                params, count, j = given
                return so_far.merge(self.model(key.fold(j), params, count)), None

            return jax.lax.scan(add, start, (*rest, jnp.arange(1, counts.shape[0], dtype=jnp.int32)))[0]
        ends = jnp.cumsum(counts, dtype=jnp.int32)

        def row(i: Array) -> Array:
            params = jax.tree.map(lambda leaf: leaf[jnp.searchsorted(ends, i, side="right")], stacked)
            decoded = self.decoder.decode(self.family, params, self.t)
            return self.family.sample(key.at(MODEL).fold(i), decoded, 1, 1).rows[0]

        samples = Samples.first(jax.vmap(row)(jnp.arange(self.capacity, dtype=jnp.int32)), ends[-1])
        if self.as_rows:
            return samples
        return self.family.statistics(samples, jax.tree.map(_first, stacked))

    def both(
        self,
        key: Key,
        params: Params,
        real: Int[Array, ""],
        synthetic: Int[Array, ""],
        share: Array,
        scattered: bool = False,
    ) -> Batch:
        """`real` points of the truth and `synthetic` ones of a model; rows share one buffer.

        `scattered` where each point is real or not by itself: see `AbstractFamily.scattered`.
        """
        if not self.as_rows:
            counts: tuple[Numbers, Numbers] = (real, synthetic)
            if scattered and type(self.truth.family) is type(self.family):
                counts = self.family.scattered(key.at(PLACES), real, synthetic)
            return Batch(self.real(key, counts[0]), self.model(key, params, counts[1]), share)
        ours, theirs = self.real(key, self.capacity), self.model(key, params, self.capacity)
        assert isinstance(ours, Samples) and isinstance(theirs, Samples)
        position = jnp.arange(self.capacity, dtype=jnp.int32)
        is_real, is_model = position < real, (position >= real) & (position < real + synthetic)
        if self.family.in_sequence:  # the model's points begin where the real ones end
            theirs = Samples(jnp.roll(theirs.rows, real, axis=0), theirs.weights)
        # else rows are independent of their position, so one buffer serves: real ones first, then the model's
        mask = is_real.reshape(is_real.shape + (1,) * (ours.rows.ndim - 1))
        rows = jnp.where(mask, ours.rows.astype(theirs.rows.dtype), theirs.rows)
        real_part, model_part = (Samples(rows, part.astype(jnp.int32)) for part in (is_real, is_model))
        return Batch(real_part, model_part, share, one_buffer=True)

    def _draw(
        self, key: Key, family: AbstractFamily, params: Params, count: Numbers
    ) -> AbstractStatistics | Samples:
        same_statistics = type(family) is type(self.family) and offers(family, "sample_statistics")
        if not self.as_rows and same_statistics:
            return family.sample_statistics(key, params, count)
        if self.capacity == 0:
            raise ValueError(
                f"points of a {family.name} are drawn as rows, and this process was planned without: call "
                "process.planned(generations, start, truth) with the truth"
            )
        samples = family.sample(key, params, count, self.capacity)
        # statistics are the model's even where the truth is of another family
        if self.as_rows:
            return self.family.accepted(samples)
        return self.family.statistics(samples, self.family.blank(self.truth.params, None))


def _first(leaf: Array) -> Array:
    return leaf[0]


def _others(leaf: Array) -> Array:
    return leaf[1:]
