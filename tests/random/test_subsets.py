import itertools

import numpy as np
import pytest

from mcollapse.random import subset

from .goodness import REPLICATES, assert_cells_fit, sampler

CAPACITY = 8

indices = sampler(lambda key, sizes: subset(key, 1, *sizes, CAPACITY))

# Of little, all but one, one of many, up to 1,225 subsets.
SIZES = [
    *[
        (2, 1),
        (3, 1),
        (3, 2),
        (4, 2),
        (5, 4),
        (6, 1),
        (6, 2),
        (6, 3),
        (6, 5),
        (8, 7),
        (9, 8),
        (9, 4),
        (12, 6),
    ],
    *[(20, 3), (50, 2), (1000, 1)],
]


def frequencies(sample: np.ndarray, total: int, size: int) -> np.ndarray:
    places = total ** np.arange(size)
    codes = np.sort(sample[:, :size], axis=1) @ places
    every = np.array(list(itertools.combinations(range(total), size))) @ places
    return (
        (codes[:, None] == every).sum(0)
        if every.size < 10
        else np.bincount(codes, minlength=every.max() + 1)[every]
    )


@pytest.mark.parametrize("total, size", SIZES)
def test_every_subset_is_equally_frequent(total, size):
    observed = frequencies(indices(total, size), total, size)
    assert observed.sum() == REPLICATES  # no index twice, none out of range
    assert_cells_fit(observed, np.full(observed.size, observed.mean()))


@pytest.mark.parametrize(
    "total, count, kept", [(5, 0, 0), (5, -1, 0), (5, 5, 5), (5, 6, 5), (100, 20, 8), (0, 3, 0), (-2, 3, 0)]
)
def test_sizes_at_the_edges(total, count, kept):
    sample = indices(total, count, replicates=100)
    assert ((sample >= 0).sum(axis=1) == kept).all() and (sample < max(total, 1)).all()
    assert (sample[:, kept:] == -1).all()
    assert all(len(set(row[:kept])) == kept for row in sample)


@pytest.mark.slow
@pytest.mark.parametrize("total, size", SIZES)
def test_every_subset_is_equally_frequent_in_many(total, size):
    """In 1e7 draws, that see frequencies wrong by a hundredth."""
    samples = (indices(total, size, seed=seed, replicates=10**6) for seed in range(10))
    observed = sum(frequencies(sample, total, size) for sample in samples)
    assert observed.sum() == 10**7
    assert_cells_fit(observed, np.full(observed.size, observed.mean()), change=0.01)
