"""Host-side checks and conversions that parameter classes share."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

TOLERANCE = 1e-6


def concrete(value: object) -> Any:
    """A float64 host array of what a user gives; arrays of a program pass through unchanged."""
    if isinstance(value, str | bytes | dict | None):
        raise ValueError(f"a parameter is a number or an array of numbers, got {value!r}")
    if isinstance(value, jax.Array) or not isinstance(
        value, np.ndarray | np.generic | float | int | list | tuple
    ):
        return value  # type: ignore[return-value]
    return np.asarray(value, np.float64)


def is_concrete(value: object) -> bool:
    """Whether values can be looked at now: a tracer cannot."""
    return isinstance(value, np.ndarray) or (isinstance(value, jax.Array) and not isinstance(value, Tracer))


def check_finite(name: str, values: object) -> None:
    """Refuse NaN and infinity, saying where."""
    flat = np.ravel(np.asarray(values))
    bad = np.flatnonzero(~np.isfinite(flat))
    if bad.size:
        where = f" at position {bad[0]}" if flat.size > 1 else ""
        raise ValueError(f"{name} must be finite, got {flat[bad[0]]}{where}")


def finite_numbers(array: np.ndarray, what: str) -> np.ndarray:
    """A user's array in float64, refused where it holds no numbers, NaN or infinity."""
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} must be numbers, got dtype {array.dtype}")
    array = array.astype(np.float64)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{what} must be finite: drop or fill missing values first")
    return array


def check_probabilities(values: object) -> None:
    """Refuse a table that is no probability distribution."""
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or array.size < 2:
        raise ValueError(f"probabilities are a vector of at least two categories, got shape {array.shape}")
    check_finite("probabilities", array)
    if np.any(array < 0):
        k = int(np.argmin(array))
        raise ValueError(f"probabilities must not be negative, got {array[k]:g} for category {k}")
    if abs(array.sum() - 1.0) > TOLERANCE:
        raise ValueError(
            f"probabilities must sum to one, these sum to {array.sum():.6g}: divide them by their sum, "
            "or pass counts to Categorical.Params.from_counts"
        )


def tempered(table: Array, temperature: Array) -> Array:
    """Probabilities to the power 1/temperature, normalised, in units of the largest."""
    logs = jnp.log(jnp.where(table > 0, table, 1.0)) - jnp.log(jnp.max(table))
    powers = jnp.where(table > 0, jnp.exp(logs / temperature), 0.0)
    return powers / jnp.sum(powers)


def real_data(values: object, what: str) -> np.ndarray:
    """A user's data as a flat array, refused where it is empty or not finite."""
    array = np.asarray(values)
    if array.size == 0:
        raise ValueError(f"{what} is empty: a truth cannot be fitted to no data")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} must be numbers, got dtype {array.dtype}")
    if np.any(~np.isfinite(array)):
        bad = int(np.flatnonzero(~np.isfinite(array.ravel()))[0])
        raise ValueError(
            f"{what} holds {array.ravel()[bad]} at position {bad}: drop or fill missing values first"
        )
    return array.ravel()
