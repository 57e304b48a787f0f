"""Where schedules lead: improvement, plateau or collapse, at what level and how fast."""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class LongRun:
    """The fate of a risk R_t.

    Arguments:
        outcome: "improves" (to 0), "plateaus" (between 0 and H) or "collapses" (to H, one symbol left).
        risk: the limit of R_t / H; None where it depends on the whole schedule.
    """

    outcome: Literal["improves", "plateaus", "collapses"]
    risk: float | None


@dataclass(frozen=True)
class Decay:
    r"""$R_t \sim H\, C\, t^{-r} (\log t)^l$.

    Arguments:
        exponent: r.
        constant: C; None where it depends on the whole schedule.
        logarithms: l.
    """

    exponent: float
    constant: float | None
    logarithms: int = 0


def plateau(size: float, share: float) -> float:
    r"""$\lim R_t/R_0 = 1/(1 - (1-1/n)(1-a)^2)$ for constant sizes and shares, newest batch, random counts.

    Arguments:
        size: n in points.
        share: a in [0, 1].

    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531, Corollary 3.2 (numbering unverified).
    """
    return 1 / (1 - (1 - 1 / size) * (1 - share) ** 2)


def vanishing_shares(product: float, shares_diverge: bool, inverse_sizes_diverge: bool) -> LongRun:
    r"""Fate of training on the newest batch when $a_t \to 0$ and $n_t \to \infty$.

    $R_t \to 0$ iff $\sum a_t = \infty$ and $c = \lim n_t a_t = \infty$; if $\sum (a_t + 1/n_t) = \infty$ and
    $c < \infty$ then $R_t \to H/(1+2c)$; if both sums are finite the limit lies between and depends on the
    path.

    Arguments:
        product: c, possibly infinite.
        shares_diverge: whether the sum of a_t is infinite.
        inverse_sizes_diverge: whether the sum of 1/n_t is infinite.

    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531, Proposition 3.4 (numbering
    unverified).
    """
    if shares_diverge and np.isinf(product):
        return LongRun("improves", 0.0)
    if not (shares_diverge or inverse_sizes_diverge):
        return LongRun("plateaus", None)
    risk = 1 / (1 + 2 * product) if shares_diverge else 1.0
    return LongRun("collapses" if risk == 1 else "plateaus", risk)


def power_law_fate(share: float, share_exponent: float, size: float, size_exponent: float) -> LongRun:
    r"""Fate for $a_t = a t^{-p}$ and $n_t = n t^b$, newest batch, random counts.

    Arguments:
        share: a in [0, 1].
        share_exponent: p, at least 0.
        size: n in points, at least 1.
        size_exponent: b, at least 0.

    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531.
    """
    if share > 0 and share_exponent == 0:
        if size_exponent > 0:
            return LongRun("improves", 0.0)
        return LongRun("plateaus", plateau(size, share) / size)
    if size_exponent == 0:
        return LongRun("collapses", 1.0)
    gap = size_exponent - share_exponent
    product = 0.0 if share == 0 or gap < 0 else (share * size if gap == 0 else np.inf)
    return vanishing_shares(product, share > 0 and share_exponent <= 1, size_exponent <= 1)


def power_law_decay(share: float, share_exponent: float, size: float, size_exponent: float) -> Decay:
    r"""Rate of improvement for $a_t = a t^{-p}$ and $n_t = n t^b$, newest batch.

    $t^{-b}/(n a(2-a))$ for $p = 0$; $t^{-(b-p)}/(2an)$ for $0 < p < 1$; for $p = 1$
    $t^{-(b-1)}/(n(2a-b+1))$ if $2a > b-1$, one more logarithm at equality, and $t^{-2a}$ below.

    Arguments:
        share: a in (0, 1].
        share_exponent: p in [0, 1].
        size: n in points.
        size_exponent: b > p.

    Raises:
        ValueError: the risk does not vanish under this schedule.

    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531.
    """
    if power_law_fate(share, share_exponent, size, size_exponent).outcome != "improves":
        raise ValueError("there is no rate: under this schedule the risk does not vanish")
    if share_exponent == 0:
        return Decay(size_exponent, 1 / (size * share * (2 - share)))
    if share_exponent < 1:
        return Decay(size_exponent - share_exponent, 1 / (2 * share * size))
    slack = 2 * share - (size_exponent - 1)
    if slack == 0:
        return Decay(2 * share, 1 / size, logarithms=1)
    return Decay(size_exponent - 1, 1 / (size * slack)) if slack > 0 else Decay(2 * share, None)


def accumulate_decay(share: float, size: float) -> Decay:
    r"""Rate on everything so far with constant share and size: $t^{-\min(1, 2a)}$.

    $R_t \sim H/(nt(2a-1))$ for $a > 1/2$, $H \log t/(nt)$ at 1/2 and of order $t^{-2a}$ below.

    Arguments:
        share: a in (0, 1].
        size: n in points.

    Source: derived, after Wang, Niu & Li, 2026, arXiv 2602.16065.
    """
    if share == 0.5:
        return Decay(1.0, 1 / size, logarithms=1)
    return Decay(1.0, 1 / (size * (2 * share - 1))) if share > 0.5 else Decay(2 * share, None)


def accumulate_limit(size: float) -> float:
    r"""$\lim R_t/H = 1 - \sin(x)/x$, $x = \pi/\sqrt n$, on everything so far, n points a generation.

    It is also the lost part of a Gaussian's variance with ddof 0; about $\pi^2/6$ times 1/n.

    Arguments:
        size: n in points.

    Source: derived, after Kazdan et al., 2024, arXiv 2410.16713.
    """
    return float(1 - np.sinc(1 / np.sqrt(size)))


def accumulate_ratio(fits: np.ndarray) -> np.ndarray:
    r"""Variance on everything so far relative to one fit, $\sum_{j \le k} 1/j^2 \to \pi^2/6$; at large sizes.

    Arguments:
        fits: k, int [G], at least 1.

    Source: Dey & Donoho, 2024, arXiv 2410.22812.
    """
    fits = np.asarray(fits)
    return np.cumsum(1 / np.arange(1, fits.max() + 1) ** 2)[fits - 1]


def subsample_ratio(fits: np.ndarray) -> np.ndarray:
    r"""The same for a subsample of one batch's size, $1 + \sum_{j<k} \frac{2-1/j}{(j+1)^2} + 1 - \frac1k$.

    It tends to $\pi^2/2 - 2$.

    Arguments:
        fits: k, int [G], at least 1.

    Source: derived, after Kazdan et al., 2024, arXiv 2410.16713.
    """
    fits = np.asarray(fits)
    earlier = np.arange(1, max(int(fits.max()), 2))
    total = np.concatenate([np.zeros(1), np.cumsum((2 - 1 / earlier) / (earlier + 1) ** 2)])
    return 1 + total[fits - 1] + 1 - 1 / fits


def past_models_ratio(fits: np.ndarray, truth_among: bool = True) -> np.ndarray:
    r"""The same for points of models chosen uniformly among all past ones, $\sum_{j\le k} 1/j^2 \to \pi^2/6$.

    That is with the truth among them; with models alone the limit is $1 + \pi^2/6$: each fit k above 1 adds
    $1/(k-1)^2$.

    Arguments:
        fits: k, int [G], at least 1.
        truth_among: whether the truth is one of those that are chosen from.

    Source: derived, after Seddik et al., 2024, arXiv 2404.05090, and Fu et al., 2024, arXiv 2402.11778.
    """
    fits = np.asarray(fits)
    if truth_among:
        return accumulate_ratio(fits)
    squares = np.concatenate([np.ones(1), 1 / np.arange(1.0, fits.max()) ** 2])
    return np.cumsum(squares)[fits - 1]


def wasserstein_first_order(sizes: np.ndarray) -> np.ndarray:
    r"""$E\,W_2^2 \approx \frac32 \sum_{j \le k} 1/n_j$ of a Gaussian under replacement.

    In units of the variance. Up to terms of order $n^{-2}$ for each fit, whatever the ddof; with ddof 1 it
    tends to infinity with k, and sizes that grow like $j^{1+\epsilon}$ keep it bounded.

    Arguments:
        sizes: n_1 ... n_F in points, [F].

    Returns:
        after 1 ... F fits, [F].

    Source: Shumailov et al., 2023, arXiv 2305.17493.
    """
    return 1.5 * np.cumsum(1 / np.asarray(sizes, dtype=float))
