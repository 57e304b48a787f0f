"""Gram matrices of normal rows by their Cholesky factor, of any number of rows."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from mcollapse.lanes import lanes_last

from . import reference
from .arguments import Count, Scalar, Whole, Words, as_count, as_float
from .gammas import log_ratio
from .key import Key, draw_words
from .multivariate_normals import UNROLLED, Factor, both, product
from .wisharts import below_diagonal, triangle_pairs, written_out


def gram_factor(
    key: Key | PRNGKeyArray,
    site: int,
    count: Whole,
    dimension: int,
    factor: Factor | None = None,
    *,
    exact: bool = False,
) -> Float[Array, "dimension dimension"]:
    r"""A lower triangular $B$ with $B B^\top = X^\top X$ for `count` rows of X, independent $N(0, L L^\top)$.

    A Wishart matrix of whole degrees of freedom n, which may be fewer than d: then it is singular, and the
    last d - n columns of B are zero. By the QR decomposition of X, $B = L A$, $A_{ii}^2 \sim \chi^2_{n-i}$
    for $i = 0, \dots, \min(n, d) - 1$, $A_{ij} \sim N(0, 1)$ below the diagonal of those columns.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `count`, n, from 0 on;
    `dimension`, d; `factor`, $L$, lower triangular, the identity where it is left out; `exact`, with gamma
    numbers by the rejection of `jax.random`.
    Accuracy: that of `wishart_factor`; the chi of one degree of freedom is that of a normal number.
    Source: Bartlett (1933); Srivastava (2003), "Singular Wishart and multivariate beta distributions".
    """
    count = as_count(count)
    if exact or reference.wanted(key):
        triangle = reference.gram(reference.typed(key, site), count, dimension)
        return triangle if factor is None else product(as_float(factor), triangle)
    words = draw_words(key, site)
    if dimension > UNROLLED:
        triangle = _triangle_array(words, count, dimension)
        return triangle if factor is None else product(as_float(factor), triangle)
    rows = _triangle(words, count, dimension)
    if factor is not None:
        return written_out(as_float(factor), rows)
    zero = jnp.zeros((), rows[0][0].dtype)
    return lanes_last([[*row, *[zero] * (dimension - len(row))] for row in rows])


def _triangle(words: Words, count: Count, size: int) -> list[list[Scalar]]:
    pairs = triangle_pairs(words, size)
    diagonal, below = _diagonal(pairs.real[:size], count), iter(both(pairs)[size:])
    rows = [[next(below) for _ in range(i)] for i in range(size)]
    return [
        [jnp.where(j < count, number, 0) for j, number in enumerate(row)] + [diagonal[i]]
        for i, row in enumerate(rows)
    ]


def _triangle_array(words: Words, count: Count, size: int) -> Float[Array, "dimension dimension"]:
    pairs = triangle_pairs(words, size)
    below = jnp.where(jnp.arange(size) < count, below_diagonal(pairs, size), 0)
    return below + jnp.diag(_diagonal(pairs.real[:size], count))


def _diagonal(scores: Float[Array, " dimension"], count: Count) -> Float[Array, " dimension"]:
    degrees = as_float(jnp.maximum(count - np.arange(scores.size, dtype=np.int32), 0))

    def root(_: None, inputs: tuple[Scalar, Scalar]) -> tuple[None, Scalar]:
        z, freedom = inputs
        several = jnp.sqrt(freedom) * jnp.exp(log_ratio(z, jnp.maximum(freedom, 2) / 2) / 2)
        return None, jnp.where(freedom < 2, jnp.where(freedom < 1, 0, jnp.abs(z)), several)

    return lax.scan(root, None, (scores, degrees))[1]
