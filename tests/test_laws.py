"""Runs whose law is of two parts together: the run agrees with it, and with that of another experiment it does not."""

import dataclasses

import jax
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import estimators, metrics, pools, sources
from mcollapse.datasets import help_topics
from mcollapse.families import (
    Categorical,
    Gaussian,
    LinearRegression,
    MarkovText,
    MultivariateGaussian,
    NextToken,
    Poisson,
)

SYMBOLS = Categorical.Params(np.array([0.5, 0.3, 0.2]))
NORMAL = Gaussian.Params(1.0, np.log(2.0))
PLANE = MultivariateGaussian.Params.of([1.0, 0.0], [[2.0, 0.5], [0.5, 1.0]])
LINE = LinearRegression.Params(np.array([1.0, 0.0, -1.0]), 0.5)
TOKENS = NextToken.Params(np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.4, 0.3, 0.3]]))
KEPT = pools.RealAndNewest()
WEIGHTED = estimators.Weighted(0.6)


def training(family, sizes=12, **parts):
    return mc.RecursiveTraining(family=family, sizes=sizes, **parts)


def squeezed(family, factor, **parts):
    return training(family, pool=KEPT, decoder=mc.decoders.VarianceFactor(factor), **parts)


# of each case: the process, the truth, what to record, the law, and a process whose law the run contradicts
CASES = {
    "the real points of a batch, if any": (
        training(Categorical(), 5, estimator=estimators.RealOnly(), source=sources.Mixture(0.3)), SYMBOLS,
        ("squared_error", "chi_square"), "real-only-newest",
        training(Categorical(), 5, estimator=estimators.RealOnly(), source=sources.Mixture(0.33))),
    "the real points of a batch of counts": (
        training(Poisson(), estimator=estimators.RealOnly(), source=sources.Mixture(0.2)), Poisson.Params(2.0),
        ("squared_error",), "real-only-newest",
        training(Poisson(), estimator=estimators.RealOnly(), source=sources.Mixture(0.22))),
    "a weight on the same symbols": (
        training(Categorical(), pool=KEPT, estimator=WEIGHTED), SYMBOLS, ("squared_error", "concentration"),
        "same-real-and-newest", training(Categorical(), pool=KEPT, estimator=estimators.Weighted(0.4))),
    "the best weight on the same points": (
        training(Gaussian(), [8, 8, 30, 30], pool=KEPT, estimator=estimators.Weighted("optimal")), NORMAL,
        ("squared_error", "variance"), "same-real-and-newest",
        training(Gaussian(), [8, 8, 30, 30], pool=KEPT, estimator=estimators.Weighted(0.9))),
    "two fits, one to the same points": (
        training(Gaussian(), pool=KEPT, estimator=estimators.Weighted(0.4, combine="fits", ddof=1)), NORMAL,
        ("squared_error", "variance"), "same-real-and-newest",
        training(Gaussian(), pool=KEPT, estimator=estimators.Weighted(0.4, combine="fits", ddof=0))),
    "two fits, one to the same rows": (
        training(LinearRegression(3), pool=KEPT, estimator=estimators.Weighted(0.4, combine="fits")), LINE,
        ("test_error",), "ols-same-real",
        training(LinearRegression(3), pool=KEPT, estimator=estimators.Weighted(0.55, combine="fits"))),
    "the same labels of one design": (
        training(LinearRegression(3, design=12), pool=KEPT), LINE, ("test_error",), "ols-same-real",
        training(LinearRegression(3, design=12), pool=KEPT, estimator=estimators.Weighted(0.7))),
    "all points in contexts of random counts": (
        training(NextToken(3, "random", (0.1, 0.3, 0.6)), 6, pool=pools.All(), source=sources.Mixture(0.2)), TOKENS,
        ("squared_error", "concentration"), "contexts-of-random-counts-pooled",
        training(NextToken(3, "random", (0.1, 0.3, 0.6)), 7, pool=pools.All(), source=sources.Mixture(0.2))),
    "the same points and narrower ones": (
        squeezed(Gaussian(), 0.5), NORMAL, ("squared_error", "variance"), "gaussian-sampling-bias-same-real",
        squeezed(Gaussian(), 0.6)),
    "the same rows and wider ones": (
        squeezed(MultivariateGaussian(2), 1.5, estimator=estimators.Unbiased()), PLANE,
        ("squared_error", "trace"), "gaussian-sampling-bias-same-real",
        squeezed(MultivariateGaussian(2), 1.3, estimator=estimators.Unbiased())),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_run_and_its_law(case):
    process, truth, names, law, other = CASES[case]
    record = {name: mc.Record(getattr(metrics, name)) for name in names}
    run = mc.simulate(process, truth, key=jax.random.key(0), generations=3, replicates=20_000, record=record)
    report = run.compare()
    assert {v.law.name for v in report} == {law} and {v.record for v in report} == set(names)
    assert all(v.outcome == "consistent" for v in report), str(report)
    assert min(v.power for v in report) < 0.06
    wrong = mc.Trajectories(
        run.entries, run.status, run.attributes, run.truth, process=other, records=run.records
    )
    assert wrong.compare().violated, case


def test_the_best_weight_on_the_same_points_is_of_their_number():
    process, truth, *_ = CASES["the best weight on the same points"]
    described = mc.predicting.setting(process, mc.Truth(process.family, truth), 3, "real")
    assert described.weights is not None
    k = 8 / np.array([8, 30, 30])
    np.testing.assert_allclose(described.weights[1:], (np.sqrt(k * k + 4 * k) - k) / 2, rtol=1e-6)
    assert dataclasses.replace(described, estimator="maximum-likelihood", weights=None).regime == "informed"


@pytest.mark.slow
def test_the_first_fit_of_a_text():
    """Words of a real text; sentences of another length are another law."""
    words = help_topics().sequence[:400]
    record = {name: mc.Record(getattr(metrics, name)) for name in ("alive", "support", "distinct_words")}
    options = {"key": jax.random.key(0), "generations": 2, "replicates": 2000, "record": record}

    def run(start, sentence=6):
        family = MarkovText.fitted(words, 1, sentence)
        return mc.simulate(training(family, 100), family.standard_truth(), start=start, **options)

    for start in ("real", "truth"):
        found = run(start)
        report = found.compare()
        assert {v.law.name for v in report} == {"markov-text-forgetting"} and len(report) == 3
        assert all(v.outcome == "consistent" for v in report), str(report)
    other = run("real", 12)
    wrong = mc.Trajectories(
        found.entries,
        found.status,
        found.attributes,
        found.truth,
        process=other.process,
        records=found.records,
    )
    assert {v.record for v in wrong.compare().violated} >= {"support"}
