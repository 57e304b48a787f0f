"""Gaussian laws against point-by-point simulation, five standard errors wide."""

from dataclasses import replace

import numpy as np
import pytest

from mcollapse.theory import Prediction, Setting, predictions
from tests.random.goodness import assert_seen, shorter
from tests.theory.brute import gaussian_paths

REPLICATES = 100_000
SIZES = np.array([9, 7, 12, 8])
TRUTH = {"mean": 1.5, "variance": 2.25}
SOURCES = {
    "last": {"source": "last-model"},
    "random": {"source": "mixture", "shares": np.array([0.0, 0.3, 0.5, 0.2])},
    "fixed": {"source": "mixture", "shares": np.array([0.0, 0.3, 0.5, 0.25]), "counts": "fixed"},
    "split": {
        "source": "split",
        "real_sizes": np.array([0, 4, 0, 3]),
        "synthetic_sizes": np.array([0, 5, 7, 9]),
    },
}
POOLS = {"newest": {}, "all": {}, "subsample": {"budget": np.array([6, 9, 12, 7])}}
FITS = {
    "ddof0": {"estimator": "maximum-likelihood", "ddof": 0},
    "ddof1": {"estimator": "unbiased", "ddof": 1},
    "known": {"estimator": "maximum-likelihood", "known_variance": True},
}
CASES = [
    (source, pool, fit, start)
    for index, (source, pool, fit) in enumerate((s, p, f) for s in SOURCES for p in POOLS for f in FITS)
    for start in (("real", "truth")[index % 2],)
]
QUANTITIES = (
    ("squared_error", {}),
    ("variance", {}),
    ("standard_deviation", {}),
    ("log_variance", {}),
    ("wasserstein2_squared", {}),
    ("standard_deviation", {"above": 1.2}),
)


def setting_of(source, pool, fit, start) -> Setting:
    parts = SOURCES[source] | POOLS[pool] | FITS[fit]
    return Setting(family="gaussian", pool=pool, start=start, sizes=SIZES, truth=TRUTH, **parts)


def measured(setting: Setting, p: Prediction, means, variances) -> np.ndarray:
    """What the prediction speaks of, in every replicate, [T+1, R]."""
    error, deviation = (means - TRUTH["mean"]) ** 2, np.sqrt(variances)
    if p.statistic == "probability":
        return (deviation > p.parameters["above"]).astype(float)
    return {
        "squared_error": error,
        "variance": variances,
        "standard_deviation": deviation,
        "log_variance": np.log(variances),
        "wasserstein2_squared": error + (deviation - TRUTH["variance"] ** 0.5) ** 2,
    }[p.quantity]


def deviations(samples: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Of the means of every generation, in standard errors from the sample; infinite where that is certain."""
    error = samples.std(axis=1) / samples.shape[1] ** 0.5
    gap = np.abs(samples.mean(axis=1) - expected)
    certain = np.where(gap > 1e-9, np.inf, 0.0)
    return np.divide(gap, error, out=certain, where=(gap > 1e-9) & (error > 1e-12))


def surprise(p: Prediction, samples: np.ndarray) -> np.ndarray:
    return deviations(_squares(samples) if p.statistic == "variance" else samples, p.values)


def spread_surprise(p: Prediction, samples: np.ndarray) -> np.ndarray:
    """The same for the predicted variance over replicates."""
    assert p.variance is not None
    return deviations(_squares(samples), p.variance)


def _squares(samples: np.ndarray) -> np.ndarray:
    return (samples - samples.mean(axis=1, keepdims=True)) ** 2


def assert_rejected(wrong: list[Prediction], setting: Setting, paths, surprise=surprise) -> None:
    """By the largest deviation of what is random, over so many replicates that it is of ordinary size."""
    samples = [measured(setting, p, *paths).T for p in wrong]

    def effect(strength):
        found = [surprise(p, shorter(part, strength).T) for p, part in zip(wrong, samples, strict=True)]
        return max(float(z[np.isfinite(z)].max()) for z in found)

    assert_seen(effect)


def exact(setting: Setting) -> list[Prediction]:
    return [p for p in predictions(setting, QUANTITIES) if p.law.kind == "exact"]


@pytest.fixture(scope="module")
def paths():
    known = {}

    def of(case):
        if case not in known:
            known[case] = gaussian_paths(setting_of(*case), REPLICATES, seed=CASES.index(case))
        return known[case]

    return of


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_exact_laws(case, paths):
    setting = setting_of(*case)
    found = exact(setting)
    names = {p.quantity for p in found}
    assert {"squared_error"} <= names and ("known" in case or "variance" in names)
    assert ("log_variance" in names) == (case[0] == "last" and case[1] == "newest" and "known" not in case)
    for p in found:
        samples = measured(setting, p, *paths(case))
        name = (p.law.name, p.quantity, p.statistic)
        assert surprise(p, samples).max() < 5, (*name, p.values, samples.mean(axis=1))
        if p.variance is not None and p.statistic == "mean":
            assert spread_surprise(p, samples).max() < 5, (*name, p.variance, samples.var(axis=1))


MUTANTS = {
    "sizes": lambda s: replace(
        s, sizes=s.sizes + 1, **({"real_sizes": s.real_sizes + 1} if s.source == "split" else {})
    ),
    "start": lambda s: replace(s, start="truth" if s.start == "real" else "real"),
    "pool": lambda s: replace(s, pool="all" if s.pool == "newest" else "newest"),
    "ddof": lambda s: replace(s, ddof=1 - s.ddof),
    "budget": lambda s: replace(s, budget=s.budget + 2),
    "scale": lambda s: replace(s, truth={"mean": 1.5, "variance": 2.4}),
}


def _is_felt(case, mutant) -> bool:
    # Of a subsample the budget is what counts, and one more point in the pool is hardly felt.
    needs = {"ddof": "known" not in case, "budget": case[1] == "subsample", "sizes": case[1] != "subsample"}
    return needs.get(mutant, True)


MUTATED = [(case, mutant) for case in CASES for mutant in MUTANTS if _is_felt(case, mutant)]


@pytest.mark.parametrize(
    ("case", "mutant"), MUTATED, ids=lambda part: part if isinstance(part, str) else "-".join(part)
)
def test_mutants_are_rejected(case, mutant, paths):
    setting = setting_of(*case)
    assert_rejected(exact(MUTANTS[mutant](setting)), setting, paths(case))


def spreads(setting: Setting) -> list[Prediction]:
    return [p for p in exact(setting) if p.variance is not None and p.statistic == "mean"]


@pytest.mark.parametrize("case", [case for case in CASES if spreads(setting_of(*case))], ids="-".join)
def test_sizes_off_by_one_are_seen_in_the_spread(case, paths):
    setting = setting_of(*case)
    wrong = spreads(MUTANTS["sizes"](setting))
    assert_rejected(wrong, setting, paths(case), spread_surprise)


def test_random_counts_are_told_from_fixed_ones(paths):
    sizes, shares = np.full(16, 4), np.full(16, 0.25)
    parts = {"family": "gaussian", "estimator": "unbiased", "ddof": 1, "source": "mixture", "pool": "newest"}
    setting = Setting(start="truth", sizes=sizes, shares=shares, truth=TRUTH, counts="random", **parts)
    right, wrong = (
        next(p for p in exact(replace(setting, counts=counts)) if p.quantity == "squared_error")
        for counts in ("random", "fixed")
    )
    found = gaussian_paths(setting, REPLICATES, seed=99)
    assert surprise(right, measured(setting, right, *found)).max() < 5
    assert_rejected([wrong], setting, found)
