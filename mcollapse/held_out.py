"""How well a model predicts points that it has not seen: a metric that draws."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from mcollapse.families.base import AbstractFamily, Params, Truth, require
from mcollapse.measuring import AbstractMetric
from mcollapse.random import Key
from mcollapse.summation import tree_sum
from mcollapse.whole_numbers import check_whole


class HeldOut(AbstractMetric):
    r"""$-\frac1m \sum_{j \le m} \log \hat p(x_j)$ in nats, of `points` fresh draws of the truth.

    Its expectation is the cross entropy: the truth's entropy and $\mathrm{KL}(P_* \,\|\, \hat P)$. It is
    infinite where the model has no density at a point. Source: Kazdan et al. (2024, arXiv 2410.16713).
    """

    points: int = eqx.field(static=True, default=500)

    def __check_init__(self):
        """Points are a whole number."""
        check_whole("points of HeldOut", self.points, of="points")

    def __call__(self, key: Key, family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
        """The mean of the negative logarithms."""
        remedy = "use metrics.squared_error or, of points, metrics.cramer_von_mises"
        require(family, "log_density", "HeldOut reads a density", remedy)
        drawn = truth.family.sample(key, truth.params, self.points, self.points)
        logs = family.log_density(params, family.accepted(drawn).rows)
        return -tree_sum(logs) / jnp.asarray(self.points, logs.dtype)
