"""Loops with a longer memory: published constants in the limit, and what they have in common with others."""

import numpy as np
import pytest

from mcollapse import theory
from mcollapse.theory import Setting

NORMAL = {
    "family": "gaussian", "truth": {"mean": 0.0, "variance": 4.0}, "estimator": "maximum-likelihood",
    "source": "last-model", "pool": "newest", "start": "real",
}  # fmt: skip
COIN = NORMAL | {"family": "bernoulli", "truth": {"probability": 0.3}}


def setting(base, **changes) -> Setting:
    return Setting(**(base | {"sizes": np.full(301, 20)} | changes))


def error(base, **changes) -> np.ndarray:
    """The one exact prediction of the squared error."""
    found = theory.predictions(setting(base, **changes), [("squared_error", {})])
    (exact,) = [p for p in found if p.law.kind == "exact"]
    return exact.values


def test_the_constants_of_all_past_models():
    """pi^2/6 of one fit's error with the truth among the models, 1 + pi^2/6 without, as n grows."""
    huge = {"sizes": np.full(301, 10**9), "source": "past-models", "known_variance": True}
    with_truth = error(NORMAL, start="truth", **huge) * 10**9 / 4
    sums = 1 + np.concatenate([[0.0, 0.0], np.cumsum(1 / np.arange(2, 301) ** 2.0)])
    np.testing.assert_allclose(with_truth[1:], sums[1:], rtol=1e-6)
    without = error(NORMAL, **huge) * 10**9 / 4
    np.testing.assert_allclose(without[1:], 1 + np.cumsum(1 / np.arange(1, 301) ** 2.0), rtol=1e-6)
    assert abs(without[-1] + 1 / 300 - (1 + np.pi**2 / 6)) < 1e-4


@pytest.mark.parametrize("base", [NORMAL | {"known_variance": True}, COIN])
@pytest.mark.parametrize("start", ["real", "truth"])
def test_windows_lie_between_one_batch_and_all(base, start):
    sizes = np.array([20, 10, 30, 15, 12, 20])
    at = {"sizes": sizes, "start": start}
    np.testing.assert_allclose(error(base, pool="window", window=1, **at), error(base, **at))
    np.testing.assert_allclose(error(base, pool="window", window=9, **at), error(base, pool="all", **at))
    shares = np.full(6, 0.3)
    for counts in ("random", "fixed"):
        mixed = at | {"source": "mixture", "shares": shares, "counts": counts}
        np.testing.assert_allclose(error(base, pool="window", window=1, **mixed), error(base, **mixed))
        every = error(base, pool="all", **mixed)
        np.testing.assert_allclose(error(base, pool="window", window=9, **mixed), every)
    two = error(base, pool="window", window=2, **at)
    assert np.all(two[-3:] < error(base, **at)[-3:]) and np.all(two[-2:] > error(base, pool="all", **at)[-2:])


def test_one_past_model_is_the_last():
    at = {"source": "past-models", "window": 1}
    np.testing.assert_allclose(error(COIN, **at), error(COIN))
    np.testing.assert_allclose(error(NORMAL, **at), error(NORMAL))


def test_two_past_models_by_enumeration():
    """Two tosses a generation: the law of three models in a row, point by point."""
    p, at = 0.3, {"sizes": np.full(3, 2), "source": "past-models"}
    heads = {0: (1 - p) ** 2, 1: 2 * p * (1 - p), 2: p**2}
    for counts in ("random", "fixed"):
        second = 0.0
        for first, chance in heads.items():
            for middle, likely in _tosses(first / 2, first / 2, counts).items():
                for last, then in _tosses(first / 2, middle / 2, counts).items():
                    second += chance * likely * then * (last / 2 - p) ** 2
        np.testing.assert_allclose(error(COIN, counts=counts, **at)[2], second)


def _tosses(old: float, new: float, counts: str) -> dict[int, float]:
    """Heads of two tosses: each of a model that it chooses, or one of each."""
    one, other = ((old + new) / 2,) * 2 if counts == "random" else (old, new)
    return {0: (1 - one) * (1 - other), 1: one * (1 - other) + other * (1 - one), 2: one * other}
