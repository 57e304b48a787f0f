"""Categorical models kept as the samples that they were fitted to, against counts drawn from their own law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.families.resampled import ResampledCategorical
from mcollapse.status import Status
from tests.helpers import COIN, ZIPF, bernoulli, categorical, keep, python, values
from tests.statistical import assert_agrees, assert_mutant_seen, moments

REPLICATES = 20_000
GROWING = mc.schedules.Geometric(30, 1.3)


def seen_thrice(family, params, truth):
    """Squared error, how many categories are left, and how often two draws agree."""
    metrics = (mc.metrics.squared_error, mc.metrics.support, mc.metrics.concentration)
    return jnp.stack([metric(family, params, truth) for metric in metrics])


def results(sizes, path, start, seed):
    return values(
        categorical(sizes, path=path),
        ZIPF,
        generations=4,
        replicates=REPLICATES,
        seed=seed,
        start=start,
        record=keep(seen_thrice),
    )


@pytest.mark.parametrize(
    "sizes, start",
    [(40, "truth"), *[pytest.param(*c, marks=pytest.mark.slow)
                      for c in ((40, "real"), (3, "real"), (GROWING, "real"), (GROWING, "truth"))]],
)  # fmt: skip
def test_samples_and_counts_agree_in_law(sizes, start):
    samples = results(sizes, "auto", start, seed=1)
    assert_agrees(*moments(samples), *moments(results(sizes, "statistics", start, seed=2)))
    mutant = sizes + max(1, sizes // 8) if isinstance(sizes, int) else mc.schedules.Geometric(33, 1.3)
    assert_mutant_seen(results(mutant, "statistics", start, seed=2), samples)


def kept(process, truth, start="real"):
    return process.planned(3, start, truth).plan.model


@pytest.mark.parametrize(
    "process, truth, expected",
    [
        (categorical(200), ZIPF, True),
        (categorical(201), ZIPF, False),  # more than four points a category: counts are cheaper
        (categorical(40, path="statistics"), ZIPF, False),
        (categorical(40, path="rows"), ZIPF, False),
        (categorical(40, pool=mc.pools.All()), ZIPF, False),
        (categorical(40, source=mc.sources.Mixture(0.0)), ZIPF, False),
        (categorical(40, estimator=mc.estimators.AddConstant(0.0)), ZIPF, False),
        (categorical(40), None, False),  # how many categories there are is not known
        (bernoulli(1), COIN, False),
    ],
)
def test_which_models_are_kept_as_samples(process, truth, expected):
    assert (kept(process, truth) is not None) == expected


def test_a_metric_sees_the_proportions_of_the_labels_and_before_the_first_those_of_the_truth():
    process = categorical(30).planned(3, "truth", ZIPF)
    key = jax.random.key(0)
    state = process.init(key, ZIPF)
    assert isinstance(process.plan.model, ResampledCategorical)
    found = process.measure(key, mc.metrics.probabilities, state, ZIPF)
    np.testing.assert_array_equal(found, np.asarray(ZIPF.probabilities, found.dtype))
    for t in (1, 2):
        state = process.step(key, state, ZIPF, t)
        labels = np.asarray(state.params.labels)[: int(state.params.count)]
        assert labels.size == 30
        found = process.measure(key, mc.metrics.probabilities, state, ZIPF)
        np.testing.assert_allclose(found, np.bincount(labels, minlength=50) / 30, rtol=2e-7)


def test_a_user_s_metric_is_given_the_family_and_its_own_parameters():
    given = []

    def metric(family, params, truth):
        given.append((type(family), type(params)))
        return jnp.max(params.probabilities)

    values(categorical(30), ZIPF, record=keep(metric))
    assert set(given) == {(mc.families.Categorical, mc.families.Categorical.Params)}


def test_a_family_of_ones_own_is_not_resampled():
    class Hot(mc.families.Categorical):
        """Draws from the squares of its probabilities."""

        def sample_statistics(self, key, params, count):
            return super().sample_statistics(key, type(params)(params.probabilities**2), count)

    process = mc.RecursiveTraining(family=Hot(), sizes=40)
    assert kept(process, mc.Truth(Hot(), ZIPF)) is None


X64 = """
import mcollapse as mc
from tests.helpers import ZIPF, categorical, values
for start in ("real", "truth"):
    found = values(categorical(40), ZIPF, generations=3, replicates=200, start=start)
    assert found.dtype == "float64" and 0.01 < found[:, -1].mean() < 0.2, found[:, -1].mean()
print("both")
"""


@pytest.mark.slow
def test_in_float64():
    assert python(X64, JAX_ENABLE_X64="1").split() == ["both"]


def test_memory_is_planned_for_what_a_metric_sees():
    wide = mc.families.Categorical.Params.zipf(10_000)
    assert categorical(10).planned(3, truth=wide).rows >= 10_000


def test_a_single_label_is_a_degenerate_model():
    run = mc.simulate(
        categorical(3), ZIPF, key=jax.random.key(0), generations=4, replicates=2000,
        record=keep(mc.metrics.support),
    )  # fmt: skip
    alone = run["x"].values[:, -1] == 1
    assert 0 < alone.sum() < 2000
    np.testing.assert_array_equal(run.status == Status.DEGENERATE, alone)


def swept(sizes):
    return mc.sweep(
        categorical(mc.schedules.Constant(10)), ZIPF, over={"sizes.value": sizes}, key=jax.random.key(0),
        generations=3, replicates=200, record=keep(mc.metrics.squared_error),
    )["x"].values  # fmt: skip


@pytest.mark.slow
def test_a_sweep_keeps_samples_where_every_cell_can():
    both = swept([40, 60])
    for cell, size in enumerate((40, 60)):
        np.testing.assert_array_equal(
            both[:, cell], values(categorical(size), ZIPF, generations=3, replicates=200)
        )


@pytest.mark.slow
def test_a_sweep_counts_in_every_cell_where_one_must():
    alone = values(categorical(40, path="statistics"), ZIPF, generations=3, replicates=200)
    np.testing.assert_allclose(swept([40, 1000])[:, 0], alone, rtol=1e-5, atol=1e-9)
