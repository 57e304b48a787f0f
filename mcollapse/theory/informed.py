"""Exact laws of those who know which points are real, or how many, or who keep the real ones."""

from collections.abc import Iterator

import numpy as np

from .binomial import binomial_law
from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .past import scaled
from .provenance import debiased_risk, filtered_risk
from .setting import Setting

_FAMILIES = ("bernoulli", "categorical", "poisson", "gaussian")
QUANTITIES = frozenset({"squared_error", "chi_square", "concentration", "variance"})
ORACLE = Law(
    "real-only-pooled",
    "Risk of the fit to all real points so far",
    "exact",
    "derived, after Kanabar & Gastpar, 2025, arXiv 2501.19273",
    "any family, real points alone, all batches, any source",
    "fit to real",
)
CURRENT = Law(
    "real-only-newest",
    "Risk of the fit to the real points of one batch; where it has none, the last model is kept",
    "exact",
    "derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531",
    "any family, real points alone, newest batch, any source; a Gaussian whose variance is fitted only with "
    "fixed counts",
    "fit to real",
)
DEBIASED = Law(
    "debiased-known-shares",
    "Risk of proportions from which the last model's expected part is taken out",
    "exact",
    "derived, after Kanabar & Gastpar, 2025, arXiv 2501.19273",
    "Bernoulli or categorical, debiased, newest batch, random counts that keep the estimate a law",
    "fit to real",
)
WEIGHTED = Law(
    "weighted-fresh-real",
    "Risk of a fit with a chosen weight on fresh real points",
    "exact",
    "He, Xu & Cheng, 2025, arXiv 2502.18049; finite sizes derived",
    "any family, weighted maximum likelihood, newest batch, fixed counts or split",
    "fit to real",
)
PARTIAL = Law(
    "same-real-and-newest",
    "Risk of a fit to the same real points and the newest synthetic ones",
    "exact",
    "Seddik et al., 2024, arXiv 2404.05090, Theorem 2; Alemohammad et al., 2023, arXiv 2307.01850; derived",
    "any family, maximum likelihood, unbiased or weighted, real and newest, last model",
    "fit to real",
)


def law_of(setting: Setting) -> Law | None:
    """The law whose domain holds the setting, if one does."""
    if not setting.same_family or setting.family not in _FAMILIES:
        return None
    if setting.pool == "real-only" and setting.start == "real":
        plain = setting.estimator == "maximum-likelihood"
        return ORACLE if plain else None
    if setting.pool == "real-and-newest":
        known = setting.estimator in ("maximum-likelihood", "unbiased", "weighted")
        plain = known and setting.source == "last-model" and setting.start == "real"
        return PARTIAL if plain and _has_spread(setting, setting.fit_sizes) else None
    if setting.estimator == "real-only" and setting.pool == "all":
        return ORACLE if setting.start == "real" else None
    if setting.pool != "newest":
        return None
    if setting.estimator == "debiased" and setting.start == "real":
        return DEBIASED if setting.of_symbols and setting.batches.random and _stays_a_law(setting) else None
    if setting.estimator == "real-only":
        return CURRENT if _current_applies(setting) else None
    if setting.estimator != "weighted" or setting.batches.random:
        return None
    return WEIGHTED if _has_spread(setting, np.stack(setting.parts)) else None


def _has_spread(setting: Setting, parts: np.ndarray) -> bool:
    """Whether every part that is fitted by itself has a variance where one is fitted."""
    alone = setting.combine == "fits" and setting.family == "gaussian" and not setting.known_variance
    return not (alone and np.any((parts > 0) & (parts <= max(setting.ddof, 1))))


def _current_applies(setting: Setting) -> bool:
    if setting.family != "gaussian" or setting.known_variance:
        return True
    return not setting.batches.random and not np.any(setting.parts[0] == 1)


def _stays_a_law(setting: Setting) -> bool:
    sizes, shares = setting.batches.sizes, setting.batches.shares
    return bool(np.all(sizes * shares <= np.cumsum(sizes * shares**2) * (1 + 1e-12)))


def moments(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""Risk in units of the variance of one point, and the model's expected variance in units of the truth's.

    With $n$ real points of weight $w$ and $m$ synthetic ones, $c$ the risk and $v$ the variance before,
    $$ c_+ = \frac{w^2}{n} + (1-w)^2 \Bigl(c + \frac vm\Bigr), $$
    where $v = 1 - c$ for proportions, and 1 where the variance is known or is the mean. Where the same n
    points come back, $c_+ = (1 - (1-w)^2)/n + (1-w)^2 (c + v/m)$, since the covariance of any error with that
    of the real points stays 1/n; all rows alike have $w = n/(n+m)$. Of the M real points of a batch alone
    $c_+ = E[1/M; M>0] + P(M=0)\,c$.

    Arguments:
        setting: one that `law_of` knows.

    Returns:
        (c, v), each [T+1].

    Source: He, Xu & Cheng, 2025, arXiv 2502.18049; Seddik et al., 2024, arXiv 2404.05090; Alemohammad et al.,
    2023, arXiv 2307.01850; Kanabar & Gastpar, 2025, arXiv 2501.19273; derived.
    """
    law = law_of(setting)
    if law in (ORACLE, DEBIASED):
        risk = (
            _oracle(setting)
            if law is ORACLE
            else debiased_risk(1.0, setting.batches.sizes, setting.batches.shares)
        )
        return risk, np.full(len(risk), np.nan)
    steps = (_weighted if law is WEIGHTED else _current if law is CURRENT else _partial)(setting)
    risk, variance = (np.array(column) for column in zip(*steps, strict=True))
    return risk, variance


def _oracle(setting: Setting) -> np.ndarray:
    sizes, shares = setting.batches.sizes, setting.batches.shares
    if setting.batches.random:
        return filtered_risk(1.0, sizes, shares)
    return 1 / np.cumsum(np.rint(sizes * shares))


def _spread(setting: Setting, risk: float, variance: float) -> float:
    """The expected variance of a point of a model."""
    if setting.of_symbols:
        return 1 - risk
    return 1.0 if setting.family == "poisson" or setting.known_variance else variance


def _weighted(setting: Setting) -> Iterator[tuple[float, float]]:
    risk, variance = 0.0, 1.0
    weights, batches = np.asarray(setting.weights, dtype=float), setting.batches
    for t in range(setting.generations + 1):
        if t >= setting.first:
            n = round(float(batches.sizes[t] * batches.shares[t]))
            m = int(batches.sizes[t]) - n
            w = 1.0 if m == 0 else 0.0 if n == 0 else float(weights[t])
            real, made = 1 / max(n, 1), 1 / max(m, 1)
            v = _spread(setting, risk, variance)
            apart = real + risk + v * made
            if setting.combine == "fits":  # each part has its own mean and its own divisor
                variance = w * _divided(setting, n) + (1 - w) * v * _divided(setting, m)
            else:
                variance = w * (1 - real) + (1 - w) * v * (1 - made) + w * (1 - w) * apart
            risk = w**2 * real + (1 - w) ** 2 * (risk + v * made)
        yield risk, variance


def _divided(setting: Setting, size: int) -> float:
    return (size - 1) / (size - setting.ddof) if size > setting.ddof else 0.0


def _partial(setting: Setting) -> Iterator[tuple[float, float]]:
    sizes = setting.batches.sizes.astype(float)
    kept, risk = sizes[0], 1 / sizes[0]
    variance = (kept - 1) / (kept - setting.ddof) if kept > setting.ddof else 1.0
    yield risk, variance
    for t, size in enumerate(sizes[1:], start=1):
        v, total = _spread(setting, risk, variance), kept + size
        w = float(np.asarray(setting.weights)[t]) if setting.estimator == "weighted" else kept / total
        if setting.combine == "fits":
            variance = w * _divided(setting, int(kept)) + (1 - w) * v * _divided(setting, int(size))
        else:
            apart = risk - 1 / kept + v / size
            within = w * (1 - 1 / kept) + (1 - w) * v * (1 - 1 / size) + w * (1 - w) * apart
            variance = within * total / (total - setting.ddof)
        risk = (1 - (1 - w) ** 2) / kept + (1 - w) ** 2 * (risk + v / size)
        yield risk, variance


def _current(setting: Setting) -> Iterator[tuple[float, float]]:
    risk, variance, batches = 0.0, 1.0, setting.batches
    for t in range(setting.generations + 1):
        if t >= setting.first:
            size, share = int(batches.sizes[t]), float(batches.shares[t])
            points, chances = np.array([round(size * share)]), np.ones(1)
            if batches.random:
                points, chances = binomial_law(size, share)
            some = points > 0
            none = float(chances @ ~some)
            one = float(chances[some] @ (1 / points[some]))
            risk, variance = one + none * risk, (1 - none - one) + none * variance
        yield risk, variance


def applies(setting: Setting) -> bool:
    """Whether a law is known where provenance matters."""
    return law_of(setting) is not None


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Risks, and the expected variance of a Gaussian that is fitted."""
    law, (risk, variance) = law_of(setting), moments(setting)
    assert law is not None
    values = scaled(setting, risk)
    if setting.family == "gaussian" and not setting.known_variance and not np.isnan(variance).any():
        values["variance"] = variance * float(setting.truth["variance"])
    return [
        Prediction(law, name, "mean", generations, values[name][generations])
        for name in plain(asked)
        if name in values
    ]


CHAPTER = Chapter(
    (ORACLE, CURRENT, DEBIASED, WEIGHTED, PARTIAL), QUANTITIES, applies, predict, regime="informed"
)
"""What `catalogue` asks where an estimator knows provenance, or a pool keeps the real points."""
