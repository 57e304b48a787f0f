"""Asymptotic laws of logistic and Poisson regression: the Fisher information, times the risk of a mean."""

from dataclasses import replace

import numpy as np

from . import gaussian, informed, past
from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .setting import Setting

QUANTITIES = frozenset({"squared_error", "test_error", "kl_divergence"})
FAMILIES = ("logistic-regression", "poisson-regression")
FINITE = 10.0
"""Relative deviations at finite n were seen to be below this times d r, r the risk in units of one point.

For log-odds of standard deviation up to 1.5; for log-rates of deviation s a factor $e^{s^2/2}$ more.
"""
_DOMAIN = "logistic or Poisson regression, normal features of any covariance"


def _law(name: str, title: str, source: str, domain: str) -> Law:
    return Law(name, title, "asymptotic", source, f"{_DOMAIN}, {domain}", "fit to real")


POOLED = _law(
    "regression-information",
    "Errors of a regression add up as those of a mean, by the inverse information",
    "Dey & Donoho, 2024, arXiv 2410.22812; other sources and pools derived",
    "maximum likelihood, any source; newest batch, all or a subsample",
)
WEIGHTED = _law(
    "regression-information-weighted",
    "A fit that knows which rows are real, by the inverse information",
    "He, Xu & Cheng, 2025, arXiv 2502.18049; transients derived",
    "weighted, real rows alone, or the same real rows again",
)
PAST = _law(
    "regression-information-past",
    "Fits to rows of several past models or batches, by the inverse information",
    "derived, after Dey & Donoho, 2024, arXiv 2410.22812",
    "maximum likelihood, past models or a window of batches",
)


def regression_information(family: str, coefficients: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    r"""$I(b) = E\,A''(x^\top b)\, x x^\top$ of one row $x \sim N(0, \Sigma)$, [d, d].

    $A''(\eta)$ is $p(1-p)$ of a logistic and $e^\eta$ of a Poisson regression. By projection on
    $u = R^\top b$, $\Sigma = R R^\top$, two integrals over one normal number are enough.

    Arguments:
        family: "logistic-regression" or "poisson-regression".
        coefficients: b, [d].
        covariance: $\Sigma$, [d, d].
    """
    root = np.linalg.cholesky(np.asarray(covariance, dtype=float))
    return root @ _white(family, root.T @ np.asarray(coefficients, dtype=float), 1) @ root.T


def regression_constants(family: str, coefficients: np.ndarray, covariance: np.ndarray) -> dict[str, float]:
    r"""What n times each error tends to after one fit: $\mathrm{tr}\,I^{-1}$ and the like.

    "squared_error" is $\mathrm{tr}\,I^{-1}$, "test_error" $\mathrm{tr}\,I^{-1} E A''^2 x x^\top$ and
    "kl_divergence" d/2.

    Arguments: as of `regression_information`. Source: He, Xu & Cheng, 2025, arXiv 2502.18049; derived.
    """
    root = np.linalg.cholesky(np.asarray(covariance, dtype=float))
    white = root.T @ np.asarray(coefficients, dtype=float)
    squares = np.linalg.solve(_white(family, white, 1), _white(family, white, 2))
    inverse = np.linalg.inv(regression_information(family, coefficients, covariance))
    return {
        "squared_error": float(np.trace(inverse)),
        "test_error": float(np.trace(squares)),
        "kl_divergence": len(white) / 2,
    }


def _white(family: str, direction: np.ndarray, power: int) -> np.ndarray:
    r"""$E\,A''(z^\top u)^k z z^\top$ for $z \sim N(0, 1)^d$."""
    length = float(np.linalg.norm(direction))
    if family == "poisson-regression":
        across = np.exp((power * length) ** 2 / 2)
        along = across * (1 + (power * length) ** 2)
    else:
        z = np.linspace(-12, 12, 4001)
        weights = np.exp(-(z**2) / 2)
        curvature = (0.5 / np.cosh(0.5 * length * z)) ** (2 * power) * weights / weights.sum()
        across, along = float(curvature.sum()), float((curvature * z**2).sum())
    unit = direction / length if length > 0 else direction
    return across * np.eye(len(direction)) + (along - across) * np.outer(unit, unit)


def risk(setting: Setting) -> np.ndarray | None:
    r"""The risk of a mean of unit variance under the same sizes, source, pool and weights, [T+1]; or None.

    A fit is, to first order, the truth and an average over rows of terms whose covariance is $I^{-1}$; the
    rows of a model with error e have terms of mean e. That is what a mean with a known variance does exactly.
    Source: Dey & Donoho, 2024, arXiv 2410.22812; He, Xu & Cheng, 2025, arXiv 2502.18049.
    """
    if setting.estimator not in ("maximum-likelihood", "weighted", "real-only"):
        return None
    unit = replace(
        setting, family="gaussian", known_variance=True, ddof=0, truth={"mean": 0.0, "variance": 1.0}
    )
    for chapter in (gaussian.CHAPTER, informed.CHAPTER, past.CHAPTER):
        if chapter.regime == unit.regime and chapter.applies(unit):
            every = np.arange(setting.generations + 1)
            found = chapter.predict(unit, [("squared_error", {})], every)
            return next(p.values for p in found if p.law.kind == "exact" and p.statistic == "mean")
    return None


def applies(setting: Setting) -> bool:
    """A regression with a truth of its own, where a mean has a law."""
    return setting.family in FAMILIES and setting.same_family and risk(setting) is not None


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Errors of coefficients and of means, and divergence."""
    one = risk(setting)
    assert one is not None
    coefficients = np.asarray(setting.truth["coefficients"], dtype=float)
    values = regression_constants(setting.family, coefficients, np.asarray(setting.truth["covariance"]))
    spread = float(coefficients @ np.asarray(setting.truth["covariance"]) @ coefficients)
    tails = np.exp(min(spread, 50.0) / 2) if setting.family == "poisson-regression" else 1.0
    tolerance = min(1.0, FINITE * tails * len(coefficients) * float(one[generations].max()))
    law = {"informed": WEIGHTED, "remembering": PAST}.get(setting.regime, POOLED)
    return [
        Prediction(law, name, "mean", generations, values[name] * one[generations], tolerance=tolerance)
        for name in plain(asked)
        if name in values
    ]


CHAPTER = Chapter((POOLED,), QUANTITIES, applies, predict)
"""What `catalogue` asks."""
INFORMED = Chapter((WEIGHTED,), QUANTITIES, applies, predict, regime="informed")
"""What it asks where the estimator knows which rows are real."""
REMEMBERING = Chapter((PAST,), QUANTITIES, applies, predict, regime="remembering")
"""What it asks where more than the last model or batch matters."""
