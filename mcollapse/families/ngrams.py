"""The different n-grams of a text, sorted by their contexts, as flat tables."""

from collections.abc import Sequence

import equinox as eqx
import numpy as np
from jaxtyping import Int


class NGrams(eqx.Module):
    """All different n-grams of a text; those of one context stand together.

    Contexts are numbered, and n-grams `first[c]` … `first[c + 1] - 1` are those of context c.
    """

    words: Int[np.ndarray, "ngrams length"]
    """The words of each n-gram, as numbers."""
    counts: Int[np.ndarray, " ngrams"]
    """How often each occurs."""
    context: Int[np.ndarray, " ngrams"]
    """The context of each."""
    following: Int[np.ndarray, " ngrams"]
    """The context that its last words are; -1 where the text ends with it."""
    first: Int[np.ndarray, " places"]
    """Where each context begins, and the end."""
    types: int = eqx.field(static=True)
    """How many different words there are."""
    contexts: int = eqx.field(static=True)
    fanout: int = eqx.field(static=True)
    """The most different successors of any context."""

    @property
    def number(self) -> int:
        """How many different n-grams there are."""
        return self.counts.shape[0]

    @classmethod
    def of(cls, words: Sequence[str], order: int) -> "NGrams":
        """The n-grams of a sequence of words; `ValueError` where it is too short for the order."""
        if isinstance(words, str | bytes):
            raise ValueError("words are a sequence of words, got one string: split it, or use mc.datasets")
        if len(words) < order + 2:
            raise ValueError(
                f"the text has {len(words)} words: a model of order {order} needs at least {order + 2}"
            )
        types, numbers = np.unique(np.asarray(words), return_inverse=True)
        if len(types) < 2:
            raise ValueError("the text has one different word: a model of it needs at least two")
        windows = np.lib.stride_tricks.sliding_window_view(numbers.astype(np.int32), order + 1)
        table, counts = np.unique(windows, axis=0, return_counts=True)
        # sorted by words, so that equal contexts are neighbours
        fresh = np.concatenate([[True], np.any(table[1:, :-1] != table[:-1, :-1], axis=1)])
        starts, context = np.flatnonzero(fresh), np.cumsum(fresh) - 1
        names = {row.tobytes(): c for c, row in enumerate(np.ascontiguousarray(table[starts, :-1]))}
        following = [names.get(row.tobytes(), -1) for row in np.ascontiguousarray(table[:, 1:])]
        first = np.append(starts, len(table))
        return cls(
            words=table,
            counts=counts.astype(np.int32),
            context=context.astype(np.int32),
            following=np.asarray(following, np.int32),
            first=first.astype(np.int32),
            types=len(types),
            contexts=len(starts),
            fanout=int(np.max(np.diff(first))),
        )
