"""Linear regression: labels are made anew, features come from a known law or from one design."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import LeastSquares, Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.features import (
    Covariance,
    check_coefficients,
    check_features,
    check_size,
    regression_data,
    same_features,
)
from mcollapse.families.parameters import concrete, is_concrete
from mcollapse.families.rows import check_rows
from mcollapse.products import matrix_product
from mcollapse.random import Key
from mcollapse.schedules import DERIVED
from mcollapse.status import Status
from mcollapse.summation import tree_sum
from mcollapse.triangular import cholesky, join, solve, solve_transposed, triangular
from mcollapse.whole_numbers import check_whole, whole

FEATURES, NOISE = 1, 2


class LinearRegressionParams(eqx.Module):
    """Coefficients, and the variance of the labels' noise, which is known and never fitted; 0 is legal."""

    coefficients: Float[Array, " dimension"] = eqx.field(converter=concrete)
    noise_variance: Float[Array, ""] = eqx.field(converter=concrete, default=1.0)

    def __check_init__(self):
        """Coefficients are a vector of finite numbers, a variance is not negative."""
        check_coefficients(self.coefficients)
        if is_concrete(self.noise_variance) and np.ndim(self.noise_variance) != 0:
            raise ValueError(f"noise_variance is one number, got shape {np.shape(self.noise_variance)}")
        if is_concrete(self.noise_variance) and not 0.0 <= float(self.noise_variance) < np.inf:
            raise ValueError(
                f"noise_variance must be a finite number of at least 0, got {float(self.noise_variance):g}"
            )

    @classmethod
    def zeros(cls, dimension: int = 10, noise_variance: float = 1.0) -> "LinearRegressionParams":
        """No signal: by least squares the error does not depend on the coefficients."""
        return cls(np.zeros(int(dimension)), noise_variance)

    @classmethod
    def standard(cls) -> "LinearRegressionParams":
        """Ten coefficients of zero, noise of variance 1."""
        return cls.zeros()

    @classmethod
    def from_data(cls, features: object, labels: object) -> "LinearRegressionParams":
        """The least-squares fit to rows [n, d] and labels [n], and the unbiased variance of its residuals."""
        x, y = regression_data(features, labels)
        coefficients = np.linalg.lstsq(x, y, rcond=None)[0]
        return cls(coefficients, float(np.sum((y - x @ coefficients) ** 2) / (len(y) - x.shape[1])))


class LinearRegression(AbstractFamily):
    r"""$y = x^\top w + \varepsilon$ with $\varepsilon \sim N(0, s^2)$, $x \sim N(0, \Sigma)$, no intercept.

    Only labels are the model's: features always have the truth's law. With `design=None` each batch has
    features of its own; with `design=T` the T rows that a replicate draws once are labelled anew in every
    batch. The statistics are `LeastSquares` of the whitened features $\Sigma^{-1/2} x$: the Gram matrix is
    a Wishart matrix $L L^\top$, the solution $u + s L^{-\top} z$ with $u = \Sigma^{1/2 \top} w$, and maximum
    likelihood is ordinary least squares. Rows are (x, y), d + 1 numbers; the fit to them
    solves normal equations, and what float32 cannot tell from linearly dependent features counts as such.

    Arguments: `dimension`, d; `covariance`, $\Sigma$ [d, d], the identity where left out; `design`, T rows.
    Source: Gerstgrasser et al. (2024, arXiv 2404.01413); Dohmatob, Feng and Kempe (2024, arXiv 2402.07712).
    """

    dimension: int = eqx.field(static=True, converter=whole, default=10)
    covariance: Covariance | None = eqx.field(converter=Covariance.of, default=None)
    design: int | None = eqx.field(static=True, converter=whole, default=None)
    rows: Float[Array, "capacity dimension"] | None = eqx.field(default=None, metadata=DERIVED)
    """The design that a replicate settled, whitened, where rows are drawn."""
    gram: Float[Array, "dimension dimension"] | None = eqx.field(default=None, metadata=DERIVED)
    """The factor of its Gram matrix."""

    Params = LinearRegressionParams

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "test_error")

    def __check_init__(self):
        """A dimension and a design are whole numbers, a covariance is one."""
        check_features(self)
        check_whole("design", self.design, optional=True)

    def sample(self, key: Key, params: LinearRegressionParams, count: Count, capacity: int) -> Samples:
        """Rows (x, y)."""
        white = self.rows
        if white is None:
            white = random.normal(key, FEATURES, (capacity, self.dimension))
        noise = jnp.sqrt(params.noise_variance) * random.normal(key, NOISE, (capacity,))
        labels = matrix_product(white, self._whitened(params.coefficients)) + noise
        features = white if self.covariance is None else matrix_product(white, self.covariance.root.T)
        return Samples.first(jnp.concatenate([features, labels[:, None]], axis=1), count)

    def statistics(self, samples: Samples, like: LinearRegressionParams) -> LeastSquares:
        """The triangular factor of the rows, each times the root of its weight."""
        check_rows(self, samples, (self.dimension + 1,))
        rows = samples.rows.astype(jnp.result_type(float))
        if self.covariance is not None:
            white = matrix_product(rows[:, :-1], self.covariance.inverse_root.T)
            rows = jnp.concatenate([white, rows[:, -1:]], axis=1)
        weighted = jnp.sqrt(samples.weights.astype(rows.dtype))[:, None] * rows
        present = jnp.sum(samples.weights != 0, dtype=jnp.int32)
        return LeastSquares(samples.count, *triangular(weighted, present), present)

    def sample_statistics(self, key: Key, params: LinearRegressionParams, count: Count) -> LeastSquares:
        r"""$L$ of a Wishart matrix or of the design, and $u + s L^{-\top} z$."""
        count = jnp.asarray(count, jnp.int32)
        if self.gram is None:
            factor = random.gram_factor(key, FEATURES, count, self.dimension)
        else:
            factor = jnp.where(count > 0, self.gram, 0.0)
        noise = random.multivariate_normal(key, NOISE, jnp.zeros(self.dimension))
        error = jnp.sqrt(params.noise_variance) * solve_transposed(factor, noise)
        return LeastSquares(count, factor, self._whitened(params.coefficients) + error, count)

    def maximum_likelihood(
        self, data: LeastSquares, previous: LinearRegressionParams, ddof: int = 0
    ) -> tuple[LinearRegressionParams, Int[Array, ""]]:
        """Ordinary least squares; where the features do not span the space the previous model is kept."""
        return self._fitted(data, previous)

    def ridge(
        self, data: LeastSquares, previous: LinearRegressionParams, penalty: Float[Array, ""]
    ) -> tuple[LinearRegressionParams, Int[Array, ""]]:
        r"""$\arg\min_w \frac1n \|y - X w\|^2 + \lambda \|w\|^2$: n λ rows of label 0 on each axis."""
        # the length of w in the coordinates u of the whitened features: |w|^2 = |R^{-T} u|^2
        axes = (
            jnp.eye(self.dimension)
            if self.covariance is None
            else cholesky(self.covariance.inverse_gram, self.dimension)
        )
        scale = jnp.sqrt(penalty * data.count.astype(axes.dtype))
        pseudo = (scale * axes, jnp.zeros(self.dimension))
        rank = data.rank + self.dimension
        # the pseudo-rows alone have such pivots, and more rows make none of them smaller
        least = jnp.diagonal(pseudo[0]) ** 2
        joined = LeastSquares(data.count, *join((data.factor, data.solution), pseudo, rank, least), rank)
        return self._fitted(joined, previous)

    def minimum_norm(
        self, data: LeastSquares, previous: LinearRegressionParams
    ) -> tuple[LinearRegressionParams, Int[Array, ""]]:
        r"""The shortest least-squares solution, $X^+ y = L (L^\top L)^{-1} q$ in the features' own units."""
        factor = data.factor if self.covariance is None else matrix_product(self.covariance.root, data.factor)
        # columns of zeros have pivots of zero there too, and add nothing
        small = cholesky(matrix_product(factor.T, factor), data.rank)
        inner = solve_transposed(small, solve(small, data.projection))
        return self._checked(matrix_product(factor, inner), data.count > 0, previous)

    def settle(self, key: Key, capacity: int | None) -> "LinearRegression":
        """The design, where there is one: its rows if rows are drawn, and the factor of its Gram matrix."""
        if self.design is None:
            return self
        if not capacity:
            gram = random.gram_factor(key, FEATURES, self.design, self.dimension)
            return dataclasses.replace(self, gram=gram)
        rows = random.normal(key, FEATURES, (self.design, self.dimension))
        # a second part of a batch, further down in the buffer, has the design once more
        return dataclasses.replace(self, rows=rows[jnp.arange(capacity) % self.design])

    def unsettled(self) -> "LinearRegression":
        """Fresh features."""
        return dataclasses.replace(self, design=None, rows=None, gram=None)

    def blank(self, truth: Any, capacity: int | None) -> LinearRegressionParams:
        """Coefficients of zero; the noise is the truth's."""
        return LinearRegressionParams(jnp.zeros(self.dimension), jnp.asarray(truth.noise_variance))

    def combine(
        self, first: LinearRegressionParams, second: LinearRegressionParams, weight: Float[Array, ""]
    ) -> LinearRegressionParams:
        """The weighted mean of both vectors of coefficients."""
        mean = weight * first.coefficients + (1.0 - weight) * second.coefficients
        return LinearRegressionParams(mean, first.noise_variance)

    def temper(self, params: LinearRegressionParams, temperature: Float[Array, ""]) -> LinearRegressionParams:
        r"""Labels with noise of variance $\tau s^2$."""
        return self.with_variance_times(params, temperature)

    def with_variance_times(
        self, params: LinearRegressionParams, factor: Float[Array, ""]
    ) -> LinearRegressionParams:
        """The same coefficients."""
        return LinearRegressionParams(params.coefficients, params.noise_variance * factor)

    def shifted(self, params: LinearRegressionParams, length: Float[Array, ""]) -> LinearRegressionParams:
        r"""The coefficients moved by the length along the diagonal $(1, \dots, 1)/\sqrt d$."""
        coefficients = params.coefficients + length / np.sqrt(self.dimension)
        return LinearRegressionParams(coefficients, params.noise_variance)

    def expectation(self, params: LinearRegressionParams) -> Float[Array, " dimension"]:
        """The coefficients."""
        return params.coefficients

    def test_error(self, params: LinearRegressionParams, truth: LinearRegressionParams) -> Float[Array, ""]:
        r"""$E_x (x^\top w - x^\top w_*)^2 = (w - w_*)^\top \Sigma (w - w_*)$."""
        return tree_sum(self._whitened(params.coefficients - truth.coefficients) ** 2)

    def check(self, params: LinearRegressionParams) -> None:
        """As many coefficients as dimensions."""
        check_size(self, params)

    def check_truth(self, family: AbstractFamily) -> None:
        """Features have one law."""
        assert isinstance(family, LinearRegression)
        if not same_features(self, family) or self.design != family.design:
            raise ValueError(
                "labels are made anew and features are not: truth and model need one covariance and one "
                "design; pass the parameters alone as the truth, or the same LinearRegression in mc.Truth"
            )

    def check_batches(self, parts: tuple[np.ndarray, ...] | None) -> None:
        """A design is labelled as a whole, so that every part of every batch has its size."""
        if self.design is None:
            return
        one = parts is None or len(parts) == 1
        sizes = f"sizes={self.design}" if one else f"sources.Split({self.design}, {self.design})"
        remedy = f"use {sizes}, or design=None for fresh features"
        if parts is None:
            raise ValueError(
                f"a design of {self.design} rows is labelled as a whole, and this source draws a random "
                "number of points from each model: use fixed counts, such as sources.Split, or design=None"
            )
        for part in parts:
            wrong = part[(part != self.design) & (part != 0)]
            if wrong.size:
                raise ValueError(
                    f"a design of {self.design} rows is labelled as a whole, but a part of a batch has "
                    f"{wrong[0]} points: {remedy}"
                )

    def standard_truth(self) -> LinearRegressionParams:
        """Coefficients of zero, noise of variance 1."""
        return LinearRegressionParams.zeros(self.dimension)

    def fewest(self, ddof: int) -> int:
        """As many points as coefficients."""
        return self.dimension

    def _whitened(self, values: Any) -> Float[Array, " dimension"]:
        numbers = jnp.asarray(values, jnp.result_type(float))
        return numbers if self.covariance is None else matrix_product(self.covariance.root.T, numbers)

    def _fitted(
        self, data: LeastSquares, previous: LinearRegressionParams
    ) -> tuple[LinearRegressionParams, Int[Array, ""]]:
        solution = data.solution
        if self.covariance is not None:
            solution = matrix_product(self.covariance.inverse_root.T, solution)
        spans = jnp.all(jnp.diagonal(data.factor) > 0)
        return self._checked(solution, spans, previous)

    def _checked(
        self, coefficients: Array, enough: Array, previous: LinearRegressionParams
    ) -> tuple[LinearRegressionParams, Int[Array, ""]]:
        status = jnp.where(jnp.all(jnp.isfinite(coefficients)), Status.OK, Status.NOT_FINITE)
        params = LinearRegressionParams(
            jnp.where(enough, coefficients, previous.coefficients), previous.noise_variance
        )
        return params, jnp.where(enough, status, Status.TOO_FEW_POINTS).astype(jnp.int32)
