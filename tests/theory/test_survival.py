"""The chain of one symbol's count: cut against whole, bounds around it, and what comes of it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import stats

from mcollapse.theory import (
    Setting,
    branching_exponents,
    branching_extinction,
    collapse_bounds,
    expected_collapse_time,
    extinction,
    extinction_lower_bound,
    forgotten,
    fresh_extinction,
    median_forgetting_time,
    predictions,
    survival_probability,
)
from tests.random.goodness import assert_seen


@cache
def transition(before: int, size: int) -> np.ndarray:
    return stats.binom.pmf(np.arange(size + 1), size, np.arange(before + 1)[:, None] / before)


def whole_chain(chances: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """P(count = 0) after 0 ... F fits by dense matrices of the textbook binomial, [F + 1, K]."""
    law = stats.binom.pmf(np.arange(sizes[0] + 1), sizes[0], chances[:, None])
    lost = [chances == 0, law[:, 0]]
    for before, size in zip(sizes[:-1].tolist(), sizes[1:].tolist(), strict=True):
        law = law @ transition(before, size)
        lost.append(law[:, 0])
    return np.array(lost)


CHANCES = np.array([0.0, 0.002, 0.01, 0.05, 0.3, 0.9, 1.0])
SCHEDULES = {
    "100": np.full(60, 100),
    "400": np.full(25, 400),
    "growing": 40 + 12 * np.arange(25),
    "shrinking": 300 - 10 * np.arange(25),
    "one": np.array([5, 1, 7]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_cut_chain_is_the_whole_chain(name):
    sizes = SCHEDULES[name]
    fits = np.arange(len(sizes) + 1)
    expected = whole_chain(CHANCES, sizes)
    found = extinction(CHANCES, sizes, fits)
    assert np.allclose(found.value, expected, atol=3e-9)
    assert np.all(found.upper - found.lower < 1.1e-9)
    wrong = extinction(CHANCES, sizes + 1, fits)
    assert not np.allclose(wrong.value, expected, atol=1e-6)


@pytest.mark.parametrize("states", (5, 20, 60))
@pytest.mark.parametrize("name", ("100", "400", "growing", "shrinking"))
def test_bracket_of_a_short_cut_holds_the_truth(name, states):
    sizes = SCHEDULES[name]
    fits = np.arange(len(sizes) + 1)
    expected = whole_chain(CHANCES, sizes)
    found = extinction(CHANCES, sizes, fits, states=states)
    assert np.all(found.lower <= expected + 1e-9) and np.all(expected <= found.upper + 1e-9)
    assert np.max(found.upper - found.lower) > 1e-6  # the cut is felt, so that the test says something
    alive = survival_probability(CHANCES, sizes, fits, states=states)
    assert np.array_equal(alive.lower, 1 - found.upper)
    wrong = extinction(CHANCES, sizes + 1, fits, states=states)
    assert np.any((wrong.lower > expected + 1e-9) | (expected > wrong.upper + 1e-9))


def test_spline_between_grid_points():
    sizes = np.full(40, 1200)
    chances = np.array([1, 5, 30, 120, 400]) / 1200
    expected = whole_chain(chances, sizes)[[10, 40]]
    assert np.allclose(extinction(chances, sizes, np.array([10, 40])).value, expected, atol=2e-9)


def test_a_text_is_quick_and_sharp():
    ranks = np.arange(1.0, 3251)
    counts = np.maximum(1, np.round(4000 / ranks))
    total = 65_000
    found = extinction(counts / total, np.full(50, total), np.arange(51))
    assert found.lower.shape == (51, 3250) and np.max(found.upper - found.lower) < 1.1e-9
    large = extinction(np.array([3e-6, 2e-3]), np.full(50, 10**6), np.array([50]))
    assert np.max(large.upper - large.lower) < 1.1e-9
    assert abs(large.value[0, 0] - np.exp(-3 * branching_exponents(50)[-1])) < 1e-4


def symbols(start="truth", **changes) -> Setting:
    parts = {
        "family": "categorical",
        "estimator": "maximum-likelihood",
        "source": "last-model",
        "pool": "newest",
        "start": start,
        "sizes": np.full(41, 60),
        "truth": {"probabilities": np.array([0.5, 0.25, 0.2, 0.03, 0.02])},
    }
    return Setting(**(parts | changes))


@pytest.mark.parametrize("start", ("real", "truth"))
@pytest.mark.parametrize("sizes", (np.full(41, 60), 30 + 3 * np.arange(41)), ids=("constant", "growing"))
@pytest.mark.parametrize("name", ("alive", "support", "single_symbol"))
def test_bounds_hold(start, sizes, name):
    found = predictions(symbols(start, sizes=sizes), [(name, {})])
    exact = next(p for p in found if p.law.kind == "exact")
    bounds = [p for p in found if p.law.kind in ("upper bound", "lower bound")]
    assert len(bounds) >= (1 if name != "single_symbol" else 3)
    for bound in bounds:
        side = 1 if bound.law.kind == "upper bound" else -1
        assert np.all(side * (bound.values - exact.values) >= -1e-9), bound.law.name


def test_bounds_counted_from_the_wrong_generation_are_broken():
    sizes, fits, chances = np.full(41, 60), np.arange(2, 41), np.array([0.01, 0.02])
    exact = extinction(chances, sizes, fits).value
    assert np.all(branching_extinction(chances, sizes, fits) >= exact)
    assert np.any(branching_extinction(chances, sizes, fits - 1) < exact)
    assert np.all(extinction_lower_bound(chances, 60, fits) <= exact)


def test_collapse_bounds_are_sharp_enough_to_be_broken():
    setting, fits = symbols(sizes=np.full(301, 20)), np.arange(301)
    single = next(p for p in predictions(setting, [("single_symbol", {})]) if p.law.kind == "exact")
    lower, upper = collapse_bounds(setting.probabilities, np.full(301, 20), fits)
    assert np.all(lower <= single.values + 1e-9) and np.all(single.values <= upper + 1e-9)
    lower, upper = collapse_bounds(setting.probabilities, np.full(301, 14), fits)
    assert np.any(lower > single.values)
    lower, upper = collapse_bounds(setting.probabilities, np.full(301, 40), fits)
    assert np.any(upper < single.values)


def test_published_upper_bound_is_not_monotone():
    upper = 1 - extinction_lower_bound(np.array([0.01]), 100, np.array([1, 6, 11, 22, 50]))[:, 0]
    assert np.allclose(upper, [0.654, 0.396, 0.454, 0.715, 1], atol=1e-3)


def test_branching_exponents():
    exponents, k = branching_exponents(100), np.arange(1, 101)
    assert np.all(exponents >= 1 / k) and np.all(exponents < 2 / k)
    assert np.allclose(
        (exponents * k)[[0, 1, 4, 9, 49, 99]], [1, 1.264, 1.560, 1.723, 1.919, 1.954], atol=1e-3
    )


@pytest.mark.parametrize("size", (50, 200, 1000))
def test_branching_approximation_keeps_its_tolerance(size):
    chances = np.array([0.5 / size, 3 / size, 10 / size, 0.05, 0.3, 0.0])
    truth = {"probabilities": np.append(chances, 1 - chances.sum())}
    setting = symbols(sizes=np.full(size // 5 + 1, size), truth=truth)
    found = {p.law.name: p for p in predictions(setting, [("alive", {})])}
    exact, near = found["replacement-survival"], found["poisson-branching-survival"]
    ratio = np.divide(exact.values, near.values, out=np.ones_like(near.values), where=near.values > 0)
    assert np.max(np.abs(ratio - 1)) < near.tolerance
    assert np.max(np.abs(ratio - 1)) > 0.3 * near.tolerance
    assert not [p for p in predictions(symbols(sizes=np.full(40, 60)), [("alive", {})]) if p.tolerance]


def test_median_forgetting_time():
    setting = symbols(
        "truth", sizes=np.full(401, 1000), truth={"probabilities": np.array([0.03, 0.05, 0.92])}
    )
    times = median_forgetting_time(setting)
    assert np.allclose(times[:2], 2.9 * 1000 * np.array([0.03, 0.05]), rtol=0.08) and np.isinf(times[2])
    half = int(times[0])
    assert np.all(forgotten(setting, np.array([half - 1, half])).value[:, 0] >= 0.5 - np.array([1, 0]))
    later = median_forgetting_time(replace(setting, start="real"))
    assert later[0] == times[0] - 1


@pytest.mark.parametrize(("size", "categories"), ((20, 5), (1, 3), (2, 2)))
def test_expected_collapse_time(size, categories):
    chances = np.array([0.4, 0.3, 0.15, 0.1, 0.05])[:categories]
    chances = chances / chances.sum()
    setting = symbols(sizes=np.full(2001, size), truth={"probabilities": chances})
    single = predictions(setting, [("single_symbol", {})])[0]
    assert np.isclose(expected_collapse_time(chances, size), np.sum(1 - single.values), rtol=1e-8)
    if size == 20:
        assert np.isclose(expected_collapse_time(chances, size), 31.90, atol=5e-3)
        assert not np.isclose(expected_collapse_time(chances, size + 1), 31.90, atol=5e-3)
    assert expected_collapse_time(np.array([1.0, 0.0]), size) == 0
    with pytest.raises(ValueError, match="4,000"):
        expected_collapse_time(chances, 5000)


@pytest.mark.parametrize("counts", ("random", "fixed"))
def test_fresh_data_against_simulation(counts):
    sizes, shares, replicates = np.array([50, 40, 60, 30]), np.array([0.0, 0.1, 0.05, 0.2]), 100_000
    chances = np.array([0.01, 0.04, 0.95])
    setting = symbols(
        "real", source="mixture", counts=counts, shares=shares, sizes=sizes, truth={"probabilities": chances}
    )
    generator = np.random.default_rng(3)
    present = generator.binomial(50, 0.01, replicates) / 50
    gone = [np.mean(present == 0)]
    for size, share in zip(sizes[1:], shares[1:], strict=True):
        real = generator.binomial(size, share, replicates) if counts == "random" else int(size * share + 1e-9)
        present = (
            generator.binomial(real, 0.01, replicates) + generator.binomial(size - real, present)
        ) / size
        gone.append(np.mean(present == 0))

    def effect(strength):
        wrong = replace(setting, shares=shares + 0.05 * strength)
        exact = fresh_extinction(wrong, chances, np.arange(4))[:, 0]
        return np.max(np.abs(gone - exact) / np.sqrt(exact * (1 - exact) / replicates))

    assert effect(0.0) < 5
    assert_seen(effect)


def test_dear_chains_are_left_out():
    shares = np.linspace(0.1, 0.5, 200)
    dear = symbols("real", source="mixture", shares=shares, sizes=np.full(200, 1500))
    assert predictions(dear, [("alive", {})]) == []
    large = symbols("real", source="mixture", shares=shares, sizes=np.full(200, 5000))
    assert predictions(large, [("alive", {})]) == []
    assert predictions(replace(large, pool="all"), [("alive", {})])[0].law.name == "accumulate-survival"


def test_branching_is_the_law_of_the_poisson_family():
    """Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 2, n = 10, rate 1 and 10."""
    lost = branching_extinction(np.array([0.1, 1.0]) * 10, np.full(500, 10), np.array([56, 111, 222, 500]))
    assert np.allclose(1 - lost[:, 0], [0.2910, 0.1617, 0.0852, 0.0390], atol=5e-5)
    assert np.allclose(1 - lost[:, 1], [0.9679, 0.8287, 0.5895, 0.3281], atol=5e-5)
