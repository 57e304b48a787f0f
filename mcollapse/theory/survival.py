"""Which symbols are still alive under replacement: the exact chain, its bounds and its approximation."""

import numpy as np

from .branching import branching_extinction, extinction_lower_bound
from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .setting import Setting, fits_at
from .wright_fisher import Bracket, extinction

QUANTITIES = frozenset({"alive", "support", "single_symbol"})
_SURESH = "Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646"
_DOMAIN = "Bernoulli or categorical, maximum likelihood, newest batch, last model"
EXACT = Law(
    "replacement-survival",
    "Survival of symbols by the exact chain of their counts",
    "exact",
    "textbook Wright-Fisher chain; truncation derived",
    _DOMAIN,
    "truth",
)
LOWER = Law(
    "replacement-survival-lower-bound",
    "Lower bound on the survival of symbols, and on collapse to a single one",
    "lower bound",
    f"{_SURESH}, Theorem 1 and Corollary 1; other sizes derived",
    f"{_DOMAIN}; collapse to a single symbol for constant sizes only",
    "truth",
)
UPPER = Law(
    "replacement-survival-upper-bound",
    "Upper bound on the survival of symbols, and on collapse to a single one",
    "upper bound",
    f"{_SURESH}, Theorem 1 and Corollary 1; other sizes derived",
    f"{_DOMAIN}; survival for constant sizes only",
    "truth",
)
BRANCHING = Law(
    "poisson-branching-survival",
    "Survival of symbols as independent Poisson branching processes",
    "approximation",
    f"{_SURESH}, Theorem 2 (exact for the Poisson family)",
    f"{_DOMAIN}, while the sum of 1/n_t is at most 1/2",
    "truth",
)
# Measured against the exact chain for p from 0.5/n to 0.3 and n from 50 to 1000.
_BRANCHING_ERROR = 0.3


def replaced_symbols(setting: Setting) -> bool:
    """Bernoulli or categorical, unsmoothed, under replacement."""
    smoothed = setting.estimator == "add-constant" and setting.constant > 0
    return setting.of_symbols and setting.same_family and setting.replaces and not smoothed


def levels(setting: Setting, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of symbols and how many symbols have each; for alive one symbol at a time, both [U]."""
    if name == "alive":
        return setting.probabilities, np.ones(len(setting.probabilities))
    return np.unique(setting.probabilities, return_counts=True)


def watched(setting: Setting, name: str) -> np.ndarray:
    """Probabilities of the symbols whose extinction makes a quantity, [U].

    They are the symbols themselves, except that one symbol is single once all others together are extinct.
    """
    chances, _ = levels(setting, name)
    return 1 - chances if name == "single_symbol" else chances


def survivors(setting: Setting, name: str, lost: np.ndarray) -> np.ndarray:
    r"""A quantity from the chances $e_i$ that the symbols that it watches are extinct.

    alive is $1 - e_i$ (of a Bernoulli, of the success alone), support its sum, and single_symbol
    $\sum_i \min(p_i, e_i)$, since a martingale started at $p_i$ is at 1 with probability at most $p_i$.

    Arguments:
        setting: Bernoulli or categorical.
        name: "alive", "support" or "single_symbol".
        lost: e_i of `watched`, [G, U].

    Returns:
        [G, K] for the categorical alive, otherwise [G].
    """
    chances, copies = levels(setting, name)
    if name == "single_symbol":
        return (np.minimum(lost, chances) @ copies).clip(0, 1)
    alive = (1 - lost).clip(0, 1)
    if name == "support":
        return alive @ copies
    return alive[:, 1] if setting.family == "bernoulli" else alive


def indicator_variance(name: str, values: np.ndarray) -> np.ndarray | None:
    """Variance over replicates of an indicator; that of the support takes pairs, and is not known."""
    return None if name == "support" else values * (1 - values)


def forgotten(setting: Setting, generations: np.ndarray) -> Bracket:
    """Chance that each symbol has been forgotten by each generation, exact, [G, K].

    Arguments:
        setting: Bernoulli or categorical under replacement.
        generations: engine generations, int [G].

    Source: textbook Wright-Fisher chain.
    """
    return extinction(setting.probabilities, setting.fit_sizes, fits_at(setting, generations))


def median_forgetting_time(setting: Setting) -> np.ndarray:
    """First generation by which a symbol is more likely forgotten than not, [K]; infinite if after T.

    For a rare symbol under replacement by constant sizes it is about 2.9 times its expected count.

    Arguments:
        setting: Bernoulli or categorical under replacement.

    Source: derived, after Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646.
    """
    gone = forgotten(setting, np.arange(setting.generations + 1)).value >= 0.5
    return np.where(gone.any(axis=0), gone.argmax(axis=0), np.inf)


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """The exact chain with its bracket, then bounds and the approximation where they apply."""
    predictions = []
    for name in plain(asked):
        predictions += [_exact(setting, name, generations), *_bounds(setting, name, generations)]
    return predictions


def _exact(setting: Setting, name: str, generations: np.ndarray) -> Prediction:
    lost = extinction(watched(setting, name), setting.fit_sizes, fits_at(setting, generations))
    one, other = survivors(setting, name, lost.lower), survivors(setting, name, lost.upper)
    values, spread = (one + other) / 2, indicator_variance(name, (one + other) / 2)
    lower, upper = np.minimum(one, other), np.maximum(one, other)
    return Prediction(EXACT, name, "mean", generations, values, lower=lower, upper=upper, variance=spread)


def _bounds(setting: Setting, name: str, generations: np.ndarray) -> list[Prediction]:
    at, sizes, chances = fits_at(setting, generations), setting.fit_sizes, watched(setting, name)
    # Few extinct symbols mean many alive, but also few single ones: the two kinds of bound change places.
    few, many = (LOWER, UPPER) if name == "single_symbol" else (UPPER, LOWER)
    values = survivors(setting, name, branching_extinction(chances, sizes, at))
    bounds = [Prediction(many, name, "mean", generations, values)]
    if setting.constant_size and len(sizes):
        fewest = survivors(setting, name, extinction_lower_bound(chances, int(sizes[0]), at))
        bounds.append(Prediction(few, name, "mean", generations, fewest))
    drift = float(np.sum(1 / sizes[: at.max(initial=0)]))
    if name != "single_symbol" and drift <= 0.5:
        tolerance = _BRANCHING_ERROR * drift
        bounds.append(Prediction(BRANCHING, name, "mean", generations, values, tolerance=tolerance))
    return bounds


CHAPTER = Chapter((EXACT, LOWER, UPPER, BRANCHING), QUANTITIES, replaced_symbols, predict)
