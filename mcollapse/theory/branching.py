"""Survival of a rare symbol as a branching process, and the published bounds that rest on it."""

import numpy as np


def branching_exponents(generations: int) -> np.ndarray:
    r"""$g_1 = 1$, $g_{k+1} = 1 - e^{-g_k}$: the survival probability of a Poisson branching line, [generations].

    $1/k \le g_k < 2/k$ and $k g_k \to 2$.

    Arguments:
        generations: how many of them, g_1 first.

    Source: Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 1.
    """
    exponents, value = np.empty(generations), np.inf
    for index in range(generations):
        exponents[index] = value = -np.expm1(-value)
    return exponents


def survival_exponents(sizes: np.ndarray, horizon: int) -> np.ndarray:
    r"""$\gamma_t$ with $P(\text{extinct by fit } k \mid \text{count } j \text{ at fit } t) \le e^{-\gamma_t j}$.

    $$ \gamma_k = \infty, \qquad \gamma_t = \frac{n_{t+1}}{n_t}\,\bigl(1 - e^{-\gamma_{t+1}}\bigr), $$
    by $(1 - (1-s)j/n)^m \le e^{-(1-s)jm/n}$; for constant sizes $\gamma_t = g_{k-t}$.

    Arguments:
        sizes: n_1 ... n_F in points, [F].
        horizon: k, between 1 and F.

    Returns:
        gamma_1 ... gamma_k, [k]; the last is infinite.

    Source: derived, after Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646.
    """
    sizes = np.asarray(sizes, dtype=float)
    exponents = np.full(horizon, np.inf)
    for fit in range(horizon - 2, -1, -1):
        exponents[fit] = sizes[fit + 1] / sizes[fit] * -np.expm1(-exponents[fit + 1])
    return exponents


def branching_survival(probabilities: np.ndarray, sizes: np.ndarray, fits: np.ndarray) -> np.ndarray:
    r"""$1 - e^{-n_1 p (1 - e^{-\gamma_1})}$, the chance that a symbol is alive after k fits.

    A lower bound on the exact chain, and close to it while p and k/n are small. For constant sizes it is
    $1 - e^{-npg_k}$, and for the Poisson family it is exact.

    Arguments:
        probabilities: p of each symbol, [K].
        sizes: n_1 ... n_F in points, [F].
        fits: k, int [G], each at most F.

    Returns:
        [G, K].

    Source: Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorems 1 and 2; other sizes derived.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    rows = np.zeros((len(fits), len(probabilities)))
    for row, horizon in enumerate(np.asarray(fits).tolist()):
        if horizon == 0:
            rows[row] = probabilities > 0
        else:
            expected = sizes[0] * -np.expm1(-survival_exponents(sizes, horizon)[0])
            rows[row] = -np.expm1(-expected * probabilities)
    return rows


def survival_upper_bound(probabilities: np.ndarray, size: int, fits: np.ndarray) -> np.ndarray:
    r"""$1 - \max(0, 1 - 3np^2 - 3kp)\, e^{-npg_k}$, [G, K]; trivial unless $np^2$ and $kp$ are small.

    Arguments:
        probabilities: p of each symbol, [K].
        size: n in points, the same at every generation.
        fits: k, int [G].

    Source: Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 1.
    """
    chances, fits = np.asarray(probabilities, dtype=float), np.asarray(fits)
    exponents = np.concatenate([np.full(1, np.inf), branching_exponents(int(fits.max(initial=0)))])[fits]
    loss = np.maximum(0, 1 - 3 * size * chances**2 - 3 * fits[:, None] * chances)
    with np.errstate(invalid="ignore"):
        extinct = np.exp(-np.where(chances > 0, size * chances * exponents[:, None], 0.0))
    return 1 - loss * extinct
