"""Proportions from which the last model's expected part has been taken out: shares known, provenance not."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from mcollapse.data import Batch, Counts
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.families.base import AbstractFamily, Params, require
from mcollapse.random import Key


class Debiased(AbstractEstimator):
    r"""$\hat p_t = \sum_{i \le t} n_i a_i^2 d_i / \sum_{i \le t} n_i a_i^2$.

    $d_i = (e_i - (1 - a_i)\,\hat p_{i-1})/a_i$, where $e_i$ are the proportions of batch i and $a_i$ its real
    share, 1 at generation 0. It remembers all batches itself, so it is used with `pools.Newest` and
    `start="real"`. Where the sum is negative for some category it is taken for 0; that never happens with
    constant sizes.
    Source: Kanabar and Gastpar (2025, arXiv 2501.19273).
    """

    remembers: ClassVar[bool] = True

    def init(self, family: AbstractFamily, params: Params) -> Float[Array, "*contexts categories"]:
        """No batch yet."""
        return jnp.zeros_like(family.probabilities(params))

    def fit(
        self,
        key: Key,
        family: AbstractFamily,
        batch: Batch,
        previous: Params,
        carry: Carry,
        t: Int[Array, ""],
    ) -> tuple[Params, Carry, Int[Array, ""]]:
        """The sum with this batch in it, as proportions."""
        data = batch.all
        assert isinstance(data, Counts)  # `check` admits families of counts only
        share, dtype = batch.share.astype(carry.dtype), carry.dtype
        last = (1 - share) * data.totals.astype(dtype) * family.probabilities(previous)
        total = carry + share * (data.counts.astype(dtype) - last)
        params, status = family.maximum_likelihood(Counts(jnp.maximum(total, 0)), previous)
        return params, total, status

    def check(self, family: AbstractFamily) -> None:
        """Only proportions can be corrected so."""
        wanted = "estimators.Debiased corrects proportions of independent draws"
        for method in ("probabilities", "expectation"):
            require(family, method, wanted, "use it with families.Bernoulli, Categorical or NextToken")
