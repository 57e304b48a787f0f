"""Decoders through the engine: laws of biased sampling, and truncated and tempered tables against numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.decoders import AsIs, Nucleus, Temperature, Top, VarianceFactor
from mcollapse.families import Bernoulli, Categorical, Gaussian, LinearRegression, MultivariateGaussian
from mcollapse.sources import LastModel, Mixture, PastModels, Split
from tests.helpers import COIN, ZIPF, gaussian, in_program, keep, values
from tests.statistical import assert_agrees, assert_law_rejected, moments

TABLE = np.array([0.1, 0.4, 0.05, 0.25, 0.2])
NOW = jnp.asarray(1, jnp.int32)


def decoded(decoder, table=TABLE):
    family = Categorical()
    params = Categorical.Params(jnp.asarray(table, jnp.result_type(float)))
    return np.asarray(decoder.planned(2).decode(family, params, NOW).probabilities)


@pytest.mark.parametrize(
    "decoder, kept",
    [
        (Top(2), [1, 3]),
        (Top(9), range(5)),
        (Nucleus(0.5), [1, 3]),
        (Nucleus(0.64), [1, 3]),
        (Nucleus(1.0), range(5)),
    ],
)
def test_truncated_tables(decoder, kept):
    expected = np.where(np.isin(np.arange(5), list(kept)), TABLE, 0.0)
    np.testing.assert_allclose(decoded(decoder), expected / expected.sum(), rtol=1e-6)


def test_ties_keep_the_first_symbols():
    np.testing.assert_allclose(decoded(Top(2), np.full(4, 0.25)), [0.5, 0.5, 0.0, 0.0])


@pytest.mark.parametrize("temperature", [0.05, 0.9, 3.0])
def test_tempered_tables(temperature):
    table = np.array([0.5, 0.3, 0.0, 0.2])
    powers = np.where(table > 0, table ** (1 / temperature), 0.0)
    np.testing.assert_allclose(
        decoded(Temperature(temperature), table), powers / powers.sum(), rtol=1e-5, atol=1e-20
    )
    coin = Temperature(temperature).planned(1).decode(Bernoulli(), in_program(COIN), NOW)
    odds = (0.2 / 0.8) ** (1 / temperature)
    np.testing.assert_allclose(coin.probability, odds / (1 + odds), rtol=1e-5)


def test_variances_of_every_family_with_one():
    for family, read in (
        (Gaussian(), lambda p: jnp.exp(p.log_variance)),
        (MultivariateGaussian(2), lambda p: MultivariateGaussian(2).total_covariance(p)[0, 0]),
        (LinearRegression(2), lambda p: p.noise_variance),
    ):
        params = in_program(family.standard_truth())
        for decoder in (VarianceFactor(0.7), Temperature(0.7)):
            changed = decoder.planned(1).decode(family, params, NOW)
            np.testing.assert_allclose(read(changed), 0.7 * read(params), rtol=1e-6)


CASES = {
    "alone": (VarianceFactor(0.9), LastModel(), "real"),
    "a table of factors": (VarianceFactor([1.0, 0.9, 0.8, 1.2, 0.7, 1.1]), LastModel(), "truth"),
    "random counts": (VarianceFactor(0.8), Mixture(0.3), "real"),
    "fixed counts": (VarianceFactor(0.8), Split(10, 12), "truth"),
}


@pytest.mark.parametrize("name", CASES)
def test_biased_sampling_has_its_law(name):
    decoder, source, start = CASES[name]
    process = gaussian(sizes=22, source=source, decoder=decoder)
    record = {n: mc.Record(getattr(mc.metrics, n)) for n in ("squared_error", "variance", "log_variance")}
    run = mc.simulate(
        process, Gaussian.Params(1.0, 0.5), key=jax.random.key(0), generations=5, replicates=20_000,
        start=start, record=record,
    )  # fmt: skip
    report = run.compare()
    assert {v.record for v in report} >= {"squared_error", "variance"} and not report.violated, str(report)
    (variance,) = [v for v in report if v.record == "variance"]
    assert_law_rejected(run["variance"].values[:, -1], 1.05 * variance.predicted[-1])
    assert all("bias" in v.law.name for v in report)


def test_a_sharp_model_without_real_data_follows_its_powers():
    """With very many points p_t is p_0 to the power tau^-t."""
    table = np.array([0.4, 0.3, 0.2, 0.1])
    process = mc.RecursiveTraining(family=Categorical(), sizes=10**7, decoder=Temperature(0.8))
    found = values(process, Categorical.Params(table), record=keep(mc.metrics.probabilities), generations=4,
                   replicates=256, start="truth")  # fmt: skip
    for t in range(5):
        powers = table ** (0.8**-t)
        np.testing.assert_allclose(found[:, t].mean(axis=0), powers / powers.sum(), atol=2e-4)


@pytest.mark.parametrize("tau, share, largest", [(0.9, 0.1, 0.7563632872), (0.5, 0.3, 0.8038540646)])
def test_fixed_points_with_fresh_real_data(tau, share, largest):
    """The published largest entries of p = a p0 + (1 - a) p^(1/tau) / Z (Marchi et al.), by very many points."""
    process = mc.RecursiveTraining(
        family=Categorical(), sizes=10**7, source=Mixture(share, counts="fixed"), decoder=Temperature(tau)
    )
    truth = Categorical.Params([0.4, 0.3, 0.2, 0.1])
    record = {"x": mc.Record(mc.metrics.probabilities, at=[150])}
    found = values(process, truth, record=record, generations=150, replicates=256)[:, 0, 0]
    assert abs(found.mean() - largest) < 1e-4 and abs(found.mean() - largest) > 0
    assert abs(found.mean() - 0.99 * largest) > 1e-3


@pytest.mark.slow
def test_past_models_are_decoded_one_by_one():
    """Half the points of each of two models, each with a third of its variance."""
    process = mc.RecursiveTraining(
        family=Gaussian("known"), sizes=10, source=PastModels(2, "fixed"), decoder=VarianceFactor(1 / 3)
    )
    for path in ("statistics", "rows"):
        changed = mc.RecursiveTraining(
            **{f: getattr(process, f) for f in ("family", "sizes", "source", "decoder")}, path=path
        )
        found = values(changed, Gaussian.Params(0.0, 0.0), generations=1, replicates=20_000, start="truth")
        assert_agrees(*moments(found[:, 1]), 1 / 30)
        assert_law_rejected(found[:, 1], 1.06 / 30)


@pytest.mark.slow
def test_samples_are_not_kept_where_models_are_decoded():
    """Resampling labels would skip the decoder: two symbols are left, not all that were seen."""
    process = mc.RecursiveTraining(family=Categorical(), sizes=20, decoder=Top(2))
    assert np.all(values(process, ZIPF, record=keep(mc.metrics.support), generations=2)[:, 1:] <= 2)
    plain = mc.RecursiveTraining(family=Categorical(), sizes=20, decoder=AsIs())
    assert np.all(values(plain, ZIPF, record=keep(mc.metrics.support), generations=1)[:, 1] > 2)


def test_a_saved_run_knows_its_decoder(tmp_path):
    process = gaussian(decoder=VarianceFactor(0.9))
    run = mc.simulate(process, Gaussian.Params(0.0, 0.0), key=jax.random.key(0), generations=2, replicates=128,
                      record=keep(mc.metrics.variance))  # fmt: skip
    run.save(tmp_path / "run.zarr")
    loaded = mc.Trajectories.load(tmp_path / "run.zarr")
    assert isinstance(loaded.process.decoder, VarianceFactor)
    assert [v.law.name for v in loaded.compare()] == [v.law.name for v in run.compare()] != []
