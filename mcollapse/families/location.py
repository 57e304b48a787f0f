"""Location: known noise around a place that is fitted by the mean, the median or a function of the user's."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num

from mcollapse import random
from mcollapse.data import Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.parameters import check_finite, concrete, is_concrete, real_data
from mcollapse.families.rows import check_rows, floating
from mcollapse.random import Key
from mcollapse.status import Status
from mcollapse.summation import row_sum

Fit = Callable[[Float[Array, " capacity"], Num[Array, " capacity"]], Float[Array, ""]]
NOISES = ("normal", "laplace", "logistic", "uniform", "cauchy")


def weighted_mean(rows: Float[Array, " capacity"], weights: Num[Array, " capacity"]) -> Float[Array, ""]:
    """The mean of the rows that are present."""
    weights = weights.astype(rows.dtype)
    present = jnp.where(weights > 0, rows, 0.0)
    return row_sum(weights * present) / row_sum(weights)


def weighted_median(rows: Float[Array, " capacity"], weights: Num[Array, " capacity"]) -> Float[Array, ""]:
    r"""The median of the rows that are present: half of the weight lies on either side.

    Where exactly half of the weight is at or below a row, the midpoint between it and the next, so that of an
    even number of equal weights it is numpy's. Found by bisection on the bits of the rows, which takes as
    many sums as a row has bits, where sorting takes ten times as long.
    """
    keys, half = _ordered(rows), row_sum(weights)
    bits = np.iinfo(keys.dtype).bits

    def below(key: Array) -> Array:
        return row_sum(jnp.where(keys <= key, weights, 0))

    def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low & high) + ((low ^ high) >> 1)  # rounded down, without overflow
        enough = 2 * below(middle) >= half
        return jnp.where(enough, low, middle + 1), jnp.where(enough, middle, high)

    limits = (
        jnp.asarray(limit, keys.dtype) for limit in (np.iinfo(keys.dtype).min, np.iinfo(keys.dtype).max)
    )
    found = jax.lax.fori_loop(0, bits, halve, tuple(limits))[1]
    last = jnp.asarray(np.iinfo(keys.dtype).max, keys.dtype)
    after = jnp.min(jnp.where((weights > 0) & (keys > found), keys, last))
    lower, upper = _number(found, rows.dtype), _number(after, rows.dtype)
    return jnp.where(2 * below(found) == half, lower + 0.5 * (upper - lower), lower)


def _ordered(rows: Float[Array, " capacity"]) -> Int[Array, " capacity"]:
    """Whole numbers in the order of the rows: their bits, of which negative ones run backwards."""
    words = jax.lax.bitcast_convert_type(rows, jnp.int64 if rows.dtype == jnp.float64 else jnp.int32)
    return words ^ ((words >> (np.iinfo(words.dtype).bits - 1)) & np.iinfo(words.dtype).max)


def _number(key: Int[Array, ""], dtype: Any) -> Float[Array, ""]:
    words = key ^ ((key >> (np.iinfo(key.dtype).bits - 1)) & np.iinfo(key.dtype).max)
    return jax.lax.bitcast_convert_type(words, dtype)


FITS: dict[str, Fit] = {"mean": weighted_mean, "median": weighted_median}


class LocationParams(eqx.Module):
    """The place that the noise is added to."""

    location: Float[Array, ""] = eqx.field(converter=concrete)

    def __check_init__(self):
        """A location is a finite number."""
        if is_concrete(self.location):
            check_finite("location", self.location)

    @classmethod
    def standard(cls) -> "LocationParams":
        """Location 0."""
        return cls(0.0)

    @classmethod
    def from_data(cls, values: object) -> "LocationParams":
        """The median of a vector of numbers."""
        return cls(float(np.median(real_data(values, "Location data"))))


class Location(AbstractFamily):
    r"""$x = \theta + \tau e$, where the law of e is known and $\theta$ is fitted by any function of the rows.

    `noise` is the law of e, symmetric about 0: "normal" (variance 1), "laplace" (density $e^{-|e|}/2$),
    "logistic", "uniform" (on -1 … 1) or "cauchy"; `scale` is $\tau$. `fit` is "mean", "median" or a function
    `(rows, weights) -> location` of the user's own, in which rows of weight 0 are absent. An estimator
    with influence function $\psi$ behaves like a mean of points of variance $E \psi^2$: accumulated, its
    variance grows to $\pi^2/6$ of that of one fit. Source: Dey and Donoho (2024, arXiv 2410.22812).
    """

    noise: str = eqx.field(static=True, default="normal")
    scale: Float[Array, ""] = eqx.field(converter=concrete, default=1.0)
    fit: str | Fit = eqx.field(static=True, default="median")

    Params = LocationParams

    recorded: ClassVar[tuple[str, ...]] = ("squared_error",)

    def __check_init__(self):
        """A noise that is known, a positive scale, a fit that is known or can be called."""
        if self.noise not in NOISES:
            raise ValueError(f"noise is one of {', '.join(NOISES)}, got {self.noise!r}")
        if is_concrete(self.scale) and (np.ndim(self.scale) != 0 or not 0 < float(self.scale) < np.inf):
            raise ValueError(f"scale is a positive, finite number, got {self.scale}")
        if not callable(self.fit) and self.fit not in FITS:
            raise ValueError(
                f'fit is "mean", "median" or a function (rows, weights) -> location, got {self.fit!r}'
            )

    def sample(self, key: Key, params: LocationParams, count: Count, capacity: int) -> Samples:
        """Rows are numbers."""
        scale = jnp.asarray(self.scale, params.location.dtype)
        return Samples.first(params.location + scale * self._noises(key, capacity), count)

    def _noises(self, key: Key, capacity: int) -> Float[Array, " capacity"]:
        if self.noise == "normal":
            return random.normal(key, 1, (capacity,))
        if self.noise == "uniform":
            return 2.0 * random.uniform(key, 1, (capacity,)) - 1.0
        # a size and a sign, since the upper tail of a uniform number has fewer digits than the lower one
        sign = jnp.where(random.bits(key, 2, (capacity,))[0] >> 31 == 0, 1.0, -1.0)
        return sign.astype(jnp.result_type(float)) * self._size(key, capacity)

    def _size(self, key: Key, capacity: int) -> Float[Array, " capacity"]:
        if self.noise == "laplace":
            return random.exponential(key, 1, (capacity,))
        tail = 0.5 * random.uniform(key, 1, (capacity,))
        return jnp.log1p(-tail) - jnp.log(tail) if self.noise == "logistic" else 1.0 / jnp.tan(jnp.pi * tail)

    def accepted(self, samples: Samples) -> Samples:
        """Rows as floating-point numbers."""
        check_rows(self, samples, ())
        return floating(samples)

    def maximum_likelihood(
        self, data: Samples, previous: LocationParams, ddof: int = 0
    ) -> tuple[LocationParams, Int[Array, ""]]:
        """What `fit` makes of the rows, whatever its name; without data the previous model is kept."""
        fit = FITS[self.fit] if isinstance(self.fit, str) else self.fit
        data, some = self.accepted(data), jnp.any(data.weights > 0)
        fitted = jnp.asarray(fit(data.rows, data.weights), previous.location.dtype)
        finite = jnp.isfinite(fitted)
        status = jnp.where(some, jnp.where(finite, Status.OK, Status.NOT_FINITE), Status.TOO_FEW_POINTS)
        location = jnp.where(some & finite, fitted, previous.location)
        return LocationParams(location), status.astype(jnp.int32)

    def blank(self, truth: object, capacity: int | None) -> LocationParams:
        """Location zero."""
        return LocationParams(jnp.zeros(()))

    def expectation(self, params: LocationParams) -> Float[Array, ""]:
        """The location, which is the mean where there is one."""
        return params.location

    def combine(
        self, first: LocationParams, second: LocationParams, weight: Float[Array, ""]
    ) -> LocationParams:
        """The weighted mean of both locations."""
        return LocationParams(weight * first.location + (1.0 - weight) * second.location)
