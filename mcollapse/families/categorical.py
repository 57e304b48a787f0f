"""Categorical: unigram models, next tokens in one context, any finite alphabet."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import Counts, Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.parameters import check_probabilities, concrete, is_concrete, real_data, tempered
from mcollapse.families.resampled import Labels, ResampledCategorical
from mcollapse.random import Key
from mcollapse.status import Status
from mcollapse.summation import largest
from mcollapse.whole_numbers import is_whole, whole

_RESAMPLED = 4  # points a category, up to which resampling labels is faster than counts of categories


class CategoricalParams(eqx.Module):
    """Probabilities of the categories, which sum to one.

    They are linear, not logarithms: the smallest that an estimate can hold is one over the sample
    size, so nothing underflows, and a forgotten category is an exact zero.
    """

    probabilities: Float[Array, " categories"] = eqx.field(converter=concrete)

    def __check_init__(self):
        """Concrete probabilities are a distribution."""
        if is_concrete(self.probabilities):
            check_probabilities(self.probabilities)

    @classmethod
    def standard(cls) -> "CategoricalParams":
        """Zipf's law on fifty categories."""
        return cls.zipf(50)

    @classmethod
    def uniform(cls, categories: int | float) -> "CategoricalParams":
        """All categories equally likely."""
        return cls.zipf(categories, exponent=0.0)

    @classmethod
    def zipf(
        cls, categories: int | float, exponent: float | int = 1.0, shift: float | int = 0.0
    ) -> "CategoricalParams":
        r"""Zipf–Mandelbrot: $p_i \propto (i + \text{shift})^{-\text{exponent}}$, $i = 1, \dots, K$."""
        if not is_whole(whole(categories), 2):
            raise ValueError(
                f"a categorical law needs a whole number of at least two categories, got {categories!r}"
            )
        if shift <= -1:
            raise ValueError(f"shift must be above -1 so that rank 1 has a weight, got {shift}")
        weights = (np.arange(1, categories + 1) + shift) ** -float(exponent)
        return cls(weights / weights.sum())

    @classmethod
    def from_counts(cls, counts: object) -> "CategoricalParams":
        """Proportions of observed counts."""
        array = real_data(counts, "counts").astype(np.float64)
        if np.any(array < 0) or array.sum() == 0:
            raise ValueError("counts must not be negative and not all zero")
        return cls(array / array.sum())

    @classmethod
    def from_data(cls, labels: object, categories: int | None = None) -> "CategoricalParams":
        """Proportions of integer labels 0 … K-1; `categories` when the last labels are unseen."""
        data = real_data(labels, "labels")
        if np.any(data < 0) or np.any(data != np.floor(data)):
            raise ValueError(
                f"labels are whole numbers from 0 on, got {data[(data < 0) | (data % 1 != 0)][0]}"
            )
        least = int(data.max()) + 1
        if categories is not None and categories < least:
            raise ValueError(f"label {least - 1} needs at least {least} categories, got {categories}")
        return cls.from_counts(np.bincount(data.astype(np.int64), minlength=categories or max(least, 2)))


class Categorical(AbstractFamily):
    r"""$P(x = i) = p_i$, $i = 0, \dots, K - 1$.

    Its statistics are counts with a multinomial law. The estimate is their proportions, the setting
    of Bakshi and Chakraborty (2026, arXiv 2602.10531) and Seddik et al. (2024, arXiv 2404.05090).
    """

    Params = CategoricalParams

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "concentration", "support", "entropy")
    average_is_mixture: ClassVar[bool] = True

    def sample(self, key: Key, params: CategoricalParams, count: Count, capacity: int) -> Samples:
        """Rows are int32 labels."""
        return Samples.first(random.categorical(key, 1, params.probabilities, (capacity,)), count)

    def statistics(self, samples: Samples, like: CategoricalParams) -> Counts:
        """Counts of each label."""
        zeros = jnp.zeros(like.probabilities.shape, samples.weights.dtype)
        return Counts(zeros.at[samples.rows].add(samples.weights))

    def sample_statistics(self, key: Key, params: CategoricalParams, count: Count) -> Counts:
        r"""$(X_1, \dots, X_K) \sim \mathrm{Multinomial}(n, p)$."""
        return Counts(random.multinomial(key, 1, count, params.probabilities))

    def maximum_likelihood(
        self, data: Counts, previous: CategoricalParams, ddof: int = 0
    ) -> tuple[CategoricalParams, Int[Array, ""]]:
        """Proportions; without data the previous model is kept."""
        total = data.count
        dtype = previous.probabilities.dtype
        proportions = data.counts.astype(dtype) / jnp.where(total > 0, total, 1).astype(dtype)
        single = largest(data.counts) == total
        status = jnp.where(total > 0, jnp.where(single, Status.DEGENERATE, Status.OK), Status.TOO_FEW_POINTS)
        probabilities = jnp.where(total > 0, proportions, previous.probabilities)
        return CategoricalParams(probabilities), status.astype(jnp.int32)

    def blank(self, truth: object, capacity: int | None) -> CategoricalParams:
        """As many zeros as the truth has categories."""
        if not hasattr(truth, "probabilities"):
            raise ValueError(
                "how many categories a Categorical has is read off its truth, and this truth has no table of "
                "probabilities: give a Categorical truth"
            )
        return CategoricalParams(jnp.zeros_like(truth.probabilities))  # pyright: ignore

    def resampled(self, truth: CategoricalParams, most: int) -> ResampledCategorical | None:
        """Labels, unless there are many of each."""
        if type(self) is not Categorical:
            return None  # a subclass may draw or fit in another way
        return ResampledCategorical() if most <= _RESAMPLED * truth.probabilities.shape[0] else None

    def seen(
        self, resampled: ResampledCategorical, kept: Labels, truth: CategoricalParams
    ) -> CategoricalParams:
        """Proportions of the labels."""
        return CategoricalParams(resampled.proportions(kept, truth.probabilities))

    def combine(
        self, first: CategoricalParams, second: CategoricalParams, weight: Float[Array, ""]
    ) -> CategoricalParams:
        """The weighted mean of both tables: the mixture of both models."""
        return CategoricalParams(weight * first.probabilities + (1.0 - weight) * second.probabilities)

    def temper(self, params: CategoricalParams, temperature: Float[Array, ""]) -> CategoricalParams:
        r"""$p_i^{1/\tau}/Z$; what cannot happen stays so."""
        return CategoricalParams(tempered(params.probabilities, temperature))

    def with_probabilities(self, table: Float[Array, " categories"]) -> CategoricalParams:
        """The law with this table."""
        return CategoricalParams(table)

    def expectation(self, params: CategoricalParams) -> Float[Array, " categories"]:
        """The probability vector: the mean of one-hot observations."""
        return params.probabilities

    def probabilities(self, params: CategoricalParams) -> Float[Array, " categories"]:
        """The probability vector."""
        return params.probabilities

    def largest_count(self, truth: object) -> int:
        """That of the draws."""
        return random.largest_count()
