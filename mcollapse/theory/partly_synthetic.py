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
