"""Exact fourth moments of the Gaussian loop with real data: the variance over replicates of its risks."""

from dataclasses import dataclass

import numpy as np

from .setting import Setting


@dataclass(frozen=True)
class _Moments:
    """Expectations of products of x = (mean error)^2 and v = variance of the model, truth N(0, 1)."""

    x: float
    v: float
    xx: float
    xv: float
    vv: float


def gaussian_fourth_moments(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    r"""Variance over replicates of the squared mean error and of the fitted variance.

    Given the past, the fourth moments of the mean and variance of a batch are polynomials of the second
    degree in $x = e^2$ and $v$, so $(E x, E v, E x^2, E xv, E v^2)$ obeys an affine recursion. A batch of
    independent draws from the mixture enters by its central moments $m_2, m_3, m_4$ and $\kappa_4 = m_4 - 3
    m_2^2$:
    $$ E(\bar x-c)^4 = \frac{3m_2^2}{n^2} + \frac{\kappa_4}{n^3},\quad
       E(\bar x-c)^2 s^2 = \frac{m_2^2}{n} + \frac{\kappa_4}{n^2},\quad
       E s^4 = m_2^2\,\frac{n+1}{n-1} + \frac{\kappa_4}{n} ; $$
    one of fixed counts by the two blocks, each with a normal mean and a chi-square sum of squares.

    Arguments:
        setting: Gaussian truth and family, newest batch; any sizes of at least 2 and any shares.

    Returns:
        (Var (mean - mean*)^2, Var variance), each [T+1].

    Source: derived.
    """
    scale, batches = float(setting.truth["variance"]), setting.batches
    state = _Moments(0.0, 1.0, 0.0, 0.0, 1.0)
    step = _independent if batches.random else _blocks
    errors, variances = np.zeros(setting.generations + 1), np.zeros(setting.generations + 1)
    for generation in range(setting.first, setting.generations + 1):
        size, share = float(batches.sizes[generation]), float(batches.shares[generation])
        state = _refit(setting, step(state, size, share), size)
        errors[generation], variances[generation] = state.xx - state.x**2, state.vv - state.v**2
    return scale**2 * _settled(errors), scale**2 * _settled(variances)


def _settled(spread: np.ndarray) -> np.ndarray:
    # Two points a generation and no real data for long: the moment is beyond float64, a difference NaN.
    return np.maximum(np.where(np.isnan(spread), np.inf, spread), 0)


def _refit(setting: Setting, batch: _Moments, size: float) -> _Moments:
    # The batch comes with the unbiased variance.
    if setting.known_variance:
        return _Moments(batch.x, 1.0, batch.xx, batch.x, 1.0)
    factor = (size - 1) / (size - setting.ddof)
    return _Moments(batch.x, factor * batch.v, batch.xx, factor * batch.xv, factor**2 * batch.vv)


def _independent(s: _Moments, n: float, a: float) -> _Moments:
    b = 1 - a
    m2 = a + b * s.v + a * b * s.x
    m2_m2 = a**2 + b**2 * s.vv + (a * b) ** 2 * s.xx + 2 * a * b * (s.v + a * s.x + b * s.xv)
    c_m3 = b * (3 * a * b * (s.xv - s.x) + a * b * (a - b) * s.xx)
    m4 = a * (3 + 6 * b**2 * s.x + b**4 * s.xx) + b * (3 * s.vv + 6 * a**2 * s.xv + a**4 * s.xx)
    cc_m2 = b**2 * (a * s.x + b * s.xv + a * b * s.xx)
    k4 = m4 - 3 * m2_m2
    return _Moments(
        x=b**2 * s.x + m2 / n,
        v=m2,
        xx=b**4 * s.xx + 6 * cc_m2 / n + 4 * c_m3 / n**2 + 3 * m2_m2 / n**2 + k4 / n**3,
        xv=cc_m2 + 2 * c_m3 / n + m2_m2 / n + k4 / n**2,
        vv=m2_m2 * (n + 1) / (n - 1) + k4 / n,
    )


def _blocks(s: _Moments, n: float, a: float) -> _Moments:
    # r real points, m synthetic ones; the mean is N(b e, tau), the gap between block means N(e, omega), their
    # covariance (v - 1)/n, and the sum of squares is chi2_{r-1} + v chi2_{m-1} + h gap^2 with h = r m / n.
    r, m, b, h = n * a, n * (1 - a), 1 - a, n * a * (1 - a)
    tau = (a + b * s.v) / n
    tau_tau = (a**2 + 2 * a * b * s.v + b**2 * s.vv) / n**2
    x_tau, tau_v = (a * s.x + b * s.xv) / n, (a * s.v + b * s.vv) / n
    # h times omega is b + a v: finite even where one block is empty.
    gap2 = h * s.x + b + a * s.v
    gap4 = h**2 * s.xx + 6 * h * (b * s.x + a * s.xv) + 3 * (b**2 + 2 * a * b * s.v + a**2 * s.vv)
    gap2_v = h * s.xv + b * s.v + a * s.vv
    within_x, within_tau = (r - 1) * s.x + (m - 1) * s.xv, (r - 1) * tau + (m - 1) * tau_v
    tau_gap_noise = (a * b + (a**2 + b**2) * s.v + a * b * s.vv) / n
    covariance2 = 2 * h * (s.vv - 2 * s.v + 1) / n**2
    mean2_gap2 = (
        b**2 * (h * s.xx + b * s.x + a * s.xv)
        + h * x_tau
        + 4 * b * h * (s.xv - s.x) / n
        + tau_gap_noise
        + covariance2
    )
    within2 = (r**2 - 1) + (m**2 - 1) * s.vv + 2 * (r - 1) * (m - 1) * s.v
    squares2 = within2 + 2 * ((r - 1) * gap2 + (m - 1) * gap2_v) + gap4
    return _Moments(
        x=b**2 * s.x + tau,
        v=((r - 1) + (m - 1) * s.v + gap2) / (n - 1),
        xx=b**4 * s.xx + 6 * b**2 * x_tau + 3 * tau_tau,
        xv=(b**2 * within_x + within_tau + mean2_gap2) / (n - 1),
        vv=squares2 / (n - 1) ** 2,
    )
