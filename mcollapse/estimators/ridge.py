"""Ridge: maximum likelihood with a penalty on the length of the coefficients."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.families.base import AbstractFamily, Params, require
from mcollapse.random import Key
from mcollapse.schedules import number


class Ridge(AbstractEstimator):
    r"""$\hat w = \arg\min_w \frac1n D(w) + \lambda \|w\|^2$, D the deviance, for any number n of points.

    D is $\|y - X w\|^2$ of a linear regression, and twice the negative log-likelihood, but for a constant,
    of a logistic or Poisson regression; there it does not matter whether labels are separated. The penalty
    $\lambda > 0$ is per point: in scikit-learn the alpha of `Ridge` divided by n, 1/(nC) of
    `LogisticRegression` and the alpha of `PoissonRegressor`. Where rounding hides it from Newton's iteration
    the status is `NOT_CONVERGED`.
    Source: Dohmatob, Feng and Kempe (2024, arXiv 2402.07712).
    """

    penalty: np.ndarray = eqx.field(converter=number)

    def __check_init__(self):
        """A penalty is positive."""
        if isinstance(self.penalty, np.ndarray) and self.penalty.ndim:
            raise ValueError(
                f"Ridge has one penalty, got shape {self.penalty.shape}; compare several by mc.sweep"
            )
        if isinstance(self.penalty, np.ndarray) and np.any(self.penalty <= 0):
            raise ValueError(
                f"Ridge needs a penalty above 0, got {float(self.penalty):g}; without one use "
                "estimators.MaximumLikelihood() or MinimumNorm()"
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
        """The family's penalised fit."""
        penalty = jnp.asarray(self.penalty, jnp.result_type(float))
        params, status = family.ridge(batch.all, previous, penalty)
        return params, carry, status

    def check(self, family: AbstractFamily) -> None:
        """Only coefficients have a length."""
        wanted = "estimators.Ridge penalises the length of coefficients"
        remedy = (
            "use it with a regression, such as families.LinearRegression, or use "
            "estimators.MaximumLikelihood()"
        )
        require(family, "ridge", wanted, remedy)

    def fewest(self, family: AbstractFamily) -> int:
        """One point."""
        return 1
