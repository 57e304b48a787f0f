"""Exact second moments of a fitted one-dimensional Gaussian, for every source and pool."""

import numpy as np

from .coordinates import subsampling_variance, trained_on
from .setting import Setting


def gaussian_moments(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""Mean squared error of the fitted mean and expectation of the fitted variance.

    With the pool's mean error $D = E e^2$ and mean square $C$ about $\mu^*$, the model's $r = E e'^2$ and
    $v = E\hat\sigma^2$, real share $a$ and a batch of $n$ on top of $N$ points,
    $$ D_+ = \frac{N^2 D + 2Nn(1-a) D + n^2(1-a)^2 r + n V}{(N+n)^2}, \qquad
       C_+ = \frac{N C + n\,(a\sigma^2 + (1-a)(v + r))}{N+n}, $$
    $$ V = a\sigma^2 + (1-a) v + [\text{random counts}]\, a(1-a)\, r , $$
    where $N = 0$ for the newest batch alone. Trained on $b$ of the $N$ points, with
    $S^2 = (C-D) N/(N-1)$, $r = D + S^2(1/b - 1/N)$ and $v = S^2 (b-1)/(b-\mathrm{ddof})$, or $v = \sigma^2$
    if it is known. Only two moments of the truth enter, so it need not be Gaussian.

    Where the mean of the real points of a batch is off by $b$, and that of the pool and the model by $m$ in
    expectation, $m_+ = (N m + n(a b + (1-a) m))/(N+n)$, the numerator of $D_+$ has
    $2 n a b\,(N + n(1-a))\,m + n^2 a^2 b^2$ more, that of $C_+$ has $n a b^2$ more, and V has
    $[\text{random counts}]\, a(1-a)(b^2 - 2 b m)$ more.

    Arguments:
        setting: Gaussian; both starts, any sizes, shares, budgets and ddof below every size.

    Returns:
        (E (mean - mean*)^2, E variance), each [T+1].

    Source: derived; it holds the recursions of Bakshi & Chakraborty, 2026, arXiv 2602.10531; Kazdan et al.,
    2024, arXiv 2410.16713; Alemohammad et al., 2023, arXiv 2307.01850; Wang, Niu & Li, 2026, arXiv
    2602.16065.
    """
    scale, batches = float(setting.truth["variance"]), setting.batches
    error, variance = np.zeros(setting.generations + 1), np.full(setting.generations + 1, scale)
    pool_error = pool_square = 0.0
    model_error, model_variance = 0.0, scale
    total, offset = 0, 0.0
    biases = np.zeros(setting.generations + 1) if setting.biases is None else np.asarray(setting.biases)
    for generation in range(setting.first, setting.generations + 1):
        size, share = int(batches.sizes[generation]), float(batches.shares[generation])
        bias = float(biases[generation])
        kept, synthetic = (0 if setting.pool == "newest" else total), size * (1 - share)
        total = kept + size
        noise = share * scale + (1 - share) * model_variance
        noise += batches.random * share * (1 - share) * (model_error + bias**2 - 2 * bias * offset)
        carried = kept * (kept + 2 * synthetic) * pool_error + synthetic**2 * model_error
        pushed = size * share * bias
        carried += 2 * pushed * (kept + synthetic) * offset + pushed**2
        offset = ((kept + synthetic) * offset + pushed) / total
        pool_error = (carried + size * noise) / total**2
        square = share * (scale + bias**2) + (1 - share) * (model_variance + model_error)
        pool_square = (kept * pool_square + size * square) / total
        used = trained_on(setting, generation, total)
        spread = pool_square - pool_error
        model_error = pool_error + subsampling_variance(spread, used, total)
        model_variance = scale if setting.known_variance else fitted_variance(setting, spread, used, total)
        error[generation], variance[generation] = model_error, model_variance
    return error, variance


def fitted_variance(setting: Setting, spread: float, used: int, total: int) -> float:
    r"""Expected variance of the model, where the pool of N points has the expected variance `spread`.

    $S^2 (b-1)/(b-\mathrm{ddof})$ for b of the points; of a kernel density with ddof 0, and the kernel's own:
    $d h^2$, or by a rule $f^2 S^2$, whose factor f depends on b alone.
    """
    variance = spread * _inflation(used, total, setting.ddof)
    if setting.family != "kernel-density":
        return variance
    dimension = int(setting.truth["dimension"])
    if isinstance(setting.bandwidth, str):
        if used < 2:
            return variance
        factor = bandwidth_factor(setting.bandwidth, used, dimension)
        return variance + factor**2 * spread * _inflation(used, total, 1)
    return variance + dimension * setting.bandwidth**2


def bandwidth_factor(rule: str, size: float, dimension: int) -> float:
    r"""A rule's kernel in standard deviations of n points (divisor n - 1).

    $n^{-1/(d+4)}$ ("scott"), $(n(d+2)/4)^{-1/(d+4)}$ ("silverman"), $1.06\, n^{-1/5}$ ("normal-reference").

    Arguments:
        rule: its name.
        size: n in points.
        dimension: d.

    Source: Scott, 1992, and Silverman, 1986, as in scipy; Fu et al., 2024, arXiv 2402.11778.
    """
    if rule == "normal-reference":
        return 1.06 * size**-0.2
    return (size if rule == "scott" else size * (dimension + 2) / 4) ** (-1 / (dimension + 4))


def _inflation(used: int, total: int, ddof: int) -> float:
    # A pool of one point has no spread, whatever divides it.
    return 0.0 if total == 1 else total / (total - 1) * (used - 1) / (used - ddof)


def can_fit(setting: Setting) -> bool:
    """Whether every variance has a positive divisor: more training points than ddof at every generation."""
    if setting.known_variance:
        return True
    sizes = setting.fit_sizes if setting.pool == "newest" else np.cumsum(setting.fit_sizes)
    if setting.pool == "subsample":
        sizes = np.minimum(sizes, np.asarray(setting.budget)[setting.first :])
    return bool(np.all(sizes > setting.ddof))
