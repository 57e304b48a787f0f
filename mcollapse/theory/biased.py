"""Exact laws of Gaussians whose real points are off by a bias, and the exponent that it leaves."""

import dataclasses

import numpy as np

from .chapter import Asked, Chapter, plain
from .gaussian_moments import can_fit, gaussian_moments
from .law import Law, Prediction
from .setting import Setting

QUANTITIES = frozenset({"squared_error", "variance", "trace"})
BIASED = Law(
    "gaussian-biased-real",
    "Mean error and variance of a Gaussian when the mean of the real points is off, by generation",
    "exact",
    "derived, after Wang, Niu & Li, 2026, arXiv 2602.16065",
    "Gaussian in any dimension, any ddof or known variance, newest batch, all or a subsample, any share",
    "fit to real",
)


def contaminated_exponent(learner: float, share: float, decay: float = np.inf) -> float:
    r"""$\min(p, a, q)$: the error falls like $t^{-\min(p,a,q)}$ on everything so far.

    An upper bound for learners of rate $N^{-p}$ in a convex metric; where two are equal it has a logarithm
    more. Source: Wang, Niu & Li, 2026, arXiv 2602.16065.

    Arguments:
        learner: p, the rate of the learner on independent points; 1/2 of a mean.
        share: a, the real share of every batch.
        decay: q, real points of generation t are off by $t^{-q}$; left out, not at all.

    Raises:
        ValueError: an exponent is not positive, or the share is outside [0, 1].
    """
    if not 0 <= share <= 1 or not learner > 0 or not decay >= 0:
        raise ValueError(
            f"a share lies in [0, 1] and exponents are not negative, got {share}, {learner} and {decay}"
        )
    return min(learner, share, decay)


def applies(setting: Setting) -> bool:
    """Fits of a Gaussian to points without provenance."""
    gaussian = setting.family in ("gaussian", "multivariate-gaussian") and setting.same_family
    plain = setting.estimator in ("maximum-likelihood", "unbiased")
    return gaussian and plain and setting.source != "past-models" and can_fit(setting)


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Mean error and variance; in d dimensions their sums over coordinates have the same recursion."""
    one = setting.family == "gaussian"
    scale = float(setting.truth["variance"] if one else np.trace(np.asarray(setting.truth["covariance"])))
    along = dataclasses.replace(setting, family="gaussian", truth={"mean": 0.0, "variance": scale})
    error, variance = gaussian_moments(along)
    values = {"squared_error": error}
    if not setting.known_variance:
        values["variance" if one else "trace"] = variance
    return [
        Prediction(BIASED, name, "mean", generations, values[name][generations])
        for name in plain(asked)
        if name in values
    ]


CHAPTER = Chapter((BIASED,), QUANTITIES, applies, predict, regime="biased")
"""What `catalogue` asks where real points are not drawn from the truth as it is."""
