"""Exact laws of kernel density estimates: the mean error, and the variance that each kernel adds to."""

import numpy as np

from .chapter import Asked, Chapter, plain
from .gaussian_moments import gaussian_moments
from .law import Law, Prediction
from .setting import Setting

QUANTITIES = frozenset({"squared_error", "variance", "trace"})
GROWTH = Law(
    "kernel-density-two-moments",
    "Mean error and variance of a kernel density estimate of its own output",
    "exact",
    "derived, after Kazdan et al., 2024, arXiv 2410.16713",
    "kernel density, maximum likelihood, any bandwidth, newest, all or a subsample of batches, any source",
    "fit to real",
)
WEIGHTED = Law(
    "kernel-density-two-moments-weighted",
    "Mean error and variance of a kernel density estimate with a weight on fresh real points",
    "exact",
    "derived",
    "kernel density of fixed bandwidth, weighted, newest batch, fixed counts or split",
    "fit to real",
)


def kernel_density_moments(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""$E\,|\text{mean} - \mu^*|^2$ and the expected trace of the law's covariance, each [T+1].

    They follow the recursion of `gaussian_moments` with ddof 0, the kernel's variance added to the model's:
    with a fixed bandwidth h under replacement $v_t = (1 - 1/n_t) v_{t-1} + d h^2$, on everything so far
    $v_t = C_t - D_t + d h^2$, which grows like $h^2 \log t$. A rule's kernel is a multiple of the unbiased
    covariance, and linear in it, so that expectations stay exact.

    Arguments:
        setting: kernel density; both starts, any sizes, shares and budgets.

    Source: derived, after Kazdan et al., 2024, arXiv 2410.16713.
    """
    return gaussian_moments(setting)


def weighted_kernel_moments(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""The same with a weight w on n fresh real points and 1 - w on m synthetic ones, each [T+1].

    With $\sigma^2$ the truth's variance, r the mean error and v the model's variance before,
    $$ r_+ = \frac{w^2\sigma^2}n + (1-w)^2 \Bigl(r + \frac vm\Bigr), \qquad
       v_+ = w \sigma^2 + (1-w)(v + r) - r_+ + d h^2 . $$

    Arguments:
        setting: kernel density of fixed bandwidth, weighted, newest batch, numbers of real points not random.

    Source: derived.
    """
    scale, weights, batches = float(setting.truth["variance"]), np.asarray(setting.weights), setting.batches
    kernel = float(setting.truth["dimension"]) * float(setting.bandwidth) ** 2
    risk, variance, steps = 0.0, scale, []
    for t in range(setting.generations + 1):
        if t >= setting.first:
            n = round(float(batches.sizes[t] * batches.shares[t]))
            m = int(batches.sizes[t]) - n
            w = 1.0 if m == 0 else 0.0 if n == 0 else float(weights[t])
            square = w * scale + (1 - w) * (variance + risk)
            risk = w**2 * scale / max(n, 1) + (1 - w) ** 2 * (risk + variance / max(m, 1))
            variance = square - risk + kernel
        steps.append((risk, variance))
    columns = np.array(steps)
    return columns[:, 0], columns[:, 1]


def applies(setting: Setting) -> bool:
    """Kernel density, blind to provenance."""
    return setting.family == "kernel-density" and setting.estimator == "maximum-likelihood"


def applies_weighted(setting: Setting) -> bool:
    """Kernel density of fixed bandwidth with a weight on fresh real points."""
    fixed = setting.family == "kernel-density" and not isinstance(setting.bandwidth, str)
    return (
        fixed and setting.estimator == "weighted" and setting.pool == "newest" and not setting.batches.random
    )


def _predictions(
    law: Law, setting: Setting, asked: Asked, generations: np.ndarray, moments: tuple[np.ndarray, np.ndarray]
) -> list[Prediction]:
    values = {"squared_error": moments[0], "trace": moments[1]}
    if setting.truth["dimension"] == 1:
        values["variance"] = moments[1]
    return [
        Prediction(law, name, "mean", generations, values[name][generations])
        for name in plain(asked)
        if name in values
    ]


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Mean error and trace of the covariance."""
    return _predictions(GROWTH, setting, asked, generations, kernel_density_moments(setting))


def predict_weighted(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """The same with a weight on fresh real points."""
    return _predictions(WEIGHTED, setting, asked, generations, weighted_kernel_moments(setting))


CHAPTER = Chapter((GROWTH,), QUANTITIES, applies, predict)
INFORMED = Chapter((WEIGHTED,), QUANTITIES, applies_weighted, predict_weighted, "informed")
