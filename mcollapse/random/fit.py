"""Fits of the polynomials behind the draws: `python -m mcollapse.random.fit` rewrites coefficients.py.

The only file of the package that needs scipy. Everything is fitted in float64 to exact quantiles.
"""

from pathlib import Path

import numpy as np
import scipy.special as special
from numpy.polynomial import Chebyshev, Polynomial

HEADER = '"""Written by `python -m mcollapse.random.fit`: do not edit."""\n\n# fmt: off\nimport numpy as np\n'
FURTHEST = 6.7  # normal scores of 32-bit words reach 6.66
DEGREE = 20
ORDERS = 11


def inverse_normal() -> dict[str, np.ndarray]:
    r"""z / (1 - 2t) for t = \Phi(-z), as a function of W = -log 4t(1-t): in W below 5, in sqrt W above."""

    def slope(w: np.ndarray) -> np.ndarray:
        span = np.sqrt(-np.expm1(-w))  # 1 - 2t
        centre = np.sqrt(2) * special.erfinv(np.minimum(span, 0.5)) / np.minimum(span, 0.5)
        return np.where(span < 0.5, centre, -special.ndtri(np.exp(-w) / (2 * (1 + span))) / span)

    end = np.sqrt(-np.log(4 * 2.0**-33)) + 0.01
    return {
        "NORMAL_CENTRE": _interpolate(slope, 9, (1e-12, 5.0), shift=2.5),
        "NORMAL_TAIL": _interpolate(lambda y: slope(y * y), 9, (np.sqrt(5.0), end), shift=3.4),
    }


def sine_and_cosine() -> dict[str, np.ndarray]:
    """sin(a) / a and cos(a) in powers of a^2, for |a| <= pi/4."""
    domain = (1e-12, (np.pi / 4) ** 2)
    return {
        "SINE": _interpolate(lambda y: np.sin(np.sqrt(y)) / np.sqrt(y), 3, domain),
        "COSINE": _interpolate(lambda y: np.cos(np.sqrt(y)), 4, domain),
    }


def log_chi_square(nu: int | float, z: np.ndarray) -> np.ndarray:
    """The logarithm of the quantile of chi-square(nu) at the probability Phi(z)."""
    lower = special.gammaincinv(nu / 2, special.ndtr(np.minimum(z, 0)))
    upper = special.gammainccinv(nu / 2, special.ndtr(-np.maximum(z, 0)))
    return np.log(2 * np.where(z < 0, lower, upper))


def chi_square() -> dict[str, np.ndarray]:
    """Rows for nu = 0 ... 31; above, a series in z and 1 / sqrt nu with the powers of Cornish and Fisher."""
    rows = np.zeros((33, DEGREE + 1))  # the last one stays 0, for what the series gives
    rows[0, 0] = -np.inf
    for nu in range(2, 32):  # nu = 1 is the square of a normal
        rows[nu] = _interpolate(lambda z, nu=nu: log_chi_square(nu, z), DEGREE, (-FURTHEST, FURTHEST))
    return {"CHI_SQUARE_ROWS": rows, "CHI_SQUARE_SERIES": _chi_square_series()}


def _chi_square_series() -> np.ndarray:
    """series[j, k], the coefficient of z^j e^(k+1) in log(chi2 / nu): zero unless j <= k+1 and j+k is odd."""
    e = np.append(np.linspace(0, 32**-0.5, 26)[1:], [1e-2, 1e-3])
    z = FURTHEST * np.cos(np.pi * (np.arange(80) + 0.5) / 80)
    target = np.array([(log_chi_square(x**-2, z) + 2 * np.log(x)) / x for x in e])
    powers = [(j, k) for k in range(ORDERS) for j in range(k + 1, -1, -2)]
    scale = np.array([FURTHEST**j * 32 ** (-k / 2) for j, k in powers])
    basis = np.stack([np.outer(e**k, z**j).ravel() for j, k in powers], axis=-1) / scale
    fitted = np.linalg.lstsq(basis, target.ravel(), rcond=None)[0] / scale
    series = np.zeros((ORDERS + 1, ORDERS))
    for (j, k), value in zip(powers, fitted, strict=True):
        series[j, k] = value
    return series


def _interpolate(function, degree, domain, shift=0.0) -> np.ndarray:
    """Coefficients, lowest first, of the Chebyshev interpolant in powers of (x - shift)."""
    moved = tuple(end - shift for end in domain)
    fitted = Chebyshev.interpolate(lambda x: function(x + shift), degree, domain=moved)
    return fitted.convert(kind=Polynomial, domain=[-1, 1]).coef


def _literal(name: str, values: np.ndarray) -> str:
    with np.printoptions(threshold=10**6, linewidth=108, formatter={"float": lambda x: f"{x:.11g}"}):
        body = np.array2string(values, separator=", ")
    return f"{name} = np.array(\n{body})".replace("inf", "np.inf")


def main() -> None:
    """Write coefficients.py."""
    from mcollapse.random.fit_counts import count_quantile

    tables = inverse_normal() | sine_and_cosine() | chi_square() | count_quantile()
    literals = [_literal(name, values) for name, values in tables.items()]
    Path(__file__).with_name("coefficients.py").write_text("\n".join([HEADER, *literals, ""]))


if __name__ == "__main__":
    main()
