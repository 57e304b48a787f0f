"""Unbiased: the variance divided by n - 1."""

from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.families.base import AbstractFamily, Params
from mcollapse.random import Key


class Unbiased(AbstractEstimator):
    r"""Maximum likelihood but $\hat\sigma^2 = S/(n-1)$ (ddof 1), so that $E\,\hat\sigma^2 = \sigma^2$.

    The choice decides the story of a Gaussian: with ddof 1 the error of the mean grows without bound,
    with ddof 0 it stays below the true variance.
    """

    def fit(
        self,
        key: Key,
        family: AbstractFamily,
        batch: Batch,
        previous: Params,
        carry: Carry,
        t: Int[Array, ""],
    ) -> tuple[Params, Carry, Int[Array, ""]]:
        """The family's fit with one degree of freedom taken off the divisor."""
        params, status = family.maximum_likelihood(batch.all, previous, ddof=1)
        return params, carry, status

    def check(self, family: AbstractFamily) -> None:
        """Only a fitted variance can be biased."""
        if not family.has_dispersion:
            raise ValueError(
                f"estimators.Unbiased corrects the divisor of a variance, and {family.name} has no "
                "divisor to correct; use estimators.MaximumLikelihood()"
            )
        if getattr(family, "variance", "fitted") == "known":
            raise ValueError(
                "estimators.Unbiased corrects the divisor of a variance, and this Gaussian's variance is "
                "known; use estimators.MaximumLikelihood(), whose mean is unbiased"
            )

    def fewest(self, family: AbstractFamily) -> int:
        """One point more than the degrees of freedom taken off."""
        return family.fewest(1)
