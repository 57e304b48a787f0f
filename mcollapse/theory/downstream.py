"""Laws of a linear regression that somebody fits to labels of a generation, and that feeds nothing back."""

from dataclasses import dataclass

import numpy as np

from . import least_squares
from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .least_squares import fit_error
from .regression_limits import BIASED, RidgeFit
from .setting import Regime, Setting

QUANTITIES = frozenset({"test_error", "squared_error"})
LEAST_SQUARES = Law(
    "downstream-least-squares",
    "A downstream fit has the generator's error and one of its own",
    "exact",
    "Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712, Theorem 4.1, its limit; finite sizes derived",
    "downstream least squares on fresh normal features of any covariance, labels of any generator whose "
    "test error has an exact law",
    "truth",
)
RIDGE = Law(
    "downstream-ridge",
    "A downstream fit with a penalty passes on part of the generator's error",
    "asymptotic",
    "Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712; any covariance and generator derived",
    "downstream ridge on fresh normal features, many rows and features at one ratio, labels of any generator "
    "fitted by least squares whose test error has an exact law; squared error where they are uncorrelated",
    "truth",
)


@dataclass(frozen=True, eq=False)
class DownstreamSetting:
    """A recursive experiment, and a regression that is fitted to rows which its model labels.

    Arguments:
        chain: the generators.
        rows: T, of the downstream fit, with fresh features.
        noise_variance: of the labels of these rows.
        penalty: per row, of ridge; 0 for least squares.

    Raises:
        ValueError: the generators are no linear regressions, or a number is out of range.
    """

    chain: Setting
    rows: int
    noise_variance: float
    penalty: float = 0.0
    regime: Regime = "agnostic"

    def __post_init__(self):
        """Reject what is no experiment."""
        if self.chain.family != "linear-regression":
            raise ValueError(f"laws downstream are of a linear-regression, got {self.chain.family}")
        if self.rows < 1 or not 0 <= self.noise_variance < np.inf or not 0 <= self.penalty < np.inf:
            raise ValueError("a downstream fit needs a row, and a noise variance and penalty of at least 0")

    @property
    def generations(self) -> int:
        """T: the number of steps after generation 0."""
        return self.chain.generations


def downstream_ridge(setting: DownstreamSetting, errors: np.ndarray) -> np.ndarray:
    r"""Test error of a downstream ridge whose generators have the test errors $R_t$, [T+1].

    With $\kappa$, u of `RidgeFit`,
    $$ E_t = \frac{\kappa^2 w_*^\top \Sigma (\Sigma+\kappa)^{-2} w_* + s^2 u}{1-u} + \frac{R_t}{d}
       \mathrm{tr}\Bigl[\Sigma^2 + \kappa^2 \frac{u}{1-u}\Bigr](\Sigma+\kappa)^{-2} . $$
    Isotropic, with $\phi = d/T$ and $R_k = k s_0^2 \frac{\phi_0}{1-\phi_0}$, this is the published
    $\frac{\kappa^2 \|w_*\|^2 + s^2 \phi}{(1+\kappa)^2-\phi} + k s_0^2 \rho$.

    Errata of the paper: in the remark on the case without a penalty "$\phi \ge 1$" should be $\phi \le 1$;
    in Corollary 5.2 "$n \sim T^b$" should be $n s_0^2 \sim T^a$, and "diverges if" should have
    $b < a + 1 - c$.

    Arguments:
        setting: with a penalty above 0.
        errors: of the generators, which are right on average.

    Source: Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712; any covariance derived.
    """
    covariance = np.asarray(setting.chain.truth["covariance"], dtype=float)
    fit = RidgeFit.of(setting.penalty, setting.rows, covariance)
    clean = fit.bias(np.asarray(setting.chain.truth["coefficients"]), covariance)
    return clean + setting.noise_variance * fit.added + fit.passed * errors


def downstream_variance(setting: DownstreamSetting, errors: np.ndarray) -> np.ndarray | None:
    r"""Variance over replicates of the test error downstream of least squares under replacement, [T+1].

    The downstream fit errs independently and in no direction more than in another, so that
    $E\|e+a\|^4 = E\|e\|^4 + E\|a\|^4 + (2 + 4/d) E\|e\|^2 E\|a\|^2$; infinite for $T \le d + 3$. None where
    that of the generators is not known. Source: derived.
    """
    before, d, n = least_squares.error_variance(setting.chain), _dimension(setting), setting.rows
    if before is None or setting.noise_variance == 0:
        return before
    if n <= d + 3:
        return np.full(len(before), np.inf)
    own = setting.noise_variance * float(fit_error(d, n))
    spread = setting.noise_variance**2 * d * (d + 2) / ((n - d - 1) * (n - d - 3)) - own**2
    with np.errstate(invalid="ignore"):  # an infinite error comes with an infinite variance
        return np.where(np.isinf(before), np.inf, before + spread + 4 / d * errors * own)


def _dimension(setting: DownstreamSetting) -> int:
    return len(np.asarray(setting.chain.truth["coefficients"]))


def applies(setting: DownstreamSetting) -> bool:
    """Generators with an exact law, and right on average where a penalty is to come."""
    chain = setting.chain
    if not any(
        chapter.regime == chain.regime and chapter.applies(chain)
        for chapter in (least_squares.CHAPTER, least_squares.INFORMED)
    ):
        return False
    return setting.penalty == 0 or least_squares.law_of(chain) is not least_squares.SHORTEST


def predict(setting: DownstreamSetting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Test error and squared error of the downstream model."""
    names = [name for name in plain(asked) if name in QUANTITIES]
    return _ridge(setting, names, generations) if setting.penalty else _plain(setting, names, generations)


def _ridge(setting: DownstreamSetting, names: list[str], generations: np.ndarray) -> list[Prediction]:
    covariance = np.asarray(setting.chain.truth["covariance"], dtype=float)
    values = downstream_ridge(setting, least_squares.means(setting.chain)["test_error"])[generations]
    fit = RidgeFit.of(setting.penalty, setting.rows, covariance)
    bias = fit.bias(np.asarray(setting.chain.truth["coefficients"]), covariance)
    share = bias / values.min(initial=np.inf) if bias > 0 else 0.0
    tolerance = fit.tolerance * (1 + (BIASED - 1) * share)
    isotropic = np.array_equal(covariance, np.eye(len(covariance)))
    return [
        Prediction(RIDGE, name, "mean", generations, values, tolerance=tolerance)
        for name in names
        if (name == "test_error" or isotropic) and np.any(values > 0)
    ]


def _plain(setting: DownstreamSetting, names: list[str], generations: np.ndarray) -> list[Prediction]:
    chain, d, found = setting.chain, _dimension(setting), []
    inverse = np.linalg.inv(np.asarray(chain.truth["covariance"], dtype=float))
    own = setting.noise_variance * float(fit_error(d, setting.rows)) if setting.noise_variance > 0 else 0.0
    scales = {"test_error": 1.0, "squared_error": float(np.trace(inverse)) / d}
    errors = least_squares.means(chain)
    for name in names:
        values = errors[name] + scales[name] * own
        # an error that is 0 without noise is rounding's in any program
        if np.any(values > 0):
            tested = name == "test_error"
            variance = downstream_variance(setting, errors[name]) if tested else None
            heavy = setting.rows < d + 4 or least_squares.heavy_tailed(chain)
            at = None if variance is None else variance[generations]
            found.append(
                Prediction(
                    LEAST_SQUARES,
                    name,
                    "mean",
                    generations,
                    values[generations],
                    variance=at,
                    heavy_tailed=heavy,
                )
            )
    return found


CHAPTER = Chapter((LEAST_SQUARES, RIDGE), QUANTITIES, applies, predict, settings=DownstreamSetting)
"""What `catalogue` asks of a model downstream."""
