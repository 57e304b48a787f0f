"""Least squares in triangular form, for many lanes: solving, and taking in more rows.

Rows (x, y) enter a least-squares fit by L, lower triangular with L L' = X'X, and q with L q = X'y. With
fewer rows than columns the last columns of L are zero, and so are the last elements of q.

Nothing here is LAPACK's: a call of it in a loop waits for the pool of threads that it runs in, so that two
chunks on two host threads wait for each other for ever (seen with jax 0.10.2 and `jnp.linalg.cholesky`).
Loops are over rank-one terms: written out, XLA computes what a number depends on again for each of them.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from mcollapse.lanes import over_lanes
from mcollapse.once import once

WRITTEN_OUT = 16
"""The largest dimension whose equations are solved number by number."""

Square = Float[Array, "dimension dimension"]
Vector = Float[Array, " dimension"]
Rows = Float[Array, "count columns"]


def solve(factor: Square, right: Vector) -> Vector:
    """q with L q = r, where L is lower triangular; an element whose pivot is zero is zero."""
    return solve_transposed(factor[::-1, ::-1].T, right[::-1])[::-1]


def solve_transposed(factor: Square, right: Vector) -> Vector:
    """w with L' w = q, where L is lower triangular; an element whose pivot is zero is zero."""
    return (_solved if factor.shape[-1] <= WRITTEN_OUT else _solved_in_a_loop)(factor, right)


def cholesky(matrix: Square, rank: Int[Array, ""] | int) -> Square:
    """The lower triangular factor of a matrix of at most this rank: columns from there on are zero.

    A pivot of rounding's size leaves a column of zeros too; but that cannot be told from a small one for
    sure, which is why the rank is asked for.
    """
    return _decomposed(matrix, jnp.asarray(rank, jnp.int32)).T


def triangular(rows: Rows, rank: Int[Array, ""] | int) -> tuple[Square, Vector]:
    """(L, q) of rows whose last column is y, and of which so many are not zero."""
    product = jnp.matmul(rows.T, rows, precision=jax.lax.Precision.HIGHEST)
    return _parts(_decomposed(product[:-1], jnp.asarray(rank, jnp.int32)))


def join(
    first: tuple[Square, Vector], second: tuple[Square, Vector], rank: Int[Array, ""] | int
) -> tuple[Square, Vector]:
    """(L, q) of both sets of rows together, so many in all."""
    return _parts(_joined(_packed(*first), _packed(*second), jnp.asarray(rank, jnp.int32)))


def transposed_product(factor: Square, vector: Vector) -> Vector:
    """L' w."""
    return _product(factor, vector)


def _packed(factor: Square, projection: Vector) -> Float[Array, "dimension columns"]:
    """[L' | q], upper triangular with a column more."""
    return jnp.concatenate([factor.T, projection[:, None]], axis=1)


def _parts(packed: Float[Array, "dimension columns"]) -> tuple[Square, Vector]:
    return packed[:, :-1].T, packed[:, -1]


@over_lanes
def _product(factor: Array, vector: Array) -> Array:
    shape = jnp.broadcast_shapes(factor[0].shape, vector.shape)

    def add(k: Array, total: Array) -> Array:
        return total + factor[k] * vector[k]

    return jax.lax.fori_loop(0, vector.shape[0], add, jnp.zeros(shape, vector.dtype))


@over_lanes
def _solved(factor: Array, right: Array) -> Array:
    solution = []
    for i in reversed(range(factor.shape[0])):
        rest = right[i]
        for k, known in enumerate(reversed(solution), i + 1):
            rest = rest - factor[k, i] * known
        solution.append(_quotient(rest, factor[i, i]))
    return jnp.stack(jnp.broadcast_arrays(*reversed(solution)))


@over_lanes
def _solved_in_a_loop(factor: Array, right: Array) -> Array:
    size = factor.shape[0]
    shape = jnp.broadcast_shapes(factor[0].shape, right.shape)

    def eliminate(turn: Array, carried: tuple[Array, Array]) -> tuple[Array, Array]:
        rest, solution = carried
        i = size - 1 - turn
        found = once(lambda: _quotient(rest[i], factor[i, i]))
        return rest - factor[i] * found, solution.at[i].set(found)

    right = jnp.broadcast_to(right, shape)
    return jax.lax.fori_loop(0, size, eliminate, (right, jnp.zeros_like(right)))[1]


@over_lanes
def _joined(ours: Array, theirs: Array, rank: Array) -> Array:
    """The sum of both Gram matrices, decomposed."""
    shape = jnp.broadcast_shapes(ours.shape, theirs.shape)
    ours, theirs = jnp.broadcast_to(ours, shape), jnp.broadcast_to(theirs, shape)

    def add(k: Array, gram: Array) -> Array:
        return gram + _outer(ours[k]) + _outer(theirs[k])

    return _eliminated(jax.lax.fori_loop(0, shape[0], add, jnp.zeros(shape, ours.dtype)), rank)


@over_lanes
def _decomposed(gram: Array, rank: Array) -> Array:
    return _eliminated(gram, rank)


def _eliminated(gram: Array, rank: Array) -> Array:
    """The upper triangular factor of a matrix [d, d, lanes], and whatever columns are beside it."""
    least = 8 * gram.shape[0] * float(jnp.finfo(gram.dtype).eps)
    columns = jnp.arange(gram.shape[1])[:, None]

    def eliminate(k: Array, carried: tuple[Array, Array]) -> tuple[Array, Array]:
        rest, rows = carried
        scale = once(lambda: jnp.where(k < rank, _inverse_root(rest[k, k], gram[k, k] * least), 0.0))
        row = jnp.where(columns >= k, rest[k] * scale, 0.0)
        return rest - row[: gram.shape[0], None] * row, rows.at[k].set(row)

    lanes = jnp.broadcast_shapes(gram.shape, rank.shape)
    gram = jnp.broadcast_to(gram, lanes)
    return jax.lax.fori_loop(0, gram.shape[0], eliminate, (gram, jnp.zeros_like(gram)))[1]


def _outer(row: Array) -> Array:
    return row[:-1, None] * row


def _inverse_root(pivot: Array, least: Array) -> Array:
    positive = pivot > least
    return jnp.where(positive, 1.0 / jnp.sqrt(jnp.where(positive, pivot, 1.0)), 0.0)


def _quotient(number: Array, pivot: Array) -> Array:
    return jnp.where(pivot == 0, 0.0, number / jnp.where(pivot == 0, 1.0, pivot))
