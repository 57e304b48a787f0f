"""Scripts of fitted rates: what they share refuses wrong numbers, and each agrees with its law at a small size.

Of the scripts of speeds: how settings are compared, and that they run.
"""

import dataclasses
import functools
import importlib
import json
import sys

import numpy as np
import pytest

from tests.helpers import ROOT


@pytest.fixture(scope="module")
def script():
    """The module of a script, which finds what it shares beside itself."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "benchmarks"))


AT = np.array([1, 2, 4, 8, 16, 32])


def made_up(rates, exponent, replicates=640, noise=0.3, law=-0.5):
    """Curves around a power law, held against another."""
    values = AT**exponent * np.exp(noise * np.random.default_rng(0).normal(size=(replicates, 1)))
    values = values * np.random.default_rng(1).lognormal(-(noise**2) / 2, noise, size=(replicates, len(AT)))
    return rates.held(
        values,
        AT**law,
        functools.partial(rates.slope, AT),
        setting="made up",
        quantity="slope",
        window=(1, 32),
        published=law,
        source="none",
    )


def exit_code(rates, outcomes, *arguments):
    size = {"replicates": 1}
    return rates.main("Made up.", lambda options: outcomes, size, size, list(arguments))


def test_a_wrong_exponent_is_told_by_the_exit_code(script, capsys):
    rates = script("rates")
    assert exit_code(rates, [made_up(rates, -0.5), made_up(rates, -0.5)]) == 0
    assert "agrees, and rejects a slope 0.1 off" in capsys.readouterr().out
    for wrong in (-0.4, -0.6):
        assert exit_code(rates, [made_up(rates, -0.5), made_up(rates, wrong)]) == 1
        assert "the slope is not that of the exact law" in capsys.readouterr().out


def test_a_run_that_could_not_see_it_fails_too(script, capsys):
    rates = script("rates")
    assert exit_code(rates, [made_up(rates, -0.5, replicates=64, noise=1.0)]) == 1
    assert "standard error exceeds 0.02" in capsys.readouterr().out
    for blind in ({"tolerance": 0.1}, {"fitted": np.nan}, {"published": -0.45, "attained": True}):
        assert exit_code(rates, [dataclasses.replace(made_up(rates, -0.5), **blind)]) == 1
    assert exit_code(rates, [made_up(rates, -0.4)], "--json") == 1
    row = json.loads(capsys.readouterr().out.splitlines()[-1])[0]
    assert row["complaints"] and row["exact"] == pytest.approx(-0.5) and row["comparisons"] == 1


def test_the_jackknife_knows_that_generations_are_correlated(script):
    """Of a mean it is the standard error; of a slope it sees what moves all of a replicate."""
    rates = script("rates")
    values = np.random.default_rng(0).normal(size=(32, 1))
    mean, error = rates.jackknife(values, lambda means: float(means[0]))
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(values.std(ddof=1) / np.sqrt(32))
    tilts = np.random.default_rng(1).normal(1.0, 0.1, size=(3200, 1))
    _, error = rates.jackknife(AT**tilts, functools.partial(rates.slope, AT))
    assert 0.5 < error / (0.1 / np.sqrt(3200)) < 2
    with pytest.raises(ValueError, match="32 blocks"):
        rates.jackknife(values[:31], float)


def test_half_times(script):
    rates = script("rates")
    times = rates.HalfTimes.around((10, 20, 40), lambda place, at: np.exp(-at / (3 * place**1.0)), 4)
    assert times.slope(times.law(lambda place, at: np.exp(-at / (3 * place**1.0)))) == pytest.approx(
        1, abs=0.01
    )
    assert times.slope(times.law(lambda place, at: np.exp(-at / (3 * place**1.1)))) > 1.05
    both = np.zeros((2, 3, len(times.generations))) + times.generations
    assert times.gathered(both).tolist() == [np.concatenate(times.windows).tolist()] * 2
    with pytest.raises(ValueError, match="above one half"):
        rates.HalfTimes.around((10,), lambda place, at: np.ones(len(at)), 4)


def multinomial(script):
    module = script("rates_multinomial")
    return [module.outcome(module.SETTINGS[0], 100, 1024, 0)]


def weighting(script):
    module = script("rates_weighting")
    return [module.outcome(next(s for s in module.SETTINGS if s.lost), 4096, 0)]


def regression(script):
    module = script("rates_regression")
    return list(module.outcomes(*module.SETTINGS[2], 512, 0))[:2]


def collapse_time(script):
    module = script("rates_collapse_time")
    return [module.outcome(module.SETTINGS[0], (8, 16, 32), 2048, 0)]


def forgetting(script):
    module = script("rates_forgetting")
    return [module.outcome(module.SETTINGS[0], (4, 8, 16), 4096, 0)]


def kernel_density(script):
    module = script("rates_kernel_density")
    return module.outcomes(module.SETTINGS[0], 512, 0)


def kernel_density_accumulated(script):
    module = script("rates_kernel_density")
    return module.outcomes(module.SETTINGS[1], 1024, 0)


def median(script):
    return [script("rates_location").replaced(4096, 0)]


def median_accumulated(script):
    module = script("rates_location")
    return [module.accumulated(module.SIZE, 49_152, 0)]


SLOW = (multinomial, weighting, regression, kernel_density_accumulated, median_accumulated)


@pytest.mark.parametrize(
    "measured",
    (
        *(pytest.param(m, marks=pytest.mark.slow) for m in SLOW),
        collapse_time,
        forgetting,
        kernel_density,
        median,
    ),
)
def test_scripts_agree_with_their_laws(script, measured):
    for outcome in measured(script):
        assert outcome.complaints == [], outcome


@pytest.mark.slow
def test_a_law_off_by_a_tenth_fails_a_script(script, capsys, monkeypatch):
    rates, module = script("rates"), script("rates_contamination")
    law = module.exact_errors

    size = {"replicates": 2048, "generations": 100}
    run = functools.partial(rates.main, module.__doc__, module.measure, size, size, [])
    assert run() == 0
    # of the root of the error a tenth is a fifth of the error
    monkeypatch.setattr(module, "exact_errors", lambda share, at: law(share, at) * (at + 1) ** 0.2)
    assert run() == 1
    assert "the slope is not that of the exact law" in capsys.readouterr().out


def test_the_variance_of_kernels_on_fewer_points_fails_a_script(script, monkeypatch):
    module = script("rates_kernel_density")
    law, setting = module.exact_variances, module.SETTINGS[0]
    wrong = dataclasses.replace(setting, size=50)
    monkeypatch.setattr(module, "exact_variances", lambda _, at: law(wrong, at))
    assert "the slope is not that of the exact law" in module.outcomes(setting, 512, 0)[0].complaints


def test_exact_laws_tend_to_what_was_published(script):
    """Without any simulation, over later windows than the scripts can afford."""
    slope, at = script("rates").slope, np.array([2000, 4000, 8000])
    multinomial, contamination = script("rates_multinomial"), script("rates_contamination")
    for setting in multinomial.SETTINGS:
        late = at if setting.exponent < 0 else at // 100
        found = slope(late, multinomial.exact_errors(setting, late))
        assert found == pytest.approx(setting.exponent, abs=0.01)
    for share in contamination.SHARES:
        logs = np.sqrt(np.log(at)) if share == 0.5 else 1.0
        found = slope(at, np.sqrt(contamination.exact_errors(share, at)) / logs)
        assert found == pytest.approx(-min(share, 0.5), abs=0.02)
    regression = script("rates_regression")
    for _, design, pool, fits in regression.SETTINGS:
        for fit in fits:
            found = fit.statistic()(regression.exact_curves(design, pool)[fit.of][fit.places() - 1])
            assert found == pytest.approx(fit.published, abs=0.02)
    kernels = script("rates_kernel_density")
    replaced, accumulated = kernels.SETTINGS
    late = np.array([0, 2000, 4000, 8000])
    for _, fit, _ in replaced.fits:
        many = dataclasses.replace(replaced, size=10**6)
        assert fit(replaced.at(), kernels.exact_variances(many, replaced.at())) == pytest.approx(1, abs=1e-3)
    assert accumulated.fits[0][1](late, kernels.exact_variances(accumulated, late)) == pytest.approx(
        1, abs=1e-3
    )


def test_times_are_linear_in_the_end(script):
    collapse, forgetting = script("rates_collapse_time"), script("rates_forgetting")
    for module, places in ((collapse, (64, 128)), (forgetting, (32, 64))):
        for setting in module.SETTINGS:
            exact = functools.partial(module.exact_chances, setting)
            times = script("rates").HalfTimes.around(places, exact, module.MOST)
            assert times.slope(times.law(exact)) == pytest.approx(1, abs=0.03)


def test_the_golden_ratio_is_where_the_exact_error_is_least(script):
    module = script("rates_weighting")
    weights = np.linspace(0.01, 1, 100_000)
    for setting in module.SETTINGS:
        least = weights[np.argmin(module.long_run_error(setting, weights))]
        assert least == pytest.approx(module.golden_weight(setting.ratio), abs=1e-4)
        tried = module.AROUND * module.golden_weight(setting.ratio)
        assert module.lowest(tried, module.long_run_error(setting, tried)) == pytest.approx(least, abs=5e-4)


def test_settings_take_turns_and_speeds_are_those_of_a_round(script):
    scaling = script("speed_scaling")
    clock, asked = iter(range(1, 100)), []

    def setting(name, amount, factor):
        def ask():
            asked.append(name)
            return {"seconds": factor * next(clock)}

        return scaling.Setting(name, amount, ask)

    group = scaling.compared("made up", [setting("a", 10, 1.0), setting("b", 20, 1.0)], 3)
    assert asked == ["a", "b"] + ["a", "b", "b", "a", "a", "b"]  # a warm-up, then rounds
    first, second = group["settings"]
    assert first["speed"] == 1 and first["seconds"] == 6  # 3, 6, 7
    # seconds 4, 5 and 8: speeds 2 * 3/4, 2 * 6/5 and 2 * 7/8
    assert second["speed"] == pytest.approx(1.75) and second["speed_range"] == pytest.approx([1.5, 2.4])


@pytest.mark.slow
def test_a_process_of_its_own_says_what_a_run_took(script):
    """One program in memory, two in a store, however many chunks; and no answer is no silence."""
    with script("served").Server() as server:
        size = {"generations": 4, "replicates": 512, "chunk": 128}
        kept, stored = server.ask(**size, meter=True), server.ask(**size, stored=True)
        assert (kept["chunks"], kept["programs_compiled"]) == (4, 1)
        assert (stored["chunks"], stored["programs_compiled"]) == (4, 2)
        assert kept["seconds"] > 0 and kept["peak_memory"] > 2**20 and kept["devices"] == 1
        with pytest.raises(RuntimeError, match="unheard of"):
            server.ask(**size, record="unheard of")


@pytest.mark.slow
def test_the_scaling_script_reports(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["speed_scaling.py", "--quick", "--rounds", "1", "--json"])
    script("speed_scaling").main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {len(found["memory"]), len(found["programs"])} == {4, 2}
    assert all(row["speed"] > 0 for group in found["compared"] for row in group["settings"])
