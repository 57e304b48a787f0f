"""What logistic and Poisson regression share: fresh features, labels by a linear predictor, Newton's fit."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.features import Covariance, check_coefficients, check_size, same_features
from mcollapse.families.newton import Data, Link, minimise
from mcollapse.families.rows import check_rows
from mcollapse.once import once
from mcollapse.products import matrix_product
from mcollapse.random import Key
from mcollapse.status import Status
from mcollapse.summation import tree_sum

FEATURES, LABELS = 1, 2


class AbstractCoefficients(eqx.Module):
    """Parameters of a model that are a vector of coefficients alone."""

    coefficients: eqx.AbstractVar[Any]

    def __check_init__(self):
        """Coefficients are a vector of finite numbers."""
        check_coefficients(self.coefficients)

    @classmethod
    def ones(cls, dimension: int = 2) -> "AbstractCoefficients":
        """All coefficients 1."""
        return cls(np.ones(int(dimension)))

    @classmethod
    def zeros(cls, dimension: int = 2) -> "AbstractCoefficients":
        """Labels that do not depend on the features: fair coins, or rates of 1."""
        return cls(np.zeros(int(dimension)))

    @classmethod
    def standard(cls) -> "AbstractCoefficients":
        """Two coefficients of 1."""
        return cls.ones()


class AbstractGeneralisedLinear(AbstractFamily):
    r"""$x \sim N(0, \Sigma)$, no intercept, and a label whose law depends on $\eta = x^\top b$ alone.

    Only labels are the model's: every batch has features of its own, of the truth's law. Rows are (x, y),
    d + 1 numbers. There are no sufficient statistics: a generation is fitted to rows, from the last model on.
    """

    dimension: eqx.AbstractVar[int]
    covariance: eqx.AbstractVar[Covariance | None]

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "test_error")

    @abc.abstractmethod
    def labels(self, key: Key, predictors: Float[Array, " rows"]) -> Float[Array, " rows"]:
        """One label for each predictor."""

    @abc.abstractmethod
    def link(self) -> Link:
        """What the fit needs of the law of a label."""

    def drawable(self, labels: Float[Array, " rows"]) -> Array:
        """Whether all labels are of the law: what could not be drawn spoils a fit."""
        del labels
        return jnp.asarray(True)

    def sample(self, key: Key, params: Any, count: Count, capacity: int) -> Samples:
        """Rows (x, y)."""
        white = once(lambda: random.normal(key, FEATURES, (capacity, self.dimension)))
        labels = once(
            lambda: self.labels(key.at(LABELS), matrix_product(white, self.whitened(params.coefficients)))
        )
        features = white if self.covariance is None else matrix_product(white, self.covariance.root.T)
        return Samples.first(jnp.concatenate([features, labels[:, None]], axis=1), count)

    def maximum_likelihood(self, data: Samples, previous: Any, ddof: int = 0) -> tuple[Any, Int[Array, ""]]:
        """Newton's iteration; where no finite coefficients are best the previous model is kept."""
        return self._fitted(data, previous, None)

    def ridge(self, data: Samples, previous: Any, penalty: Float[Array, ""]) -> tuple[Any, Int[Array, ""]]:
        r"""$\arg\min_b \frac1n D(b) + \lambda \|b\|^2$, D the deviance: finite for any data."""
        total = jnp.sum(data.weights).astype(penalty.dtype)
        return self._fitted(data, previous, penalty * total)

    def blank(self, truth: Any, capacity: int | None) -> Any:
        """Coefficients of zero."""
        return self.Params(jnp.zeros(self.dimension))  # type: ignore[attr-defined]

    def combine(self, first: Any, second: Any, weight: Float[Array, ""]) -> Any:
        """The weighted mean of both vectors of coefficients."""
        return self.Params(weight * first.coefficients + (1.0 - weight) * second.coefficients)  # type: ignore[attr-defined]

    def expectation(self, params: Any) -> Float[Array, " dimension"]:
        """The coefficients."""
        return params.coefficients

    def check(self, params: Any) -> None:
        """As many coefficients as dimensions."""
        check_size(self, params)

    def check_truth(self, family: AbstractFamily) -> None:
        """Features have one law."""
        assert isinstance(family, AbstractGeneralisedLinear)
        if not same_features(self, family):
            raise ValueError(
                "labels are made anew and features are not: truth and model need one covariance; pass the "
                f"parameters alone as the truth, or the same {self.name} in mc.Truth"
            )

    def standard_truth(self) -> Any:
        """Coefficients of one."""
        return self.Params.ones(self.dimension)  # type: ignore[attr-defined]

    def fewest(self, ddof: int) -> int:
        """As many points as coefficients."""
        return self.dimension

    def whitened(self, coefficients: Any) -> Float[Array, " dimension"]:
        r"""$R^\top b$ with $\Sigma = R R^\top$: the coefficients of uncorrelated features."""
        values = jnp.asarray(coefficients, jnp.result_type(float))
        return values if self.covariance is None else matrix_product(self.covariance.root.T, values)

    def _fitted(self, data: Samples, previous: Any, penalty: Array | None) -> tuple[Any, Int[Array, ""]]:
        check_rows(self, data, (self.dimension + 1,))
        dtype = jnp.result_type(float)
        # absent rows may hold anything
        columns = jnp.where(data.weights != 0, data.rows.astype(dtype).T, 0.0)
        rows = Data(columns[:-1], columns[-1], data.weights.astype(dtype))
        start = jnp.asarray(previous.coefficients, dtype)
        found, status = minimise(rows, self.link(), start, penalty)
        allowed = self.drawable(columns[-1]) & jnp.all(jnp.isfinite(found))
        status = jnp.where(allowed, status, jnp.maximum(status, Status.NOT_FINITE)).astype(jnp.int32)
        usable = status <= Status.NOT_CONVERGED
        return self.Params(jnp.where(usable, found, start)), status  # type: ignore[attr-defined]


def angles(ours: Array, theirs: Array) -> tuple[Array, Array, Array]:
    r"""Lengths and products: $\|u_*\|^2$, $u_*^\top (u - u_*)$ and $\|u - u_*\|^2$."""
    shift = ours - theirs
    return tree_sum(theirs * theirs), tree_sum(theirs * shift), tree_sum(shift * shift)
