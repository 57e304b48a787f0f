"""Gaussian in d dimensions, its covariance fitted or known, carried by its Cholesky factor in logarithms."""

import math
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import MeanCovariance, Samples, log_sum_factor, unit_and_logs
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.features import checked_covariance, real_rows
from mcollapse.families.parameters import check_finite, concrete, is_concrete
from mcollapse.families.rows import check_rows
from mcollapse.orthogonal import nearest_orthogonal
from mcollapse.products import matrix_product
from mcollapse.random import Key
from mcollapse.random.logarithms import log1p
from mcollapse.status import Status
from mcollapse.summation import tree_sum
from mcollapse.triangular import cholesky, gram, product, solve
from mcollapse.whole_numbers import check_whole, whole

MEAN, COVARIANCE = 1, 2


class MultivariateGaussianParams(eqx.Module):
    r"""The mean, and the covariance $U D^2 U^\top$: U unit lower triangular, D diagonal, in logarithms."""

    mean: Float[Array, " dimension"] = eqx.field(converter=concrete)
    unit: Float[Array, "dimension dimension"] = eqx.field(converter=concrete)
    log_diagonal: Float[Array, " dimension"] = eqx.field(converter=concrete)

    def __check_init__(self):
        """Concrete parameters are finite and fit together; a singular covariance has logarithms of -inf."""
        for name in ("mean", "unit"):
            if is_concrete(getattr(self, name)):
                check_finite(name, getattr(self, name))
        if is_concrete(self.log_diagonal) and not np.all(np.asarray(self.log_diagonal) < np.inf):
            raise ValueError(f"log_diagonal must be numbers below infinity, got {self.log_diagonal}")
        if is_concrete(self.mean) and is_concrete(self.unit):
            size = np.size(self.mean)
            shapes = tuple(np.shape(leaf) for leaf in (self.mean, self.unit, self.log_diagonal))
            if size == 0 or shapes != ((size,), (size, size), (size,)):
                raise ValueError(
                    f"a mean [d], a factor [d, d] and logarithms [d] go together, got shapes {shapes}"
                )
            unit = np.asarray(self.unit)
            if np.any(np.triu(unit, 1) != 0) or np.any(np.diagonal(unit) != 1):
                raise ValueError(
                    "unit is lower triangular with ones on its diagonal; from a covariance matrix use "
                    "MultivariateGaussian.Params.of(mean, covariance)"
                )

    @classmethod
    def of(cls, mean: object, covariance: object) -> "MultivariateGaussianParams":
        """From a mean [d] and a covariance matrix [d, d], positive definite."""
        root = np.linalg.cholesky(checked_covariance(np.asarray(covariance, np.float64)))
        diagonal = np.diagonal(root)
        return cls(np.asarray(mean, np.float64), root / diagonal, np.log(diagonal))

    @classmethod
    def isotropic(cls, dimension: int = 2, variance: float = 1.0) -> "MultivariateGaussianParams":
        """Mean 0, covariance a multiple of the identity."""
        if int(dimension) < 1 or not 0 < variance < np.inf:
            raise ValueError(
                f"isotropic takes at least 1 dimension and a positive variance, got {dimension}, {variance}"
            )
        return cls.of(np.zeros(int(dimension)), variance * np.eye(int(dimension)))

    @classmethod
    def standard(cls) -> "MultivariateGaussianParams":
        """Two dimensions, mean 0, covariance the identity."""
        return cls.isotropic()

    @classmethod
    def from_data(cls, rows: object, ddof: int = 0) -> "MultivariateGaussianParams":
        """The sample mean and covariance of rows [n, d]."""
        data = real_rows(rows, "Gaussian data")
        if len(data) <= max(data.shape[1], ddof):
            raise ValueError(
                f"a covariance in {data.shape[1]} dimensions needs at least {data.shape[1] + 1} rows, got "
                f"{len(data)}"
            )
        return cls.of(data.mean(axis=0), np.cov(data, rowvar=False, ddof=ddof).reshape((data.shape[1],) * 2))


class MultivariateGaussian(AbstractFamily):
    r"""$x \sim N(\mu, \Sigma)$ in d dimensions.

    The statistics are count, mean and covariance, independent of each other: $\bar x \sim N(\mu, \Sigma/n)$
    and $n S \sim W_d(n - 1, \Sigma)$, whose Cholesky factor is that of $\Sigma$ times a Bartlett factor, so
    that nothing is decomposed under replacement. With `variance="known"` only the mean is refitted. Rows are
    vectors. Source: Shumailov et al. (2023, arXiv 2305.17493); Kazdan et al. (2024, arXiv 2410.16713).
    """

    dimension: int = eqx.field(static=True, converter=whole, default=2)
    variance: str = eqx.field(static=True, default="fitted")

    Params = MultivariateGaussianParams

    has_dispersion: ClassVar[bool] = True
    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "trace", "log_determinant")

    def __check_init__(self):
        """The covariance is fitted or known, the dimension a whole number."""
        check_whole("dimension", self.dimension)
        if self.variance not in ("fitted", "known"):
            raise ValueError(f'variance is "fitted" or "known", got {self.variance!r}')

    def sample(self, key: Key, params: MultivariateGaussianParams, count: Count, capacity: int) -> Samples:
        """Rows are vectors."""
        normals = random.normal(key, MEAN, (capacity, self.dimension))
        factor = params.unit * jnp.exp(params.log_diagonal)
        rows = matrix_product(normals, factor.T)
        return Samples.first(params.mean + rows, count)

    def statistics(self, samples: Samples, like: MultivariateGaussianParams) -> MeanCovariance:
        """Count, mean and covariance in two passes, in units of the largest deviation."""
        check_rows(self, samples, (self.dimension,))
        dtype = jnp.result_type(float)
        rows, weights = samples.rows.astype(dtype), samples.weights.astype(dtype)
        total = jnp.maximum(jnp.sum(weights), jnp.finfo(dtype).tiny)
        mean = jnp.sum(weights[:, None] * rows, axis=0) / total
        centred = jnp.where(weights[:, None] > 0, rows - mean, 0.0)
        largest = jnp.max(jnp.abs(centred))
        unit = jnp.where(largest > 0, largest, 1.0)
        scaled = centred / unit * jnp.sqrt(weights / total)[:, None]
        present = jnp.sum(samples.weights != 0, dtype=jnp.int32)
        factor = cholesky(matrix_product(scaled.T, scaled), present - 1)
        return MeanCovariance(samples.count, mean, *unit_and_logs(factor, jnp.log(unit)), present)

    def sample_statistics(self, key: Key, params: MultivariateGaussianParams, count: Count) -> MeanCovariance:
        r"""$\bar x = \mu + L z/\sqrt n$ and $L A/\sqrt n$ with $L = U D$ and a Bartlett factor A."""
        count = jnp.asarray(count, jnp.int32)
        bartlett = random.gram_factor(key, COVARIANCE, jnp.maximum(count - 1, 0), self.dimension)
        size = jnp.maximum(count, 1).astype(bartlett.dtype)
        unit, logs = (
            jnp.asarray(params.unit, bartlett.dtype),
            jnp.asarray(params.log_diagonal, bartlett.dtype),
        )
        scores = random.multivariate_normal(key, MEAN, jnp.zeros(self.dimension))
        mean = params.mean + jnp.sum(unit * (jnp.exp(logs) * scores), axis=1) / jnp.sqrt(size)
        inner, inner_logs = unit_and_logs(bartlett, -0.5 * jnp.log(size))
        # D A = (D A_unit D^-1) D diag(A): of the ratios of D only those below the diagonal are read
        # where all of D is zero these are zero too, since only zeros are multiplied by them
        flat = (logs == -jnp.inf)[:, None]
        ratios = jnp.exp(jnp.tril(jnp.where(flat, -jnp.inf, logs[:, None] - logs), -1))
        present = count > 0
        return MeanCovariance(
            count,
            jnp.where(present, mean, 0.0),
            product(unit, inner * ratios),
            jnp.where(present, logs + inner_logs, -jnp.inf),
            count,
        )

    def maximum_likelihood(
        self, data: MeanCovariance, previous: MultivariateGaussianParams, ddof: int = 0
    ) -> tuple[MultivariateGaussianParams, Int[Array, ""]]:
        r"""$\hat\mu = \bar x$, $\hat\Sigma = S n/(n - \text{ddof})$."""
        size = data.count.astype(data.mean.dtype)
        enough = size > (0 if self.variance == "known" else ddof)
        unit, logs = data.unit, data.log_diagonal
        if ddof:
            logs = logs - 0.5 * log1p(jnp.where(enough, -ddof / jnp.where(enough, size, 1.0), 0.0))
        if self.variance == "known":
            unit, logs = previous.unit, previous.log_diagonal
        params = MultivariateGaussianParams(
            jnp.where(enough, data.mean, previous.mean),
            jnp.where(enough, unit, previous.unit),
            jnp.where(enough, logs, previous.log_diagonal),
        )
        return params, jnp.where(enough, _status(params), Status.TOO_FEW_POINTS).astype(jnp.int32)

    def combine(
        self,
        first: MultivariateGaussianParams,
        second: MultivariateGaussianParams,
        weight: Float[Array, ""],
    ) -> MultivariateGaussianParams:
        """Weighted means of both means and of both covariances, without a term between the means."""
        parts = (first.unit, first.log_diagonal, weight), (second.unit, second.log_diagonal, 1.0 - weight)
        unit, logs = log_sum_factor(*parts, jnp.zeros_like(first.mean), jnp.asarray(self.dimension))
        mean = weight * first.mean + (1.0 - weight) * second.mean
        return MultivariateGaussianParams(mean, unit, logs)

    def blank(self, truth: Any, capacity: int | None) -> MultivariateGaussianParams:
        """Mean 0 and the identity or, where it is known, the truth's covariance."""
        zeros = jnp.zeros(self.dimension)
        if self.variance == "fitted":
            return MultivariateGaussianParams(zeros, jnp.eye(self.dimension), zeros)
        if not hasattr(truth, "log_diagonal"):
            raise ValueError(
                'variance="known" takes the covariance from a MultivariateGaussian truth; use "fitted"'
            )
        return MultivariateGaussianParams(zeros, jnp.asarray(truth.unit), jnp.asarray(truth.log_diagonal))

    def temper(
        self, params: MultivariateGaussianParams, temperature: Float[Array, ""]
    ) -> MultivariateGaussianParams:
        r"""$N(\mu, \tau\Sigma)$."""
        return self.with_variance_times(params, temperature)

    def with_variance_times(
        self, params: MultivariateGaussianParams, factor: Float[Array, ""]
    ) -> MultivariateGaussianParams:
        """The same mean and correlations."""
        logs = params.log_diagonal + 0.5 * jnp.log(factor)
        return MultivariateGaussianParams(params.mean, params.unit, logs)

    def log_density(
        self, params: MultivariateGaussianParams, rows: Float[Array, "rows dimension"]
    ) -> Float[Array, " rows"]:
        r"""$-\frac12(d \log 2\pi + \log\det\Sigma + |D^{-1} U^{-1} (x - \mu)|^2)$."""
        factor = params.unit * jnp.exp(params.log_diagonal)
        scaled = jax.vmap(lambda row: solve(factor, row))(rows - params.mean)
        size = self.dimension * math.log(2 * math.pi) + 2.0 * tree_sum(params.log_diagonal)
        return -0.5 * (size + tree_sum(scaled**2, axis=1))

    def shifted(
        self, params: MultivariateGaussianParams, length: Float[Array, ""]
    ) -> MultivariateGaussianParams:
        r"""The mean moved by the length along the diagonal $(1, \dots, 1)/\sqrt d$."""
        mean = params.mean + length / np.sqrt(self.dimension)
        return MultivariateGaussianParams(mean, params.unit, params.log_diagonal)

    def expectation(self, params: MultivariateGaussianParams) -> Float[Array, " dimension"]:
        """The mean."""
        return params.mean

    def wasserstein2_squared(
        self, params: MultivariateGaussianParams, truth: MultivariateGaussianParams
    ) -> Float[Array, ""]:
        r"""$|\mu - \mu_*|^2 + \min_Q \|L - L_* Q\|_F^2$, Q orthogonal, L and $L_*$ the Cholesky factors.

        To within rounding of the larger trace: where variances differ by more than a million, distances along
        the small ones are lost in float32.
        """
        ours, theirs = (law.unit * jnp.exp(law.log_diagonal) for law in (params, truth))
        nearest = nearest_orthogonal(matrix_product(theirs.T, ours))
        apart = ours - matrix_product(theirs, nearest)
        # a singular covariance leaves directions of the truth's that nothing is turned into
        unmatched = jnp.eye(self.dimension) - matrix_product(nearest, nearest.T)
        rounding = 8 * self.dimension * jnp.finfo(unmatched.dtype).eps
        unmatched = jnp.where(jnp.abs(unmatched) > rounding, unmatched, 0.0)
        left = tree_sum(jnp.ravel(theirs * matrix_product(theirs, unmatched)))
        return tree_sum((params.mean - truth.mean) ** 2) + tree_sum(jnp.ravel(apart**2)) + left

    def kl_divergence(
        self, params: MultivariateGaussianParams, truth: MultivariateGaussianParams
    ) -> Float[Array, ""]:
        r"""$\frac12(\mathrm{tr}\,R - d - \log\det R + |S_*^{-1/2}(\mu - \mu_*)|^2)$, R the ratio."""
        root = truth.unit * jnp.exp(truth.log_diagonal)
        columns = jnp.concatenate(
            [params.unit * jnp.exp(params.log_diagonal), (params.mean - truth.mean)[:, None]], axis=1
        )
        # trace and shift in the truth's units: columns of the root's inverse times ours
        white = jax.vmap(solve, in_axes=(None, 1))(root, columns)
        # squares less ones on the diagonal by their logarithms, so that nothing cancels
        log_ratio = 2.0 * (params.log_diagonal - truth.log_diagonal)
        rest = jnp.where(jnp.eye(self.dimension + 1, self.dimension, dtype=bool), 0.0, white)
        return 0.5 * (tree_sum(jnp.ravel(rest**2)) + tree_sum(jnp.expm1(log_ratio) - log_ratio))

    def total_covariance(self, params: MultivariateGaussianParams) -> Float[Array, "dimension dimension"]:
        r"""$\Sigma$, zero where it is below the smallest float."""
        return gram(jnp.asarray(params.unit * jnp.exp(params.log_diagonal), jnp.result_type(float)))

    def log_determinant(self, params: MultivariateGaussianParams) -> Float[Array, ""]:
        """Twice the sum of the logarithms of the diagonal, however small it is."""
        return 2.0 * tree_sum(params.log_diagonal)

    def check(self, params: MultivariateGaussianParams) -> None:
        """As many coordinates as dimensions."""
        size = np.size(params.mean)
        if size != self.dimension:
            raise ValueError(
                f"MultivariateGaussian has dimension {self.dimension}, but the truth has {size} coordinates: "
                f"use MultivariateGaussian(dimension={size})"
            )

    def standard_truth(self) -> MultivariateGaussianParams:
        """Mean 0, covariance the identity."""
        return MultivariateGaussianParams.isotropic(self.dimension)

    def fewest(self, ddof: int) -> int:
        """A point more than dimensions for a covariance, one where it is known."""
        return 1 if self.variance == "known" else self.dimension + 1


def _status(params: MultivariateGaussianParams) -> Array:
    finite = jnp.all(jnp.isfinite(params.mean)) & jnp.all(params.log_diagonal < jnp.inf)
    singular = jnp.any(params.log_diagonal == -jnp.inf)
    return jnp.where(finite, jnp.where(singular, Status.DEGENERATE, Status.OK), Status.NOT_FINITE)
