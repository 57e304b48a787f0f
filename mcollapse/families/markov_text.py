"""MarkovText: the next word given the last few, an n-gram model of a text."""

from collections.abc import Sequence
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32

from mcollapse import random
from mcollapse.data import Counts, Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.ngrams import NGrams
from mcollapse.families.parameters import concrete, is_concrete
from mcollapse.lanes import frequencies
from mcollapse.random import Key
from mcollapse.schedules import DERIVED
from mcollapse.status import Status
from mcollapse.summation import total
from mcollapse.whole_numbers import check_whole


class MarkovTextParams(eqx.Module):
    """The weight of every n-gram of the text: how often it was counted, whose ratios are probabilities.

    Counts and not probabilities, because sums of whole numbers are exact.
    """

    weights: Float[Array, " ngrams"] = eqx.field(converter=concrete)

    def __check_init__(self):
        """Concrete weights are finite, not negative and not all zero."""
        if is_concrete(self.weights):
            weights = np.asarray(self.weights, np.float64)
            if weights.ndim != 1 or not np.all(np.isfinite(weights)) or np.any(weights < 0):
                raise ValueError("weights of n-grams are one row of finite numbers that are not negative")
            if not np.any(weights > 0):
                raise ValueError("all n-grams have weight 0, so that no text can be written")


class MarkovText(AbstractFamily):
    r"""$P(w_{j+1} = w \mid w_{j-k+1}, \dots, w_j) \propto$ how often w followed these k words, k the `order`.

    A point is one n-gram, k words and the next, so that a text of N words holds N - k points; n points are
    written as sentences of `sentence` words at most, the last one shorter. A sentence starts with a context
    chosen uniformly among those that the model has seen. Back-off: where a context has no successor, the
    sentence ends and another one starts.

    The n-grams of the text are all that there are, so that counts of them are sufficient statistics, and
    what a generation does not write is forgotten. The law of contexts is not the text's, even in a long run,
    because sentences start uniformly; the law of the next word is.
    Source: Suresh, Thangaraj and Khandavally (2024, arXiv 2412.17646), with sentences of 50 words.
    """

    Params = MarkovTextParams

    order: int = eqx.field(static=True, default=1)
    sentence: int = eqx.field(static=True, default=50)
    ngrams: NGrams | None = eqx.field(default=None, metadata=DERIVED)
    """The n-grams of the text, filled in by `fitted`."""

    recorded: ClassVar[tuple[str, ...]] = ("support", "distinct_words")
    in_sequence: ClassVar[bool] = True

    def __check_init__(self):
        """A context has a word, a sentence one more than a context."""
        remedy = "; without any context it is a Categorical"
        check_whole("the order of a MarkovText", self.order, of="words", remedy=remedy)
        check_whole("a sentence", self.sentence, of="words")
        if self.sentence <= self.order:
            raise ValueError(
                f"a sentence of {self.sentence} words is all context: with order {self.order} it needs at "
                f"least {self.order + 1}"
            )

    @classmethod
    def fitted(cls, words: Sequence[str], order: int = 1, sentence: int = 50) -> "MarkovText":
        """The model of a text, as the sequence of its words; `standard_truth` is its law."""
        return cls(order, sentence).of(words)

    def of(self, words: Sequence[str]) -> "MarkovText":
        """This model with the n-grams of a text."""
        return type(self)(self.order, self.sentence, NGrams.of(words, self.order))

    @property
    def table(self) -> NGrams:
        """The n-grams; `ValueError` where no text was given."""
        if self.ngrams is None:
            raise ValueError(
                "this MarkovText knows no text: use MarkovText.fitted(words, order), or in a specification "
                'family.truth = { text = "file.txt" }'
            )
        return self.ngrams

    def sample(self, key: Key, params: MarkovTextParams, count: Count, capacity: int) -> Samples:
        """Rows are numbers of n-grams, sentence after sentence."""
        steps = self.sentence - self.order
        sentences = -(-max(capacity, 1) // steps)
        written = _write(key, self.table, params.weights, sentences, steps)
        return Samples.first(written.T.reshape(-1)[:capacity], count)

    def statistics(self, samples: Samples, like: MarkovTextParams) -> Counts:
        """Counts of each n-gram."""
        return Counts(frequencies(samples.rows, samples.weights, like.weights.shape[0]))

    def maximum_likelihood(
        self, data: Counts, previous: MarkovTextParams, ddof: int = 0
    ) -> tuple[MarkovTextParams, Int[Array, ""]]:
        """The counts; without data the previous model is kept."""
        some = data.count > 0
        single = total((data.counts > 0).astype(jnp.int32)) == 1
        status = jnp.where(some, jnp.where(single, Status.DEGENERATE, Status.OK), Status.TOO_FEW_POINTS)
        weights = jnp.where(some, data.counts.astype(previous.weights.dtype), previous.weights)
        return MarkovTextParams(weights), status.astype(jnp.int32)

    def blank(self, truth: object, capacity: int | None) -> MarkovTextParams:
        """Zeros for the n-grams of the text."""
        return MarkovTextParams(jnp.zeros(self.table.number))

    def temper(self, params: MarkovTextParams, temperature: Float[Array, ""]) -> MarkovTextParams:
        r"""$p^{1/\tau}$ in every context, in units of its likeliest word."""
        weights, table = params.weights, self.table
        top = jax.ops.segment_max(weights, jnp.asarray(table.context), table.contexts, True)
        ratio = weights / jnp.where(weights > 0, top[jnp.asarray(table.context)], 1.0)
        logs = jnp.log(jnp.where(weights > 0, ratio, 1.0))
        return MarkovTextParams(jnp.where(weights > 0, jnp.exp(logs / temperature), 0.0))

    def probabilities(self, params: MarkovTextParams) -> Float[Array, " ngrams"]:
        """Of the n-grams: the share of each in the text that the model was fitted to."""
        return params.weights / jnp.maximum(total(params.weights), jnp.finfo(params.weights.dtype).tiny)

    def alive(self, params: MarkovTextParams) -> Float[Array, " ngrams"]:
        """1 for every n-gram that can still be written."""
        return (params.weights > 0).astype(params.weights.dtype)

    def distinct_words(self, params: MarkovTextParams) -> Float[Array, ""]:
        """The share of the text's different words that the model still knows."""
        table = self.table
        alive = (params.weights > 0).astype(jnp.int32)
        known = jnp.zeros(table.types, jnp.int32).at[jnp.asarray(table.words)].max(alive[:, None])
        return total(known).astype(params.weights.dtype) / table.types

    def standard_truth(self) -> MarkovTextParams:
        """The counts of the text."""
        return MarkovTextParams(np.asarray(self.table.counts, np.float64))

    def check(self, params: MarkovTextParams) -> None:
        """A weight for each n-gram of the text."""
        given = np.shape(params.weights)[0]
        if given != self.table.number:
            raise ValueError(
                f"the text of this MarkovText has {self.table.number} different n-grams and its truth "
                f"{given} weights: use family.standard_truth()"
            )
        whole, most = float(np.sum(np.asarray(params.weights, np.float64))), random.largest_count()
        if whole > most:
            raise ValueError(
                f"the weights sum to {whole:.3g}, and sums are exact in this precision up to {most:,}: use a "
                f"shorter text{random.how_to_count_further()}"
            )

    def check_truth(self, family: AbstractFamily) -> None:
        """The truth is of the same text, order and sentences."""
        assert isinstance(family, MarkovText)
        if (family.order, family.sentence) != (self.order, self.sentence) or family.ngrams is not self.ngrams:
            raise ValueError(
                "a MarkovText counts the n-grams of one text: give the truth and the model one family"
            )

    def largest_count(self, truth: object) -> int:
        """Up to which sums of counts are exact."""
        return random.largest_count()


def _write(
    key: Key, table: NGrams, weights: Float[Array, " ngrams"], sentences: int, steps: int
) -> Int32[Array, "steps sentences"]:
    """The n-grams of sentences, word after word, all sentences at once."""
    first = jnp.asarray(table.first)
    following = jnp.asarray(table.following)
    sums = jnp.cumsum(weights)
    before = jnp.concatenate([jnp.zeros(1, sums.dtype), sums])
    alive = before[first[1:]] > before[first[:-1]]
    known = jnp.cumsum(alive, dtype=jnp.int32)
    places = jnp.where(alive, known - 1, table.contexts)
    living = (
        jnp.zeros(table.contexts, jnp.int32)
        .at[places]
        .set(jnp.arange(table.contexts, dtype=jnp.int32), mode="drop")
    )

    def word(contexts: Int32[Array, " sentences"], step: Int32[Array, ""]) -> tuple[Array, Array]:
        address = key.fold(step)
        start = living[random.integers(address, 1, known[-1], (sentences,))]
        ended = (contexts < 0) | ~alive[jnp.maximum(contexts, 0)]
        context = jnp.where(ended, start, contexts)
        low, high = first[context], first[context + 1]
        base, top = before[low], before[high]
        level = base + random.uniform(address, 2, (sentences,)) * (top - base)
        # a level that was rounded up to the top would lie in the next context
        level = jnp.clip(level, base, jnp.nextafter(top, base))
        ngram = _above(sums, level, low, table.fanout)
        return following[ngram], ngram

    nowhere = jnp.full(sentences, -1, jnp.int32)
    return jax.lax.scan(word, nowhere, jnp.arange(steps, dtype=jnp.int32))[1]


def _above(
    sums: Array, level: Array, low: Int32[Array, " sentences"], width: int
) -> Int32[Array, " sentences"]:
    """The first place from `low` on, among `width`, whose sum is above the level: it has positive weight."""
    last = sums.shape[0] - 1
    for half in (2**i for i in reversed(range((width - 1).bit_length()))):
        middle = jnp.minimum(low + half - 1, last)
        low = jnp.where(sums.at[middle].get(mode="promise_in_bounds") <= level, middle + 1, low)
    return jnp.minimum(low, last)
