"""Laws of ridge, of models downstream and of subsampled rows, against numpy and the published forms."""

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
