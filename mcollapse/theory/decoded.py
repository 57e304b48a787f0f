"""Exact laws of a Gaussian whose points are drawn with another variance than the fitted one."""

import numpy as np

from .chapter import Asked, Chapter, plain
from .gaussian_moments import can_fit
from .law import Law, Prediction
from .replacement import log_variance_cumulants
from .setting import Setting, fits_at

QUANTITIES = frozenset({"squared_error", "variance", "log_variance", "trace"})
BIASED = Law(
    "gaussian-sampling-bias",
    "Mean error and variance when a model's points vary by a factor more or less than it says",
    "exact",
    "Alemohammad et al., 2023, arXiv 2307.01850; finite sizes derived",
    "Gaussian in any dimension, any ddof or known variance, newest batch, any factors and real shares",
    "fit to real",
)
AUGMENTED = Law(
    "gaussian-sampling-bias-same-real",
    "Mean error and variance when the same real points join points that vary more or less than a model says",
    "exact",
    "derived, after Alemohammad et al., 2023, arXiv 2307.01850",
    "Gaussian in any dimension, any ddof or known variance, real and newest, last model, any factors",
    "fit to real",
)
PRODUCT = Law(
    "gaussian-sampling-bias-product",
    "Without real data every generation multiplies the variance by the factor and a chi-square",
    "exact",
    "derived, after Alemohammad et al., 2023, arXiv 2307.01850",
    "Gaussian, variance refitted, newest batch, last model, sizes of 2 or more",
    "truth",
)


def applies(setting: Setting) -> bool:
    """Fits of a Gaussian to one batch, or to it and the same real points."""
    gaussian = setting.family in ("gaussian", "multivariate-gaussian") and setting.same_family
    plain = setting.estimator in ("maximum-likelihood", "unbiased")
    if not (gaussian and plain and setting.source != "past-models" and can_fit(setting)):
        return False
    augmented = setting.pool == "real-and-newest" and setting.source == "last-model"
    return setting.pool == "newest" or (augmented and setting.start == "real")


def biased_moments(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""Mean error and expected variance in units of the truth's variance, each [T+1].

    With factor $\lambda$, real share a and n points, $s = a + (1-a)\lambda v$,
    $$ r_+ = (1-a)^2 r + \frac1n\bigl(s + [\text{random}]\,a(1-a)\,r\bigr), \qquad
       v_+ = \frac{n}{n-\mathrm{ddof}} \bigl(s + (1-a) r - r_+\bigr) . $$
    Source: Alemohammad et al., 2023, arXiv 2307.01850; derived.
    """
    factors, batches = np.asarray(setting.variance_factors, dtype=float), setting.batches
    error, variance, rows = 0.0, 1.0, []
    for t in range(setting.generations + 1):
        if t >= setting.first:
            n, share = int(batches.sizes[t]), float(batches.shares[t])
            made = factors[t] * variance if share < 1 else 0.0
            spread = share + (1 - share) * made
            noise = spread + batches.random * share * (1 - share) * error
            square, error = spread + (1 - share) * error, (1 - share) ** 2 * error + noise / n
            if not setting.known_variance:
                variance = n / (n - setting.ddof) * (square - error)
        rows.append((error, variance))
    errors, variances = np.array(rows).T
    return errors, variances


def augmented_moments(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""The same where the same n real points join m points of the last model, each [T+1].

    With $N = n + m$, $w = n/N$ and the square $s = w + (1-w)(\lambda v + r)$ about the truth's mean,
    $$ r_+ = \frac{w^2 + 2w(1-w)}n + (1-w)^2 \Bigl(r + \frac{\lambda v}m\Bigr), \qquad
       v_+ = \frac{N}{N-\mathrm{ddof}} (s - r_+), $$
    since the covariance of any error with that of the real points stays 1/n.
    Source: derived, after Alemohammad et al., 2023, arXiv 2307.01850.
    """
    factors, sizes = np.asarray(setting.variance_factors, dtype=float), setting.batches.sizes.astype(float)
    real = sizes[0]
    error, variance = 1 / real, 1.0 if setting.known_variance else (real - 1) / (real - setting.ddof)
    rows = [(error, variance)]
    for t in range(1, len(sizes)):
        total, made = real + sizes[t], factors[t] * variance
        w = real / total
        square = w + (1 - w) * (made + error)
        error = (1 - (1 - w) ** 2) / real + (1 - w) ** 2 * (error + made / sizes[t])
        if not setting.known_variance:
            variance = total / (total - setting.ddof) * (square - error)
        rows.append((error, variance))
    errors, variances = np.array(rows).T
    return errors, variances


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Mean error and variance, and under replacement the logarithm of the variance."""
    augmented = setting.pool == "real-and-newest"
    error, variance = (augmented_moments if augmented else biased_moments)(setting)
    one = setting.family == "gaussian"
    scale = (
        float(setting.truth["variance"]) if one else float(np.trace(np.asarray(setting.truth["covariance"])))
    )
    values = {"squared_error": error * scale}
    if not setting.known_variance:
        values["variance" if one else "trace"] = variance * scale
    found = [
        Prediction(AUGMENTED if augmented else BIASED, name, "mean", generations, values[name][generations])
        for name in plain(asked)
        if name in values
    ]
    product = one and setting.replaces and not setting.known_variance and bool(np.all(setting.fit_sizes > 1))
    if product and "log_variance" in plain(asked):
        found += _logarithms(setting, generations)
    return found


def _logarithms(setting: Setting, generations: np.ndarray) -> list[Prediction]:
    mean, variance, _ = log_variance_cumulants(setting.fit_sizes, setting.ddof)
    fits = fits_at(setting, generations)
    # generation 0 is fitted to real points; from the truth the first points are a model's already
    factors = np.concatenate(
        [[0.0], np.cumsum(np.log(np.asarray(setting.variance_factors, dtype=float)[1:]))]
    )
    values = mean[fits] + factors[generations] + np.log(float(setting.truth["variance"]))
    return [
        Prediction(PRODUCT, "log_variance", "mean", generations, values, variance=variance[fits]),
        Prediction(PRODUCT, "log_variance", "variance", generations, variance[fits]),
    ]


CHAPTER = Chapter((BIASED, AUGMENTED, PRODUCT), QUANTITIES, applies, predict, regime="decoded")
"""What `catalogue` asks where points are not drawn from the model as it was fitted."""
