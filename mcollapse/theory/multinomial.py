"""Published risk recursions of empirical proportions, as scalars.

In each of them the sizes and shares are those of the fits, first fit first. The first fit sees only real
data, so its share is not read: the same numbers are R_0, R_1, ... of a real start and R_1, R_2, ... of a
start at the truth.
"""

import numpy as np


def heterogeneity(probabilities: np.ndarray) -> float:
    r"""Gini-Simpson index $H = 1 - \|\theta^*\|_2^2$ of a law on K categories.

    Arguments:
        probabilities: [K].
    """
    return float(1 - np.sum(np.asarray(probabilities, dtype=float) ** 2))


def mixture_risk(heterogeneity: float, sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    r"""Risk of training on the newest batch, each point real with probability $a_t$.

    $$ R_t = \frac{H}{n_t} + \Bigl(1 - \frac1{n_t}\Bigr)(1-a_t)^2 R_{t-1}, \qquad R_0 = H/n_0 . $$

    Arguments:
        heterogeneity: H, or (K - 1) for the chi-square risk.
        sizes: n_t in points, [F].
        shares: a_t, [F]; the first is not read.

    Returns:
        R_t, [F].

    Source: Bakshi & Chakraborty, 2026, arXiv 2602.10531, Theorem 3.1.
    """
    return _recursion(lambda n, a, risk: heterogeneity / n + (1 - 1 / n) * (1 - a) ** 2 * risk, sizes, shares)


def fixed_counts_risk(heterogeneity: float, sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    r"""The same with exactly $a_t n_t$ real points in every batch.

    $$ R_t = \frac{H}{n_t} + \Bigl[(1-a_t)^2 - \frac{1-a_t}{n_t}\Bigr] R_{t-1} . $$

    Arguments:
        heterogeneity: H, or (K - 1) for the chi-square risk.
        sizes: n_t in points, [F].
        shares: a_t, [F], such that a_t n_t is whole; the first is not read.

    Returns:
        R_t, [F].

    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531.
    """
    return _recursion(
        lambda n, a, risk: heterogeneity / n + ((1 - a) ** 2 - (1 - a) / n) * risk, sizes, shares
    )


def accumulate_risk(heterogeneity: float, sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    r"""Risk of training on everything so far, each new point real with probability $a_t$.

    $$ R_t = \Bigl(1 - \frac{a_t n_t}{N_t}\Bigr)^2 R_{t-1}
       + \frac{n_t}{N_t^2}\bigl(H - (1-a_t)^2 R_{t-1}\bigr), \qquad N_t = \sum_{s \le t} n_s . $$

    Arguments:
        heterogeneity: H, or (K - 1) for the chi-square risk.
        sizes: n_t in points, [F].
        shares: a_t, [F]; the first is not read.

    Returns:
        R_t, [F].

    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531, and Kanabar & Gastpar, 2025,
    arXiv 2501.19273.
    """
    risks, risk, total = [], 0.0, 0.0
    for size, share in zip(np.asarray(sizes, dtype=float), np.asarray(shares, dtype=float), strict=True):
        total += size
        noise = heterogeneity - (1 - share) ** 2 * risk
        risk = (1 - share * size / total) ** 2 * risk + size / total**2 * noise
        risks.append(risk)
    return np.array(risks)


def replacement_risk(heterogeneity: float, sizes: np.ndarray) -> np.ndarray:
    r"""Risk without any fresh real data, $R_t = H\,(1 - \prod_{s \le t}(1 - 1/n_s))$.

    Arguments:
        heterogeneity: H.
        sizes: n_t in points, [F].

    Source: Seddik et al., 2024, arXiv 2404.05090, Theorem 1, for constant sizes; derived for the others.
    """
    with np.errstate(divide="ignore"):  # one point leaves no diversity: its logarithm is minus infinity
        return -heterogeneity * np.expm1(np.cumsum(np.log1p(-1 / np.asarray(sizes, dtype=float))))


def _recursion(step, sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    risks, risk = [], 0.0
    for size, share in zip(np.asarray(sizes, dtype=float), np.asarray(shares, dtype=float), strict=True):
        risk = step(size, share, risk)
        risks.append(risk)
    return np.array(risks)
