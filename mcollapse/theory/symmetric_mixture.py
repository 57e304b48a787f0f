r"""The symmetric mixture $\frac12 N(\mu, s^2) + \frac12 N(-\mu, s^2)$ under replacement: one bound.

It is of the approximate joint maximum likelihood. For the exact one, the largest root of the score, no
theorem is known; nor for expectation-maximisation of any mixture. Of those nothing is said here.
"""

import numpy as np

from .chapter import Asked, Chapter
from .law import Law, Prediction
from .setting import Setting, fits_at

THEOREM = Law(
    "symmetric-mixture-tail-theorem-4",
    "Exponential bound on the probability that a component's standard deviation is above a threshold",
    "upper bound",
    "Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 4; other sizes derived",
    "Symmetric mixture, approximate joint maximum likelihood with eta 2, newest batch, last model, sizes "
    "of 2 "
    "or more",
    "truth",
)


def component_bound(sizes: np.ndarray, threshold: float) -> np.ndarray:
    r"""$P(\hat s_k > \epsilon s) \le \epsilon^{-1} \exp(-\sum_{j\le k} 1/(4n_j))$ for k = 0 ... F.

    Markov's inequality of $E\,\hat s_k \le e^{-1/(4n_k)} E\,\hat s_{k-1}$, which is far from tight: of ten
    points with components at $\pm s$ the factor is 0.753, and the bound's is 0.975.

    Arguments:
        sizes: n_1 ... n_F in points, [F].
        threshold: epsilon, in units of the true standard deviation of a component.

    Returns:
        [F + 1], at most 1.

    Source: Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 4; for other sizes derived.
    """
    exponents = np.concatenate([np.zeros(1), np.cumsum(0.25 / np.asarray(sizes, dtype=float))])
    return np.minimum(np.exp(-exponents) / threshold, 1)


def applies(setting: Setting) -> bool:
    """Replacement by the approximate fit."""
    return (
        setting.family == "symmetric-mixture"
        and setting.same_family
        and setting.estimator == "approximate-joint-ml"
        and setting.replaces
        and bool(np.all(setting.fit_sizes >= 2))
    )


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """The bound for every threshold asked for, as {"above": threshold}."""
    deviation, at = float(setting.truth["variance"]) ** 0.5, fits_at(setting, generations)
    thresholds = [float(parameters["above"]) for _, parameters in asked if set(parameters) == {"above"}]
    return [
        Prediction(
            THEOREM, "standard_deviation", "probability", generations,
            component_bound(setting.fit_sizes, threshold / deviation)[at], parameters={"above": threshold},
        )
        for threshold in thresholds
        if threshold > 0
    ]  # fmt: skip


CHAPTER = Chapter((THEOREM,), frozenset({"standard_deviation"}), applies, predict)
