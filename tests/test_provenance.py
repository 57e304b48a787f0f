"""Estimators that know provenance, through the engine, against the laws of `mcollapse.theory`."""

import jax
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.families import Categorical, Gaussian, Poisson
from tests.helpers import gaussian

WEIGHTS = [0.9, 0.7, 0.2, 0.5, 0.4]
SPLIT = mc.sources.Split([9, 9, 3, 6, 9], [9, 4, 8, 12, 0])
FIXED = mc.sources.Mixture(0.3, counts="fixed")
CASES = {
    "gaussian-table": (Gaussian(), Gaussian.Params.standard(), WEIGHTS, SPLIT),
    "gaussian-optimal": (Gaussian("known"), Gaussian.Params.standard(), "optimal", FIXED),
    "categorical-optimal": (Categorical(), Categorical.Params.zipf(5), "optimal", SPLIT),
    "poisson-table": (Poisson(), Poisson.Params(0.8), WEIGHTS, FIXED),
}


LONG = ("categorical-optimal", "gaussian-optimal")


@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.slow) if c in LONG else c for c in CASES])
def test_weighted_fits_have_their_law(case):
    family, truth, weight, source = CASES[case]

    def compared(weight):
        process = mc.RecursiveTraining(
            family=family, estimator=mc.estimators.Weighted(weight), sizes=12, source=source
        )
        record = {"squared_error": mc.Record(mc.metrics.squared_error, reduce=mc.Moments())}
        run = mc.simulate(
            process, truth, key=jax.random.key(0), generations=4, replicates=40_000, record=record
        )
        (verdict,) = [v for v in run.compare() if v.law.name == "weighted-fresh-real"]
        return run["squared_error"], verdict

    moments, verdict = compared(weight)
    assert verdict.outcome == "consistent", verdict
    other = compared([0.9, 0.5, 0.4, 0.8, 0.6])[0]  # another weight is seen
    gap = np.abs(other.mean - moments.mean) / np.hypot(other.standard_error, moments.standard_error)
    assert gap.max() > 6


def test_the_real_points_are_too_few_for_a_fit():
    """With a share of a tenth of ten points many generations have one real point or none: the model is kept."""
    process = gaussian(sizes=10, estimator=mc.estimators.RealOnly(), source=mc.sources.Mixture(0.1))
    run = mc.simulate(
        process, Gaussian.Params.standard(), key=jax.random.key(0), generations=5, replicates=2000,
        record={"x": mc.Record(mc.metrics.log_variance, reduce=mc.Keep())},
    )  # fmt: skip
    found = run["x"].values
    assert np.isfinite(found).all()
    stayed = (found[:, 1] == found[:, 0]).mean()
    one_or_none = 0.9**10 + 10 * 0.1 * 0.9**9
    assert abs(stayed - one_or_none) < 5 * np.sqrt(one_or_none * (1 - one_or_none) / 2000)
    assert (run.status == mc.Status.TOO_FEW_POINTS).mean() > 0.9
