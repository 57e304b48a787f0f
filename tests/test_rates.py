"""Slopes and optima of made-up replicates, whose law is known: the interval holds it as often as it says."""

import dataclasses
import math

import numpy as np
import pytest

import mcollapse as mc
from mcollapse import rates
from mcollapse.predicting import predictions
from mcollapse.recording import KeptEntry, MomentsEntry
from tests.helpers import GAUSSIAN, ZIPF, categorical, gaussian

AT = np.array([0, 1, 2, 4, 8, 16, 32, 64])
REPLICATES = 640


def tilted(seed, exponent=-0.5, tilt=0.1, replicates=REPLICATES):
    """Power laws whose exponent differs from replicate to replicate, times noise of mean 1."""
    rng = np.random.default_rng(seed)
    t = np.maximum(AT, 1).astype(float)
    noise = rng.lognormal(-0.02, 0.2, size=(replicates, len(AT)))
    common = t ** (exponent + tilt * rng.normal(size=(replicates, 1)))
    # E t^(tilt z) = exp(tilt^2 log(t)^2 / 2): divided out, so that the mean is the power
    return common * noise * np.exp(-((tilt * np.log(t)) ** 2) / 2)


def made(entry, metric=mc.metrics.squared_error, process=None, truth=ZIPF, sweep=None, start="real"):
    process = process or categorical(source=mc.sources.Mixture(real_share=0.1))
    attributes = {"generations": 64, "replicates": REPLICATES, "start": start, "sweep": sweep or {}}
    record = {"x": mc.Record(metric, reduce=mc.Keep())}
    status = np.zeros(REPLICATES, np.int8)
    return mc.Trajectories({"x": entry}, status, attributes, mc.Truth(process.family, truth), process, record)


def test_the_interval_holds_the_slope_as_often_as_it_says():
    """And one from residuals of the fit does not: they do not know what all of a replicate shares."""
    held, by_residuals, runs = 0, 0, 120
    for seed in range(runs):
        values = tilted(seed, tilt=0.2)
        found = made(KeptEntry(values, AT)).rate("x", window=(1, 64), level=0.9)
        low, high = found.interval
        held += low < -0.5 < high
        x, y = np.log(AT[1:]), np.log(values.mean(axis=0)[1:])
        residuals = y - np.polyval(np.polyfit(x, y, 1), x)
        error = math.sqrt(residuals.var() * len(x) / (len(x) - 2) / ((x - x.mean()) ** 2).sum())
        by_residuals += abs(found.slope + 0.5) < 2.015 * error
    spread = math.sqrt(0.9 * 0.1 / runs)
    assert abs(held / runs - 0.9) < 4 * spread
    assert by_residuals / runs < 0.9 - 4 * spread


def test_the_law_is_fitted_in_the_same_window():
    run = made(KeptEntry(tilted(0), AT))
    found = run.rate(window=(2, 32))
    law = predictions(run, "x")[0]
    assert (found.record, found.window, found.law) == ("x", (2, 32), law.law.name)
    assert found.law_slope == pytest.approx(np.polyfit(np.log(AT[2:7]), np.log(law.values[2:7]), 1)[0])
    assert found.slope == pytest.approx(np.polyfit(np.log(AT[2:7]), np.log(run["x"].mean[2:7]), 1)[0])
    assert found.z == pytest.approx((found.slope - found.law_slope) / found.standard_error)
    assert "generations 2 to 32" in str(found) and law.law.name in str(found) and not found.heavy
    np.testing.assert_allclose(found.values(AT[2:7]), run["x"].mean[2:7], rtol=0.1)
    shifted = run.rate(window=(0, 64), shift=1)
    assert shifted.slope == pytest.approx(np.polyfit(np.log(AT + 1), np.log(run["x"].mean), 1)[0])
    assert run.rate().window == (8, 64)  # the last decade
    unknown = made(KeptEntry(tilted(0), AT), lambda family, params, truth: params).rate()
    assert unknown.law == "" and math.isnan(unknown.z)


def test_of_a_sweep_one_cell_is_fitted():
    values = np.stack([tilted(0), tilted(1, exponent=0.5)], axis=1)
    sweep = {"source.real_share": [0.1, 0.2]}
    run = made(KeptEntry(values, AT, ("source.real_share",)), sweep=sweep)
    assert run.rate(cell={"source.real_share": 0.2}).slope == pytest.approx(0.5, abs=0.1)
    with pytest.raises(ValueError, match="one cell is asked for"):
        run.rate()


@pytest.mark.parametrize(
    ("entry", "options", "message"),
    [
        (MomentsEntry(*np.ones((3, 8)), np.zeros(8), AT), {}, r"none were kept.*reduce=mc.Keep\(\)"),
        (MomentsEntry(*np.ones((3, 8)), np.zeros(8), AT), {"name": "x"}, r"'x' was reduced \(moments\)"),
        (KeptEntry(tilted(0), AT), {"window": (3, 5)}, "three recorded generations, and 'x' has 1 from 3 to 5"),
        (KeptEntry(-tilted(0), AT), {}, "mean of 0 or less at generation 8"),
        (KeptEntry(np.full((99, 8), np.inf), AT), {}, "not finite in some replicates at generation 8"),
        (KeptEntry(tilted(0)[:31], AT), {}, "32 blocks"),
        (KeptEntry(tilted(0), AT), {"level": 95}, "level is a probability"),
        (KeptEntry(tilted(0)[..., None], AT), {}, "pick one, such as component=0"),
        (KeptEntry(tilted(0), AT), {"component": 1}, "no components"),
    ],
)  # fmt: skip
def test_what_has_no_rate_is_refused(entry, options, message):
    with pytest.raises(ValueError, match=message):
        made(entry).rate(**options)


def test_means_that_rare_replicates_carry_are_told():
    values = np.ones((2000, len(AT)))
    values[0] = 1000.0
    found = made(KeptEntry(values, AT), process=gaussian(), truth=GAUSSIAN).rate()
    assert found.heavy and "do not trust" in str(found)


def test_a_mean_that_hangs_on_one_block_has_no_rate():
    values = np.full((64, len(AT)), -1.0)
    values[0] = 100.0
    with pytest.raises(ValueError, match="'x' hangs on one block of replicates"):
        made(KeptEntry(values, AT)).rate()


def test_a_bracket_has_no_slope(monkeypatch):
    run = made(KeptEntry(tilted(0), AT), process=gaussian(), truth=GAUSSIAN)
    (said, *_) = [p for p in rates.predictions(run, "x") if p.law.kind == "exact"]
    wide = dataclasses.replace(said, lower=said.values * 0.9, upper=said.values)
    for found, name in ((said, said.law.name), (wide, "")):
        monkeypatch.setattr(rates, "predictions", lambda *_, found=found: [found])
        assert run.rate().law == name


def test_the_lowest_point_of_a_skewed_curve():
    places = np.linspace(0.3, 0.9, 13)
    errors = np.exp(4 * (places - 0.6) ** 2 + 3 * (places - 0.6) ** 3)
    assert rates.lowest(places, errors) == pytest.approx(0.6)
    around = rates.near_lowest(errors)
    assert around == slice(3, 10)
    assert rates.near_lowest(places) is None and rates.near_lowest(-places) is None
    assert math.isnan(rates.lowest(places[:4], np.exp(1 + (places[:4] - places[1]) ** 3 + places[:4])))
