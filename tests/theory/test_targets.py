"""The published numbers, from the formulas."""

import numpy as np
import pytest

from mcollapse import theory
from mcollapse.estimators import optimal_weight
from tests.theory.reference import LIMITS, SIMULATED, exact, law_of, predicted, setting_of

# The rows carry ten digits; some were computed with chains that lose a few.
ACCURACY = 2e-9


@pytest.mark.parametrize("row", SIMULATED, ids=lambda row: row["id"])
def test_published_number(row):
    assert np.allclose(predicted(row), row["values"], rtol=ACCURACY, atol=2e-9)


# The unbiased variance of a model's points does not depend on how many there are.
SIZED = [row for row in SIMULATED if row["id"] != "pub-mad-synthetic-lam.9"]


@pytest.mark.parametrize("row", SIZED, ids=lambda row: row["id"])
def test_sizes_that_are_off_by_one_are_seen(row):
    setting = setting_of(row)
    sizes = setting.sizes + 1
    changes = {"sizes": sizes}
    if setting.design is not None:
        changes["design"] = setting.design + 1
    if setting.source == "split":
        changes["real_sizes"] = sizes
    assert not np.allclose(predicted(row, **changes), row["values"], rtol=1e-6, atol=2e-9)


# The divisor only shifts the log variance, so the variance of that does not see it.
REFITTED = [
    row
    for row in SIMULATED
    if "ddof" in row["estimator"] and not row["id"].endswith(("varlogvar", "varlogdet"))
]


@pytest.mark.parametrize("row", REFITTED, ids=lambda row: row["id"])
def test_the_other_ddof_is_seen(row):
    changed = predicted(row, ddof=1 - setting_of(row).ddof)
    later = slice(1 if len(changed) > 1 else 0, None)
    assert not np.allclose(changed[later], row["values"][later], rtol=1e-6, atol=2e-9)


@pytest.mark.parametrize("name", [name for name in LIMITS if "plateau" in name])
def test_plateau(name):
    given = LIMITS[name]["settings"]
    assert np.isclose(theory.plateau(given["n"], given["alpha"]), LIMITS[name]["values"][0], rtol=1e-9)


@pytest.mark.parametrize("name", [name for name in LIMITS if "limit" in name])
def test_accumulate_limit(name):
    size = LIMITS[name]["settings"]["n_per_generation"]
    assert np.isclose(theory.accumulate_limit(size), LIMITS[name]["values"][0], rtol=1e-9)


def test_borderline():
    row = LIMITS["pub-mn-borderline-c10"]
    fate = theory.power_law_fate(0.5, 1, 20, 1)
    assert fate.outcome == "plateaus" and np.isclose(fate.risk, row["values"][0], rtol=1e-9)


@pytest.mark.parametrize("name", [name for name in LIMITS if name.endswith("time")])
def test_expected_collapse_time(name):
    row = LIMITS[name]
    time = theory.expected_collapse_time(law_of(row["settings"]["truth"]), row["settings"]["n"])
    assert np.isclose(time, row["values"][0], rtol=1e-9)


def test_one_fit_to_rows_of_two_models():
    row = LIMITS["pub-strong-ols"]
    for (d, real, made), value in zip(row["settings"]["cases_d_n1_n2"], row["values"], strict=True):
        assert np.isclose(theory.strong_collapse(d, real, made), value, rtol=1e-9)
        assert not np.isclose(theory.passed_on(d, real + made + 1, made, made * (made - 1)), value, rtol=1e-3)


def test_ratio_of_a_subsample():
    row = LIMITS["pub-aal-subsample-ratio"]
    *fits, _ = row["generations"]
    *values, limit = row["values"]
    assert np.allclose(theory.subsample_ratio(np.array(fits) + 1), values, rtol=ACCURACY)
    assert np.isclose(limit, np.pi**2 / 2 - 2, rtol=ACCURACY)
    assert np.isclose(theory.subsample_ratio(np.array([10**6]))[0], limit, rtol=1e-5)


def test_optimal_weight():
    """That of the engine, and the long-run risk of a location under it: V(w*, k) = w*, and less nowhere near."""
    row = LIMITS["pub-golden-opt"]
    found = optimal_weight(np.array(row["settings"]["k"]))
    assert np.allclose(found, row["values"], rtol=1e-6)  # in float32
    for k, weight in zip(row["settings"]["k"], row["values"], strict=True):
        n, m = round(1000 * k), 1000
        risks = []
        for w in (weight, weight - 1e-3, weight + 1e-3):
            made = theory.Setting(
                family="location", estimator="weighted", source="split", pool="newest", start="real",
                sizes=np.full(401, n), real_sizes=np.full(401, n), synthetic_sizes=np.full(401, m),
                weights=np.full(401, w), truth={"point_variance": 1.0},
            )  # fmt: skip
            risks.append(n * exact(made, "squared_error", [400]).values[0])
        assert np.isclose(risks[0], weight, rtol=1e-8) and min(risks[1:]) > risks[0]


def test_long_run_of_weighted_logistic_regression():
    """A simulation of n = 1,000 and the asymptotic law; one of the next smaller dimension is rejected."""
    row = LIMITS["pub-golden-logistic-n1000"]
    setting = setting_of(row | {"generations": [16]})
    (law,) = theory.predictions(setting, [("squared_error", {})], np.arange(9, 17))
    assert law.law.name == "regression-information-weighted" and law.law.kind == "asymptotic"
    allowed = 4 * row["standard_error"][0] + law.tolerance * row["values"][0]
    assert abs(law.values.mean() - row["values"][0]) < allowed < 0.25 * row["values"][0]
    limit = theory.regression_constants("logistic-regression", np.ones(2), np.eye(2))["squared_error"]
    weight = row["settings"]["w"]
    ratio = (weight**2 + (1 - weight) ** 2) / (weight * (2 - weight))
    assert np.isclose(law.values[-1], ratio * limit / 1000, rtol=1e-6)


def test_every_limit_is_tested():
    """Here, or where there is no law by simulation alone."""
    words = ("plateau", "limit", "borderline", "time", "strong", "pooled", "logistic", "ratio", "opt")
    assert all(any(word in name for word in words) for name in LIMITS)
