"""Minimum norm: least squares with fewer points than coefficients."""

from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.families.base import AbstractFamily, Params, require
from mcollapse.random import Key


class MinimumNorm(AbstractEstimator):
    r"""$\hat w = X^+ y$: of all least-squares solutions the shortest, for any number of points.

    With at least d points that is ordinary least squares. With fewer it interpolates, and what the features
    of a batch do not span is lost: without noise $E\|w_t\|^2$ falls by n/d in each generation.
    Source: Dohmatob, Feng and Kempe (2024, arXiv 2402.07712), Theorem 4.6.
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
        """The family's shortest solution."""
        params, status = family.minimum_norm(batch.all, previous)
        return params, carry, status

    def check(self, family: AbstractFamily) -> None:
        """Only a linear regression has many solutions to choose from."""
        wanted = "estimators.MinimumNorm chooses among least-squares solutions"
        remedy = "use it with families.LinearRegression, or use estimators.MaximumLikelihood()"
        require(family, "minimum_norm", wanted, remedy)

    def fewest(self, family: AbstractFamily) -> int:
        """One point."""
        return 1
