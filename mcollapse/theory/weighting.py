"""A weight on real data beside the last model's: where the loop settles, and which weight is best."""

import numpy as np

from .least_squares import fit_error


def optimal_weight(ratio: float) -> float:
    r"""$w^*(k) = (\sqrt{k^2+4k} - k)/2$, the weight on the real points at which `weighted_limit` is least.

    The root of $w^2 + kw - k = 0$, where the limit is $w^*$ itself: 1/golden ratio at k = 1, about $\sqrt k$
    for small k.

    Arguments:
        ratio: k, real points to a synthetic one, above 0.

    Raises:
        ValueError: the ratio is not positive.

    Source: He, Xu & Cheng, 2025, arXiv 2502.18049.
    """
    if not ratio > 0:
        raise ValueError(f"real points are some, so that their ratio is above 0, got {ratio}")
    return float(2 * ratio / (np.sqrt(ratio**2 + 4 * ratio) + ratio))  # the same, without cancellation


def weighted_limit(weight: float, ratio: float) -> float:
    r"""$V(w, k) = \frac{w^2 + k(1-w)^2}{w(2-w)}$: the long-run error of a mean, times n.

    With n fresh real points of weight w and n/k of the last model in every generation, of any asymptotically
    linear estimator too. All points alike have $w = k/(1+k)$ and $V = (1+k)/(2+k)$; real ones alone 1; with
    $w \to 0$ it is about $k/(2w)$, collapse.

    Arguments:
        weight: w in (0, 1].
        ratio: k, real points to a synthetic one.

    Raises:
        ValueError: the weight is outside (0, 1], or the ratio not positive.

    Source: He, Xu & Cheng, 2025, arXiv 2502.18049.
    """
    _check(weight, ratio)
    return (weight**2 + ratio * (1 - weight) ** 2) / (weight * (2 - weight))


def same_real_limit(weight: float, ratio: float) -> float:
    r"""$1 + (1-w)^2 \frac{k}{w(2-w)}$: the same where the n real points are those of generation 0 again.

    Above 1 for any weight: points of a model teach nothing that the real ones did not. All points alike have
    4/3 at k = 1.

    Arguments: as of `weighted_limit`. Source: derived, after Alemohammad et al., 2023, arXiv 2307.01850.
    """
    _check(weight, ratio)
    return 1 + (1 - weight) ** 2 * ratio / (weight * (2 - weight))


def biased_variance_limit(weight: float, factor: float) -> float:
    r"""$w/(1-(1-w)\lambda)$: where the variance of a Gaussian settles whose points vary by $\lambda$ less.

    In units of the truth's, with fresh real points of weight w in every generation, in the limit of many.

    Arguments:
        weight: w in (0, 1].
        factor: $\lambda$, below $1/(1-w)$.

    Raises:
        ValueError: the weight is outside (0, 1], or the variance grows without a limit.

    Source: derived, after Alemohammad et al., 2023, arXiv 2307.01850.
    """
    _check(weight, 1.0)
    if not 0 <= (1 - weight) * factor < 1:
        raise ValueError(f"with a weight of {weight} a factor of {factor} lets the variance grow for ever")
    return weight / (1 - (1 - weight) * factor)


def weighted_regression_limit(weight: float, real: int, synthetic: int, dimension: int) -> float:
    r"""$\frac{w^2 e(n) + (1-w)^2 e(m)}{1-(1-w)^2}$, $e(n) = d/(n-d-1)$: long-run test error at unit noise.

    The average of a fit to n real rows and one to m of the last model, fresh normal features.

    Arguments:
        weight: w in (0, 1].
        real: n in rows.
        synthetic: m in rows.
        dimension: d.

    Source: derived, after He, Xu & Cheng, 2025, arXiv 2502.18049.
    """
    _check(weight, real / synthetic)
    made = (1 - weight) ** 2 * float(fit_error(dimension, synthetic)) if weight < 1 else 0.0
    return (weight**2 * float(fit_error(dimension, real)) + made) / (weight * (2 - weight))


def weighted_distance_limit(weight: float, real: int, synthetic: int) -> float:
    r"""$\frac16\,\frac{w^2/n + (1-w)^2/m}{1-(1-w)^2(1-1/m)}$: long-run Cramér–von Mises distance.

    Of an empirical law with weight w on n real points and $1-w$ on m of the last one. The same without 1/6 is
    the risk of proportions in units of the variance of a point.

    Arguments:
        weight: w in (0, 1].
        real: n in points.
        synthetic: m in points.

    Source: derived, after He, Xu & Cheng, 2025, arXiv 2502.18049.
    """
    _check(weight, real / synthetic)
    rest = (1 - weight) ** 2
    return (weight**2 / real + rest / synthetic) / (1 - rest * (1 - 1 / synthetic)) / 6


def weighted_covariance_limit(weight: float, real: int, synthetic: int, dimension: int) -> float:
    r"""Long-run $E\|\hat\Sigma - I\|_F^2$ of $w S_{real} + (1-w) S_{synthetic}$, both unbiased.

    With $A = E\,\mathrm{tr}\,\hat\Sigma^2$, $B = E(\mathrm{tr}\,\hat\Sigma)^2$, $\nu = n-1$, $\mu = m-1$,
    $a = (1-w)^2$ the fixed point of
    $$ A = w^2\Bigl[p\bigl(1+\tfrac1\nu\bigr)+\tfrac{p^2}\nu\Bigr] + 2w(1-w)p
       + a\Bigl[\bigl(1+\tfrac1\mu\bigr)A + \tfrac B\mu\Bigr],\qquad
       B = w^2\Bigl[p^2+\tfrac{2p}\nu\Bigr] + 2w(1-w)p^2 + a\Bigl[\tfrac{2A}\mu + B\Bigr], $$
    less p. About $(p^2+p) V(w, n/m)/n$. Infinite where the recursion does not contract: few synthetic points
    at a small weight.

    Arguments:
        weight: w in (0, 1].
        real: n in points, at least 2.
        synthetic: m in points, at least 2.
        dimension: p.

    Source: derived, after He, Xu & Cheng, 2025, arXiv 2502.18049.
    """
    _check(weight, real / synthetic)
    p, nu, mu, rest = dimension, real - 1, synthetic - 1, (1 - weight) ** 2
    both = 2 * weight * (1 - weight)
    matrix = np.array([[1 - rest * (1 + 1 / mu), -rest / mu], [-2 * rest / mu, 1 - rest]])
    if np.abs(np.linalg.eigvals(np.eye(2) - matrix)).max() >= 1:
        return np.inf
    known = [
        weight**2 * (p * (1 + 1 / nu) + p**2 / nu) + both * p,
        weight**2 * (p**2 + 2 * p / nu) + both * p**2,
    ]
    return float(np.linalg.solve(matrix, known)[0] - p)


def _check(weight: float, ratio: float) -> None:
    if not 0 < weight <= 1 or not ratio > 0:
        raise ValueError(
            f"a weight on real points lies in (0, 1], their ratio to others is above 0: got {weight}, {ratio}"
        )
