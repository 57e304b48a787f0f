"""Only the points that are known to be real: the oracle that others are measured against."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from mcollapse.data import AbstractStatistics, Batch
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.estimators.maximum_likelihood import MaximumLikelihood
from mcollapse.families.base import AbstractFamily, Params
from mcollapse.random import Key
from mcollapse.status import Status


class RealOnly(AbstractEstimator):
    r"""Another estimator's fit to the real points, as if provenance were known.

    With `pools.Newest` these are the real points of a generation, and the previous model is kept where it has
    none; with `pools.All` all real points so far, whose risk is $E[1/M_t]$ times that of one point, with
    $M_t$ the number of them. Source: the oracle of Kanabar and Gastpar (2025, arXiv 2501.19273).
    """

    estimator: AbstractEstimator = eqx.field(default_factory=MaximumLikelihood)

    def planned(self, generations: int) -> "RealOnly":
        """Host: the other estimator's schedules tabulated."""
        return RealOnly(self.estimator.planned(generations))

    def init(self, family: AbstractFamily, params: Params) -> Carry:
        """That of the other estimator."""
        return self.estimator.init(family, params)

    def fit(
        self,
        key: Key,
        family: AbstractFamily,
        batch: Batch,
        previous: Params,
        carry: Carry,
        t: Int[Array, ""],
    ) -> tuple[Params, Carry, Int[Array, ""]]:
        """The other estimator's fit, blind to what is synthetic."""
        if batch.real is None:
            raise ValueError(
                "estimators.RealOnly has nothing to fit: there are no real points after generation 0; use "
                "pools.All(), which keeps those of generation 0, or a source with a real share"
            )
        real = Batch(batch.real, None, jnp.ones(()))
        params, memory, status = self.estimator.fit(key, family, real, previous, carry, t)
        enough = batch.real.count >= self.fewest(family)  # type: ignore[attr-defined]
        params, memory = jax.tree.map(
            lambda new, old: jnp.where(enough, new, old), (params, memory), (previous, carry)
        )
        return params, memory, jnp.where(enough, status, Status.TOO_FEW_POINTS).astype(jnp.int32)

    def check(self, family: AbstractFamily) -> None:
        """What the other estimator asks; it is given statistics, of one batch or of a pool."""
        self.estimator.check(family)
        if self.estimator.remembers or self.estimator.reads is not AbstractStatistics:
            raise ValueError(
                f"estimators.RealOnly cannot hold estimators.{type(self.estimator).__name__}, which needs "
                "rows or all batches; use estimators.MaximumLikelihood(), Unbiased() or AddConstant()"
            )

    def fewest(self, family: AbstractFamily) -> int:
        """What the other estimator needs; where only real points are fewer, the previous model is kept."""
        return self.estimator.fewest(family)
