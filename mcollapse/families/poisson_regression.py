"""Poisson regression: counts are made anew at rates that depend on features of a known law."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mcollapse import random
from mcollapse.families.features import Covariance, check_features, regression_data
from mcollapse.families.generalised_linear import (
    AbstractCoefficients,
    AbstractGeneralisedLinear,
    angles,
)
from mcollapse.families.host_fit import fitted
from mcollapse.families.newton import Link
from mcollapse.families.parameters import concrete, is_concrete
from mcollapse.random import Key
from mcollapse.whole_numbers import whole

LARGEST_RATE = 1e9
"""A draw has no larger one."""
_WIDEST = 3.0
"""Of the truth, in standard deviations of a logarithm of a rate: 7 of these stay below the largest rate."""


class PoissonRegressionParams(AbstractCoefficients):
    """Coefficients: how much the logarithm of the rate grows with each feature."""

    coefficients: Float[Array, " dimension"] = eqx.field(converter=concrete)

    @classmethod
    def from_data(cls, features: object, labels: object) -> "PoissonRegressionParams":
        """The fit to rows [n, d] and counts [n]; refused where there is none."""
        x, y = regression_data(features, labels, with_variance=False)
        wrong = (y < 0) | (y != np.floor(y))
        if np.any(wrong):
            raise ValueError(
                f"labels of a Poisson regression are whole numbers from 0 on, got {y[wrong][0]:g}"
            )
        return cls(fitted(x, y, np.where(y == 0, -1.0, 0.0), _host_moments))


class PoissonRegression(AbstractGeneralisedLinear):
    r"""$y \sim \mathrm{Poisson}(e^{x^\top b})$ with $x \sim N(0, \Sigma)$, no intercept.

    Features are drawn for every batch, labels are the model's; the fit is maximum likelihood by Newton's
    iteration, to convergence. Where coefficients exist that make the rates of some zeros ever smaller and
    leave all other rates alone, there is no finite fit: the status is `SEPARATED` and the model stays.
    Labels are drawn as int32 at rates of at most 1e9. A fit to a label within a thousandth of that, which may
    have been cut, or to what is no count, is not made: its status is `NOT_FINITE`, and again the model stays.

    Arguments: `dimension`, d; `covariance`, $\Sigma$ [d, d], the identity where left out.
    Source: He, Xu and Cheng (2025, arXiv 2502.18049).
    """

    dimension: int = eqx.field(static=True, converter=whole, default=2)
    covariance: Covariance | None = eqx.field(converter=Covariance.of, default=None)

    Params = PoissonRegressionParams

    def __check_init__(self):
        """A dimension is a whole number, a covariance is one."""
        check_features(self)

    def labels(self, key: Key, predictors: Float[Array, " rows"]) -> Float[Array, " rows"]:
        """Counts, as floating point numbers: above 2^24 float32 rounds them."""
        places = jnp.arange(predictors.shape[0], dtype=jnp.int32)
        rates = jnp.exp(jnp.minimum(predictors, math.log(LARGEST_RATE)))
        counts = jax.vmap(lambda i, rate: random.poisson(key.fold(i), 1, rate))(places, rates)
        return counts.astype(predictors.dtype)

    def link(self) -> Link:
        """Rates, which are variances too; only a zero draws its predictor anywhere for ever, namely down."""
        return Link(_moments, _outward, _steepens, 4.0 if jnp.result_type(float) == jnp.float32 else 8.0)

    def drawable(self, labels: Float[Array, " rows"]) -> Array:
        """Whether all labels are counts, and none can have been cut."""
        return jnp.all((labels >= 0) & (labels == jnp.floor(labels)) & (labels < 0.999 * LARGEST_RATE))

    def check(self, params: PoissonRegressionParams) -> None:
        """As many coefficients as dimensions, and rates that can be drawn."""
        super().check(params)
        if not is_concrete(params.coefficients):
            return
        root = np.eye(self.dimension) if self.covariance is None else np.asarray(self.covariance.root)
        spread = float(np.linalg.norm(root.T @ np.asarray(params.coefficients, np.float64)))
        if spread > _WIDEST:
            raise ValueError(
                f"logarithms of rates with a standard deviation of {spread:.3g} make rates above 1e9, which "
                f"cannot be drawn: scale coefficients or features down to {_WIDEST:g} at most"
            )

    def test_error(self, params: PoissonRegressionParams, truth: PoissonRegressionParams) -> Float[Array, ""]:
        r"""$E_x (\lambda(x) - \lambda_*(x))^2$, of two log-normal rates: exact."""
        square, along, apart = angles(self.whitened(params.coefficients), self.whitened(truth.coefficients))
        mean = 2.0 * along + 0.5 * apart
        return jnp.exp(2.0 * square) * (jnp.expm1(mean) ** 2 + jnp.exp(2.0 * mean) * jnp.expm1(apart))

    def kl_divergence(
        self, params: PoissonRegressionParams, truth: PoissonRegressionParams
    ) -> Float[Array, ""]:
        r"""$E_x [\lambda \log(\lambda/\lambda_*) - \lambda + \lambda_*]$ in nats: exact."""
        square, along, apart = angles(self.whitened(params.coefficients), self.whitened(truth.coefficients))
        mean = along + 0.5 * apart
        change = mean * jnp.exp(mean) - jnp.expm1(mean)
        return jnp.exp(0.5 * square) * (change + 0.5 * apart * jnp.exp(mean))


def _moments(predictors: Array) -> tuple[Array, Array]:
    rate = jnp.exp(predictors)
    return rate, rate


def _outward(labels: Array, direction: Array) -> Array:
    return jnp.where(labels == 0, -direction, -jnp.inf)


def _steepens(predictors: Array, step: Array) -> Array:
    return step > 0


def _host_moments(predictors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rate = np.exp(predictors)
    return rate, rate
