"""Normal vectors by a factor of their covariance, and the scores that vectors and matrices are made of."""

import functools
import operator
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Complex, Float, PRNGKeyArray, Real

from mcollapse.lanes import lanes_last
from mcollapse.once import once

from . import reference
from .arguments import Scalar, Words, as_float
from .key import Key, draw_words
from .normals import box_muller
from .uniforms import numbered

Factor = Real[ArrayLike, "dimension dimension"]

UNROLLED = 12
"""The largest dimension whose products are written out, number by number.

A product of small matrices, one for each lane, is a call for each lane on a CPU. What is written out is
done for vectors of lanes, and knows which half of a factor is zero. It takes the longer to compile.
"""


def multivariate_normal(
    key: Key | PRNGKeyArray,
    site: int,
    mean: Real[ArrayLike, " dimension"],
    factor: Factor | None = None,
    *,
    exact: bool = False,
) -> Float[Array, " dimension"]:
    r"""A normal vector, $N(\mu, L L^\top)$, as $\mu + L z$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `mean`, $\mu$; `factor`,
    $L$, lower triangular: what is above the diagonal is not read; the identity where it is left out;
    `exact`, with the normal numbers of `jax.random`.
    Accuracy: of as many numbers of `normal_pair`: total variation at most the sum of theirs; sums of products
    are rounded.
    """
    mean = as_float(mean)
    size = mean.shape[-1]
    factor = None if factor is None else as_float(factor)
    if exact or reference.wanted(key):
        z = jax.random.normal(reference.typed(key, site), (size,))
        return mean + (z if factor is None else product(factor, z))
    pairs = normal_pairs(draw_words(key, site), size)
    z = both(pairs)[:size]
    if factor is None:
        return mean + jnp.concatenate([pairs.real, pairs.imag])[:size]
    if size > UNROLLED:
        return mean + product(factor, jnp.stack(z))
    return lanes_last([mean[i] + dot(factor[i], z[: i + 1]) for i in range(size)])


def normal_pairs(words: Words, count: int) -> Complex[Array, " pairs"]:
    """At least `count` normal numbers, as complex numbers, each computed once.

    In a loop, which leaves the lanes of a `vmap` last, and is small to compile.
    """

    def pair(index: Array, *words: Array) -> Array:
        return lax.complex(*box_muller(*numbered((words[0], words[1]), index)))

    index = jnp.arange((count + 1) // 2, dtype=np.uint32)
    if index.size == 1:  # a loop of one turn, known as such, is none to XLA
        return once(pair, index, *words)
    return lax.scan(lambda _, i: (None, pair(i, *words)), None, index)[1]


def both(pairs: Complex[Array, " pairs"]) -> list[Scalar]:
    """First the real parts, then the imaginary ones."""
    return [part[i] for part in (pairs.real, pairs.imag) for i in range(pairs.size)]


def dot(row: Float[Array, " dimension"], column: Sequence[Scalar]) -> Scalar:
    """The sum of products with as many elements of a row as the column has."""
    return functools.reduce(operator.add, [row[k] * number for k, number in enumerate(column)])


def product(factor: Float[Array, "dimension dimension"], right: Float[Array, "dimension ..."]) -> Array:
    """Of a lower triangular matrix with another or a vector."""
    return jnp.matmul(jnp.tril(factor), right, precision=lax.Precision.HIGHEST)
