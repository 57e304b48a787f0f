"""When one symbol has all the mass: bounds on the chance of it, and the expected time."""

import numpy as np

from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .setting import Setting, fits_at
from .survival import replaced_symbols
from .wright_fisher import binomial_rows

_SEDDIK = "Seddik et al., 2024, arXiv 2404.05090, Theorem 1; other sizes derived"
_DOMAIN = "Bernoulli or categorical, maximum likelihood, newest batch, last model"
LOWER = Law(
    "collapse-lower-bound", "Lower bound on collapse to one symbol", "lower bound", _SEDDIK, _DOMAIN, "truth"
)
UPPER = Law(
    "collapse-upper-bound", "Upper bound on collapse to one symbol", "upper bound", _SEDDIK, _DOMAIN, "truth"
)


def collapse_bounds(
    probabilities: np.ndarray, sizes: np.ndarray, fits: np.ndarray, sharp: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    r"""Bounds on the probability that one symbol has all the mass after k fits.

    $$ 1 - n_k (1-S_0)\prod_{j\le k}\Bigl(1-\frac1{n_j}\Bigr) \;\le\; P \;\le\;
       1 - \frac{1-S_0}{1-1/\tilde s}\prod_{j\le k}\Bigl(1-\frac1{n_j}\Bigr) , $$
    with $S_0 = \sum_i p_i^2$ and $\tilde s$ symbols in the support. Their distance is of order n, so they
    tell the rate of collapse and not its time.

    Arguments:
        probabilities: p, [K].
        sizes: n_1 ... n_F in points, [F].
        fits: k, int [G], each at most F.
        sharp: the factor $n_k$ of the lower bound is replaced by $n_k^2/(2(n_k-1))$, which also holds.

    Returns:
        lower and upper, [G].

    Source: Seddik et al., 2024, arXiv 2404.05090, Theorem 1, for constant sizes; derived for others.
    """
    chances, fits = np.asarray(probabilities, dtype=float), np.asarray(fits)
    support = int(np.sum(chances > 0))
    if support == 1:
        return np.ones(len(fits)), np.ones(len(fits))
    sizes = np.concatenate([np.full(1, np.inf), np.asarray(sizes, dtype=float)])
    diversity = (1 - np.sum(chances**2)) * np.cumprod(1 - 1 / sizes)[fits]
    with np.errstate(invalid="ignore", divide="ignore"):
        # what is left of the diversity while two symbols live is at least 2(n - 1)/n^2
        factor = sizes**2 / (2 * (sizes - 1)) if sharp else sizes
        lower = np.where(diversity > 0, 1 - factor[fits] * diversity, 1.0)
    return np.clip(lower, 0, 1), np.clip(1 - diversity / (1 - 1 / support), 0, 1)


def expected_collapse_time(probabilities: np.ndarray, size: int) -> float:
    r"""Expected first generation at which one symbol has all the mass, counted from the truth.

    $$ E T = 1 + \sum_i w_i^\top (I-Q)^{-1} \frac jn , $$
    with Q the chain of one symbol's count on 1 ... n - 1 and $w_i$ the law of $\mathrm{Bin}(n, p_i)$ there.
    After a real start, where generation 0 is the first fit, it is one less.

    Arguments:
        probabilities: p, [K].
        size: n in points, the same at every generation; a dense system of n - 1 equations is solved.

    Raises:
        ValueError: n is above 4,000.

    Source: derived; bounds in Seddik et al., 2024, arXiv 2404.05090.
    """
    if size > 4000:
        raise ValueError(f"{size - 1} dense equations are too many to solve: use a size of 4,000 or less")
    chances, copies = np.unique(np.asarray(probabilities, dtype=float), return_counts=True)
    if chances[-1] == 1:
        return 0.0
    shares = np.arange(1, size) / size
    chain = binomial_rows(size, shares, size)[1].toarray()[:, :-1]
    start = binomial_rows(size, chances, size)[1].toarray()[:, :-1]
    return 1 + float(copies @ start @ np.linalg.solve(np.eye(size - 1) - chain, shares))


def collapse_time_bounds(probabilities: np.ndarray, size: int) -> tuple[float, float]:
    r"""Bounds on the expected first generation at which one symbol has all the mass.

    $$ 1 + (n-1)\frac{1-S_0}{1-1/\tilde s} \;\le\; E T \;\le\; 1 + (1-S_0)\, n(n-1) . $$
    Its true order is n. Counted from the truth, as `expected_collapse_time`, which is exact.

    Arguments:
        probabilities: p, [K].
        size: n in points, the same at every generation.

    Returns:
        lower and upper; both 0 where the truth is a single symbol.

    Source: Seddik et al., 2024, arXiv 2404.05090, Theorem 1.
    """
    chances = np.asarray(probabilities, dtype=float)
    support = int(np.sum(chances > 0))
    if support == 1:
        return 0.0, 0.0
    diversity = float(1 - np.sum(chances**2))
    return 1 + (size - 1) * diversity / (1 - 1 / support), 1 + diversity * size * (size - 1)


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Both bounds on the chance of a single symbol."""
    bounds = collapse_bounds(setting.probabilities, setting.fit_sizes, fits_at(setting, generations))
    return [
        Prediction(law, name, "mean", generations, values)
        for name in plain(asked)
        for law, values in zip((LOWER, UPPER), bounds, strict=True)
    ]


CHAPTER = Chapter((LOWER, UPPER), frozenset({"single_symbol"}), replaced_symbols, predict)
