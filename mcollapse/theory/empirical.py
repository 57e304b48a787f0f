"""Exact laws of models that are their data: the distribution function, the mean and the variance."""

from dataclasses import replace

import numpy as np

from . import categorical, informed, past
from .chapter import Asked, Chapter, plain
from .gaussian_moments import gaussian_moments
from .law import Law, Prediction
from .setting import Regime, Setting

QUANTITIES = frozenset({"cramer_von_mises", "squared_error", "variance", "trace"})
ESTIMATORS = ("maximum-likelihood", "weighted", "real-only")
_HE = "He, Xu & Cheng, 2025, arXiv 2502.18049"


def _law(name: str, title: str, source: str, domain: str) -> Law:
    return Law(name, title, "exact", source, domain, "fit to real")


DISTANCE = _law(
    "empirical-cramer-von-mises",
    "Cramer-von Mises distance of an empirical law of empirical laws",
    f"replaced {_HE}; others derived",
    "empirical, maximum likelihood, newest, all or a subsample of batches, any source",
)
DISTANCE_INFORMED = _law(
    "empirical-cramer-von-mises-weighted",
    "Cramer-von Mises distance of a weighted empirical law, or where real points are known",
    f"{_HE}; finite times derived",
    "empirical, a weight on fresh real points, real points alone, or the same real points and the newest",
)
DISTANCE_REMEMBERING = _law(
    "empirical-cramer-von-mises-past",
    "Cramer-von Mises distance where points come from past models, or batches from a window",
    "derived",
    "empirical, maximum likelihood, past models or a window of batches",
)
MOMENTS = _law(
    "empirical-two-moments",
    "Mean error and variance of an empirical law",
    "derived",
    "empirical, maximum likelihood, newest, all or a subsample of batches, any source and truth",
)
MOMENTS_INFORMED = _law(
    "empirical-two-moments-weighted",
    "Mean error and variance of a weighted empirical law",
    f"derived, after {_HE}",
    "empirical, a weight on fresh real points, or the same real points and the newest",
)


def cramer_von_mises(setting: Setting) -> np.ndarray:
    r"""$E\int (F_t - F)^2\, dF$, [T+1]; under replacement $(1 - \prod_{j \le t} (1 - 1/n_j))/6$.

    At each x the model's $F_t(x)$ is a proportion, drawn and fitted like that of a Bernoulli model of truth
    $F(x)$. Its risk is $c_t F(x)(1 - F(x))$ with one $c_t$ for all x, so that the distance is $c_t$ times
    $\int F(1-F)\,dF$, which is 1/6 of a continuous law. $c_t$ is 4 times the risk at $F(x) = 1/2$. With a
    weight w on n real points, m synthetic ones and $r = c/6$,
    $$ r_+ = \frac{w^2}{6n} + (1-w)^2 \Bigl[\Bigl(1 - \frac1m\Bigr) r + \frac1{6m}\Bigr]. $$

    Arguments:
        setting: empirical; of one distribution function.

    Raises:
        ValueError: no law of proportions is known for this setting.

    Source: He, Xu & Cheng, 2025, arXiv 2502.18049, under replacement and in the long run; derived.
    """
    coin = replace(setting, family="bernoulli", truth={"probability": 0.5})
    at = np.arange(setting.generations + 1)
    for chapter in (categorical.CHAPTER, informed.CHAPTER, past.CHAPTER):
        if chapter.regime == setting.regime and chapter.applies(coin):
            risk = chapter.predict(coin, [("squared_error", {})], at)[0].values
            return 4 * risk * float(setting.truth["spread"])
    raise ValueError("no law of proportions is known for this setting")


def _proportions(setting: Setting) -> bool:
    coin = replace(setting, family="bernoulli", truth={"probability": 0.5}, same_family=True)
    if setting.regime == "agnostic":
        return True
    chapter = informed if setting.regime == "informed" else past
    return chapter.applies(coin)


def two_moments(setting: Setting) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean squared error of the mean, and expected trace of the covariance, each [T+1], where known."""
    scale = float(setting.truth["variance"])
    if scale == 0:
        zero = np.zeros(setting.generations + 1)
        return zero, zero
    rows = replace(setting, family="gaussian", ddof=0, truth={"mean": 0.0, "variance": scale})
    if setting.regime == "agnostic":
        return gaussian_moments(rows)
    rows = replace(rows, same_family=True)
    if setting.regime == "informed" and informed.applies(rows):
        risk, variance = informed.moments(rows)
        return None if np.isnan(variance).any() else (scale * risk, scale * variance)
    return None


def applies(setting: Setting) -> bool:
    """Models that are their data, as a whole or with weights."""
    return setting.family == "empirical" and setting.estimator in ESTIMATORS


def _predict(distance: Law, moments: Law | None):
    def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
        values: dict[str, tuple[Law, np.ndarray]] = {}
        if _proportions(setting) and float(setting.truth["spread"]) > 0:
            same = replace(setting, same_family=True)  # proportions have one law whatever the truth
            values["cramer_von_mises"] = (distance, cramer_von_mises(same))
        known = None if moments is None else two_moments(setting)
        if moments is not None and known is not None:
            values["squared_error"] = (moments, known[0])
            values["trace"] = (moments, known[1])
            if setting.truth["dimension"] == 1:
                values["variance"] = (moments, known[1])
        return [
            Prediction(values[name][0], name, "mean", generations, values[name][1][generations])
            for name in plain(asked)
            if name in values
        ]

    return predict


def _chapter(regime: Regime, distance: Law, moments: Law | None) -> Chapter:
    laws = (distance,) if moments is None else (distance, moments)
    return Chapter(laws, QUANTITIES, applies, _predict(distance, moments), regime)


CHAPTER = _chapter("agnostic", DISTANCE, MOMENTS)
INFORMED = _chapter("informed", DISTANCE_INFORMED, MOMENTS_INFORMED)
REMEMBERING = _chapter("remembering", DISTANCE_REMEMBERING, None)
