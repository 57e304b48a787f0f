"""Exact first and second moments of every coordinate of a fitted categorical law."""

from collections.abc import Iterator

import numpy as np

from .setting import Setting


def coordinate_moments(
    setting: Setting, probabilities: np.ndarray, categories: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    r"""Bias and mean squared error of fitted probabilities, generation by generation.

    With pool error $e$, model error $e'$, real share $a$, pool of $N$ points before the batch of $n$,
    $$ E e_+ = \frac{N E e + n(1-a) E e'}{N+n}, \qquad
       E e_+^2 = \frac{N^2 E e^2 + 2Nn(1-a) E[e e'] + n^2(1-a)^2 E e'^2 + n V}{(N+n)^2}, $$
    $$ V = a\theta(1-\theta) + (1-a) E[q(1-q)] + [\text{random counts}]\, a(1-a) E e'^2,\quad q=\theta+e', $$
    where $N = 0$ for the newest batch alone. A subsample of $b$ of the $N$ points adds the variance
    $S^2(1/b-1/N)$ of drawing without replacement, and adding $c$ to every count shrinks towards $1/K$:
    $e' = \lambda e + (1-\lambda)(1/K-\theta)$, $\lambda = b/(b+cK)$.

    Arguments:
        setting: Bernoulli or categorical; both starts, any sizes, shares and budgets.
        probabilities: true probabilities of the coordinates to follow, [U]; not necessarily all of them.
        categories: K.

    Yields:
        (E e', E e'^2), each [U], for generations 0 ... T.

    Source: derived; with the newest batch, random counts and no constant it is Theorem 3.1 of Bakshi &
    Chakraborty, 2026, arXiv 2602.10531, coordinate by coordinate.
    """
    spread, skew = probabilities * (1 - probabilities), 1 - 2 * probabilities
    batches, constant = setting.batches, setting.constant if setting.estimator == "add-constant" else 0.0
    bias = square = model_bias = model_square = cross = np.zeros_like(probabilities)
    total = 0
    if setting.start == "truth":
        yield model_bias, model_square
    for generation in range(setting.first, setting.generations + 1):
        size, share = int(batches.sizes[generation]), float(batches.shares[generation])
        kept, synthetic = (0 if setting.pool == "newest" else total), size * (1 - share)
        total = kept + size
        noise = share * spread + (1 - share) * (spread + skew * model_bias - model_square)
        noise = noise + batches.random * share * (1 - share) * model_square
        square = kept**2 * square + 2 * kept * synthetic * cross + synthetic**2 * model_square + size * noise
        square = square / total**2
        bias = (kept * bias + synthetic * model_bias) / total
        used = trained_on(setting, generation, total)
        thinning = subsampling_variance(spread + skew * bias - square, used, total)
        weight = used / (used + constant * categories)
        shift = (1 - weight) * (1 / categories - probabilities)
        model_bias = weight * bias + shift
        model_square = weight**2 * (square + thinning) + 2 * weight * shift * bias + shift**2
        cross = weight * square + shift * bias
        yield model_bias, model_square


def trained_on(setting: Setting, generation: int, total: int) -> int:
    """Points of the training data out of a pool of `total`: the budget of a subsample, otherwise all."""
    if setting.pool != "subsample" or setting.budget is None:
        return total
    return min(int(setting.budget[generation]), total)


def subsampling_variance(plug_in, used: int, total: int):
    r"""Variance of the mean of a subsample around the mean of its pool.

    $S^2 (1/b - 1/N)$ with $S^2 = \sigma^2_{pool}\, N/(N-1)$, for b of N points drawn without replacement.

    Arguments:
        plug_in: the pool's variance with divisor N, any shape.
        used: b in points.
        total: N in points.

    Source: textbook finite-population sampling.
    """
    return plug_in * (total - used) / (used * max(total - 1, 1))
