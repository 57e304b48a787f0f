"""Logistic and Poisson regression: the fit against scikit-learn, separation against a linear program, laws."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize, special
from sklearn import linear_model

import mcollapse as mc
from mcollapse import estimators, metrics, theory
from mcollapse.data import Samples
from mcollapse.families import LogisticRegression, PoissonRegression, Truth
from mcollapse.families.newton import Data, minimise
from mcollapse.random import Key
from mcollapse.status import Status
from tests.helpers import keep, python
from tests.statistical import assert_agrees, assert_law_rejected, assert_mutant_seen, moments

FAMILIES = [LogisticRegression, PoissonRegression]
COVARIANCE = np.array([[1.5, 0.4], [0.4, 0.7]])
PRECISION = 1e-4 if jnp.result_type(float) == jnp.float32 else 1e-8
"""Of a coefficient, against scikit-learn in float64."""


def data_of(family, rng, n, d, scale=0.7):
    x = rng.standard_normal((n, d))
    eta = scale * x.sum(axis=1)
    if family is LogisticRegression:
        return x, (rng.random(n) < special.expit(eta)).astype(float)
    return x, rng.poisson(np.exp(eta)).astype(float)


def samples(x, y, weights=None):
    rows = jnp.asarray(np.concatenate([x, y[:, None]], axis=1), jnp.result_type(float))
    ones = np.ones(len(y), np.int32)
    return Samples(rows, jnp.asarray(ones if weights is None else weights))


@functools.cache
def fitter(family, d, how="maximum_likelihood"):
    return jax.jit(getattr(family(d), how))


def reference(family, x, y, weights=None, penalty=0.0):
    """scikit-learn; its C is one over n times our penalty, its alpha our penalty."""
    if family is LogisticRegression:
        total = len(y) if weights is None else np.sum(weights)
        strength = np.inf if penalty == 0 else 1 / (total * penalty)
        model = linear_model.LogisticRegression(
            C=strength, fit_intercept=False, tol=1e-12, max_iter=1000, solver="newton-cholesky"
        )
    else:
        model = linear_model.PoissonRegressor(
            alpha=penalty, fit_intercept=False, tol=1e-12, max_iter=1000, solver="newton-cholesky"
        )
    return model.fit(x, y, sample_weight=weights).coef_.ravel()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("start", [0.0, 30.0])
def test_fit_is_that_of_scikit_learn(family, start):
    """Rows, some of them absent, weighted; from zero and from far away."""
    rng = np.random.default_rng(0)
    x, y = data_of(family, rng, 60, 3)
    weights = rng.uniform(0.2, 3.0, 60) * (np.arange(60) < 50)
    expected = reference(family, x[:50], y[:50], weights[:50])
    previous = family.Params(jnp.full(3, start))
    y[50:] = np.nan  # absent rows are never looked at
    found, status = fitter(family, 3)(samples(x, y, weights.astype(np.float32)), previous)
    assert status == Status.OK
    np.testing.assert_allclose(found.coefficients, expected, rtol=PRECISION, atol=PRECISION)
    plain = fitter(family, 3)(samples(x, np.nan_to_num(y), (weights > 0).astype(np.int32)), previous)[0]
    assert np.abs(plain.coefficients - expected).max() > 100 * PRECISION  # weights matter


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("penalty", [1e-3, 1.0])
def test_ridge_is_that_of_scikit_learn(family, penalty):
    """Of labels that are separated too."""
    rng = np.random.default_rng(1)
    for n in (60, 5):
        x, y = data_of(family, rng, n, 3)
        found, status = fitter(family, 3, "ridge")(
            samples(x, y), family.Params(jnp.zeros(3)), jnp.asarray(penalty, jnp.result_type(float))
        )
        assert status == Status.OK
        expected = reference(family, x, y, penalty=penalty)
        np.testing.assert_allclose(found.coefficients, expected, rtol=10 * PRECISION, atol=10 * PRECISION)


def separated(family, x, y):
    """A linear program: a direction that no row loses by and some row gains by."""
    sides = np.where(y > 0, 1.0, -1.0) if family is LogisticRegression else np.where(y > 0, 0.0, -1.0)
    gains, fixed = (sides[:, None] * x)[sides != 0], x[sides == 0]
    if not len(gains):
        return False
    equal = {} if not len(fixed) else {"A_eq": fixed, "b_eq": np.zeros(len(fixed))}
    found = optimize.linprog(
        -gains.sum(axis=0), A_ub=-gains, b_ub=np.zeros(len(gains)), bounds=(-1, 1), **equal
    )
    return -found.fun > 1e-6


@pytest.mark.parametrize(
    ("family", "n", "d", "share"),
    [
        (LogisticRegression, 8, 3, (0.3, 0.95)),
        pytest.param(LogisticRegression, 14, 4, (0.2, 0.9), marks=pytest.mark.slow),
        (PoissonRegression, 6, 2, (0.02, 0.5)),
    ],
)
def test_separation_is_that_of_a_linear_program(family, n, d, share):
    """Normal features, and features on a grid, where separation is mostly quasi-complete."""
    rng = np.random.default_rng(2)
    sets, expected = [], []
    for kind in range(2):
        for _ in range(150):
            x, y = data_of(family, rng, n, d, 1.2)
            x = x if kind == 0 else np.rint(x).clip(-1, 1)
            if np.linalg.matrix_rank(x) < d:
                continue
            sets.append(np.concatenate([x, y[:, None]], axis=1))
            expected.append(separated(family, x, y))
    assert share[0] < np.mean(expected) < share[1]
    previous = family.Params(jnp.full(d, 0.25))
    fit = jax.jit(jax.vmap(lambda rows: family(d).maximum_likelihood(Samples.first(rows, n), previous)))
    found, status = fit(jnp.asarray(np.array(sets), jnp.result_type(float)))
    np.testing.assert_array_equal(status, np.where(expected, Status.SEPARATED, Status.OK))
    assert np.all(np.asarray(found.coefficients)[np.array(expected)] == 0.25)


@pytest.mark.slow
def test_both_in_float64():
    """The tests above in a process of that precision."""
    code = (
        "import pytest, sys; sys.exit(pytest.main(['-q', '-n', '0', '-p', 'no:cacheprovider', "
        "'tests/test_generalised_linear.py', '-k', 'scikit_learn and (30 or 1.0-L) or 8-3']))"
    )
    assert " passed" in python(code, JAX_ENABLE_X64="1")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_cannot_be_fitted_keeps_the_previous_model(family):
    previous = family.Params(jnp.asarray([0.5, -0.5]))
    x, y = data_of(family, np.random.default_rng(3), 20, 2)

    def status(x, y, weights=None):
        found, code = fitter(family, 2)(samples(x, y, weights), previous)
        np.testing.assert_array_equal(found.coefficients, previous.coefficients)
        return int(code)

    assert status(x, y, (np.arange(20) < 1).astype(np.int32)) in (Status.TOO_FEW_POINTS, Status.SEPARATED)
    assert status(x, y, np.zeros(20, np.int32)) == Status.TOO_FEW_POINTS
    assert status(np.stack([x[:, 0], 2 * x[:, 0]], axis=1), y) == Status.TOO_FEW_POINTS
    assert status(np.where(x == x[3, 0], np.nan, x), y) == Status.NOT_FINITE
    if family is PoissonRegression:
        assert status(x, np.where(np.arange(20) == 4, 1e9, y)) == Status.NOT_FINITE
        assert status(np.abs(x), np.zeros(20)) == Status.SEPARATED


def test_labels_of_another_family_are_not_fitted():
    """A linear truth has labels that are no classes: a status, and the model stays zero."""
    linear = mc.families.LinearRegression
    run = mc.simulate(
        regression(LogisticRegression, 20), Truth(linear(2), linear.Params.zeros(2)), key=jax.random.key(0),
        generations=1, replicates=4, record=keep(metrics.squared_norm),
    )  # fmt: skip
    assert np.all(run.status == Status.NOT_FINITE) and np.all(run["x"].values[:, 0] == 0)


def test_temperature_divides_log_odds():
    p = special.expit(np.array([0.3, -1.2, 2.0]))
    tempered = LogisticRegression(1).temper(LogisticRegression.Params(jnp.asarray([0.8])), jnp.asarray(2.0))
    assert np.isclose(tempered.coefficients, 0.4)
    np.testing.assert_allclose(special.expit(special.logit(p) / 2), p**0.5 / (p**0.5 + (1 - p) ** 0.5))


def test_an_unfinished_fit_says_so(monkeypatch):
    monkeypatch.setattr("mcollapse.families.newton.MOST", 2)
    x, y = data_of(LogisticRegression, np.random.default_rng(0), 60, 2)
    columns = Data(
        jnp.asarray(x.T, jnp.result_type(float)), jnp.asarray(y, jnp.result_type(float)), jnp.ones(60)
    )
    found, status = minimise(columns, LogisticRegression(2).link(), jnp.zeros(2))
    assert status == Status.NOT_CONVERGED and np.all(np.isfinite(found))


@pytest.mark.parametrize("family", FAMILIES)
def test_labels_have_their_law(family):
    """Two moments with the features; coefficients three tenths larger would be seen."""
    model, truth = family(2, COVARIANCE), family.Params([0.6, -0.3])
    rows = np.asarray(model.sample(Key.of(jax.random.key(0), 0), truth, 40_000, 40_000).rows, np.float64)
    x, y = rows[:, :2], rows[:, 2]
    assert_agrees(*moments(x[:, :1] * x), COVARIANCE[0])
    eta = x @ truth.coefficients
    mean = special.expit(eta) if family is LogisticRegression else np.exp(eta)
    variance = mean * (1 - mean) if family is LogisticRegression else mean
    assert_agrees(*moments((y - mean)[:, None] * x), np.zeros(2))
    assert_agrees(*moments((y - mean) ** 2 - variance), 0.0)
    wrong = special.expit(1.3 * eta) if family is LogisticRegression else np.exp(1.3 * eta)
    assert_law_rejected((y - wrong) * eta, 0.0)


def normal_mean(function, covariance):
    """The mean over two normal numbers, by adaptive quadrature."""
    root = np.linalg.cholesky(covariance)

    def integrand(b, a):
        u, v = root @ np.array([a, b])
        return function(u, v) * np.exp(-(a * a + b * b) / 2) / (2 * np.pi)

    return integrate.dblquad(integrand, -8, 8, -8, 8, epsabs=1e-11, epsrel=1e-7)[0]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ours", [[1.2, -0.4], [0.62, -0.31]])
def test_metrics_are_integrals_over_features(family, ours):
    truth, model = np.array([0.6, -0.3]), family(2, COVARIANCE)
    both = np.stack([ours, truth])
    joint = both @ COVARIANCE @ both.T + 1e-14 * np.eye(2)
    mean = special.expit if family is LogisticRegression else np.exp

    def divergence(u, v):
        if family is PoissonRegression:
            return np.exp(u) * (u - v) - np.exp(u) + np.exp(v)
        p = special.expit(u)
        return p * (u - v) - np.logaddexp(0, u) + np.logaddexp(0, v)

    law = Truth(model, jax.tree.map(jnp.asarray, family.Params(jnp.asarray(truth, jnp.result_type(float)))))
    params = family.Params(jnp.asarray(ours, jnp.result_type(float)))
    assert np.isclose(
        metrics.squared_error(model, params, law), np.sum((np.array(ours) - truth) ** 2), rtol=1e-4
    )
    expected = normal_mean(lambda u, v: (mean(u) - mean(v)) ** 2, joint)
    assert np.isclose(metrics.test_error(model, params, law), expected, rtol=2e-4)
    expected = normal_mean(divergence, joint)
    assert np.isclose(metrics.kl_divergence(model, params, law), expected, rtol=2e-3)


@pytest.mark.parametrize("length", [3.0, 10.0])
def test_quadrature_of_steep_odds(length):
    """The accuracy that `LogisticRegression.test_error` states."""
    found = LogisticRegression(1).test_error(
        LogisticRegression.Params(jnp.asarray([length])),
        LogisticRegression.Params(jnp.asarray([0.9 * length])),
    )
    expected = integrate.quad(
        lambda z: (special.expit(length * z) - special.expit(0.9 * length * z)) ** 2 * np.exp(-z * z / 2), -9, 9,
        points=[0.0], epsabs=1e-13,
    )[0] / np.sqrt(2 * np.pi)  # fmt: skip
    assert np.isclose(found, expected, rtol=2e-5 if length == 3 else 0.02)


@pytest.mark.parametrize("family", FAMILIES)
def test_truths_are_fits_to_data(family):
    x, y = data_of(family, np.random.default_rng(4), 80, 3)
    found = family.Params.from_data(x, y).coefficients
    np.testing.assert_allclose(found, reference(family, x, y), rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(family.Params.standard().coefficients, [1.0, 1.0])
    np.testing.assert_array_equal(family.Params.zeros(3).coefficients, np.zeros(3))


@pytest.mark.parametrize("family", FAMILIES)
def test_information_is_an_integral(family):
    """And the one number that is published: 15.465."""
    name = "logistic-regression" if family is LogisticRegression else "poisson-regression"
    b = np.array([0.6, -0.9])

    def curvature(u, v):
        eta = b @ [u, v]
        return special.expit(eta) * special.expit(-eta) if family is LogisticRegression else np.exp(eta)

    expected = [
        [
            normal_mean(lambda u, v, i=i, j=j: curvature(u, v) * (u, v)[i] * (u, v)[j], COVARIANCE)
            for i in (0, 1)
        ]
        for j in (0, 1)
    ]
    np.testing.assert_allclose(theory.regression_information(name, b, COVARIANCE), expected, rtol=1e-6)
    one = theory.regression_constants(name, np.ones(2), np.eye(2))["squared_error"]
    assert abs(one - (15.465 if family is LogisticRegression else 0.490506)) < 6e-4


def regression(family, n, **parts):
    return mc.RecursiveTraining(family=family(2), sizes=n, **parts)


@pytest.mark.parametrize("family", FAMILIES)
def test_laws_of_replacement(family):
    """Divergence grows by d/2n a fit, within the declared tolerance; a law of three coefficients is not it."""
    run = mc.simulate(
        regression(family, 400), family.Params([0.5, 0.5]), key=jax.random.key(0), generations=3, replicates=2048,
        record={"kl": mc.Record(metrics.kl_divergence), "error": mc.Record(metrics.squared_error)},
    )  # fmt: skip
    report = run.compare()
    assert {verdict.law.name for verdict in report} == {"regression-information"} and len(report) == 2
    for verdict in report:
        tolerance = 10 * 2 * 4 / 400 * (np.exp(0.25) if family is PoissonRegression else 1)
        off = np.abs(verdict.observed / verdict.predicted - 1)
        assert np.all(off < tolerance + 5 * verdict.standard_error / verdict.predicted)
        assert f"declared tolerance {tolerance:.2g}" in verdict.note
    assert np.allclose(report.verdicts[0].predicted, np.arange(1, 5) / 400)
    assert_law_rejected(run["kl"].values[:, 0].astype(float), 1.5 / 400)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize(
    "parts",
    [
        {"pool": mc.pools.All()},
        {"source": mc.sources.Mixture(0.3)},
        {"source": "split", "estimator": estimators.Weighted("optimal")},
        {"source": "split", "estimator": estimators.Weighted(0.4, "fits")},
        {"pool": mc.pools.RealAndNewest()},
        {"source": mc.sources.PastModels()},
    ],
    ids=["all", "mixture", "weighted", "fits", "partial", "past"],
)
def test_laws_hold_within_their_tolerance(family, n, parts):
    """Every regime, at two sizes, so that the tolerance shrinks as it says."""
    parts = {k: mc.sources.Split(n, n) if v == "split" else v for k, v in parts.items()}
    run = mc.simulate(
        regression(family, n, **parts), family.Params([1.0, 1.0]), key=jax.random.key(5), generations=6,
        replicates=4096 if n == 100 else 1024, record={"x": mc.Record(metrics.squared_error)},
    )  # fmt: skip
    (verdict,) = run.compare()
    tails = np.e if family is PoissonRegression else 1
    at = min(1.0, 10 * tails * 2 * verdict.predicted.max() / verdict.predicted[0] / n)
    off = np.abs(verdict.observed / verdict.predicted - 1)
    assert np.all(off < at + 5 * verdict.standard_error / verdict.predicted), off


@pytest.mark.slow
def test_fully_synthetic_logistic_regression_ends_in_separation():
    """Twenty rows a generation: most replicates separate; with eight generations fewer."""

    def shares(generations):
        run = mc.simulate(
            regression(LogisticRegression, 20), LogisticRegression.Params.ones(), key=jax.random.key(0),
            generations=generations, replicates=512, record=keep(metrics.squared_error),
        )  # fmt: skip
        assert np.isfinite(run["x"].values).all()
        assert set(np.unique(run.status)) <= {Status.OK, Status.SEPARATED}
        return (run.status == Status.SEPARATED).astype(float)

    many, few = shares(20), shares(8)
    assert many.mean() > 0.5
    assert_mutant_seen(few, many)


def test_units_of_a_column_do_not_hide_separation():
    """A truth from data whose columns have units far apart: separated or not, as it is in equal units."""
    rng = np.random.default_rng(6)
    x = rng.standard_normal((200, 2))
    for unit in (1e8, 1e300):
        wide = x * [unit, 1.0]
        with pytest.raises(ValueError, match="separates"):
            LogisticRegression.Params.from_data(wide, x[:, 1] > 0)
        y = (rng.random(200) < special.expit(x[:, 1])).astype(float)
        found = LogisticRegression.Params.from_data(wide, y).coefficients * [unit, 1.0]
        np.testing.assert_allclose(found, reference(LogisticRegression, x, y), rtol=1e-6)


def test_as_many_counts_as_coefficients_are_enough():
    """The rates are the counts; a linear regression needs a row more for its variance."""
    x = np.eye(2) + 0.1
    found = PoissonRegression.Params.from_data(x, [3, 5]).coefficients
    np.testing.assert_allclose(np.exp(x @ found), [3, 5], rtol=1e-8)
    with pytest.raises(ValueError, match="2 coefficients need at least 2 rows, got 1"):
        PoissonRegression.Params.from_data(x[:1], [3])
    with pytest.raises(ValueError, match="2 coefficients and a variance need at least 3 rows, got 2"):
        mc.families.LinearRegression.Params.from_data(x, [3, 5])
