"""Exact laws of loops with a longer memory: points of many past models, fits to a window of batches."""

import numpy as np

from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .setting import Setting

QUANTITIES = frozenset({"squared_error", "chi_square", "concentration", "variance"})
MODELS = Law(
    "past-models",
    "Risk when points come from many past models",
    "exact",
    "derived, after Seddik et al., 2024, arXiv 2404.05090, and Fu et al., 2024, arXiv 2402.11778",
    "any family, newest batch, the last K models or all, random or fixed counts",
    "truth",
)
WINDOW = Law(
    "window-of-batches",
    "Risk of fits to the last few batches",
    "exact",
    "derived",
    "any family but a Gaussian whose variance is fitted, the last k batches, any source but past models",
    "fit to real",
)
_PLAIN = ("maximum-likelihood", "unbiased")


def applies(setting: Setting) -> bool:
    """Families whose estimate is a mean, fitted by maximum likelihood."""
    mean = setting.of_symbols or setting.family in ("poisson", "gaussian")
    if not (mean and setting.same_family and setting.estimator in _PLAIN):
        return False
    if setting.source == "past-models":
        return setting.pool == "newest" and (_variance_known(setting) or bool(np.all(setting.fit_sizes > 1)))
    return _variance_known(setting)


def _variance_known(setting: Setting) -> bool:
    return setting.family != "gaussian" or setting.known_variance


def past_models_moments(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""Risk in units of the variance of a point, expected variance in those of the truth's, each [T+1].

    With $c_{ij}$ the covariance of the errors of models i and j, $v_j$ the variance of a point of model j,
    and weights $q_j = n_j/n$ of the models that generation t draws from,
    $$ c_{ti} = \sum_j q_j c_{ji}, \qquad c_{tt} = \sum_{jk} q_j q_k c_{jk} + \frac1n V, \qquad
       V = \sum_j q_j v_j + \Bigl[\sum_j q_j c_{jj} - \sum_{jk} q_j q_k c_{jk}\Bigr], $$
    the bracket only where counts are random,
    where $v_j = 1 - c_{jj}$ for proportions and 1 where the variance is known or is the mean.
    Source: derived.
    """
    total = setting.generations + 1
    covariance, variance = np.zeros((total, total)), np.ones(total)
    for t in range(total):
        if t < setting.first:
            continue
        n = int(setting.batches.sizes[t])
        weights = np.zeros(total)
        if t > 0:
            weights[:t] = _shares(setting, t, n)
        of_truth = 1.0 - weights.sum()  # generation 0 draws from the truth, which has no error
        crossed = weights @ covariance
        mixed = float(crossed @ weights)
        points = 1 - np.diagonal(covariance) if setting.of_symbols else variance
        within = float(weights @ points) + of_truth
        between = float(weights @ np.diagonal(covariance)) - mixed if setting.counts == "random" else 0.0
        covariance[t] = covariance[:, t] = crossed
        covariance[t, t] = mixed + (within + between) / n
        if not _variance_known(setting):
            # the square about the truth's mean less that of the mean, by the divisor
            square = within + float(weights @ np.diagonal(covariance)[: len(weights)])
            variance[t] = (square - covariance[t, t]) * n / (n - setting.ddof)
    return np.diagonal(covariance).copy(), variance


def _shares(setting: Setting, t: int, n: int) -> np.ndarray:
    """The share of each model 0 … t - 1 in the points of generation t."""
    shares = np.zeros(t)
    models = t if setting.window is None else setting.window
    for back in range(models):
        # generation 0 stands in for models that are not there yet
        each, newest = n // models, back == 0
        points = each + (n % models if newest else 0)
        shares[max(t - 1 - back, 0)] += points / n if setting.counts == "fixed" else 1 / models
    return shares


def window_risk(setting: Setting) -> np.ndarray:
    r"""Risk in units of the variance of one point, [T+1], of fits to the last k batches.

    Errors are sums of the batches' own noises, $e_t = \sum_s a_{ts}\varepsilon_s$, which are uncorrelated:
    $$ a_t = \sum_{s \in \text{window}} \frac{n_s}{N_t} \bigl((1-\alpha_s) a_{s-1} + \mathbf 1_s\bigr), \qquad
       c_t = \sum_s a_{ts}^2 \frac{V_s}{n_s}, $$
    $V_s = \alpha_s + (1-\alpha_s) v_{s-1} + [\text{random}]\,\alpha_s(1-\alpha_s) c_{s-1}$. Source: derived.
    """
    total, batches = setting.generations + 1, setting.batches
    assert setting.window is not None
    passed, noises, risk = np.zeros((total, total)), np.zeros(total), np.zeros(total)
    models = np.zeros((total, total))
    for t in range(setting.first, total):
        share, before = float(batches.shares[t]), risk[t - 1] if t else 0.0
        point = 1 - before if setting.of_symbols else 1.0
        noise = share + (1 - share) * point + batches.random * share * (1 - share) * before
        noises[t] = noise / batches.sizes[t]
        passed[t] = (1 - share) * models[t - 1] if t else 0.0
        passed[t, t] = 1.0
        held = np.arange(max(setting.first, t - setting.window + 1), t + 1)
        sizes = batches.sizes[held]
        models[t] = sizes @ passed[held] / sizes.sum()
        risk[t] = float(models[t] ** 2 @ noises)
    return risk


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Risks, and the expected variance of a Gaussian that is fitted to points of past models."""
    law, variance = WINDOW, None
    if setting.source == "past-models":
        law = MODELS
        risk, variance = past_models_moments(setting)
    else:
        risk = window_risk(setting)
    values = scaled(setting, risk)
    if variance is not None and not _variance_known(setting):
        values["variance"] = variance * float(setting.truth["variance"])
    return [
        Prediction(law, name, "mean", generations, values[name][generations])
        for name in plain(asked)
        if name in values
    ]


def scaled(setting: Setting, risk: np.ndarray) -> dict[str, np.ndarray]:
    """Quantities from the risk in units of the variance of one point."""
    if setting.family == "poisson":
        return {"squared_error": risk * float(setting.truth["rate"])}
    if setting.family == "gaussian":
        return {"squared_error": risk * float(setting.truth["variance"])}
    chances = setting.probabilities
    one = float(np.sum(chances * (1 - chances)))
    return {
        "squared_error": risk * one * (0.5 if setting.family == "bernoulli" else 1.0),
        "chi_square": risk * (np.count_nonzero(chances) - 1),
        "concentration": risk * one + float(np.sum(chances**2)),
    }


CHAPTER = Chapter((MODELS, WINDOW), QUANTITIES, applies, predict, regime="remembering")
"""What `catalogue` asks where more than the last model or batch matters."""
