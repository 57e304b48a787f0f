"""Laws of ridge, of models downstream and of subsampled rows, against numpy and the published forms."""

from dataclasses import replace

import numpy as np
import pytest

from mcollapse import theory
from mcollapse.theory import RidgeFit
from mcollapse.theory.downstream import downstream_ridge, downstream_variance
from mcollapse.theory.regression_limits import BIASED
from tests.statistical import assert_agrees, moments

D, ROWS = 40, 80
TILTED = np.diag(np.linspace(0.2, 2.0, D)) + 0.1


def setting(covariance, rows=ROWS, coefficients=None, noise=0.3, generations=4, **changes) -> theory.Setting:
    coefficients = np.eye(len(covariance))[0] if coefficients is None else coefficients
    truth = {"coefficients": coefficients, "noise_variance": noise, "covariance": covariance}
    parts = {"family": "linear-regression", "estimator": "maximum-likelihood", "source": "last-model"}
    parts |= {"pool": "newest", "start": "truth", "sizes": np.full(generations + 1, rows)}
    return theory.Setting(truth=truth, **(parts | changes))


def seen(penalty, covariance, repeats=150):
    """Of finite fits: what is passed on of a unit error, added for unit noise, and lost of unit coefficients."""
    d, root = len(covariance), np.linalg.cholesky(covariance)
    rng, inverse, found = np.random.default_rng(0), np.linalg.inv(covariance), []
    for _ in range(repeats):
        x = rng.standard_normal((ROWS, d)) @ root.T
        gram = x.T @ x / ROWS
        resolvent = np.linalg.inv(gram + penalty * np.eye(d))
        kept = resolvent @ gram
        bias = penalty**2 * np.sum((covariance @ resolvent[:, 0]) * resolvent[:, 0])
        noise = np.trace(covariance @ kept @ resolvent) / ROWS
        found.append((np.trace(covariance @ kept @ inverse @ kept.T) / d, noise, bias))
    return np.mean(found, axis=0)


@pytest.mark.parametrize("covariance", [np.eye(D), TILTED], ids=["isotropic", "tilted"])
@pytest.mark.parametrize("penalty", [0.01, 0.1, 1.0])
def test_one_ridge_fit(penalty, covariance):
    """Finite fits within the declared tolerance; those of half or twice the penalty are not."""

    def near(fit):
        bias = fit.bias(np.eye(D)[0], covariance)
        passed, noise, lost = np.abs(numbers / np.array([fit.passed, fit.added, bias]) - 1)
        return passed < fit.tolerance and noise < fit.tolerance and lost < BIASED * fit.tolerance

    numbers = seen(penalty, covariance)
    assert near(RidgeFit.of(penalty, ROWS, covariance))
    assert not near(RidgeFit.of(2 * penalty, ROWS, covariance))
    assert not near(RidgeFit.of(penalty / 2, ROWS, covariance))


@pytest.mark.parametrize("ratio", [0.25, 1.0, 2.0])
def test_the_published_form(ratio):
    """Dohmatob, Feng & Kempe: clean + k s0^2 rho."""
    rows, penalty, s, s0, k = round(D / ratio), 0.2, 0.7, 0.3, 3
    phi, phi0 = D / rows, D / ROWS
    kappa = (penalty + phi - 1 + np.sqrt((penalty + phi - 1) ** 2 + 4 * penalty)) / 2
    clean = (kappa**2 * 4 + s * phi) / ((1 + kappa) ** 2 - phi)
    rho = phi0 / (1 - phi0) / (1 + kappa) ** 2 * (1 + phi * kappa**2 / ((1 + kappa) ** 2 - phi))
    chain = setting(np.eye(D), coefficients=2 * np.eye(D)[1], noise=s0)
    asked = theory.DownstreamSetting(chain, rows, s, penalty)
    limit = np.arange(5) * s0 * phi0 / (1 - phi0)
    np.testing.assert_allclose(downstream_ridge(asked, limit)[k], clean + k * s0 * rho, rtol=1e-10)


def test_ridge_of_no_penalty_is_least_squares_and_of_a_huge_one_nothing():
    none, huge = (RidgeFit.of(penalty, ROWS, TILTED) for penalty in (1e-9, 1e9))
    np.testing.assert_allclose([none.passed, none.added], [1, D / (ROWS - D)], rtol=1e-6)
    np.testing.assert_allclose(huge.bias(np.eye(D)[0], TILTED), TILTED[0, 0], rtol=1e-6)
    assert huge.passed < 1e-15 and huge.added < 1e-15
    few = RidgeFit.of(1e-9, D // 2, np.eye(D))  # half of the coordinates are seen
    np.testing.assert_allclose([few.passed, 1 / (1 + few.kappa)], [0.5, 0.5], rtol=1e-6)


def test_ridge_again_and_again():
    """Chains in numpy, at d = 40, within the declared tolerance; those of half the noise are not."""
    d, rows, penalty = 40, 60, 0.1
    rng, truth, ends = np.random.default_rng(1), np.eye(d)[0], []
    for _ in range(100):
        w = truth
        for _ in range(4):
            x = rng.standard_normal((rows, d))
            y = x @ w + np.sqrt(0.3) * rng.standard_normal(rows)
            w = np.linalg.solve(x.T @ x / rows + penalty * np.eye(d), x.T @ y / rows)
        ends.append((w @ w, np.sum((w - truth) ** 2)))

    def off(noise):
        chain = setting(np.eye(d), rows, noise=noise, estimator="ridge", penalty=penalty)
        found = theory.predictions(chain, [("squared_norm", {}), ("test_error", {})])
        law = np.array([p.values[-1] for p in found])
        return np.abs(np.mean(ends, axis=0) / law - 1), found[0].tolerance

    deviations, tolerance = off(0.3)
    assert np.all(deviations < tolerance) and tolerance < 0.15
    assert np.all(off(0.15)[0] > tolerance)


def test_a_subsample_has_the_published_ratio():
    error = 0.3 * theory.fit_error(D, 400)
    for design in (None, 400):
        pool = {"pool": "subsample", "budget": np.full(5, 400), "design": design}
        found = theory.predictions(setting(np.eye(D), 400, **pool), [("test_error", {})])[0]
        assert found.tolerance == pytest.approx(0.1 if design is None else 0.2)
        np.testing.assert_allclose(
            found.values[1:], error * theory.subsample_ratio(np.arange(1, 5)), rtol=1e-3
        )
    growing = {"sizes": np.array([100, 200, 300]), "pool": "subsample", "budget": np.full(3, 300)}
    all_rows = {"sizes": np.array([100, 200, 300]), "pool": "all"}
    few, many = (theory.predictions(setting(np.eye(4), start="real", **x), [("test_error", {})])[0].values
                 for x in (growing, all_rows))  # fmt: skip
    np.testing.assert_allclose(few[:2], many[:2], rtol=0.04)  # a budget of all is no subsample
    assert few[2] > 1.05 * many[2]


def test_the_spread_of_a_downstream_error():
    """Mean and variance after two generators, against matrices in numpy."""
    d, rows, own = 3, 14, 20
    chain = setting(np.eye(d), rows, coefficients=np.zeros(d), noise=0.5)
    asked = theory.DownstreamSetting(chain, own, 0.2)
    rng, w = np.random.default_rng(2), np.zeros((40_000, d))
    for size, noise in ((rows, 0.5), (rows, 0.5), (own, 0.2)):
        x = rng.standard_normal((len(w), size, d))
        y = np.einsum("rnd,rd->rn", x, w) + np.sqrt(noise) * rng.standard_normal((len(w), size))
        gram = np.einsum("rni,rnj->rij", x, x)
        w = np.linalg.solve(gram, np.einsum("rni,rn->ri", x, y)[..., None])[..., 0]
    errors = np.sum(w**2, axis=1)
    (law,) = theory.predictions(asked, [("test_error", {})])
    assert law.variance is not None
    np.testing.assert_allclose(
        law.variance, downstream_variance(asked, 0.5 * np.arange(5) * d / (rows - d - 1))
    )
    assert_agrees(*moments(errors), law.values[2])
    assert_agrees(*moments((errors - law.values[2]) ** 2), law.variance[2])
    assert abs(errors.mean() / law.values[1] - 1) > 0.2


@pytest.mark.parametrize(
    "chain, penalty",
    [
        ({"estimator": "minimum-norm"}, 0.1),
        ({"estimator": "ridge", "penalty": 0.1}, 0.0),
        ({"pool": "subsample", "budget": np.full(5, 9)}, 0.0),
        ({"biases": np.zeros(5)}, 0.0),
    ],
)
def test_where_no_law_is_known_downstream(chain, penalty):
    assert theory.predictions(theory.DownstreamSetting(setting(np.eye(3), **chain), 9, 0.1, penalty)) == []


def test_no_experiment_downstream_is_refused():
    symbols = theory.Setting("categorical", "maximum-likelihood", "last-model", "newest", "real",
                             np.full(3, 9), {"probabilities": np.array([0.5, 0.5])})  # fmt: skip
    with pytest.raises(ValueError, match="linear-regression"):
        theory.DownstreamSetting(symbols, 9, 0.1)
    for numbers in ((0, 0.1), (9, -0.1), (9, 0.1, -1.0)):
        with pytest.raises(ValueError, match="at least 0"):
            theory.DownstreamSetting(setting(np.eye(3)), *numbers)


@pytest.mark.parametrize("d, rows", [(10, 40), (10, 12), (20, 10), (6, 6)])
def test_means_over_a_spectrum(d, rows):
    """Wishart matrices of numpy; without the correction for their size most are rejected."""

    def spectral_mean(f, d, rows):
        at, weights = theory.spectrum(d, rows)
        return weights @ f(at)

    x = np.random.default_rng(d).standard_normal((8000, rows, d))
    values = np.linalg.eigvalsh(np.swapaxes(x, 1, 2) @ x / rows).clip(0)
    rejected = 0
    for f in (lambda x: x, lambda x: x**2, lambda x: 1 / (0.5 + x), lambda x: (x / (x + 0.5)) ** 6):
        mean, error = moments(f(values).mean(axis=1))
        ours = spectral_mean(f, d, rows)
        assert abs(ours - mean) < 5 * error + 0.1 * abs(mean) / min(d, rows) ** 2
        limit = spectral_mean(f, 10**6 * d, 10**6 * rows)
        rejected += abs(limit - mean) > 5 * error + 0.1 * abs(mean) / min(d, rows) ** 2
    assert rejected >= 2 and np.isclose(spectral_mean(lambda x: x, d, rows), 1)
    assert np.isclose(spectral_mean(lambda x: x**2, d, rows), 1 + (d + 1) / rows)  # exact of Wishart matrices


@pytest.mark.parametrize("d, rows, penalty", [(10, 40, 0.1), (10, 12, 0.1), (20, 10, 0.2)])
def test_ridge_on_one_design(d, rows, penalty):
    """Chains in numpy within the declared tolerance; those of another penalty or noise are not."""
    rng, fits, repeats, noise = np.random.default_rng(0), 5, 4000, 0.5
    truth = np.zeros(d)
    truth[0] = 1.0
    made = setting(
        np.eye(d), rows, truth, noise, fits, estimator="ridge", penalty=penalty, design=rows, start="truth"
    )
    x = rng.standard_normal((repeats, rows, d))
    gram = np.swapaxes(x, 1, 2) @ x / rows
    model, seen = np.broadcast_to(truth, (repeats, d)), []
    for _ in range(fits):
        y = np.einsum("rnd,rd->rn", x, model) + noise**0.5 * rng.standard_normal((repeats, rows))
        right = np.einsum("rnd,rn->rd", x, y) / rows
        model = np.linalg.solve(gram + penalty * np.eye(d), right[..., None])[..., 0]
        seen.append(moments(np.sum((model - truth) ** 2, axis=1)) + moments(np.sum(model**2, axis=1)))
    error, its, norm, other = np.array(seen).T

    def near(given):
        found = {p.quantity: p for p in theory.predictions(given)}
        assert {p.law.name for p in found.values()} == {"ridge-replacement-design"}
        room = theory.design_ridge.tolerance(made)
        ours, length = found["squared_error"].values[1:], found["squared_norm"].values[1:]
        assert found["squared_error"].values[0] == 0 and np.isclose(found["squared_norm"].values[0], 1)
        return np.all(abs(ours - error) < 5 * its + room * error) and np.all(
            abs(length - norm) < 5 * other + room * norm
        )

    assert near(made)
    assert not near(replace(made, penalty=1.4 * penalty))
    assert not near(replace(made, truth=made.truth | {"noise_variance": 0.3 * noise}))


def test_ridge_on_one_design_in_the_long_run():
    """Of no penalty it is least squares; of many fits nothing is left but noise, which is bounded."""
    made = setting(np.eye(4), 40, np.eye(4)[0], 0.5, 4, estimator="ridge", penalty=1e-7, design=40)
    least = replace(made, estimator="maximum-likelihood", penalty=0.0)
    (exact,) = [p for p in theory.predictions(least, [("squared_error", {})])]
    np.testing.assert_allclose(theory.design_ridge_moments(made)["squared_error"], exact.values, rtol=0.02)
    long = setting(np.eye(4), 40, np.eye(4)[0], 0.5, 4000, estimator="ridge", penalty=0.3, design=40)
    found = theory.predictions(long, [("squared_norm", {})], np.array([2000, 4000]))[0].values
    at, weights = theory.spectrum(4, 40)
    noise = weights @ (at / (0.3 * (2 * at + 0.3))) * 0.5 * 4 / 40
    np.testing.assert_allclose(found, noise, rtol=1e-9)
    tilted = replace(made, truth=made.truth | {"covariance": np.diag([1.0, 2.0, 1.0, 1.0])})
    assert not theory.predictions(tilted) and not theory.predictions(replace(made, sizes=np.full(5, 80)))
