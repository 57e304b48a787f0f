"""The tests behind verdicts, in numpy and scipy.special."""

import math
from typing import Literal

import numpy as np
from scipy import special

Side = Literal["two", "above", "below"]
SKEWNESS = 3.0
"""Allowed for in tests of means: that of a chi-square with one degree of freedom is 2.83."""


def t_p_value(z: np.ndarray, replicates: int, side: Side) -> np.ndarray:
    """P-values of studentised deviations, conservative for skewness up to 3.

    A mean of squares is skewed, and at a simultaneous level the tails decide: the deviation is shrunk by
    the first Edgeworth term before Student's law is asked.
    """
    size = np.abs(z) if side == "two" else (z if side == "above" else -z)
    shrunk = size - np.where(size > 0, _edgeworth(size, replicates), 0.0)
    tail = special.stdtr(max(replicates - 1, 1), -np.maximum(shrunk, 0.0))
    return np.minimum(1.0, (2.0 if side == "two" else 1.0) * tail)


def critical_value(level: float, replicates: int) -> float:
    """The studentised deviation whose two-sided p-value is `level`."""
    base = float(-special.stdtrit(max(replicates - 1, 1), level / 2))
    z = base
    for _ in range(50):  # the fixed point of z = base + edgeworth(z): the p-value shrinks z by that term
        z = base + float(_edgeworth(np.asarray(z), replicates))
    return z


def _edgeworth(size: np.ndarray, replicates: int) -> np.ndarray:
    return SKEWNESS / (6.0 * math.sqrt(replicates)) * (2.0 * np.minimum(size, 8.0) ** 2 + 1.0)


def binomial_p_value(
    count: np.ndarray, replicates: int, lower: np.ndarray, upper: np.ndarray, side: Side
) -> np.ndarray:
    """Exact p-value of `count` of `replicates` under a probability between `lower` and `upper`."""
    lower, upper = np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)
    above = _at_least(count, replicates, upper)
    below = _at_least(replicates - count, replicates, 1.0 - lower)
    if side == "above":
        return above
    if side == "below":
        return below
    return np.minimum(1.0, 2.0 * np.minimum(above, below))


def _at_least(count: np.ndarray, replicates: int, p: np.ndarray) -> np.ndarray:
    """P(Bin(R, p) >= count), accurate in the tail."""
    inner = np.maximum(count, 1.0)
    tail = special.betainc(inner, replicates - inner + 1.0, p)
    return np.where(count <= 0, 1.0, tail)


def ratio_interval(observed: np.ndarray, law: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """The range of observed/law over generations, widened by two standard errors."""
    use = law != 0
    if not use.any():
        return math.nan, math.nan
    low, high = ((observed[use] + s * 2.0 * error[use]) / law[use] for s in (-1.0, 1.0))
    return float(np.min(np.minimum(low, high))), float(np.max(np.maximum(low, high)))
