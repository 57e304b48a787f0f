"""Survival of a rare symbol as a branching process, and the published bounds that rest on it."""

import numpy as np


def branching_exponents(generations: int) -> np.ndarray:
    r"""$g_1 = 1$, $g_{k+1} = 1 - e^{-g_k}$: exponents of survival in Poisson branching, [generations].

    $1/k \le g_k < 2/k$ and $k g_k \to 2$.

    Arguments:
        generations: how many of them, g_1 first.

    Source: Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 1.
    """
    exponents, value = np.empty(generations), np.inf
    for index in range(generations):
        exponents[index] = value = -np.expm1(-value)
    return exponents


def survival_exponents(sizes: np.ndarray, horizons: np.ndarray) -> np.ndarray:
    r"""$\gamma_t$ such that j points at fit t are all gone by fit k with chance $\le e^{-\gamma_t j}$.

    $$ \gamma_k = \infty, \qquad \gamma_t = \frac{n_{t+1}}{n_t}\,\bigl(1 - e^{-\gamma_{t+1}}\bigr), $$
    by $(1 - (1-s)j/n)^m \le e^{-(1-s)jm/n}$; for constant sizes $\gamma_t = g_{k-t}$.

    Arguments:
        sizes: n_1 ... n_F in points, [F].
        horizons: k, int [G], from 1 to F.

    Returns:
        gamma_t at t = 1 ... F, [F, G]; infinite from t = k on.

    Source: derived, after Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646.
    """
    sizes, horizons = np.asarray(sizes, dtype=float), np.asarray(horizons)
    exponents = np.full((len(sizes), len(horizons)), np.inf)
    for fit in range(len(sizes) - 1, 0, -1):
        before = sizes[fit] / sizes[fit - 1] * -np.expm1(-exponents[fit])
        exponents[fit - 1] = np.where(horizons > fit, before, np.inf)
    return exponents


def branching_extinction(probabilities: np.ndarray, sizes: np.ndarray, fits: np.ndarray) -> np.ndarray:
    r"""$e^{-n_1 p (1 - e^{-\gamma_1})}$, the chance that a symbol is lost after k fits.

    An upper bound on the exact chain, and close to it while k/n is small. For constant sizes it is
    $e^{-npg_k}$, and for the Poisson family it is exact.

    Arguments:
        probabilities: p of each symbol, [K].
        sizes: n_1 ... n_F in points, [F].
        fits: k, int [G], each at most F.

    Returns:
        [G, K].

    Source: Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorems 1 and 2; other sizes derived.
    """
    probabilities, fits = np.asarray(probabilities, dtype=float), np.asarray(fits)
    lost = np.tile((probabilities == 0).astype(float), (len(fits), 1))
    if np.any(fits > 0):
        expected = sizes[0] * -np.expm1(-survival_exponents(sizes[: fits.max()], fits[fits > 0])[0])
        lost[fits > 0] = np.exp(-np.outer(expected, probabilities))
    return lost


def extinction_lower_bound(probabilities: np.ndarray, size: int, fits: np.ndarray) -> np.ndarray:
    r"""$\max(0, 1 - 3np^2 - 3kp)\, e^{-npg_k}$, [G, K]; trivial unless $np^2$ and $kp$ are small.

    Arguments:
        probabilities: p of each symbol, [K].
        size: n in points, the same at every generation.
        fits: k, int [G].

    Source: Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 1.
    """
    chances, fits = np.asarray(probabilities, dtype=float), np.asarray(fits)
    loss = np.maximum(0, 1 - 3 * size * chances**2 - 3 * fits[:, None] * chances)
    return loss * branching_extinction(chances, np.full(max(int(fits.max(initial=0)), 1), size), fits)
