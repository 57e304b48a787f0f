import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from mcollapse import random

from .goodness import assert_counts_fit, assert_fits, cell_fit, count_fit, keys, moment_fit, sampler

multinomials = sampler(lambda key, law: random.multinomial(key, 1, *law))
indices = sampler(lambda key, law: random.categorical(key, 1, *law))

WEIGHTS = np.array([0.0, 3.0, 0.5, 0.0, 1.0, 4.0, 0.01, 0.0, 0.0], np.float32)
SHARES = WEIGHTS.astype(float) / WEIGHTS.sum()


def first(*weights):
    return np.array(weights + (0,) * (9 - len(weights)), np.float32)


@pytest.mark.parametrize("n", [1, 2, 7, 100, 400, 10_000])
def test_multinomials(n):
    sample = multinomials(n, WEIGHTS)
    assert sample.dtype == np.int32 and sample.min() >= 0
    assert (sample.sum(1) == n).all()
    assert (sample[:, WEIGHTS == 0] == 0).all()
    for part in ([1], [5], [6], [1, 2], [4, 5, 6]):
        assert_counts_fit(sample[:, part].sum(1), stats.binom(n, SHARES[part].sum()))

    def fit(law):
        weights, independent = law
        p = weights[WEIGHTS > 0] / weights.sum()
        covariance = n * (np.diag(p) - (1 - independent) * np.outer(p, p))
        return moment_fit(sample[:, WEIGHTS > 0], n * p, covariance)

    larger = np.where(np.arange(9) == 4, 0.1 * n**-0.5, 0)
    assert_fits(
        fit,
        (SHARES, 0),
        lambda strength: (SHARES * (1 + strength * larger), 0),
        lambda strength: (SHARES, strength),  # as Poisson counts would be
    )


def test_none_of_none():
    assert (multinomials(0, WEIGHTS) == 0).all()


def test_a_small_table_has_its_probabilities():
    """All 15 tables of n = 4 over 3 categories."""
    p = first(0.2, 0.5, 0.3)[:3]
    sample = multinomials(4, first(*p))[:, :3]
    tables = [(a, b, 4 - a - b) for a in range(5) for b in range(5 - a)]
    observed = np.array([(sample == table).all(1).sum() for table in tables])

    def expected(shares):
        return len(sample) * stats.multinomial(4, shares).pmf(tables)

    exact = p.astype(float) / p.astype(float).sum()
    assert observed.sum() == len(sample)
    assert_fits(
        lambda shares: cell_fit(observed, expected(shares), least=1),
        exact,
        lambda strength: exact + strength * np.array([0.005, -0.005, 0]),
    )


@pytest.mark.parametrize("value", [1.0, 1e-30, 3e30])
@pytest.mark.parametrize("only", [0, 4, 8])
def test_one_positive_weight_takes_all(only, value):
    weights = np.zeros(9, np.float32)
    weights[only] = value
    sample = multinomials(50, weights)
    assert (sample[:, only] == 50).all() and (sample.sum(1) == 50).all()
    assert (indices(weights) == only).all()


def test_weights_without_a_sum_are_answered(key):
    assert (multinomials(5, np.zeros(9, np.float32)) == 0).all()
    wrong = np.where(np.arange(9) == 3, np.nan, WEIGHTS).astype(np.float32)
    assert multinomials(5, wrong).min() >= 0 and multinomials(5, wrong).sum(1).max() <= 5
    assert indices(wrong).min() >= 0 and indices(wrong).max() < 9
    assert random.multinomial(key, 1, 5, np.ones(1)).tolist() == [5]


def test_after_a_dominant_category_the_rare_ones_keep_their_shares():
    """1 - p is the sum of the later weights: as a difference it would be 6e-8 in place of 8e-8."""
    sample = multinomials(2**24, first(1.0, 4e-8, 4e-8))
    for category in (1, 2):

        def fit(share, category=category):
            return count_fit(sample[:, category], stats.binom(2**24, share))

        assert_fits(fit, 4e-8, lambda strength: 4e-8 - 1e-8 * strength)


def test_categories():
    shape = (4, 2)
    many = jax.jit(jax.vmap(lambda key: random.categorical(key, 1, jnp.asarray(WEIGHTS), shape)))
    arrays = np.asarray(many(keys(1, 50_000)))
    assert arrays.shape == (50_000, 4, 2) and arrays.dtype == np.int32
    shares, moved = SHARES[WEIGHTS > 0], np.array([0.01, 0, 0, -0.01, 0])
    for sample in (indices(WEIGHTS), arrays.ravel()):
        observed = np.bincount(sample, minlength=WEIGHTS.size)
        assert (observed[WEIGHTS == 0] == 0).all()
        observed = observed[WEIGHTS > 0]

        def fit(shares, observed=observed):
            return cell_fit(observed, shares * observed.sum())

        assert_fits(fit, shares, lambda strength: shares + strength * moved)


def test_a_category_of_weight_zero_is_never_drawn():
    """Ten thousand weights that do not add up exactly, with zeros between, before and after."""
    weights = np.random.default_rng(0).gamma(0.3, size=10_000).astype(np.float32)
    weights[::3] = 0
    weights[-100:] = 0
    sample = np.asarray(random.categorical(jax.random.key(0), 1, jnp.asarray(weights), (200_000,)))
    assert (weights[sample] > 0).all()
    expected = weights.astype(float) / weights.astype(float).sum() * sample.size
    observed = np.bincount(sample, minlength=weights.size)

    def neighbour(strength):  # in place of so many indices the next one
        return (1 - strength) * expected + strength * np.roll(expected, 1)

    assert_fits(lambda law: cell_fit(observed, law), expected, neighbour)
