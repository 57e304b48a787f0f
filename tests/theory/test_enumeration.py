"""Categorical laws against the enumeration of every possible course of a tiny experiment."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from mcollapse.theory import Setting, predictions
from tests.theory.brute import expectation, models

SIZES = np.array([3, 2, 4, 2])
SOURCES = {
    "last": {"source": "last-model"},
    "random": {"source": "mixture", "shares": np.array([0.0, 0.25, 0.5, 0.3])},
    "fixed": {"source": "mixture", "shares": np.array([0.0, 0.5, 0.3, 0.5]), "counts": "fixed"},
    "split": {
        "source": "split",
        "real_sizes": np.array([9, 1, 0, 2]),
        "synthetic_sizes": np.array([9, 2, 2, 1]),
    },
}
POOLS = {"newest": {}, "all": {}, "subsample": {"budget": np.array([2, 3, 4, 3])}}
ESTIMATORS = {
    "ml": {"estimator": "maximum-likelihood"},
    "add": {"estimator": "add-constant", "constant": 0.4},
}
TRUTHS = {
    "categorical": {"family": "categorical", "truth": {"probabilities": np.array([0.6, 0.3, 0.1])}},
    "bernoulli": {"family": "bernoulli", "truth": {"probability": 0.3}},
}
CASES = list(product(SOURCES, POOLS, ESTIMATORS, ("real", "truth"), TRUTHS))
QUANTITIES = ("squared_error", "chi_square", "concentration", "alive", "support", "single_symbol")


def setting_of(source, pool, estimator, start, truth) -> Setting:
    parts = SOURCES[source] | POOLS[pool] | ESTIMATORS[estimator] | TRUTHS[truth]
    return Setting(pool=pool, start=start, sizes=SIZES, **parts)


def exact_predictions(setting: Setting):
    found = predictions(setting, [(name, {}) for name in QUANTITIES])
    return [p for p in found if p.law.kind == "exact"]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_exact_laws(case):
    setting = setting_of(*case)
    laws = models(setting)
    found = exact_predictions(setting)
    assert {"squared_error", "chi_square", "concentration"} <= {p.quantity for p in found}
    for p in found:
        truth = expectation(setting, laws, p.quantity)
        assert np.allclose(p.values, truth, rtol=1e-10, atol=1e-12), (p.law.name, p.quantity, p.values, truth)
        if p.lower is not None:
            assert np.all(p.lower <= truth + 1e-12) and np.all(truth <= p.upper + 1e-12)
        if p.variance is not None:
            assert np.allclose(p.variance, truth * (1 - truth), atol=1e-12)


def test_which_settings_have_survival_laws():
    for case in CASES:
        source, pool, estimator, _, _ = case
        found = {p.quantity for p in exact_predictions(setting_of(*case))}
        expected = estimator == "ml" and pool != "subsample"
        assert ({"alive", "support", "single_symbol"} <= found) == expected, case


MUTANTS = {
    "sizes": lambda s: replace(s, sizes=s.sizes + 1, real_sizes=_plus(s.real_sizes)),
    "start": lambda s: replace(s, start="truth" if s.start == "real" else "real"),
    "pool": lambda s: replace(s, pool="all" if s.pool == "newest" else "newest"),
    "counts": lambda s: replace(s, counts="random" if s.counts == "fixed" else "fixed"),
    "constant": lambda s: replace(s, constant=s.constant / 2 + 0.1, estimator="add-constant"),
    "budget": lambda s: replace(s, budget=_plus(s.budget)),
}


def _plus(array):
    return None if array is None else array + 1


def _is_felt(case, mutant) -> bool:
    needs = {"counts": case[0] in ("random", "fixed"), "budget": case[1] == "subsample"}
    return needs.get(mutant, True)


MUTATED = [(case, mutant) for case in CASES[::3] for mutant in MUTANTS if _is_felt(case, mutant)]


@pytest.mark.parametrize(
    ("case", "mutant"), MUTATED, ids=lambda part: part if isinstance(part, str) else "-".join(part)
)
def test_mutants_are_rejected(case, mutant):
    setting = setting_of(*case)
    wrong = exact_predictions(MUTANTS[mutant](setting))
    laws = models(setting)
    assert any(not np.allclose(p.values, expectation(setting, laws, p.quantity), rtol=1e-6) for p in wrong)
