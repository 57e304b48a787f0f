"""The exact chain of one symbol's count under replacement, cut where it cannot be felt."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from .branching import branching_exponents, survival_exponents

_EVERY = 64  # counts up to here are followed one by one,
_PER_FOLD = 48  # those above on a grid with 48 steps to a factor e;
_WHOLE = 4096  # a chain of no more points than this has no cut at all where one would not help


@dataclass(frozen=True)
class Bracket:
    """Two arrays of one shape between which the exact value lies."""

    lower: np.ndarray
    upper: np.ndarray

    @property
    def value(self) -> np.ndarray:
        """The middle."""
        return (self.lower + self.upper) / 2


def extinction(
    probabilities: np.ndarray,
    sizes: np.ndarray,
    fits: np.ndarray,
    states: int = 32768,
    tolerance: float = 1e-9,
) -> Bracket:
    r"""Chance that a symbol has no mass after k fits, each to draws of the last model only.

    The count is a Markov chain, $X_1 \sim \mathrm{Bin}(n_1, p)$ and
    $X_{t+1} \mid X_t \sim \mathrm{Bin}(n_{t+1}, X_t/n_t)$. One backward pass gives
    $e_t(j) = P(X_k = 0 \mid X_t = j)$ for all symbols at once. Counts above a cut are not followed: there
    $0 \le e_t(j) \le e^{-\gamma_t j}$ with `survival_exponents`, and the cut is where the two sides meet up
    to the tolerance, or at `states`. Between grid points $\log(e_t(j))/j$, nearly a constant, is a cubic
    spline in $\log j$ (error below 1e-9).

    Arguments:
        probabilities: p of each symbol, [K].
        sizes: n_1 ... n_F in points, [F].
        fits: k, int [G], each at most F.
        states: largest count that is followed.
        tolerance: width of the bracket at the cut.

    Returns:
        bracket, [G, K].

    Source: textbook Wright-Fisher chain; the cut is derived, after Suresh, Thangaraj & Khandavally, 2024,
    arXiv 2412.17646.
    """
    levels, symbol = np.unique(np.asarray(probabilities, dtype=float), return_inverse=True)
    fits, sizes = np.asarray(fits), np.asarray(sizes)
    low = np.tile((levels == 0).astype(float), (len(fits), 1))
    high = low.copy()
    moved = fits > 0
    if moved.any():
        horizons, column = np.unique(fits[moved], return_inverse=True)
        sizes = sizes[: horizons[-1]]
        sweep = _constant if np.all(sizes == sizes[0]) else _varying
        table, edge = sweep(sizes, horizons, states, tolerance)
        nothing, rows, above = binomial_rows(int(sizes[0]), levels, table.shape[1])
        low[moved] = (nothing[:, None] + rows @ table[0]).T[column]
        high[moved] = (nothing[:, None] + rows @ table[1] + np.outer(above, edge)).T[column]
    return Bracket(np.clip(low, 0, 1)[:, symbol], np.clip(high, 0, 1)[:, symbol])


def survival_probability(
    probabilities: np.ndarray, sizes: np.ndarray, fits: np.ndarray, **options
) -> Bracket:
    """Chance that a symbol still has mass after k fits: one minus `extinction`, with its arguments."""
    lost = extinction(probabilities, sizes, fits, **options)
    return Bracket(1 - lost.upper, 1 - lost.lower)


def binomial_rows(size: int, probabilities: np.ndarray, states: int):
    r"""Law of $\mathrm{Bin}(n, p)$ for many p: the mass at 0, at the counts 1 ... states, and above.

    Each row keeps eight standard deviations and twenty counts on either side, outside which there is less
    than 1e-14. Written as $\sum_{l<i}\log(1-l/n) + i\log(np) - \log i! + (n-i)\log(1-p)$, all terms stay
    moderate at n = 10^6, where the usual difference of log gammas loses 9 digits.

    Arguments:
        size: n in points.
        probabilities: p of each row, [R].
        states: counts followed, at most n.

    Returns:
        array [R], sparse matrix [R, states], array [R].
    """
    from scipy import sparse

    mean = size * probabilities
    reach = 8 * np.sqrt(mean * (1 - probabilities)) + 20
    start = np.maximum(1, np.floor(mean - reach)).astype(np.int64)
    length = np.maximum(0, np.minimum(states, np.ceil(mean + reach)).astype(np.int64) - start + 1)
    pointer = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(length)])
    row = np.repeat(np.arange(len(mean)), length)
    count = np.arange(pointer[-1]) - pointer[row] + start[row]
    falling = np.concatenate([np.zeros(1), np.cumsum(np.log1p(-np.arange(states) / size))])
    ways = falling - special.gammaln(np.arange(states + 1) + 1.0)
    with np.errstate(divide="ignore"):
        log_mean = np.log(mean)
    log_mass = ways[count] + count * log_mean[row] + special.xlog1py(size - count, -probabilities[row])
    matrix = sparse.csr_matrix((np.exp(log_mass), count - 1, pointer), shape=(len(mean), states))
    nothing = np.exp(special.xlog1py(size, -probabilities))
    above = np.clip(1 - nothing - np.asarray(matrix.sum(axis=1)).ravel(), 0, 1)
    return nothing, matrix, above if states < size else np.zeros(len(mean))


def _cut(size: int, exponent: float, states: int, tolerance: float) -> int:
    needed = max(1.0, np.ceil(np.log(1 / tolerance) / exponent))
    if needed < 0.9 * size:
        return int(min(needed, states))
    return size if size <= min(states, _WHOLE) else int(min(0.9 * size, states))


def _grid(cut: int, size: int) -> np.ndarray:
    # The spline needs a smooth function, and near the count n, where nothing can be lost, it is not one.
    if cut <= _EVERY or cut == size:
        return np.arange(1, cut + 1)
    steps = int(np.ceil(_PER_FOLD * np.log(cut / _EVERY)))
    upper = np.unique(np.round(np.geomspace(_EVERY, cut, steps + 1)).astype(np.int64))
    return np.concatenate([np.arange(1, _EVERY), upper])


def _expanded(grid: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Extinction at every count 1 ... grid[-1] from that on the grid, both with one column a horizon."""
    if grid[-1] == len(grid):
        return lost
    from scipy.interpolate import CubicSpline

    counts = np.arange(_EVERY + 1, grid[-1] + 1)
    tail = grid >= _EVERY // 2
    rate = np.log(np.maximum(lost[tail], 1e-300)) / grid[tail, None]
    spline = CubicSpline(np.log(grid[tail]), rate, axis=0)
    return np.concatenate([lost[:_EVERY], np.exp(spline(np.log(counts)) * counts[:, None])])


def _constant(sizes: np.ndarray, horizons: np.ndarray, states: int, tolerance: float):
    # One matrix, and the same e serves every horizon: that of k fits has k - 1 steps to go from the first.
    size, last = int(sizes[0]), int(horizons[-1])
    exponents = np.concatenate([np.full(1, np.inf), branching_exponents(last)])
    cut = _cut(size, exponents[last - 1], states, tolerance)
    grid, edges = _grid(cut, size), np.exp(-exponents * (cut + 1))
    nothing, rows, above = binomial_rows(size, grid / size, cut)
    column = {int(horizon) - 1: index for index, horizon in enumerate(horizons)}
    table, lost = np.empty((2, cut, len(horizons))), np.zeros((cut, 2))
    for remaining in range(last):
        if remaining in column:
            table[:, :, column[remaining]] = lost.T
        lost = rows @ lost + nothing[:, None] + np.outer(above, (0.0, edges[remaining]))
        lost = _expanded(grid, lost)
    return table, edges[horizons - 1]


def _varying(sizes: np.ndarray, horizons: np.ndarray, states: int, tolerance: float):
    # All horizons at once, backwards; a horizon enters at its own fit, where no count above zero is lost.
    last = int(horizons[-1])
    exponents = survival_exponents(sizes, horizons)
    smallest = exponents.min(axis=1)
    cuts = [_cut(int(size), low, states, tolerance) for size, low in zip(sizes, smallest, strict=True)]
    lost = np.zeros((cuts[-1], 2, 1))
    for fit in range(last - 1, 0, -1):
        edge = np.exp(-exponents[fit, horizons > fit] * (cuts[fit] + 1))
        grid = _grid(cuts[fit - 1], int(sizes[fit - 1]))
        nothing, rows, above = binomial_rows(int(sizes[fit]), grid / sizes[fit - 1], cuts[fit])
        drawn = rows @ lost.reshape(len(lost), -1) + nothing[:, None]
        drawn[:, len(edge) :] += np.outer(above, edge)
        lost = _expanded(grid, drawn).reshape(-1, 2, len(edge))
        if fit in horizons:
            lost = np.concatenate([np.zeros((len(lost), 2, 1)), lost], axis=2)
    return lost.transpose(1, 0, 2), np.exp(-exponents[0] * (cuts[0] + 1))
