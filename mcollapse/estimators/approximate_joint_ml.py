"""Approximate joint maximum likelihood of a symmetric mixture, in closed form."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch, Samples
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.families.base import AbstractFamily, Params
from mcollapse.families.symmetric_mixture import SymmetricMixture
from mcollapse.random import Key
from mcollapse.schedules import number


class ApproximateJointML(AbstractEstimator):
    r"""The closed form of Suresh et al. for $\frac12 N(\mu, s^2) + \frac12 N(-\mu, s^2)$.

    With $m = \overline{|x|}$, $S = \overline{x^2}$, $V = S - m^2$ and
    $\kappa = \exp\frac{(\eta - 1)((n - 1)/2 + 4\eta)}{\eta (n - 1)(n + 4\eta - 1)} - 1$:
    $\hat s^2 = a S V/(a m^2 + 2 S)$ where $S \le 2 a m^2/(a - 2)$, else S; $\hat\mu^2 = S - \hat s^2$;
    $a = 2(1 + \kappa) S/(S - (1 + \kappa) m^2)$, and 50 where $S \le (1 + \kappa) m^2$. V is the variance of
    $|x|$, in logarithms, so that nothing is negative however small it becomes.
    Source: Suresh, Thangaraj and Khandavally (2024, arXiv 2412.17646), with $\eta = 2$.
    """

    reads: ClassVar[type] = Samples

    eta: np.ndarray = eqx.field(converter=number, default=2.0)

    def __check_init__(self):
        """One number above 1."""
        if isinstance(self.eta, np.ndarray) and (self.eta.ndim or not self.eta > 1):
            raise ValueError(f"ApproximateJointML needs one eta above 1, got {self.eta}: the paper's is 2")

    def fit(
        self,
        key: Key,
        family: AbstractFamily,
        batch: Batch,
        previous: Params,
        carry: Carry,
        t: Int[Array, ""],
    ) -> tuple[Params, Carry, Int[Array, ""]]:
        """The closed form of all points, whatever their provenance."""
        assert isinstance(family, SymmetricMixture) and isinstance(batch.all, Samples)
        eta = jnp.asarray(self.eta, jnp.result_type(float))
        params, status = family.approximate_joint_ml(family.folded(batch.all), previous, eta)
        return params, carry, status

    def check(self, family: AbstractFamily) -> None:
        """It is of one family."""
        if not isinstance(family, SymmetricMixture):
            raise ValueError(
                "estimators.ApproximateJointML is of families.SymmetricMixture, and this is a "
                f"{family.name}: "
                "use estimators.MaximumLikelihood() or ExpectationMaximisation()"
            )
