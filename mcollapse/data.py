"""The data algebra: what a generation is trained on, as rows or as sufficient statistics.

Everything an estimator reads is one of two things that merge and scale: `Samples` (rows with a
weight each) and `AbstractStatistics` (what an exponential family's fit consumes). Replace,
accumulate, mix and weight are then the same few lines for every family, and on statistics their
cost depends neither on the sample size nor on the history.
"""

import abc
import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Num, Shaped

from mcollapse import triangular
from mcollapse.summation import total, tree_sum


class AbstractStatistics(eqx.Module):
    """Sufficient statistics of a weighted sample: a commutative monoid with a scalar action.

    Each has a `count`: the number of points, or their total weight once scaled.
    """

    @abc.abstractmethod
    def merge(self, other: Any) -> Any:
        """The statistics of both samples together."""

    @abc.abstractmethod
    def scale(self, weight: Num[Array, ""]) -> "AbstractStatistics":
        """The statistics with every point's weight multiplied by `weight`."""

    @abc.abstractmethod
    def zero(self) -> "AbstractStatistics":
        """The statistics of no points, of the same shapes: the neutral element of `merge`."""


class Counts(AbstractStatistics):
    r"""How often each category was seen, in each context: int32 until they are scaled."""

    counts: Num[Array, "*contexts categories"]

    @property
    def count(self) -> Num[Array, ""]:
        """The total over categories and contexts."""
        return total(jnp.ravel(self.counts))

    @property
    def totals(self) -> Num[Array, "*contexts 1"]:
        """The totals over categories, one a context."""
        return tree_sum(self.counts, axis=-1)[..., None]

    def merge(self, other: "Counts") -> "Counts":
        """Counts add."""
        return Counts(self.counts + other.counts)

    def scale(self, weight: Num[Array, ""]) -> "Counts":
        """Weighted counts, which are floating point."""
        dtype = jnp.result_type(float)
        return Counts(self.counts.astype(dtype) * jnp.asarray(weight, dtype))

    def zero(self) -> "Counts":
        """No observation of any category."""
        return Counts(jnp.zeros_like(self.counts))


class Total(AbstractStatistics):
    r"""How many points, and the sum of them, $\sum_i x_i$: int32 until they are scaled."""

    count: Num[Array, ""]
    total: Num[Array, ""]

    def merge(self, other: "Total") -> "Total":
        """Counts and sums add."""
        return Total(self.count + other.count, self.total + other.total)

    def scale(self, weight: Num[Array, ""]) -> "Total":
        """Both multiplied, and floating point."""
        dtype = jnp.result_type(float)
        weight = jnp.asarray(weight, dtype)
        return Total(self.count.astype(dtype) * weight, self.total.astype(dtype) * weight)

    def zero(self) -> "Total":
        """No points."""
        return Total(jnp.zeros_like(self.count), jnp.zeros_like(self.total))


class MeanVariance(AbstractStatistics):
    r"""Count, mean and the logarithm of the variance $\frac1n \sum_i w_i (x_i - \bar x)^2$, n the count.

    A logarithm, because the variance shrinks by a factor every generation: at ten points and a thousand
    generations it is exactly zero in float32, while its logarithm is ordinary. Not of the sum of squares,
    because log n is rounded alike every generation: with a million points that is a quarter of the drift.
    """

    count: Num[Array, ""]
    mean: Float[Array, ""]
    log_variance: Float[Array, ""]

    def merge(self, other: "MeanVariance") -> "MeanVariance":
        r"""The pairwise update of Chan, Golub and LeVeque (1979), in logarithms.

        $v = p v_a + q v_b + p q (\bar x_b - \bar x_a)^2$ with $p = a/(a+b)$ and $q = b/(a+b)$.
        """
        ours, theirs = self.count.astype(self.mean.dtype), other.count.astype(self.mean.dtype)
        divisor = jnp.maximum(ours + theirs, jnp.finfo(self.mean.dtype).tiny)
        p, q = ours / divisor, theirs / divisor
        shift = other.mean - self.mean
        # where a side is empty its share is 0, and the logarithm of that the -inf that is wanted
        within = jnp.logaddexp(jnp.log(p) + self.log_variance, jnp.log(q) + other.log_variance)
        between = jnp.log(p * q) + 2.0 * jnp.log(jnp.abs(shift))
        return MeanVariance(self.count + other.count, self.mean + shift * q, jnp.logaddexp(within, between))

    def scale(self, weight: Num[Array, ""]) -> "MeanVariance":
        """The same mean and variance; the count multiplied."""
        weight = jnp.asarray(weight, self.mean.dtype)
        return MeanVariance(self.count.astype(weight.dtype) * weight, self.mean, self.log_variance)

    def zero(self) -> "MeanVariance":
        """No points: count 0, variance 0."""
        return MeanVariance(
            jnp.zeros_like(self.count),
            jnp.zeros_like(self.mean),
            jnp.full_like(self.log_variance, -jnp.inf),
        )


class MeanCovariance(AbstractStatistics):
    r"""Count, mean and covariance $\frac1n \sum_i w_i (x_i - \bar x)(x_i - \bar x)^\top = U D^2 U^\top$.

    U is lower triangular with ones on its diagonal, D diagonal, kept by its logarithms, since variances
    shrink by many orders of magnitude. Where the covariance is singular some of these are $-\infty$.
    """

    count: Num[Array, ""]
    mean: Float[Array, " dimension"]
    unit: Float[Array, "dimension dimension"]
    log_diagonal: Float[Array, " dimension"]
    rank: Int[Array, ""]
    """How many points there are, whatever they weigh: the covariance has a smaller rank."""

    def merge(self, other: "MeanCovariance") -> "MeanCovariance":
        r"""$p S_a + q S_b + p q\, \delta \delta^\top$, $p = a/(a+b)$, $q = b/(a+b)$, $\delta$ the shift."""
        dtype = self.mean.dtype
        ours, theirs = self.count.astype(dtype), other.count.astype(dtype)
        divisor = jnp.maximum(ours + theirs, jnp.finfo(dtype).tiny)
        p, q = ours / divisor, theirs / divisor
        shift = other.mean - self.mean
        rank = self.rank + other.rank
        factors = (self.unit, self.log_diagonal, p), (other.unit, other.log_diagonal, q)
        unit, log_diagonal = log_sum_factor(*factors, jnp.sqrt(p * q) * shift, rank - 1)
        return MeanCovariance(self.count + other.count, self.mean + q * shift, unit, log_diagonal, rank)

    def scale(self, weight: Num[Array, ""]) -> "MeanCovariance":
        """The same mean and covariance; the count multiplied."""
        weight = jnp.asarray(weight, self.mean.dtype)
        return dataclasses.replace(self, count=self.count.astype(weight.dtype) * weight)

    def zero(self) -> "MeanCovariance":
        """No points: count 0, covariance 0."""
        nothing = jax.tree.map(jnp.zeros_like, self)
        unit = jnp.zeros_like(self.unit) + jnp.eye(self.unit.shape[-1], dtype=self.unit.dtype)
        none = jnp.full_like(self.log_diagonal, -jnp.inf)
        return dataclasses.replace(nothing, unit=unit, log_diagonal=none)


def log_sum_factor(
    first: tuple[Array, Array, Array], second: tuple[Array, Array, Array], vector: Array, rank: Array
) -> tuple[Array, Array]:
    r"""(U, log D) of $p S_a + q S_b + v v^\top$ from (U, log D, p) and (U, log D, q).

    In units of the largest of all, so that what is common to them may be as small as a logarithm allows.
    """
    largest = jnp.maximum(jnp.max(first[1]), jnp.max(second[1]))
    with_vector = jnp.maximum(largest, jnp.log(jnp.max(jnp.abs(vector))))
    unit = jnp.where(jnp.isfinite(with_vector), with_vector, 0.0)
    ours, theirs = (u * (jnp.exp(log - unit) * jnp.sqrt(weight)) for u, log, weight in (first, second))
    factor = triangular.sum_factor(ours, theirs, vector * jnp.exp(-unit), rank)
    return unit_and_logs(factor, unit)


def unit_and_logs(factor: Array, log_unit: Array) -> tuple[Array, Array]:
    """A lower triangular factor as one with ones on its diagonal and the logarithms of what was there."""
    diagonal = jnp.diagonal(factor)
    unit = factor / jnp.where(diagonal > 0, diagonal, 1.0)
    ones = jnp.eye(factor.shape[-1], dtype=factor.dtype)
    return jnp.where(ones > 0, 1.0, unit), jnp.log(diagonal) + log_unit


class LeastSquares(AbstractStatistics):
    r"""What a linear regression is fitted to: $L$ with $L L^\top = X^\top X$, w with $L L^\top w = X^\top y$.

    $L$ is lower triangular; where there are fewer rows than columns its last columns are zero. The solution
    w is then one of many; else it is the fit, so that a batch that is fitted alone needs no decomposition.
    """

    count: Num[Array, ""]
    factor: Float[Array, "dimension dimension"]
    solution: Float[Array, " dimension"]
    rank: Int[Array, ""]
    """How many rows there are, whatever they weigh: no more columns are linearly independent."""

    @property
    def projection(self) -> Float[Array, " dimension"]:
        r"""$L^\top w$, in which noise is independent: $L^{-1} X^\top y$."""
        return triangular.transposed_product(self.factor, self.solution)

    def merge(self, other: "LeastSquares") -> "LeastSquares":
        """Gram matrices add: one Cholesky decomposition."""
        ours, theirs = (self.factor, self.solution), (other.factor, other.solution)
        rank = self.rank + other.rank
        return LeastSquares(self.count + other.count, *triangular.join(ours, theirs, rank), rank)

    def scale(self, weight: Num[Array, ""]) -> "LeastSquares":
        """Every row multiplied by the root of the weight, which leaves the solution."""
        weight = jnp.asarray(weight, self.factor.dtype)
        root = jnp.sqrt(weight)
        return LeastSquares(
            self.count.astype(weight.dtype) * weight, root * self.factor, self.solution, self.rank
        )

    def zero(self) -> "LeastSquares":
        """No rows."""
        return jax.tree.map(jnp.zeros_like, self)


class Samples(eqx.Module):
    """Rows of raw data with a weight each; weight 0 means that the row is absent.

    Weights of points as drawn are int32 (1 present, 0 absent), so that counting them is exact.
    """

    rows: Shaped[Array, "capacity ..."]
    weights: Num[Array, " capacity"]

    @classmethod
    def first(cls, rows: Shaped[Array, "capacity ..."], count: Int[Array, ""] | int) -> "Samples":
        """The first `count` rows present, the others absent."""
        return cls(rows, (jnp.arange(rows.shape[0], dtype=jnp.int32) < count).astype(jnp.int32))

    @property
    def count(self) -> Num[Array, ""]:
        """The number of rows present, or the total weight."""
        return jnp.sum(self.weights, dtype=self.weights.dtype)

    def merge(self, other: "Samples") -> "Samples":
        """Both sets of rows, one after the other."""
        return Samples(
            jnp.concatenate([self.rows, other.rows]), jnp.concatenate([self.weights, other.weights])
        )

    def scale(self, weight: Num[Array, ""]) -> "Samples":
        """The same rows with their weights multiplied."""
        dtype = jnp.result_type(float)
        return Samples(self.rows, self.weights.astype(dtype) * jnp.asarray(weight, dtype))

    def zero(self) -> "Samples":
        """The same buffer with every row absent."""
        return Samples(jnp.zeros_like(self.rows), jnp.zeros_like(self.weights))


Part = AbstractStatistics | Samples | None


def merge_parts(first: Any, second: Any) -> Part:
    """Merge two parts of which either may never have been drawn (`None`)."""
    if first is None or second is None:
        return second if first is None else first
    return first.merge(second)


class Batch(eqx.Module):
    r"""The data of a generation, with its provenance.

    `real` came from the truth, `synthetic` from a model; a part that is never drawn is `None`, not
    zero. `share` is the real share $\alpha_t$ that the source aimed at. Raw parts may lie in one
    buffer of rows under two sets of weights (`one_buffer`). An estimator that does not know where
    points came from reads `all`.
    """

    real: Part
    synthetic: Part
    share: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.0)
    one_buffer: bool = eqx.field(static=True, default=False)

    @property
    def all(self) -> AbstractStatistics | Samples:
        """Real and synthetic points together, provenance forgotten."""
        if self.one_buffer and isinstance(self.real, Samples) and isinstance(self.synthetic, Samples):
            return Samples(self.real.rows, self.real.weights + self.synthetic.weights)
        merged = merge_parts(self.real, self.synthetic)
        if merged is None:
            raise ValueError("this batch has neither a real nor a synthetic part, so it holds no data")
        return merged

    def merge(self, other: "Batch") -> "Batch":
        """Real with real and synthetic with synthetic; the share is the later batch's."""
        return Batch(
            merge_parts(self.real, other.real), merge_parts(self.synthetic, other.synthetic), other.share
        )

    def zero(self) -> "Batch":
        """No points in any part that is drawn."""
        return Batch(_zero(self.real), _zero(self.synthetic), jnp.zeros_like(self.share), self.one_buffer)


def _zero(part: Part) -> Part:
    return None if part is None else part.zero()
