import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from mcollapse import random
from mcollapse.random.binomials import binomial_from_words

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

binomials = sampler(lambda key, law: random.binomial(key, 1, *law))
by_words = jax.jit(jax.vmap(binomial_from_words, in_axes=(0, None, None, None)))

# Small and large variances, and both sides of the boundary, 8.
LAWS = [
    *[(1, 0.3), (2, 0.7), (3, 0.5), (10, 0.3), (20, 0.5), (31, 0.5), (32, 0.5), (33, 0.5), (45, 0.5)],
    *[(60, 0.2), (100, 0.01), (100, 0.088), (100, 0.09), (1000, 0.001), (1000, 0.00805), (1000, 0.0081)],
    *[(1000, 0.3), (1000, 0.97), (100_000, 0.3), (10**6, 1e-6), (10**6, 0.5), (2**24, 1e-6), (2**24, 0.6)],
]


@pytest.mark.parametrize("n, p", LAWS)
def test_binomials(n, p):
    assert_counts_fit(binomials(n, p), stats.binom(n, float(np.float32(p))))


@pytest.mark.parametrize("n, p", [(31, 0.5), (33, 0.5), (100, 0.12), (1000, 0.012)])
def test_a_rounded_normal_would_be_seen(n, p):
    """The mutant without the corrections of the quantile."""
    p = float(np.float32(p))
    normal = np.random.default_rng(0).standard_normal(400_000)
    mutant = np.floor(n * p + normal * np.sqrt(n * p * (1 - p)) + 0.5).astype(int).clip(0, n)
    assert_seen(lambda strength: score(count_fit(shorter(mutant, strength), stats.binom(n, p))))


def test_certain_counts(key):
    assert (binomials(0, 0.3) == 0).all()
    assert (binomials(10, 0.0) == 0).all()
    assert (binomials(2**24, 1.0) == 2**24).all()
    assert (binomials(10, np.nan) == 0).all()
    assert (binomials(-3, 0.5) == 0).all()
    assert (binomials(10, 1.5) == 10).all() and (binomials(10, -0.5) == 0).all()
    assert random.binomial(key, 1, 10, 0.5).dtype == np.int32
    assert random.largest_count() == 2**24


@pytest.mark.parametrize("n, p", LAWS)
def test_counts_are_the_exact_quantiles_of_their_words(n, p):
    """All but 1 in 2,000, and those differ by 1: what is left is rounding and the fit."""
    p = np.float32(p)
    bits, fine, _ = words(50_000)
    moved = blurred(bits)
    count = np.asarray(by_words(bits, jnp.int32(n), p, 1 - p)).astype(np.int64)
    count = n - count if p > 0.5 else count

    def exact(rarer):
        variance = n * rarer * (1 - rarer)
        return exact_counts(stats.binom(n, rarer), n * rarer, variance, moved if variance >= 8 else fine)

    rarer = float(min(p, 1 - p))
    assert np.abs(count - exact(rarer)).max() <= 1
    assert (count != exact(rarer)).mean() < 5e-4
    assert (count != exact(rarer * 0.99)).mean() > 5e-4


def test_rare_failures_keep_their_probability():
    """1 - p is a number of its own: with 1e-9 and n = 2^24 one count in sixty is not n, where 1 - p rounds to 0."""
    sample = by_words(words(200_000)[0], jnp.int32(2**24), jnp.float32(1), jnp.float32(1e-9))
    failures = 2**24 - np.asarray(sample)

    def fit(rate):
        return count_fit(failures, stats.binom(2**24, rate))

    assert_fits(fit, 1e-9, lambda strength: 1e-9 * (1 - strength))


@pytest.mark.slow
@pytest.mark.parametrize("n, p", LAWS)
def test_many_binomials(n, p):
    """2e7 draws, that see a mean moved by a hundredth of a standard deviation."""
    assert_counts_fit(many(binomials, n, p, batches=20), stats.binom(n, float(np.float32(p))), shift=0.01)
