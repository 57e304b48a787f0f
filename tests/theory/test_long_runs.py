"""Published limits, rates and bounds that are functions, each against a computation of its own."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from mcollapse import theory
from mcollapse.theory import Setting
from tests.statistical import assert_agrees, moments

GOLDEN = (np.sqrt(5) - 1) / 2


def loop(weight, n, m, generations=400, **changes) -> Setting:
    """Fresh real points and the last model's, with a weight."""
    steps = np.full(generations + 1, 1)
    parts = {"family": "gaussian", "truth": {"mean": 0.0, "variance": 1.0}, "known_variance": True}
    parts |= {
        "estimator": "weighted",
        "source": "split",
        "pool": "newest",
        "start": "real",
        "combine": "fits",
    }
    parts |= {
        "real_sizes": steps * n,
        "synthetic_sizes": steps * m,
        "weights": steps * weight,
        "sizes": steps * n,
    }
    return Setting(**(parts | changes))


def last(setting, quantity) -> float:
    return float(theory.predictions(setting, [(quantity, {})], np.array([setting.generations]))[0].values[0])


@pytest.mark.parametrize("k, best", [(1.0, GOLDEN), (0.05, 0.2), (0.1, 0.27016), (3.0, None)])
def test_the_golden_weight(k, best):
    found = theory.optimal_weight(k)
    assert best is None or np.isclose(found, best, atol=5e-6)
    searched = optimize.minimize_scalar(
        lambda w: theory.weighted_limit(w, k), bounds=(0.01, 1.0), method="bounded", options={"xatol": 1e-9}
    ).x
    assert np.isclose(found, searched, atol=1e-6)
    assert np.isclose(theory.weighted_limit(found, k), found) and np.isclose(found**2 + k * found, k)
    assert np.isclose(theory.weighted_limit(k / (1 + k), k), (1 + k) / (2 + k))
    assert theory.weighted_limit(1.0, k) == 1.0
    assert np.isclose(theory.optimal_weight(1e-12), 1e-6, rtol=1e-5)  # without cancellation
    assert np.isclose(theory.weighted_limit(1e-9, k), k / 2e-9, rtol=1e-6)


@pytest.mark.parametrize("weight, n, m", [(0.3, 100, 100), (GOLDEN, 100, 50), (0.15, 12, 200)])
def test_long_runs_are_where_the_exact_transients_end(weight, n, m):
    assert np.isclose(last(loop(weight, n, m), "squared_error"), theory.weighted_limit(weight, n / m) / n)
    normals = {"family": "multivariate-gaussian", "truth": {"mean": np.zeros(3), "covariance": np.eye(3)}}
    covariance = loop(weight, n, m, **normals, known_variance=False, ddof=1)
    found = theory.weighted_covariance_limit(weight, n, m, 3)
    assert np.isclose(last(covariance, "frobenius_squared"), found)
    assert not np.isclose(last(replace(covariance, ddof=0), "frobenius_squared"), found, rtol=1e-3)
    points = {
        "family": "empirical",
        "truth": {"variance": 1.0, "dimension": 1.0, "spread": 1 / 6},
        "combine": "rows",
    }
    found = theory.weighted_distance_limit(weight, n, m)
    assert np.isclose(last(loop(weight, n, m, **points), "cramer_von_mises"), found)
    line = {"coefficients": np.ones(4), "noise_variance": 1.0, "covariance": np.eye(4)}
    rows = loop(weight, n, m, family="linear-regression", truth=line)
    assert np.isclose(last(rows, "test_error"), theory.weighted_regression_limit(weight, n, m, 4))
    kept = loop(weight, n, m, source="last-model", pool="real-and-newest", sizes=np.array([n] + [m] * 400))
    assert np.isclose(last(kept, "squared_error"), theory.same_real_limit(weight, n / m) / n)
    assert theory.same_real_limit(weight, n / m) > 1 and np.isclose(theory.same_real_limit(0.5, 1.0), 4 / 3)


def test_covariances_without_a_limit_have_an_infinite_risk():
    assert theory.weighted_covariance_limit(0.01, 100, 5, 3) == np.inf
    assert theory.weighted_covariance_limit(1.0, 100, 2, 3) == pytest.approx((9 + 3) / 99)  # no other points
    for weight in (0.05, 0.3):
        assert 0 < theory.weighted_covariance_limit(weight, 100, 1000, 3) < np.inf


def test_published_numbers_of_weights():
    assert np.isclose(theory.weighted_covariance_limit(GOLDEN, 100, 100, 2), 0.037565, atol=5e-7)
    found = [theory.weighted_limit(w, 1.0) / 50 for w in (0.3, 0.5, 0.62, 0.7)]
    np.testing.assert_allclose(found, [0.022745, 0.013333, 0.012361, 0.012747], atol=5e-7)
    assert np.isclose(theory.biased_variance_limit(0.5, 0.9), 0.9091, atol=5e-5)
    assert np.isclose(theory.biased_variance_limit(1 / 11, 0.9), 0.5)
    rows = np.full(301, 1100)
    shares = {"source": "split", "real_sizes": rows * 100 // 1100, "synthetic_sizes": rows * 1000 // 1100}
    exact = Setting(
        family="gaussian", truth={"mean": 0.0, "variance": 1.0}, estimator="maximum-likelihood", pool="newest",
        start="real", sizes=rows, variance_factors=np.full(301, 0.9), ddof=0, **shares,
    )  # fmt: skip
    assert np.isclose(last(exact, "variance"), theory.biased_variance_limit(1 / 11, 0.9), rtol=5e-3)


@pytest.mark.parametrize("among", [True, False])
def test_past_models_by_their_random_walk(among):
    """Averages of earlier errors and noise of one's own, as covariances."""
    rows = [np.zeros(31)] if among else []
    for k in range(1, 31):
        noise = np.eye(31)[k]
        rows.append((np.mean(rows, axis=0) if rows else 0) + noise)
    fits = np.arange(1, 31)
    expected = [np.sum(row**2) for row in rows[1 if among else 0 :]]
    np.testing.assert_allclose(theory.past_models_ratio(fits, among), expected)
    limit = np.pi**2 / 6 + (0 if among else 1)
    assert np.isclose(theory.past_models_ratio(np.array([100_000]), among)[0], limit, atol=2e-5)


def test_wasserstein_to_first_order():
    normal = {
        "family": "gaussian",
        "truth": {"mean": 0.0, "variance": 1.0},
        "start": "truth",
        "source": "last-model",
    }
    sizes = np.full(21, 50)
    exact = Setting(**normal, estimator="unbiased", ddof=1, pool="newest", sizes=sizes)
    assert np.isclose(theory.wasserstein_first_order(sizes[1:])[-1], 0.6)
    assert np.isclose(last(exact, "wasserstein2_squared"), 0.594, atol=5e-6)
    for n in (200, 2000):  # what is left out falls like n^-2
        found = last(replace(exact, sizes=np.full(3, n)), "wasserstein2_squared")
        assert abs(found - theory.wasserstein_first_order(np.full(2, n))[-1]) < 3 / n**2


def test_drift_bounds_by_simulation():
    """The published bound, the derived ones and what is seen, in that order; eq. 11 keeps the first below its drift."""
    s, real = 20, 10_000
    truth = (1 / np.arange(1, s + 1)) / np.sum(1 / np.arange(1, s + 1))
    rng = np.random.default_rng(0)
    for n in (3, 8, 14, 40):
        bound, (tight, loose) = (
            theory.published_drift_bound(s, real, n), theory.partly_synthetic_drift_bounds(s, real, n),
        )  # fmt: skip
        kept = rng.multinomial(real, truth, size=2000)
        model = kept / real
        for _ in range(6):
            made = rng.multinomial(n, model)
            model = (kept + made) / (real + n)
        seen = np.abs(model - kept / real).sum(axis=1).mean()
        assert seen < tight <= loose < bound
        assert 2 * seen > tight / 2  # so that a bound of a fourth would be violated
    for s, real, drift in ((20, 10**6, 0.1), (10, 10**9, 0.5), (1000, 10**6, 0.3)):
        most = theory.most_synthetic(s, real, drift)
        assert most > 0 and theory.published_drift_bound(s, real, most) <= drift
        limited = most < 2 * np.pi * np.exp(-2) * (s - 2) - 1e-9
        assert not limited or theory.published_drift_bound(s, real, 3 * most) > drift
    assert theory.most_synthetic(20, 10, 0.1) < 0
    three = theory.published_drift_bound(3, 100, 10)
    assert np.isclose(three, np.sqrt(5 * np.pi) / 100 * 6)


def test_a_share_of_real_points_has_a_phase_transition():
    found = [theory.augmentation_bound(200, m, 5) for m in (0, 50, 200, 800, 3200, 12800, 10**6)]
    expected = [1, 1.182, 1.656, 2.467, 2.553, 2.033, 0.713]
    np.testing.assert_allclose(np.array(found) / found[0], expected, atol=6e-4)
    # the form of constant shares is the recursion
    n, m, t = 200, 300, 7
    weights = np.eye(t + 1, k=-1) * m / (n + m)
    chained = theory.total_variation_bound(np.full(t + 1, (n + m) ** -0.25), weights)
    assert np.isclose(chained[-1], theory.augmentation_bound(n, m, t)) and np.all(chained < 1)
    assert np.all(theory.total_variation_bound(np.full(9, 0.2), np.eye(9, k=-1))[5:] == 1.0)
    assert theory.bounded_growth(0.25) == 4.0
    with pytest.raises(ValueError, match="at most 1 together"):
        theory.total_variation_bound(np.ones(2), np.array([[0, 0], [1.5, 0]]))
    with pytest.raises(ValueError, match="as many rows"):
        theory.total_variation_bound(np.ones(2), np.eye(3))


def test_total_variation_of_tables_is_below_its_bound():
    """Tables that are fitted to mixtures of the truth and two past tables, with the errors that they made."""
    rng = np.random.default_rng(1)
    truth, models, errors = np.array([0.5, 0.3, 0.15, 0.05]), [], []
    weights = np.zeros((12, 12))
    for t in range(12):
        weights[t, max(0, t - 2) : t] = 0.4
        mixed = (1 - weights[t].sum()) * truth + sum(
            (weights[t, j] * models[j] for j in range(t)), np.zeros(4)
        )
        models.append(rng.multinomial(60, mixed) / 60)
        errors.append(np.abs(models[-1] - mixed).sum() / 2)
    seen = np.array([np.abs(model - truth).sum() / 2 for model in models])
    bound = theory.total_variation_bound(np.array(errors), weights)
    assert np.all(seen <= bound + 1e-12) and np.all(bound[1:] > np.array(errors)[1:])
    np.testing.assert_allclose(bound[0], seen[0])


def test_rates_of_learners():
    assert np.isclose(theory.learning_rate(32.0, 1, kernel=True), 32**-0.4)
    one, four = (theory.learning_rate(10_000.0, d, doubt=d / 10_000) for d in (1, 4))
    np.testing.assert_allclose([one, four], [0.1 * np.log(1e8), 0.2 * np.log(1e8)])


@pytest.mark.parametrize("horizon", [0.3, 2.5, 12.0])
def test_score_errors_of_a_normal_law(horizon):
    """A score that is off by a constant: the reversed process stays normal, its mean and Girsanov's term are known."""
    off = 0.05
    error = off**2 * horizon
    mean = 2 * off * (1 - np.exp(-horizon / 2))
    observable = 4 * (1 - np.exp(-horizon / 2)) ** 2 / horizon
    divergence, chi_square = mean**2 / 2, np.expm1(mean**2)
    assert divergence <= theory.score_error_divergence(error)
    assert horizon != 2.5 or divergence > 0.8 * theory.score_error_divergence(error)
    lower, upper = theory.score_error_chi_square(error, observable)
    assert lower <= chi_square <= upper and 5 * lower > chi_square
    # a loop with that error in every generation and a real share a: means add up, and stay above the floor
    for share in (0.1, 0.5, 0.9):
        shift = 0.0
        for _ in range(400):
            shift = (1 - share) * shift + mean  # of the mean, to first order in the shift
        assert np.expm1(shift**2) > theory.divergence_floor(share, error, observable)


def test_effective_sizes():
    sizes, shares = np.full(200, 50), np.full(200, 0.3)
    blind, seen = theory.effective_sizes(sizes, shares)
    assert np.isclose(blind[-1], 50 + 199 * 50 * 0.09) and np.isclose(seen[-1], 50 + 199 * 50 * 0.3)
    h = 0.715
    np.testing.assert_allclose(theory.debiased_risk(h, sizes, shares)[100:], h / blind[100:], rtol=5e-3)
    np.testing.assert_allclose(theory.filtered_risk(h, sizes, shares)[100:], h / seen[100:], rtol=5e-3)
    assert np.isclose(h / theory.effective_sizes(sizes[:30], shares[:30])[0][-1], 0.003961, atol=5e-7)


def test_what_a_detector_gains():
    """The information on the real law's place that a point and its verdict have, by enumeration."""
    share, real, made = 0.3, np.array([0.9, 0.1]), np.array([0.2, 0.8])
    truth, model = np.array([0.6, 0.4]), np.array([0.6, 0.4])  # near the truth, as models come to be
    joint = share * np.outer(real, truth) + (1 - share) * np.outer(made, model)
    slope = share * np.outer(real, [1.0, -1.0])
    blind = (share * np.array([1.0, -1.0])) ** 2 / joint.sum(axis=0)
    gain = np.sum(slope**2 / joint) / blind.sum()
    assert np.isclose(theory.detector_gain(share, real, made), gain)
    assert np.isclose(theory.detector_gain(share, real, real), 1.0)
    assert np.isclose(theory.detector_gain(share, np.eye(2)[0], np.eye(2)[1]), 1 / share)


def test_stability_of_retraining():
    for weight in (0.1, 0.3, 0.49, 0.51, 0.9):
        assert (theory.retraining_bound(weight, 2.0, 0.0, 1.0) < 1) == (weight < 0.5)
        assert theory.retraining_factor(weight) <= theory.retraining_bound(weight, 2.0, 0.0, 1.0)
        stable = weight * (1 + 3 * 0.2 / 2) < 0.5
        assert (theory.retraining_bound(weight, 2.0, 3.0, 0.2) < 1) == stable
    assert theory.retraining_bound(1.0, 1.0, 0.0, 0.0) == np.inf
    with pytest.raises(ValueError, match="convexity is positive"):
        theory.retraining_bound(0.1, 0.0, 1.0, 1.0)


@pytest.mark.parametrize("beta", [1.5, 2.0, 3.0])
def test_tails_of_zipf(beta):
    ranks = np.arange(1.0, 4e6)
    weights = ranks**-beta
    table = weights / (weights.sum() + ranks[-1] ** (1 - beta) / (beta - 1))
    for size in (1e3, 1e5):
        assert np.isclose(
            theory.memorised_error(table, table, int(size)), theory.zipf_error(size, beta), rtol=2e-2
        )
    cut = np.where(ranks <= 300, table, 0.0)
    floor = theory.memorised_error(table, cut / cut.sum(), 10**10)
    assert np.isclose(floor, theory.zipf_error(1e10, beta, 300), rtol=1e-2)
    for size in (1e3, 1e5, 1e6):  # few symbols are left to learn at the last
        exact = theory.memorised_error(table, cut / cut.sum(), int(size))
        assert np.isclose(exact, theory.zipf_error(size, beta, 300), rtol=2e-2)
    assert np.isclose(theory.zipf_rank(1e6, beta), 1e6 ** (1 / beta))
    with pytest.raises(ValueError, match="above 1"):
        theory.zipf_error(10.0, 1.0)


BETA, SOURCE = 2.0, 0.5


def limit_error(rows, penalty, noise, generated, generator_rows):
    """The limit of many rows for a spectrum of 100,000 features, written from the fixed point again."""
    index = np.arange(1.0, 1e5)
    spectrum, square = index**-BETA, index ** (-1 - 2 * BETA * SOURCE + BETA)
    kappa = optimize.brentq(
        lambda k: k - penalty - k * np.sum(spectrum / (spectrum + k)) / rows,
        penalty,
        penalty + spectrum.sum() / rows,
    )
    used = np.sum((spectrum / (spectrum + kappa)) ** 2) / rows
    bias = kappa**2 * np.sum(spectrum * square / (spectrum + kappa) ** 2) / (1 - used)
    passed = (
        generated / generator_rows * rows * used
    )  # of least squares with many more rows than features are seen
    return bias + noise * used / (1 - used) + passed


@pytest.mark.parametrize("generated", [0.0, 1.0])
def test_exponents_of_ridge_on_a_power_law(generated):
    """Errors at the best of many penalties fall as said, and at others as the sum says."""
    b = 0.6 if generated else 1.0
    exponents, rows = np.linspace(0.1, 2.0, 77), 10.0 ** np.array([3, 4, 5])
    noise = 1.0 if not generated else 0.0
    errors = np.array([
        [limit_error(t, t**-ell, noise, generated, t**b) for ell in exponents] for t in rows
    ])  # fmt: skip
    ell, power = theory.best_penalty_exponent(BETA, SOURCE, b)
    slope = np.polyfit(np.log(rows), np.log(errors.min(axis=1)), 1)[0]
    assert abs(slope - power) < 0.05
    found = exponents[errors.argmin(axis=1)]
    assert abs(found[-1] - ell) < 0.15
    clean = theory.best_penalty_exponent(BETA, SOURCE)[0]
    assert not generated or abs(found[-1] - clean) > 0.2
    for other in (0.25, ell):  # along a fixed exponent, too
        seen = np.array([limit_error(t, t**-other, noise, generated, t**b) for t in rows])
        said = np.array([theory.spectrum_error(t, other, BETA, SOURCE, noise, generated, t**b) for t in rows])
        one, two = (np.polyfit(np.log(rows), np.log(x), 1)[0] for x in (seen, said))
        assert abs(one - two) < 0.06


def test_generators_must_outgrow_their_noise():
    with pytest.raises(ValueError, match="never falls"):
        theory.best_penalty_exponent(2.0, 0.5, 0.5, 0.5)
    assert theory.best_penalty_exponent(2.0, 0.5, 9.0)[0] == 2.0
    assert theory.spectrum_error(1e4, 0.5, 2.0, 1.0, 0.0, 1.0, 1e5, 0.5) > theory.spectrum_error(
        1e4, 0.5, 2.0, 1.0, 0.0, 1.0, 1e5, 0.1
    )


@pytest.mark.parametrize("n", [1, 3, 20])
def test_a_far_bump_by_simulation(n):
    rng = np.random.default_rng(n)
    missed = (1 - rng.random((100_000, n)).max(axis=1)) / 2
    assert_agrees(*moments(missed), theory.near_miss(n))
    escaped = rng.random(100_000) < 1 - (1 - missed) ** n
    assert_agrees(*moments(escaped), theory.escape_probability(n))
    found = [theory.escape_probability(size) for size in (1000, 10**7)]
    np.testing.assert_allclose(found, [0.33326, 1 / 3], atol=5e-6)
    mean, error = moments(escaped)
    assert abs(theory.escape_probability(n) * 1.1 - mean) > 5 * error
    with pytest.raises(ValueError, match="at least one point"):
        theory.escape_probability(0)


def test_numbers_out_of_range_are_refused():
    for call in (
        lambda: theory.weighted_limit(0.0, 1.0),
        lambda: theory.same_real_limit(0.5, 0.0),
        lambda: theory.biased_variance_limit(0.1, 1.2),
        lambda: theory.optimal_weight(0.0),
    ):
        with pytest.raises(ValueError):
            call()
