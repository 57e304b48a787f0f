"""Linear regression in a limit: refitted with a penalty, or fitted to a subsample of all rows so far."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize

from .chapter import Asked, Chapter, plain
from .coordinates import trained_on
from .gaussian_moments import gaussian_moments
from .law import Law, Prediction
from .least_squares import fit_error
from .setting import Setting

QUANTITIES = frozenset({"test_error", "squared_error", "squared_norm"})
SUBSAMPLE = Law(
    "ols-subsample",
    "Error of a fit to a subsample of all rows so far: a bound of pi^2/2 - 2",
    "asymptotic",
    "derived, after Kazdan et al., 2024, arXiv 2410.16713",
    "least squares, normal features of any covariance, subsample, last model, fresh features or one design, "
    "many more rows than coefficients",
    "fit to real",
)
RIDGE = Law(
    "ridge-replacement",
    "Every fit with a penalty shrinks the last one, and adds less than least squares does",
    "asymptotic",
    "derived, after Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712",
    "ridge, uncorrelated fresh features of variance 1, newest batch, last model, many rows and features at "
    "one ratio",
    "fit to real",
)

BIASED = 4
"""The bias of a small penalty has a greater tolerance: it is a moment of the inverse of a Wishart matrix."""


@dataclass(frozen=True)
class RidgeFit:
    r"""What one ridge fit of T rows does, in the limit of many rows and features.

    With $\lambda$ per row and features of covariance $\Sigma$, $\kappa$ solves
    $\kappa = \lambda + \frac\kappa T \mathrm{tr}\,\Sigma (\Sigma+\kappa)^{-1}$, and
    $u = \frac1T \mathrm{tr}\,\Sigma^2 (\Sigma+\kappa)^{-2}$.

    Arguments:
        kappa: the penalty that as many rows as one likes would need for the same bias.
        used: u, the coordinates that are fitted as a share of T, below 1.
        passed: what is left of the test error of the model that labels the rows, if it errs as fits do, with
            the inverse of $\Sigma$:
            $\frac1d \mathrm{tr}[\Sigma^2 + \kappa^2 \frac{u}{1-u}](\Sigma+\kappa)^{-2}$.
        added: test error for noise of variance 1, $u/(1-u)$.
        tolerance: $1/(\min(d, T)(1 - u))$. Relative deviations of finite fits were seen to be below this, and
            below `BIASED` times this of what the penalty alone does, where $T(1 - u)$ is above 3.
    """

    kappa: float
    used: float
    passed: float
    added: float
    tolerance: float

    @classmethod
    def of(cls, penalty: float, rows: int, covariance: np.ndarray) -> "RidgeFit":
        r"""From a penalty $\lambda > 0$ per row, T rows and $\Sigma$ [d, d].

        Isotropic, $\kappa$ is $\frac12(\lambda + \phi - 1 + \sqrt{(\lambda + \phi - 1)^2 + 4\lambda})$ with
        $\phi = d/T$. Source: Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712; any covariance derived.
        """
        values = np.linalg.eigvalsh(np.asarray(covariance, dtype=float))

        def excess(kappa: float) -> float:
            return kappa - penalty - kappa * float(np.sum(values / (values + kappa))) / rows

        most = penalty + float(values.sum()) / rows
        bracket = (penalty, 1.01 * most)
        kappa = optimize.root_scalar(excess, bracket=bracket, xtol=1e-14 * most, rtol=1e-13).root
        shrunk = values / (values + kappa)
        used = float(np.sum(shrunk**2)) / rows
        added = used / (1 - used)
        passed = float(np.mean(shrunk**2 + added * (kappa / (values + kappa)) ** 2))
        return cls(kappa, used, passed, added, 1 / (min(len(values), rows) * (1 - used)))

    def bias(self, coefficients: np.ndarray, covariance: np.ndarray) -> float:
        r"""$\frac{\kappa^2}{1-u} w^\top \Sigma (\Sigma+\kappa)^{-2} w$: test error without any noise."""
        values, axes = np.linalg.eigh(np.asarray(covariance, dtype=float))
        along = axes.T @ np.asarray(coefficients, dtype=float)
        return float(self.kappa**2 / (1 - self.used) * np.sum(values * (along / (values + self.kappa)) ** 2))


def ridge_moments(setting: Setting) -> dict[str, np.ndarray]:
    r"""$E\|w_t\|^2$ and $E\|w_t - w_*\|^2$ of ridge under replacement, features isotropic, each [T+1].

    A fit to fresh rows keeps the share $(1+\kappa)^{-1}$ of what points along $w_*$, and
    $$ E\|w_t\|^2 = (1+\kappa)^{-2}\Bigl[1 + \frac{\phi\kappa^2}{(1+\kappa)^2-\phi}\Bigr] E\|w_{t-1}\|^2
       + \frac{s^2\phi}{(1+\kappa)^2-\phi} . $$
    In the end the coefficients are forgotten, and the error is bounded however many fits there are.

    Arguments:
        setting: linear regression with a penalty, under replacement; any sizes, both starts.

    Source: derived, after Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712.
    """
    noise, covariance = float(setting.truth["noise_variance"]), np.asarray(setting.truth["covariance"])
    length = float(np.sum(np.asarray(setting.truth["coefficients"]) ** 2))
    norm, along, steps = length, length, []
    for t in range(setting.generations + 1):
        if t >= setting.first:
            fit = RidgeFit.of(setting.penalty, int(setting.batches.sizes[t]), covariance)
            norm, along = fit.passed * norm + noise * fit.added, along / (1 + fit.kappa)
        steps.append((norm, norm - 2 * along + length))
    norms, errors = np.array(steps).T
    return {"squared_norm": norms, "squared_error": errors, "test_error": errors}


def subsample_risk(setting: Setting) -> np.ndarray:
    r"""Test error of least squares on b rows of all so far, in the limit of many, [T+1].

    The risk of a mean under the same sizes and budgets, times $\frac{b\,d}{b-d-1}$, which makes the first fit
    exact. With b and every batch of one size it is, but for 1/b, $s^2 \frac{d}{b-d-1}$ times
    `subsample_ratio`. Rows of one design and rows with features of their own have the same limit; relative
    deviations from it were seen to be below $d/b$ with features of their own, and below $2d/b$ on one design,
    of which a subset has some rows more than once. Infinite for $b \le d + 1$.

    Arguments:
        setting: linear regression, least squares, subsample; any sizes and budgets, both starts.

    Source: derived, after Kazdan et al., 2024, arXiv 2410.16713.
    """
    noise, d = float(setting.truth["noise_variance"]), len(np.asarray(setting.truth["coefficients"]))
    if noise == 0:
        return np.zeros(setting.generations + 1)
    mean = {"mean": 0.0, "variance": noise}
    known = replace(setting, family="gaussian", known_variance=True, ddof=0, truth=mean)
    values, used = gaussian_moments(known)[0], _used(setting)
    values[setting.first :] *= used * fit_error(d, used)
    return values


def _used(setting: Setting) -> np.ndarray:
    """Rows that each generation is fitted to, [T + 1 - first]."""
    totals = enumerate(np.cumsum(setting.fit_sizes), start=setting.first)
    return np.array([trained_on(setting, t, int(total)) for t, total in totals], dtype=int)


def _tolerance(setting: Setting) -> float:
    """That of the smallest fit, in which bias counts by its share of the error."""
    covariance, sizes = np.asarray(setting.truth["covariance"], float), np.unique(setting.fit_sizes)
    fits = [RidgeFit.of(setting.penalty, int(n), covariance).tolerance for n in sizes]
    silent = replace(setting, truth={**setting.truth, "noise_variance": 0.0})
    error, bias = (ridge_moments(one)["test_error"] for one in (setting, silent))
    shares = np.divide(bias, error, out=np.zeros_like(error), where=error > 0)
    return max(fits, default=0.0) * (1 + (BIASED - 1) * float(shares.max()))


def law_of(setting: Setting) -> Law | None:
    """The law whose domain holds the setting, if one does."""
    if setting.family != "linear-regression" or not setting.same_family or setting.source != "last-model":
        return None
    if setting.estimator == "maximum-likelihood":
        return SUBSAMPLE if setting.pool == "subsample" else None
    if setting.estimator != "ridge" or not setting.replaces or setting.design is not None:
        return None
    covariance = np.asarray(setting.truth["covariance"])
    return RIDGE if np.array_equal(covariance, np.eye(len(covariance))) else None


def applies(setting: Setting) -> bool:
    """Whether a law is known."""
    return law_of(setting) is not None


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Errors, and of ridge the length of the coefficients."""
    law, covariance = law_of(setting), np.asarray(setting.truth["covariance"], dtype=float)
    assert law is not None
    if law is RIDGE:
        values, tolerance = ridge_moments(setting), _tolerance(setting)
    else:
        error, d = subsample_risk(setting), len(covariance)
        values = {
            "test_error": error,
            "squared_error": error * float(np.trace(np.linalg.inv(covariance))) / d,
        }
        tolerance = (1 if setting.design is None else 2) * d / float(_used(setting).min(initial=10**9))
    return [
        Prediction(law, name, "mean", generations, values[name][generations], tolerance=float(tolerance))
        for name in plain(asked)
        if name in values and (float(setting.truth["noise_variance"]) > 0 or law is RIDGE)
    ]


CHAPTER = Chapter((SUBSAMPLE, RIDGE), QUANTITIES, applies, predict)
"""What `catalogue` asks."""
