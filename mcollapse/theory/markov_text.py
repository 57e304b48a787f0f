"""An n-gram model of a text: what its first fit knows exactly, and what later ones cannot know."""

import numpy as np

from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .setting import Setting

QUANTITIES = frozenset({"alive", "support", "distinct_words"})
FIRST = Law(
    "markov-text-forgetting",
    "Which n-grams the first written text holds, exactly, and that later ones hold no more",
    "exact",
    "derived, after Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646",
    "n-grams of a text, maximum likelihood, newest batch, last model, up to some thousand n-grams; from the "
    "second fit on between nothing and the first",
    "truth",
)
_MOST = 2e8  # products of the chains that avoid an n-gram each: some seconds


def unseen(setting: Setting, avoided: np.ndarray) -> np.ndarray:
    r"""Chance that a text of n points of the truth has none of a set of n-grams, [S].

    A text is written as $\lfloor n/s \rfloor$ independent sentences of s n-grams and a rest of r, so that it
    is $q_s^{\lfloor n/s \rfloor} q_r$. A sentence is a Markov chain of contexts that starts, and starts anew
    where there is no successor, uniformly among them; $q_s$ is what is left of its mass after s steps if the
    set's n-grams are taken out, which needs no count of anything.

    Arguments:
        setting: of the n-grams of a text.
        avoided: which n-grams belong to each set, bool [S, G].

    Source: derived, after Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646.
    """
    weights, context, following = _tables(setting)
    from scipy import sparse

    contexts, steps = int(context.max()) + 1, int(setting.truth["sentence"])
    totals = np.bincount(context, weights, contexts)
    living = (totals > 0) / np.count_nonzero(totals)
    chances = weights / totals[context]
    ends = (following < 0) | (totals[following] == 0)
    inner = np.flatnonzero(~ends)
    leads = sparse.csr_matrix((np.ones(len(inner)), (following[inner], inner)), (contexts, len(weights)))
    mass, after, n = np.tile(living, (len(avoided), 1)), [np.ones(len(avoided))], int(setting.fit_sizes[0])
    for _ in range(min(steps, n)):
        written = np.where(avoided, 0.0, mass[:, context] * chances)
        mass = written[:, ends].sum(axis=1)[:, None] * living + (leads @ written.T).T
        after.append(mass.sum(axis=1))
    return after[-1] ** (n // steps) * after[n % steps] if n >= steps else after[n]


def _tables(setting: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    names = ("weights", "context", "following")
    weights, context, following = (np.asarray(setting.truth[name]) for name in names)
    return weights.astype(float), context.astype(int), following.astype(int)


def first_fit(setting: Setting, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A quantity of the truth, and its mean after the first fit: [G] of alive, else of shape []."""
    weights, words = np.asarray(setting.truth["weights"], dtype=float), np.asarray(setting.truth["words"])
    true = (weights > 0).astype(float)
    if name == "distinct_words":
        types = np.arange(int(words.max()) + 1)
        held = np.stack([np.any(words == word, axis=1) for word in types])
        return np.asarray(np.mean(held @ true > 0)), np.asarray(np.mean(1 - unseen(setting, held)))
    alive = true * (
        1 - unseen(setting, np.eye(len(weights), dtype=bool))
    )  # no rounding where there is nothing
    return (true, alive) if name == "alive" else (np.asarray(true.sum()), np.asarray(alive.sum()))


def applies(setting: Setting) -> bool:
    """A text that is written from the model and fitted, again and again, and is not too long."""
    if setting.family != "markov-text" or not setting.same_family or setting.source != "last-model":
        return False
    if setting.estimator != "maximum-likelihood" or not setting.replaces or len(setting.fit_sizes) == 0:
        return False
    return len(np.asarray(setting.truth["weights"])) ** 2 * float(setting.truth["sentence"]) <= _MOST


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Means at the first fit, and between nothing and these after it."""
    found = []
    for name in plain(asked):
        truth, first = first_fit(setting, name)
        place = (len(generations),) + (1,) * np.ndim(first)
        fits = (generations + 1 - setting.first).reshape(place)
        upper = np.where(fits == 0, truth, first)
        # a text has a point, so that one n-gram and one word are left
        least = {"alive": 0.0, "support": 1.0, "distinct_words": 1 / _types(setting)}[name]
        lower = np.where(fits < 2, upper, np.minimum(least, upper))
        values = np.where(fits < 2, upper, 0.5 * (lower + upper))
        spread = values * (1 - values) if name == "alive" else None
        found.append(
            Prediction(FIRST, name, "mean", generations, values, lower=lower, upper=upper, variance=spread)
        )
    return found


def _types(setting: Setting) -> int:
    return int(np.asarray(setting.truth["words"]).max()) + 1


CHAPTER = Chapter((FIRST,), QUANTITIES, applies, predict)
"""What `catalogue` asks of the n-grams of a text."""
