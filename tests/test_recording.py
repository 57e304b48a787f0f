"""Recording: what is kept, against numpy on whole trajectories."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.recording import HittingEntry, KeptEntry, resolve
from mcollapse.recording.entries import top_share
from mcollapse.recording.moments import Moments
from tests.helpers import GAUSSIAN, gaussian

RECORD = {
    "whole": mc.Record(mc.metrics.log_variance, reduce=mc.Keep()),
    "moments": mc.Record(mc.metrics.log_variance, reduce=mc.Moments()),
    "few": mc.Record(mc.metrics.log_variance, at=mc.every(4), reduce=mc.Keep(first=5)),
    "collapsed": mc.Record(mc.metrics.log_variance, reduce=mc.HittingTime(below=-0.5)),
    "grown": mc.Record(mc.metrics.log_variance, reduce=mc.HittingTime(above=0.5)),
    "vector": mc.Record(lambda family, params, truth: jnp.stack([params.mean, -params.mean]), at=[3]),
}


@pytest.fixture(scope="module")
def run():
    return mc.simulate(
        gaussian(sizes=10),
        GAUSSIAN,
        key=jax.random.key(3),
        generations=9,
        replicates=1500,
        record=RECORD,
        chunk=640,
    )


def test_moments_are_those_of_the_trajectories(run):
    values = run["whole"].values.astype(np.float64)
    assert values.shape == (1500, 10)
    for entry in (run["moments"], run["whole"]):
        np.testing.assert_allclose(entry.mean, values.mean(axis=0), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(entry.variance, values.var(axis=0, ddof=1), rtol=1e-5)
        np.testing.assert_allclose(
            entry.standard_error, values.std(axis=0, ddof=1) / np.sqrt(1500), rtol=1e-5
        )
    assert np.all(run["moments"].count == 1500)


def test_hitting_times_are_those_of_the_trajectories(run):
    values = run["whole"].values
    for name, crossed in (("collapsed", values < -0.5), ("grown", values > 0.5)):
        entry = run[name]
        hit = crossed.any(axis=1)
        first = np.where(hit, crossed.argmax(axis=1), -1)
        np.testing.assert_array_equal(entry.hits, np.bincount(first[hit], minlength=10))
        assert entry.censored == np.sum(~hit) and entry.replicates == 1500
        np.testing.assert_allclose(entry.probability[-1], hit.mean())
        assert entry.mean == np.inf  # some replicate never hits
    times = np.where((values < -0.5).any(axis=1), (values < -0.5).argmax(axis=1), np.inf)
    assert run["collapsed"].median == np.sort(times)[749]


def test_some_generations_of_some_replicates(run):
    few = run["few"]
    assert few.generations.tolist() == [0, 4, 8, 9] and few.values.shape == (5, 4)
    np.testing.assert_array_equal(few.values, run["whole"].values[:5][:, [0, 4, 8, 9]])


def test_a_users_own_metric_may_be_a_vector(run):
    vector = run["vector"].values
    assert vector.shape == (1500, 1, 2)
    np.testing.assert_array_equal(vector[..., 0], -vector[..., 1])


def test_which_generations():
    assert resolve(mc.Record(mc.metrics.mean).at, 3).tolist() == [0, 1, 2, 3]
    assert resolve(mc.every(5), 12).tolist() == [0, 5, 10, 12]
    spaced = mc.log_spaced(1000, 40)
    assert spaced[0] == 0 and spaced[-1] == 1000 and len(spaced) <= 40
    assert np.all(np.diff(spaced) > 0)


def test_moments_merge_in_blocks_whatever_the_cuts():
    rng = np.random.default_rng(0)
    values = rng.lognormal(size=(3, 512)).astype(np.float32)
    present = np.arange(512) < 500

    def reduced(cuts):
        collector = Moments().collector((3,), np.float32, np.arange(3), 500)
        for first, last in zip(cuts[:-1], cuts[1:], strict=True):
            summary = Moments().summarise(
                jnp.asarray(values[:, first:last]), jnp.asarray(present[first:last])
            )
            collector.add(first, jax.tree.map(np.asarray, summary))
        return collector.finish()

    whole, parts = reduced([0, 512]), reduced([0, 128, 384, 512])
    np.testing.assert_array_equal(whole.mean, parts.mean)
    np.testing.assert_array_equal(whole.variance, parts.variance)
    np.testing.assert_allclose(whole.mean, values[:, :500].mean(axis=1, dtype=float), rtol=1e-6)
    np.testing.assert_allclose(whole.variance, values[:, :500].astype(float).var(axis=1, ddof=1), rtol=1e-5)


def test_values_that_are_not_finite_are_left_out_and_counted():
    values = np.asarray([[1.0, 2.0, -np.inf, 3.0] + [0.0] * 124], np.float32)
    summary = Moments().summarise(jnp.asarray(values), jnp.asarray(np.arange(128) < 4))
    collector = Moments().collector((1,), np.float32, np.arange(1), 4)
    collector.add(0, jax.tree.map(np.asarray, summary))
    entry = collector.finish()
    assert (
        entry.count.tolist() == [3.0]
        and np.isclose(entry.mean[0], 2.0)
        and np.isclose(entry.variance[0], 1.0)
    )
    kept = KeptEntry(values.T[:4], np.arange(1))
    assert kept.count.tolist() == [3] and np.isclose(kept.mean[0], 2.0)


def test_heavy_tails_are_flagged():
    rng = np.random.default_rng(1)
    light, heavy = rng.normal(size=20_000) ** 2, np.exp(4 * rng.normal(size=20_000))
    share = top_share(np.stack([light, heavy], axis=1), np.asarray([light.sum(), heavy.sum()]), 20_000)
    assert share[0] < 0.05 and share[1] > 0.3
    entry = KeptEntry(np.stack([light, heavy], axis=1), np.arange(2))
    assert entry.heavy.tolist() == [False, True]


def test_censored_replicates_are_counted_not_dropped():
    entry = HittingEntry(np.asarray([0, 2, 1]), np.asarray(5))
    assert entry.replicates == 8 and entry.probability.tolist() == [0.0, 0.25, 0.375]
    assert entry.median == np.inf and entry.mean == np.inf
    assert HittingEntry(np.asarray([0, 2, 2]), np.asarray(0)).mean == 1.5
