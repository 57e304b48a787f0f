"""Survival of symbols where real data keep coming, or where nothing is ever thrown away."""

import numpy as np
from scipy import special

from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .setting import Setting
from .survival import QUANTITIES, indicator_variance, survivors, watched
from .wright_fisher import binomial_rows

FRESH = Law(
    "fresh-data-survival",
    "Survival of symbols by the exact chain of their counts, with real data in every batch",
    "exact",
    "derived",
    "Bernoulli or categorical, maximum likelihood, newest batch, mixture or split, sizes up to 2,000, "
    "few distinct probabilities and steps",
    "truth",
)
ACCUMULATE = Law(
    "accumulate-survival",
    "On everything so far a symbol lives from its first appearance on",
    "exact",
    "derived",
    "Bernoulli or categorical, maximum likelihood, all batches, any source",
    "truth",
)
_LARGEST = 2000
_MOST_ENTRIES = 6e7  # of transition matrices: some seconds


def accumulate_extinction(setting: Setting, probabilities: np.ndarray, generations: np.ndarray) -> np.ndarray:
    r"""Chance that a symbol has not been seen by generation t when all batches are kept, [G, K].

    A symbol that is not in the pool cannot come from the model, so
    $$ (1-p)^{n_0} \prod_{s=1}^t (1 - a_s p)^{n_s} \quad\text{or}\quad (1-p)^{n_0 + \sum_s r_s} $$
    for random counts with real shares a, or r real points each. After a start at the truth the first batch
    takes the place of that of generation 0.

    Arguments:
        setting: Bernoulli or categorical with pool "all".
        probabilities: p, [K].
        generations: engine generations, int [G].

    Source: derived.
    """
    batches, first = setting.batches, setting.first
    sizes, shares = batches.sizes.astype(float), batches.shares.copy()
    shares[first : first + 1] = 1.0
    if batches.random:
        steps = special.xlog1py(sizes[:, None], -shares[:, None] * probabilities)
    else:
        steps = special.xlog1py((sizes * shares)[:, None], -probabilities)
    lost = np.exp(np.cumsum(np.where(np.arange(len(sizes))[:, None] < first, 0.0, steps), axis=0))
    return np.where(generations[:, None] < first, probabilities == 0, lost[generations])


def fresh_extinction(setting: Setting, probabilities: np.ndarray, generations: np.ndarray) -> np.ndarray:
    r"""Chance that a symbol has no mass at generation t when every batch holds real points, [G, K].

    The count is a chain that can come back from 0: $\mathrm{Bin}(n_t, a_t p + (1-a_t) j/n_{t-1})$ for random
    counts, $\mathrm{Bin}(r_t, p) + \mathrm{Bin}(n_t - r_t, j/n_{t-1})$ for fixed ones.

    Arguments:
        setting: Bernoulli or categorical with pool "newest", sizes of a few thousand points at most.
        probabilities: p, [K].
        generations: engine generations, int [G].

    Source: derived.
    """
    chances, symbol = np.unique(probabilities, return_inverse=True)
    walk = _independent if setting.batches.random else _blocks
    lost = np.vstack([np.tile(chances == 0, (setting.first, 1)), walk(setting, chances)])
    return np.clip(lost[generations][:, symbol], 0, 1)


def _drawn(size: int, probabilities: np.ndarray) -> np.ndarray:
    """Laws of Bin(n, p), dense, [P, n + 1]."""
    if size == 0:
        return np.ones((len(probabilities), 1))
    nothing, rows, _ = binomial_rows(size, probabilities, size)
    return np.column_stack([nothing, rows.toarray()])


def _independent(setting: Setting, chances: np.ndarray) -> np.ndarray:
    batches, first = setting.batches, setting.first
    lost = np.empty((len(batches.sizes) - first, len(chances)))
    for column, chance in enumerate(chances):
        law, built, step = _drawn(int(batches.sizes[first]), chances[column : column + 1])[0], None, None
        lost[0, column] = law[0]
        for generation in range(first + 1, len(batches.sizes)):
            size, share = int(batches.sizes[generation]), float(batches.shares[generation])
            if built != (len(law), size, share):
                model = np.arange(len(law)) / (len(law) - 1)
                step = binomial_rows(size, share * chance + (1 - share) * model, size)
                built = (len(law), size, share)
            assert step is not None
            law = np.concatenate([[law @ step[0]], step[1].T @ law])
            lost[generation - first, column] = law[0]
    return lost


def _blocks(setting: Setting, chances: np.ndarray) -> np.ndarray:
    batches, first = setting.batches, setting.first
    laws = _drawn(int(batches.sizes[first]), chances)
    lost, built, step, fresh = [laws[:, 0]], None, np.ones((1, 1)), np.ones((1, 1))
    for generation in range(first + 1, len(batches.sizes)):
        size, points = int(batches.sizes[generation]), laws.shape[1] - 1
        real = int(round(size * float(batches.shares[generation])))
        if built != (points, size, real):
            built = (points, size, real)
            step = _drawn(size - real, np.arange(points + 1) / points)
            fresh = _drawn(real, chances)
        laws = laws @ step
        if real:
            laws = np.array([np.convolve(one, other) for one, other in zip(laws, fresh, strict=True)])
        lost.append(laws[:, 0])
    return np.array(lost)


def _affordable(setting: Setting) -> bool:
    batches = setting.batches
    if batches.sizes.max() > _LARGEST:
        return False
    steps = np.column_stack([batches.sizes[setting.first :], batches.shares[setting.first :]])
    changes = 1 + int(np.any(np.diff(steps, axis=0) != 0, axis=1).sum())
    size, symbols = float(batches.sizes.max()), len(np.unique(setting.probabilities))
    # An entry takes 50 times as long to build as to use; fixed counts share a matrix between symbols.
    work = changes * (symbols if batches.random else 1) + len(steps) * symbols / 50
    width = min(size, 16 * size**0.5) if batches.random else size
    return work * size * width <= _MOST_ENTRIES


def applies(setting: Setting) -> bool:
    """Unsmoothed proportions on all batches, or on the newest with real points in it."""
    smoothed = setting.estimator == "add-constant" and setting.constant > 0
    if not setting.of_symbols or not setting.same_family or smoothed or setting.pool == "subsample":
        return False
    return setting.pool == "all" or (not setting.replaces and _affordable(setting))


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Exact survival, support and chance of a single symbol."""
    law, extinct = (ACCUMULATE, accumulate_extinction) if setting.pool == "all" else (FRESH, fresh_extinction)
    predictions = []
    for name in plain(asked):
        values = survivors(setting, name, extinct(setting, watched(setting, name), generations))
        spread = indicator_variance(name, values)
        predictions.append(Prediction(law, name, "mean", generations, values, variance=spread))
    return predictions


CHAPTER = Chapter((FRESH, ACCUMULATE), QUANTITIES, applies, predict)
