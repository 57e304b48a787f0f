"""Sums whose order of additions is ours.

A compiler may add the terms of a sum in an order that depends on the batch around it, and then the
last bit of a replicate depends on its neighbours. A tree of additions written out leaves no choice.
"""

import jax.numpy as jnp
from jaxtyping import Array


def tree_sum(terms: Array, axis: int = 0) -> Array:
    """The sum along an axis, by halves: pairs half the length apart are added until one is left."""
    terms = jnp.moveaxis(terms, axis, 0)
    length = 1 << max(terms.shape[0] - 1, 0).bit_length()
    if length > terms.shape[0]:
        padding = jnp.zeros((length - terms.shape[0], *terms.shape[1:]), terms.dtype)
        terms = jnp.concatenate([terms, padding])
    while terms.shape[0] > 1:
        half = terms.shape[0] // 2
        terms = terms[:half] + terms[half:]
    return terms[0]
