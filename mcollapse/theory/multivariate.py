"""Exact laws of a Gaussian in d dimensions: coordinates one by one, determinants, squared covariances."""

import dataclasses

import numpy as np
from scipy import special

from .chapter import Asked, Chapter, plain
from .gaussian_moments import can_fit, gaussian_moments
from .law import Law, Prediction
from .setting import Setting

QUANTITIES = frozenset({"squared_error", "trace", "log_determinant", "frobenius_squared"})
COORDINATES = Law(
    "multivariate-coordinates",
    "Mean error and covariance of a Gaussian are, in every direction, those of one dimension",
    "exact",
    "derived, after Kazdan et al., 2024, arXiv 2410.16713; Bakshi & Chakraborty, 2026, arXiv 2602.10531",
    "Gaussian in d dimensions, any ddof or known covariance, every source and pool",
    "fit to real",
)
DETERMINANT = Law(
    "wishart-determinant",
    "The log determinant is a sum of independent log chi-squares",
    "exact",
    "derived, after Bartlett, 1933",
    "Gaussian in d dimensions, covariance refitted, newest batch, last model, more than d points",
    "truth",
)
FROBENIUS = Law(
    "wishart-frobenius",
    "Squared distance between covariances, from the second moments of Wishart matrices",
    "exact",
    "derived, after Shumailov et al., 2023, arXiv 2305.17493",
    "Gaussian in d dimensions, covariance refitted, newest batch, last model",
    "truth",
)
WEIGHTED = Law(
    "multivariate-weighted-fits",
    "The average of a fit to fresh real points and one to synthetic points",
    "exact",
    "He, Xu & Cheng, 2025, arXiv 2502.18049; finite sizes derived",
    "Gaussian in d dimensions, newest batch, fixed counts, two fits or a known covariance",
    "fit to real",
)


def applies(setting: Setting) -> bool:
    """Whether coordinates can be taken one by one."""
    return setting.family == "multivariate-gaussian" and setting.same_family and can_fit(setting)


def applies_informed(setting: Setting) -> bool:
    """Weighted means of fits, or of points where only the mean is fitted."""
    if setting.family != "multivariate-gaussian" or not setting.same_family:
        return False
    linear = setting.combine == "fits" or setting.known_variance
    parts = np.stack(setting.parts)
    if not setting.known_variance and np.any((parts > 0) & (parts <= _dimension(setting))):
        return False  # such a part has no covariance, and is not fitted
    fixed = setting.estimator == "weighted" and setting.pool == "newest" and not setting.batches.random
    return linear and fixed


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Mean error and trace everywhere; determinant and Frobenius distance under replacement."""
    along = dataclasses.replace(setting, family="gaussian", truth={"mean": 0.0, "variance": 1.0})
    error, variance = gaussian_moments(along)
    trace = float(np.trace(_covariance(setting)))
    values = {"squared_error": error * trace}
    if not setting.known_variance:
        values["trace"] = variance * trace
    spreads, found = {}, []
    if setting.replaces and not setting.known_variance:
        spreads, frobenius = replacement_moments(setting)
        found += _special(setting, frobenius, plain(asked), generations)
    for name in plain(asked):
        if name in values:
            spread = spreads.get(name)
            known = None if spread is None else spread[generations]
            heavy = spread is not None
            found.append(
                Prediction(
                    COORDINATES, name, "mean", generations, values[name][generations],
                    variance=known, heavy_tailed=heavy,
                )
            )  # fmt: skip
    return found


def _special(
    setting: Setting, frobenius: np.ndarray, asked: list[str], generations: np.ndarray
) -> list[Prediction]:
    found = []
    if "frobenius_squared" in asked:
        found.append(Prediction(FROBENIUS, "frobenius_squared", "mean", generations, frobenius[generations]))
    if "log_determinant" in asked and np.all(setting.fit_sizes > _dimension(setting)):
        mean, variance = log_determinant_moments(setting)
        mean, variance = mean[generations], variance[generations]
        found += [
            Prediction(DETERMINANT, "log_determinant", "mean", generations, mean, variance=variance),
            Prediction(DETERMINANT, "log_determinant", "variance", generations, variance),
        ]
    return found


def log_determinant_moments(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""Mean and variance of $\log\det\hat\Sigma_t$ under replacement, each [T+1].

    A fit adds $\sum_{i=1}^d \psi(\tfrac{n-i}2) + d \log\tfrac2{n-\mathrm{ddof}}$, and
    $\sum_i \psi'(\tfrac{n-i}2)$ to the variance. Source: derived, after Bartlett, 1933.
    """
    d, covariance = _dimension(setting), _covariance(setting)
    halves = (setting.fit_sizes[:, None] - np.arange(1, d + 1)) / 2
    means = special.digamma(halves).sum(axis=1) + d * np.log(2 / (setting.fit_sizes - setting.ddof))
    variances = special.polygamma(1, halves).sum(axis=1)
    start = np.zeros(setting.first)
    mean = np.concatenate([start, np.cumsum(means)]) + np.linalg.slogdet(covariance)[1]
    return mean, np.concatenate([start, np.cumsum(variances)])


def replacement_moments(setting: Setting) -> tuple[dict[str, np.ndarray], np.ndarray]:
    r"""Variances of mean error and trace, and $E\|\hat\Sigma_t - \Sigma\|_F^2$ of replacement, each [T+1].

    With $f = \nu/(n-\mathrm{ddof})$, $\nu = n-1$, $A = E\,\mathrm{tr} S^2$, $B = E(\mathrm{tr} S)^2$,
    $P = E\|e\|^2\mathrm{tr} S$, $Q = E\,e^\top S e$ and $F = E\|e\|^4$,
    $$ A_+ = f^2\bigl[(1+\tfrac1\nu)A + \tfrac B\nu\bigr],\quad B_+ = f^2\bigl[\tfrac{2A}\nu + B\bigr],\quad
       P_+ = f(P + \tfrac Bn),\quad Q_+ = f(Q + \tfrac An), $$
    $$ F_+ = F + \tfrac{2P + 4Q}n + \tfrac{B + 2A}{n^2} . $$
    Source: derived, after Shumailov et al., 2023, arXiv 2305.17493.
    """
    covariance = _covariance(setting)
    square, trace = float(np.sum(covariance**2)), float(np.trace(covariance))
    a, b, p, q, fourth, error, shrunk = square, trace**2, 0.0, 0.0, 0.0, 0.0, 1.0
    rows = []
    for t in range(setting.generations + 1):
        if t >= setting.first:
            n = int(setting.batches.sizes[t])
            f, nu = (n - 1) / (n - setting.ddof), max(n - 1, 1)
            fourth += (2 * p + 4 * q) / n + (b + 2 * a) / n**2
            error += shrunk * trace / n
            p, q = f * (p + b / n), f * (q + a / n)
            a, b = f**2 * ((1 + 1 / nu) * a + b / nu), f**2 * (2 * a / nu + b)
            shrunk *= f
        rows.append((fourth - error**2, b - (shrunk * trace) ** 2, a - 2 * shrunk * square + square))
    of_error, of_trace, frobenius = np.maximum(np.array(rows).T, 0.0)
    return {"squared_error": of_error, "trace": of_trace}, frobenius


def weighted_moments(setting: Setting) -> dict[str, np.ndarray]:
    r"""Mean error, trace and squared distance of $w$ times one fit and $1-w$ times the other, each [T+1].

    Source: He, Xu & Cheng, 2025, arXiv 2502.18049; finite sizes derived.
    """
    covariance = _covariance(setting)
    square, trace = float(np.sum(covariance**2)), float(np.trace(covariance))
    error, mean, a, b, rows = 0.0, 1.0, square, trace**2, []
    for t in range(setting.generations + 1):
        if t >= setting.first:
            size, share = int(setting.batches.sizes[t]), float(setting.batches.shares[t])
            n = round(size * share)
            m = size - n
            w = 1.0 if m == 0 else 0.0 if n == 0 else float(np.asarray(setting.weights)[t])
            error = w**2 / max(n, 1) + (1 - w) ** 2 * (error + mean / max(m, 1))
            if not setting.known_variance:
                real, made = _wishart(setting, n, square, trace**2), _wishart(setting, m, a, b)
                both = 2 * w * (1 - w) * real[0] * made[0] * mean
                a = w**2 * real[1] + both * square + (1 - w) ** 2 * made[1]
                b = w**2 * real[2] + both * trace**2 + (1 - w) ** 2 * made[2]
                mean = w * real[0] + (1 - w) * made[0] * mean
        rows.append((error * trace, mean * trace, a - 2 * mean * square + square))
    errors, traces, distances = np.array(rows).T
    found = {"squared_error": errors}
    return found if setting.known_variance else found | {"trace": traces, "frobenius_squared": distances}


def _wishart(setting: Setting, size: int, a: float, b: float) -> tuple[float, float, float]:
    """What one fit to so many points makes of the mean, of tr S^2 and of (tr S)^2."""
    if size <= 1:
        return 0.0, 0.0, 0.0
    f, nu = (size - 1) / (size - setting.ddof), size - 1
    return f, f**2 * ((1 + 1 / nu) * a + b / nu), f**2 * (2 * a / nu + b)


def predict_informed(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """What weighted fits have."""
    values = weighted_moments(setting)
    return [
        Prediction(WEIGHTED, name, "mean", generations, values[name][generations])
        for name in plain(asked)
        if name in values
    ]


def _covariance(setting: Setting) -> np.ndarray:
    return np.asarray(setting.truth["covariance"], dtype=float)


def _dimension(setting: Setting) -> int:
    return len(_covariance(setting))


CHAPTER = Chapter((COORDINATES, DETERMINANT, FROBENIUS), QUANTITIES, applies, predict)
"""What `catalogue` asks."""
INFORMED = Chapter((WEIGHTED,), QUANTITIES, applies_informed, predict_informed, regime="informed")
"""What it asks where the estimator knows which points are real."""
