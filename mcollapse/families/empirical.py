"""Empirical: the model is its data, and a new point is one of them (the bootstrap)."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from mcollapse.data import Samples
from mcollapse.families.base import Count
from mcollapse.families.parameters import concrete
from mcollapse.families.points import AbstractPoints, check_points, counted, user_points
from mcollapse.random import Key
from mcollapse.status import Status
from mcollapse.whole_numbers import check_whole, whole


class EmpiricalParams(eqx.Module):
    """Rows [n] or [n, d] with a weight each, 0 for absent; make them with `from_data`."""

    rows: Float[Array, "capacity ..."] = eqx.field(converter=concrete)
    weights: Float[Array, " capacity"] = eqx.field(converter=concrete)
    first: Int[Array, ""] = eqx.field(default=0, converter=counted)
    """How many leading rows are present with equal weights, the rest being absent; 0 for other weights."""

    def __check_init__(self):
        """As many weights as rows, not negative."""
        check_points(self)

    @classmethod
    def from_data(cls, values: object, weights: object = None) -> "EmpiricalParams":
        """The empirical law of a user's values [n] or rows [n, d], of equal weights unless given."""
        return cls(*user_points(values, weights, "Empirical data"))


class Empirical(AbstractPoints):
    r"""$P(x = x_i) = w_i / \sum_j w_j$: the empirical law of the rows that a generation is fitted to.

    A generation that is drawn from it and replaces it is a bootstrap of the bootstrap: by generation t each
    value of the distribution function has the law of a proportion, so that
    $E \int (F_t - F)^2\, dF = (1 - (1 - 1/n)^{t+1})/6$ from real points on, for any continuous truth.
    The truth may be a law, `Truth(Gaussian(), …)`, or data, `Empirical.Params.from_data(values)`.
    `dimension` is 1, of rows that are numbers, or d, of rows that are vectors.
    Source: He, Xu and Cheng (2025, arXiv 2502.18049).
    """

    dimension: int = eqx.field(static=True, converter=whole, default=1)

    Params = EmpiricalParams

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "trace")

    def __check_init__(self):
        """A dimension is a whole number."""
        check_whole("dimension", self.dimension)

    def sample(self, key: Key, params: EmpiricalParams, count: Count, capacity: int) -> Samples:
        """Rows of the model, with replacement."""
        return Samples.first(self.chosen(key, params, capacity), count)

    def maximum_likelihood(
        self, data: Samples, previous: EmpiricalParams, ddof: int = 0
    ) -> tuple[EmpiricalParams, Int[Array, ""]]:
        """The data; `DEGENERATE` once they are one point repeated."""
        (rows, weights, first), present = self.kept(data, previous)
        here = weights > 0
        inner = here.reshape(here.shape + (1,) * (rows.ndim - 1))
        some = rows[jnp.argmax(here)]  # any row that is present
        alike = jnp.all(jnp.where(inner, rows == some, True))
        status = jnp.where(alike, Status.DEGENERATE, Status.OK)
        status = jnp.where(present > 0, status, Status.TOO_FEW_POINTS)
        return EmpiricalParams(rows, weights, first), status.astype(jnp.int32)

    def blank(self, truth: object, capacity: int | None) -> EmpiricalParams:
        """No rows."""
        return EmpiricalParams(*self.no_rows(capacity))

    def log_variance(self, params: EmpiricalParams) -> Float[Array, ""]:
        r"""$\log \frac1W \sum_i w_i (x_i - \bar x)^2$."""
        if self.dimension > 1:
            raise ValueError(
                f"an Empirical of dimension {self.dimension} has no one variance: use metrics.trace"
            )
        return self.log_spread(params)

    def atoms(
        self, params: EmpiricalParams
    ) -> tuple[Float[Array, "capacity ..."], Float[Array, " capacity"]]:
        """The rows, absent ones with weight 0."""
        return params.rows, params.weights

    def total_covariance(self, params: EmpiricalParams) -> Float[Array, "dimension dimension"]:
        """The weighted covariance of the rows, with their total weight for divisor."""
        return self.spread(params)

    def cumulative(self, params: EmpiricalParams, values: Float[Array, "..."]) -> Float[Array, "..."]:
        r"""$F(x) = \sum_{x_i \le x} w_i / W$."""
        below = jnp.where(params.rows <= values[..., None], params.weights, 0.0)
        return jnp.sum(below, axis=-1) / jnp.sum(params.weights)
