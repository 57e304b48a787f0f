import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mcollapse.random import subset
from mcollapse.random.subsets import _below

from .goodness import assert_cells_fit, sampler

CAPACITY = 8


def indices(total: int, count: int, **options) -> np.ndarray:
    return sampler(lambda key, sizes: subset(key, 1, sizes[0], sizes[1], CAPACITY))(total, count, **options)


def frequencies(sample: np.ndarray, total: int, size: int) -> np.ndarray:
    codes = (1 << np.sort(sample[:, :size], axis=1)).sum(axis=1)
    return np.array(
        [(codes == sum(1 << i for i in rows)).sum() for rows in itertools.combinations(range(total), size)]
    )


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_subset_is_equally_frequent(count):
    sample = indices(6, count)
    observed = frequencies(sample, 6, count)
    assert observed.sum() == len(sample)  # no index twice, none out of range
    assert_cells_fit(observed, np.full(observed.size, observed.mean()))


@pytest.mark.parametrize(
    "total, count, kept", [(5, 0, 0), (5, -1, 0), (5, 5, 5), (5, 6, 5), (100, 20, 8), (0, 3, 0)]
)
def test_sizes_at_the_edges(total, count, kept):
    sample = indices(total, count, replicates=100)
    assert ((sample >= 0).sum(axis=1) == kept).all() and (sample < max(total, 1)).all()
    assert (sample[:, kept:] == -1).all()
    assert all(len(set(row[:kept])) == kept for row in sample)


def test_a_number_below_a_limit_is_a_product_of_64_bits():
    rng = np.random.default_rng(0)
    words = np.concatenate([rng.integers(0, 2**32, 1000), [0, 2**32 - 1]]).astype(np.uint32)
    limits = np.concatenate([rng.integers(1, 2**31 - 1, 1000), [1, 2**31 - 1]]).astype(np.int32)
    expected = (words.astype(np.uint64) * limits.astype(np.uint64)) >> np.uint64(32)
    np.testing.assert_array_equal(
        np.asarray(jax.vmap(_below)(jnp.asarray(words), jnp.asarray(limits))), expected
    )
