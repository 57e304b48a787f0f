"""Gaussian replacement: the variance is a product of chi-squares, the mean a walk on top of it."""

import numpy as np
from scipy import special

from .chapter import Asked, Chapter, plain
from .gamma import log_moment
from .law import Law, Prediction
from .setting import Setting, fits_at

QUANTITIES = frozenset(
    {"squared_error", "variance", "standard_deviation", "log_variance", "wasserstein2_squared"}
)
LAW = Law(
    "gaussian-replacement-product",
    "Under replacement the variance is a product of independent chi-squares over their divisors",
    "exact",
    "derived, after Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, and Shumailov et al., 2023, "
    "arXiv 2305.17493",
    "Gaussian truth and family, both refitted, any ddof, newest batch, last model, sizes of 2 or more",
    "truth",
)
# Below this a difference of moments of order one cannot be resolved in float64.
_RESOLUTION = 1e-12


def log_variance_cumulants(sizes: np.ndarray, ddof: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Mean, variance and fourth cumulant of $\log(\hat\sigma_k^2/\sigma^2)$ after k = 0 ... F fits.

    $$ \sum_{j\le k} \psi\Bigl(\frac{\nu_j}2\Bigr) + \log\frac{2}{n_j-\mathrm{ddof}},\qquad
       \sum_{j\le k} \psi'\Bigl(\frac{\nu_j}2\Bigr),\qquad
       \sum_{j\le k} \psi'''\Bigl(\frac{\nu_j}2\Bigr),\qquad \nu_j = n_j - 1 . $$

    Arguments:
        sizes: n_1 ... n_F in points, [F], each at least 2.
        ddof: the divisor is n - ddof.

    Returns:
        three arrays [F + 1], in nats and its powers.

    Source: derived, after Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646.
    """
    half = (np.asarray(sizes, dtype=float) - 1) / 2
    mean = special.digamma(half) - np.log((np.asarray(sizes) - ddof) / 2)
    return _summed(mean), _summed(special.polygamma(1, half)), _summed(special.polygamma(3, half))


def power_moment(sizes: np.ndarray, ddof: int, order: float) -> np.ndarray:
    r"""$E(\hat\sigma_k^2/\sigma^2)^q$ after k = 0 ... F fits, [F + 1]; q = 1/2 is the standard deviation.

    $$ \prod_{j\le k} \Bigl(\frac{2}{n_j-\mathrm{ddof}}\Bigr)^q \frac{\Gamma(\nu_j/2+q)}{\Gamma(\nu_j/2)} . $$

    Arguments:
        sizes: n_1 ... n_F in points, [F], each at least 2.
        ddof: the divisor is n - ddof.
        order: q > 0.

    Source: derived, after Bertrand et al., 2023, arXiv 2310.00429.
    """
    with np.errstate(over="ignore"):  # without a bound at ddof 1: infinity is the honest float
        return np.exp(_summed(_log_factors(sizes, ddof, order)))


def walk_moments(sizes: np.ndarray, ddof: int) -> dict[str, np.ndarray]:
    r"""Moments of the clock $W_k = \sum_{j\le k} \hat\sigma_{j-1}^2/n_j$ in units of $\sigma^2$, [F + 1].

    Given the variances the mean is $N(\mu^*, \sigma^2 W_k)$, because mean and variance of a Gaussian batch
    are independent. Hence $E(\hat\mu-\mu^*)^2 = \sigma^2 E W$, $E(\hat\mu-\mu^*)^4 = 3\sigma^4 E W^2$ and
    $$ E[W_k v_k^q] = f_{q,k}\Bigl(E[W_{k-1} v_{k-1}^q] + \frac{E v_{k-1}^{q+1}}{n_k}\Bigr),\qquad
       E W_k^2 = E W_{k-1}^2 + \frac{2 E[W_{k-1} v_{k-1}]}{n_k} + \frac{E v_{k-1}^2}{n_k^2} , $$
    where $f_{q,k}$ is the k-th factor of `power_moment`.

    Arguments:
        sizes: n_1 ... n_F in points, [F], each at least 2.
        ddof: the divisor is n - ddof.

    Returns:
        "W", "WW", "W sqrt(v)" and "Wv".

    Source: derived.
    """
    sizes = np.asarray(sizes, dtype=float)
    root, first, sesqui, second = (power_moment(sizes, ddof, order) for order in (0.5, 1.0, 1.5, 2.0))
    with np.errstate(over="ignore"):
        with_root = root * _summed(_ratio(sesqui, root)[:-1] / sizes)
        with_variance = first * _summed(_ratio(second, first)[:-1] / sizes)
        squared = _summed(2 * with_variance[:-1] / sizes + second[:-1] / sizes**2)
    return {"W": _summed(first[:-1] / sizes), "WW": squared, "W sqrt(v)": with_root, "Wv": with_variance}


def _summed(terms: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1), np.cumsum(terms)])


def _log_factors(sizes: np.ndarray, ddof: int, order: float) -> np.ndarray:
    sizes = np.asarray(sizes, dtype=float)
    return log_moment(sizes - 1, order, sizes - ddof)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def applies(setting: Setting) -> bool:
    """A Gaussian truth, refitted under replacement on two or more points."""
    gaussian = setting.family == "gaussian" and setting.same_family and not setting.known_variance
    return gaussian and setting.replaces and bool(np.all(setting.fit_sizes > max(setting.ddof, 1)))


@np.errstate(over="ignore", invalid="ignore")  # after very many generations some moments are infinite
def moments(setting: Setting) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Mean and variance over replicates of every quantity of this chapter after 0 ... F fits, each [F + 1].

    Arguments:
        setting: a Gaussian under replacement.

    Source: derived; see `power_moment`, `log_variance_cumulants` and `walk_moments`.
    """
    sizes, ddof, scale = setting.fit_sizes, setting.ddof, float(setting.truth["variance"])
    root, first, sesqui, second = (power_moment(sizes, ddof, order) for order in (0.5, 1.0, 1.5, 2.0))
    walk = walk_moments(sizes, ddof)
    log_mean, log_variance, _ = log_variance_cumulants(sizes, ddof)
    distance = walk["W"] + first - 2 * root + 1
    fourth = second - 4 * sesqui + 6 * first - 4 * root + 1
    cross = walk["Wv"] - 2 * walk["W sqrt(v)"] + walk["W"]
    spread = 3 * walk["WW"] + 2 * cross + fourth - distance**2
    spread = np.where(np.isfinite(spread), spread, np.inf)
    resolved = bool(np.all(spread[1:] > _RESOLUTION))
    return {
        "log_variance": (np.log(scale) + log_mean, log_variance),
        "variance": (scale * first, scale**2 * np.maximum(second - first**2, 0)),
        "standard_deviation": (scale**0.5 * root, scale * np.maximum(first - root**2, 0)),
        "squared_error": (scale * walk["W"], scale**2 * np.maximum(3 * walk["WW"] - walk["W"] ** 2, 0)),
        "wasserstein2_squared": (
            scale * np.maximum(distance, 0),
            scale**2 * np.maximum(spread, 0) if resolved else None,
        ),
    }


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Means of the quantities asked for, and the variance of the log variance."""
    table, at, predictions = moments(setting), fits_at(setting, generations), []
    for name in plain(asked):
        mean, spread = table[name]
        variance, heavy = (None if spread is None else spread[at]), name != "log_variance"
        predictions.append(
            Prediction(LAW, name, "mean", generations, mean[at], variance=variance, heavy_tailed=heavy)
        )
        if name == "log_variance":
            cumulants = log_variance_cumulants(setting.fit_sizes, setting.ddof)
            second, fourth = cumulants[1][at], cumulants[2][at]
            predictions.append(
                Prediction(LAW, name, "variance", generations, second, variance=fourth + 2 * second**2)
            )
    return predictions


CHAPTER = Chapter((LAW,), QUANTITIES, applies, predict)
