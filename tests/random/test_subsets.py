import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mcollapse.random import subsample_mask, subsets

from .goodness import LEVEL, cell_fit, sampler

PRESENT = np.array([1, 1, 0, 1, 1, 0, 1], bool)

masks = sampler(lambda key, pool: subsample_mask(key, 1, *pool))


def frequencies(masks: np.ndarray, rows: list[int], size: int) -> np.ndarray:
    codes = masks.astype(int) @ (1 << np.arange(masks.shape[1]))
    subsets_of_size = [sum(1 << i for i in rows_) for rows_ in itertools.combinations(rows, size)]
    return np.array([(codes == code).sum() for code in subsets_of_size])


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_subset_is_equally_frequent(count):
    sample = masks(PRESENT, count)
    observed = frequencies(sample, [0, 1, 3, 4, 6], count)
    assert observed.sum() == len(sample)
    expected = np.full(observed.size, observed.sum() / observed.size)
    assert cell_fit(observed, expected) > LEVEL
    mutant = expected * (1 + 0.03 * (-1.0) ** np.arange(observed.size))
    assert cell_fit(observed, mutant) < LEVEL


@pytest.mark.parametrize("count, kept", [(0, 0), (-1, 0), (5, 5), (6, 5), (100, 5)])
def test_sizes_at_the_edges(count, kept):
    sample = masks(PRESENT, count)
    assert (sample.sum(1) == kept).all() and not (sample & ~PRESENT).any()


@pytest.mark.parametrize("rows, count", [(1, 1), (1000, 300)])
def test_sizes_are_exact_in_a_large_pool(rows, count):
    present = np.arange(rows) % 3 != 1
    sample = masks(present, count, replicates=200)
    assert (sample.sum(1) == min(count, present.sum())).all() and not (sample & ~present).any()


def test_nobody_present():
    assert not masks(np.zeros(5, bool), 3, replicates=10).any()


def test_rows_of_the_same_label_are_taken_in_order(monkeypatch):
    """Labels 7, 3, 7, 7, 3, largest, largest: the last two rows are present and share the label of the absent."""
    labels = jnp.array([7, 3, 7, 7, 3, 2**32 - 1, 2**32 - 1], np.uint32)
    monkeypatch.setattr(subsets, "bits", lambda key, site, shape: (labels, labels))
    present = jnp.array([1, 1, 0, 1, 1, 1, 1], bool)
    kept = jax.jit(lambda count: subsample_mask(jax.random.key(0), 1, present, count))
    order = [1, 4, 0, 3, 5, 6]
    for count in range(7):
        assert sorted(np.flatnonzero(kept(count))) == sorted(order[:count])
