"""Bernoulli: a coin, the smallest model that can forget."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import Counts, Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.parameters import concrete, is_concrete, real_data, tempered
from mcollapse.random import Key
from mcollapse.status import Status


class BernoulliParams(eqx.Module):
    """The probability of a success."""

    probability: Float[Array, ""] = eqx.field(converter=concrete)

    def __check_init__(self):
        """A probability lies in [0, 1]."""
        if is_concrete(self.probability) and not 0.0 <= float(self.probability) <= 1.0:
            raise ValueError(f"probability must lie in [0, 1], got {float(self.probability):g}")

    @classmethod
    def standard(cls) -> "BernoulliParams":
        """A fair coin."""
        return cls(0.5)

    @classmethod
    def from_data(cls, successes: object) -> "BernoulliParams":
        """The proportion of ones in a vector of zeros and ones."""
        data = real_data(successes, "Bernoulli data")
        if not np.all((data == 0) | (data == 1)):
            raise ValueError(f"Bernoulli data are zeros and ones, got {data[(data != 0) & (data != 1)][0]}")
        return cls(data.mean())


class Bernoulli(AbstractFamily):
    r"""$P(x = 1) = p$, $x \in \{0, 1\}$.

    Its statistics are the counts of failures and successes; their law is binomial. Under replacement
    $p$ is a martingale that is absorbed at 0 or 1 (Suresh, Thangaraj, Khandavally 2024, arXiv
    2412.17646).
    """

    Params = BernoulliParams

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "concentration", "support", "entropy")
    average_is_mixture: ClassVar[bool] = True

    def sample(self, key: Key, params: BernoulliParams, count: Count, capacity: int) -> Samples:
        """Rows are int32 zeros and ones."""
        successes = random.bernoulli(key, 1, params.probability, (capacity,))
        return Samples.first(successes.astype(jnp.int32), count)

    def statistics(self, samples: Samples, like: BernoulliParams) -> Counts:
        """Counts of zeros and ones."""
        ones = jnp.sum(samples.weights * samples.rows, dtype=samples.weights.dtype)
        return Counts(jnp.stack([samples.count - ones, ones]))

    def sample_statistics(self, key: Key, params: BernoulliParams, count: Count) -> Counts:
        r"""$X \sim \mathrm{Bin}(n, p)$ successes."""
        ones = random.binomial(key, 1, count, params.probability)
        return Counts(jnp.stack([jnp.asarray(count, jnp.int32) - ones, ones]))

    def maximum_likelihood(
        self, data: Counts, previous: BernoulliParams, ddof: int = 0
    ) -> tuple[BernoulliParams, Int[Array, ""]]:
        """The sample mean; without data the previous model is kept."""
        total = data.count
        dtype = previous.probability.dtype
        share = data.counts[1].astype(dtype) / jnp.where(total > 0, total, 1).astype(dtype)
        probability = jnp.where(total > 0, share, previous.probability)
        absorbed = (probability == 0) | (probability == 1)
        status = jnp.where(
            total > 0, jnp.where(absorbed, Status.DEGENERATE, Status.OK), Status.TOO_FEW_POINTS
        )
        return BernoulliParams(probability), status.astype(jnp.int32)

    def blank(self, truth: object, capacity: int | None) -> BernoulliParams:
        """Probability zero."""
        return BernoulliParams(jnp.zeros(()))

    def combine(
        self, first: BernoulliParams, second: BernoulliParams, weight: Float[Array, ""]
    ) -> BernoulliParams:
        """The weighted mean of both probabilities."""
        return BernoulliParams(weight * first.probability + (1.0 - weight) * second.probability)

    def temper(self, params: BernoulliParams, temperature: Float[Array, ""]) -> BernoulliParams:
        r"""Odds to the power $1/\tau$; what cannot happen stays so."""
        return self.with_probabilities(tempered(self.probabilities(params), temperature))

    def with_probabilities(self, table: Float[Array, " categories"]) -> BernoulliParams:
        """The coin with these chances of failure and success."""
        return BernoulliParams(table[1])

    def expectation(self, params: BernoulliParams) -> Float[Array, ""]:
        """The success probability."""
        return params.probability

    def probabilities(self, params: BernoulliParams) -> Float[Array, "2"]:
        """Of a failure and of a success."""
        return jnp.stack([1.0 - params.probability, params.probability])

    def largest_count(self, truth: object) -> int:
        """That of the draws."""
        return random.largest_count()
