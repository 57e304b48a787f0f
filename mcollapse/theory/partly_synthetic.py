"""The same real points in every generation beside the last model's: how far models drift from the first."""

import numpy as np


def partly_synthetic_concentration(
    concentration: float, real: int, synthetic: int, fits: np.ndarray
) -> np.ndarray:
    r"""$S_k = E \sum_i \hat p_i^2$ of the fit to the same N real points and n of the last model, [F].

    With $b = n/(N+n)$ and $\beta = b^2(1 - 1/n)$
    $$ S_{m+1} = \frac{\frac1N\bigl[1 + 2b - (1-\frac1N)\, b \beta^m\bigr]
       + (1-\frac1N)\, S_0 \bigl[1 + b + \frac bN \beta^m\bigr]}{1 + (1+\frac1N)\, b} . $$
    Fit 0 is the truth and fit 1 that to the real points alone. In print the last sign is a minus, with which
    $S_1$ is not what its definition says.

    Arguments:
        concentration: $S_0$ of the truth.
        real: N in points.
        synthetic: n in points.
        fits: k, int [F].

    Source: Seddik et al., 2024, arXiv 2404.05090, Theorem 2, corrected.
    """
    share, fits = synthetic / (real + synthetic), np.asarray(fits)
    faded = (share**2 * (1 - 1 / synthetic)) ** np.maximum(fits - 1, 0)
    of_points = (1 + 2 * share - (1 - 1 / real) * share * faded) / real
    of_truth = (1 - 1 / real) * concentration * (1 + share + share / real * faded)
    return np.where(fits > 0, (of_points + of_truth) / (1 + (1 + 1 / real) * share), concentration)


def partly_synthetic_drift(concentration: float, real: int, synthetic: int, fits: np.ndarray) -> np.ndarray:
    r"""$E\|\hat p_k - \hat p_1\|_2^2 = S_k - S_1$ for k = 1, 2, …, [F]; 0 for the first fit.

    Arguments:
        concentration: $S_0$ of the truth.
        real: N in points.
        synthetic: n in points.
        fits: k, int [F], each at least 1.

    Source: derived, after Seddik et al., 2024, arXiv 2404.05090.
    """
    values = partly_synthetic_concentration(concentration, real, synthetic, np.append(fits, 1))
    return values[:-1] - values[-1]


def partly_synthetic_drift_bounds(support: int, real: int, synthetic: int) -> tuple[float, float]:
    r"""Two upper bounds on $E\|\hat p_k - \hat p_1\|_1$ for every k, the tighter one first.

    $$ \sqrt{\frac{n(\tilde s-1)}{N(N+2n)}} \;\le\; \frac{\sqrt{n(\tilde s-1)}}{N} . $$

    Arguments:
        support: $\tilde s$, symbols that the truth gives some probability.
        real: N in points.
        synthetic: n in points.

    Source: derived, after Seddik et al., 2024, arXiv 2404.05090, Theorem 3.
    """
    spread = synthetic * (support - 1)
    return float(np.sqrt(spread / (real * (real + 2 * synthetic)))), float(np.sqrt(spread) / real)


def published_drift_bound(symbols: int, real: int, synthetic: int) -> float:
    r"""$\frac1N\sqrt{\pi n/2}\,G_n(s)$, an upper bound on $E\|\hat p_k - \hat p_1\|_1$ for every k.

    With $C_0 = e^3/(2\pi)$ and $C_1 = 6e/\pi^{3/2}$, G is $C_1 s\, e^{C_0 n/(2e)}$ for
    $\frac{C_0 n}e + 2 \le s$, $C_1 s (C_0 n/s)^{s/2}$ for $\frac{C_0 n}4 + 2 \le s$ below that, and
    $2^s - 2$ for fewer symbols. The boundaries of the cases are unverified; `partly_synthetic_drift_bounds`
    is far tighter.

    Arguments:
        symbols: s, the length of the table.
        real: N in points.
        synthetic: n in points.

    Source: Seddik et al., 2024, arXiv 2404.05090, Theorem 3.
    """
    constant, factor = np.exp(3) / (2 * np.pi), 6 * np.e / np.pi**1.5
    with np.errstate(over="ignore"):
        if constant * synthetic / np.e + 2 <= symbols:
            spread = factor * symbols * np.exp(constant * synthetic / (2 * np.e))
        elif constant * synthetic / 4 + 2 <= symbols:
            spread = factor * symbols * (constant * synthetic / symbols) ** (symbols / 2)
        else:
            spread = np.exp2(symbols) - 2
    return float(np.sqrt(np.pi * synthetic / 2) / real * spread)


def most_synthetic(symbols: int, real: int, drift: float) -> float:
    r"""Up to which n the published bound on the drift is below $\epsilon$.

    $$ 2\pi e^{-2} \min\Bigl\{s-2,\; \log\frac{\sqrt2\,\pi N\epsilon}{6es}\Bigr\} $$

    Arguments:
        symbols: s, the length of the table.
        real: N in points.
        drift: $\epsilon$.

    Returns:
        n, not rounded; negative where no number of points does by this bound.

    Source: Seddik et al., 2024, arXiv 2404.05090, equation 11 (unverified).
    """
    logarithm = np.log(np.sqrt(2) * np.pi * real * drift / (6 * np.e * symbols))
    return float(2 * np.pi * np.exp(-2) * min(symbols - 2, logarithm))
