"""Histograms: the counts of numpy, whatever the edges and the values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc

LANES = 512
RNG = np.random.default_rng(3)
TINY = np.finfo(np.float32).smallest_normal


def histogram(values, reducer, replicates=None, chunk=LANES):
    values = np.asarray(values)
    replicates = replicates or values.shape[-1]
    collector = reducer.collector(values.shape[:-1], values.dtype, np.arange(len(values)), replicates)
    summarise = jax.jit(reducer.summarise)
    for first in range(0, values.shape[-1], chunk):
        part = jnp.asarray(values[..., first : first + chunk])
        collector.add(first, np.asarray(summarise(part, jnp.ones(part.shape[-1], bool))))
    return collector.finish()


def agree(entry, values):
    """Numpy's counts, in double precision, of what is finite."""
    for i, row in enumerate(np.asarray(values, np.float64)):
        np.testing.assert_array_equal(entry.counts[i], np.histogram(row[np.isfinite(row)], entry.edges)[0])
        assert entry.underflow[i] == np.sum(row < entry.edges[0])
        assert entry.overflow[i] == np.sum(row > entry.edges[-1])
        assert entry.nan[i] == np.isnan(row).sum()


@pytest.mark.parametrize(
    "edges",
    [
        [-1.0, 0.0],
        [0.0, 0.1, 0.2, 0.3, 1.0],  # that single precision does not have
        np.linspace(-3, 3, 101),
        [1.0, 1.0 + 1e-12, 2.0],  # apart in double precision alone
        [-1e39, 0.0, 1e300],  # beyond single precision
        [-1, 0, 1, 2],
    ],
)
def test_counts_are_those_of_numpy(edges):
    values = np.float32(RNG.normal(size=(4, LANES)))
    values[1] = np.resize(np.clip(edges, -3e38, 3e38), LANES)  # on the edges,
    values[2] = np.nextafter(values[1], np.float32(5), dtype=np.float32)  # and beside them
    values[2, np.abs(values[2]) < TINY] = 0.0
    values[3, :200] = np.resize(np.float32([np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 0.0, -0.0]), 200)
    agree(histogram(values, mc.Histogram(edges=edges)), values)


def test_equal_bins_are_those_of_linspace():
    values = np.float32(RNG.uniform(-1, 2, (2, LANES)))
    entry = histogram(values, mc.Histogram(low=0.0, high=1.0, bins=7))
    agree(entry, values)
    np.testing.assert_array_equal(entry.edges, np.linspace(0, 1, 8))


def test_a_histogram_with_closed_upper_edges_is_another():
    values = np.float32(RNG.integers(0, 4, (1, LANES)))
    entry = histogram(values, mc.Histogram(edges=[0, 1, 2, 3]))
    agree(entry, values)
    closed = -histogram(-values, mc.Histogram(edges=[-3, -2, -1, 0])).counts[:, ::-1]
    assert not np.array_equal(-closed, entry.counts)


def test_whole_numbers_truth_values_and_the_smallest():
    counts = RNG.integers(-3, 9, (1, LANES)).astype(np.int32)
    agree(histogram(counts, mc.Histogram(edges=[0, 1, 5, 6])), counts)
    truths = RNG.random((1, LANES)) < 0.3
    assert histogram(truths, mc.Histogram(edges=[0, 0.5, 1])).counts.tolist() == [
        [np.sum(~truths), truths.sum()]
    ]
    small = np.resize(np.float32([1e-40, -1e-40, 0.0]), (1, LANES))
    assert histogram(small, mc.Histogram(edges=[-1, 0])).counts.tolist() == [[LANES]]
    assert histogram(small, mc.Histogram(edges=[0, 1])).counts.tolist() == [[LANES]]


def test_shares_densities_and_their_errors():
    values = np.float32(RNG.normal(size=(3, LANES)))
    values[2] = np.nan
    entry = histogram(values, mc.Histogram(edges=[-1, 0, 2]), replicates=500, chunk=128)
    agree(entry, values[:, :500])
    p = np.mean((values[:, :500] >= -1) & (values[:, :500] < 0), axis=1)[:2]
    np.testing.assert_allclose(entry.probability[:2, 0], p)
    np.testing.assert_allclose(entry.standard_error[:2, 0], np.sqrt(p * (1 - p) / 500))
    np.testing.assert_allclose(entry.density * [1, 2], entry.probability)
    inside = 1 - (entry.underflow + entry.overflow)[:2] / 500
    np.testing.assert_allclose((entry.density @ [1, 2])[:2], inside)
    assert np.all(np.isnan(entry.probability[2])) and entry.count.tolist() == [500, 500, 0]
