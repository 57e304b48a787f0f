"""Laws of those who know provenance, against enumeration of two symbols and simulation of Gaussians, by points."""

from collections import defaultdict
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from mcollapse import theory
from mcollapse.theory import Setting, predictions
from mcollapse.theory.informed import moments
from tests.theory.brute import batch_size, real_points

P, SIZES = 0.3, np.array([3, 2, 4, 3])
SOURCES = {
    "last": {"source": "last-model"},
    "random": {"source": "mixture", "shares": np.array([0.0, 1.0, 0.5, 0.8])},
    "fixed": {"source": "mixture", "shares": np.array([0.0, 0.5, 0.3, 0.4]), "counts": "fixed"},
    "split": {
        "source": "split", "real_sizes": np.array([9, 1, 0, 2]), "synthetic_sizes": np.array([9, 2, 2, 0]),
    },
}  # fmt: skip
WEIGHTS = np.array([0.9, 0.7, 0.2, 0.5])
CASES = [
    *((("real-only", "all"), source, "real") for source in SOURCES),
    (("debiased", "newest"), "random", "real"),
    *((("real-only", "newest"), source, "real") for source in SOURCES),
    *((("real-only", "newest"), source, "truth") for source in ("random", "split")),
    (("weighted", "real-and-newest"), "last", "real"),
    *(
        (("weighted", "newest"), source, start)
        for source in ("last", "fixed", "split")
        for start in ("real", "truth")
    ),
    (("maximum-likelihood", "real-and-newest"), "last", "real"),
]


def setting_of(estimator, pool, source, start, **changes) -> Setting:
    parts = {"family": "bernoulli", "truth": {"probability": P}, "sizes": SIZES, "weights": WEIGHTS}
    return Setting(
        **(parts | {"estimator": estimator, "pool": pool, "start": start} | SOURCES[source] | changes)
    )


def fitted(setting: Setting, t: int, model: float, memory: tuple, real, made) -> tuple[float, tuple]:
    """The next model and what is remembered; `real` and `made` are (successes, points)."""
    (i, n), (j, m) = real, made
    if setting.pool == "real-and-newest":
        kept = real if t == 0 else memory
        w = setting.weights[t] if setting.estimator == "weighted" else kept[1] / (kept[1] + m)
        return (w * kept[0] / kept[1] + (1 - w) * j / m if t else i / n), kept
    if setting.estimator == "real-only" and setting.pool == "newest":
        return (i / n if n else model), ()
    if setting.estimator == "real-only":
        seen = (memory[0] + i, memory[1] + n)
        return seen[0] / seen[1], seen
    if setting.estimator == "debiased":
        a, size = (1.0 if t == 0 else setting.shares[t]), n + m
        weight = memory[1] + size * a**2
        # n a^2 d = n a (e - (1 - a) p)
        total = memory[0] + a * (i + j - size * (1 - a) * model)
        return total / weight, (total, weight)
    w = 1.0 if m == 0 else 0.0 if n == 0 else setting.weights[t]
    return w * i / max(n, 1) + (1 - w) * j / max(m, 1), ()


def risks(setting: Setting) -> np.ndarray:
    law = {(P, (0, 0)): 1.0}
    found = [0.0] if setting.start == "truth" else []
    for t in range(setting.first, len(SIZES)):
        new = defaultdict(float)
        for (model, memory), chance in law.items():
            for n, likely in real_points(setting, t).items():
                m = batch_size(setting, t) - n
                for i, j in product(range(n + 1), range(m + 1)):
                    way = stats.binom.pmf(i, n, P) * stats.binom.pmf(
                        j, m, min(max(model, 0.0), 1.0)
                    )  # it may be rounded
                    if way > 0:
                        new[fitted(setting, t, model, memory, (i, n), (j, m))] += chance * likely * way
        law = new
        assert abs(sum(law.values()) - 1) < 1e-9
        found.append(sum(chance * (model - P) ** 2 for (model, _), chance in law.items()))
    return np.array(found)


def predicted(setting: Setting, quantity: str = "squared_error") -> np.ndarray:
    (one,) = [p for p in predictions(setting, [(quantity, {})]) if p.law.kind == "exact"]
    return one.values


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join((*case[0], *case[1:])))
def test_exact_risk(case):
    (estimator, pool), source, start = case
    setting = setting_of(estimator, pool, source, start)
    truth = risks(setting)
    np.testing.assert_allclose(predicted(setting), truth, rtol=1e-8)
    more = {} if setting.real_sizes is None else {"real_sizes": setting.real_sizes + 1}
    assert not np.allclose(predicted(replace(setting, sizes=SIZES + 1, **more)), truth, rtol=1e-3)
    if estimator == "weighted" and source != "last":
        assert not np.allclose(predicted(replace(setting, weights=WEIGHTS / 2)), truth, rtol=1e-3)


def test_no_law_where_none_is_known():
    for case in ((("real-only", "window"), "random"), (("real-only", "subsample"), "random"),
                 (("debiased", "all"), "random"), (("debiased", "newest"), "fixed"),
                 (("weighted", "newest"), "random"), (("weighted", "all"), "fixed"),
                 (("maximum-likelihood", "real-and-newest"), "random")):  # fmt: skip
        (estimator, pool), source = case
        setting = setting_of(estimator, pool, source, "real", budget=np.full(4, 2), window=2)
        asked = [(q, {}) for q in ("squared_error", "alive", "support", "single_symbol")]
        assert predictions(setting, asked) == [], case


def simulated(
    setting: Setting, replicates: int = 400_000
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Means of (mean)^2 and of the variance, and their standard errors, of standard Gaussians drawn as points."""
    rng = np.random.default_rng(0)
    mean, spread, kept, squares, variances = np.zeros(replicates), np.ones(replicates), None, [], []
    for t in range(len(SIZES)):
        n = next(iter(real_points(setting, t)))
        m = batch_size(setting, t) - n
        real = rng.standard_normal((replicates, n))
        made = mean[:, None] + np.sqrt(spread)[:, None] * rng.standard_normal((replicates, m))
        if setting.pool == "real-and-newest":
            kept = real if t == 0 else kept
            points = kept if t == 0 else np.concatenate([kept, made], axis=1)
            mean, spread = points.mean(axis=1), points.var(axis=1, ddof=setting.ddof)
        else:
            w = 1.0 if m == 0 else 0.0 if n == 0 else setting.weights[t]
            weights = np.concatenate([np.full(n, w / max(n, 1)), np.full(m, (1 - w) / max(m, 1))])
            points = np.concatenate([real, made], axis=1)
            mean = points @ weights
            spread = (points - mean[:, None]) ** 2 @ weights
        squares.append(mean**2)
        variances.append(spread)
    parts = [np.array(part) for part in (squares, variances)]
    return tuple(f for part in parts for f in (part.mean(axis=1), part.std(axis=1) / replicates**0.5))


@pytest.mark.parametrize(
    "estimator, pool, source, ddof",
    [("weighted", "newest", "fixed", 0), ("weighted", "newest", "split", 0),
     ("maximum-likelihood", "real-and-newest", "last", 0), ("unbiased", "real-and-newest", "last", 1)],
)  # fmt: skip
def test_gaussian_moments(estimator, pool, source, ddof):
    parts = {"family": "gaussian", "truth": {"mean": 0.0, "variance": 1.0}, "ddof": ddof}
    setting = setting_of(estimator, pool, source, "real", **parts)
    square, its_error, variance, other_error = simulated(setting)

    def worst(setting):
        ours = predicted(setting), predicted(setting, "variance")
        return max(
            np.abs((ours[0] - square) / its_error).max(), np.abs((ours[1] - variance) / other_error).max()
        )

    assert worst(setting) < 5
    assert worst(replace(setting, sizes=SIZES + 1)) > 6


@pytest.mark.parametrize("ratio", [0.05, 0.1, 1.0, 4.0])
def test_the_golden_weight_is_best_in_the_long_run(ratio):
    """V(w, k) = (w^2 + k (1-w)^2) / (w (2-w)) in the limit, with its least value w* at w*."""
    n, generations = 10_000, 300

    def long_run(weight):
        steps = np.full(generations + 1, 1)
        setting = Setting(
            family="gaussian", truth={"mean": 0.0, "variance": 1.0}, known_variance=True, estimator="weighted",
            source="split", pool="newest", start="real", sizes=steps * n, real_sizes=steps * n,
            synthetic_sizes=steps * int(n / ratio), weights=np.full(generations + 1, weight),
        )  # fmt: skip
        return n * moments(setting)[0][-1]

    best = (np.sqrt(ratio**2 + 4 * ratio) - ratio) / 2
    assert np.isclose(long_run(best), best, rtol=1e-6)
    for weight in (0.9 * best, 1.05 * best):
        limit = (weight**2 + ratio * (1 - weight) ** 2) / (weight * (2 - weight))
        assert np.isclose(long_run(weight), limit, rtol=1e-6) and long_run(weight) > best


def test_the_oracle_takes_any_share():
    sizes, shares = np.array([2, 3, 4]), np.array([0.0, 1.0, 0.25])
    expected = [1 / 2, 1 / 5, sum(stats.binom(4, 0.25).pmf(r) / (5 + r) for r in range(5))]
    np.testing.assert_allclose(theory.filtered_risk(1.0, sizes, shares), expected, rtol=1e-9)
