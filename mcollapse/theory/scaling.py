"""Scaling laws and how synthetic data change them: cut tails, and regression on a power-law spectrum."""

import numpy as np
from scipy import special


def zipf_error(size: np.ndarray | float, exponent: float, rank: float = np.inf) -> np.ndarray:
    r"""Test error of a memorised table of Zipf's law, for many points: a power of T, and a floor.

    $$ \frac{\Gamma(1-1/\beta,\;T c^{-\beta}/\zeta(\beta))}{\beta\,\zeta(\beta)^{1/\beta}}
       \,T^{-(\beta-1)/\beta} + \frac{c^{-(\beta-1)}}{(\beta-1)\,\zeta(\beta)} . $$
    The test error $\sum_i p_i(1-q_i)^T$ of a memorised table, $p_i = i^{-\beta}/\zeta(\beta)$, whose T
    points have no symbol beyond rank c; $\Gamma(a, x)$ is the upper incomplete function, $\Gamma(a)$ where
    nothing is cut, and the floor is the mass of the lost tail. `memorised_error` is exact.

    Arguments:
        size: T in points, any shape.
        exponent: $\beta$, above 1.
        rank: c, large; left out, nothing is cut.

    Raises:
        ValueError: the exponent is not above 1.

    Source: Dohmatob et al., 2024, arXiv 2402.07043 (exponents); constants derived.
    """
    if not exponent > 1:
        raise ValueError(f"a law of infinitely many symbols needs an exponent above 1, got {exponent}")
    total = float(special.zeta(exponent))
    learned = special.gamma(1 - 1 / exponent) / (exponent * total ** (1 / exponent))
    points = np.asarray(size, dtype=float)
    floor = 0.0 if np.isinf(rank) else rank ** (1 - exponent) / ((exponent - 1) * total)
    within = special.gammaincc(1 - 1 / exponent, points * float(rank) ** -exponent / total)
    return learned * within * points ** (1 / exponent - 1) + floor


def zipf_rank(size: float, exponent: float) -> float:
    r"""$T_0^{1/\beta}$, up to a constant: the rank beyond which $T_0$ points of a Zipf law show few symbols.

    A model of them has this cut, so that the floor of the next generation is of order
    $T_0^{-(\beta-1)/\beta}$.

    Arguments:
        size: $T_0$ in points.
        exponent: $\beta$, above 1.

    Source: Dohmatob et al., 2024, arXiv 2402.07043.
    """
    return float(size ** (1 / exponent))


def spectrum_error(
    rows: float,
    penalty_exponent: float,
    spectrum: float,
    source: float,
    noise: float,
    generated: float = 0.0,
    generator_rows: float = np.inf,
    ratio: float = 0.0,
) -> float:
    r"""Order of the test error of ridge on T rows with the penalty $\lambda = T^{-\ell}$ per row.

    $$ \max(s^2, T^{1-2r\ell-\ell/\beta})\,T^{-(1-\ell/\beta)}
       + \frac{k s_0^2}{1-\phi_0} \max\Bigl(\frac T{T_0}, \phi_0\Bigr) T^{-(1-\ell/\beta)} . $$
    Features have the spectrum $j^{-\beta}$, the truth the source exponent r: $\sum_j w_j^2 j^{-\beta(1-2r)}$
    is finite, at the edge. The labels come from the k-th of least-squares fits to $T_0$ rows.

    Arguments:
        rows: T.
        penalty_exponent: $\ell$, at most $\beta$.
        spectrum: $\beta$, above 1.
        source: r, above 0.
        noise: $s^2$, of the labels.
        generated: $k s_0^2$, of all generators together.
        generator_rows: $T_0$.
        ratio: $\phi_0 = d/T_0$, below 1.

    Source: Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712, Theorem 5.1.
    """
    spread = rows ** (penalty_exponent / spectrum - 1)
    clean = max(noise, rows ** (1 - 2 * source * penalty_exponent - penalty_exponent / spectrum))
    return clean * spread + generated / (1 - ratio) * max(rows / generator_rows, ratio) * spread


def best_penalty_exponent(
    spectrum: float, source: float, generator: float = 1.0, generated: float = 0.0
) -> tuple[float, float]:
    r"""The best $\ell$, and the exponent of T in the test error at it, where the generators' noise rules.

    With $T_0 = T^b$ and $k s_0^2 = T^a$: $\ell_* = \min((b-a)\,\ell_{crit}, \beta)$,
    $\ell_{crit} = \beta/(2\beta r+1)$, and the error is of order $T^{-(b-a)c}$, $c = 2\beta r/(2\beta r+1)$.
    With $b - a = 1$ these are those of clean data. Errata of the paper are in `downstream_ridge`.

    Arguments:
        spectrum: $\beta$.
        source: r.
        generator: b.
        generated: a.

    Returns:
        (l*, exponent), the second negative where the error falls.

    Raises:
        ValueError: b is not above a, so that the error does not fall with T.

    Source: Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712, after Theorem 5.1.
    """
    gap = generator - generated
    if not gap > 0:
        raise ValueError(
            f"generators of T^{generator} rows and noise T^{generated} leave an error that never falls"
        )
    penalty = min(gap * spectrum / (2 * spectrum * source + 1), spectrum)
    return penalty, -2 * source * penalty
