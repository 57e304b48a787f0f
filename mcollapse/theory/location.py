"""Laws of a location family: exact for the mean, in the limit of large samples for the median."""

import math
from dataclasses import replace

import numpy as np

from . import informed, past
from .chapter import Asked, Chapter, plain
from .gaussian_moments import gaussian_moments
from .law import Law, Prediction
from .setting import Regime, Setting

QUANTITIES = frozenset({"squared_error"})
ESTIMATORS = ("maximum-likelihood", "weighted", "real-only")
_DOMAIN = "location family of known noise, any source and pool"
MEAN = Law(
    "location-mean", "Risk of the mean of a location family", "exact", "derived", _DOMAIN, "fit to real"
)
MEDIAN = Law(
    "location-median",
    "Risk of the median of a location family, asymptotically linear",
    "asymptotic",
    "Dey & Donoho, 2024, arXiv 2410.22812, on everything so far; derived for other sources and pools",
    _DOMAIN,
    "fit to real",
)

# of one point, at scale 1: the variance of the noise, and 1/(4 f(0)^2) of the median's influence
INFLUENCES = {
    ("normal", "mean"): 1.0,
    ("normal", "median"): math.pi / 2,
    ("laplace", "mean"): 2.0,
    ("laplace", "median"): 1.0,
    ("logistic", "mean"): math.pi**2 / 3,
    ("logistic", "median"): 4.0,
    ("uniform", "mean"): 1 / 3,
    ("uniform", "median"): 1.0,
    ("cauchy", "median"): math.pi**2 / 4,
}


def influence_variance(noise: str, fit: str, scale: float = 1.0) -> float:
    r"""$E\psi^2$ of a point's influence: the noise's variance for the mean, $1/(4 f(0)^2)$ for the median.

    Arguments:
        noise: "normal", "laplace", "logistic", "uniform" or "cauchy".
        fit: "mean" or "median".
        scale: by what the noise is multiplied.

    Raises:
        ValueError: there is none, as for the mean of Cauchy noise.

    Source: textbook.
    """
    if (noise, fit) not in INFLUENCES:
        raise ValueError(f"the {fit} of {noise} noise has no influence of finite variance")
    return scale**2 * INFLUENCES[noise, fit]


def location_risk(setting: Setting) -> np.ndarray | None:
    r"""$E(\hat\theta_t - \theta_*)^2$, [T+1], where known: that of the mean of points of known variance.

    The variance is that of the influence of a point: under replacement it is added at every fit, on all data
    so far $s^2/n \sum_{j} 1/j^2$ with the limit $\pi^2/6$, on a subsample $\pi^2/2 - 2$.

    Arguments:
        setting: location; both starts, any sizes, shares and budgets.

    Source: Dey & Donoho, 2024, arXiv 2410.22812; derived.
    """
    scale = float(setting.truth["point_variance"])
    known = {"known_variance": True, "truth": {"mean": 0.0, "variance": scale}, "ddof": 0}
    mean = replace(setting, family="gaussian", **known)
    if setting.regime == "agnostic":
        return gaussian_moments(mean)[0]
    if setting.regime == "informed" and informed.applies(mean):
        return scale * informed.moments(mean)[0]
    if setting.regime == "remembering" and past.applies(mean):
        past_models = setting.source == "past-models"
        return scale * (past.past_models_moments(mean)[0] if past_models else past.window_risk(mean))
    return None


def applies(setting: Setting) -> bool:
    """A location family with the truth in it."""
    return setting.family == "location" and setting.same_family and setting.estimator in ESTIMATORS


def tolerance(setting: Setting) -> float:
    r"""Declared for the median: $1/\sqrt n$ of the smallest n, the order of what is left out."""
    sizes = setting.fit_sizes
    if setting.estimator == "real-only" and setting.pool == "newest":
        sizes = np.maximum(sizes * setting.batches.shares[setting.first :], 1)
    return float(1 / np.sqrt(sizes.min(initial=10**9)))


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """The risk, for the mean exactly."""
    risk = location_risk(setting)
    if risk is None or "squared_error" not in plain(asked):
        return []
    exact = setting.fit == "mean"
    return [
        Prediction(
            MEAN if exact else MEDIAN,
            "squared_error",
            "mean",
            generations,
            risk[generations],
            tolerance=None if exact else tolerance(setting),
        )
    ]


def _chapter(regime: Regime) -> Chapter:
    return Chapter((MEAN, MEDIAN) if regime == "agnostic" else (), QUANTITIES, applies, predict, regime)


CHAPTER, INFORMED, REMEMBERING = _chapter("agnostic"), _chapter("informed"), _chapter("remembering")
