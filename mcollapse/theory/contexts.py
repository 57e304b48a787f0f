"""Many contexts at once: every law of a categorical model holds in each of them."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from . import categorical, collapse, fresh_survival, informed, past, survival
from .binomial import binomial_law
from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .pooled_contexts import affordable, pooled_moments
from .setting import Regime, Setting

_OF_ONE = (
    categorical.CHAPTER, survival.CHAPTER, fresh_survival.CHAPTER, collapse.CHAPTER, informed.CHAPTER,
    past.CHAPTER,
)  # fmt: skip
_AVERAGED = ("chi_square", "concentration")
RANDOM = Law(
    "contexts-of-random-counts",
    "Risk of next-token proportions when each point has a random context, and an unseen one keeps its row",
    "exact",
    "derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531, Theorem 3.1",
    "next tokens, random counts of contexts, maximum likelihood or add-constant, newest batch, last model or "
    "mixture with random counts",
    "fit to real",
)

POOLED = Law(
    "contexts-of-random-counts-pooled",
    "Risk of next-token proportions on everything so far when each point has a random context",
    "exact",
    "derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531",
    "next tokens, random counts of contexts, maximum likelihood, all batches, last model or mixture with "
    "random counts, not too many points",
    "fit to real",
)


def _of_contexts(law: Law) -> Law:
    return dataclasses.replace(
        law,
        name=f"contexts-{law.name}",
        title=f"{law.title}, in every context",
        domain=f"next tokens, fixed counts of contexts; in each of them: {law.domain}",
    )


_CARDS = {
    law.name: _of_contexts(law) for chapter in _OF_ONE for law in chapter.laws if law is not informed.CURRENT
}


def shared_out(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    r"""Points of every context, int [T+1, C]: the first c together have $\lfloor n W_c \rfloor$.

    Arguments:
        points: n_t, int [T+1].
        weights: of the contexts, [C], which sum to one.
    """
    # 0.29 of 100 points are 29, whatever the last bits of a sum say
    ends = np.floor(np.outer(points, np.cumsum(weights)[:-1]) * (1 + 1e-14) + 1e-9).astype(np.int64)
    return np.diff(ends, axis=1, prepend=0, append=np.asarray(points, np.int64)[:, None])


def of_context(setting: Setting) -> list[Setting] | None:
    """The categorical experiment of each context; None where they are not experiments of their own.

    Arguments:
        setting: next tokens with fixed counts of contexts.
    """
    if setting.estimator == "real-only" and setting.pool == "newest":
        return None  # one context is refitted or not by how many real points all of them have
    weights, sizes = setting.context_weights, np.asarray(setting.sizes)
    divided = [shared_out(sizes, weights)]
    drawn = divided[0]
    if setting.source == "split" or (setting.source == "mixture" and setting.counts == "fixed"):
        real = np.rint(setting.batches.sizes * setting.batches.shares).astype(np.int64)
        divided = [divided[0], *(shared_out(part, weights) for part in (real, setting.batches.sizes - real))]
        drawn = divided[1] + divided[2]
    if np.any(drawn[setting.first :] < 1) or not _separate(setting, divided):
        return None
    return [_one(setting, [np.maximum(part[:, c], 0) for part in divided], c) for c in range(len(weights))]


def _separate(setting: Setting, divided: list[np.ndarray]) -> bool:
    """Whether no context sees how many points another one has."""
    alike = all(np.all(part == part[:, :1]) for part in divided)
    one = len(setting.context_weights) == 1
    if setting.pool == "subsample" or (setting.source == "past-models" and setting.counts == "fixed"):
        return one
    return one or alike if setting.estimator == "weighted" else True


def _one(setting: Setting, parts: list[np.ndarray], context: int) -> Setting:
    sizes = np.concatenate([np.maximum(parts[0][:1], 1 - (setting.first == 0)), parts[0][1:]])
    split = {}
    if len(parts) == 3:
        split = {"source": "split", "real_sizes": parts[1], "synthetic_sizes": parts[2]}
    truth = {"probabilities": np.asarray(setting.truth["probabilities"], float)[context]}
    return dataclasses.replace(
        setting, family="categorical", contexts=None, truth=truth, sizes=np.maximum(sizes, 1), **split
    )


def random_moments(setting: Setting) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    r"""Bias and mean square of the error of every probability, [C, K], generation by generation.

    With $N \sim \mathrm{Bin}(n, \pi_c)$ points in a context, V the variance of a point of the mixture,
    $$ E e_+^2 = P(N>0)\,(1-a)^2 E e^2 + E\Bigl[\frac1N; N>0\Bigr] V + P(N=0)\,E e^2 , $$
    where a row that was never fitted is uniform. A constant c that is added to counts shrinks the batch's
    error by $\lambda = N/(N + cK)$ towards the uniform row, also where N is 0.
    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531.
    """
    table = np.asarray(setting.truth["probabilities"], float)
    gap, spread = 1 / table.shape[1] - table, table * (1 - table)
    bias = square = np.zeros_like(table)
    if setting.start == "truth":
        yield bias, square
    kept = (gap, gap**2) if setting.start == "real" else (bias, square)
    constant = table.shape[1] * setting.constant if setting.estimator == "add-constant" else 0.0
    for t in range(setting.first, setting.generations + 1):
        size, share = int(setting.batches.sizes[t]), float(setting.batches.shares[t])
        noise = share * spread + (1 - share) * (spread + (1 - 2 * table) * bias - square)
        noise = noise + share * (1 - share) * square
        mean, passed = (1 - share) * bias, (1 - share) ** 2 * square
        rows = [_shrinkage(size, float(w), constant) for w in setting.context_weights]
        one, two, each, none = (np.array(column)[:, None] for column in zip(*rows, strict=True))
        if constant:
            bias = one * mean + (1 - one) * gap
            square = two * passed + each * noise + 2 * (one - two) * mean * gap + (1 - 2 * one + two) * gap**2
        else:
            bias = one * mean + none * kept[0]
            square = one * passed + each * noise + none * kept[1]
        kept = bias, square
        yield bias, square


def _shrinkage(size: int, weight: float, constant: float) -> tuple[float, float, float, float]:
    r"""$E\lambda$, $E\lambda^2$, $E[\lambda^2/N; N>0]$ and $P(N=0)$ for a binomial number of points."""
    points, chances = binomial_law(size, weight)
    some = points > 0
    factor = np.where(some, points / np.where(some, points + constant, 1), 0.0)
    each = chances @ (factor**2 / np.where(some, points, 1))
    return float(chances @ factor), float(chances @ factor**2), float(each), float(chances @ ~some)


def applies(setting: Setting) -> bool:
    """Next tokens; with random counts of contexts only what `random_moments` knows."""
    if setting.family != "next-token" or not setting.same_family:
        return False
    if setting.context_counts == "fixed":
        return True
    source = setting.source == "last-model" or (setting.source == "mixture" and setting.counts == "random")
    plain_fit = setting.estimator in ("maximum-likelihood", "add-constant")
    if not (source and plain_fit and setting.regime == "agnostic"):
        return False
    pooled = setting.pool == "all" and setting.estimator == "maximum-likelihood" and affordable(setting)
    return setting.pool == "newest" or pooled


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """The laws of one context, summed, averaged, multiplied or side by side."""
    if setting.context_counts == "random":
        return _random(setting, asked, generations)
    experiments = of_context(setting)
    if experiments is None:
        return []
    return [p for name in plain(asked) for p in _together(setting, experiments, name, generations)]


def _random(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    table, weights = np.asarray(setting.truth["probabilities"], float), setting.context_weights
    rows = {"squared_error": [], "chi_square": [], "concentration": []}
    law, steps = (POOLED, pooled_moments) if setting.pool == "all" else (RANDOM, random_moments)
    for bias, square in steps(setting):
        known = np.divide(square, table, out=np.where(square > 0, np.inf, 0.0), where=table > 0)
        rows["squared_error"].append(square.sum())
        rows["chi_square"].append(weights @ known.sum(axis=1))
        rows["concentration"].append(weights @ (square + 2 * table * bias + table**2).sum(axis=1))
    return [
        Prediction(law, name, "mean", generations, np.array(rows[name])[generations])
        for name in plain(asked)
        if name in rows
    ]


def _together(
    setting: Setting, experiments: list[Setting], name: str, generations: np.ndarray
) -> list[Prediction]:
    found: dict[tuple[bytes, bytes], dict[str, Prediction]] = {}
    keys = [_key(experiment, name) for experiment in experiments]
    for key, experiment in zip(keys, experiments, strict=True):
        if key not in found:
            found[key] = {p.law.name: p for p in _predictions(experiment, name, generations)}
    names = list(found[keys[0]])
    common = [law for law in names if all(law in laws for laws in found.values())]
    return [_joint(setting.context_weights, [found[key][law] for key in keys]) for law in common]


def _key(experiment: Setting, name: str) -> tuple[bytes, bytes]:
    """What tells a context's numbers from another's: their order matters only where each is asked for."""
    chances = experiment.probabilities if name == "alive" else np.sort(experiment.probabilities)
    sizes = (experiment.sizes, experiment.real_sizes, experiment.synthetic_sizes)
    return chances.tobytes(), b"".join(b"" if part is None else part.tobytes() for part in sizes)


def _predictions(experiment: Setting, name: str, generations: np.ndarray) -> list[Prediction]:
    return [
        prediction
        for chapter in _OF_ONE
        if name in chapter.quantities and chapter.regime == experiment.regime and chapter.applies(experiment)
        for prediction in chapter.predict(experiment, [(name, {})], generations)
    ]


def _joint(weights: np.ndarray, predictions: list[Prediction]) -> Prediction:
    first = predictions[0]

    def joined(parts: list[np.ndarray | None]) -> np.ndarray | None:
        arrays = [part for part in parts if part is not None]
        if len(arrays) < len(parts):
            return None
        if first.quantity == "alive":
            return np.stack(arrays, axis=1)
        if first.quantity == "single_symbol":
            return np.prod(arrays, axis=0)
        factors = weights if first.quantity in _AVERAGED else np.ones(len(weights))
        return np.tensordot(factors, np.stack(arrays), axes=1)

    values = joined([p.values for p in predictions])
    assert values is not None
    indicator = first.quantity in ("alive", "single_symbol") and first.variance is not None
    return dataclasses.replace(
        first,
        law=_CARDS[first.law.name],
        values=values,
        lower=joined([p.lower for p in predictions]),
        upper=joined([p.upper for p in predictions]),
        variance=values * (1 - values) if indicator else None,
        tolerance=None if first.tolerance is None else max(p.tolerance or 0.0 for p in predictions),
    )


def _chapter(regime: Regime, laws: tuple[Law, ...]) -> Chapter:
    of_one = [chapter for chapter in _OF_ONE if chapter.regime == regime]
    cards = tuple(_CARDS[law.name] for chapter in of_one for law in chapter.laws if law.name in _CARDS)
    quantities = frozenset().union(*(chapter.quantities for chapter in of_one)) - {"variance"}
    return Chapter((*laws, *cards), quantities, applies, predict, regime)


CHAPTERS = (
    _chapter("agnostic", (RANDOM, POOLED)), _chapter("informed", ()), _chapter("remembering", ()),
)  # fmt: skip
"""What `catalogue` asks, one chapter a regime."""
