"""Mixtures: EM against scikit-learn, the joint ML against a dense scan, the closed form against numpy."""

import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture as Rival

import mcollapse as mc
from mcollapse import estimators, metrics, theory
from mcollapse.data import Samples
from mcollapse.families import GaussianMixture, SymmetricMixture
from mcollapse.spec import Specification
from mcollapse.status import Status
from tests.helpers import keep, python, values
from tests.statistical import assert_agrees, assert_mutant_seen, moments

PAIR = GaussianMixture.Params.separated(2, 2, 3.0)
RIVALS = {"full": "full", "diagonal": "diag", "spherical": "spherical"}


def traced(params):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), params)


def samples(rows, weights=None) -> Samples:
    dtype = jnp.result_type(float)
    if weights is None:
        return Samples.first(jnp.asarray(rows, dtype), len(rows))
    return Samples(jnp.asarray(rows, dtype), jnp.asarray(weights, dtype))


def clustered(count, components, dimension, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, dimension))
    rows[:, 0] += 3.0 * (rng.integers(0, components, count) - 0.5 * (components - 1))
    return rows @ (np.eye(dimension) + 0.2 * np.tril(rng.normal(size=(dimension, dimension)))) + 5.0


def covariances(params) -> np.ndarray:
    factors = np.asarray(params.units, float) * np.exp(np.asarray(params.log_diagonals, float))[:, None, :]
    return factors @ np.swapaxes(factors, 1, 2)


@eqx.filter_jit
def _climbed(family, data, start, iterations, tolerance, floor):
    return family.expectation_maximisation(data, start, iterations, tolerance, floor)


def climbed(family, rows, start, iterations, weights=None, tolerance=-1.0, floor=1e-6):
    """EM for so many iterations; below a tolerance of -1 no rise is too small."""
    dtype = jnp.result_type(float)
    weights = np.ones(len(rows)) if weights is None else weights
    numbers = jnp.asarray(tolerance, dtype), jnp.asarray(floor, dtype)
    return _climbed(family, samples(rows, weights), start, jnp.asarray(iterations), *numbers)


def assert_em_is_that_of_scikit_learn(tolerance):
    for kind, (k, d) in zip(RIVALS, ((3, 4), (2, 2), (2, 3)), strict=True):
        family, rows = GaussianMixture(k, d, kind), clustered(200, k, d)
        means = np.asarray(GaussianMixture.Params.separated(k, d, 3.0).means) + 5.0
        eye = np.broadcast_to(np.eye(d), (k, d, d))
        start = traced(GaussianMixture.Params.of(np.full(k, 1.0 / k), means, eye))
        params, status = climbed(family, rows, start, 10)
        assert int(status) == Status.NOT_CONVERGED  # it was stopped
        precisions = {"full": eye, "diagonal": np.ones((k, d)), "spherical": np.ones(k)}[kind]
        rival = Rival(
            k, covariance_type=RIVALS[kind], reg_covar=0, tol=0, max_iter=10, weights_init=np.full(k, 1.0 / k),
            means_init=means, precisions_init=precisions,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it was stopped
            rival.fit(rows)
        theirs = rival.covariances_
        if kind != "full":
            theirs = np.array([np.diag(np.broadcast_to(c, d)) for c in theirs])
        np.testing.assert_allclose(np.exp(params.log_weights), rival.weights_, atol=tolerance)
        np.testing.assert_allclose(params.means, rival.means_, atol=tolerance, rtol=tolerance)
        np.testing.assert_allclose(covariances(params), theirs, atol=tolerance, rtol=tolerance)
        density = family.log_density(params, jnp.asarray(rows, jnp.result_type(float)))
        np.testing.assert_allclose(density, rival.score_samples(rows), atol=20 * tolerance)
        other = climbed(family, rows, start, 9)[0]  # a step fewer is seen
        assert np.max(np.abs(np.asarray(other.means) - rival.means_)) > 10 * tolerance


@pytest.mark.slow
def test_em_is_that_of_scikit_learn():
    assert_em_is_that_of_scikit_learn(4e-6)


def scanned(x, points=4001) -> float:
    """The largest positive root of the score on a dense grid, in float64; 0 if there is none."""
    square = np.mean(x * x)

    def score(mu):
        return np.mean(x * np.tanh(np.outer(mu, x) / (square - mu * mu)[:, None]), axis=1) - mu

    grid = np.linspace(0, np.mean(np.abs(x)), points)[1:]
    above = np.flatnonzero(score(grid) > 0)
    if not above.size:
        return 0.0
    if above[-1] == len(grid) - 1:
        return float(grid[-1])
    low, high = grid[above[-1]], grid[above[-1] + 1]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if score(np.array([middle]))[0] > 0 else (low, middle)
    return float(low)


def symmetric(ratio, count, replicates, seed=0):
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=(replicates, count))
    return rng.normal(size=(replicates, count)) + ratio * signs


def joint_fits(rows, weights=None):
    family, previous = SymmetricMixture(), traced(SymmetricMixture.Params.standard())
    fit = jax.jit(jax.vmap(lambda *data: family.maximum_likelihood(Samples(*data), previous)))
    dtype = jnp.result_type(float)
    weights = np.ones(rows.shape) if weights is None else weights
    params, status = fit(jnp.asarray(rows, dtype), jnp.asarray(weights, dtype))
    return np.asarray(params.location, float), np.asarray(params.log_variance, float), np.asarray(status)


def assert_joint_ml_is_the_largest_root(tolerance, near_zero):
    rows = np.concatenate([symmetric(ratio, 10, 40, seed=i) for i, ratio in enumerate((0.0, 1.0, 2.0, 6.0))])
    location, log_variance, status = joint_fits(rows)
    wanted = np.array([scanned(x) for x in rows])
    assert np.array_equal(location == 0, wanted == 0) and 5 < np.sum(wanted == 0) < 80
    variance = np.mean(rows**2, axis=1) - wanted**2
    error = np.abs(np.exp(log_variance) / variance - 1)
    # where a root is near 0 the score is flat to third order, and its rounding is seen
    steep = wanted > 0.7 * np.sqrt(np.mean(rows**2, axis=1))
    assert steep.sum() > 60 and error[steep].max() < tolerance and error.max() < near_zero
    assert np.mean(status == Status.OK) > 0.98
    # no likelihood nearby is larger: a maximum, from scipy's hand
    for x, mu, log_v in zip(rows[::10], location[::10], log_variance[::10], strict=True):
        here = likelihood(x, mu, np.exp(log_v))
        for step in (0.97, 1.03):
            assert likelihood(x, mu * step, np.exp(log_v)) <= here + 1e-5
            assert likelihood(x, mu, np.exp(log_v) * step) < here


def likelihood(x, mu, variance):
    both = [stats.norm.logpdf(x, centre, np.sqrt(variance)) for centre in (mu, -mu)]
    return np.mean(np.logaddexp(*both) - np.log(2))


def test_joint_ml_is_the_largest_root_of_a_dense_scan():
    assert_joint_ml_is_the_largest_root(1e-4, 1e-3)


def test_a_solver_that_is_started_at_zero_is_seen():
    """The figure's solver, which may land on 0: the check above would reject it."""
    rows = symmetric(1.0, 10, 40)
    wanted = np.array([scanned(x) for x in rows])
    variance = np.mean(rows**2, axis=1)
    assert np.max(np.abs(variance / (variance - wanted**2) - 1)) > 0.5


def transcribed(x, eta=2.0):
    """The formulas as they are printed, in numpy."""
    n, m, square = len(x), np.mean(np.abs(x)), np.mean(x * x)
    v = square - m * m
    kappa = np.exp((eta - 1) * ((n - 1) / 2 + 4 * eta) / (eta * (n - 1) * (n + 4 * eta - 1))) - 1
    a = 50.0 if square <= (1 + kappa) * m * m else 2 * (1 + kappa) * square / (square - (1 + kappa) * m * m)
    variance = a * square * v / (a * m * m + 2 * square) if square <= 2 * a / (a - 2) * m * m else square
    return np.sqrt(max(square - variance, 0.0)), variance, a == 50.0, variance == square


def approximate_fits(rows, eta=2.0):
    family, previous = SymmetricMixture(), traced(SymmetricMixture.Params.standard())
    number = jnp.asarray(eta, jnp.result_type(float))
    fit = jax.jit(
        jax.vmap(lambda *data: family.approximate_joint_ml(family.folded(Samples(*data)), previous, number))
    )
    params, status = fit(jnp.asarray(rows, number.dtype), jnp.ones(rows.shape, jnp.int32))
    return np.asarray(params.location, float), np.exp(np.asarray(params.log_variance, float)), status


def assert_closed_form_is_that_of_the_paper(tolerance):
    rows = np.concatenate([symmetric(ratio, 10, 50, seed=i) for i, ratio in enumerate((0.0, 1.0, 5.0))])
    # nearly all points at 0, and an outlier
    rows[0], rows[1] = [1.0, -1.0, *[0.001] * 8], [30.0, *[0.01] * 9]
    location, variance, _ = approximate_fits(rows)
    wanted = [transcribed(x) for x in rows]
    np.testing.assert_allclose(variance, [w[1] for w in wanted], rtol=tolerance)
    np.testing.assert_allclose(location, [w[0] for w in wanted], rtol=30 * tolerance, atol=30 * tolerance)
    assert 10 < sum(w[2] for w in wanted) < 140
    # the clamp at S, which ten points meet at a large eta alone
    alone = np.array([[30.0] + [0.0] * 9, rows[5]])
    clamped = [transcribed(x, 50.0) for x in alone]
    assert clamped[0][3] and not clamped[1][3]
    np.testing.assert_allclose(approximate_fits(alone, 50.0)[1], [w[1] for w in clamped], rtol=tolerance)
    assert np.max(np.abs(approximate_fits(rows, 2.2)[1] / variance - 1)) > 100 * tolerance


def test_closed_form_is_that_of_the_paper():
    assert_closed_form_is_that_of_the_paper(2e-5)


@pytest.mark.slow
def test_fits_in_float64():
    """EM to 1e-12 and the closed form to 1e-12 of scikit-learn's and numpy's; the root to 1e-9."""
    python(
        "import tests.test_mixtures as t; t.assert_em_is_that_of_scikit_learn(1e-12); "
        "t.assert_closed_form_is_that_of_the_paper(1e-12); t.assert_joint_ml_is_the_largest_root(1e-9, 1e-4)",
        JAX_ENABLE_X64="1",
    )


def test_a_spread_far_below_the_location_is_neither_negative_nor_a_number_out_of_nothing():
    close = np.array(
        [[1.0, -1.0, 1.0, -1.0], [1.0, 1.0 + 2e-7, -1.0, -1.0], [0.0] * 4, [1e-25, -3e-25, 2e-25, 1e-25]]
    )
    for location, log_variance, status in (
        joint_fits(close),
        (lambda a, b, c: (a, np.log(np.maximum(b, 1e-300)), np.asarray(c)))(*approximate_fits(close)),
    ):
        assert list(status[[0, 2]]) == [Status.DEGENERATE] * 2
        assert log_variance[0] < -600 and log_variance[2] < -600
        assert np.isclose(location[0], 1) and location[2] == 0
        assert -34 < log_variance[1] < -28 and np.isclose(location[1], 1, rtol=1e-6)
    log_variance = joint_fits(close)[1]
    assert -116 < log_variance[3] < -112 and joint_fits(close)[2][3] == Status.OK


def test_likelihood_rises_at_every_iteration():
    rows, start = clustered(150, 3, 2), traced(GaussianMixture.Params.separated(3, 2, 1.0))
    family = GaussianMixture(3, 2)
    found = [start, *(climbed(family, rows, start, i)[0] for i in (1, 2, 3, 5, 8, 40))]

    def mean(params):
        terms = [
            np.log(w) + stats.multivariate_normal(m, c).logpdf(rows)
            for w, m, c in zip(
                np.exp(np.asarray(params.log_weights, float)),
                np.asarray(params.means),
                covariances(params),
                strict=True,
            )
        ]
        return np.mean(np.logaddexp.reduce(terms, axis=0))

    assert np.all(np.diff([mean(params) for params in found]) > 0)


@pytest.mark.slow
def test_weights_of_rows_are_repetitions():
    rows, weights = clustered(60, 2, 2), np.array([1, 2, 3] * 20)
    ours = climbed(GaussianMixture(), rows, traced(PAIR), 15, weights)[0]
    theirs = climbed(GaussianMixture(), np.repeat(rows, weights, axis=0), traced(PAIR), 15)[0]
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    location, log_variance, _ = joint_fits(rows[:, :1].T - 5.0, weights[None].astype(float))
    repeated = joint_fits(np.repeat(rows[:, 0] - 5.0, weights)[None])
    np.testing.assert_allclose([location, log_variance], repeated[:2], rtol=1e-4)


def test_fits_that_cannot_be_had_are_statuses():
    family, start = GaussianMixture(2, 2), traced(PAIR)
    rng = np.random.default_rng(0)

    def status_of(rows, **options):
        params, status = climbed(family, rows, start, 100, tolerance=1e-6, **options)
        assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(params)[1:])
        return params, int(status)

    near = rng.normal(size=(40, 2))
    # a component on a single point: its variances stay at the floor, a millionth of the data's
    params, status = status_of(np.concatenate([near, [[1e3, 0.0]]]))
    assert status == Status.DEGENERATE
    small = np.exp(2 * np.asarray(params.log_diagonals)).min(axis=0)
    assert np.all(small > 0)
    # a component that no point is near has lost its weight, and keeps its place
    far = traced(GaussianMixture.Params.of([0.5, 0.5], [[0.0, 0.0], [1e4, 0.0]], [np.eye(2)] * 2))
    params, status = climbed(family, near, far, 100, tolerance=1e-6)
    assert int(status) == Status.DEGENERATE and np.asarray(params.log_weights)[1] == -np.inf
    np.testing.assert_allclose(params.means[1], [1e4, 0.0], rtol=1e-5, atol=1e-5)
    drawn = family.sample(mc.random.Key.of(jax.random.key(0)), params, 500, 500)
    assert np.max(np.asarray(drawn.rows)) < 100
    # all rows are one, or too few, or stopped early: the previous model, or what there is
    assert status_of(np.ones((40, 2)))[1] == Status.DEGENERATE
    assert status_of(near, weights=[1.0] * 5 + [0.0] * 35)[1] == Status.TOO_FEW_POINTS
    np.testing.assert_allclose(status_of(near, weights=[1.0] * 5 + [0.0] * 35)[0].means, PAIR.means)
    assert (
        int(climbed(family, clustered(40, 2, 2) - 5.0, start, 2, tolerance=1e-6)[1]) == Status.NOT_CONVERGED
    )


@pytest.mark.slow
def test_a_start_from_rows_finds_what_a_coincident_model_cannot():
    """Of a truth of another size there is no previous model: components that are one never part by EM."""
    family = GaussianMixture(3, 2)
    rows, blank = clustered(300, 3, 2) * 2, family.blank(PAIR, None)
    assert np.all(np.asarray(blank.means) == 0)
    params, status = climbed(family, rows, blank, 200, tolerance=1e-5)
    assert int(status) == Status.OK
    best = Rival(3, n_init=5, random_state=0, tol=1e-6, max_iter=1000).fit(rows).score(rows)
    score = float(jnp.mean(family.log_density(params, jnp.asarray(rows, jnp.result_type(float)))))
    assert abs(score - best) < 1e-3
    assert family.blank(GaussianMixture.Params.separated(3, 2), None).means.shape == (3, 2)


def test_samples_have_the_law_of_the_mixture():
    tilted = np.array([[1.0, 0.6], [0.6, 2.0]])
    family, params = (
        GaussianMixture(),
        GaussianMixture.Params.of([0.2, 0.8], [[0, 0], [3, 1]], [tilted, np.eye(2)]),
    )
    rows = np.asarray(
        family.sample(mc.random.Key.of(jax.random.key(1)), traced(params), 40_000, 40_000).rows, float
    )
    assert_agrees(*moments(rows), [2.4, 0.8])
    centred = rows - [2.4, 0.8]
    products = np.stack([centred[:, 0] ** 2, centred[:, 0] * centred[:, 1], centred[:, 1] ** 2], axis=1)
    total = np.asarray(family.total_covariance(traced(params)))
    np.testing.assert_allclose(
        total, 0.2 * tilted + 0.8 * np.eye(2) + 0.16 * np.outer([3, 1], [3, 1]), rtol=1e-5
    )
    assert_agrees(*moments(products), total[[0, 0, 1], [0, 1, 1]])
    # the distribution function of the second coordinate, and a mutant of other weights
    law = lambda w: lambda x: w * stats.norm.cdf(x, 0, np.sqrt(2)) + (1 - w) * stats.norm.cdf(x, 1)  # noqa: E731
    assert stats.kstest(rows[:, 1], law(0.2)).pvalue > 1e-6 > stats.kstest(rows[:, 1], law(0.25)).pvalue
    numbers = SymmetricMixture().sample(
        mc.random.Key.of(jax.random.key(2)), traced(SymmetricMixture.Params.of(2.0, 0.25)), 20_000, 20_000
    )
    both = lambda mu: lambda x: (stats.norm.cdf(x, mu, 0.5) + stats.norm.cdf(x, -mu, 0.5)) / 2  # noqa: E731
    assert stats.kstest(numbers.rows, both(2.0)).pvalue > 1e-6 > stats.kstest(numbers.rows, both(2.05)).pvalue


@pytest.mark.slow
def test_labels_mean_nothing_to_the_metrics():
    family = GaussianMixture(3, 2)
    truth = GaussianMixture.Params.of([0.5, 0.3, 0.2], [[0, 0], [6, 0], [0, 6]], [np.eye(2)] * 3)
    switched = GaussianMixture.Params.of([0.3, 0.2, 0.5], [[6.5, 0], [0, 6], [0, -0.5]], [np.eye(2)] * 3)
    lost = GaussianMixture.Params.of([0.5, 0.48, 0.02], [[0, 0], [6, 1.0], [6, -1.0]], [np.eye(2)] * 3)
    given = mc.Truth(family, traced(truth))
    np.testing.assert_allclose(metrics.matched_squared_error(family, traced(switched), given), 0.5, rtol=1e-5)
    assert metrics.mode_coverage(family, traced(truth), given) == 1
    assert metrics.mode_coverage(family, traced(switched), given) == 1
    np.testing.assert_allclose(metrics.mode_coverage(family, traced(lost), given), 2 / 3, rtol=1e-6)
    between = GaussianMixture.Params.of([1.0], [[3, 3]], [9 * np.eye(2)])
    assert metrics.mode_coverage(GaussianMixture(1, 2), traced(between), given) == 0
    mass = metrics.ComponentMass(20_000)(mc.random.Key.of(jax.random.key(0)), family, traced(switched), given)
    np.testing.assert_allclose(mass, [0.5, 0.3, 0.2], atol=0.02)
    pair = SymmetricMixture(), traced(SymmetricMixture.Params.of(1.5))
    error = metrics.matched_squared_error(*pair, mc.Truth(pair[0], traced(SymmetricMixture.Params.of(1.0))))
    np.testing.assert_allclose(error, 0.5, rtol=1e-6)


@pytest.mark.slow
def test_a_mixture_loses_its_modes_when_it_is_retrained():
    """Twelve points for two components close by: the report says so, and weighted rows are fitted too."""
    process = mc.RecursiveTraining(family=GaussianMixture(2, 1), sizes=12)
    truth = GaussianMixture.Params.separated(2, 1, 6.0)
    record = {
        "coverage": mc.Record(metrics.mode_coverage, at=[0, 40]),
        "log_determinant": mc.Record(metrics.log_determinant, at=[0, 40]),
    }
    run = mc.simulate(
        process, truth, key=jax.random.key(0), generations=40, replicates=128, record=record
    )  # fmt: skip
    assert run["coverage"].values[:, 0].mean() > 0.95
    assert run.collapse_report()[6].answer == "yes" and run.collapse_report()[4].record == "log_determinant"
    assert np.all(np.isfinite(run["log_determinant"].values)) and not np.any(run.status == Status.NOT_FINITE)
    assert "no law" in str(run.compare())


@pytest.mark.slow
def test_each_part_of_a_weighted_fit_counts():
    source = mc.sources.Split(20, 20)
    truth = SymmetricMixture.Params.of(2.0)

    def ends(weight, replicates=1024):
        process = mc.RecursiveTraining(
            family=SymmetricMixture(), sizes=40, source=source, estimator=estimators.Weighted(weight)
        )
        return values(
            process, truth, record=keep(metrics.log_variance, at=[5]), generations=5, replicates=replicates
        )

    with_real, without = ends(0.9), ends(0.1)
    assert_mutant_seen(without, with_real)  # with little weight on real points the spread shrinks


def test_the_bound_of_theorem_4():
    bound = theory.component_bound(np.full(60, 10), 0.1)
    np.testing.assert_allclose(bound[[0, 60]], [1.0, 1.0])
    bound = theory.component_bound(np.full(200, 10), 0.1)
    np.testing.assert_allclose(
        bound[[100, 140, 180]], 10 * np.exp(-np.array([100, 140, 180]) / 40), rtol=1e-12
    )
    np.testing.assert_allclose(np.round(bound[[100, 140, 180]], 2), [0.82, 0.30, 0.11])
    above = metrics.Above(metrics.standard_deviation, 0.1)

    def compared(estimator, sizes=10):
        process = mc.RecursiveTraining(family=SymmetricMixture(), sizes=sizes, estimator=estimator)
        run = mc.simulate(
            process, SymmetricMixture.Params.standard(), key=jax.random.key(0), generations=140, replicates=256,
            start="truth", record={"x": mc.Record(above, at=[100, 140])},
        )  # fmt: skip
        return str(run.compare())

    assert "symmetric-mixture-tail-theorem-4" in str(compared(estimators.ApproximateJointML()))
    assert "symmetric-mixture" not in str(compared(estimators.ApproximateJointML(2.5)))


@pytest.mark.parametrize(
    "family, estimator",
    [
        ({"name": "gaussian-mixture", "components": 2, "truth": {"separated": {"components": 2, "distance": 5.0}}},
         {"name": "expectation-maximisation", "start": "rows", "iterations": 50}),
        ({"name": "symmetric-mixture", "truth": {"of": {"location": 2.0}}}, {"name": "approximate-joint-ml", "eta": 2.0}),
    ],
)  # fmt: skip
def test_specifications(family, estimator):
    made = Specification.parse(
        {"generations": 2, "replicates": 4, "sizes": 30, "family": family, "estimator": estimator}
    )
    assert type(made.truth) is type(made.family).Params and made.records
    again = mc.RecursiveTraining(family=made.family, estimator=made.estimator, sizes=30)
    assert again.planned(2, "real", made.truth).plan.as_rows


def test_a_truth_from_data():
    rows = symmetric(3.0, 4000, 1)[0]
    params = SymmetricMixture.Params.from_data(rows)
    assert abs(params.location - 3.0) < 0.1 and abs(params.log_variance) < 0.1


@pytest.mark.slow
def test_a_default_record_fits_every_truth():
    """More components than can be matched, a truth of more, and a truth of another family."""
    other = mc.families.MultivariateGaussian(2), mc.families.MultivariateGaussian.Params.isotropic(2)
    for family, truth in (
        (GaussianMixture(7, 1), GaussianMixture.Params.separated(7, 1)),
        (GaussianMixture(2, 1), mc.Truth(GaussianMixture(3, 1), GaussianMixture.Params.separated(3, 1))),
        (GaussianMixture(2, 2), mc.Truth(*other)),
    ):
        process = mc.RecursiveTraining(family=family, sizes=60)
        run = mc.simulate(process, truth, key=jax.random.key(0), generations=1, replicates=2)
        assert set(run) == {"squared_error", "trace"}
        assert all(np.all(np.isfinite(run[name].mean)) for name in run)


def test_where_no_density_is_a_number_the_previous_model_is_kept():
    rows = np.random.default_rng(0).normal(size=(50, 2))
    narrow = traced(GaussianMixture.Params.of([0.5, 0.5], [[-2, 0], [2, 0]], [np.eye(2) * 1e-310] * 2))
    params, status = climbed(GaussianMixture(), rows, narrow, 100, tolerance=1e-6)
    assert int(status) == Status.NOT_FINITE
    for ours, theirs in zip(jax.tree.leaves(params), jax.tree.leaves(narrow), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_constant_coordinate_is_degenerate_and_keeps_the_model():
    rows = np.random.default_rng(0).normal(size=(50, 2))
    rows[:, 1] = 3.0
    params, status = climbed(GaussianMixture(), rows, traced(PAIR), 100, tolerance=1e-6)
    assert int(status) == Status.DEGENERATE
    np.testing.assert_array_equal(params.means, traced(PAIR).means)
    # of spheres one coordinate is enough
    params, status = climbed(GaussianMixture(2, 2, "spherical"), rows, traced(PAIR), 100, tolerance=1e-6)
    assert int(status) == Status.OK and np.allclose(params.means[:, 1], 3.0, atol=1e-5)


def test_a_truth_is_of_the_kind_that_is_fitted():
    tilted = GaussianMixture.Params.of([1.0], [[0.0, 0.0]], [[[1e6, 0.5], [0.5, 1.0]]])
    uneven = GaussianMixture.Params.of([1.0], [[0.0, 0.0]], [np.diag([2.0, 1.0])])
    for kind in ("diagonal", "spherical"):
        with pytest.raises(ValueError, match="full"):
            GaussianMixture(1, 2, kind).check(tilted)
    with pytest.raises(ValueError, match="diagonal"):
        GaussianMixture(1, 2, "spherical").check(uneven)
    GaussianMixture(1, 2, "diagonal").check(traced(uneven))
    GaussianMixture(2, 2, "spherical").check(traced(PAIR))
    # fitted all the same, as a truth of its own family
    process = mc.RecursiveTraining(family=GaussianMixture(1, 2, "spherical"), sizes=20)
    assert process.checked_truth(mc.Truth(GaussianMixture(1, 2), tilted), "real").params is tilted


@pytest.mark.slow
def test_densities_of_mixtures_of_numbers():
    """Against scipy, and the distance of two mixtures against a quadrature."""
    pair, other = SymmetricMixture.Params.of(1.5, 0.25), SymmetricMixture.Params.of(1.0, 1.0)
    x = np.linspace(-6, 6, 20_001)

    def density(location, variance, at=x):
        return sum(stats.norm.pdf(at, sign * location, variance**0.5) for sign in (1, -1)) / 2

    family, points = SymmetricMixture(), jnp.asarray(x[::500], jnp.result_type(float))
    np.testing.assert_allclose(
        np.exp(family.log_density(traced(pair), points)), density(1.5, 0.25, x[::500]), rtol=1e-4
    )
    np.testing.assert_allclose(
        family.cumulative(traced(pair), points),
        (stats.norm.cdf(x[::500], 1.5, 0.5) + stats.norm.cdf(x[::500], -1.5, 0.5)) / 2, atol=1e-6,
    )  # fmt: skip
    gap = 0.5 * np.sum(np.abs(density(1.5, 0.25) - density(1.0, 1.0))) * (x[1] - x[0])
    found = metrics.total_variation(family, traced(pair), mc.Truth(family, traced(other)))
    np.testing.assert_allclose(found, gap, atol=1e-4)
    # the same two laws as mixtures in one dimension, one component of which has lost its weight
    ours = GaussianMixture.Params.of([0.5, 0.5], [1.5, -1.5], [0.25, 0.25])
    lost = eqx.tree_at(
        lambda p: (p.log_weights, p.means), traced(ours), (jnp.asarray([0.0, -jnp.inf]), jnp.asarray([[1.5], [1e9]]))
    )  # fmt: skip
    line = GaussianMixture(2, 1)
    found = metrics.total_variation(line, traced(ours), mc.Truth(family, traced(other)))
    np.testing.assert_allclose(found, gap, atol=1e-4)
    found = metrics.total_variation(line, lost, mc.Truth(line, traced(ours)))
    np.testing.assert_allclose(found, 0.5, atol=0.002)  # 0.4987: the tails of the two overlap
    with pytest.raises(ValueError, match="one dimension"):
        metrics.total_variation(GaussianMixture(), traced(PAIR), mc.Truth(GaussianMixture(), traced(PAIR)))


def test_a_density_without_spread():
    dtype = jnp.result_type(float)
    for log_variance in (-jnp.inf, -3000.0):
        nothing = SymmetricMixture.Params(jnp.asarray(1.0, dtype), jnp.asarray(log_variance, dtype))
        density = np.asarray(SymmetricMixture().log_density(nothing, jnp.asarray([0.0, 1.5, -2.0], dtype)))
        assert np.all(density == -np.inf)
        assert np.all(
            np.asarray(SymmetricMixture().log_density(nothing, jnp.asarray([1.0, -1.0], dtype))) > 1000
        )
        below = SymmetricMixture().cumulative(nothing, jnp.asarray([-2.0, 0.0, 2.0], dtype))
        np.testing.assert_array_equal(below, [0.0, 0.5, 1.0])


def assert_roots_near_a_kurtosis_of_three_are_found():
    """Where the two curves of the score nearly touch: all fits converge, to the root of a dense scan."""
    rows = np.concatenate([symmetric(ratio, 50, 800, seed=i) for i, ratio in enumerate((0.0, 0.5, 1.0))])
    square = np.mean(rows**2, axis=1)
    near = np.abs(np.mean(rows**4, axis=1) / square**2 - 3)
    location, _, status = joint_fits(rows)
    assert np.all(status == Status.OK)
    for i in np.argsort(near)[:20]:
        assert abs(location[i] - scanned(rows[i], 40_001)) < 1e-4 * np.sqrt(square[i])


@pytest.mark.slow
def test_roots_near_a_kurtosis_of_three_in_float64():
    python(
        "import tests.test_mixtures as t; t.assert_roots_near_a_kurtosis_of_three_are_found()",
        JAX_ENABLE_X64="1",
    )


@pytest.mark.parametrize("unit", [1e-100, 1e-40, 1.0, 1e38, 1e100])
def test_a_truth_from_data_is_fitted_in_float64(unit):
    """In any units, and where sizes differ by a hundred millionth of themselves; refused where it is none."""
    rows = symmetric(1.0, 30, 1)[0]
    params = SymmetricMixture.Params.from_data(rows * unit)
    location = scanned(rows)
    np.testing.assert_allclose(params.location / unit, location, rtol=1e-9)
    variance = np.mean(rows**2) - location**2
    np.testing.assert_allclose(params.log_variance - 2 * np.log(unit), np.log(variance), rtol=1e-8)
    params = SymmetricMixture.Params.from_data((1e6 + np.array([0.01, 0.02, -0.03])) * unit)
    np.testing.assert_allclose(params.log_variance - 2 * np.log(unit), np.log(0.0014 / 3), rtol=1e-5)
    with pytest.raises(ValueError, match="other units"):
        SymmetricMixture.Params.from_data(rows * 1e-200)
