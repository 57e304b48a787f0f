"""Gaussian in d dimensions: fits against numpy, merges like rows, and covariances that shrink out of sight."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import linalg, stats

import mcollapse as mc
from mcollapse import estimators, metrics
from mcollapse.data import MeanCovariance, Samples
from mcollapse.families import MultivariateGaussian
from mcollapse.status import Status
from tests.helpers import keep, python, values

FAMILY = MultivariateGaussian(3)
TILTED = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 0.5]])


def rows(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3)) @ np.linalg.cholesky(TILTED).T + [
        5.0,
        0.0,
        -1.0,
    ]


def statistics(data, weights=None) -> MeanCovariance:
    samples = Samples.first(jnp.asarray(data, jnp.result_type(float)), len(data))
    if weights is not None:
        samples = Samples(samples.rows, jnp.asarray(weights, jnp.result_type(float)))
    return FAMILY.statistics(samples, FAMILY.Params.isotropic(3))


def fitted(data, ddof=0):
    params, status = FAMILY.maximum_likelihood(data, FAMILY.Params.isotropic(3), ddof)
    return np.asarray(params.mean), np.asarray(FAMILY.total_covariance(params)), int(status)


def assert_fits(tolerance):
    data, weights = rows(20), np.linspace(0.2, 3, 20)
    for ddof in (0, 1):
        mean, covariance, status = fitted(statistics(data), ddof)
        np.testing.assert_allclose(mean, data.mean(axis=0), rtol=tolerance)
        np.testing.assert_allclose(covariance, np.cov(data.T, ddof=ddof), rtol=50 * tolerance)
        assert status == Status.OK
    mean, covariance, _ = fitted(statistics(data, weights))
    np.testing.assert_allclose(mean, np.average(data, axis=0, weights=weights), rtol=tolerance)
    np.testing.assert_allclose(covariance, np.cov(data.T, aweights=weights, ddof=0), rtol=50 * tolerance)
    tiny = fitted(statistics((data - data.mean(axis=0)) * 1e-15))[1]
    np.testing.assert_allclose(tiny, np.cov(data.T, ddof=0) * 1e-30, rtol=100 * tolerance)


def test_fits_against_numpy():
    assert_fits(1e-6)


@pytest.mark.slow
def test_fits_in_float64():
    python("import tests.test_multivariate_gaussian as t; t.assert_fits(1e-14)", JAX_ENABLE_X64="1")


@pytest.mark.parametrize("count", [1, 2, 30])
def test_statistics_merge_and_scale_like_rows(count):
    first, second = rows(count), rows(7, seed=1)
    one = jnp.asarray(1.0)
    merged = statistics(first).scale(one).merge(statistics(second).scale(3 * one))
    thrice = np.concatenate([first, np.repeat(second, 3, axis=0)])
    mean, covariance, _ = fitted(merged)
    np.testing.assert_allclose(mean, thrice.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(covariance, np.cov(thrice.T, ddof=0), rtol=1e-4, atol=1e-5)
    assert float(merged.count) == len(thrice)
    data = statistics(second)
    for same in (data.merge(data.zero()), data.zero().merge(data)):
        np.testing.assert_allclose(fitted(same)[1], fitted(data)[1], rtol=1e-5)
    nothing = data.zero().merge(data.zero())
    assert np.all(np.asarray(nothing.log_diagonal) == -np.inf) and np.all(np.isfinite(nothing.unit))


def test_a_singular_covariance_is_a_status():
    """Three points lie in a plane: two directions have variance, the third has none."""
    data = statistics(rows(3))
    assert np.asarray(data.log_diagonal)[2] == -np.inf and np.all(np.isfinite(data.log_diagonal[:2]))
    mean, covariance, status = fitted(data)
    assert status == Status.DEGENERATE
    np.testing.assert_allclose(covariance, np.cov(rows(3).T, ddof=0), rtol=1e-3, atol=1e-4)


def test_divergence_and_determinant_against_scipy():
    ours = FAMILY.Params.of([1.0, 2.0, 3.0], TILTED)
    theirs = FAMILY.Params.of([0.0, 2.0, 2.5], np.diag([1.0, 2.0, 0.4]))
    law, other = (
        stats.multivariate_normal([1, 2, 3], TILTED),
        stats.multivariate_normal([0, 2, 2.5], np.diag([1, 2, 0.4])),
    )
    inverse = np.linalg.inv(np.diag([1, 2, 0.4]))
    shift = np.array([1.0, 0.0, 0.5])
    expected = 0.5 * (np.trace(inverse @ TILTED) + shift @ inverse @ shift - 3)
    expected += 0.5 * (np.linalg.slogdet(np.diag([1, 2, 0.4]))[1] - np.linalg.slogdet(TILTED)[1])
    traced = jax.tree.map(jnp.float32, ours), mc.Truth(FAMILY, jax.tree.map(jnp.float32, theirs))
    np.testing.assert_allclose(metrics.kl_divergence(FAMILY, *traced), expected, rtol=1e-5)
    # the same by the law of large numbers, from another hand
    points = law.rvs(200_000, random_state=0)
    ratio = law.logpdf(points) - other.logpdf(points)
    assert abs(ratio.mean() - expected) < 5 * ratio.std() / np.sqrt(len(ratio))
    np.testing.assert_allclose(
        metrics.log_determinant(FAMILY, *traced), np.linalg.slogdet(TILTED)[1], rtol=1e-5
    )
    distance = np.sum((TILTED - np.diag([1, 2, 0.4])) ** 2)
    np.testing.assert_allclose(metrics.frobenius_squared(FAMILY, *traced), distance, rtol=1e-5)
    np.testing.assert_allclose(metrics.trace(FAMILY, *traced), 3.5, rtol=1e-6)


def of_scipy(first, second):
    """Squared Wasserstein-2 distance by the root of a matrix, in float64."""
    (m1, s1), (m2, s2) = first, second
    root = linalg.sqrtm(s2)
    cross = linalg.sqrtm(root @ s1 @ root)
    return np.sum((m1 - m2) ** 2) + np.trace(s1 + s2 - 2 * np.real(cross))


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1.001])
def test_wasserstein_against_scipy(scale):
    rng = np.random.default_rng(5)
    for d in (1, 2, 6):
        family = MultivariateGaussian(d)
        laws = []
        for size in (1.0, scale):
            root = rng.standard_normal((d, d))
            laws.append((size * rng.standard_normal(d), size * (root @ root.T + 0.1 * np.eye(d))))
        ours, theirs = (family.Params.of(*law) for law in laws)
        found = metrics.wasserstein2_squared(family, theirs, mc.Truth(family, ours))
        assert np.isclose(found, of_scipy(*laws), rtol=2e-5), (d, found, of_scipy(*laws))
        near = family.Params.of(laws[0][0], 1.0002**2 * laws[0][1])
        # two laws that differ by a ten-thousandth: nothing cancels
        expected = 0.0002**2 * np.trace(laws[0][1])
        close = metrics.wasserstein2_squared(family, near, mc.Truth(family, ours))
        assert np.isclose(close, expected, rtol=0.02), (d, close, expected)


def test_wasserstein_of_a_singular_law():
    """A model that has lost a direction is as far as the truth's variance along it."""
    family = MultivariateGaussian(2)
    lost = family.Params.of([0.0, 0.0], np.diag([1.0, 1e-30]))
    found = metrics.wasserstein2_squared(family, lost, mc.Truth(family, family.Params.isotropic(2)))
    assert np.isclose(found, 1.0, rtol=1e-5)


def test_the_determinant_shrinks_far_below_the_smallest_float():
    """Four points in three dimensions: after 400 generations its logarithm is near -1,900, and finite."""
    process = mc.RecursiveTraining(family=FAMILY, sizes=4)
    run = mc.simulate(
        process, FAMILY.Params.isotropic(3), key=jax.random.key(0), generations=400, replicates=512,
        start="truth", record={"x": mc.Record(metrics.log_determinant, at=[400], reduce=mc.Moments())},
    )  # fmt: skip
    assert np.all(run["x"].mean < -1500) and not run.compare().violated
    assert not np.any(run.status >= Status.TOO_FEW_POINTS)


@pytest.mark.slow
def test_one_dimension_is_the_gaussian():
    """The same law as the family of one dimension, whose draws are others."""

    def ends(family, truth, metric):
        process = mc.RecursiveTraining(family=family, sizes=9, estimator=estimators.Unbiased())
        return values(process, truth, record=keep(metric), generations=4, replicates=8192)[:, -1]

    ours = ends(MultivariateGaussian(1), MultivariateGaussian.Params.isotropic(1), metrics.log_determinant)
    theirs = ends(mc.families.Gaussian(), mc.families.Gaussian.Params(0.0, 0.0), metrics.log_variance)
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-6
    assert stats.ks_2samp(ours, theirs + 0.15).pvalue < 1e-6


@pytest.mark.slow
def test_units_do_not_make_a_covariance_singular():
    """A metre beside a nanometre is legal; only correlations can be too close to one."""
    variances = np.array([1.0, 1e-18, 1e12])
    params = FAMILY.Params.of(np.zeros(3), np.diag(variances))
    process = mc.RecursiveTraining(family=FAMILY, sizes=30, pool=mc.pools.All())
    found = values(process, params, record=keep(metrics.log_determinant), generations=2, replicates=512)
    assert np.all(np.isfinite(found)) and np.allclose(found.mean(axis=0), np.log(variances).sum(), atol=0.5)
