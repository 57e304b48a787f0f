"""A categorical model that is kept as the sample it was fitted to, for the engine's own use.

The maximum-likelihood model of labels is their empirical law, and a point of it is one of the labels, chosen
uniformly. Where a model is only ever sampled again, its probabilities need not be known: drawing the next
sample costs the same however many categories there are, as in the Wright-Fisher model of genetics.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from mcollapse import random
from mcollapse.data import Samples
from mcollapse.families.base import AbstractFamily, Count, Params
from mcollapse.lanes import frequencies
from mcollapse.once import once
from mcollapse.random import Key
from mcollapse.status import Status


class Labels(eqx.Module):
    """The labels of a sample, of which the first `count` are present; none before the first sample."""

    labels: Int32[Array, " capacity"]
    count: Int32[Array, ""]


class ResampledCategorical(AbstractFamily):
    """`Categorical`, each model being the sample that it is the maximum-likelihood fit to."""

    def sample(self, key: Key, params: Labels, count: Count, capacity: int) -> Samples:
        """Labels of the last sample, with replacement."""

        def drawn() -> Int32[Array, " capacity"]:
            chosen = random.integers(key, 1, params.count, (capacity,))
            return params.labels.at[chosen].get(mode="promise_in_bounds")

        return Samples.first(once(drawn), count)

    def maximum_likelihood(
        self, data: Samples, previous: Labels, ddof: int = 0
    ) -> tuple[Labels, Int32[Array, ""]]:
        """The sample itself, a whole batch of unweighted rows; without data the previous one is kept."""
        count, absent = data.count.astype(jnp.int32), data.weights == 0
        some = count > 0
        alike = jnp.all((data.rows == data.rows[0]) | absent)
        status = jnp.where(some, jnp.where(alike, Status.DEGENERATE, Status.OK), Status.TOO_FEW_POINTS)
        labels = jnp.where(some, data.rows, previous.labels)
        return Labels(labels, jnp.where(some, count, previous.count)), status.astype(jnp.int32)

    def blank(self, truth: Params, capacity: int | None) -> Labels:
        """No labels."""
        return Labels(jnp.zeros(capacity or 0, jnp.int32), jnp.zeros((), jnp.int32))

    def proportions(self, params: Labels, truth: Float[Array, " categories"]) -> Float[Array, " categories"]:
        """The proportions of the labels, or those of the truth before the first sample."""
        present = (jnp.arange(params.labels.size, dtype=jnp.int32) < params.count).astype(jnp.int32)
        counts = frequencies(params.labels, present, truth.size)
        proportions = counts.astype(truth.dtype) / jnp.maximum(params.count, 1).astype(truth.dtype)
        return jnp.where(params.count > 0, proportions, truth)
