"""Verdicts: what is called violated, what is not, and what could have been seen."""

import math

import jax
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import theory
from mcollapse.predicting import predictions
from mcollapse.significance import binomial_p_value, critical_value, t_p_value
from mcollapse.verdicts import _Test
from tests.helpers import COIN, GAUSSIAN, ZIPF, bernoulli, categorical, gaussian

MOMENTS = {
    "squared_error": mc.Record(mc.metrics.squared_error, reduce=mc.Moments()),
    "log_variance": mc.Record(mc.metrics.log_variance, reduce=mc.Moments()),
    "standard_deviation": mc.Record(mc.metrics.standard_deviation, reduce=mc.Moments()),
    "above": mc.Record(mc.metrics.Above(mc.metrics.standard_deviation, 0.5), reduce=mc.Moments()),
}


@pytest.fixture(scope="module")
def run():
    return mc.simulate(
        gaussian(sizes=10),
        GAUSSIAN,
        key=jax.random.key(0),
        generations=30,
        replicates=20_000,
        start="truth",
        record=MOMENTS,
    )


def test_true_laws_are_consistent(run):
    report = run.compare()
    assert not report.violated
    kinds = {v.law.kind for v in report}
    assert "exact" in kinds and "upper bound" in kinds
    statistics = {(v.record, v.statistic) for v in report if v.law.kind == "exact"}
    assert {("log_variance", "mean"), ("log_variance", "variance"), ("above", "probability")} <= statistics
    for verdict in report:
        if verdict.law.kind == "exact" and verdict.outcome == "consistent":
            assert 0 < verdict.power < 1, verdict.law.name


@pytest.mark.parametrize(
    "change",
    [{"sizes": 11}, {"estimator": mc.estimators.MaximumLikelihood()}],
    ids=["one point more", "the other divisor"],
)
def test_the_laws_of_another_process_are_violated(run, change):
    """The mutant: the same numbers, said to come from a process that differs in one respect."""
    mutant = mc.Trajectories(
        run.entries,
        run.status,
        run.attributes,
        run.truth,
        process=gaussian(**{"sizes": 10} | change),
        records=MOMENTS,
    )
    violated = {v.record for v in mutant.compare().violated}
    assert "log_variance" in violated and "above" in violated


def test_a_bound_is_violated_on_one_side_only(run):
    bounds = [v for v in run.compare() if v.law.kind == "upper bound"]
    assert bounds and all(v.outcome == "consistent" and v.worst_z < 5 for v in bounds)


def test_a_mean_that_rare_replicates_carry_is_not_tested():
    record = {"variance": mc.Record(mc.metrics.variance, at=[1, 400], reduce=mc.Moments())}
    run = mc.simulate(
        gaussian(sizes=10),
        GAUSSIAN,
        key=jax.random.key(0),
        generations=400,
        replicates=2000,
        start="truth",
        record=record,
    )
    (verdict,) = [v for v in run.compare() if v.statistic == "mean"]
    assert verdict.outcome == "consistent" and "carried by rare replicates" in verdict.note
    assert run["variance"].mean[1] < 0.1  # the law says 1, and no sample of this size shows it
    assert verdict.worst_generation == 1


def test_nothing_observed_is_no_infinite_deviation():
    """No replicate of 200 is absorbed although the law gives that a small probability."""
    record = {"single_symbol": mc.Record(mc.metrics.single_symbol, reduce=mc.Moments())}
    run = mc.simulate(
        bernoulli(sizes=50),
        COIN,
        key=jax.random.key(0),
        generations=3,
        replicates=200,
        start="truth",
        record=record,
    )
    assert run["single_symbol"].mean[1] == 0.0
    exact = [v for v in run.compare() if v.law.kind == "exact"]
    assert exact and all(v.outcome == "consistent" for v in exact)


def test_power_counts_what_is_known_and_no_bracket():
    card = next(law for law in theory.LAWS if law.kind == "exact")
    values, error = np.ones(2), np.array([0.001, 0.1])
    sharp, wide, both = (np.array(side) for side in ([1.0, 1.0], [0.5, 0.5], [0.5, 1.0]))
    powers = []
    for lower in (sharp, both, wide):
        said = theory.Prediction(card, "x", "mean", np.arange(2), values, lower=lower, upper=values)
        test = _Test(said, "x", values, error, False, np.zeros(2, bool), 1000, {}, 1e-6)
        powers.append(test._power(np.ones(2, bool), 0.01))
    assert powers[1] == pytest.approx(100 * powers[0]) and math.isnan(powers[2])


def test_few_losses_are_no_false_alarm():
    """Ten symbols are expected to be lost in 4,000 replicates together: their number is Poisson, not normal."""
    record = {"support": mc.Record(mc.metrics.support, at=[1], reduce=mc.Moments())}
    truth = mc.families.Categorical.Params([0.9, 0.1])
    violated = 0
    for seed in range(20):
        run = mc.simulate(
            categorical(sizes=57),
            truth,
            key=jax.random.key(seed),
            generations=1,
            replicates=4000,
            start="truth",
            record=record,
        )
        violated += bool(run.compare(level=0.05).violated)
    assert violated <= 5


def test_approximations_are_reported_never_violated():
    record = {"alive": mc.Record(mc.metrics.alive, reduce=mc.Moments())}
    run = mc.simulate(
        bernoulli(sizes=20),
        COIN,
        key=jax.random.key(0),
        generations=5,
        replicates=20_000,
        start="truth",
        record=record,
    )
    approximations = [v for v in run.compare() if v.law.kind == "approximation"]
    assert approximations and all(
        v.outcome == "reported" and "observed/law" in v.note for v in approximations
    )


def test_hitting_times_of_absorbing_events_are_compared():
    record = {"forgotten": mc.Record(mc.metrics.alive, reduce=mc.HittingTime(below=0.5))}
    run = mc.simulate(
        categorical(sizes=30),
        ZIPF,
        key=jax.random.key(0),
        generations=6,
        replicates=4000,
        start="truth",
        record=record,
    )
    exact = [v for v in run.compare() if v.law.kind == "exact"]
    assert [v.law.name for v in exact] == ["replacement-survival"] and exact[0].outcome == "consistent"
    (law,) = [p for p in predictions(run, "forgotten") if p.law.kind == "exact"]
    assert law.values.shape == (7, 50)


def test_sketches_and_histograms_are_not_compared_and_said_so():
    metric = mc.metrics.log_variance
    record = {
        "mean": mc.Record(metric, reduce=mc.Moments()),
        "quantiles": mc.Record(metric, reduce=mc.Quantiles()),
        "histogram": mc.Record(metric, reduce=mc.Histogram(low=-9, high=1, bins=50)),
        "alone": mc.Record(lambda family, params, truth: params.mean, reduce=mc.Quantiles()),
    }
    run = mc.simulate(
        gaussian(), GAUSSIAN, key=jax.random.key(0), generations=2, replicates=300, record=record
    )
    report = run.compare()
    assert {v.record for v in report} == {"mean"}
    assert [note.split(":")[0] for note in report.notes] == ["quantiles", "histogram"]
    assert all("mc.Moments()" in note for note in report.notes)
    assert len(run.collapse_report().definitions) == 8


def test_what_theory_does_not_know_is_left_alone():
    record = {"entropy": mc.Record(mc.metrics.entropy, reduce=mc.Moments())}
    run = mc.simulate(
        categorical(sizes=30), ZIPF, key=jax.random.key(0), generations=1, replicates=10, record=record
    )
    assert len(run.compare()) == 0 and "no law" in str(run.compare())


def test_reports_print_and_serialise(run):
    import json

    report = run.compare()
    text = str(report)
    assert "gaussian-replacement-product" in text and "consistent" in text
    assert json.loads(json.dumps(report.rows(), default=float))[0]["outcome"]


def test_the_level_is_checked(run):
    with pytest.raises(ValueError, match="probability"):
        run.compare(level=2.0)


def test_p_values_are_uniform_or_conservative():
    rng = np.random.default_rng(0)
    counts = rng.binomial(1000, 0.3, 200_000).astype(float)
    p = binomial_p_value(counts, 1000, np.asarray(0.3), np.asarray(0.3), "two")
    for level in (0.1, 0.01, 0.001):
        assert np.mean(p <= level) <= level * 1.05 + 3 * np.sqrt(level / 200_000)
        assert np.mean(p <= level) >= level * 0.5  # and it does reject
    skewed = rng.normal(size=(20_000, 1000)) ** 2
    z = (skewed.mean(axis=1) - 1) / (skewed.std(axis=1, ddof=1) / np.sqrt(1000))
    assert np.mean(t_p_value(z, 1000, "two") < 0.001) < 0.002


def test_brackets_are_not_held_against_a_run():
    p = binomial_p_value(np.asarray(30.0), 100, np.asarray(0.25), np.asarray(0.35), "two")
    assert p > 0.2
    assert binomial_p_value(np.asarray(0.0), 100, np.asarray(0.0), np.asarray(0.0), "two") == 1.0
    assert binomial_p_value(np.asarray(1.0), 100, np.asarray(0.0), np.asarray(0.0), "two") == 0.0


def test_the_critical_value_inverts_the_p_value():
    for replicates in (1000, 10**6):
        z = critical_value(1e-5, replicates)
        assert np.isclose(t_p_value(np.asarray(z), replicates, "two"), 1e-5, rtol=0.5)


def test_every_law_has_a_card():
    for law in theory.LAWS:
        assert law.source and law.domain and law.counts_from in ("fit to real", "truth")
