"""Eight definitions of collapse, on runs whose answers are known."""

import jax
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import metrics
from mcollapse.definitions import Thresholds
from mcollapse.families import Categorical, Gaussian, LinearRegression
from tests.helpers import GAUSSIAN, ZIPF, categorical, gaussian

TRUTH = LinearRegression.Params.zeros(5)


def run_of(process, truth, names, generations=60, reduce=None, start="real", replicates=2048):
    record = {name: mc.Record(getattr(metrics, name), reduce=reduce or mc.Keep()) for name in names}
    return mc.simulate(
        process, truth, key=jax.random.key(0), generations=generations, replicates=replicates, start=start,
        record=record,
    )  # fmt: skip


def regression(pool, start="real", **options):
    process = mc.RecursiveTraining(family=LinearRegression(5), sizes=40, pool=pool)
    return run_of(process, TRUTH, ["test_error"], start=start, **options)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["real", "truth"])
def test_replaced_labels_collapse_by_every_risk(start):
    report = regression(mc.pools.Newest(), start).collapse_report()
    assert [report[i].answer for i in (1, 2, 3)] == ["yes"] * 3
    fits = 60 if start == "truth" else 61
    assert abs(report[1].value - fits) < 5 * report[1].standard_error
    assert abs(report[3].value - 1.0) < 0.1 and report[2].note == "paired by replicate"


@pytest.mark.slow
def test_accumulated_labels_collapse_by_the_second_definition_alone():
    """pi^2/6 of the first error: an increase, neither catastrophic nor diverging."""
    report = regression(mc.pools.All()).collapse_report()
    assert [report[i].answer for i in (1, 2, 3)] == ["no", "yes", "no"]
    expected = sum(5 / (i * (40 * i - 6)) for i in range(1, 62)) / (5 / 34)
    assert abs(report[1].value - expected) < 5 * report[1].standard_error


@pytest.mark.slow
def test_thresholds_decide():
    run = regression(mc.pools.All())
    assert run.collapse_report(thresholds=Thresholds(catastrophic=1.2))[1].answer == "yes"
    few = regression(mc.pools.All(), replicates=128)
    assert few.collapse_report(thresholds=Thresholds(catastrophic=1.55))[1].answer == "undecided"
    with pytest.raises(ValueError, match="slope is a positive number"):
        Thresholds(slope=-1.0)


def slow(name):
    return pytest.param(name, marks=pytest.mark.slow)


@pytest.mark.parametrize("name", ["log_variance", slow("variance"), slow("standard_deviation")])
def test_variance_vanishes_under_replacement_and_not_with_real_data(name):
    shrinking = run_of(mc.RecursiveTraining(family=Gaussian(), sizes=8), GAUSSIAN, [name])
    assert shrinking.collapse_report()[4].answer == "yes"
    kept = run_of(gaussian(sizes=20, source=mc.sources.Mixture(0.5)), GAUSSIAN, [name])
    assert kept.collapse_report()[4].answer == "no"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alive", slow("support")])
def test_tails_disappear(name):
    lost = run_of(categorical(), ZIPF, [name, "concentration", "entropy"], reduce=mc.Moments())
    assert lost.collapse_report()[7].answer == "yes"
    kept = run_of(
        categorical(sizes=100_000, pool=mc.pools.All()), ZIPF, [name], generations=5, replicates=256
    )
    assert kept.collapse_report()[7].answer == "no"


@pytest.mark.slow
def test_hallucinations_are_mass_where_the_truth_has_none():
    truth = Categorical.Params([0.5, 0.3, 0.2, 0.0])
    smoothed = categorical(estimator=mc.estimators.AddConstant(1.0))
    assert run_of(smoothed, truth, ["probabilities"]).collapse_report()[8].answer == "yes"
    plain = run_of(categorical(), truth, ["probabilities"]).collapse_report()[8]
    assert plain.answer == "no" and plain.value == 0.0


@pytest.mark.slow
def test_what_cannot_be_decided_says_what_is_missing():
    report = regression(mc.pools.Newest(), reduce=mc.Moments()).collapse_report()
    for number, word in (
        (3, "mc.Keep()"),
        (4, "record a variance"),
        (5, "sweep"),
        (6, "modes"),
        (7, "support"),
        (8, "probabilities"),
    ):
        assert report[number].answer == "not decidable from this run" and word in report[number].note
    assert report[2].note == "not paired" and report[1].answer == "yes"
    assert len(list(report)) == 8 and [row["number"] for row in report.rows()] == list(range(1, 9))
    assert str(report).count("\n") == 7 and "catastrophic" in str(report)
    with pytest.raises(KeyError, match="1 to 8"):
        report[9]
    nothing = run_of(gaussian(), GAUSSIAN, ["mean"]).collapse_report()
    assert {d.answer for d in nothing} == {"not decidable from this run"}


def test_a_sweep_is_refused():
    run = mc.sweep(
        gaussian(),
        GAUSSIAN,
        over={"sizes.value": [10, 20]},
        key=jax.random.key(0),
        generations=2,
        replicates=128,
    )
    with pytest.raises(ValueError, match="a sweep or a difference"):
        run.collapse_report()


def test_a_loaded_run_answers_alike(tmp_path):
    run = regression(mc.pools.Newest(), replicates=128)
    run.save(tmp_path / "run.zarr")
    ours, theirs = run.collapse_report(), mc.Trajectories.load(tmp_path / "run.zarr").collapse_report()
    assert [d.answer for d in ours] == [d.answer for d in theirs]
    np.testing.assert_allclose(ours[1].value, theirs[1].value)
