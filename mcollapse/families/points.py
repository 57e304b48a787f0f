"""What families have in common whose parameters are data: rows with a weight each, drawn anew."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import Samples
from mcollapse.families.base import AbstractFamily, Truth
from mcollapse.families.gaussian import Gaussian
from mcollapse.families.multivariate_gaussian import MultivariateGaussian
from mcollapse.families.parameters import finite_numbers
from mcollapse.families.rows import check_rows, floating
from mcollapse.lanes import most
from mcollapse.once import once
from mcollapse.products import matrix_product
from mcollapse.random import Key
from mcollapse.summation import row_sum

EQUAL, WEIGHTED = 1, 2  # purposes of the two ways to choose rows
Rows = Float[Array, "capacity ..."]
Kept = tuple[Rows, Float[Array, " capacity"], Int[Array, ""]]


class AbstractPoints(AbstractFamily):
    """A model that is (or holds) weighted rows: parameters have `rows`, `weights` and `first`.

    `first` says that exactly the first so many rows are present, with equal weights, as they are in a batch
    and in a pool of all data: a row is then chosen by a whole number. 0 stands for any other weights.
    """

    dimension: eqx.AbstractVar[int]

    def chosen(self, key: Key, params: Any, count: int) -> Rows:
        """`count` rows (static), each with probability proportional to its weight."""
        direct = random.integers(key, EQUAL, params.first, (count,))

        def searched() -> Int[Array, " count"]:
            # a lane's numbers may not depend on its neighbours, of whom one may need the search
            found = random.categorical(key, WEIGHTED, params.weights, (count,))
            return jnp.where(params.first > 0, direct, found)

        # a branch that is decided for all lanes together, so that without weights nothing is searched
        index = jax.lax.cond(most((params.first == 0).astype(jnp.int32)) > 0, searched, lambda: direct)
        return params.rows.at[index].get(mode="promise_in_bounds")

    def kept(self, data: Samples, previous: Any) -> tuple[Kept, Int[Array, ""]]:
        """Data in a buffer of the previous model's size, and how much there is; without data, that model."""
        data, room = self.accepted(data), previous.rows.shape[0]
        if data.rows.shape[0] > room:
            raise ValueError(f"a {self.name} of {room} rows cannot hold {data.rows.shape[0]}: see `blank`")
        counted = data.weights.astype(jnp.result_type(float))
        present = jnp.sum(data.weights != 0, dtype=jnp.int32)
        leading = jnp.arange(data.rows.shape[0], dtype=jnp.int32) < present
        equal = jnp.all(jnp.where(leading, data.weights == data.weights[0], data.weights == 0))
        padding = room - data.rows.shape[0]
        rows = jnp.pad(data.rows, [(0, padding)] + [(0, 0)] * (data.rows.ndim - 1))
        kept = rows, jnp.pad(counted, (0, padding)), jnp.where(equal, present, 0)
        before = previous.rows, previous.weights, previous.first
        kept = jax.tree.map(lambda new, old: jnp.where(present > 0, new, old), kept, before)
        return kept, present

    def accepted(self, samples: Samples) -> Samples:
        """Rows as floating-point numbers, of this dimension."""
        shape = samples.rows.shape[1:]
        remedy = f": use families.{self.name}({shape[0] if shape else 1})"
        check_rows(self, samples, self.row_shape, remedy)
        return floating(samples)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """A row is a number in one dimension, a vector in more."""
        return () if self.dimension == 1 else (self.dimension,)

    def no_rows(self, capacity: int | None) -> Kept:
        """A buffer in which every row is absent."""
        return jnp.zeros((capacity or 0, *self.row_shape)), jnp.zeros(capacity or 0), jnp.zeros((), jnp.int32)

    def first_model(self, truth: Any, blank: Any) -> Any:
        """The truth in a buffer that the later models fit into too."""
        room = max(truth.rows.shape[0], blank.rows.shape[0])

        def padded(leaf: Array, like: Array) -> Array:
            if not jnp.ndim(leaf) or leaf.shape == jnp.shape(like):
                return jnp.asarray(leaf, like.dtype)
            return jnp.pad(leaf, [(0, room - leaf.shape[0])] + [(0, 0)] * (leaf.ndim - 1))

        return jax.tree.map(padded, truth, blank)

    def check_truth(self, family: AbstractFamily) -> None:
        """Both are of one dimension."""
        if family.dimension != self.dimension:  # type: ignore[attr-defined]
            raise ValueError(
                f"a {self.name} of dimension {self.dimension} cannot start from a truth of dimension "
                f"{family.dimension}"  # type: ignore[attr-defined]
            )

    def check(self, params: Any) -> None:
        """Rows are of the family's dimension."""
        shape = np.shape(params.rows)[1:]
        if shape != self.row_shape:
            raise ValueError(
                f"{self.name}(dimension={self.dimension}) got rows of shape {list(np.shape(params.rows))}: "
                f"use families.{self.name}({shape[0] if shape else 1})"
            )

    def standard_truth(self) -> Truth:
        """A standard normal law."""
        if self.dimension == 1:
            return Truth(Gaussian(), Gaussian.Params.standard())
        family = MultivariateGaussian(self.dimension)
        return Truth(family, MultivariateGaussian.Params.isotropic(self.dimension))

    def expectation(self, params: Any) -> Float[Array, "..."]:
        """The weighted mean of the rows, a number in one dimension."""
        # fused into the terms of another sum, a sum would be taken anew for each of them
        return once(lambda: row_sum(_along(self.shares(params), params.rows) * params.rows))

    def shares(self, params: Any) -> Float[Array, " capacity"]:
        """The probabilities of the rows."""
        return params.weights / once(lambda: row_sum(params.weights))

    def spread(self, params: Any) -> Float[Array, "dimension dimension"]:
        """The weighted covariance of the rows, with their total weight for divisor."""
        covariance, unit = self.spread_in_units(params)
        return covariance * unit**2

    def log_spread(self, params: Any) -> Float[Array, ""]:
        """The logarithm of the variance of the rows, in one dimension, in whatever units they are."""
        covariance, unit = self.spread_in_units(params)
        return jnp.log(covariance[0, 0]) + 2.0 * jnp.log(unit)

    def spread_in_units(self, params: Any) -> tuple[Float[Array, "dimension dimension"], Float[Array, ""]]:
        """The covariance in units of the largest distance from the mean: no square leaves the range."""
        shares, centred = self.shares(params), params.rows - self.expectation(params)
        centred = jnp.where(_along(shares, centred) > 0, centred, 0.0)
        largest = once(lambda: jnp.max(jnp.abs(centred)))
        unit = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1.0)
        scaled = centred / unit
        if self.dimension == 1:
            return row_sum(shares * scaled**2).reshape(1, 1), unit
        return matrix_product((scaled * shares[:, None]).T, scaled), unit


def _along(weights: Array, rows: Array) -> Array:
    return weights.reshape(weights.shape + (1,) * (rows.ndim - 1))


def user_points(values: object, weights: object, what: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A user's rows [n] or [n, d] and weights in float64, and `first`; refused where they are no data."""
    rows = np.asarray(values)
    if rows.size == 0 or rows.ndim not in (1, 2):
        raise ValueError(f"{what} are numbers [n] or rows [n, d], got shape {rows.shape}: a truth needs data")
    rows = finite_numbers(rows, what)
    rows = rows[:, 0] if rows.ndim == 2 and rows.shape[1] == 1 else rows
    if weights is None:
        return rows, np.ones(len(rows)), np.asarray(len(rows), np.int32)
    shares = np.asarray(weights, np.float64)
    if shares.shape != rows.shape[:1]:
        raise ValueError(f"{what} are {len(rows)} rows and need as many weights, got shape {shares.shape}")
    check_weights(shares)
    return rows, shares, np.asarray(0, np.int32)


def counted(value: object) -> Any:
    """A count as an int32 array; arrays of a program pass through."""
    return np.asarray(value, np.int32) if isinstance(value, int | float | np.generic) else value


def check_points(params: Any) -> None:
    """Concrete parameters have a weight for each row; those of a program are left alone."""
    if not (isinstance(params.rows, np.ndarray) and isinstance(params.weights, np.ndarray)):
        return
    if params.weights.shape != params.rows.shape[:1]:
        raise ValueError(
            f"each row has a weight, got {params.rows.shape[0] if params.rows.ndim else 0} rows and weights "
            f"of shape {params.weights.shape}: use from_data(values, weights)"
        )
    check_weights(params.weights)


def check_weights(weights: np.ndarray) -> None:
    """Weights are finite, not negative, and one is positive."""
    if not np.all(np.isfinite(weights)) or np.any(weights < 0) or not np.any(weights > 0):
        raise ValueError(
            f"weights are finite numbers of at least 0, of which one is positive, got {weights.min():g} to "
            f"{weights.max():g}"
        )
