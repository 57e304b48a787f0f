"""Fits of the polynomials behind the draws: `python -m mcollapse.random.fit` rewrites coefficients.py.

The only file of the package that needs scipy. Everything is fitted in float64 to exact quantiles.
"""

from pathlib import Path

import numpy as np
import scipy.special as special
from numpy.polynomial import Chebyshev, Polynomial

HEADER = '"""Written by `python -m mcollapse.random.fit`: do not edit."""\n\n# fmt: off\nimport numpy as np\n'
FURTHEST = 6.7  # normal scores of 32-bit words reach 6.66
NODES = 120
TERMS = np.repeat([6, 5, 4, 3, 2, 1], [5, 3, 3, 3, 3, 4])  # how many go with each power of the score


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


def log_gamma(a: float, z: np.ndarray) -> np.ndarray:
    """The logarithm of the quantile of gamma(a) at the probability Phi(z)."""
    lower = special.gammaincinv(a, special.ndtr(np.minimum(z, 0)))
    upper = special.gammainccinv(a, special.ndtr(-np.maximum(z, 0)))
    return np.log(np.where(z < 0, lower, upper))


def gamma_series() -> dict[str, np.ndarray]:
    """series[j, k], the coefficient of s^j / a^k in log(X / a), s = z / sqrt a, for the shapes a from 1 on.

    With w the error of the series and f the density of log X, phi / (log X)', the total variation is to
    first order half the integral of |(f w)'|. What is minimised is the sum of squares of (f w)' / sqrt phi,
    and of a little w / (log X)', the error of the score, which keeps the tails in order.
    """
    z = FURTHEST * np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    spacing = np.sqrt(1 - (z / FURTHEST) ** 2)
    roots = (1 - np.cos(np.pi * (np.arange(26) + 0.5) / 26)) / 2
    powers = [(j, k) for j, count in enumerate(TERMS) for k in range(j == 0, count + (j == 0))]
    rows, targets = [], []
    for root in np.append(roots[roots > 0.02], 1.0):
        a, s = root**-2, z * root
        exact = log_gamma(a, z)
        density = np.exp(a * exact - np.exp(exact) - special.gammaln(a))
        slope = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) / density
        tilt = (a - np.exp(exact)) * slope  # f' / f
        weight, least = np.exp(-z * z / 4) * np.sqrt(spacing) / slope, 1e-4 / slope
        value = np.stack([s**j * a**-k for j, k in powers], axis=-1)
        rise = np.stack([j * root * s ** max(j - 1, 0) * a**-k for j, k in powers], axis=-1)
        rows += [weight[:, None] * (rise + tilt[:, None] * value), least[:, None] * value]
        targets += [weight * (slope + tilt * (exact - np.log(a))), least * (exact - np.log(a))]
    matrix = np.concatenate(rows)
    scale = np.abs(matrix).max(0)
    fitted = np.linalg.lstsq(matrix / scale, np.concatenate(targets), rcond=None)[0] / scale
    series = np.zeros(np.max(powers, axis=0) + 1)
    series[tuple(np.transpose(powers))] = fitted
    return {"GAMMA_SERIES": series}


def _interpolate(function, degree, domain, shift=0.0) -> np.ndarray:
    """Coefficients, lowest first, of the Chebyshev interpolant in powers of (x - shift)."""
    moved = tuple(end - shift for end in domain)
    fitted = Chebyshev.interpolate(lambda x: function(x + shift), degree, domain=moved)
    return fitted.convert(kind=Polynomial, domain=[-1, 1]).coef


def _literal(name: str, values: np.ndarray) -> str:
    with np.printoptions(threshold=10**6, linewidth=108, formatter={"float": lambda x: f"{x:.11g}"}):
        body = np.array2string(values, separator=", ")
    return f"{name} = np.array(\n{body})"


def main() -> None:
    """Write coefficients.py."""
    from mcollapse.random.fit_counts import count_quantile

    tables = inverse_normal() | sine_and_cosine() | gamma_series() | count_quantile()
    literals = [_literal(name, values) for name, values in tables.items()]
    Path(__file__).with_name("coefficients.py").write_text("\n".join([HEADER, *literals, ""]))


if __name__ == "__main__":
    main()
