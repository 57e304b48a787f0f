"""Logistic regression: labels 0 and 1 are made anew, features come from a known law."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mcollapse import random
from mcollapse.families.features import Covariance, check_features, regression_data
from mcollapse.families.generalised_linear import (
    LABELS,
    AbstractCoefficients,
    AbstractGeneralisedLinear,
    angles,
)
from mcollapse.families.host_fit import fitted
from mcollapse.families.newton import Link
from mcollapse.families.parameters import concrete
from mcollapse.random import Key
from mcollapse.summation import tree_sum
from mcollapse.whole_numbers import whole

_REACH, _ALONG, _ACROSS = 6.5, 81, 41
"""Equally spaced nodes of two normal numbers, in standard deviations: along the truth, and across."""


class LogisticRegressionParams(AbstractCoefficients):
    """Coefficients: how much the log-odds of a 1 grow with each feature."""

    coefficients: Float[Array, " dimension"] = eqx.field(converter=concrete)

    @classmethod
    def from_data(cls, features: object, labels: object) -> "LogisticRegressionParams":
        """The fit to rows [n, d] and labels 0 or 1 [n]; refused where a plane separates the labels."""
        x, y = regression_data(features, labels, with_variance=False)
        wrong = (y != 0) & (y != 1)
        if np.any(wrong):
            raise ValueError(f"labels of a logistic regression are 0 and 1, got {y[wrong][0]:g}")
        return cls(fitted(x, y, np.where(y == 1, 1.0, -1.0), _host_moments))


class LogisticRegression(AbstractGeneralisedLinear):
    r"""$P(y = 1) = 1/(1 + e^{-x^\top b})$ with $x \sim N(0, \Sigma)$, no intercept.

    Features are drawn for every batch, labels are the model's; the fit is maximum likelihood by Newton's
    iteration, to convergence. Where a plane separates the labels there is no finite fit: the status is
    `SEPARATED` and the model stays what it was; with labels other than 0 and 1, which a truth of another
    family may give, it is `NOT_FINITE`. A constant feature, and so an intercept, has no normal law.

    Arguments: `dimension`, d; `covariance`, $\Sigma$ [d, d], the identity where left out.
    Source: He, Xu and Cheng (2025, arXiv 2502.18049); Dey and Donoho (2024, arXiv 2410.22812).
    """

    dimension: int = eqx.field(static=True, converter=whole, default=2)
    covariance: Covariance | None = eqx.field(converter=Covariance.of, default=None)

    Params = LogisticRegressionParams

    def __check_init__(self):
        """A dimension is a whole number, a covariance is one."""
        check_features(self)

    def labels(self, key: Key, predictors: Float[Array, " rows"]) -> Float[Array, " rows"]:
        """0 or 1."""
        ones = random.bernoulli(key, LABELS, jax.nn.sigmoid(predictors), predictors.shape)
        return ones.astype(predictors.dtype)

    def link(self) -> Link:
        """Probabilities p, variances p (1 - p); a label of 1 draws its predictor up, of 0 down."""
        return Link(_moments, _outward, _steepens, 8.0 if jnp.result_type(float) == jnp.float32 else 16.0)

    def drawable(self, labels: Float[Array, " rows"]) -> Array:
        """Whether all labels are 0 or 1."""
        return jnp.all((labels == 0) | (labels == 1))

    def temper(
        self, params: LogisticRegressionParams, temperature: Float[Array, ""]
    ) -> LogisticRegressionParams:
        r"""Log-odds divided by $\tau$."""
        return LogisticRegressionParams(params.coefficients / temperature)

    def test_error(
        self, params: LogisticRegressionParams, truth: LogisticRegressionParams
    ) -> Float[Array, ""]:
        r"""$E_x (p(x) - p_*(x))^2$, by 1,681 nodes in the plane of both predictors.

        Accuracy, but for rounding: 1e-6 of itself where log-odds have standard deviations
        $\sqrt{b^\top \Sigma b}$ up to 3, a fiftieth at 10.
        """
        ours, theirs, _, weights = self._plane(params, truth)
        return tree_sum(weights * (jax.nn.sigmoid(ours) - jax.nn.sigmoid(theirs)) ** 2)

    def kl_divergence(
        self, params: LogisticRegressionParams, truth: LogisticRegressionParams
    ) -> Float[Array, ""]:
        r"""$E_x \mathrm{KL}(p(x) \,\|\, p_*(x))$ of the labels in nats, as accurate as `test_error`."""
        ours, theirs, shift, weights = self._plane(params, truth)
        chance = jax.nn.sigmoid(ours)
        # log of (1 - p) / (1 - p*): near by without cancellation, far away without overflow
        near = -jnp.log1p(jax.nn.sigmoid(theirs) * jnp.expm1(jnp.clip(shift, -1.0, 1.0)))
        far = jax.nn.softplus(theirs) - jax.nn.softplus(ours)
        return tree_sum(weights * (chance * shift + jnp.where(jnp.abs(shift) < 1.0, near, far)))

    def _plane(
        self, params: LogisticRegressionParams, truth: LogisticRegressionParams
    ) -> tuple[Array, Array, Array, Array]:
        """Predictors of model and truth at the nodes, their difference, and the nodes' weights."""
        square, along, apart = angles(self.whitened(params.coefficients), self.whitened(truth.coefficients))
        length = jnp.sqrt(square)
        slope = jnp.where(square > 0, along / jnp.where(square > 0, length, 1.0), 0.0)
        rest = jnp.sqrt(jnp.maximum(apart - slope * slope, 0.0))
        first, second, weights = (jnp.asarray(part, length.dtype) for part in _nodes())
        shift = slope * first + rest * second
        return length * first + shift, length * first, shift, weights


def _nodes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half of a grid in the plane, since what is averaged is the same at the opposite point."""
    along, across = (np.linspace(-_REACH, _REACH, nodes) for nodes in (_ALONG, _ACROSS))
    first, second = (part.ravel() for part in np.meshgrid(along, across, indexing="ij"))
    weights = np.exp(-0.5 * (first**2 + second**2)) * np.where(first == 0, 1.0, 2.0)
    half = first >= 0
    return first[half], second[half], weights[half] / weights[half].sum()


def _moments(predictors: Array) -> tuple[Array, Array]:
    chance = jax.nn.sigmoid(predictors)
    return chance, chance * jax.nn.sigmoid(-predictors)


def _outward(labels: Array, direction: Array) -> Array:
    return jnp.where(labels > 0.5, direction, -direction)


def _steepens(predictors: Array, step: Array) -> Array:
    # p (1 - p) is largest at even odds, and falls on the way from there
    return predictors * step < 0


def _host_moments(predictors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chance = 0.5 * (1.0 + np.tanh(0.5 * predictors))
    return chance, chance * (1.0 - chance)
