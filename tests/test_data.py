"""Data is an algebra: statistics merge as their points do, and scale as their weights do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mcollapse.data import Batch, Counts, MeanVariance, Samples
from mcollapse.families import Categorical, Gaussian


def gaussian_statistics(values):
    values = jnp.asarray(values, jnp.float32)
    samples = Samples(values, jnp.ones(values.shape[0], jnp.int32))
    return Gaussian().statistics(samples, Gaussian.Params(0.0, 0.0))


def as_numbers(s):
    return np.asarray([float(s.count), float(s.mean), float(s.count) * float(jnp.exp(s.log_variance))])


def test_merging_equals_pooling():
    rng = np.random.default_rng(0)
    a, b = rng.normal(3, 2, 17), rng.normal(-1, 0.5, 40)
    merged = as_numbers(gaussian_statistics(a).merge(gaussian_statistics(b)))
    both = np.concatenate([a, b])
    np.testing.assert_allclose(merged, [57, both.mean(), 57 * both.var()], rtol=2e-6)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_merging_is_associative_and_commutative(order):
    parts = [gaussian_statistics(v) for v in ([1.0, 2.0], [5.0, 5.5, 7.0], [-3.0])]
    expected = as_numbers(parts[0].merge(parts[1]).merge(parts[2]))
    a, b, c = (parts[i] for i in order)
    np.testing.assert_allclose(as_numbers(a.merge(b.merge(c))), expected, rtol=2e-6)


def test_zero_is_neutral_on_both_sides():
    s = gaussian_statistics([1.0, 2.0, 4.0])
    for merged in (s.merge(s.zero()), s.zero().merge(s)):
        np.testing.assert_allclose(as_numbers(merged), as_numbers(s), rtol=1e-6)
    nothing = s.zero().merge(s.zero())
    assert nothing.count == 0 and nothing.log_variance == -jnp.inf and nothing.mean == 0


def test_one_point_has_no_scatter_and_merges_without_nan():
    one = gaussian_statistics([2.0])
    assert one.log_variance == -jnp.inf
    both = one.merge(gaussian_statistics([4.0]))
    np.testing.assert_allclose(as_numbers(both), [2, 3.0, 2.0], rtol=1e-6)
    assert one.merge(gaussian_statistics([2.0])).log_variance == -jnp.inf


def test_scaling_weighs_points():
    s = gaussian_statistics([1.0, 3.0]).scale(jnp.float32(2.5))
    np.testing.assert_allclose(as_numbers(s), [5.0, 2.0, 5.0], rtol=1e-6)
    counts = Counts(jnp.asarray([1, 2], jnp.int32))
    assert counts.counts.dtype == jnp.int32 and counts.merge(counts).counts.dtype == jnp.int32
    np.testing.assert_array_equal(np.asarray(counts.scale(jnp.float32(0.5)).counts), [0.5, 1.0])


def test_a_variance_too_small_for_float32_keeps_its_logarithm():
    tiny = MeanVariance(jnp.int32(10), jnp.float32(0.0), jnp.float32(-230.0))
    merged = tiny.merge(tiny)
    assert np.isclose(float(merged.log_variance), -230.0, rtol=1e-6)


@pytest.mark.parametrize("ddof", [0, 1, 2])
def test_a_large_sample_keeps_the_digits_that_drift(ddof):
    """log n is 14 at a million points, and rounded alike each generation; nothing may pass through it."""
    n, v = 10**6, jnp.asarray(2.0**-10, jnp.result_type(float))
    data = MeanVariance(jnp.int32(n), jnp.zeros_like(v), v)
    fitted, _ = Gaussian().maximum_likelihood(data, Gaussian.Params(0.0, 0.0), ddof)
    assert abs(float(fitted.log_variance) - float(v) + np.log1p(-ddof / n)) < 1e-10
    merged = data.merge(data)
    assert abs(float(merged.log_variance) - float(v)) < 1e-7


def test_batch_forgets_provenance_in_all():
    rows = jnp.arange(6, dtype=jnp.int32)
    real = Samples(rows, jnp.asarray([1, 1, 0, 0, 0, 0], jnp.int32))
    synthetic = Samples(rows, jnp.asarray([0, 0, 1, 1, 1, 0], jnp.int32))
    shared = Batch(real, synthetic, 0.4, one_buffer=True)
    apart = Batch(real, synthetic, 0.4)
    assert shared.all.rows.shape == (6,) and apart.all.rows.shape == (12,)
    like = Categorical.Params.uniform(6)
    for batch in (shared, apart):
        counts = Categorical().statistics(batch.all, like).counts
        np.testing.assert_array_equal(np.asarray(counts), [1, 1, 1, 1, 1, 0])


def test_parts_that_never_come_are_none_not_zero():
    only = Batch(None, Counts(jnp.asarray([3, 4], jnp.int32)))
    merged = only.merge(only)
    assert merged.real is None and int(merged.all.count) == 14
    assert only.zero().real is None and int(only.zero().synthetic.count) == 0
    with pytest.raises(ValueError, match="neither a real nor a synthetic part"):
        _ = Batch(None, None).all


def test_batches_pass_through_programs():
    batch = Batch(Counts(jnp.asarray([1, 2], jnp.int32)), None, 0.5)
    same = jax.jit(lambda b: b)(batch)
    assert same.synthetic is None and float(same.share) == 0.5
