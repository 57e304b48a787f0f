"""Next tokens whose contexts are drawn, on everything so far: a chain of how many points a context has."""

from collections.abc import Iterator

import numpy as np

from .binomial import binomial_law
from .setting import Setting

_MOST = 3e7  # pairs of numbers of points, of all generations together: some seconds


def pooled_moments(setting: Setting) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    r"""Bias and mean square of the error of every probability, [C, K], generation by generation.

    With M points of a context so far and $N \sim \mathrm{Bin}(n, \pi_c)$ new ones the error of a row becomes
    $$ e_+ = \frac{M + N(1-a)}{M+N}\, e + \xi,\qquad
       E\,\xi^2 = \frac{N}{(M+N)^2}\,E\bigl(\theta(1-\theta) + (1-2\theta)(1-a)e - (1-a)^2e^2\bigr), $$
    and stays what it was where N is 0. So $E[e; M]$ and $E[e^2; M]$ obey a linear recursion over M. A row
    that was never fitted is uniform.

    Arguments:
        setting: next tokens with random counts of contexts, all batches, last model or random counts.

    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531.
    """
    table = np.asarray(setting.truth["probabilities"], float)
    gap, spread, skew = 1 / table.shape[1] - table, table * (1 - table), 1 - 2 * table
    if setting.start == "truth":
        yield np.zeros_like(table), np.zeros_like(table)
    levels, context = np.unique(setting.context_weights, return_inverse=True)
    for step in zip(*(_walk(setting, float(weight)) for weight in levels), strict=True):
        bias, of_spread, of_gap, of_both = np.array(step)[context].T[..., None]
        yield bias * gap, of_spread * spread + of_gap * gap**2 + of_both * gap * skew


def affordable(setting: Setting) -> bool:
    """Whether the chain is short enough to be followed."""
    sizes, work = setting.fit_sizes.astype(float), 0.0
    for weight in np.unique(setting.context_weights):
        width = np.sqrt(weight * (1 - weight))
        new, kept = (24 * width * np.sqrt(points) + 120 for points in (sizes, np.cumsum(sizes)))
        work += float(np.sum(np.minimum(new, sizes) * np.minimum(kept, np.cumsum(sizes))))
    return work <= _MOST


def _walk(setting: Setting, weight: float) -> Iterator[np.ndarray]:
    """What stands beside gap in the bias, and beside spread, gap^2 and gap (1 - 2 p) in the mean square."""
    uniform = float(setting.start == "real")
    # in rows: chance, bias and the three parts of the square; in columns: M
    state, low, total = np.array([[1.0], [uniform], [0.0], [uniform], [0.0]]), 0, 0
    for t in range(setting.first, setting.generations + 1):
        size, kept = int(setting.batches.sizes[t]), 1 - float(setting.batches.shares[t])
        total += size
        seen = binomial_law(total, weight)[0]
        after, before = np.zeros((5, len(seen))), low + np.arange(state.shape[1])
        for new, chance in zip(*binomial_law(size, weight), strict=True):
            inside = (before + new >= seen[0]) & (before + new <= seen[-1])
            moved = _moved(state[:, inside], before[inside], int(new), kept)
            after[:, before[inside] + new - seen[0]] += chance * moved
        state, low = after, int(seen[0])
        yield state[1:].sum(axis=1)


def _moved(state: np.ndarray, before: np.ndarray, new: int, kept: float) -> np.ndarray:
    if new == 0:
        return state
    chance, bias, of_spread, of_gap, of_both = state
    all_points = before + new
    factor, noise = (before + new * kept) / all_points, new / all_points**2
    passed = factor**2 - noise * kept**2
    return np.stack([
        chance, factor * bias, passed * of_spread + noise * chance, passed * of_gap,
        passed * of_both + noise * kept * bias,
    ])  # fmt: skip
