"""NextToken: many contexts, each with its own law of the next token."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32

from mcollapse import random
from mcollapse.data import Counts, Samples
from mcollapse.families.base import AbstractFamily, Count, Numbers
from mcollapse.families.categorical import Categorical, CategoricalParams
from mcollapse.families.parameters import TOLERANCE, check_probabilities, concrete, is_concrete, tempered
from mcollapse.random import Key
from mcollapse.random.integers import product
from mcollapse.status import Status
from mcollapse.summation import tree_sum
from mcollapse.whole_numbers import is_whole, whole

_ONE = Categorical()  # what every context is


class NextTokenParams(eqx.Module):
    """The probabilities of the next token, one row a context."""

    probabilities: Float[Array, "contexts categories"] = eqx.field(converter=concrete)

    def __check_init__(self):
        """Concrete rows are distributions."""
        if is_concrete(self.probabilities):
            table = np.asarray(self.probabilities, np.float64)
            if table.ndim != 2 or table.size == 0:
                raise ValueError(
                    "next tokens have a table of probabilities, one row a context and one column a token, "
                    f"got shape {table.shape}; a single context is a Categorical"
                )
            for context, row in enumerate(table):
                _checked_row(context, row)

    @classmethod
    def standard(cls) -> "NextTokenParams":
        """Three tokens after each of the 81 contexts of four tokens."""
        return cls.zipf(81, 3)

    @classmethod
    def uniform(cls, contexts: int, categories: int) -> "NextTokenParams":
        """All tokens equally likely in every context."""
        return cls.zipf(contexts, categories, exponent=0.0)

    @classmethod
    def zipf(
        cls, contexts: int, categories: int, exponent: float | int = 1.0, shift: float | int = 0.0
    ) -> "NextTokenParams":
        """Zipf's law in every context, whose likeliest token is another one from context to context."""
        _check_contexts(contexts)
        row = CategoricalParams.zipf(categories, exponent, shift).probabilities
        return cls(np.stack([np.roll(row, context) for context in range(contexts)]))

    @classmethod
    def from_counts(cls, counts: object) -> "NextTokenParams":
        """Proportions of a table of counts [contexts, categories]; a context without any is refused."""
        table = np.asarray(counts)
        if table.ndim != 2 or table.size == 0 or table.dtype.kind not in "biuf":
            raise ValueError(
                f"counts are numbers [contexts, categories], got {table.dtype} of shape {table.shape}"
            )
        table = table.astype(np.float64)
        if not np.all(np.isfinite(table)) or np.any(table < 0):
            raise ValueError("counts must be finite and not negative")
        empty = np.flatnonzero(table.sum(axis=1) == 0)
        if empty.size:
            raise ValueError(
                f"context {empty[0]} is empty: no token was seen in {empty.size} of {len(table)} contexts; "
                "leave them out, or smooth the counts"
            )
        return cls(table / table.sum(axis=1, keepdims=True))

    @classmethod
    def from_data(cls, tokens: object, length: int = 1) -> "NextTokenParams":
        """Proportions in a sequence of tokens 0 … K-1, after each context of `length` tokens."""
        sequence = np.asarray(tokens)
        if sequence.ndim != 1 or sequence.dtype.kind not in "iu" or np.any(sequence < 0):
            raise ValueError("tokens are one sequence of whole numbers from 0 on")
        if isinstance(length, bool) or length < 1 or length >= len(sequence):
            raise ValueError(
                f"a context is at least one token long and shorter than the text, got length {length} for "
                f"{len(sequence)} tokens"
            )
        categories = max(int(sequence.max()) + 1, 2)
        windows = np.lib.stride_tricks.sliding_window_view(sequence.astype(np.int64), length + 1)
        context = windows[:, :-1] @ categories ** np.arange(length)[::-1]
        counts = np.zeros((categories**length, categories))
        np.add.at(counts, (context, windows[:, -1]), 1)
        return cls.from_counts(counts)


class NextToken(AbstractFamily):
    r"""$P(\text{next} = i \mid \text{context} = c) = p_{ci}$, in a fixed number of contexts at once.

    A generation's n points are shared out over contexts: with `counts="fixed"` by the contexts' `weights`
    (alike, unless given), the first c contexts together having $\lfloor n W_c \rfloor$ points, where $W_c$ is
    the sum of their weights; with `counts="random"` each point has a random context. The law of contexts is
    known and not fitted. A context without points keeps its row of the last model; where there is no model
    yet, it gets the uniform law.

    Every context is a `Categorical` of its own. `squared_error` is the sum over contexts, `support` counts
    pairs of context and token, and other distances are averaged with the contexts' weights, so that they are
    those of the joint law of context and token.
    Source: Bakshi and Chakraborty (2026, arXiv 2602.10531); Seddik et al. (2024, arXiv 2404.05090).
    """

    Params = NextTokenParams

    contexts: int = eqx.field(static=True)
    counts: str = eqx.field(static=True, default="fixed")
    weights: tuple[float, ...] | None = eqx.field(
        static=True, default=None, converter=lambda value: _weights(value)
    )

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "concentration", "support", "entropy")
    average_is_mixture: ClassVar[bool] = True

    def __check_init__(self):
        """Contexts have positive weights, one each."""
        _check_contexts(self.contexts)
        if self.counts not in ("fixed", "random"):
            raise ValueError(f'counts of contexts are "fixed" (shared out) or "random", got {self.counts!r}')
        if self.weights is None:
            return
        if len(self.weights) != self.contexts:
            raise ValueError(f"{self.contexts} contexts need as many weights, got {len(self.weights)}")
        least = min(self.weights)
        if not (least > 0 and abs(sum(self.weights) - 1) < TOLERANCE):
            raise ValueError(
                f"weights of contexts are positive and sum to one, these are at least {least:g} and sum to "
                f"{sum(self.weights):.6g}: leave out contexts that never come"
            )

    @property
    def drawn_as_rows(self) -> bool:
        """With random counts of contexts: a point does not know how many others its context has."""
        return self.counts == "random"

    def sample(self, key: Key, params: NextTokenParams, count: Count, capacity: int) -> Samples:
        """Rows are pairs of int32: context and token."""
        if not self.drawn_as_rows:
            raise ValueError(
                "a NextToken with fixed counts of contexts is drawn as counts, never as rows: use "
                'NextToken(…, counts="random")'
            )
        context = random.categorical(key, 1, self.context_shares(), (capacity,))
        table = params.probabilities.at[context].get(mode="promise_in_bounds")
        sums = jnp.cumsum(table, axis=1)
        level = random.uniform(key, 2, (capacity,)) * sums[:, -1]
        below = jnp.sum(sums <= level[:, None], axis=1, dtype=jnp.int32)
        last = jnp.argmax(sums, axis=1).astype(jnp.int32)  # the first to reach the total has positive weight
        return Samples.first(jnp.stack([context, jnp.minimum(below, last)], axis=1), count)

    def statistics(self, samples: Samples, like: NextTokenParams) -> Counts:
        """Counts of each token in each context."""
        zeros = jnp.zeros(like.probabilities.shape, samples.weights.dtype)
        return Counts(zeros.at[samples.rows[:, 0], samples.rows[:, 1]].add(samples.weights))

    def sample_statistics(self, key: Key, params: NextTokenParams, count: Numbers) -> Counts:
        r"""$X_c \sim \mathrm{Multinomial}(n_c, p_c)$, independent, given the contexts' numbers."""
        points = jnp.asarray(count, jnp.int32)
        if points.ndim == 0:
            points = self._points(key, points)
        index = jnp.arange(self.contexts, dtype=jnp.int32)
        drawn = jax.vmap(lambda c, n, p: random.multinomial(key.fold(c), 1, n, p))
        return Counts(drawn(index, points, params.probabilities))

    def scattered(self, key: Key, real: Int[Array, ""], synthetic: Int[Array, ""]) -> tuple[Numbers, Numbers]:
        """With fixed counts, which of the points are real does not depend on their contexts."""
        if self.counts == "random":
            return real, synthetic
        points = self.shared_out(real + synthetic)
        ours = random.multivariate_hypergeometric(key, 1, real, points)
        return ours, points - ours

    def maximum_likelihood(
        self, data: Counts, previous: NextTokenParams, ddof: int = 0
    ) -> tuple[NextTokenParams, Int[Array, ""]]:
        """Proportions in every context that has points."""
        rows = previous.probabilities
        known = tree_sum(rows, axis=-1)[:, None] > 0
        kept = jnp.where(known, rows, 1.0 / rows.shape[-1])
        table, statuses = jax.vmap(_row)(data.counts, kept)
        single = jnp.all(jnp.sum((table > 0).astype(jnp.int32), axis=-1) == 1)
        status = jnp.where(single, Status.DEGENERATE, Status.OK)
        none = jnp.all(statuses == Status.TOO_FEW_POINTS)
        status = jnp.where(none, Status.TOO_FEW_POINTS, status).astype(jnp.int32)
        return NextTokenParams(table), status

    def blank(self, truth: object, capacity: int | None) -> NextTokenParams:
        """Zeros, of the shape of the truth's table."""
        if not isinstance(truth, NextTokenParams):
            raise ValueError(
                "how many tokens a NextToken has is read off its truth, and this one has no table of "
                "contexts: give a NextToken.Params"
            )
        return NextTokenParams(jnp.zeros_like(jnp.asarray(truth.probabilities)))

    def combine(
        self, first: NextTokenParams, second: NextTokenParams, weight: Float[Array, ""]
    ) -> NextTokenParams:
        """The weighted mean of both tables: the mixture of both models, in every context."""
        return NextTokenParams(weight * first.probabilities + (1.0 - weight) * second.probabilities)

    def temper(self, params: NextTokenParams, temperature: Float[Array, ""]) -> NextTokenParams:
        r"""$p_{ci}^{1/\tau}/Z_c$; what cannot happen stays so."""
        return NextTokenParams(jax.vmap(tempered, in_axes=(0, None))(params.probabilities, temperature))

    def with_probabilities(self, table: Float[Array, "contexts categories"]) -> NextTokenParams:
        """The model with this table."""
        return NextTokenParams(table)

    def expectation(self, params: NextTokenParams) -> Float[Array, "contexts categories"]:
        """The table: in each context the mean of one-hot observations."""
        return params.probabilities

    def probabilities(self, params: NextTokenParams) -> Float[Array, "contexts categories"]:
        """The table."""
        return params.probabilities

    @property
    def shares(self) -> tuple[float, ...]:
        """The contexts' weights, on the host."""
        return self.weights or (1.0 / self.contexts,) * self.contexts

    def context_shares(self, dtype: object = None) -> Float[Array, " contexts"]:
        """The contexts' weights."""
        return jnp.asarray(self.shares, dtype or jnp.result_type(float))  # type: ignore[arg-type]

    def shared_out(self, count: Int[Array, ""]) -> Int32[Array, " contexts"]:
        """How many of `count` points each context has, where these numbers are fixed."""
        # in units of 2^-32, rounded up: then n W is whole where it should be, whatever a last bit
        ends = np.ceil(np.cumsum(np.asarray(self.shares, np.float64))[:-1] * 2.0**32 * (1 - 1e-15))
        words = jnp.asarray(np.minimum(ends, 2.0**32 - 1).astype(np.uint32))
        ends = product(words, jnp.broadcast_to(count, words.shape))[0].astype(jnp.int32)
        return jnp.diff(jnp.append(ends, count), prepend=0).astype(jnp.int32)

    def check(self, params: NextTokenParams) -> None:
        """The truth has a row for each context."""
        rows = np.shape(params.probabilities)[0]
        if rows != self.contexts:
            raise ValueError(f"this NextToken has {self.contexts} contexts, and its truth {rows} rows")

    def check_truth(self, family: AbstractFamily) -> None:
        """The law of contexts is one and the same."""
        assert isinstance(family, NextToken)
        if (family.counts, family.shares) != (self.counts, self.shares):
            raise ValueError(
                "the contexts of the truth and of the model differ in number, weights or counts: give both "
                "one family"
            )

    def standard_truth(self) -> NextTokenParams:
        """Zipf's law of three tokens."""
        return NextTokenParams.zipf(self.contexts, 3)

    def largest_count(self, truth: object) -> int:
        """That of the draws."""
        return random.largest_count()

    def fewest(self, ddof: int) -> int:
        """One point for each context, where all have as many."""
        return self.contexts if self.counts == "fixed" and self.weights is None else 1

    def _points(self, key: Key, count: Int[Array, ""]) -> Int32[Array, " contexts"]:
        if self.counts == "fixed":
            return self.shared_out(count)
        return random.multinomial(key, 1, count, self.context_shares())


def _row(counts: Array, kept: Array) -> tuple[Array, Array]:
    """One context's proportions and status."""
    fitted, status = _ONE.maximum_likelihood(Counts(counts), CategoricalParams(kept))
    return fitted.probabilities, status


def _weights(value: object) -> tuple[float, ...] | None:
    return None if value is None else tuple(np.asarray(value, np.float64).ravel().tolist())


def _check_contexts(contexts: object) -> None:
    if not is_whole(whole(contexts)):
        raise ValueError(f"a whole number of at least one context is needed, got {contexts!r}")


def _checked_row(context: int, row: np.ndarray) -> None:
    try:
        check_probabilities(row)
    except ValueError as error:
        raise ValueError(f"context {context}: {error}") from error
