"""What a user writes: twenty lines of their own for each contract, run like ours."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import mcollapse as mc
from mcollapse import random
from mcollapse.abstract_process import AbstractProcess
from mcollapse.data import Batch, Counts, Samples
from mcollapse.description import NotRebuilt, describe, rebuild_process
from mcollapse.estimators import AbstractEstimator
from mcollapse.families import AbstractFamily
from mcollapse.pools import AbstractPool
from mcollapse.random import Key
from mcollapse.schedules import AbstractSchedule, number
from mcollapse.sources import AbstractSource
from tests.helpers import GAUSSIAN, ZIPF, categorical, gaussian
from tests.statistical import assert_agrees, assert_law_rejected, assert_mutant_seen, moments


class CoinParams(eqx.Module):
    probability: jax.Array | np.ndarray
    sides: jax.Array | np.ndarray


class Coin(AbstractFamily):
    """The three methods that a family needs."""

    shape: float = 0.5  # a plain number of the class is no part of what a replicate carries

    Params = CoinParams

    def sample(self, key, params, count, capacity):
        assert jnp.issubdtype(params.sides.dtype, jnp.integer) and self.shape == 0.5
        ones = jax.random.bernoulli(key.typed, params.probability, (capacity,))
        return Samples.first(ones.astype(jnp.int32), count)

    def statistics(self, samples, like):
        ones = jnp.sum(samples.weights * samples.rows, dtype=jnp.int32)  # with JAX_ENABLE_X64, too
        return Counts(jnp.stack([samples.count - ones, ones]))

    def maximum_likelihood(self, data, previous, ddof=0):
        ones, total = (
            count.astype(jnp.result_type(float)) for count in (data.counts[1], jnp.sum(data.counts))
        )
        return CoinParams(ones / total, previous.sides), jnp.zeros((), jnp.int32)


class Halves(AbstractSource):
    """Half the points from the truth, half from the model."""

    def draw(self, key, draw, state, previous, count, t):
        return draw.both(key, previous, count // 2, count - count // 2, jnp.asarray(0.5))


class EveryOther(AbstractPool):
    """Forgets at odd generations."""

    def init(self, batch, capacity):
        return batch

    def absorb(self, key, state, batch, t):
        merged = state.merge(batch)
        kept = jax.tree.map(
            lambda old, new: jnp.where(t % 2 == 0, old, new), merged, state.zero().merge(batch)
        )
        return kept, Batch(kept.real, kept.synthetic, batch.share)


class Shrunk(AbstractEstimator):
    factor: np.ndarray = eqx.field(converter=number, default=0.5)

    def fit(self, key, family, batch, previous, carry, t):
        params, status = family.maximum_likelihood(batch.all, previous)
        return (
            eqx.tree_at(lambda p: p.mean, params, params.mean * jnp.asarray(self.factor, params.mean.dtype)),
            carry,
            status,
        )


class Doubling(AbstractSchedule):
    first: np.ndarray = eqx.field(converter=number)

    def __call__(self, t):
        return self.first * 2.0 ** np.asarray(t)


def mean_of(family, params, truth):
    return params.probability


def test_a_family_of_three_methods(tmp_path):
    process = mc.RecursiveTraining(family=Coin(), sizes=64)
    record = {"p": mc.Record(mean_of)}
    run = mc.simulate(
        process,
        CoinParams(np.asarray(0.3), np.asarray(2)),
        key=jax.random.key(0),
        generations=2,
        replicates=4000,
        record=record,
    )
    values = run["p"].values
    assert_agrees(*moments(values[:, 2]), 0.3)
    squares = (values[:, 2] - 0.3) ** 2
    assert_agrees(*moments(squares), 0.21 * (1 - (1 - 1 / 64) ** 3))
    assert_law_rejected(values[:, 2], 0.32)
    assert_law_rejected(squares, 0.21 * (1 - (1 - 1 / 64) ** 2))  # a generation less
    assert len(run.compare()) == 0  # theory has no law for it
    loaded = mc.Trajectories.load(run.save(tmp_path / "mine.zarr"))
    np.testing.assert_array_equal(loaded["p"].values, values)
    assert loaded.truth.probability == 0.3 and len(loaded.compare()) == 0
    with pytest.raises(ValueError, match="is not one of mcollapse's"):
        _ = loaded.process


GaussianParams = mc.families.Gaussian.Params


class Pair(eqx.Module):
    first: GaussianParams
    second: GaussianParams
    status: jax.Array


class EachOther(AbstractProcess):
    """Two Gaussians, each fitted to points of the other's last model: another process, same engine."""

    size: np.ndarray = eqx.field(converter=number)
    generations: int = eqx.field(static=True, default=0)

    def planned(self, generations, start="real", truth=None):
        return dataclasses.replace(self, generations=generations)

    def init(self, key, truth, start=None):
        params = jax.tree.map(jnp.asarray, truth.params)
        return Pair(params, params, jnp.zeros((), jnp.int32))

    def step(self, key, state, truth, t):
        key, family = Key.of(key, t), mc.families.Gaussian()

        def fitted(site, model):
            count = jnp.asarray(self.size, jnp.int32)
            data = family.sample_statistics(key.at(site), model, count)
            return family.maximum_likelihood(data, model, ddof=1)

        (first, one), (second, other) = fitted(1, state.second), fitted(2, state.first)
        return Pair(first, second, jnp.maximum(state.status, jnp.maximum(one, other)))

    def measure(self, key, metric, state, truth):
        return jnp.stack([metric(truth.family, p, truth) for p in (state.first, state.second)])


def test_another_process_is_run_recorded_swept_and_saved(tmp_path):
    truth = mc.Truth(mc.families.Gaussian(), GAUSSIAN)
    record = {"log_variance": mc.Record(mc.metrics.log_variance)}
    arguments = {"key": jax.random.key(0), "generations": 6, "replicates": 20_000, "start": "truth"}
    run = mc.simulate(EachOther(12), truth, record=record, **arguments)
    values = run["log_variance"].values  # each model's past is a chain of replacement, and has its law
    law = np.arange(7) * (special.digamma(11 / 2) - np.log(11 / 2))
    assert_agrees(*moments(values), np.stack([law, law], axis=1))
    assert_law_rejected(values[:, 6, 0], 6 * (special.digamma(13 / 2) - np.log(13 / 2)))  # two points more
    assert abs(np.corrcoef(values[:, 1].T)[0, 1]) < 0.04

    swept = mc.sweep(EachOther(12), truth, over={"size": [12, 50]}, record=record, **arguments)
    np.testing.assert_array_equal(swept["log_variance"].values[:, 0], values)
    assert len(run.compare()) == 0
    run.save(tmp_path / "run.zarr")
    loaded = mc.Trajectories.load(tmp_path / "run.zarr")
    assert len(loaded.compare()) == 0 and loaded.plot(component=0)
    with pytest.raises(ValueError, match="EachOther.*cannot be rebuilt"):
        loaded.process  # noqa: B018
    with pytest.raises(ValueError, match="no standard metrics"):
        mc.simulate(EachOther(12), truth, **arguments)
    with pytest.raises(ValueError, match=r"mc.Truth\(family, params\)"):
        mc.simulate(EachOther(12), GAUSSIAN, record=record, **arguments)


def test_a_process_is_not_rebuilt_with_a_part_of_ones_own():
    parts = {"family": mc.families.Gaussian(), "model": GAUSSIAN, "size": 9, "synthetic_share": 0.5}
    described = describe(mc.processes.OneShotMixing(**parts, estimator=mc.estimators.Unbiased()))
    assert isinstance(rebuild_process(described).estimator, mc.estimators.Unbiased)
    described = describe(mc.processes.OneShotMixing(**parts, estimator=Shrunk()))
    with pytest.raises(NotRebuilt, match="one-shot-mixing.*Shrunk"):
        rebuild_process(described)


def test_a_source_a_pool_and_a_schedule():
    process = categorical(sizes=Doubling(20), source=Halves(), pool=EveryOther())
    run = mc.simulate(process, ZIPF, key=jax.random.key(0), generations=3, replicates=50)
    assert np.all(np.isfinite(run["squared_error"].values)) and len(run.compare()) == 0
    assert process.sizes.table(3).tolist() == [20, 40, 80, 160]


def test_an_estimator_is_swept_like_ours():
    process = gaussian(sizes=30, estimator=Shrunk())
    truth = mc.families.Gaussian.Params(2.0, 0.0)
    record = {"mean": mc.Record(mc.metrics.mean, at=[0])}
    run = mc.sweep(
        process, truth, over={"estimator.factor": [0.0, 1.0]}, key=jax.random.key(0), generations=1, replicates=50,
        record=record,
    )  # fmt: skip
    assert np.all(run["mean"].values[:, 0] == 0) and np.all(run["mean"].values[:, 1] > 1)


def test_a_users_metric_with_a_name_of_ours_gets_no_law():
    def standard_deviation(family, params, truth):
        return 0.0 * params.mean

    record = {
        "plain": mc.Record(standard_deviation, reduce=mc.Moments()),
        "above": mc.Record(mc.metrics.Above(standard_deviation, 0.5), reduce=mc.Moments()),
    }
    run = mc.simulate(
        gaussian(), GAUSSIAN, key=jax.random.key(0), generations=2, replicates=200, record=record
    )
    assert len(run.compare()) == 0


def test_the_first_replicates_are_saved_and_compared_as_so_many(tmp_path):
    record = {
        "paths": mc.Record(mc.metrics.log_variance, reduce=mc.Keep(first=32)),
        "whole": mc.Record(mc.metrics.log_variance),
        "low": mc.Record(mc.metrics.log_variance, reduce=mc.HittingTime(below=-1)),
    }
    run = mc.simulate(
        gaussian(),
        GAUSSIAN,
        key=jax.random.key(0),
        generations=4,
        replicates=3000,
        start="truth",
        record=record,
    )
    report = run.compare()
    assert {v.record for v in report} == {"paths", "whole"} and not report.violated and not report.notes
    loaded = mc.Trajectories.load(run.save(tmp_path / "run.zarr"))
    assert (
        loaded["paths"].values.shape == (32, 5) and loaded.to_xarray()["paths"].dims[0] == "replicate_paths"
    )


@pytest.mark.slow
def test_a_sweep_over_budgets_equals_runs_of_their_own():
    def process(budget):
        return gaussian(sizes=20, pool=mc.pools.Subsample(budget))

    record = {"x": mc.Record(mc.metrics.squared_error)}
    arguments = {"key": jax.random.key(0), "generations": 3, "replicates": 128, "record": record}
    swept = mc.sweep(process(10), GAUSSIAN, over={"pool.budget.value": [10, 50]}, **arguments)
    for i, budget in enumerate((10, 50)):
        alone = mc.simulate(process(budget), GAUSSIAN, **arguments)
        # the numbers of a subset depend on the room for it, so that its law is compared and not its bits
        assert_agrees(*moments(swept["x"].values[:, i]), *moments(alone["x"].values))
        assert_mutant_seen(swept["x"].values[:, 1 - i], alone["x"].values)


def test_planned_and_started_alike():
    planned = gaussian().planned(2, start="truth")
    state = planned.init(jax.random.key(0), GAUSSIAN)
    assert state.params.log_variance == 0
    with pytest.raises(ValueError, match='planned with start="truth"'):
        planned.init(jax.random.key(0), GAUSSIAN, "real")
    with pytest.raises(ValueError, match="generations 1 to 2"):
        planned.step(jax.random.key(0), state, GAUSSIAN, 3)


def test_the_first_draw_interface(key):
    address = random.Key.of(key, 3).at(2)
    assert address.typed.shape == () and random.normal(key, 1).shape == ()


def first_and_last(rows, weights):
    shares = weights / jnp.sum(weights, dtype=weights.dtype)
    return jnp.sum(shares.astype(rows.dtype) * rows)


def test_a_function_of_the_users_is_saved_by_name(tmp_path):
    """A run with a fit of one's own loads, without what cannot be rebuilt."""
    family = mc.families.Location(fit=first_and_last)
    run = mc.simulate(
        mc.RecursiveTraining(family=family, sizes=9),
        family.Params(0.0),
        key=jax.random.key(0),
        generations=2,
        replicates=40,
    )
    loaded = mc.Trajectories.load(run.save(tmp_path / "own.zarr"))
    np.testing.assert_array_equal(loaded["squared_error"].values, run["squared_error"].values)
    assert len(loaded.compare()) == 0
    with pytest.raises(ValueError, match="function of the user"):
        _ = loaded.process
