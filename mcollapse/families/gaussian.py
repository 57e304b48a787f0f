"""Gaussian: one dimension, with the variance fitted or known."""

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import MeanVariance, Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.parameters import check_finite, concrete, is_concrete, real_data
from mcollapse.families.rows import check_rows, floating
from mcollapse.random import Key
from mcollapse.random.logarithms import log1p
from mcollapse.status import Status
from mcollapse.summation import tree_sum


class GaussianParams(eqx.Module):
    """The mean and the logarithm of the variance, which may shrink by many orders of magnitude."""

    mean: Float[Array, ""] = eqx.field(converter=concrete)
    log_variance: Float[Array, ""] = eqx.field(converter=concrete)

    def __check_init__(self):
        """Concrete parameters are finite numbers."""
        for name in ("mean", "log_variance"):
            if is_concrete(getattr(self, name)):
                check_finite(name, getattr(self, name))

    @classmethod
    def standard(cls) -> "GaussianParams":
        """Mean 0, variance 1."""
        return cls(0.0, 0.0)

    @classmethod
    def from_data(cls, values: object, ddof: int = 0) -> "GaussianParams":
        """The sample mean and variance of a vector of numbers."""
        data = real_data(values, "Gaussian data").astype(np.float64)
        if data.size <= max(ddof, 1):
            raise ValueError(f"a variance needs at least {max(ddof, 1) + 1} values, got {data.size}")
        variance = data.var(ddof=ddof)
        if variance == 0:
            raise ValueError(
                f"all {data.size} values equal {data[0]:g}: their variance is zero, no Gaussian fits"
            )
        return cls(data.mean(), math.log(variance))


class Gaussian(AbstractFamily):
    r"""$x \sim N(\mu, \sigma^2)$.

    The statistics are count, mean and variance, independent of each other:
    $\bar x \sim N(\mu, \sigma^2/n)$ and $n v \sim \sigma^2 \chi^2_{n-1}$. With `variance="known"` only the
    mean is refitted and the variance stays as it is.
    """

    variance: str = eqx.field(static=True, default="fitted")

    Params = GaussianParams

    has_dispersion: ClassVar[bool] = True
    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "log_variance", "standard_deviation")

    def __check_init__(self):
        """The variance is fitted or known."""
        if self.variance not in ("fitted", "known"):
            raise ValueError(f'variance is "fitted" or "known", got {self.variance!r}')

    def sample(self, key: Key, params: GaussianParams, count: Count, capacity: int) -> Samples:
        """Rows are numbers."""
        normals = random.normal(key, 1, (capacity,))
        return Samples.first(params.mean + jnp.exp(0.5 * params.log_variance) * normals, count)

    def accepted(self, samples: Samples) -> Samples:
        """Numbers, counts of another truth among them."""
        check_rows(self, samples, (), ": use families.MultivariateGaussian")
        return floating(samples)

    def statistics(self, samples: Samples, like: GaussianParams) -> MeanVariance:
        """Count, mean and variance in two passes, so that nothing cancels."""
        dtype = jnp.result_type(float)
        rows, weights = samples.rows.astype(dtype), samples.weights.astype(dtype)
        total = jnp.maximum(tree_sum(weights), jnp.finfo(dtype).tiny)
        mean = tree_sum(weights * rows) / total
        return MeanVariance(samples.count, mean, jnp.log(tree_sum(weights * (rows - mean) ** 2) / total))

    def sample_statistics(self, key: Key, params: GaussianParams, count: Count) -> MeanVariance:
        r"""$\bar x = \mu + \sigma z/\sqrt n$, $\log v = \log\sigma^2 + \log(\chi^2_{n-1}/n)$."""
        count = jnp.asarray(count, jnp.int32)
        z, log_mean_square = random.normal_and_log_mean_square(key, 1, jnp.maximum(count - 1, 0))
        size = jnp.maximum(count, 1).astype(z.dtype)
        mean = params.mean + jnp.exp(0.5 * params.log_variance) * z * (1.0 / jnp.sqrt(size))
        log_variance = params.log_variance + (log_mean_square + log1p(-1 / size))
        present = count > 0  # a part of a batch may be empty, and then weighs nothing in a merge
        return MeanVariance(count, jnp.where(present, mean, 0.0), jnp.where(present, log_variance, -jnp.inf))

    def maximum_likelihood(
        self, data: MeanVariance, previous: GaussianParams, ddof: int = 0
    ) -> tuple[GaussianParams, Int[Array, ""]]:
        r"""$\hat\mu = \bar x$, $\hat\sigma^2 = v n/(n - \text{ddof})$."""
        size = data.count.astype(data.mean.dtype)
        enough = size > (0 if self.variance == "known" else ddof)
        log_variance = data.log_variance
        if ddof:
            log_variance = log_variance - log1p(jnp.where(enough, -ddof / jnp.where(enough, size, 1.0), 0.0))
        if self.variance == "known":
            log_variance = previous.log_variance
        params = GaussianParams(
            jnp.where(enough, data.mean, previous.mean),
            jnp.where(enough, log_variance, previous.log_variance),
        )
        return params, jnp.where(enough, _status(params), Status.TOO_FEW_POINTS).astype(jnp.int32)

    def fewest(self, ddof: int) -> int:
        """Two points for a variance, one where it is known."""
        return 1 if self.variance == "known" else 2

    def blank(self, truth: object, capacity: int | None) -> GaussianParams:
        """Mean 0, and the variance 1 or, where it is known, the truth's."""
        if self.variance == "fitted":
            return GaussianParams(jnp.zeros(()), jnp.zeros(()))
        if not hasattr(truth, "log_variance"):
            raise ValueError(
                'variance="known" takes the variance from a Gaussian truth; use variance="fitted"'
            )
        return GaussianParams(jnp.zeros(()), truth.log_variance)  # pyright: ignore

    def combine(
        self, first: GaussianParams, second: GaussianParams, weight: Float[Array, ""]
    ) -> GaussianParams:
        """Weighted means of both means and of both variances, without a term between the means."""
        variance = jnp.logaddexp(
            jnp.log(weight) + first.log_variance, jnp.log(1.0 - weight) + second.log_variance
        )
        return GaussianParams(weight * first.mean + (1.0 - weight) * second.mean, variance)

    def temper(self, params: GaussianParams, temperature: Float[Array, ""]) -> GaussianParams:
        r"""$N(\mu, \tau\sigma^2)$."""
        return self.with_variance_times(params, temperature)

    def with_variance_times(self, params: GaussianParams, factor: Float[Array, ""]) -> GaussianParams:
        """The same mean."""
        return GaussianParams(params.mean, params.log_variance + jnp.log(factor))

    def shifted(self, params: GaussianParams, length: Float[Array, ""]) -> GaussianParams:
        r"""$N(\mu + b, \sigma^2)$."""
        return GaussianParams(params.mean + length, params.log_variance)

    def expectation(self, params: GaussianParams) -> Float[Array, ""]:
        """The mean."""
        return params.mean

    def log_variance(self, params: GaussianParams) -> Float[Array, ""]:
        r"""$\log\sigma^2$."""
        return params.log_variance

    def wasserstein2_squared(self, params: GaussianParams, truth: GaussianParams) -> Float[Array, ""]:
        r"""$(\mu - \mu_*)^2 + (\sigma - \sigma_*)^2$."""
        ours, theirs = (jnp.exp(0.5 * law.log_variance) for law in (params, truth))
        return (params.mean - truth.mean) ** 2 + (ours - theirs) ** 2

    def log_density(self, params: GaussianParams, rows: Float[Array, " rows"]) -> Float[Array, " rows"]:
        r"""$-\frac12(\log 2\pi\sigma^2 + (x - \mu)^2/\sigma^2)$."""
        scaled = (rows - params.mean) * jnp.exp(-0.5 * params.log_variance)
        return -0.5 * (math.log(2 * math.pi) + params.log_variance + scaled**2)

    def cumulative(self, params: GaussianParams, values: Float[Array, "..."]) -> Float[Array, "..."]:
        r"""$\Phi((x - \mu)/\sigma)$."""
        return ndtr((values - params.mean) * jnp.exp(-0.5 * params.log_variance))

    def interval(self, params: GaussianParams) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """6.2 standard deviations on both sides."""
        reach = 6.2 * jnp.exp(0.5 * params.log_variance)
        return params.mean - reach, params.mean + reach

    def kl_divergence(self, params: GaussianParams, truth: GaussianParams) -> Float[Array, ""]:
        r"""$\frac12(r - 1 - \log r + (\mu - \mu_*)^2/\sigma_*^2)$, r the ratio of the variances."""
        log_ratio = params.log_variance - truth.log_variance
        shift = (params.mean - truth.mean) ** 2 * jnp.exp(-truth.log_variance)
        return 0.5 * (jnp.exp(log_ratio) - 1.0 - log_ratio + shift)


def _status(params: GaussianParams) -> Array:
    finite = jnp.isfinite(params.mean) & (params.log_variance < jnp.inf)
    degenerate = jnp.where(params.log_variance == -jnp.inf, Status.DEGENERATE, Status.OK)
    return jnp.where(finite, degenerate, Status.NOT_FINITE)
