"""Risks of those who know which points are real, or at least how many."""

import numpy as np


def filtered_risk(heterogeneity: float, sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    r"""Risk of proportions of all real points so far, when provenance is known.

    $$ H\,E\frac1{M_t},\quad M_t = n_0 + \sum_{s=1}^t \mathrm{Bin}(n_s, a_s),\qquad
       E\frac1{M_t} = \int_0^\infty e^{-n_0 y} \prod_{s=1}^t \bigl(1 - a_s + a_s e^{-y}\bigr)^{n_s}\,dy . $$

    Arguments:
        heterogeneity: H = 1 - sum p^2.
        sizes: n_0 ... n_T in points, [T+1].
        shares: a_t, [T+1]; the first is not read.

    Returns:
        [T+1].

    Source: derived, after Kanabar & Gastpar, 2025, arXiv 2501.19273.
    """
    sizes, shares = np.asarray(sizes, dtype=float), np.asarray(shares, dtype=float)
    nodes, weights = np.polynomial.laguerre.laggauss(60)
    expected = np.cumsum(np.concatenate([sizes[:1], sizes[1:] * shares[1:]]))
    risks = []
    for generation, mean in enumerate(expected):
        share = shares[1 : generation + 1, None]
        with np.errstate(divide="ignore"):  # a share may be 0 or 1
            kept = np.logaddexp(np.log1p(-share), np.log(share) - nodes / mean)
        log = -sizes[0] * nodes / mean + sizes[1 : generation + 1] @ kept
        risks.append(heterogeneity / mean * np.sum(weights * np.exp(nodes + log)))
    return np.array(risks)


def debiased_risk(heterogeneity: float, sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    r"""Risk of pooled proportions from which the last model's expected part has been taken out.

    $$ R_t = \frac{\sum_{i\le t} n_i a_i^2 \bigl(H - (1-a_i)^2 R_{i-1}\bigr)}
       {\bigl(\sum_{i\le t} n_i a_i^2\bigr)^2},\qquad a_0 = 1 . $$
    Exact as long as the estimate stays a law: $n_t a_t \le \sum_{i\le t} n_i a_i^2$.

    Arguments:
        heterogeneity: H = 1 - sum p^2.
        sizes: n_0 ... n_T in points, [T+1].
        shares: a_t, [T+1]; the first is not read.

    Returns:
        [T+1].

    Source: derived, after Kanabar & Gastpar, 2025, arXiv 2501.19273.
    """
    shares = np.concatenate([np.ones(1), np.asarray(shares, dtype=float)[1:]])
    weight = noise = risk = 0.0
    risks = []
    for size, share in zip(np.asarray(sizes, dtype=float), shares, strict=True):
        weight += size * share**2
        noise += size * share**2 * (heterogeneity - (1 - share) ** 2 * risk)
        risk = noise / weight**2
        risks.append(risk)
    return np.array(risks)


def effective_sizes(sizes: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""$\sum_{i\le t} n_i a_i^2$ and $\sum_{i\le t} n_i a_i$: real points that a batch is worth, [T+1] each.

    The best risk is of the order of one over the first where provenance is unknown and shares are known, and
    of one over the second where it is known: `debiased_risk` is about H over the first, `filtered_risk` about
    H over the second.

    Arguments:
        sizes: n_0 ... n_T in points, [T+1].
        shares: a_t, [T+1]; the first is not read.

    Source: Kanabar & Gastpar, 2025, arXiv 2501.19273.
    """
    sizes = np.asarray(sizes, dtype=float)
    shares = np.concatenate([np.ones(1), np.asarray(shares, dtype=float)[1:]])
    return np.cumsum(sizes * shares**2), np.cumsum(sizes * shares)


def detector_gain(share: float, real: np.ndarray, synthetic: np.ndarray) -> float:
    r"""$1 + \chi^2(Q_1 \,\|\, aQ_1 + (1-a)Q_0)$: by what a detector multiplies $n a^2$.

    $Q_1$ is the law of what it says of a real point, $Q_0$ of a synthetic one. A detector that says nothing
    gains nothing, and a perfect one $1/a$, which makes $na^2$ the number of real points. In print there is
    once $1 - \chi^2$, which would lose.

    Arguments:
        share: a in (0, 1].
        real: $Q_1$, [S].
        synthetic: $Q_0$, [S].

    Source: Kanabar & Gastpar, 2025, arXiv 2501.19273 (a follow-up).
    """
    first, other = np.asarray(real, dtype=float), np.asarray(synthetic, dtype=float)
    mixed = share * first + (1 - share) * other
    return float(np.sum(np.divide(first**2, mixed, out=np.zeros_like(mixed), where=mixed > 0)))
