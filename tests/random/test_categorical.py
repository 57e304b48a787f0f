"""Indices of categories at many settings; those of weight 0 and of thousands of weights are in test_multinomial."""

import numpy as np
import pytest

from mcollapse import random

from .goodness import assert_fits, cell_fit, many, sampler

SHAPE = (2,)
CATEGORIES = 9

# One index, and one of an array of them.
indices = sampler(
    lambda key, law: (random.categorical(key, 1, *law), random.categorical(key, 2, *law, SHAPE)[1])
)

WEIGHTS = [
    *[
        (1, 1),
        (0.3, 0.7),
        (1e-3, 1),
        (1, 0, 0, 0, 0, 0, 0, 0, 1),
        (0, 0, 2, 0, 3),
        9 * (1,),
        (1, 2, 3, 4, 5, 6, 7, 8, 9),
    ],
    *[
        (0, 3, 0.5, 0, 1, 4, 0.01),
        (1, 1e-2, 1e-4, 1e-6),
        (1e-6, 1e-4, 1e-2, 1),
        (1e30, 2e30, 3e30),
        (1e-30, 2e-30, 3e-30),
    ],
    *[
        (1e-20, 1, 1e-20, 1),
        (1e20, 1, 1e20),
        (0.1, 0.2, 0.3, 0.4),
        (0.999, 5e-4, 5e-4),
        (1, 1 - 2**-20, 1 + 2**-20),
    ],
]


def filled(weights) -> np.ndarray:
    return np.array([*weights, *[0] * (CATEGORIES - len(weights))], np.float32)


def assert_indices(sample: np.ndarray, weights: np.ndarray, change: float) -> None:
    """Frequencies fit, and not if the last of the likely categories has some of the first."""
    observed = np.bincount(sample, minlength=CATEGORIES)
    assert sample.dtype == np.int32 and observed.size == CATEGORIES and (observed[weights == 0] == 0).all()
    shares = weights.astype(float) / weights.astype(float).sum()
    likely = np.flatnonzero(shares > 1e-5)
    moved = (
        change
        * (np.eye(CATEGORIES)[likely[-1]] - np.eye(CATEGORIES)[likely[0]])
        * shares[likely].min() ** 0.5
    )
    assert_fits(
        lambda shares: cell_fit(observed, shares * sample.size),
        shares,
        lambda strength: (1 - strength) * shares + strength * np.clip(shares + moved, 0, 1),
    )


@pytest.mark.parametrize("weights", WEIGHTS)
def test_categories_of_any_weights(weights):
    for sample in indices(filled(weights)):
        assert_indices(sample, filled(weights), change=0.05)


def test_a_single_category_is_certain():
    assert all((sample == 0).all() for sample in indices(filled((3,))))


@pytest.mark.slow
@pytest.mark.parametrize("weights", WEIGHTS)
def test_many_categories(weights):
    """1e7 draws."""
    for sample in many(indices, filled(weights)):
        assert_indices(sample, filled(weights), change=0.005)
