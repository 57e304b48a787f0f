"""What theory needs of a truth: plain numbers."""

import math
from typing import Any

import numpy as np

from mcollapse import theory
from mcollapse.families import (
    Bernoulli,
    Empirical,
    Gaussian,
    KernelDensity,
    LinearRegression,
    Location,
    MarkovText,
    MultivariateGaussian,
    Poisson,
    SymmetricMixture,
)
from mcollapse.families.base import AbstractFamily, Truth
from mcollapse.families.generalised_linear import AbstractGeneralisedLinear


def truth_numbers(truth: Truth, family: AbstractFamily) -> dict[str, np.ndarray | float]:
    """Of a truth what the laws of a family need: `theory.Setting.truth`."""
    params = truth.params
    if isinstance(family, Empirical | KernelDensity):
        return two_moments(truth) or {}
    if isinstance(family, Location):
        fit = str(family.fit)
        return {"point_variance": theory.influence_variance(family.noise, fit, float(family.scale))}
    if isinstance(family, Gaussian) and isinstance(truth.family, Bernoulli):  # two moments are all it takes
        p = float(params.probability)
        return {"mean": p, "variance": p * (1.0 - p)}
    if isinstance(family, LinearRegression):
        covariance = family.covariance
        return {
            "coefficients": np.asarray(params.coefficients, np.float64),
            "noise_variance": float(params.noise_variance),
            "covariance": np.eye(family.dimension) if covariance is None else np.asarray(covariance.matrix),
        }
    if isinstance(family, AbstractGeneralisedLinear):
        covariance = family.covariance
        return {
            "coefficients": np.asarray(params.coefficients, np.float64),
            "covariance": np.eye(family.dimension) if covariance is None else np.asarray(covariance.matrix),
        }
    if isinstance(family, MarkovText):
        return _text(family, params)
    if isinstance(family, MultivariateGaussian):
        factor = np.asarray(params.unit, np.float64) * np.exp(np.asarray(params.log_diagonal, np.float64))
        return {"mean": np.asarray(params.mean, np.float64), "covariance": factor @ factor.T}
    if isinstance(family, SymmetricMixture):
        return {"location": float(params.location), "variance": math.exp(float(params.log_variance))}
    if hasattr(params, "log_variance"):
        return {"mean": float(params.mean), "variance": math.exp(float(params.log_variance))}
    return {
        name: np.asarray(getattr(params, name), np.float64)
        for name in ("probabilities", "probability", "rate")
        if hasattr(params, name)
    }


def _text(family: MarkovText, params: Any) -> dict[str, np.ndarray | float]:
    """The n-grams of a text, and how many of them a sentence has."""
    table, weights = family.table, np.asarray(params.weights, np.float64)
    tables = {"context": table.context, "following": table.following, "words": table.words}
    return {"weights": weights, **tables, "sentence": float(family.sentence - family.order)}


def two_moments(truth: Truth) -> dict[str, np.ndarray | float] | None:
    """What rows need of a truth: the trace of its covariance, its dimension, the integral of F(1 - F) dF."""
    family, params = truth.family, truth.params
    if isinstance(family, Gaussian):
        return {"variance": math.exp(float(params.log_variance)), "dimension": 1.0, "spread": 1 / 6}
    if isinstance(family, MultivariateGaussian):
        factor = np.asarray(params.unit, np.float64) * np.exp(np.asarray(params.log_diagonal, np.float64))
        return {"variance": float(np.sum(factor**2)), "dimension": float(family.dimension), "spread": 0.0}
    if isinstance(family, Bernoulli):
        p = float(params.probability)
        return {"variance": p * (1 - p), "dimension": 1.0, "spread": 0.0}
    if isinstance(family, Poisson):
        return {"variance": float(params.rate), "dimension": 1.0, "spread": 0.0}
    return _of_points(family, params) if isinstance(family, Empirical | KernelDensity) else None


def _of_points(family: Empirical | KernelDensity, params: Any) -> dict[str, np.ndarray | float]:
    rows, weights = (np.asarray(leaf, np.float64) for leaf in (params.rows, params.weights))
    shares = weights / weights.sum()
    centred = rows.reshape(len(rows), -1) - shares @ rows.reshape(len(rows), -1)
    variance, spread = float(shares @ np.sum(centred**2, axis=1)), 0.0
    if isinstance(family, KernelDensity):
        variance += float(np.sum(np.asarray(params.kernel, np.float64) ** 2))
        spread = 1 / 6 if family.dimension == 1 else 0.0
    elif family.dimension == 1:
        order = np.argsort(rows)
        ends = np.searchsorted(rows[order], rows, side="right") - 1
        below = np.cumsum(shares[order])[ends]
        spread = float(shares @ (below * (1 - below)))
    return {"variance": variance, "dimension": float(family.dimension), "spread": max(spread, 0.0)}


def known_location(family: Location, truth: AbstractFamily) -> bool:
    """Whether the mean or the median is fitted to noise of the truth's law, which has an influence."""
    if not isinstance(truth, Location) or (truth.noise, float(truth.scale)) != (
        family.noise,
        float(family.scale),
    ):
        return False
    return isinstance(family.fit, str) and (family.noise, family.fit) != ("cauchy", "mean")
