"""Gram matrices of normal rows: their moments with many rows and with few, and what they share with rows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mcollapse import random
from mcollapse.random import Key

from .goodness import keys
from .test_wishart import assert_chi_square, assert_entries, assert_two_samples, factor_of

REPLICATES = 40_000
# dimension and rows: more rows than columns, as many, fewer, one
QUICK = [(3, 7), (4, 2), (14, 9)]
MORE = [(1, 1), (2, 1), (4, 4), (3, 2), (10, 40), (10, 9), (14, 14)]
SHAPES = [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in MORE)]


@functools.cache
def drawing(size: int, draws: str):
    def one(words, count):
        address = Key((words[0], words[1]), jnp.uint32(3), 0, draws)
        return random.gram_factor(address, 1, count, size, factor_of(size))

    return jax.jit(jax.vmap(one, in_axes=(0, None), out_axes=-1))


def factors(size: int, count: int, replicates: int = REPLICATES, seed: int = 5, draws: str = "fast"):
    """Factors [replicate, row, column]."""
    words = jax.random.key_data(keys(seed, replicates))
    return np.moveaxis(np.asarray(drawing(size, draws)(words, count), np.float64), -1, 0)


@functools.cache
def drawn(size: int, count: int, draws: str = "fast") -> np.ndarray:
    return factors(size, count, draws=draws)


@pytest.mark.parametrize("size, count", SHAPES)
def test_moments_and_marginal_laws(size, count):
    found = drawn(size, count)
    assert (np.triu(found, 1) == 0).all()
    assert (found[:, :, count:] == 0).all()
    assert_entries(found, size, count)
    sigma = np.sum(factor_of(size).astype(float) ** 2, axis=1)
    squares = np.sum(found**2, axis=2) / sigma
    for i in sorted({0, size - 1}):
        assert_chi_square(np.log(squares[:, i]), count, 1.0)


@pytest.mark.parametrize("size, count", [(4, 2), pytest.param(14, 9, marks=pytest.mark.slow)])
def test_two_hands_and_rows_have_one_law(size, count):
    """Draws of `jax.random`, and the decomposition of rows that numpy draws."""
    rows = np.random.default_rng(1).normal(size=(REPLICATES, count, size)) @ factor_of(size).T
    triangle = np.zeros((REPLICATES, size, size))
    upper = np.linalg.qr(rows, mode="r")
    upper = upper * np.sign(np.diagonal(upper, axis1=1, axis2=2))[:, :, None]
    triangle[:, :, :count] = np.swapaxes(upper, 1, 2)
    ours = drawn(size, count)
    for theirs in (triangle, drawn(size, count, "jax")):
        for i, j in {(0, 0), (size - 1, 0), (count - 1, count - 1), (size - 1, count - 1)}:
            assert_two_samples(ours[:, i, j], theirs[:, i, j])


@pytest.mark.slow
def test_no_rows_and_no_factor(key):
    assert (np.asarray(random.gram_factor(key, 1, 0, 3)) == 0).all()
    identity = random.gram_factor(key, 1, 2, 3, np.eye(3))
    np.testing.assert_array_equal(random.gram_factor(key, 1, 2, 3), identity)
    large = random.gram_factor(key, 1, 9, 14, np.eye(14))
    np.testing.assert_allclose(random.gram_factor(key, 1, 9, 14), large, rtol=1e-6)
    reference = Key(Key.of(key).words, jnp.uint32(0), 0, "jax")
    assert random.gram_factor(reference, 1, 2, 3).shape == (3, 3)


def test_with_more_rows_than_columns_it_is_a_wishart_factor(key):
    address = Key.of(key, 0)
    for size in (3, 14):
        one = random.gram_factor(address, 1, 20, size, factor_of(size))
        other = random.wishart_factor(address, 1, 20, factor_of(size))
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("size, count", [
    (1, 1), (1, 2), (1, 9), (2, 1), (2, 2), (2, 99), (3, 1), (3, 2), (3, 3), (3, 7), (4, 2), (4, 60), (6, 4), (6, 7),
    (10, 9), (10, 40),
])  # fmt: skip
def test_many_factors(size, count):
    """Ten million numbers: a mean wrong by a hundredth of a standard deviation is seen."""
    found = np.concatenate([factors(size, count, 10**6 // size, seed) for seed in range(10)])
    assert_entries(found, size, count, change=0.05)
    diagonal = np.diagonal(found, axis1=1, axis2=2) / np.diagonal(factor_of(size).astype(float))
    for i in sorted({0, min(size, count) - 1}):
        assert_chi_square(2 * np.log(diagonal[:, i]), count - i, 0.1)
