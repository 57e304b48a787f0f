"""Maximum likelihood: the estimate that the literature means when it says nothing."""

from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.families.base import AbstractFamily, Params
from mcollapse.random import Key


class MaximumLikelihood(AbstractEstimator):
    r"""$\hat\theta = \arg\max_\theta \sum_i \log p(x_i \mid \theta)$; variances have divisor $n$ (ddof 0)."""

    def fit(
        self,
        key: Key,
        family: AbstractFamily,
        batch: Batch,
        previous: Params,
        carry: Carry,
        t: Int[Array, ""],
    ) -> tuple[Params, Carry, Int[Array, ""]]:
        """The family's own maximum, blind to provenance."""
        params, status = family.maximum_likelihood(batch.all, previous)
        return params, carry, status
