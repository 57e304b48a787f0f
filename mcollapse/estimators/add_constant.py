"""Add-constant smoothing of counts: Laplace, Krichevsky–Trofimov, Lidstone."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch, Counts
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.families.base import AbstractFamily, Params, require
from mcollapse.random import Key
from mcollapse.schedules import number

COUNTED = "families.Bernoulli, families.Categorical or families.NextToken"


class AddConstant(AbstractEstimator):
    r"""$\hat p_i = (c_i + c)/(n + cK)$, $c \ge 0$; $c = 1$ is Laplace, $c = 1/2$ Krichevsky–Trofimov.

    It is biased towards the uniform law, and no category is ever forgotten.
    """

    constant: np.ndarray = eqx.field(converter=number, default=1.0)

    def __check_init__(self):
        """A pseudo-count is not negative."""
        if isinstance(self.constant, np.ndarray) and np.any(self.constant < 0):
            raise ValueError(
                f"AddConstant adds a constant of at least 0 to every count, got {self.constant:g}"
            )

    def fit(
        self,
        key: Key,
        family: AbstractFamily,
        batch: Batch,
        previous: Params,
        carry: Carry,
        t: Int[Array, ""],
    ) -> tuple[Params, Carry, Int[Array, ""]]:
        """The family's fit to counts with the constant added to each."""
        data = batch.all
        assert isinstance(data, Counts)  # `check` admits families of counts only
        dtype = jnp.result_type(float)
        smoothed = Counts(data.counts.astype(dtype) + jnp.asarray(self.constant, dtype))
        params, status = family.maximum_likelihood(smoothed, previous)
        return params, carry, status

    def check(self, family: AbstractFamily) -> None:
        """Only counts can be smoothed."""
        wanted = "estimators.AddConstant smooths counts of categories"
        remedy = f"use it with {COUNTED}, or use estimators.MaximumLikelihood()"
        require(family, "probabilities", wanted, remedy)
