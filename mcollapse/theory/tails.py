"""The law of the standard deviation under Gaussian replacement: exact tails and bounds on them."""

import numpy as np
from scipy import special

from .gamma import log_gamma_ratio
from .replacement import power_moment

_SMALL = 1e-16  # where the characteristic function is dropped
_REACH = 12.0  # standard deviations on either side that a period of the discrete sum holds


def tail_probability(sizes: np.ndarray, ddof: int, fits: np.ndarray, threshold: float) -> np.ndarray:
    r"""$P(\hat\sigma_k > \epsilon\sigma)$ after k fits, exact up to an absolute error of about 1e-10.

    $X = \log(\hat\sigma_k^2/\sigma^2)$ is a sum of independent log chi-squares with characteristic function
    $$ \varphi_k(u) = \prod_{j\le k} \Bigl(\frac{2}{n_j-\mathrm{ddof}}\Bigr)^{iu}
       \frac{\Gamma(\nu_j/2+iu)}{\Gamma(\nu_j/2)},\qquad
       P(X > x) = \frac12 + \frac1\pi \int_0^\infty \mathrm{Im}\,\frac{e^{-iux}\varphi_k(u)}{u}\,du . $$
    The midpoint rule errs only by the mass outside its period, and generations are taken in blocks within
    which the variance of X at most doubles, so that one grid of u serves a block.

    Arguments:
        sizes: n_1 ... n_F in points, [F], each at least 2.
        ddof: the divisor is n - ddof.
        fits: k, int [G], each at most F.
        threshold: epsilon, in units of the true standard deviation.

    Returns:
        [G].

    Source: Gil-Pelaez inversion (1951) of the product law in `replacement`; derived.
    """
    fits = np.asarray(fits)
    if threshold <= 0:
        return np.ones(len(fits))
    half = (np.asarray(sizes, dtype=float) - 1) / 2
    centre = special.digamma(half) - np.log((np.asarray(sizes) - ddof) / 2)
    spread = special.polygamma(1, half)
    probability = np.where(fits == 0, float(threshold < 1), np.nan)
    block = np.zeros(len(fits), dtype=int)
    growth = np.cumsum(spread)[fits[fits > 0] - 1] / spread[:1]
    block[fits > 0] = np.floor(np.log2(growth * (1 + 1e-12)))
    for index in np.unique(block[fits > 0]):
        members = (block == index) & (fits > 0)
        probability[members] = _invert(half, centre, spread, fits[members], 2 * np.log(threshold))
    return np.clip(probability, 0, 1)


def _invert(half, centre, spread, fits, level) -> np.ndarray:
    # X is centred, so that phases stay small and nothing large cancels.
    values, which = np.unique(half[: fits.max()], return_inverse=True)
    counts = np.array([np.bincount(which[:fit], minlength=len(values)) for fit in fits], dtype=float)
    gaps = level - np.cumsum(centre)[fits - 1]
    deviations = np.sqrt(np.cumsum(spread)[fits - 1])
    # A log chi-square falls like exp(-y nu/2) below: 40 / (nu/2) covers e^-40 of it.
    period = 2 * (np.abs(gaps).max() + _REACH * deviations.max() + 40 / values.min())
    step = 2 * np.pi / period
    grid = (np.arange(_nodes(values, counts[np.argmin(fits)], step)) + 0.5) * step
    phase = log_gamma_ratio(values[:, None], 1j * grid)
    phase = phase + 1j * grid * (np.log(values) - special.digamma(values))[:, None]
    waves = np.exp(counts @ phase - 1j * np.outer(gaps, grid))
    return 0.5 + step / np.pi * np.sum(waves.imag / grid, axis=1)


def _nodes(values, counts, step) -> int:
    """Number of nodes after which the characteristic function of the block's narrowest sum is negligible."""
    edge = 64 * step
    while float(counts @ log_gamma_ratio(values, 1j * edge).real) > np.log(_SMALL):
        edge *= 1.25
    return int(np.ceil(edge / step))


def exponential_bound(sizes: np.ndarray, threshold: float) -> np.ndarray:
    r"""$P(\hat\sigma_k > \epsilon\sigma) \le \epsilon^{-1} \exp(-\sum_{j\le k} 1/(4n_j-1))$ for k = 0 ... F.

    Arguments:
        sizes: n_1 ... n_F in points, [F].
        threshold: epsilon, in units of the true standard deviation.

    Returns:
        [F + 1], at most 1.

    Source: Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 3 (constant sizes, ddof 1); for
    other sizes, and for ddof 0 where the left side is smaller, derived.
    """
    exponents = np.concatenate([np.zeros(1), np.cumsum(1 / (4 * np.asarray(sizes, dtype=float) - 1))])
    return np.minimum(np.exp(-exponents) / threshold, 1)


def markov_bound(sizes: np.ndarray, ddof: int, threshold: float, order: float = 1.0) -> np.ndarray:
    r"""$P(\hat\sigma_k > \epsilon\sigma) \le \epsilon^{-s} E(\hat\sigma_k/\sigma)^s$ for k = 0 ... F.

    Arguments:
        sizes: n_1 ... n_F in points, [F].
        ddof: the divisor is n - ddof.
        threshold: epsilon, in units of the true standard deviation.
        order: s > 0.

    Returns:
        [F + 1], at most 1.

    Source: Markov's inequality; s = 1 after Bertrand et al., 2023, arXiv 2310.00429; the figure of Suresh,
    Thangaraj & Khandavally, 2024, arXiv 2412.17646, uses s = 0.7.
    """
    return np.minimum(power_moment(sizes, ddof, order / 2) / threshold**order, 1)


def normal_tail(log_mean: np.ndarray, log_variance: np.ndarray, threshold: float) -> np.ndarray:
    r"""$P(\hat\sigma_k > \epsilon\sigma) \approx \Phi\bigl((m_k - 2\log\epsilon)/\sqrt{u_k}\bigr)$.

    Arguments:
        log_mean: m_k, mean of the log variance relative to the truth's, [G].
        log_variance: u_k, its variance, [G], positive.
        threshold: epsilon, in units of the true standard deviation.

    Source: central limit theorem; derived, after Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646.
    """
    return special.ndtr((log_mean - 2 * np.log(threshold)) / np.sqrt(log_variance))
