"""Locations fitted by the mean, the median and a function of the user's: exact and asymptotic laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import mcollapse as mc
from mcollapse import theory
from mcollapse.families import Location
from mcollapse.families.location import weighted_median
from mcollapse.random import Key
from tests.helpers import values
from tests.statistical import THRESHOLD, assert_agrees, assert_mutant_seen, moments

ZERO = Location.Params(0.0)
SCIPY = {
    "normal": stats.norm, "laplace": stats.laplace, "logistic": stats.logistic, "cauchy": stats.cauchy,
    "uniform": stats.uniform(-1, 2),
}  # fmt: skip


@pytest.mark.parametrize("n", [2, 5, 1500])
def test_median_is_that_of_numpy(n):
    rng = np.random.default_rng(n)
    rows = rng.standard_normal((20, n + 7)).astype(np.float32)
    weights = np.zeros((20, n + 7), np.int32)
    for lane in weights:
        lane[rng.permutation(n + 7)[:n]] = 1
    found = jax.jit(jax.vmap(weighted_median))(jnp.asarray(rows), jnp.asarray(weights))
    wanted = [np.median(row[weight > 0]) for row, weight in zip(rows, weights, strict=True)]
    assert np.allclose(found, wanted, rtol=0, atol=2e-7)
    shares = rng.random((20, n + 7)).astype(np.float32)
    found = jax.jit(jax.vmap(weighted_median))(jnp.asarray(rows), jnp.asarray(shares))
    for median, row, share in zip(np.asarray(found), rows, shares.astype(float), strict=True):
        below, above = share[row < median].sum(), share[row > median].sum()
        assert median in row and below <= share.sum() / 2 and above <= share.sum() / 2


@pytest.mark.parametrize("noise", SCIPY)
def test_noise_has_its_law(noise):
    here = Location.Params(jnp.zeros(()))
    found = Location(noise, 1.7).sample(Key.of(jax.random.key(3)), here, 20_000, 20_000).rows
    assert stats.kstest(np.asarray(found) / 1.7, SCIPY[noise].cdf).pvalue > 1e-6
    assert stats.kstest(np.asarray(found) / 1.4, SCIPY[noise].cdf).pvalue < 1e-6


@pytest.mark.parametrize("noise", [name for name in SCIPY if name != "cauchy"])
def test_influences(noise):
    law = SCIPY[noise]
    assert np.isclose(theory.influence_variance(noise, "mean", 2.0), 4 * law.var())
    assert np.isclose(theory.influence_variance(noise, "median"), 1 / (4 * law.pdf(0) ** 2))


def errors(family, replicates=20_000, sizes=50, generations=4, seed=0, **parts):
    process = mc.RecursiveTraining(family=family, sizes=sizes, **parts)
    return values(process, ZERO, generations=generations, replicates=replicates, seed=seed)


MEANS = {
    "all": {"pool": mc.pools.All()},
    "newest": {},
    "subsample": {"pool": mc.pools.Subsample(50)},
    "weighted": {"source": mc.sources.Split(30, 20), "estimator": mc.estimators.Weighted(0.4)},
}


@pytest.mark.parametrize(
    "part", [p if p == "all" else pytest.param(p, marks=pytest.mark.slow) for p in MEANS]
)
def test_the_mean_is_exact(part):
    process = mc.RecursiveTraining(family=Location("laplace", 1.5, "mean"), sizes=50, **MEANS[part])
    run = mc.simulate(process, ZERO, key=jax.random.key(0), generations=4, replicates=20_000)
    (row,) = run.compare()
    assert row.law.name == "location-mean" and row.outcome == "consistent"
    found = errors(Location("laplace", 1.5, "mean"), **MEANS[part])
    mutant = errors(Location("laplace", 1.6, "mean"), **MEANS[part])
    assert_mutant_seen(mutant, found)


def ratio(found):
    """The mean of squares of the last fit over that of the first, and its standard error."""
    first, last = found[:, 0].astype(float), found[:, -1].astype(float)
    value = last.mean() / first.mean()
    spread = np.std(last - value * first) / first.mean()
    return value, spread / np.sqrt(len(first))


@pytest.mark.slow
def test_the_median_accumulated():
    """Dey and Donoho (2024, arXiv 2410.22812) at 101 points: the ratio of fits 5 and 1 is 1.39 +- 0.01."""
    found = errors(Location(), 8000, sizes=101, pool=mc.pools.All())
    value, error = ratio(found)
    assert abs(value - 1.39) < 4 * np.hypot(error, 0.01)
    assert abs(value / theory.accumulate_ratio(np.array([5]))[0] - 1) < 1 / np.sqrt(101)
    replaced, error = ratio(errors(Location(), 2000, sizes=101))  # it forgets
    assert replaced - 1.39 > THRESHOLD * np.hypot(error, 0.01)
    assert_agrees(*moments(found[:, 0]), np.pi / 2 / 101 * (1 - (4 - np.pi) / 2 / 101))  # Cramer, order 1/n


@pytest.mark.slow
def test_the_median_of_more_points():
    value, error = ratio(errors(Location(), 8000, sizes=1001, pool=mc.pools.All()))
    assert abs(value - 1.43) < 4 * np.hypot(error, 0.02)


def test_a_users_own_estimator():
    """Of the midrange of uniform noise: far better than the mean, and theory says nothing of it."""

    def midrange(rows, weights):
        low = jnp.min(jnp.where(weights > 0, rows, jnp.inf))
        return 0.5 * (low + jnp.max(jnp.where(weights > 0, rows, -jnp.inf)))

    process = mc.RecursiveTraining(family=Location("uniform", fit=midrange), sizes=20)
    run = mc.simulate(process, ZERO, key=jax.random.key(0), generations=2, replicates=20_000)
    assert len(run.compare()) == 0
    # the midrange of n points on -1 ... 1 has the variance 2/((n+1)(n+2)), and they add
    wanted = 2 / (21 * 22) * np.arange(1, 4)
    assert_agrees(run["squared_error"].mean, run["squared_error"].standard_error, wanted)
    worse = errors(Location("uniform", fit="mean"), sizes=20, generations=2)
    assert np.all(moments(worse)[0] > 2 * wanted)


def test_a_swept_scale_is_that_of_the_real_points_too():
    """A truth that was given bare stays of the process's family, cell by cell."""
    process = mc.RecursiveTraining(family=Location("normal", 1.0, "mean"), sizes=20)
    arguments = {"key": jax.random.key(0), "generations": 2, "replicates": 256}
    swept = mc.sweep(process, Location.Params(0.0), over={"family.scale": [1.0, 3.0]}, **arguments)
    for i, scale in enumerate((1.0, 3.0)):
        alone = mc.RecursiveTraining(family=Location("normal", scale, "mean"), sizes=20)
        run = mc.simulate(alone, Location.Params(0.0), **arguments)
        np.testing.assert_allclose(swept["squared_error"].mean[i], run["squared_error"].mean, rtol=1e-4)
    assert len(swept.compare()) == 2
