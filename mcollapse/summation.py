"""Sums whose order of additions is ours, and sums that are fast where lanes are last.

A compiler may add the terms of a sum in an order that depends on the batch around it, and then the
last bit of a replicate depends on its neighbours. Additions written out leave no choice. Whole numbers
may be added in any order; but XLA on a CPU reads a column of a large table from top to bottom, lane by lane,
where a loop over its rows reads it as it lies in memory.
"""

import functools
import math
from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Num

from mcollapse.lanes import over_lanes

_LONG_TREE = 1024  # terms of which halves are added; above, rows one after the other
_LONG_COLUMN = 64

Combine = Callable[[Array, Array], Array]


def tree_sum(terms: Array, axis: int = 0) -> Array:
    """The sum along an axis, by halves; of many terms in about √K partial sums, and then of these."""
    terms = jnp.moveaxis(terms, axis, 0)
    if terms.shape[0] > _LONG_TREE and terms.ndim == 1:
        return _by_rows(jnp.add, terms)
    if terms.shape[0] == 0:
        return jnp.zeros(terms.shape[1:], terms.dtype)
    odd = []
    while terms.shape[0] > 1:
        half = terms.shape[0] // 2
        odd += [terms[-1]] * (terms.shape[0] % 2)
        terms = terms[:half] + terms[half : 2 * half]
    return functools.reduce(jnp.add, reversed(odd), terms[0])


def row_sum(terms: Array) -> Array:
    """The sum over the rows of one replicate's data, which lie together in memory, as lanes do not.

    Up to 1,024 by halves; of more, within groups and then over them: it rounds little and reads memory once.
    """
    count = terms.shape[0]
    if count <= _LONG_TREE:
        return tree_sum(terms)
    padded = jnp.pad(terms, [(0, -count % _LONG_COLUMN)] + [(0, 0)] * (terms.ndim - 1))
    return jnp.sum(jnp.sum(padded.reshape(-1, _LONG_COLUMN, *terms.shape[1:]), axis=1), axis=0)


def total(counts: Num[Array, " categories"]) -> Num[Array, ""]:
    """The sum of counts."""
    return jnp.sum(counts, dtype=counts.dtype) if counts.size <= _LONG_COLUMN else _by_rows(jnp.add, counts)


def largest(numbers: Num[Array, " categories"]) -> Num[Array, ""]:
    """The largest number."""
    return jnp.max(numbers) if numbers.size <= _LONG_COLUMN else _by_rows(jnp.maximum, numbers)


def _by_rows(combine: Combine, terms: Array) -> Array:
    return over_lanes(lambda lanes: _in_turn(combine, _groups(combine, lanes)))(terms)


def _groups(combine: Combine, terms: Array) -> Array:
    groups = math.isqrt(terms.shape[0])
    whole = terms.shape[0] // groups * groups
    rows = terms[:whole].reshape(-1, groups, *terms.shape[1:])
    return jnp.concatenate([_in_turn(combine, rows), terms[whole:]])


def _in_turn(combine: Combine, rows: Array) -> Array:
    return lax.scan(lambda so_far, row: (combine(so_far, row), None), rows[0], rows[1:])[0]
