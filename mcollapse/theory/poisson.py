"""Exact laws of the Poisson family: risk under every source and pool, extinction under replacement."""

from dataclasses import replace

import numpy as np

from .branching import branching_extinction
from .chapter import Asked, Chapter, plain
from .gaussian_moments import gaussian_moments
from .law import Law, Prediction
from .setting import Setting, fits_at

QUANTITIES = frozenset({"squared_error", "alive"})
_SURESH = "Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646"
_DOMAIN = "Poisson, maximum likelihood, newest batch, last model"
RISK = Law(
    "poisson-risk",
    "Mean squared error of a Poisson rate",
    "exact",
    f"derived; under replacement stated after {_SURESH}",
    "Poisson, maximum likelihood, any source and pool",
    "fit to real",
)
SURVIVAL = Law(
    "poisson-survival",
    "Survival of a Poisson model as a branching process",
    "exact",
    f"{_SURESH}, Theorem 2; other sizes derived",
    _DOMAIN,
    "truth",
)
LOWER = Law(
    "poisson-survival-lower-bound",
    "Lower bound on the survival of a Poisson model",
    "lower bound",
    f"{_SURESH}, Theorem 2",
    f"{_DOMAIN}, constant sizes",
    "truth",
)
UPPER = Law(
    "poisson-survival-upper-bound",
    "Upper bound on the survival of a Poisson model",
    "upper bound",
    f"{_SURESH}, Theorem 2, with the constant 2 in place of its 3",
    f"{_DOMAIN}, constant sizes",
    "truth",
)


def poisson_risk(setting: Setting) -> np.ndarray:
    r"""$E(\hat\lambda_t - \lambda_*)^2$, [T+1]; under replacement $(t+1)\,\lambda_*/n$ from real points on.

    A point of a model has the variance $\hat\lambda$, whose expectation is $\lambda_*$ whatever is mixed and
    pooled: two moments are those of a Gaussian's mean whose variance $\lambda_*$ is known.

    Arguments:
        setting: Poisson; both starts, any sizes, shares and budgets.

    Source: derived.
    """
    rate = float(setting.truth["rate"])
    if rate == 0:
        return np.zeros(setting.generations + 1)
    known = {"known_variance": True, "truth": {"mean": rate, "variance": rate}}
    return gaussian_moments(replace(setting, family="gaussian", **known))[0]


def poisson_survival(setting: Setting, generations: np.ndarray) -> np.ndarray:
    r"""$P(\hat\lambda_t > 0) = 1 - e^{-n_1 \lambda_* (1 - e^{-\gamma_1})}$, [G].

    With one size it is $1 - e^{-n\lambda_* g_k}$.

    Arguments:
        setting: Poisson under replacement.
        generations: engine generations, int [G].

    Source: Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 2; other sizes derived.
    """
    rate = np.array([float(setting.truth["rate"])])
    return 1 - branching_extinction(rate, setting.fit_sizes, fits_at(setting, generations))[:, 0]


def applies(setting: Setting) -> bool:
    """A Poisson model of a Poisson truth."""
    return setting.family == "poisson" and setting.same_family and setting.estimator == "maximum-likelihood"


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """The risk always, survival under replacement."""
    found = []
    if "squared_error" in plain(asked):
        found.append(
            Prediction(RISK, "squared_error", "mean", generations, poisson_risk(setting)[generations])
        )
    if "alive" in plain(asked) and setting.replaces:
        alive = poisson_survival(setting, generations)
        found.append(Prediction(SURVIVAL, "alive", "mean", generations, alive, variance=alive * (1 - alive)))
        found += _bounds(setting, generations) if setting.constant_size else []
    return found


def _bounds(setting: Setting, generations: np.ndarray) -> list[Prediction]:
    fits = fits_at(setting, generations)
    expected = float(setting.truth["rate"]) * float(setting.fit_sizes[0] if len(setting.fit_sizes) else 1)
    start = np.full(fits.shape, float(expected > 0))
    later = -np.expm1(-np.outer([1.0, 2.0], expected / np.maximum(fits, 1)))
    lower, upper = (np.where(fits > 0, bound, start) for bound in later)
    return [
        Prediction(LOWER, "alive", "mean", generations, lower),
        Prediction(UPPER, "alive", "mean", generations, upper),
    ]


CHAPTER = Chapter((RISK, SURVIVAL, LOWER, UPPER), QUANTITIES, applies, predict)
