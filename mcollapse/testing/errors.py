"""What a check raises, and the comparisons that the checks share."""

from typing import Any

import chex
import jax
import numpy as np
from scipy import special


class ConformanceError(AssertionError):
    """A clause of a contract that does not hold."""


def require(holds: Any, clause: str) -> None:
    """Raise `ConformanceError` with the clause where it does not hold."""
    if not holds:
        raise ConformanceError(clause)


def require_alike(first: Any, second: Any, clause: str) -> None:
    """Two trees have one structure, and their leaves one shape and dtype each."""
    try:
        chex.assert_trees_all_equal_shapes_and_dtypes(first, second)
    except AssertionError as error:
        raise ConformanceError(f"{clause}\n{error}") from error


def require_same_bits(first: Any, second: Any, clause: str) -> None:
    """Two trees hold the same numbers, NaN where NaN."""
    for ours, theirs in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        require(np.array_equal(np.asarray(ours), np.asarray(theirs), equal_nan=_is_float(ours)), clause)


def require_close(first: Any, second: Any, tolerance: float, clause: str) -> None:
    """Two trees agree to a tolerance, relative to the largest entry of a leaf."""
    for ours, theirs in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        equal = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        with np.errstate(invalid="ignore"):
            distance = np.where(equal, 0.0, np.abs(ours - theirs))
        finite = np.abs(theirs[np.isfinite(theirs)])
        scale = max(1.0, finite.max(initial=0.0))
        require(np.all(distance <= tolerance * scale), f"{clause}: {ours} against {theirs}")


def require_one_law(first: np.ndarray, second: np.ndarray, level: float, clause: str) -> None:
    """Means over replicates (the first axis) of two independent arrays agree, at a family-wise level.

    Entries whose values are not all finite are held against each other by how often they are.
    """
    for ours, theirs in (
        (np.isfinite(first).astype(float), np.isfinite(second).astype(float)),
        (_finite(first), _finite(second)),
    ):
        z, limit = _z(ours, theirs), float(-special.ndtri(level / (4 * ours[0].size)))
        require(np.all(np.abs(z) < limit), f"{clause}: {np.abs(z).max():.1f} standard errors apart")


def _z(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    ours, theirs = (values.reshape(len(values), -1) for values in (first, second))
    spread = np.sqrt(ours.var(axis=0) / len(ours) + theirs.var(axis=0) / len(theirs))
    shift = ours.mean(axis=0) - theirs.mean(axis=0)
    # what is constant on both sides agrees to rounding or not at all
    rounding = 1e-5 * np.maximum(1.0, np.abs(theirs.mean(axis=0)))
    return np.where(np.abs(shift) < rounding, 0.0, shift / np.maximum(spread, np.finfo(float).tiny))


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, 0.0)


def _is_float(leaf: Any) -> bool:
    return np.issubdtype(np.asarray(leaf).dtype, np.inexact)
