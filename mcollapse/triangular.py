"""Least squares in triangular form, for many lanes: solving, and taking in more rows.

Rows (x, y) enter a least-squares fit by L, lower triangular with L L' = X'X, and a solution w of
L L' w = X'y. With fewer rows than columns the last columns of L are zero, and w is one solution of many.

Nothing here is LAPACK's: a call of it in a loop waits for the pool of threads that it runs in, so that two
chunks on two host threads wait for each other for ever (seen with jax 0.10.2 and `jnp.linalg.cholesky`).
Rows are whole arrays of lanes at places that are known: a place that a loop counts costs ten times as much.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from mcollapse.lanes import over_lanes
from mcollapse.once import once
from mcollapse.products import matrix_product
from mcollapse.summation import tree_sum

WRITTEN_OUT = 16
"""The largest dimension whose sums are written out, row by row."""

Square = Float[Array, "dimension dimension"]
Vector = Float[Array, " dimension"]
Rank = Int[Array, ""] | int


def solve(factor: Square, right: Vector) -> Vector:
    """q with L q = r, where L is lower triangular; an element whose pivot is zero is zero."""
    return solve_transposed(factor[::-1, ::-1].T, right[::-1])[::-1]


def solve_transposed(factor: Square, right: Vector) -> Vector:
    """w with L' w = q, where L is lower triangular; an element whose pivot is zero is zero."""
    return _solution(factor, right)


def transposed_product(factor: Square, vector: Vector) -> Vector:
    """L' w."""
    return _product(factor, vector)


def cholesky(matrix: Square, rank: Rank) -> Square:
    """The lower triangular factor of a matrix of at most this rank: columns from there on are zero.

    A pivot of rounding's size leaves a column of zeros too; but that cannot be told from a small one for
    sure, which is why the rank is asked for.
    """
    return _factor(matrix, jnp.asarray(rank, jnp.int32))


def floored_cholesky(matrix: Square, least: Vector) -> Square:
    """The lower triangular factor, with no pivot's square below `least`: never singular."""
    return _floored_factor(matrix, least)


def log_determinant(matrix: Square) -> Float[Array, ""]:
    """The logarithm of the determinant of a positive semi-definite matrix."""
    return 2.0 * tree_sum(jnp.log(jnp.diagonal(cholesky(matrix, len(matrix)))))


def triangular(rows: Float[Array, "count columns"], rank: Rank) -> tuple[Square, Vector]:
    """(L, w) of rows whose last column is y, and of which so many are not zero."""
    square = matrix_product(rows.T, rows)
    return _parts(_fitted(square[:-1], jnp.asarray(rank, jnp.int32)))


def join(
    first: tuple[Square, Vector],
    second: tuple[Square, Vector],
    rank: Rank,
    least: Float[Array, " dimension"] | None = None,
) -> tuple[Square, Vector]:
    """(L, w) of both sets of rows together, so many in all.

    Where squares of pivots are known to be at least so large, rounding makes none of them smaller, or zero.
    """
    floor = jnp.zeros_like(first[1]) if least is None else least
    return _parts(_joined(*first, *second, jnp.asarray(rank, jnp.int32), floor))


def product(first: Square, second: Square) -> Square:
    """The product of two lower triangular matrices."""
    return _lower_product(first, second)


def gram(factor: Square) -> Square:
    """L L'."""
    return _symmetric(factor)


def sum_factor(first: Square, second: Square, vector: Vector, rank: Rank) -> Square:
    """The lower triangular factor of A A' + B B' + v v' for lower triangular A, B; of at most this rank."""
    return _sum_factor(first, second, vector, jnp.asarray(rank, jnp.int32))


def _parts(packed: Float[Array, "rows dimension"]) -> tuple[Square, Vector]:
    return packed[:-1], packed[-1]


# What follows has a last axis of lanes.


@over_lanes
def _solution(factor: Array, right: Array) -> Array:
    return (_solved if factor.shape[0] <= WRITTEN_OUT else _solved_in_a_loop)(factor, right)


@over_lanes
def _product(factor: Array, vector: Array) -> Array:
    return _multiplied(factor, vector)


@over_lanes
def _lower_product(first: Array, second: Array) -> Array:
    if len(first) > WRITTEN_OUT:
        return jnp.einsum("ik...,kj...->ij...", first, second, precision=jax.lax.Precision.HIGHEST)
    rows = [sum(first[i, k] * second[k] for k in range(i + 1)) for i in range(len(first))]
    return jnp.stack(jnp.broadcast_arrays(*rows))


@over_lanes
def _symmetric(factor: Array) -> Array:
    if len(factor) > WRITTEN_OUT:
        return jnp.einsum("ik...,jk...->ij...", factor, factor, precision=jax.lax.Precision.HIGHEST)
    columns = _swapped(factor)
    rows = [sum(columns[k, i] * columns[k] for k in range(i + 1)) for i in range(len(factor))]
    return jnp.stack(rows)  # type: ignore[arg-type]


@over_lanes
def _sum_factor(first: Array, second: Array, vector: Array, rank: Array) -> Array:
    first, second, vector = _same_lanes(first, second, vector)
    matrix = _gram(_swapped(first), _swapped(second)) + vector[:, None] * vector
    return _swapped(_decomposed(matrix, rank))


@over_lanes
def _factor(matrix: Array, rank: Array) -> Array:
    return _swapped(_decomposed(matrix, rank))


@over_lanes
def _floored_factor(matrix: Array, floor: Array) -> Array:
    factor = _swapped(_decomposed(matrix, jnp.asarray([len(matrix)], jnp.int32), floor))
    # a pivot below the floor was divided by the floor's root, which is what belongs in its place
    diagonal = jnp.eye(len(matrix), dtype=factor.dtype)[:, :, None] > 0
    return jnp.where(diagonal, jnp.maximum(factor, jnp.sqrt(floor)), factor)


@over_lanes
def _fitted(gram: Array, rank: Array) -> Array:
    return _packed(_decomposed(gram, rank))


@over_lanes
def _joined(ours: Array, our: Array, theirs: Array, their: Array, rank: Array, floor: Array) -> Array:
    """All of a merge in one, so that no lanes move in between."""
    ours, our, theirs, their = _same_lanes(ours, our, theirs, their)
    upper = [
        jnp.concatenate([_swapped(factor), _multiplied(factor, solution)[:, None]], axis=1)
        for factor, solution in ((ours, our), (theirs, their))
    ]
    return _packed(_decomposed(_gram(*upper), rank, floor))


def _same_lanes(*arrays: Array) -> list[Array]:
    lanes = jnp.broadcast_shapes(*(array.shape[-1:] for array in arrays))
    return [jnp.broadcast_to(array, (*array.shape[:-1], *lanes)) for array in arrays]


def _packed(upper: Array) -> Array:
    """L, and the solution of L' w = q as a row more, from [L' | q]."""
    factor = _swapped(upper[:, :-1])
    solved = _solved if len(factor) <= WRITTEN_OUT else _solved_in_a_loop
    return jnp.concatenate([factor, solved(factor, upper[:, -1])[None]])


def _swapped(matrix: Array) -> Array:
    return jnp.swapaxes(matrix, 0, 1)


def _multiplied(factor: Array, vector: Array) -> Array:
    """L' w."""
    if len(factor) <= WRITTEN_OUT:
        return sum(factor[k] * vector[k] for k in range(len(factor)))  # type: ignore[return-value]
    return jnp.einsum("ij...,i...->j...", factor, vector, precision=jax.lax.Precision.HIGHEST)


def _gram(ours: Array, theirs: Array) -> Array:
    """The sum of both Gram matrices of L' and of columns beside it, right from the diagonal on."""
    if len(ours) > WRITTEN_OUT:
        rows = jnp.concatenate([ours, theirs])
        left = rows[:, : len(ours)]
        return jnp.einsum("ki...,kj...->ij...", left, rows, precision=jax.lax.Precision.HIGHEST)
    rows = []
    for i in range(len(ours)):
        row = sum(part[k, i] * part[k, i:] for part in (ours, theirs) for k in range(i + 1))
        rows.append(_after(i, row))  # type: ignore[arg-type]
    return jnp.stack(rows)


def _decomposed(gram: Array, rank: Array, floor: Array | None = None) -> Array:
    """The upper triangular factor of a matrix, and whatever columns are beside it.

    In each turn the first row is finished and taken off, and what is left moves up into its place.
    """
    size = len(gram)
    floor = jnp.zeros((size, 1), gram.dtype) if floor is None else floor
    gram = jnp.broadcast_to(gram, jnp.broadcast_shapes(gram.shape, rank.shape, floor.shape[-1:]))
    least = 8 * size * float(jnp.finfo(gram.dtype).eps)

    def turn(rest: Array, given: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        diagonal, smallest, k = given

        def pivot() -> Array:
            small = jnp.where(smallest > 0, 0.0, diagonal * least)
            return jnp.where(k < rank, _inverse_root(jnp.maximum(rest[0, 0], smallest), small), 0.0)

        scale = once(pivot)
        row = rest[0] * scale
        left = rest[1:, 1:] - row[1:size, None] * row[1:]
        return jnp.pad(left, ((0, 1), (0, 1), (0, 0))), row

    diagonal = jnp.stack([gram[k, k] for k in range(size)])
    rows = jax.lax.scan(turn, gram, (diagonal, floor, jnp.arange(size, dtype=jnp.int32)))[1]
    return jnp.stack([_after(k, rows[k, : gram.shape[1] - k]) for k in range(size)])


def _after(zeros: int, row: Array) -> Array:
    return jnp.concatenate([jnp.zeros((zeros, *row.shape[1:]), row.dtype), row])


def _solved(factor: Array, right: Array) -> Array:
    solution = []
    for i in reversed(range(len(factor))):
        rest = right[i]
        for k, known in enumerate(reversed(solution), i + 1):
            rest = rest - factor[k, i] * known
        solution.append(_quotient(rest, factor[i, i]))
    return jnp.stack(jnp.broadcast_arrays(*reversed(solution)))


def _solved_in_a_loop(factor: Array, right: Array) -> Array:
    size = len(factor)

    def eliminate(turn: Array, carried: tuple[Array, Array]) -> tuple[Array, Array]:
        rest, solution = carried
        i = size - 1 - turn
        found = once(lambda: _quotient(rest[i], factor[i, i]))
        return rest - factor[i] * found, solution.at[i].set(found)

    right = jnp.broadcast_to(right, jnp.broadcast_shapes(factor[0].shape, right.shape))
    return jax.lax.fori_loop(0, size, eliminate, (right, jnp.zeros_like(right)))[1]


def _inverse_root(pivot: Array, least: Array) -> Array:
    positive = pivot > least
    return jnp.where(positive, 1.0 / jnp.sqrt(jnp.where(positive, pivot, 1.0)), 0.0)


def _quotient(number: Array, pivot: Array) -> Array:
    return jnp.where(pivot == 0, 0.0, number / jnp.where(pivot == 0, 1.0, pivot))
