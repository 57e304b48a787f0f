"""Poisson laws against the law of the sum, followed generation by generation from the words of the design."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from mcollapse.theory import Setting, predictions
from tests.theory.brute import batch_size, real_points

RATE, MOST = 0.7, 110
SIZES = np.array([3, 2, 4, 3])
SOURCES = {
    "last": {"source": "last-model"},
    "random": {"source": "mixture", "shares": np.array([0.0, 0.25, 0.5, 0.3])},
    "fixed": {"source": "mixture", "shares": np.array([0.0, 0.5, 0.3, 0.4]), "counts": "fixed"},
    "split": {
        "source": "split",
        "real_sizes": np.array([9, 1, 0, 2]),
        "synthetic_sizes": np.array([9, 2, 2, 1]),
    },
}
CASES = list(product(SOURCES, ("newest", "all"), ("real", "truth")))


def setting_of(source, pool, start) -> Setting:
    parts = {"family": "poisson", "estimator": "maximum-likelihood", "truth": {"rate": RATE}}
    return Setting(**parts, pool=pool, start=start, sizes=SIZES, **SOURCES[source])


def laws(setting: Setting):
    """For each generation: the rates that a model can have, and their probabilities."""
    totals, law, seen = np.arange(MOST + 1), np.eye(MOST + 1)[0], 0
    rates = np.full(MOST + 1, RATE)  # a start at the truth: one model, whatever the sum
    found = [(rates, law)] if setting.start == "truth" else []
    for t in range(setting.first, len(SIZES)):
        size, new = batch_size(setting, t), np.zeros(MOST + 1)
        for before, chance in zip(totals, law, strict=True):
            kept = before if setting.pool == "all" else 0
            for real, likely in real_points(setting, t).items():
                mean = real * RATE + (size - real) * rates[before]
                new[kept:] += chance * likely * stats.poisson(mean).pmf(totals[: MOST + 1 - kept])
        law, seen = new, (seen if setting.pool == "all" else 0) + size
        rates = totals / seen
        found.append((rates, law))
    return found


def brute(setting: Setting) -> dict[str, np.ndarray]:
    followed = laws(setting)
    assert all(abs(law.sum() - 1) < 1e-8 for _, law in followed)
    error = [((rates - RATE) ** 2 * law).sum() for rates, law in followed]
    return {
        "squared_error": np.array(error),
        "alive": np.array([law[rates > 0].sum() for rates, law in followed]),
    }


def predicted(setting: Setting) -> dict:
    return {
        p.quantity: p
        for p in predictions(setting, [("squared_error", {}), ("alive", {})])
        if p.law.kind == "exact"
    }


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_exact_laws(case):
    setting = setting_of(*case)
    found, truth = predicted(setting), brute(setting)
    assert set(found) == ({"squared_error", "alive"} if case[:2] == ("last", "newest") else {"squared_error"})
    for name, p in found.items():
        np.testing.assert_allclose(p.values, truth[name], rtol=1e-6, atol=1e-9)
    other = predicted(replace(setting, sizes=SIZES + 1, **_more(setting)))
    assert not np.allclose(other["squared_error"].values, truth["squared_error"], rtol=1e-3)


def _more(setting: Setting) -> dict:
    return {} if setting.real_sizes is None else {"real_sizes": setting.real_sizes + 1}


@pytest.mark.parametrize("start", ("real", "truth"))
@pytest.mark.parametrize("rate, size", [(0.01, 5), (0.5, 2), (1.0, 10), (40.0, 3)])
def test_survival_is_between_its_bounds(start, rate, size):
    setting = Setting(
        family="poisson", estimator="maximum-likelihood", source="last-model", pool="newest", start=start,
        sizes=np.full(200, size), truth={"rate": rate},
    )  # fmt: skip
    of = {p.law.kind: p.values for p in predictions(setting, [("alive", {})])}
    assert np.all(of["lower bound"] <= of["exact"] + 1e-12) and np.all(
        of["exact"] <= of["upper bound"] + 1e-12
    )
    with np.errstate(divide="ignore"):  # what is sure to live
        exponents = {kind: -np.log1p(-values) for kind, values in of.items()}
    first = 0 if start == "real" else 1
    # the lower bound is met by the first fit, and the upper one nearly by late ones: other constants fail
    assert np.isclose(exponents["lower bound"][first], exponents["exact"][first], rtol=1e-6)
    assert exponents["upper bound"][-1] < 1.03 * exponents["exact"][-1]
