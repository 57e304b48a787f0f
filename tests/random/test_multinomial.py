import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from mcollapse import random

from .goodness import LEVEL, cell_fit, count_fit, keys, moment_fit, sampler

multinomials = sampler(lambda key, law: random.multinomial(key, 1, *law))
indices = sampler(lambda key, law: random.categorical(key, 1, *law))

WEIGHTS = np.array([0.0, 3.0, 0.5, 0.0, 1.0, 4.0, 0.01, 0.0, 0.0], np.float32)
SHARES = WEIGHTS.astype(float) / WEIGHTS.sum()


def first(*weights):
    return np.array(weights + (0,) * (9 - len(weights)), np.float32)


@pytest.mark.parametrize("n", [0, 1, 2, 7, 100, 400, 10_000])
def test_multinomials(n):
    sample = multinomials(n, WEIGHTS)
    assert sample.dtype == np.int32 and sample.min() >= 0
    assert (sample.sum(1) == n).all()
    assert (sample[:, WEIGHTS == 0] == 0).all()
    for part in ([1], [5], [6], [1, 2], [4, 5, 6]):
        law = stats.binom(n, SHARES[part].sum())
        assert count_fit(sample[:, part].sum(1), law) > LEVEL
    if n > 0:
        used = WEIGHTS > 0
        p = SHARES[used]
        covariance = n * (np.diag(p) - np.outer(p, p))
        assert moment_fit(sample[:, used], n * p, covariance) > LEVEL
        mutant = multinomials(
            n, (WEIGHTS * np.where(np.arange(9) == 4, 1.1, 1)).astype(np.float32), replicates=200_000
        )
        assert moment_fit(mutant[:, used], n * p, covariance) < LEVEL


def test_independent_poissons_would_be_seen():
    p = SHARES[WEIGHTS > 0]
    mutant = np.random.default_rng(0).poisson(100 * p, (200_000, p.size))
    assert moment_fit(mutant, 100 * p, 100 * (np.diag(p) - np.outer(p, p))) < LEVEL


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
    assert cell_fit(observed, expected(exact), least=1) > LEVEL
    assert cell_fit(observed, expected([0.205, 0.495, 0.3]), least=1) < LEVEL


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
        assert count_fit(sample[:, category], stats.binom(2**24, 4e-8)) > LEVEL
        assert count_fit(sample[:, category], stats.binom(2**24, 3e-8)) < LEVEL


def test_categories():
    shape = (4, 2)
    many = jax.jit(jax.vmap(lambda key: random.categorical(key, 1, jnp.asarray(WEIGHTS), shape)))
    arrays = np.asarray(many(keys(1, 50_000)))
    assert arrays.shape == (50_000, 4, 2) and arrays.dtype == np.int32
    for sample in (indices(WEIGHTS), arrays.ravel()):
        observed = np.bincount(sample, minlength=WEIGHTS.size)
        assert (observed[WEIGHTS == 0] == 0).all()
        expected = SHARES[WEIGHTS > 0] * sample.size
        assert cell_fit(observed[WEIGHTS > 0], expected) > LEVEL
        mutant = expected * np.array([1.04, 1, 1, 0.97, 1])
        assert cell_fit(observed[WEIGHTS > 0], mutant) < LEVEL


def test_a_category_of_weight_zero_is_never_drawn():
    """Ten thousand weights that do not add up exactly, with zeros between, before and after."""
    weights = np.random.default_rng(0).gamma(0.3, size=10_000).astype(np.float32)
    weights[::3] = 0
    weights[-100:] = 0
    sample = np.asarray(random.categorical(jax.random.key(0), 1, jnp.asarray(weights), (200_000,)))
    assert (weights[sample] > 0).all()
    expected = weights.astype(float) / weights.astype(float).sum() * sample.size
    observed = np.bincount(sample, minlength=weights.size)
    assert cell_fit(observed, expected) > LEVEL
    assert cell_fit(observed, np.roll(expected, 1)) < LEVEL
