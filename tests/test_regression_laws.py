"""The engine's regressions against their limits: models downstream, ridge again and again, subsampled rows."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import estimators, metrics
from mcollapse.families import LinearRegression
from tests.statistical import assert_agrees, assert_law_rejected, moments

pytestmark = pytest.mark.slow

DIMENSION, ROWS, SIZE = 6, 24, 20
TRUTH = LinearRegression.Params(np.eye(DIMENSION)[0], 0.5)
PROCESS = mc.RecursiveTraining(family=LinearRegression(DIMENSION), sizes=ROWS)


def quieter(params):
    """Labels of less noise."""
    return dataclasses.replace(params, noise_variance=params.noise_variance * jnp.asarray(0.2))


def downstream(metric=metrics.test_error, size=SIZE, **parts) -> mc.Record:
    return mc.Record(metrics.Downstream(metric, size, **parts), at=[0, 2])


@pytest.fixture(scope="module")
def run():
    record = {
        "plain": downstream(),
        "quieter": downstream(change=quieter),
        "ridge": downstream(estimator=estimators.Ridge(0.3)),
    }
    return mc.simulate(
        PROCESS, TRUTH, key=jax.random.key(0), generations=2, replicates=8192, start="truth", record=record
    )


def relabelled(run, **parts) -> mc.Trajectories:
    """The same numbers, said to be of something else."""
    made = {"process": PROCESS, "records": run.records} | parts
    return mc.Trajectories(run.entries, run.status, run.attributes, run.truth, **made)


def test_laws_of_models_downstream(run):
    report = run.compare()
    laws = {v.record: v for v in report}
    assert {name: v.law.name for name, v in laws.items()} == {
        "plain": "downstream-least-squares",
        "quieter": "downstream-least-squares",
        "ridge": "downstream-ridge",
    }
    assert laws["plain"].outcome == laws["quieter"].outcome == "consistent"
    base = DIMENSION / (SIZE - DIMENSION - 1)
    generator = 2 * 0.5 * DIMENSION / (ROWS - DIMENSION - 1)
    np.testing.assert_allclose(laws["quieter"].predicted, [0.1 * base, 0.1 * base + generator], rtol=1e-6)
    assert_law_rejected(run["quieter"].values[:, -1], 0.1 * base + 1.1 * generator)
    ridge = laws["ridge"]
    assert ridge.outcome == "reported" and "declared tolerance" in ridge.note
    ratios = ridge.observed / ridge.predicted
    assert np.all(np.abs(ratios - 1) < 1 / DIMENSION)
    # a mutant: least squares, said to be of ridge, and ridge, said to be of another penalty
    records = run.records | {"plain": downstream(estimator=estimators.Ridge(0.3))}
    (wrong,) = [v for v in relabelled(run, records=records).compare() if v.record == "plain"]
    assert (wrong.observed / wrong.predicted).max() > 1.4
    records = run.records | {"ridge": downstream(estimator=estimators.Ridge(1.0))}
    (wrong,) = [v for v in relabelled(run, records=records).compare() if v.record == "ridge"]
    assert np.abs(wrong.observed / wrong.predicted - 1).max() > 0.2


@pytest.mark.parametrize(
    "other",
    [
        downstream(size=22),
        downstream(change=lambda params: dataclasses.replace(params, noise_variance=jnp.asarray(0.6))),
    ],
    ids=["rows", "noise"],
)
def test_the_exact_law_of_another_model_downstream_is_violated(run, other):
    violated = relabelled(run, records=run.records | {"plain": other}).compare().violated
    assert [v.record for v in violated] == ["plain"]


@pytest.mark.parametrize(
    "other",
    [
        downstream(metrics.squared_norm),
        downstream(family=LinearRegression(DIMENSION)),
        downstream(estimator=estimators.MinimumNorm()),
        downstream(change=lambda params: dataclasses.replace(params, coefficients=0.9 * params.coefficients)),
        downstream(
            change=lambda params: dataclasses.replace(params, noise_variance=jnp.sum(params.coefficients**2))
        ),
    ],
    ids=["metric", "family", "estimator", "coefficients", "noise of coefficients"],
)
def test_other_models_downstream_have_no_law(run, other):
    found = relabelled(run, records={name: other for name in run.records}).compare()
    assert len(found) == 0


def test_a_saved_run_knows_its_models_downstream(run, tmp_path):
    """All but what a function changed, which is not saved."""
    run.save(tmp_path / "run.zarr")
    loaded = mc.Trajectories.load(tmp_path / "run.zarr")
    assert {v.record for v in loaded.compare()} == {"plain", "ridge"}
    first, second = ({v.record: v.p_value for v in r.compare()} for r in (run, loaded))
    assert second["plain"] == first["plain"]


def test_ridge_of_its_own_labels():
    """Within the declared tolerance; the fits of another penalty are not."""
    ridge = dataclasses.replace(PROCESS, estimator=estimators.Ridge(0.3))
    record = {name: mc.Record(getattr(metrics, name)) for name in ("test_error", "squared_norm")}
    run = mc.simulate(ridge, TRUTH, key=jax.random.key(1), generations=3, replicates=4096, record=record)

    def ratios(run):
        report = run.compare()
        assert {v.law.name for v in report} == {"ridge-replacement"} and len(report) == 2
        return np.array([v.observed / v.predicted for v in report])

    assert np.abs(ratios(run) - 1).max() < 1 / DIMENSION
    other = dataclasses.replace(PROCESS, estimator=estimators.Ridge(0.6))
    assert np.abs(ratios(relabelled(run, process=other)) - 1).max() > 0.2


@pytest.mark.parametrize("design", [None, 100])
def test_subsampled_rows(design):
    """Within d/T, or twice that on one design; neither replaced nor accumulated."""
    process = mc.RecursiveTraining(
        family=LinearRegression(4, design=design), sizes=100, pool=mc.pools.Subsample(100)
    )
    run = mc.simulate(
        process, LinearRegression.Params.zeros(4), key=jax.random.key(2), generations=4, replicates=4096,
        start="truth", record={"test_error": mc.Record(metrics.test_error, at=[4])},
    )  # fmt: skip
    (verdict,) = run.compare()
    assert verdict.law.name == "ols-subsample"
    tolerance = 0.04 if design is None else 0.08
    assert f"declared tolerance {tolerance:.2g}" in verdict.note
    base, law = 4 / 95, mc.theory.subsample_ratio(np.array([4]))[0]
    np.testing.assert_allclose(verdict.predicted, base * law, rtol=1e-3)
    values = run["test_error"].values[:, 0]
    # nearest to what was seen within the tolerance
    expected = np.clip(values.mean(), base * law * (1 - tolerance), base * law * (1 + tolerance))
    assert_agrees(*moments(values), expected)
    assert_law_rejected(values, base * (1 + 1 / 4 + 1 / 9 + 1 / 16) * (1 + tolerance))
