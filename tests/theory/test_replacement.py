"""The product of chi-squares: its moments, its tails and the bounds on them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, special, stats

from mcollapse.theory import (
    Setting,
    exponential_bound,
    gaussian_fourth_moments,
    gaussian_moments,
    log_variance_cumulants,
    markov_bound,
    normal_tail,
    power_moment,
    predictions,
    tail_probability,
    walk_moments,
)
from mcollapse.theory.gamma import log_gamma_ratio
from mcollapse.theory.replacement import moments
from tests.random.goodness import assert_seen

SIZES = np.array([6, 9, 5, 30, 200, 7])


def gaussian(start="real", ddof=0, **changes) -> Setting:
    parts = {"family": "gaussian", "estimator": "unbiased", "source": "last-model", "pool": "newest"}
    return Setting(
        **(
            parts
            | {"start": start, "sizes": SIZES, "ddof": ddof, "truth": {"mean": -2.0, "variance": 3.0}}
            | changes
        )
    )


@pytest.mark.parametrize("ddof", (0, 1))
@pytest.mark.parametrize("order", (0.5, 1.0, 1.5, 2.0, 0.35))
def test_power_moments_are_those_of_chi_squares(ddof, order):
    def factor(size):
        density = stats.chi2(size - 1)
        return integrate.quad(lambda x: (x / (size - ddof)) ** order * density.pdf(x), 0, np.inf, epsabs=0)[0]

    expected = np.cumprod([1.0, *(factor(size) for size in SIZES)])
    assert np.allclose(power_moment(SIZES, ddof, order), expected, rtol=1e-7)
    assert not np.allclose(power_moment(SIZES, 1 - ddof, order), expected, rtol=1e-3)


@pytest.mark.parametrize("ddof", (0, 1))
def test_log_variance_cumulants(ddof):
    generator = np.random.default_rng(0)
    draws = np.log(generator.chisquare(5, (400, 1000)) / (6 - ddof))
    unbiased = np.array([stats.kstat(draws, order, axis=1) for order in (1, 2, 4)])

    def effects(size, ddof):
        expected = np.array([cumulant[1] for cumulant in log_variance_cumulants(np.array([size]), ddof)])
        return np.abs(unbiased.mean(axis=1) - expected) / stats.sem(unbiased, axis=1)

    assert np.all(effects(6, ddof) < 5)
    for which in range(3):
        assert_seen(lambda strength, which=which: effects(6 + strength, ddof)[which])
    assert_seen(lambda strength: effects(6, ddof + strength * (1 - 2 * ddof))[0])


@pytest.mark.parametrize("start", ("real", "truth"))
@pytest.mark.parametrize("ddof", (0, 1))
def test_three_derivations_agree(start, ddof):
    """The product law, the second-moment recursion and the fourth-moment recursion, each on its own."""
    setting = gaussian(start, ddof)
    table = moments(setting)
    error, variance = gaussian_moments(setting)
    first = setting.first
    assert np.allclose(table["squared_error"][0][1 - first :], error, rtol=1e-12)
    assert np.allclose(table["variance"][0][1 - first :], variance, rtol=1e-12)
    for counts in ("random", "fixed"):
        same = replace(setting, source="mixture", shares=np.zeros(len(SIZES)), counts=counts)
        spreads = gaussian_fourth_moments(same)
        for name, spread in zip(("squared_error", "variance"), spreads, strict=True):
            assert np.allclose(table[name][1][1 - first :], spread, rtol=1e-10)
            assert not np.allclose(
                moments(gaussian(start, 1 - ddof))[name][1][1 - first :], spread, rtol=1e-3
            )


def test_variance_of_the_distance_by_simulation():
    generator, replicates = np.random.default_rng(1), 200_000
    mean, variance = np.zeros(replicates), np.ones(replicates)
    for size in SIZES[1:4]:
        mean = mean + np.sqrt(variance / size) * generator.standard_normal(replicates)
        variance = variance * generator.chisquare(size - 1, replicates) / (size - 1)
    distance = 3 * (mean**2 + (np.sqrt(variance) - 1) ** 2)
    found = np.array([distance, (distance - distance.mean()) ** 2])

    def effects(ddof):
        expected = [column[3] for column in moments(gaussian("truth", ddof))["wasserstein2_squared"]]
        return np.abs(found.mean(axis=1) - expected) / stats.sem(found, axis=1)

    assert np.all(effects(1) < 5)
    for which in range(2):
        assert_seen(lambda strength, which=which: effects(1 - strength)[which])


def test_moments_of_the_clock_overflow_without_nan():
    walk = walk_moments(np.full(3000, 2), 1)
    assert np.isinf(walk["WW"][-1]) and not any(np.isnan(column).any() for column in walk.values())
    found = predictions(gaussian(sizes=np.full(3000, 2), ddof=1))
    assert not np.any(found[0].trustworthy(10**6)[1000:])


def test_gamma_ratio_keeps_its_digits():
    z = np.geomspace(0.5, 1e12, 200)
    both = log_gamma_ratio(z, 0.5) + log_gamma_ratio(z + 0.5, 0.5) + 0.5 * np.log1p(0.5 / z)
    assert np.all(np.abs(both) < 3e-14)  # Gamma(z + 1) = z Gamma(z)
    plain = special.gammaln(z + 0.5) - special.gammaln(z) - 0.5 * np.log(z)
    assert np.allclose(log_gamma_ratio(z, 0.5), plain, atol=1e-15 * z * np.log(z + 2) + 1e-14)
    u = 1j * np.linspace(0.1, 40, 50)
    inside, outside = log_gamma_ratio(np.array([[49.999], [50.001]]), u)
    assert np.allclose(inside, outside, atol=2e-3)


@pytest.mark.parametrize("size", (2, 3, 10, 1000, 10**6))
@pytest.mark.parametrize("ddof", (0, 1))
def test_tail_of_one_fit(size, ddof):
    for threshold in (1e-3, 0.1, 0.9, 0.999, 1.0, 1.001, 1.3, 4.0):
        expected = stats.chi2.sf(threshold**2 * (size - ddof), size - 1)
        found = tail_probability(np.array([size]), ddof, np.array([0, 1]), threshold)
        assert found[0] == float(threshold < 1) and abs(found[1] - expected) < 1e-10


def test_tail_of_two_fits():
    one, other, threshold = stats.chi2(4), stats.chi2(6), 0.7
    expected, _ = integrate.quad(
        lambda x: one.pdf(x) * other.sf(threshold**2 * 24 / x), 0, np.inf, epsabs=1e-12
    )
    assert abs(tail_probability(np.array([5, 7]), 1, np.array([2]), threshold)[0] - expected) < 1e-9
    assert abs(tail_probability(np.array([5, 6]), 1, np.array([2]), threshold)[0] - expected) > 1e-3


def test_tail_against_direct_sampling():
    generator, replicates = np.random.default_rng(2), 200_000
    sizes = 5 + 2 * np.arange(40)
    logarithm = np.zeros(replicates)
    at, exceeding = np.array([1, 3, 10, 40]), []
    for fit, size in enumerate(sizes, start=1):
        logarithm += np.log(generator.chisquare(size - 1, replicates) / (size - 1))
        if fit in at:
            exceeding.append(np.mean(logarithm > 2 * np.log(0.6)))
    exact = tail_probability(sizes, 1, at, 0.6)
    error = np.sqrt(exact * (1 - exact) / replicates)

    def effects(sizes, ddof):
        return np.abs(exceeding - tail_probability(sizes, ddof, at, 0.6)) / error

    assert np.all(effects(sizes, 1) < 5)
    for which in range(len(at)):
        assert_seen(lambda strength, which=which: effects(sizes, 1 - strength)[which])
    assert_seen(lambda strength: effects(sizes + strength, 1).max())


@pytest.mark.parametrize("ddof", (0, 1))
@pytest.mark.parametrize("size", (3, 10, 100))
def test_bounds_hold_and_are_ordered(size, ddof):
    sizes, fits = np.full(200, size), np.arange(201)
    exact = tail_probability(sizes, ddof, fits, 0.1)
    theorem, bertrand, figure = (
        exponential_bound(sizes, 0.1),
        markov_bound(sizes, ddof, 0.1),
        markov_bound(sizes, ddof, 0.1, order=0.7),
    )
    assert np.all(exact <= np.minimum(bertrand, figure) + 1e-9) and np.all(bertrand <= theorem + 1e-12)
    if ddof == 1 and size < 100:  # 200 generations are too few to tell the two divisors at n = 100
        assert np.any(exact > markov_bound(sizes, 0, 0.1) + 1e-9)


def test_published_bounds():
    sizes = np.full(200, 10)
    assert np.allclose(exponential_bound(sizes, 0.1)[[111, 200]], [0.581, 0.059], atol=5e-4)
    assert np.allclose(markov_bound(sizes, 1, 0.1)[[111, 200]], [0.461, 0.039], atol=5e-4)
    assert np.allclose(markov_bound(sizes, 1, 0.1, 0.7)[[67, 111, 200]], [0.907, 0.295, 0.0305], atol=5e-4)


def test_normal_approximation():
    sizes, fits = np.full(200, 10), np.arange(23, 201)
    mean, variance, _ = log_variance_cumulants(sizes, 1)
    gap = normal_tail(mean[fits], variance[fits], 0.1) - tail_probability(sizes, 1, fits, 0.1)
    assert np.max(np.abs(gap)) < 0.006
