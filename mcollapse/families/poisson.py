"""Poisson: counts without an upper end, whose mean dies out like a branching process."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import Samples, Total
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.parameters import concrete, is_concrete, real_data
from mcollapse.once import once
from mcollapse.random import Key
from mcollapse.status import Status

_LARGEST_TOTAL = 10**8
"""Expected sum of a sample: draws go up to 10^9, and a model's rate may be several times the truth's."""


class PoissonParams(eqx.Module):
    """The rate: mean and variance at once."""

    rate: Float[Array, ""] = eqx.field(converter=concrete)

    def __check_init__(self):
        """A rate is a finite number, and not negative."""
        if is_concrete(self.rate) and not 0.0 <= float(self.rate) < np.inf:
            raise ValueError(f"rate must be a finite number of at least 0, got {float(self.rate):g}")

    @classmethod
    def standard(cls) -> "PoissonParams":
        """Rate 1."""
        return cls(1.0)

    @classmethod
    def from_data(cls, counts: object) -> "PoissonParams":
        """The mean of a vector of counts."""
        data = real_data(counts, "Poisson data")
        wrong = (data < 0) | (data != np.floor(data))
        if np.any(wrong):
            raise ValueError(f"Poisson data are whole numbers from 0 on, got {data[wrong][0]}")
        return cls(data.mean())


class Poisson(AbstractFamily):
    r"""$P(x = k) = e^{-\lambda} \lambda^k / k!$, $k = 0, 1, \dots$

    The statistic is the sum of the counts, $\mathrm{Poisson}(n\lambda)$, and the estimate its mean. Under
    replacement that is a Galton-Watson process: a martingale that dies out. Source: Suresh, Thangaraj and
    Khandavally (2024, arXiv 2412.17646), Theorem 2.
    """

    Params = PoissonParams

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "alive")

    def sample(self, key: Key, params: PoissonParams, count: Count, capacity: int) -> Samples:
        """Rows are int32 counts."""
        rows = jax.vmap(lambda i: random.poisson(key.fold(i), 1, params.rate))(
            jnp.arange(capacity, dtype=jnp.int32)
        )
        return Samples.first(rows, count)

    def statistics(self, samples: Samples, like: PoissonParams) -> Total:
        """How many points, and their sum."""
        if not jnp.issubdtype(samples.rows.dtype, jnp.integer):
            raise ValueError(
                f"a Poisson is fitted to whole numbers, and this truth gives {samples.rows.dtype}: use one "
                "of counts, such as families.Poisson or families.Bernoulli"
            )
        dtype = samples.weights.dtype
        return Total(samples.count, jnp.sum(samples.weights * samples.rows.astype(dtype), dtype=dtype))

    def sample_statistics(self, key: Key, params: PoissonParams, count: Count) -> Total:
        r"""$\sum_i x_i \sim \mathrm{Poisson}(n\lambda)$."""
        count = jnp.asarray(count, jnp.int32)
        # a rate and a status come of it
        return Total(
            count, once(lambda: random.poisson(key, 1, count.astype(params.rate.dtype) * params.rate))
        )

    def maximum_likelihood(
        self, data: Total, previous: PoissonParams, ddof: int = 0
    ) -> tuple[PoissonParams, Int[Array, ""]]:
        """The sample mean; without data the previous model is kept."""
        some, dtype = data.count > 0, previous.rate.dtype
        mean = data.total.astype(dtype) / jnp.where(some, data.count, 1).astype(dtype)
        rate = jnp.where(some, mean, previous.rate)
        status = jnp.where(rate == 0, Status.DEGENERATE, Status.OK)
        return PoissonParams(rate), jnp.where(some, status, Status.TOO_FEW_POINTS).astype(jnp.int32)

    def blank(self, truth: object, capacity: int | None) -> PoissonParams:
        """Rate zero."""
        return PoissonParams(jnp.zeros(()))

    def combine(self, first: PoissonParams, second: PoissonParams, weight: Float[Array, ""]) -> PoissonParams:
        """The weighted mean of both rates."""
        return PoissonParams(weight * first.rate + (1.0 - weight) * second.rate)

    def expectation(self, params: PoissonParams) -> Float[Array, ""]:
        """The rate."""
        return params.rate

    def alive(self, params: PoissonParams) -> Float[Array, ""]:
        """1 while anything but zeros can be drawn."""
        return (params.rate > 0).astype(params.rate.dtype)

    def kl_divergence(self, params: PoissonParams, truth: PoissonParams) -> Float[Array, ""]:
        r"""$\lambda\log(\lambda/\lambda_*) - \lambda + \lambda_*$."""
        rate = params.rate
        ratio = jnp.log(jnp.where(rate > 0, rate, 1.0)) - jnp.log(jnp.where(rate > 0, truth.rate, 1.0))
        return rate * ratio - rate + truth.rate

    def largest_count(self, truth: object) -> int | None:
        """So many points that their sum can be drawn; a truth of another family has no rate to tell."""
        rate = getattr(truth, "rate", None)
        return None if rate is None else int(_LARGEST_TOTAL / max(float(rate), 1.0))
