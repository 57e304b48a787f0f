"""The fit behind Poisson, binomial and hypergeometric counts: one expansion of their quantiles, see `fit`.

Of N things a share p is good and a share f is drawn, both at most 1/2; V is the variance of the number X of
good ones drawn; f = 0 is the binomial law, f = p = 0 the Poisson law. With z the normal score of P(X < x),
continued to real x, with s = z / sqrt V, P = 1 - 2p and F = 1 - 2f, the expansion is

    x = E X + z sqrt V + 1/2 + P F (z^2 - 1) / 6 + V sum_i s^i a_i,    a_i = sum_j V^-j sum_k c_ijk m_k,

with m_k the polynomials of `symmetric` in P^2 and F^2, times P F for an even i: the law is symmetric in p
and f, and X - E X changes its sign with P or F. c is fitted by least squares to quantiles found by bisection,
with the mean and the variance of X among the equations: an error e of x moves them by E e and 2 sqrt V E z e.
"""

import numpy as np
from scipy import linalg, special

from .inversion import symmetric

# For V^-j a_i: j, the powers i, how many m_k.
ORDERS = ((0, range(3, 12), 6), (1, range(1, 10), 6), (2, range(7), 3), (3, range(4), 3), (4, range(2), 1))
FURTHEST = 6.6
VARIANCES = (7.84, 8.4, 9.28, 10.8, 13.2, 16.8, 24.0, 40.0, 72.0, 200.0)
INFINITE = 8 * np.array([0.98, 1.02, 1.08, 1.16, 1.27, 1.4, 1.6, 1.9, 2.3, 3, 4, 6, 9, 15, 40, 1000])
NODES = 60
MOMENTS = 5.0  # the weight of the two moments


def count_quantile() -> dict[str, np.ndarray]:
    """The coefficients c_ijk, zero where the expansion has no term."""
    z = _nodes(NODES, -FURTHEST, FURTHEST)
    shares, more = ([0.0, 0.5, *_nodes(count, 0.0, 0.5)] for count in (5, 9))
    finite = [(v, p, f) for v in VARIANCES for p in shares[1:] for f in shares[1:] if f <= p]
    infinite = [(v, p, 0.0) for v in INFINITE for p in more]
    terms = [(i, j, k) for j, powers, count in ORDERS for i in powers for k in range(count)]
    equations = [_equations(*case, z, terms) for case in finite + infinite]
    matrix = np.concatenate([left for left, _ in equations])
    target = np.concatenate([right for _, right in equations])
    scale = np.sqrt((matrix * matrix).sum(0))
    orthogonal, triangle = np.linalg.qr(matrix / scale)
    table = np.zeros(np.max(terms, axis=0) + 1)
    table[tuple(np.transpose(terms))] = linalg.solve_triangular(triangle, orthogonal.T @ target) / scale
    return {"COUNT_QUANTILE": table}


def _equations(
    variance: float, p: float, f: float, z: np.ndarray, terms: list[tuple[int, int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    x, mean, top = quantile(variance, p, f, z)
    kept = (x > 0.05) & (x < top + 0.9)
    z, excess = z[kept], (x - mean)[kept]
    s, skew = z / np.sqrt(variance), (1 - 2 * p) * (1 - 2 * f)
    shape = symmetric((1 - 2 * p) ** 2, (1 - 2 * f) ** 2)
    columns = [variance ** (1 - j) * s**i * shape[k] * (skew if i % 2 == 0 else 1) for i, j, k in terms]
    matrix = np.stack(columns, axis=1)
    target = excess - z * np.sqrt(variance) - 0.5 - skew * (z * z - 1) / 6
    density = np.exp(-z * z / 2)
    # An error where there is little chance does little to the law, but the far tails shall not be wild.
    weight = np.maximum(density**0.65, 1e-4)
    share = density * np.sqrt(1 - (z / FURTHEST) ** 2)  # of Chebyshev's nodes in the integrals over all z
    share = share / share.sum()
    moments = MOMENTS * np.sqrt(NODES) * np.stack([share, share * z])
    left = np.concatenate([matrix * weight[:, None], moments @ matrix])
    return left, np.concatenate([target * weight, moments @ target])


def quantile(variance: float, p: float, f: float, z: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The real x with P(X < x) = Phi(z), the mean and the largest value; by bisection in the smaller tail."""
    law, mean, top = _law(variance, p, f)
    target = special.log_ndtr(-np.abs(z))
    deviation = np.sqrt(variance)
    low = np.maximum(mean + deviation * (z - 3) - 3, 1e-9)
    high = np.minimum(mean + deviation * (z + 3) + 20, top + 1 - 1e-9)
    for _ in range(60):
        x = (low + high) / 2
        below, above = law(x)
        up = np.where(z < 0, below < target, above > target)
        low, high = np.where(up, x, low), np.where(up, high, x)
    return (low + high) / 2, mean, top


def _law(variance: float, p: float, f: float):
    """A function x -> log P(X < x), log P(X >= x), the mean, the largest value."""
    if f == 0 and p == 0:
        poisson = _logs(lambda x: special.gammaincc(x, variance), lambda x: special.gammainc(x, variance))
        return poisson, variance, np.inf
    if f == 0:
        n, q = variance / (p * (1 - p)), 1 - p
        binomial = _logs(
            lambda x: special.betainc(n - x + 1, x, q), lambda x: special.betainc(x, n - x + 1, p)
        )
        return binomial, n * p, n
    shape = p * (1 - p) * f * (1 - f)
    size = (variance + np.sqrt(variance**2 - 4 * variance * shape)) / (2 * shape)  # V = shape N^2 / (N - 1)
    urn = _Urn(p * size, (1 - p) * size, f * size)
    return urn.tails, p * f * size, min(p, f) * size


class _Urn:
    """The hypergeometric law of a real number of good and bad things, its chances continued by Gamma."""

    def __init__(self, good: float, bad: float, draws: float) -> None:
        self.good, self.bad, self.draws = good, bad, draws
        variance = draws * good * bad * (good + bad - draws) / (good + bad) ** 3
        self.steps = np.arange(int(18 * np.sqrt(variance) + 40))

    def tails(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns = x[:, None]
        below, above = self._log_mass(columns - 1 - self.steps), self._log_mass(columns + self.steps)
        return np.logaddexp.reduce(below, axis=1), np.logaddexp.reduce(above, axis=1)

    def _log_mass(self, x: np.ndarray) -> np.ndarray:
        inside = (x > -0.999) & (x < min(self.good, self.draws) + 0.999)
        x = np.where(inside, x, 0.0)
        total = self.good + self.bad
        mass = _choose(self.good, x) + _choose(self.bad, self.draws - x) - _choose(total, self.draws)
        return np.where(inside, mass, -np.inf)


def _choose(n: float, k: np.ndarray | float) -> np.ndarray | float:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


def _logs(below, above):
    def tails(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(divide="ignore"):
            return np.log(below(x)), np.log(above(x))

    return tails


def _nodes(count: int, low: float, high: float) -> np.ndarray:
    return (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(count) + 0.5) / count)
