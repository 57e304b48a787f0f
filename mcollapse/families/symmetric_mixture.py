"""Symmetric mixture: two Gaussians of one variance, at equal distances on either side of zero."""

import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import MeanVariance, Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.parameters import check_finite, concrete, is_concrete, real_data
from mcollapse.families.rows import check_rows
from mcollapse.families.symmetric_roots import largest_root, largest_root_of_data
from mcollapse.random import Key
from mcollapse.status import Status
from mcollapse.summation import tree_sum
from mcollapse.triangular import log_determinant

SIGN, NOISE = 1, 2
_LEAST = math.log(np.finfo(np.float64).tiny)
"""Of the logarithm of a truth's variance."""


class SymmetricMixtureParams(eqx.Module):
    r"""The location $\mu \ge 0$ of one component, and the logarithm of the variance $s^2$ of both."""

    location: Float[Array, ""] = eqx.field(converter=concrete)
    log_variance: Float[Array, ""] = eqx.field(converter=concrete)

    def __check_init__(self):
        """A location is finite and not negative; of a spread that a fit has lost the logarithm is -inf."""
        if is_concrete(self.location):
            check_finite("location", self.location)
        if is_concrete(self.log_variance) and not np.all(np.asarray(self.log_variance) < np.inf):
            raise ValueError(f"log_variance must be a number below infinity, got {self.log_variance}")
        if is_concrete(self.location) and np.any(np.asarray(self.location) < 0):
            raise ValueError(
                f"location is that of the component on the right, at least 0, got {float(self.location):g}: "
                "use its absolute value, the law is the same"
            )

    @classmethod
    def of(cls, location: float | int, variance: float | int = 1.0) -> "SymmetricMixtureParams":
        """From the location and the variance of a component."""
        if not 0 < variance < np.inf:
            raise ValueError(
                f"the variance of a component is a finite number above 0, got {float(variance):g}"
            )
        return cls(location, math.log(variance))

    @classmethod
    def standard(cls) -> "SymmetricMixtureParams":
        """Components at 1 and -1, of variance 1."""
        return cls(1.0, 0.0)

    @classmethod
    def from_data(cls, values: object) -> "SymmetricMixtureParams":
        """The joint maximum-likelihood fit to a vector of numbers, in float64 whatever their units."""
        data = real_data(values, "mixture data").astype(np.float64)
        if data.size < 2 or np.ptp(np.abs(data)) == 0:
            raise ValueError(
                f"a variance needs at least 2 values that differ in size, got {data.size} of size "
                f"{np.abs(data[0]):g}"
            )
        params = cls(*largest_root_of_data(np.abs(data)))
        SymmetricMixture().check(params)
        return params


class SymmetricMixture(AbstractFamily):
    r"""$x \sim \frac12 N(\mu, s^2) + \frac12 N(-\mu, s^2)$, one-dimensional.

    Its metrics `log_variance`, `variance` and `standard_deviation` are those of a component. The joint
    maximum of the likelihood needs rows; `estimators.ApproximateJointML` is a closed form. A spread that is
    smaller than the rounding of the location is zero, a status.
    Source: Suresh, Thangaraj and Khandavally (2024, arXiv 2412.17646), Theorem 4.
    """

    Params = SymmetricMixtureParams

    recorded: ClassVar[tuple[str, ...]] = ("log_variance", "standard_deviation")

    def sample(self, key: Key, params: SymmetricMixtureParams, count: Count, capacity: int) -> Samples:
        """Rows are numbers."""
        normals = random.normal(key, NOISE, (capacity,))
        right = random.integers(key, SIGN, 2, (capacity,)) == 1
        size = params.location + jnp.exp(0.5 * params.log_variance) * normals
        return Samples.first(jnp.where(right, size, -size), count)

    def folded(self, samples: Samples) -> MeanVariance:
        r"""Count, mean and variance of $|x|$, in which $\overline{x^2} = \overline{|x|}^2 + v$.

        Deviations are from the largest, so that equal numbers have the variance 0 and not that of rounding.
        """
        check_rows(self, samples, (), ": use families.GaussianMixture")
        dtype = jnp.result_type(float)
        weights = samples.weights.astype(dtype)
        sizes = jnp.where(weights > 0, jnp.abs(samples.rows.astype(dtype)), 0.0)
        largest = jnp.max(sizes)
        total = jnp.maximum(tree_sum(weights), jnp.finfo(dtype).tiny)
        below = jnp.where(weights > 0, largest - sizes, 0.0)
        gap = tree_sum(weights * below) / total
        # in units of the largest gap: squares of what has shrunk would underflow long before it does
        unit = jnp.maximum(jnp.max(below), jnp.finfo(dtype).tiny)
        variance = tree_sum(weights * ((below - gap) / unit) ** 2) / total
        return MeanVariance(samples.count, largest - gap, jnp.log(variance) + 2.0 * jnp.log(unit))

    def maximum_likelihood(
        self, data: Any, previous: SymmetricMixtureParams, ddof: int = 0
    ) -> tuple[SymmetricMixtureParams, Int[Array, ""]]:
        r"""The largest root of $\mu = \overline{x \tanh(\mu x / s^2)}$ with $s^2 = \overline{x^2} - \mu^2$.

        0 where there is no positive root. The root is bracketed from above and never missed: see
        `symmetric_roots`.
        """
        folded = self.folded(data)
        weights = data.weights.astype(folded.mean.dtype)
        share = weights / jnp.maximum(tree_sum(weights), jnp.finfo(weights.dtype).tiny)
        sizes = jnp.abs(data.rows.astype(folded.mean.dtype))
        location, log_variance, converged = largest_root(sizes, share, folded.mean, folded.log_variance)
        return _checked(folded, location, log_variance, previous, converged)

    def approximate_joint_ml(
        self, data: MeanVariance, previous: SymmetricMixtureParams, eta: Float[Array, ""]
    ) -> tuple[SymmetricMixtureParams, Int[Array, ""]]:
        r"""The closed form of Suresh et al. (2024) of the mean m and the variance V of $|x|$, $S = m^2 + V$.

        $\hat s^2 = a S V/(a m^2 + 2 S)$ where $S \le 2 a m^2/(a - 2)$, else S, and $\hat\mu^2 = S - \hat
        s^2$.
        """
        size = jnp.maximum(data.count, 2).astype(data.mean.dtype)
        log_mean = jnp.log(data.mean)
        kappa = jnp.expm1(
            (eta - 1.0) * (0.5 * (size - 1.0) + 4.0 * eta) / (eta * (size - 1.0) * (size + 4.0 * eta - 1.0))
        )
        # all in units of m^2: q = V / m^2, and V itself by its logarithm, so that nothing is ever negative
        ratio = data.log_variance - 2.0 * jnp.where(data.mean > 0, log_mean, -30.0)
        q = jnp.exp(jnp.minimum(ratio, 60.0))
        beyond = q > kappa
        a = jnp.where(beyond, 2.0 * (1.0 + kappa) * (1.0 + q) / jnp.where(beyond, q - kappa, 1.0), 50.0)
        separate = (a - 2.0) * (1.0 + q) <= 2.0 * a
        factor = jnp.log(a) + jnp.log1p(q) - jnp.log(a + 2.0 * (1.0 + q))
        all_of_it = jnp.logaddexp(2.0 * log_mean, data.log_variance)
        log_variance = jnp.where(separate, data.log_variance + factor, all_of_it)
        rest = jnp.where(separate, 1.0 + q * -jnp.expm1(factor), 0.0)
        location = data.mean * jnp.sqrt(jnp.maximum(rest, 0.0))
        return _checked(data, location, log_variance, previous, jnp.asarray(True))

    def blank(self, truth: object, capacity: int | None) -> SymmetricMixtureParams:
        """Location 0, variance 1."""
        return SymmetricMixtureParams(jnp.zeros(()), jnp.zeros(()))

    def with_variance_times(
        self, params: SymmetricMixtureParams, factor: Float[Array, ""]
    ) -> SymmetricMixtureParams:
        """The same locations, with components of another variance."""
        return SymmetricMixtureParams(params.location, params.log_variance + jnp.log(factor))

    def log_variance(self, params: SymmetricMixtureParams) -> Float[Array, ""]:
        r"""$\log s^2$ of a component."""
        return params.log_variance

    def total_covariance(self, params: SymmetricMixtureParams) -> Float[Array, "1 1"]:
        r"""$\mu^2 + s^2$."""
        return (params.location**2 + jnp.exp(params.log_variance)).reshape(1, 1)

    def log_determinant(self, params: SymmetricMixtureParams) -> Float[Array, ""]:
        """Of the covariance matrix."""
        return log_determinant(self.total_covariance(params))

    def component_means(self, params: SymmetricMixtureParams) -> Float[Array, "2 1"]:
        r"""$\mu$ and $-\mu$."""
        return jnp.stack([params.location, -params.location])[:, None]

    def log_density(
        self, params: SymmetricMixtureParams, rows: Float[Array, " count"]
    ) -> Float[Array, " count"]:
        r"""The logarithm of the density at each number; of no spread, $-\infty$ off the locations."""
        near = -0.5 * self._apart(params, jnp.abs(rows) - params.location) ** 2
        far = -0.5 * self._apart(params, jnp.abs(rows) + params.location) ** 2
        size = math.log(2.0 * math.sqrt(2.0 * math.pi)) + 0.5 * params.log_variance
        exponents = jnp.logaddexp(near, far)
        return jnp.where(exponents == -jnp.inf, -jnp.inf, exponents - size)

    def cumulative(self, params: SymmetricMixtureParams, values: Float[Array, "..."]) -> Float[Array, "..."]:
        r"""$\frac12 \Phi((x - \mu)/s) + \frac12 \Phi((x + \mu)/s)$."""
        right = self._apart(params, values - params.location)
        return 0.5 * (ndtr(right) + ndtr(self._apart(params, values + params.location)))

    def interval(self, params: SymmetricMixtureParams) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """6.2 standard deviations beyond both locations."""
        end = params.location + 6.2 * jnp.exp(0.5 * params.log_variance)
        return -end, end

    def _apart(self, params: SymmetricMixtureParams, distances: Array) -> Array:
        """In standard deviations; a distance of 0 is none of a spread of 0 too."""
        spread = jnp.exp(0.5 * params.log_variance)
        return jnp.where(distances == 0, 0.0, distances / spread)

    def check(self, params: SymmetricMixtureParams) -> None:
        """A truth has a variance that is a number above 0."""
        if not is_concrete(params.log_variance):
            return
        logs = np.asarray(params.log_variance, np.float64)
        if np.any(logs < _LEAST) or np.any(logs > -_LEAST):
            raise ValueError(
                f"the components of a truth have a variance that is a number above 0, and exp({logs:g}) is "
                "none in double precision: use SymmetricMixture.Params.of(location, variance), in other "
                "units if need be"
            )

    def fewest(self, ddof: int) -> int:
        """Two points for a variance."""
        return 2


def _checked(
    data: MeanVariance,
    location: Array,
    log_variance: Array,
    previous: SymmetricMixtureParams,
    converged: Array,
) -> tuple[SymmetricMixtureParams, Int[Array, ""]]:
    enough = data.count >= 2
    # all points are 0: logarithms of ratios are no numbers, and the fit is known
    nothing = data.mean == 0
    location = jnp.where(nothing, 0.0, location)
    log_variance = jnp.where(nothing, -jnp.inf, log_variance)
    finite = jnp.isfinite(location) & (log_variance < jnp.inf)
    status = jnp.where(converged, Status.OK, Status.NOT_CONVERGED)
    status = jnp.where(log_variance == -jnp.inf, Status.DEGENERATE, status)
    status = jnp.where(finite, status, Status.NOT_FINITE)
    params = SymmetricMixtureParams(
        jnp.where(enough & finite, location, previous.location),
        jnp.where(enough & finite, log_variance, previous.log_variance),
    )
    return params, jnp.where(enough, status, Status.TOO_FEW_POINTS).astype(jnp.int32)
