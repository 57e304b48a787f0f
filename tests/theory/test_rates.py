"""Published recursions, closed forms, and where schedules lead."""

import numpy as np
import pytest

from mcollapse.theory import (
    Setting,
    accumulate_decay,
    accumulate_limit,
    accumulate_ratio,
    accumulate_risk,
    debiased_risk,
    filtered_risk,
    fixed_counts_risk,
    gaussian_moments,
    heterogeneity,
    improves,
    improving_size,
    mixture_risk,
    plateau,
    power_law_decay,
    power_law_fate,
    replacement_risk,
    required_size,
    risks,
    subsample_ratio,
    vanishing_shares,
)

FIVE = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
H = heterogeneity(FIVE)
SIZES = np.array([40, 20, 60, 80, 40, 100])
SHARES = np.array([0.9, 0.1, 0.5, 0.25, 0.05, 0.2])


def setting_of(start, pool, counts) -> Setting:
    parts = {"family": "categorical", "estimator": "maximum-likelihood", "source": "mixture"}
    truth = {"probabilities": FIVE}
    return Setting(start=start, pool=pool, counts=counts, sizes=SIZES, shares=SHARES, truth=truth, **parts)


PUBLISHED = {
    ("newest", "random"): mixture_risk,
    ("newest", "fixed"): fixed_counts_risk,
    ("all", "random"): accumulate_risk,
}


@pytest.mark.parametrize("start", ("real", "truth"))
@pytest.mark.parametrize("case", PUBLISHED, ids="-".join)
def test_coordinates_follow_the_published_scalars(case, start):
    setting = setting_of(start, *case)
    found, first = risks(setting, np.arange(6)), setting.first
    assert np.allclose(
        found["squared_error"][first:], PUBLISHED[case](H, SIZES[first:], SHARES[first:]), rtol=1e-12
    )
    assert np.allclose(
        found["chi_square"][first:], PUBLISHED[case](4, SIZES[first:], SHARES[first:]), rtol=1e-12
    )
    assert np.allclose(found["concentration"], 1 - H + found["squared_error"], rtol=1e-12)
    for other, wrong in PUBLISHED.items():
        same = np.allclose(found["squared_error"][first:], wrong(H, SIZES[first:], SHARES[first:]), rtol=1e-4)
        assert same == (other == case)


def test_replacement_risk_is_the_recursion_without_real_data():
    assert np.allclose(replacement_risk(H, SIZES), mixture_risk(H, SIZES, 0 * SHARES), rtol=1e-12)
    assert replacement_risk(H, np.array([3, 1, 5]))[1:].tolist() == [H, H]
    uneven = replacement_risk(H, np.full(3, 10))
    assert np.allclose(uneven, H * (1 - 0.9 ** np.array([1, 2, 3])))


@pytest.mark.parametrize("sampling", ("newest", "all", "subsample"))
def test_proportions_are_the_gaussian_with_ddof_0(sampling):
    """Two recursions written apart: both see only second moments."""
    parts = {"source": "mixture", "shares": SHARES, "pool": sampling, "start": "real", "sizes": SIZES}
    parts |= {"estimator": "maximum-likelihood", "budget": np.full(6, 30)}
    one = Setting(family="categorical", truth={"probabilities": FIVE}, **parts)
    other = Setting(family="gaussian", truth={"mean": 0.0, "variance": H}, ddof=0, **parts)
    error, variance = gaussian_moments(other)
    found = risks(one, np.arange(6))
    assert np.allclose(found["squared_error"], error, rtol=1e-12)
    assert np.allclose(1 - found["concentration"], variance, rtol=1e-12)


@pytest.mark.parametrize(("share", "published"), ((0.1, 5.0480), (0.5, 1.3289), (0.01, 33.669)))
def test_plateau_is_where_the_recursion_ends(share, published):
    size = 100
    path = mixture_risk(1.0, np.full(3000, size), np.full(3000, share))
    assert np.isclose(path[-1] / path[0], plateau(size, share), rtol=1e-10)
    assert np.isclose(plateau(size, share), published, atol=5e-4)


FATES = {
    (0.5, 1, 20, 1): ("plateaus", 1 / 21),
    (0.5, 0.5, 100, 0.5): ("plateaus", 1 / 101),
    (0.5, 0.5, 20, 1): ("improves", 0),
    (0.1, 0, 20, 0.3): ("improves", 0),
    (0.1, 0, 20, 0): ("plateaus", plateau(20, 0.1) / 20),
    (0.5, 0.5, 20, 0): ("collapses", 1),
    (0.0, 0, 2, 0.5): ("collapses", 1),
    (0.5, 1.5, 2, 0.5): ("collapses", 1),
    (0.5, 0.9, 2, 0.3): ("collapses", 1),
    (0.5, 2, 20, 2): ("plateaus", None),
    (0.0, 0, 20, 2): ("plateaus", None),
}


@pytest.mark.parametrize("schedule", FATES)
def test_fates(schedule):
    share, share_exponent, size, size_exponent = schedule
    fate = power_law_fate(*schedule)
    outcome, limit = FATES[schedule]
    assert fate.outcome == outcome
    assert fate.risk == limit if limit is None else np.isclose(fate.risk, limit)
    t = np.arange(1.0, 40_001)
    path = mixture_risk(1.0, size * t**size_exponent, share * t**-share_exponent)
    if outcome == "plateaus":
        assert np.isclose(path[-1], path[20_000], rtol=2e-3) and 0 < path[-1] < 1
        assert limit is None or np.isclose(path[-1], limit, rtol=2e-3)
    elif outcome == "improves":
        assert path[-1] < 0.9 * path[4000]
    else:
        assert path[-1] >= path[4000] and path[-1] > 0.9


def test_the_three_conditions():
    assert vanishing_shares(np.inf, True, True).outcome == "improves"
    assert vanishing_shares(10.0, True, True).risk == 1 / 21
    assert vanishing_shares(0.0, False, True).outcome == "collapses"
    assert vanishing_shares(np.inf, False, False).risk is None


DECAYING = ((0.1, 0, 50, 0.5), (0.5, 0.5, 20, 1.5), (0.9, 1, 20, 2), (0.5, 1, 20, 2), (0.3, 1, 20, 2))


@pytest.mark.parametrize("schedule", DECAYING)
def test_rates_of_decay(schedule):
    share, share_exponent, size, size_exponent = schedule
    decay = power_law_decay(*schedule)
    t = np.arange(1.0, 30_001)
    path = mixture_risk(1.0, size * t**size_exponent, share * t**-share_exponent)
    if decay.constant is None:
        slope = -np.log(path[-1] / path[9_999]) / np.log(3)
        assert np.isclose(slope, decay.exponent, atol=0.02)
    else:
        law = decay.constant * t**-decay.exponent * np.log(t) ** decay.logarithms
        assert np.isclose(path[-1] / law[-1], 1, atol=0.25 if decay.logarithms else 0.06)


def test_no_rate_where_nothing_improves():
    with pytest.raises(ValueError, match="does not vanish"):
        power_law_decay(0.5, 1, 20, 1)


@pytest.mark.parametrize("share", (0.1, 0.3, 0.5, 0.8))
def test_accumulate_decay(share):
    path = accumulate_risk(1.0, np.full(100_000, 50), np.full(100_000, share))
    decay = accumulate_decay(share, 50)
    slope = -np.log(path[-1] / path[9_999]) / np.log(10)
    assert np.isclose(slope, decay.exponent, atol=0.11 if share == 0.5 else 0.02)
    if decay.constant is not None:
        law = decay.constant / 1e5 * np.log(1e5) ** decay.logarithms
        assert np.isclose(path[-1], law, rtol=0.15)


def test_accumulation_has_a_limit():
    path = accumulate_risk(1.0, np.full(20_000, 20), np.zeros(20_000))
    assert np.isclose(path[-1], accumulate_limit(20), rtol=1e-4)
    product = 1 - np.cumprod(1 - 1 / (20 * np.arange(1, 20_001) ** 2.0))
    assert np.allclose(path, product, rtol=1e-9)
    assert np.allclose(accumulate_ratio(np.array([1, 2, 5, 100])), [1, 1.25, 1.46361, 1.63498], atol=1e-5)
    assert np.isclose(accumulate_ratio(np.array([10**6]))[0], np.pi**2 / 6, atol=2e-6)


def test_subsample_ratio():
    published = [1, 1.75, 2.083333333, 2.390833333, 2.649303193]
    assert np.allclose(subsample_ratio(np.array([1, 2, 3, 5, 10])), published, rtol=1e-9)
    assert np.isclose(subsample_ratio(np.array([10**6]))[0], np.pi**2 / 2 - 2, atol=1e-5)
    parts = {"family": "gaussian", "estimator": "unbiased", "source": "last-model", "known_variance": True}
    sizes, truth = np.full(10, 10**6), {"mean": 0.0, "variance": 1.0}
    large = Setting(pool="subsample", start="real", sizes=sizes, budget=sizes, truth=truth, **parts)
    assert np.allclose(gaussian_moments(large)[0] * 1e6, subsample_ratio(np.arange(1, 11)), rtol=1e-5)


@pytest.mark.parametrize(
    ("share", "growth"), ((0.05, 10.16), (0.1, 5.22), (0.25, 2.27), (0.5, 1.33), (0.75, 1.07))
)
def test_improvement(share, growth):
    risk = H / 100
    threshold = improving_size(H, risk, share)
    assert np.isclose(threshold / 100, growth, atol=0.01)
    for size in (np.floor(threshold), np.ceil(threshold) + 1):
        following = mixture_risk(H, np.array([100, size]), np.array([0, share]))[1]
        assert improves(H, risk, size, share) == (following < risk)


def test_required_size():
    risk, ratio = H / 100, 0.9
    size = required_size(H, risk, 0.3, ratio)
    following = mixture_risk(H, np.array([100, size]), np.array([0, 0.3]))[1]
    assert np.isclose(following, ratio * risk, rtol=1e-12)
    with pytest.raises(ValueError, match="at any size"):
        required_size(H, risk, 0.3, 0.48)
    assert improving_size(H, risk, 0.0) == np.inf


KNOWING = {
    "debiased 0.3": (debiased_risk, 0.3, [0.0143, 0.01310865028, 0.009836379305, 0.003947097348]),
    "debiased 0.1": (debiased_risk, 0.1, [0.0143, 0.01415614489, 0.0136087487, 0.01104972582]),
    "oracle 0.3": (filtered_risk, 0.3, [0.0143, 0.01102736949, 0.005739352296, 0.001476141061]),
    "oracle 0.1": (filtered_risk, 0.1, [0.0143, 0.01301914333, 0.009571513452, 0.003679329037]),
}


@pytest.mark.parametrize("name", KNOWING)
def test_those_who_know_more(name):
    """Kanabar & Gastpar, 2025, arXiv 2501.19273: n = 50, five symbols."""
    risk, share, published = KNOWING[name]
    sizes, shares, at = np.full(30, 50), np.full(30, share), [0, 1, 5, 29]
    assert np.allclose(risk(H, sizes, shares)[at], published, rtol=1e-8)
    assert not np.allclose(risk(H, sizes, shares + 0.01)[at], published, rtol=1e-3)
