"""Beta numbers and Dirichlet vectors as logarithms: shares of gamma numbers."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from mcollapse.summation import tree_sum

from . import reference
from .arguments import Number, Scalar, as_float
from .gammas import log_gamma_parts
from .key import Key, draw_words
from .logarithms import log1p_curvature
from .uniforms import numbered


def log_beta(
    key: Key | PRNGKeyArray, site: int, a: Number, b: Number, *, exact: bool = False
) -> tuple[Scalar, Scalar]:
    r"""$\log X$ and $\log(1 - X)$ of a beta number X, with the density $x^{a-1} (1-x)^{b-1} / B(a, b)$.

    Both have all their digits, however near X is to 0 or 1. Arguments: `key`, an address or a JAX key;
    `site`, 1 to 15, this draw's purpose; `a` and `b`, shapes, any reals. a = 0 gives X = 0 and b = 0 gives
    X = 1; two zeros, a negative number or NaN give NaN. `exact`, by the rejection of `jax.random`.
    Accuracy: of two numbers of `log_gamma`: total variation at most the sum of theirs.
    """
    if exact or reference.wanted(key):
        return reference.log_beta(reference.typed(key, site), a, b)
    words = draw_words(key, site)
    scale, rest = log_gamma_parts(numbered(words, _number(0)), a)
    other_scale, other_rest = log_gamma_parts(numbered(words, _number(1)), b)
    # The scales first: they are large where the rests, and with them X, hardly vary.
    odds = (scale - other_scale) + (rest - other_rest)
    smaller = jnp.exp(-jnp.abs(odds))
    excess = smaller + log1p_curvature(smaller)
    return jnp.minimum(odds, 0) - excess, jnp.minimum(-odds, 0) - excess


def log_dirichlet(
    key: Key | PRNGKeyArray,
    site: int,
    concentrations: Real[ArrayLike, " categories"],
    *,
    exact: bool = False,
) -> Float[Array, " categories"]:
    r"""Logarithms of the probabilities of a Dirichlet vector, with the density $\propto \prod_k p_k^{a_k-1}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `concentrations`, the
    $a_k$, any reals; `exact`, by the rejection of `jax.random`. 0 gives the probability 0; if all are 0, or
    one is negative or NaN, all are NaN.
    Accuracy: of as many numbers of `log_gamma`: total variation at most the sum of theirs.
    """
    if exact or reference.wanted(key):
        return reference.log_dirichlet(reference.typed(key, site), as_float(concentrations))
    words, shapes = draw_words(key, site), as_float(concentrations)

    # In a loop: XLA:CPU would draw anew for each of the three passes of a softmax.
    def category(carry, inputs):
        index, shape = inputs
        scale, rest = log_gamma_parts(numbered(words, index), shape)
        return carry, scale + rest

    logs = lax.scan(category, None, (jnp.arange(shapes.size, dtype=np.uint32), shapes))[1]
    logs = logs - jnp.max(logs, initial=-np.inf)
    return logs - jnp.log(tree_sum(jnp.exp(logs)))


def _number(index: int) -> Array:
    return jnp.asarray(np.uint32(index))
