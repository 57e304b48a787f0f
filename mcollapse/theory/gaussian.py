"""Exact laws of the Gaussian with real data in the loop, or with a pool that remembers."""

import numpy as np

from . import replacement
from .chapter import Asked, Chapter, plain
from .gaussian_fourth import gaussian_fourth_moments
from .gaussian_moments import can_fit, gaussian_moments
from .law import Law, Prediction
from .setting import Setting

QUANTITIES = frozenset({"squared_error", "variance", "wasserstein2_squared"})


def _law(name: str, title: str, source: str, domain: str) -> Law:
    return Law(name, title, "exact", source, domain, "fit to real")


MIXTURE = _law(
    "gaussian-mixture-iid",
    "Mean error and variance of a Gaussian when each point is real with probability alpha_t",
    "derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531",
    "Gaussian, any ddof or known variance, newest batch, random counts",
)
FRESH = _law(
    "gaussian-fresh-loop",
    "Mean error and variance of a Gaussian on a fixed number of fresh real points and synthetic ones",
    "derived, after Alemohammad et al., 2023, arXiv 2307.01850",
    "Gaussian, any ddof or known variance, newest batch, fixed counts or split",
)
WALK = _law(
    "gaussian-replacement-known-variance",
    "The mean of a Gaussian of known variance is a random walk under replacement",
    "derived",
    "Gaussian of known variance, newest batch, last model",
)
REPLACEMENT = _law(
    "gaussian-replacement-two-moments",
    "Mean error and variance under replacement of a truth that need not be Gaussian",
    "derived, after Shumailov et al., 2023, arXiv 2305.17493",
    "Gaussian model, truth of any family with two moments, newest batch, last model",
)
ACCUMULATE = _law(
    "gaussian-accumulate",
    "Mean error and variance of a Gaussian on everything so far",
    "derived, after Kazdan et al., 2024, arXiv 2410.16713",
    "Gaussian, any ddof or known variance, all batches, last model",
)
POOLED = _law(
    "gaussian-accumulate-real-share",
    "Mean error and variance of a Gaussian on everything so far, with fresh real points",
    "derived, after Wang, Niu & Li, 2026, arXiv 2602.16065",
    "Gaussian, any ddof or known variance, all batches, mixture or split",
)
SUBSAMPLE = _law(
    "gaussian-accumulate-subsample",
    "Mean error and variance of a Gaussian on a subsample of everything so far",
    "derived, after Kazdan et al., 2024, arXiv 2410.16713",
    "Gaussian, any ddof or known variance, subsample of all batches, any source, sizes and budgets",
)


def law_of(setting: Setting) -> Law:
    """The law whose domain holds the setting."""
    if setting.pool == "subsample":
        return SUBSAMPLE
    if setting.pool == "all":
        return ACCUMULATE if setting.source == "last-model" else POOLED
    if setting.replaces:
        return WALK if setting.known_variance else REPLACEMENT
    return MIXTURE if setting.batches.random else FRESH


def applies(setting: Setting) -> bool:
    """Gaussian; replacement with a refitted variance has its whole law, in `replacement`, if that applies."""
    return setting.family == "gaussian" and can_fit(setting) and not replacement.applies(setting)


def variances(setting: Setting, mean_error: np.ndarray) -> dict[str, np.ndarray]:
    r"""Variance over replicates of squared_error and variance, where it is known, each [T+1].

    With a known variance and counts that are not random the mean is exactly normal, so that
    $\mathrm{Var}\,e^2 = 2 (E e^2)^2$; for the newest batch see `gaussian_fourth_moments`.

    Arguments:
        setting: Gaussian.
        mean_error: E (mean - mean*)^2, [T+1].

    Source: derived.
    """
    if not setting.same_family:
        return {}
    if setting.pool == "newest" and np.all(setting.fit_sizes > 1):
        error_variance, variance_variance = gaussian_fourth_moments(setting)
        return {"squared_error": error_variance, "variance": variance_variance}
    if setting.known_variance and setting.pool != "subsample" and not setting.batches.random:
        return {"squared_error": 2 * mean_error**2}
    return {}


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Mean error and mean variance; with a known variance the Wasserstein distance is the mean error."""
    error, variance = gaussian_moments(setting)
    spreads = variances(setting, error)
    values = {"squared_error": error, "variance": variance}
    if setting.known_variance:
        values = {"squared_error": error, "wasserstein2_squared": error}
        spreads = {name: spreads["squared_error"] for name in values if "squared_error" in spreads}
    return [
        _prediction(setting, name, generations, values[name], spreads.get(name))
        for name in plain(asked)
        if name in values
    ]


def _prediction(setting: Setting, name: str, generations: np.ndarray, values, spread) -> Prediction:
    # Without much real data the variance is a product of many factors, whatever the source is called.
    heavy = spread is not None and not setting.known_variance
    known = None if spread is None else spread[generations]
    return Prediction(
        law_of(setting), name, "mean", generations, values[generations], variance=known, heavy_tailed=heavy
    )


CHAPTER = Chapter(
    (MIXTURE, FRESH, WALK, REPLACEMENT, ACCUMULATE, POOLED, SUBSAMPLE), QUANTITIES, applies, predict
)
