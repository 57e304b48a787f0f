"""Linear regression: estimators against other libraries, designs that stay, and models of two sources."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import linear_model

import mcollapse as mc
from mcollapse import estimators, metrics
from mcollapse.data import Batch, Samples
from mcollapse.families import Gaussian, LinearRegression
from mcollapse.random import Key
from mcollapse.status import Status
from tests.helpers import GAUSSIAN, keep, python, values
from tests.statistical import assert_agrees, assert_law_rejected, moments

COVARIANCE = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 0.5]])
PLAIN, TILTED = LinearRegression(3), LinearRegression(3, COVARIANCE)


def data(count, size=3, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, size)) @ np.diag(np.arange(1, size + 1))
    return x, x @ np.ones(size) + generator.normal(size=count)


def fitted(estimator, family, x, y, weights=None):
    rows = jnp.asarray(np.column_stack([x, y]), jnp.result_type(float))
    samples = Samples.first(rows, len(y))
    if weights is not None:
        samples = Samples(rows, jnp.asarray(weights, jnp.result_type(float)))
    previous = LinearRegression.Params(jnp.full(3, 9.0), jnp.ones(()))
    statistics = family.statistics(samples, previous)
    key, t = Key.of(jax.random.key(0)), jnp.asarray(1)
    params, _, status = estimator.fit(key, family, Batch(statistics, None), previous, None, t)
    return np.asarray(params.coefficients), int(status)


@pytest.mark.parametrize("family", [PLAIN, TILTED], ids=["identity", "covariance"])
def test_estimators_against_other_libraries(family):
    assert_estimators(family, 2e-5)


def assert_estimators(family, tolerance):
    x, y = data(20)
    weights = np.linspace(0.5, 2, 20)
    ours = fitted(estimators.MaximumLikelihood(), family, x, y, weights)[0]
    theirs = linear_model.LinearRegression(fit_intercept=False).fit(x, y, weights).coef_
    np.testing.assert_allclose(ours, theirs, rtol=tolerance)
    for count, penalty in ((20, 0.3), (2, 0.05)):
        x, y = data(count)
        ours = fitted(estimators.Ridge(penalty), family, x, y)[0]
        theirs = linear_model.Ridge(alpha=penalty * count, fit_intercept=False).fit(x, y).coef_
        np.testing.assert_allclose(ours, theirs, rtol=20 * tolerance)
    for count in (1, 2, 3, 20):
        x, y = data(count, seed=5)
        ours = fitted(estimators.MinimumNorm(), family, x, y)[0]
        np.testing.assert_allclose(ours, np.linalg.pinv(x) @ y, rtol=100 * tolerance)


@pytest.mark.slow
def test_estimators_in_float64():
    code = "import tests.test_linear_regression as t\nfor f in (t.PLAIN, t.TILTED): t.assert_estimators(f, 1e-13)"
    python(code, JAX_ENABLE_X64="1")


def test_too_few_rows_keep_the_previous_model():
    x, y = data(2)
    for family in (PLAIN, TILTED):
        coefficients, status = fitted(estimators.MaximumLikelihood(), family, x, y)
        assert (coefficients == 9).all() and status == Status.TOO_FEW_POINTS
    twice = np.concatenate([x, x[:1], x[:1]])  # four rows in a plane
    assert fitted(estimators.MaximumLikelihood(), PLAIN, twice, np.ones(4))[1] == Status.TOO_FEW_POINTS
    assert fitted(estimators.MinimumNorm(), PLAIN, x, y)[1] == Status.OK


def test_from_data_is_least_squares():
    x, y = data(30)
    params = LinearRegression.Params.from_data(x, y)
    reference = linear_model.LinearRegression(fit_intercept=False).fit(x, y)
    np.testing.assert_allclose(params.coefficients, reference.coef_, rtol=1e-12)
    residual = y - reference.predict(x)
    np.testing.assert_allclose(params.noise_variance, np.sum(residual**2) / 27, rtol=1e-12)


@pytest.mark.slow
def test_a_design_is_drawn_once():
    """Every batch of a replicate, and each part of one, has the same features; another replicate has others."""
    process = mc.RecursiveTraining(
        family=LinearRegression(3, design=5), sizes=5, source=mc.sources.Split(5, 5), path="rows"
    ).planned(3)
    truth = LinearRegression.Params.zeros(3)
    states = [process.init(jax.random.key(seed), truth) for seed in (0, 1)]
    rows = np.asarray(states[0].family.rows)
    np.testing.assert_array_equal(rows[:5], rows[5:10])
    assert not np.isclose(rows[:5], np.asarray(states[1].family.rows)[:5]).any()
    family = dataclasses.replace(process.family, rows=states[0].family.rows)
    for t in (1, 2):
        samples = family.sample(Key.of(jax.random.key(3), t), truth, 5, 10)
        np.testing.assert_array_equal(samples.rows[:5, :3], rows[:5])
    statistics = dataclasses.replace(process, path="auto").planned(3)
    state = statistics.init(jax.random.key(0), truth)
    after = statistics.step(jax.random.key(0), state, truth, 1)
    np.testing.assert_array_equal(state.family.gram, after.family.gram)
    assert state.family.rows is None and state.family.covariance is None


def test_infinite_means_are_not_tested():
    """d <= n <= d + 1: the mean law is infinite, and `compare` says so."""
    for size in (3, 4):
        process = mc.RecursiveTraining(family=PLAIN, sizes=size)
        run = mc.simulate(
            process, LinearRegression.Params.zeros(3), key=jax.random.key(0), generations=2, replicates=256,
            record={"x": mc.Record(metrics.test_error, reduce=mc.Moments())},
        )  # fmt: skip
        (verdict,) = run.compare()
        assert verdict.outcome == "not testable" and "infinite" in verdict.note
        assert np.isinf(verdict.predicted).all()


@pytest.mark.parametrize("family", [PLAIN, TILTED, LinearRegression(3, COVARIANCE, design=20)])
def test_laws_of_test_error_and_of_coefficients(family):
    """What theory says of any covariance; ten per cent more noise would be seen."""
    process = mc.RecursiveTraining(family=family, sizes=20)
    truth = LinearRegression.Params([1.0, -2.0, 0.5], 0.7)
    record = {name: mc.Record(getattr(metrics, name)) for name in ("test_error", "squared_error")}
    run = mc.simulate(
        process, truth, key=jax.random.key(4), generations=3, replicates=8192, record=record
    )  # fmt: skip
    report = run.compare()
    assert len(report) == 2 and not report.violated
    for verdict in report:
        assert_law_rejected(run[verdict.record].values[:, -1], 1.1 * verdict.predicted[-1])


@pytest.mark.slow
def test_a_downstream_model_feeds_nothing_back():
    """Its mean has the generator's error and one of its own, and the generator does not notice."""
    process = mc.RecursiveTraining(family=Gaussian("known"), sizes=10)
    downstream = metrics.Downstream(metrics.squared_error, 5)
    record = {"x": mc.Record(metrics.squared_error), "down": mc.Record(downstream)}
    options = {"key": jax.random.key(0), "generations": 3, "replicates": 20_000}
    run = mc.simulate(process, GAUSSIAN, record=record, **options)
    alone = values(process, GAUSSIAN, generations=3, replicates=20_000, record=keep(metrics.squared_error))
    np.testing.assert_array_equal(run["x"].values, alone)
    assert_agrees(*moments(run["down"].values), np.arange(1, 5) / 10 + 1 / 5)
    assert_law_rejected(run["down"].values[:, 0], 0.12 + 1 / 5)


def test_a_downstream_model_of_another_family_and_estimator():
    process = mc.RecursiveTraining(family=mc.families.Bernoulli(), sizes=10)
    downstream = metrics.Downstream(metrics.variance, 9, estimators.Unbiased(), family=Gaussian())
    found = values(
        process, mc.families.Bernoulli.Params(0.3), record=keep(downstream), generations=1,
        replicates=20_000, start="truth",
    )  # fmt: skip
    assert_agrees(*moments(found), 0.21 * np.array([1.0, 0.9]))
    assert_law_rejected(found[:, 1], 0.21 * 0.85)


def test_downstream_refuses_what_cannot_be_fitted():
    with pytest.raises(ValueError, match="at least 1"):
        metrics.Downstream(metrics.squared_error, 0)
    process = mc.RecursiveTraining(family=PLAIN, sizes=9)
    with pytest.raises(ValueError, match="needs at least 3"):
        values(
            process, LinearRegression.Params.zeros(3), record=keep(metrics.Downstream(metrics.test_error, 2))
        )


@pytest.mark.slow
@pytest.mark.parametrize("parts", [{"pool": mc.pools.All()}, {"estimator": estimators.Ridge(1e-9)}])
def test_large_dimensions_through_the_engine(parts):
    """Above what is written out: the law, and a penalty that is none."""
    process = mc.RecursiveTraining(family=LinearRegression(17), sizes=60, **parts)
    found = values(
        process,
        LinearRegression.Params.zeros(17),
        record=keep(metrics.test_error),
        generations=1,
        replicates=4096,
    )
    expected = [17 / 42, 17 / 42 + (17 / 102 / 2 if "pool" in parts else 17 / 42)]
    assert_agrees(*moments(found), expected)
    assert_law_rejected(found[:, 1], 1.1 * expected[1])


@pytest.mark.slow
def test_the_smallest_penalty_is_minimum_norm():
    """No pivot is taken for zero: five rows see half of ten coefficients, on average."""
    process = mc.RecursiveTraining(family=LinearRegression(10), sizes=5, estimator=estimators.Ridge(1e-6))
    truth = LinearRegression.Params(np.ones(10), 0.0)
    run = mc.simulate(
        process, truth, key=jax.random.key(0), generations=1, replicates=4096,
        record={"x": mc.Record(metrics.squared_norm)},
    )  # fmt: skip
    assert (run.status == Status.OK).all()
    assert_agrees(*moments(run["x"].values), [5.0, 2.5])


@pytest.mark.slow
def test_a_downstream_model_has_fresh_features_and_its_own_covariance():
    truth = LinearRegression.Params([1.0, 2.0, 3.0], 0.01)
    plain = metrics.Downstream(metrics.squared_error, 500, family=PLAIN)
    process = mc.RecursiveTraining(family=TILTED, sizes=9)
    found = values(process, truth, record=keep(plain), generations=1, start="truth", replicates=2048)[:, 0]
    inverse = np.trace(np.linalg.inv(COVARIANCE))
    assert_agrees(*moments(found), 0.01 * inverse / (500 - 4))
    for path in ("auto", "rows"):
        process = mc.RecursiveTraining(family=LinearRegression(3, design=9), sizes=9, path=path)
        downstream = metrics.Downstream(metrics.test_error, 24)
        found = values(process, LinearRegression.Params.zeros(3), record=keep(downstream), generations=1,
                       start="truth", replicates=20_000)[:, 0]  # fmt: skip
        assert_agrees(*moments(found), 3 / 20)
        assert_law_rejected(found, 1.05 * 3 / 20)


@pytest.mark.slow
def test_both_parts_of_the_first_batch_from_the_truth_share_a_design():
    """Two labels of eight rows: half the error of one, where fresh features have sixteen rows."""
    process = mc.RecursiveTraining(
        family=LinearRegression(3, design=8), sizes=8, source=mc.sources.Split(8, 8)
    )
    run = mc.simulate(
        process, LinearRegression.Params.zeros(3), key=jax.random.key(0), generations=2, replicates=20_000,
        start="truth", record={"x": mc.Record(metrics.test_error, reduce=mc.Moments())},
    )  # fmt: skip
    (verdict,) = run.compare()
    assert verdict.law.name == "ols-real-share-design" and verdict.outcome == "consistent"
    assert np.isclose(verdict.predicted[1], 3 / 4 / 2)


@pytest.mark.slow
@pytest.mark.parametrize("pool", [mc.pools.Newest(), mc.pools.All()])
def test_without_noise_an_error_of_rounding_violates_nothing(pool):
    process = mc.RecursiveTraining(family=PLAIN, sizes=20, pool=pool)
    truth = LinearRegression.Params(np.ones(3), 0.0)
    run = mc.simulate(
        process, truth, key=jax.random.key(0), generations=2, replicates=64,
        record={"x": mc.Record(metrics.test_error, reduce=mc.Moments())},
    )  # fmt: skip
    assert not run.compare().violated and np.all(run["x"].mean < 1e-9)


def test_a_measurement_by_hand_is_of_its_generation():
    process = mc.RecursiveTraining(family=Gaussian(), sizes=9).planned(2)
    key, downstream = jax.random.key(0), metrics.Downstream(metrics.mean, 5)
    state = process.init(key, GAUSSIAN)
    seen = [float(process.measure(key, downstream, state, GAUSSIAN, t)) for t in (0, 1, 0)]
    assert seen[0] == seen[2] != seen[1]
