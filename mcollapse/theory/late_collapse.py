"""A family that learns well from real data, and collapses one generation later."""

import numpy as np
from scipy import integrate


def near_miss(size: int) -> float:
    r"""$E\hat\alpha_1 = \frac1{2(n+1)}$: what n uniform real points miss of their interval.

    The family is $p_{\alpha,\mu} = (1-\alpha)\,U[0, 1-2\alpha] + \alpha\,U[\mu, \mu + f(\alpha)]$ with
    $\alpha \in [0, \frac14]$, $\mu \in [2, 3 - f(\alpha)]$ and f that decays extremely fast; the truth has
    $\alpha = 0$, and maximum likelihood $\hat\alpha_1 = (1 - \max x)/2$, up to its bound.

    Source: Barzilai & Shamir, 2025, arXiv 2505.19046, after Theorem 5.1; derived.
    """
    return 1 / (2 * (size + 1))


def escape_probability(size: int) -> float:
    r"""Chance $1 - \int_0^1 n(1-u)^{n-1} \bigl(1 - \frac u2\bigr)^n du$ of a point in the first model's bump.

    That is, of at least one among its n points. It tends to 1/3. On everything so far the bump's likelihood
    then outweighs all real points, and the next fit puts a large $\alpha$ there: the first fit is good and
    the second is not.

    Arguments:
        size: n in points, in both generations.

    Raises:
        ValueError: there is no point.

    Source: Barzilai & Shamir, 2025, arXiv 2505.19046, after Theorem 5.1; derived.
    """
    if size < 1:
        raise ValueError(f"a first model needs at least one point, got {size}")
    stays = integrate.quad(
        lambda v: np.exp((size - 1) * np.log1p(-v / size) + size * np.log1p(-v / (2 * size))), 0, size,
        points=[min(1.0, size / 2), min(30.0, 0.9 * size)], epsabs=1e-13, limit=200,
    )[0]  # fmt: skip
    return float(1 - stays)
