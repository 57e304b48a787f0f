"""Ridge again and again on the labels of one design: every fit is a power of one matrix."""

import numpy as np

from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .regression_limits import RidgeFit
from .setting import Setting

QUANTITIES = frozenset({"test_error", "squared_error", "squared_norm"})
DESIGN = Law(
    "ridge-replacement-design",
    "On one design every fit with a penalty shrinks the same directions again, and noise is bounded",
    "asymptotic",
    "derived, after Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712; spectrum of Marchenko & Pastur, 1967, "
    "with the correction of Bai & Silverstein, 2004",
    "ridge, uncorrelated features of variance 1, one design, newest batch, last model, many rows and "
    "features at one ratio",
    "fit to real",
)
_NODES = 2048


def spectrum(dimension: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Nodes and weights of the mean of eigenvalues of a Wishart matrix, [N] each.

    $E \frac1d \mathrm{tr} f(X^\top X/T) = \sum_i w_i f(x_i) + O(d^{-2})$ of T rows of d standard normal
    features, for smooth f. With $\phi = d/T$, $x(\theta) = 1 + \phi + 2\sqrt\phi\cos\theta$ and a mass of
    $1 - 1/\phi$ at 0 where $\phi > 1$, it is
    $$ \frac2\pi \int_0^\pi f(x)\,\frac{\sin^2\theta}{x}\,d\theta
       + \frac1d\Bigl[\frac{f(x(0)) + f(x(\pi))}4 - \frac1{2\pi}\int_0^\pi f(x)\,d\theta\Bigr]. $$

    Arguments:
        dimension: d.
        rows: T.

    Source: Marchenko & Pastur, 1967; Bai & Silverstein, 2004.
    """
    ratio = dimension / rows
    angle = (np.arange(_NODES) + 0.5) * np.pi / _NODES  # spectrally accurate, since all is even and periodic
    at = 1 + ratio + 2 * np.sqrt(ratio) * np.cos(angle)
    ends = np.array([0.0, (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2])
    outer = np.array([max(0.0, 1 - 1 / ratio), 0.25 / dimension, 0.25 / dimension])
    inner = (2 * np.sin(angle) ** 2 / at - 0.5 / dimension) / _NODES
    return np.concatenate([at, ends]), np.concatenate([inner, outer])


def design_ridge_moments(setting: Setting) -> dict[str, np.ndarray]:
    r"""$E\|w_t\|^2$ and $E\|w_t - w_*\|^2$ of ridge under replacement on one design, [T+1] each.

    With $G = X^\top X/T$ and $A = G(G+\lambda)^{-1}$ the k-th fit is $A^k w_*$ and the noise of all fits, so
    that
    $$ E\|w_k - w_*\|^2 = \|w_*\|^2\, E\tfrac1d\mathrm{tr}(1-A^k)^2
       + \frac{s^2}T\, E\,\mathrm{tr} \sum_{j<k} A^{2j} G (G+\lambda)^{-2} . $$
    In the end the coefficients are forgotten, and the noise is bounded.

    Arguments:
        setting: linear regression on one design with a penalty, under replacement; both starts.

    Source: derived, after Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712.
    """
    coefficients = np.asarray(setting.truth["coefficients"], dtype=float)
    design, penalty, d = setting.design or 0, setting.penalty, len(coefficients)
    length, noise = float(np.sum(coefficients**2)), float(setting.truth["noise_variance"]) * d / design
    at, weights = spectrum(d, design)
    kept, one = at / (at + penalty), at / (at + penalty) ** 2
    power, added, rows = np.ones_like(at), np.zeros_like(at), []
    for t in range(setting.generations + 1):
        if t >= setting.first:
            power, added = power * kept, added + power**2 * one
        spread = noise * added
        rows.append((weights @ (length * power**2 + spread), weights @ (length * (1 - power) ** 2 + spread)))
    norm, error = np.array(rows).T
    return {"squared_norm": norm, "squared_error": error, "test_error": error}


def tolerance(setting: Setting) -> float:
    """Declared: twice the square of that of one fit to fresh rows; deviations were seen to be below."""
    covariance = np.asarray(setting.truth["covariance"], dtype=float)
    return 2 * RidgeFit.of(setting.penalty, setting.design or 0, covariance).tolerance ** 2


def applies(setting: Setting) -> bool:
    """Ridge on all labels of one design."""
    ridge = setting.family == "linear-regression" and setting.same_family and setting.estimator == "ridge"
    if not (ridge and setting.design is not None and setting.replaces and setting.source == "last-model"):
        return False
    covariance = np.asarray(setting.truth["covariance"])
    whole = bool(np.all(setting.fit_sizes == setting.design))
    return whole and np.array_equal(covariance, np.eye(len(covariance)))


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Errors, and the length of the coefficients."""
    values, declared = design_ridge_moments(setting), tolerance(setting)
    return [
        Prediction(DESIGN, name, "mean", generations, values[name][generations], tolerance=declared)
        for name in plain(asked)
    ]


CHAPTER = Chapter((DESIGN,), QUANTITIES, applies, predict)
"""What `catalogue` asks."""
