"""Wishart matrices by their Cholesky factor: nothing is decomposed."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from mcollapse.lanes import lanes_last, most
from mcollapse.once import once

from . import reference
from .arguments import Number, Scalar, Words, as_float
from .gammas import log_ratio
from .key import Key, draw_words
from .multivariate_normals import UNROLLED, Factor, both, dot, normal_pairs, product
from .normals import midpoint
from .uniforms import numbered

_UNIFORMS = 2**31  # the block of the two uniform numbers: those of the normals count from 0


def wishart_factor(
    key: Key | PRNGKeyArray, site: int, nu: Number, factor: Factor, *, exact: bool = False
) -> Float[Array, "dimension dimension"]:
    r"""The lower Cholesky factor $B$ of a Wishart matrix, $W = B B^\top \sim W_d(\nu, L L^\top)$.

    Whoever carries factors from generation to generation needs no decomposition. By Bartlett's theorem
    $B = L A$ with $A$ lower triangular, $A_{ii}^2 \sim \chi^2_{\nu - i}$ for $i = 0, \dots, d - 1$ and
    $A_{ij} \sim N(0, 1)$ below the diagonal, all independent.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `nu`, degrees of freedom,
    any real above d - 1, else B is NaN on and below the diagonal; `factor`, $L$, lower triangular: what is
    above the diagonal is not read; `exact`, with gamma numbers by the rejection of `jax.random`. A Python
    number from d + 1 on spares a block of random bits. Many lanes are drawn fastest with the lanes as the
    last axis of the factors, `jax.vmap(..., in_axes=-1, out_axes=-1)`.
    Accuracy: that of `log_gamma` for each number on the diagonal of A and of `normal_pair` below it: total
    variation at most the sum of theirs; sums of products are rounded. Where nu is hardly above d - 1, the
    last element of the diagonal may be below the smallest float, and is 0.
    Source: Bartlett (1933), "On the theory of statistical regression".
    """
    factor = as_float(factor)
    size = factor.shape[-1]
    if exact or reference.wanted(key):
        return jnp.tril(product(factor, reference.bartlett(reference.typed(key, site), nu, size)))
    words = draw_words(key, site)
    if size > UNROLLED:
        return jnp.tril(product(factor, _triangle_array(words, nu, size)))
    return written_out(factor, _triangle(words, nu, size))


def written_out(factor: Float[Array, "dimension dimension"], triangle: list[list[Scalar]]) -> Array:
    """The product of two lower triangular matrices, number by number."""
    zero = jnp.zeros((), factor.dtype)
    size = len(triangle)

    def element(i: int, j: int) -> Scalar:
        return dot(factor[i, j:], [triangle[k][j] for k in range(j, i + 1)]) if j <= i else zero

    return lanes_last([[element(i, j) for j in range(size)] for i in range(size)])


def _triangle(words: Words, nu: Number, size: int) -> list[list[Scalar]]:
    """The rows of A up to the diagonal: the first scores make the diagonal, the others are as they are."""
    pairs = triangle_pairs(words, size)
    diagonal, below = _diagonal(words, pairs.real[:size], nu), iter(both(pairs)[size:])
    return [[next(below) for _ in range(i)] + [diagonal[i]] for i in range(size)]


def _triangle_array(words: Words, nu: Number, size: int) -> Float[Array, "dimension dimension"]:
    """The same numbers as an array, gathered: too many to be written out."""
    pairs = triangle_pairs(words, size)
    return below_diagonal(pairs, size) + jnp.diag(jnp.stack(_diagonal(words, pairs.real[:size], nu)))


def triangle_pairs(words: Words, size: int) -> Complex[Array, " pairs"]:
    """Normal numbers for every place of a lower triangle: the first `size` real parts are its diagonal's."""
    return normal_pairs(words, size * (size + 1) // 2)


def below_diagonal(pairs: Complex[Array, " pairs"], size: int) -> Float[Array, "dimension dimension"]:
    """What is left of these numbers without the diagonal's, row by row."""
    place = np.zeros((size, size), int)
    place[np.tril_indices(size, -1)] = np.arange(size, size * (size + 1) // 2)
    first = place < pairs.size
    chosen = pairs[np.where(first, place, place - pairs.size)]
    return jnp.tril(jnp.where(first, chosen.real, chosen.imag), -1)


def _diagonal(words: Words, scores: Float[Array, " dimension"], nu: Number) -> list[Scalar]:
    """Roots of chi-square numbers: below 2 degrees, of 2 more, times the power of a uniform number."""
    size = scores.size
    degrees = as_float(nu) - jnp.arange(size, dtype=scores.dtype)
    degrees = jnp.where(as_float(nu) > size - 1, degrees, jnp.nan)

    def root(_, inputs):
        z, freedom = inputs
        return None, jnp.sqrt(freedom) * jnp.exp(log_ratio(z, freedom / 2) / 2)

    roots = lax.scan(root, None, (scores, jnp.where(degrees < 2, degrees + 2, degrees)))[1]
    diagonal = [roots[i] for i in range(size)]
    if isinstance(nu, int | float) and nu >= size + 1:
        return diagonal
    powers = _powers(words, degrees[-1])
    last_two = [number * power for number, power in zip(diagonal[:-3:-1], powers, strict=False)]
    return [*diagonal[:-2], *last_two[::-1]]


def _powers(words: Words, last: Scalar) -> tuple[Scalar, Scalar]:
    """Factors of the last root and the one before it, 1 where there are 2 degrees of freedom or more."""

    def draw(last: Scalar, *words: Array) -> Array:
        u, v = numbered((words[0], words[1]), jnp.asarray(np.uint32(_UNIFORMS)))
        return lax.complex(_power(u, last), _power(v, last + 1))

    def one(last: Scalar, *words: Array) -> Array:
        return lax.complex(jnp.ones_like(last), jnp.ones_like(last))

    def either(last: Scalar, *words: Array) -> Array:
        # A branch, not a choice: where all lanes have more degrees of freedom nothing is drawn.
        return lax.cond(most((last < 2).astype(np.int32)) > 0, draw, one, last, *words)

    powers = once(either, last, *words)
    return powers.real, powers.imag


def _power(word: Array, degrees: Scalar) -> Scalar:
    return jnp.where(degrees < 2, jnp.exp(jnp.log(midpoint(word, 2.0**-32)) / degrees), 1)
