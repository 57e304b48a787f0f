import jax
import numpy as np
import pytest
from scipy import stats

from mcollapse import random
from mcollapse.random.poissons import poisson_from_words

from .goodness import (
    assert_counts_fit,
    assert_fits,
    assert_seen,
    blurred,
    count_fit,
    exact_counts,
    many,
    sampler,
    score,
    shorter,
    words,
)

poissons = sampler(lambda key, law: random.poisson(key, 1, *law))
by_words = jax.jit(jax.vmap(poisson_from_words, in_axes=(0, None)))

# Small and large, and both sides of the boundary, 8.
RATES = [
    *[1e-4, 0.01, 0.1, 0.5, 1.0, 2.0, 3.0, 5.0, 7.9, 7.999, 8.0, 8.1, 9.0, 12.0, 20.0, 50.0],
    *[1000.0, 1e5, 1e6, 2.0**24],
]


@pytest.mark.parametrize("rate", RATES)
def test_poissons(rate):
    assert_counts_fit(poissons(rate), stats.poisson(float(np.float32(rate))))


@pytest.mark.parametrize("rate", [8.0, 12.0, 20.0])
def test_a_rounded_normal_would_be_seen(rate):
    """The mutant without the corrections of the quantile."""
    normal = np.random.default_rng(0).standard_normal(400_000)
    mutant = np.floor(rate + normal * np.sqrt(rate) + 0.5).astype(int).clip(0)
    assert_seen(lambda strength: score(count_fit(shorter(mutant, strength), stats.poisson(rate))))


@pytest.mark.parametrize("rate", [8.0, 20.0, 50.0])
def test_a_binomial_would_be_seen(rate):
    sample = poissons(rate)

    def wrong(strength):
        n = round(2 * rate / strength)
        return stats.binom(n, rate / n)

    assert_fits(lambda law: count_fit(sample, law), stats.poisson(rate), wrong)


@pytest.mark.parametrize("rate", [0.0, -0.0, -3.0, -np.inf, np.nan, 1e-40])
def test_no_rate_no_counts(rate):
    assert (poissons(np.float32(rate), replicates=1000) == 0).all()


def test_a_rate_too_large_is_the_largest(key):
    assert np.abs(poissons(np.inf, replicates=1000) - 1e9).max() < 7 * 1e9**0.5
    assert (poissons(1e9, replicates=1000) == poissons(np.inf, replicates=1000)).all()
    assert random.poisson(key, 1, 3).dtype == np.int32


@pytest.mark.parametrize("rate", [*RATES, 1e9])
def test_counts_are_the_exact_quantiles_of_their_words(rate):
    """All but 1 in 2,000, and those differ by 1: what is left is rounding, most of it above 2^24, and the fit."""
    rate = np.float32(rate)
    bits, fine, _ = words(50_000)
    count = np.asarray(by_words(bits, rate)).astype(np.int64)
    v = fine if rate < 8 else blurred(bits)

    def exact(rate):
        return exact_counts(stats.poisson(rate), rate, rate, v)

    rate = float(rate)
    assert np.abs(count - exact(rate)).max() <= 1
    assert (count != exact(rate)).mean() < (5e-4 if rate <= 2**24 else 4e-3)
    assert (count != exact(rate * 1.01 + 0.001)).mean() > 5e-4


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
def test_many_poissons(rate):
    """1e7 draws, that see a mean moved by a hundredth of a standard deviation (two, with so many cells as at 2^24)."""
    shift = 0.01 if rate <= 1e6 else 0.02
    assert_counts_fit(many(poissons, rate), stats.poisson(float(np.float32(rate))), shift)
