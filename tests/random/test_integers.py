"""Uniform integers: exact products of 128 bits, and their frequencies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mcollapse import random
from mcollapse.random.integers import integer_from_words, product

from .goodness import assert_cells_fit, many, sampler

SHAPE = (3,)
CELLS = 64

# One integer, and one of an array of them.
numbers = sampler(lambda key, law: (random.integers(key, 1, *law), random.integers(key, 2, *law, SHAPE)[2]))

LIMITS = [
    1,
    2,
    3,
    5,
    7,
    10,
    64,
    100,
    255,
    256,
    257,
    1000,
    65_535,
    65_536,
    65_537,
    10**6,
    2**30 + 1,
    2**31 - 1,
]


def assert_uniform(sample: np.ndarray, limit: int, change: float) -> None:
    """In every part of the range as many as there are integers in it, and not uneven by `change`."""
    assert sample.dtype == np.int32 and sample.min() >= 0 and sample.max() < limit
    edges = np.unique(np.linspace(0, limit, min(limit, CELLS) + 1).astype(np.int64))
    observed = np.histogram(sample, edges)[0]
    observed[-1] += (sample == limit).sum()
    expected = np.diff(edges) / limit * sample.size
    if observed.size > 1:
        assert_cells_fit(observed, expected, change)


@pytest.mark.parametrize("limit", LIMITS)
def test_every_integer_is_equally_frequent(limit):
    for sample in numbers(limit):
        assert_uniform(sample, limit, change=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("limit", LIMITS)
def test_every_integer_is_equally_frequent_in_many(limit):
    """1e7 draws."""
    for sample in many(numbers, limit):
        assert_uniform(sample, limit, change=0.01)


@pytest.mark.parametrize("limit", [1, 0, -5])
def test_below_one_is_nothing_but_zero(limit):
    assert all((sample == 0).all() for sample in numbers(limit, replicates=100))


WORDS = np.array([0, 1, 0xFFFF, 0x10000, 2**31, 2**32 - 2, 2**32 - 1], np.uint32)
PAIRS = np.stack(np.meshgrid(WORDS, WORDS, LIMITS), -1).reshape(-1, 3)


def words_and_limits():
    """Edges in all combinations, and a thousand at random."""
    rng = np.random.default_rng(0)
    other = [rng.integers(0, 2**32, 1000), rng.integers(0, 2**32, 1000), rng.integers(1, 2**31, 1000)]
    high, low, limit = np.concatenate([PAIRS, np.stack(other, -1)]).T
    return high.astype(np.uint32), low.astype(np.uint32), limit.astype(np.int32)


def test_a_product_has_all_its_digits():
    word, _, limit = words_and_limits()
    whole, part = (np.asarray(x) for x in jax.jit(product)(jnp.asarray(word), jnp.asarray(limit)))
    expected = word.astype(np.uint64) * limit.astype(np.uint64)
    np.testing.assert_array_equal(whole, expected >> np.uint64(32))
    np.testing.assert_array_equal(part, expected & np.uint64(2**32 - 1))


def test_an_integer_is_the_whole_part_of_the_limit_times_a_fraction_of_64_digits():
    high, low, limit = words_and_limits()
    found = jax.jit(integer_from_words)((jnp.asarray(high), jnp.asarray(low)), jnp.asarray(limit))
    numbers = zip(high.tolist(), low.tolist(), limit.tolist(), strict=True)
    expected = [((a << 32) + b) * n >> 64 for a, b, n in numbers]
    np.testing.assert_array_equal(np.asarray(found), expected)
