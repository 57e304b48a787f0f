"""Strong model collapse: one least-squares fit to rows of two models."""

from dataclasses import dataclass

import numpy as np

from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .least_squares import fit_error, passed_on
from .setting import Regime

QUANTITIES = frozenset({"test_error", "squared_error"})
EXACT = Law(
    "ols-one-shot",
    "Error of one fit to real rows and to rows labelled by another model",
    "exact",
    "derived, after Dohmatob et al., 2024, arXiv 2410.04840",
    "least squares, fresh normal features of any covariance; squared error where they are uncorrelated",
    "fit to real",
)
LIMIT = Law(
    "strong-collapse",
    "However many rows there are, a share of another model's leaves its square as a floor",
    "asymptotic",
    "Dohmatob et al., 2024, arXiv 2410.04840",
    "as many rows and features as one likes, at one ratio; test error",
    "fit to real",
)


@dataclass(frozen=True, eq=False)
class OneShotSetting:
    """One fit as numbers.

    Arguments:
        difference: coefficients of the other model less the truth's, [d]; covariance: of features, [d, d].
        real: rows of the truth; synthetic: rows of the other model.
        noise_variance: of the truth's labels; model_noise_variance: of the other model's.
    """

    difference: np.ndarray
    covariance: np.ndarray
    real: int
    synthetic: int
    noise_variance: float = 0.0
    model_noise_variance: float = 0.0
    regime: Regime = "agnostic"
    generations: int = 1


def strong_collapse(
    dimension: int,
    real: int,
    synthetic: int,
    square: float = 1.0,
    noise: float = 0.0,
    model_noise: float = 0.0,
) -> float:
    r"""$c^2 k(d, n_1, n_2) + \frac{n_1 s_1^2 + n_2 s_2^2}{N} \cdot \frac{d}{N-d-1}$, k of `passed_on`.

    The test error of one fit to $n_1$ real rows and $n_2$ of a model that is $c^2$ away; infinite for N = d
    and d + 1. Source: derived, after Dohmatob et al., 2024, arXiv 2410.04840.
    """
    size = real + synthetic
    kept = square * passed_on(dimension, size, synthetic, synthetic * (synthetic - 1)) if square > 0 else 0.0
    average = (real * noise + synthetic * model_noise) / size
    return kept + (average * float(fit_error(dimension, size)) if average > 0 else 0.0)


def strong_collapse_limit(share: float, ratio: float, square: float = 1.0, noise: float = 0.0) -> float:
    r"""$c^2\bigl[p_2^2 + p_1 p_2 \frac{\phi}{1-\phi}\bigr] + s^2 \frac{\phi}{1-\phi}$, $\phi = d/N$ below 1.

    With $\phi \to 0$ the floor $c^2 p_2^2$ stays. Source: Dohmatob et al., 2024, arXiv 2410.04840.

    Raises:
        ValueError: the share is outside [0, 1] or the ratio outside [0, 1).
    """
    if not 0 <= share <= 1 or not 0 <= ratio < 1:
        raise ValueError(f"a share lies in [0, 1] and d/N in [0, 1), got {share} and {ratio}")
    crowded = ratio / (1 - ratio)
    return square * (share**2 + share * (1 - share) * crowded) + noise * crowded


def applies(setting: OneShotSetting) -> bool:
    """Rows enough for a fit."""
    return setting.real + setting.synthetic >= len(setting.difference)


def predict(setting: OneShotSetting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """The other model's error at generation 0, the fit's at 1."""
    difference, covariance = np.asarray(setting.difference, float), np.asarray(setting.covariance, float)
    d, size = len(difference), setting.real + setting.synthetic
    square = float(difference @ covariance @ difference)
    noises = setting.noise_variance, setting.model_noise_variance
    values = np.array([square, strong_collapse(d, setting.real, setting.synthetic, square, *noises)])
    isotropic, found = np.array_equal(covariance, np.eye(d)), []
    for name in plain(asked):
        if name == "test_error" or (name == "squared_error" and isotropic):
            found.append(Prediction(EXACT, name, "mean", generations, values[generations]))
        if name == "test_error" and d < size:
            average = (setting.real * noises[0] + setting.synthetic * noises[1]) / size
            limit = strong_collapse_limit(setting.synthetic / size, d / size, square, average)
            either = np.array([square, limit])[generations]
            found.append(Prediction(LIMIT, name, "mean", generations, either, tolerance=4 / (size - d)))
    return found


CHAPTER = Chapter((EXACT, LIMIT), QUANTITIES, applies, predict, settings=OneShotSetting)
"""What `catalogue` asks of one fit to rows of two models."""
