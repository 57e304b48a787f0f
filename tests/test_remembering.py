"""Past models, windows and filtration through the engine, against the laws of `mcollapse.theory`."""

import jax
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.families import Bernoulli, Categorical, Gaussian, Poisson
from mcollapse.pools import Newest, RealOnly, Window
from mcollapse.sources import LastModel, Mixture, PastModels, Split
from tests.helpers import GAUSSIAN, values

FAMILIES = {
    "bernoulli": (Bernoulli(), Bernoulli.Params(0.3)),
    "categorical": (Categorical(), Categorical.Params([0.4, 0.3, 0.2, 0.1])),
    "poisson": (Poisson(), Poisson.Params(0.7)),
    "gaussian": (Gaussian(), Gaussian.Params(1.0, 0.5)),
    "known": (Gaussian("known"), Gaussian.Params(1.0, 0.5)),
}
# family, start, source, pool, and a mutant's source and pool
CASES = {
    "all, a mixture": ("categorical", "truth", PastModels(), Newest(), PastModels(3), Newest()),
    "all, each drawn": ("gaussian", "real", PastModels(), Newest(), LastModel(), Newest()),
    "three, a mixture": ("bernoulli", "real", PastModels(3), Newest(), PastModels(5), Newest()),
    "three, fixed": ("poisson", "real", PastModels(3, "fixed"), Newest(), PastModels(5, "fixed"), Newest()),
    "all, fixed": ("gaussian", "truth", PastModels(None, "fixed"), Newest(), PastModels(3, "fixed"), Newest()),
    "window": ("known", "real", LastModel(), Window(3), LastModel(), Window(5)),
    "window of a mixture": ("categorical", "real", Mixture(0.3), Window(2), Mixture(0.3), Window(3)),
    "window from the truth": ("poisson", "truth", LastModel(), Window(3), LastModel(), Window(2)),
    "filtration": ("gaussian", "real", Split(5, 10), RealOnly(), Split(4, 10), RealOnly()),
}  # fmt: skip


def run_of(case, source, pool, path="auto"):
    family, start = case[:2]
    model, truth = FAMILIES[family]
    process = mc.RecursiveTraining(family=model, sizes=20, source=source, pool=pool, path=path)
    record = {"squared_error": mc.Record(mc.metrics.squared_error, reduce=mc.Moments())}
    if family == "gaussian":
        record["variance"] = mc.Record(mc.metrics.variance, reduce=mc.Moments())
    return mc.simulate(
        process, truth, key=jax.random.key(5), generations=8, replicates=20_000, start=start, record=record
    )  # fmt: skip


QUICK = ("window",)


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)
def test_the_law_and_a_mutant(name):
    case = CASES[name]
    run = run_of(case, *case[2:4])
    report = run.compare()
    assert {v.record for v in report} >= {"squared_error"} and not report.violated, str(report)
    mutant = run_of(case, *case[4:])["squared_error"]
    verdict = next(v for v in report if v.record == "squared_error")
    z = (mutant.mean - verdict.predicted) / np.maximum(mutant.standard_error, 1e-30)
    assert np.max(np.abs(z[1:])) > 6


@pytest.mark.slow
def test_a_run_does_not_depend_on_what_is_recorded_or_chunked():
    process = mc.RecursiveTraining(family=Gaussian(), sizes=20, source=PastModels(2), pool=Window(2))
    whole = values(process, GAUSSIAN, replicates=256, generations=4)
    np.testing.assert_array_equal(whole, values(process, GAUSSIAN, replicates=256, generations=4, chunk=128))


@pytest.mark.slow
def test_past_models_of_two_programs():
    """One past model is the last: the same law by another program."""
    case = ("gaussian", "real")
    ours, theirs = (
        run_of(case, source, Newest())["squared_error"] for source in (PastModels(1), LastModel())
    )
    z = (ours.mean - theirs.mean) / np.hypot(ours.standard_error, theirs.standard_error)
    assert np.max(np.abs(z)) < 5
