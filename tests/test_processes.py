"""Other processes: each against its exact law, published numbers and another implementation."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

import mcollapse as mc
from mcollapse import metrics, theory
from mcollapse.data import Samples
from mcollapse.families import Categorical, Gaussian, LabelledGaussians, LinearRegression
from mcollapse.processes import Coevolution, OneShotMixing, PopulationLimit, WeakSupervision
from mcollapse.processes.coevolution import posteriors
from mcollapse.random import Key
from mcollapse.theory import population_limit
from tests.helpers import GAUSSIAN, gaussian, keep, nothing_compiled
from tests.statistical import assert_agrees, assert_law_rejected, moments
from tests.theory.rows import ROWS

CIRCLE = LabelledGaussians.Params.circle
POPULATION = json.loads((pathlib.Path(__file__).parent / "theory" / "population.json").read_text())


def simulate(process, truth, *names, generations=10, replicates=4096, start="truth", seed=0, at=None):
    record = {name: mc.Record(getattr(metrics, name), at=at) for name in names} or None
    return mc.simulate(
        process, truth, key=jax.random.key(seed), generations=generations, replicates=replicates, start=start,
        record=record,
    )  # fmt: skip


def check(run, *laws):
    report = run.compare()
    assert not report.violated, str(report)
    assert {v.law.name for v in report} == set(laws), str(report)
    return {(v.law.name, v.record): v for v in report}


def test_weak_supervision_hits_the_published_numbers():
    row = next(row for row in POPULATION if row["id"] == "pub-weak-label-.1")
    prompts = Categorical.Params.uniform(20)
    run = simulate(WeakSupervision(0.1), prompts, generations=60, replicates=20_000, start="real")
    check(run, "weak-supervision")
    found = run["unsolved"].values[:, row["generations"]]
    mean, error = moments(found)
    assert np.all(np.abs(mean - row["values"]) < 4 * error) and np.all(error[:3] < 0.02 * mean[:3])
    assert_law_rejected(found[:, 1], 0.895**10)
    # other numbers, the same program: a filter that errs takes back what was right
    with nothing_compiled():
        process = WeakSupervision(mc.schedules.Power(0.5, -0.5), noise=0.1, accuracy=0.5)
        run = simulate(process, prompts, generations=60, replicates=20_000, start="real")
    check(run, "weak-supervision")
    assert_law_rejected(run["unsolved"].values[:, 3], float(_unsolved(0.12)))
    assert np.isclose(run.compare().verdicts[0].predicted[3], _unsolved(0.1))


def _unsolved(noise):
    """Three rounds by matrices of two states."""
    state = np.array([0.5, 0.5])
    for t in (1, 2, 3):
        right = 0.5 * t**-0.5
        gain, loss = (1 - noise) * right, noise * (1 - right)
        state = state @ np.array([[1 - gain, gain], [loss, 1 - loss]])
    return state[0]


def test_prompts_that_are_drawn():
    """A prompt that no round asks keeps its answer; the last of several answers counts."""
    process = WeakSupervision(0.3, noise=0.05, sizes=[1, 4, 2, 8])
    run = simulate(process, Categorical.Params([0.6, 0.3, 0.1]), generations=3, start="real", replicates=8192)
    check(run, "weak-supervision")
    assert_law_rejected(run["unsolved"].values[:, 1], 1 - 0.95 * 0.3)  # as if every prompt were asked


@pytest.mark.slow
def test_one_shot_mixing_over_shares_and_sizes(tmp_path):
    """Any covariance, noise of both models, a sweep in one program."""
    covariance = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 0.5]])
    family, truth = LinearRegression(3, covariance), LinearRegression.Params([1.0, -1.0, 0.5], 0.3)
    process = OneShotMixing(
        family, LinearRegression.Params([0.0, 0.5, 0.5], 0.8), size=12, synthetic_share=0.5
    )
    run = mc.sweep(
        process, truth, over={"synthetic_share": [0.0, 0.5, 1.0], "size": [12, 40]}, key=jax.random.key(1),
        generations=1, replicates=8192, record={"e": mc.Record(metrics.test_error)},
    )  # fmt: skip
    report = run.compare()
    assert len(report) == 12 and not report.violated
    found = run["e"].values[:, 1, 0, 1]
    assert_law_rejected(found, 1.1 * found.mean())
    loaded = mc.Trajectories.load(run.save(tmp_path / "run.zarr"))
    assert [v.predicted[1] for v in loaded.compare()] == [v.predicted[1] for v in report]
    assert loaded.process.model.noise_variance == 0.8


@pytest.mark.slow
def test_strong_model_collapse_hits_the_published_numbers():
    row = next(row for row in ROWS if row["id"] == "pub-strong-ols")
    for (d, real, made), value in zip(row["settings"]["cases_d_n1_n2"], row["values"], strict=True):
        process = OneShotMixing(
            LinearRegression(d), LinearRegression.Params(np.eye(d)[0], 0.0), size=real + made,
            synthetic_share=made / (real + made),
        )  # fmt: skip
        run = simulate(process, LinearRegression.Params(np.zeros(d), 0.0), "test_error", generations=1)
        check(run, "ols-one-shot", "strong-collapse")
        errors = run["test_error"].values[:, 1]
        mean, error = moments(errors)
        assert abs(mean - value) < 4 * error and error < 0.02 * value
        assert_law_rejected(errors, 1.1 * value)


def test_the_population_limit_dies_of_heat():
    """Published fixed points of temperatures and real shares, one program for all; other shares are elsewhere."""
    row = next(row for row in POPULATION if row["id"] == "pub-heat-death")
    truth = Categorical.Params(np.array(row["settings"]["p0"]))
    record = {
        "top": mc.Record(lambda family, params, truth: params.probabilities.max(), at=[400]),
        "squared_error": mc.Record(metrics.squared_error, at="log"),
        "chi_square": mc.Record(metrics.chi_square, at="log"),
    }

    def run(share, temperature):
        process = PopulationLimit(share, mc.decoders.Temperature(temperature))
        return mc.simulate(
            process, truth, key=jax.random.key(0), generations=400, replicates=2, record=record
        )

    for (tau, share), value in zip(row["settings"]["cases_tau_alpha"], row["values"], strict=True):
        found = run(share, tau)
        check(found, "population-limit")
        np.testing.assert_allclose(found["top"].mean, value, rtol=1e-5)
        for verdict in found.compare():
            np.testing.assert_allclose(verdict.observed, verdict.predicted, rtol=1e-4, atol=1e-6)
        assert np.ptp(found["top"].values) == 0 and not np.isclose(
            run(1.1 * share, tau)["top"].mean, value, rtol=1e-3
        )


def test_mass_where_the_truth_has_none_is_infinitely_far():
    setting = theory.PopulationSetting(
        probabilities=np.array([0.5, 0.5, 0.0]), first=np.array([0.4, 0.5, 0.1]), shares=np.array([0.0, 0.5, 1.0]),
        temperatures=np.ones(3),
    )  # fmt: skip
    (said,) = population_limit.predict(setting, [("chi_square", {})], np.arange(3))
    assert said.values.tolist() == [np.inf, np.inf, 0.0]


def test_distances_in_the_population_limit_shrink_by_the_share():
    truth, model = Categorical.Params([0.5, 0.3, 0.2]), Categorical.Params([0.1, 0.2, 0.7])
    process = PopulationLimit(mc.schedules.Power(0.5, -0.5), model=model)
    run = simulate(process, truth, "chi_square", "total_variation", generations=4, replicates=2)
    check(run, "population-limit")
    kept = np.cumprod([1, *(1 - 0.5 * np.arange(1, 5) ** -0.5)])
    chi_square, distance = (
        mc.theory.mixed_distances(truth.probabilities, model.probabilities, 0.0)[i] for i in (0, 1)
    )
    np.testing.assert_allclose(run["chi_square"].mean, chi_square * kept**2, rtol=1e-5)
    np.testing.assert_allclose(run["total_variation"].mean, distance * kept, rtol=1e-5)


def test_posteriors_are_those_of_another_library():
    generator = np.random.default_rng(0)
    roots = generator.normal(size=(3, 2, 2))
    matrices = roots @ np.swapaxes(roots, 1, 2) + 0.1 * np.eye(2)
    means, p = generator.normal(size=(3, 2)), np.array([0.5, 0.2, 0.3])
    params = jax.tree.map(jnp.asarray, LabelledGaussians.Params.of(p, means, matrices))
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.result_type(float)), params)
    asked, noise = generator.integers(0, 3, 40), generator.normal(size=(40, 2))
    images = means[asked] + np.einsum("nij,nj->ni", np.linalg.cholesky(matrices)[asked], noise)
    densities = np.stack(
        [w * stats.multivariate_normal(m, c).pdf(images) for w, m, c in zip(p, means, matrices, strict=True)],
        axis=1,
    )
    found = posteriors(params, jnp.asarray(asked, jnp.int32), jnp.asarray(noise, jnp.result_type(float)))
    np.testing.assert_allclose(found, densities / densities.sum(axis=1, keepdims=True), atol=2e-5)


@pytest.mark.slow
def test_posteriors_of_points_and_of_nobody():
    """A token whose images are one point, or have shrunk out of sight, is recognised by them alone."""
    params = LabelledGaussians.Params(
        jnp.array([0.5, 0.25, 0.25, 0.0]),
        jnp.zeros((4, 2)).at[1, 0].set(1e-6),
        jnp.broadcast_to(jnp.eye(2), (4, 2, 2)),
        jnp.array([[0.0, 0.0], [-jnp.inf, -jnp.inf], [-115.0, -115.0], [0.0, 0.0]]),
    )
    found = np.asarray(posteriors(params, jnp.arange(3, dtype=jnp.int32), jnp.full((3, 2), 0.3)))
    np.testing.assert_allclose(found, np.eye(4)[:3], atol=1e-30)


@pytest.mark.parametrize(
    "variance, published",
    [
        pytest.param(0.01, 0.431, marks=pytest.mark.slow),
        (0.1, 0.460),
        pytest.param(0.5, 0.635, marks=pytest.mark.slow),
    ],
)
def test_text_read_from_frozen_images(variance, published):
    """Published diversities of five tokens on a circle, and the exact bracket around them."""
    names = ("concentration", "probabilities")
    run = simulate(
        Coevolution(50, 1, image_steps=0),
        CIRCLE(5, variance),
        *names,
        generations=30,
        replicates=2048,
        at=[1, 30],
    )
    check(run, "coevolution-frozen-images", "coevolution-text-mean")
    found = 1 - run["concentration"].values[:, -1]
    # the published numbers are simulations themselves, to about a hundredth
    assert abs(found.mean() - published) < 0.012
    separated = 0.8 * (1 - 1 / 50) ** 30
    if variance == 0.01:
        assert_agrees(*moments(found), separated)
        assert_law_rejected(found, 0.8 * (1 - 1 / 56) ** 30)  # six pairs more
    else:
        assert_law_rejected(found, separated)  # overlap slows the decay


@pytest.mark.slow
def test_images_of_a_fixed_number_hit_the_published_numbers():
    row = next(row for row in ROWS if row["id"] == "pub-coevolve-image-n20")
    process = Coevolution(50, 20, text_steps=0, counts="fixed")
    run = simulate(
        process,
        CIRCLE(5, 1.0),
        "class_traces",
        "class_errors",
        generations=60,
        replicates=8192,
        at=[1, 20, 60],
    )
    check(run, "coevolution-images")
    for entry, law in (("class_traces", row["values"]), ("class_errors", 1 - np.array(row["values"]))):
        each = run[entry].values.mean(axis=2, dtype=np.float64) / 2  # coordinates and tokens are independent
        mean, error = moments(each)
        assert np.all(np.abs(mean - law) < 4 * error) and np.all(error[:2] < 0.02 * mean[:2])
    assert_law_rejected(run["class_traces"].values[:, 1].mean(axis=1), 2 * (1 - 1 / 18) ** 20)
    unbiased = Coevolution(50, 20, text_steps=0, counts="fixed", ddof=1)
    run = simulate(unbiased, CIRCLE(5, 1.0), "class_traces", "class_errors", replicates=1024, at=[1, 5, 10])
    verdicts = check(run, "coevolution-images")
    np.testing.assert_allclose(verdicts["coevolution-images", "class_traces"].predicted, 2.0)
    np.testing.assert_allclose(
        verdicts["coevolution-images", "class_errors"].predicted[:, 0], [0.1, 0.5, 1.0]
    )


@pytest.mark.slow
def test_ragged_images_with_those_of_users():
    """A rare token's numbers of images are random and often none; users bring real ones."""
    truth = LabelledGaussians.Params.of([0.85, 0.15], [[0.0, 0.0], [3.0, 0.0]], [np.eye(2)] * 2)
    for users, ddof in ((0, 0), (2, 1)):
        process = Coevolution(9, 8, text_steps=0, user_images=users, ddof=ddof)
        run = simulate(
            process, truth, "class_traces", "class_errors", generations=4, replicates=8192, at=[1, 4]
        )
        check(run, "coevolution-images")
        predicted = {v.record: v.predicted for v in run.compare()}
        for name in ("class_traces", "class_errors"):
            assert_law_rejected(run[name].values[:, 1, 1], 1.5 * predicted[name][1, 1])


@pytest.mark.slow
def test_both_models_evolve_with_injections(tmp_path):
    process = Coevolution(
        40, 30, text_steps=2, image_steps=2, corpus_probability=0.3, corpus_mass=0.2, user_images=2
    )
    names = ("concentration", "class_traces", "probabilities")
    truth = LabelledGaussians.Params.of(
        [0.6, 0.3, 0.1], [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]], [0.3 * np.eye(2)] * 3
    )
    run = simulate(process, truth, *names, start="real", replicates=8192)
    verdicts = check(run, "coevolution-text", "coevolution-text-mean")
    # far apart, and so the bound is the law; without injections it is lower
    apart = LabelledGaussians.Params.of(truth.probabilities, 30 * truth.mean, [0.3 * np.eye(2)] * 3)
    run = simulate(process, apart, *names, start="real", replicates=8192)
    verdicts = check(run, "coevolution-text", "coevolution-text-mean")
    bound = verdicts["coevolution-text", "concentration"].predicted
    assert_agrees(*moments(run["concentration"].values), bound)
    assert_law_rejected(run["concentration"].values[:, 10], 1 - (1 - bound[0]) * (1 - 1 / 40) ** 20)
    loaded = mc.Trajectories.load(run.save(tmp_path / "run.zarr"))
    assert {v.law.name for v in loaded.compare()} == {v.law.name for v in run.compare()}
    np.testing.assert_array_equal(loaded.process.user_images.value, 2)


@pytest.mark.slow
def test_text_that_has_collapsed_is_a_status():
    run = simulate(
        Coevolution(2, 4), CIRCLE(3, 0.01), "concentration", "class_traces", generations=40, replicates=128
    )
    assert np.all(run.status == mc.Status.DEGENERATE)
    values = run["concentration"].values
    assert np.all(np.isfinite(values)) and np.mean(values[:, -1] > 0.999) > 0.9
    assert np.all(np.isfinite(run["class_traces"].values))


@pytest.mark.slow
def test_labelled_gaussians_are_fitted_class_by_class():
    generator = np.random.default_rng(1)
    labels, images = generator.integers(0, 3, 60), generator.normal(size=(60, 2))
    params = LabelledGaussians.Params.from_data(labels, images)
    family, dtype = LabelledGaussians(), jnp.result_type(float)
    rows = jnp.asarray(np.column_stack([labels, images]), dtype)
    like = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), params)
    fitted, status = family.maximum_likelihood(family.statistics(Samples.first(rows, 60), like), like)
    for ours, theirs in zip(jax.tree.leaves(fitted), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert int(status) == mc.Status.OK
    drawn = family.sample(Key.of(jax.random.key(0)), like, 20_000, 20_000).rows
    for label in range(3):
        own = np.asarray(drawn[drawn[:, 0] == label][:, 1:])
        assert abs(len(own) / 20_000 - params.probabilities[label]) < 0.02
        np.testing.assert_allclose(own.mean(axis=0), params.mean[label], atol=0.1)
        np.testing.assert_allclose(np.trace(np.cov(own.T)), family.class_traces(like)[label], rtol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["statistics", "rows"])
def test_labelled_gaussians_are_retrained_like_any_family(path):
    process = mc.RecursiveTraining(family=LabelledGaussians(), sizes=30, path=path)
    run = simulate(process, CIRCLE(3, 0.1), "concentration", "class_traces", generations=3, replicates=20_000)
    law = 1 - (2 / 3) * (1 - 1 / 30) ** np.arange(4)
    assert_agrees(*moments(run["concentration"].values), law)
    assert_law_rejected(run["concentration"].values[:, 3], law[2])
    n = np.arange(1, 31)
    chances = np.exp(
        special.gammaln(31) - special.gammaln(n + 1) - special.gammaln(31 - n) + n * np.log(1 / 3)
        + (30 - n) * np.log(2 / 3)
    )  # fmt: skip
    kept = float(chances @ (1 - 1 / n)) + (2 / 3) ** 30
    assert_agrees(*moments(run["class_traces"].values[:, 1]), np.full(3, 0.2 * kept))


@pytest.mark.slow
@pytest.mark.parametrize(
    "pool, counts",
    [
        (mc.pools.All(), "fixed"),
        pytest.param(mc.pools.All(), "random", marks=pytest.mark.slow),
        pytest.param(mc.pools.Newest(), "random", marks=pytest.mark.slow),
        pytest.param(mc.pools.Subsample(15), "fixed", marks=pytest.mark.slow),
    ],
)
def test_real_data_whose_bias_decays(pool, counts):
    """The exact law, and a bias of half the size that it sees."""
    process = gaussian(
        source=mc.sources.Mixture(0.4, counts=counts), pool=pool, bias=mc.schedules.Power(0.5, -0.3, shift=1)
    )
    run = simulate(
        process, GAUSSIAN, "squared_error", "variance", start="real", generations=6, replicates=8192
    )
    check(run, "gaussian-biased-real")
    predicted = next(v.predicted for v in run.compare() if v.record == "squared_error")
    assert_law_rejected(run["squared_error"].values[:, 6], 1.2 * predicted[6])
    unbiased = simulate(gaussian(), GAUSSIAN, "mean", start="real", generations=1, replicates=128)
    assert len(unbiased.compare()) == 0


def test_a_bias_moves_the_mean_of_every_family_by_its_length():
    for family in (Gaussian(), mc.families.MultivariateGaussian(3), LinearRegression(3)):
        truth = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), family.standard_truth())
        moved = family.shifted(truth, jnp.asarray(0.7))
        assert np.isclose(np.sum((family.expectation(moved) - family.expectation(truth)) ** 2), 0.49)


@pytest.mark.slow
def test_a_bias_is_swept_and_saved(tmp_path):
    process = gaussian(bias=mc.schedules.Power(0.5, -0.3, shift=1), source=mc.sources.Mixture(0.5))
    run = mc.sweep(
        process, GAUSSIAN, over={"bias.scale": [0.0, 1.0]}, key=jax.random.key(0), generations=1, replicates=4096,
        record=keep(metrics.squared_error),
    )  # fmt: skip
    assert not run.compare().violated
    assert_agrees(*moments(run["x"].values[:, 1, 0]), 1 + 1 / 20)
    loaded = mc.Trajectories.load(run.save(tmp_path / "run.zarr"))
    assert float(loaded.process.bias.exponent) == -0.3 and not loaded.compare().violated
