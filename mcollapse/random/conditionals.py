"""Multinomial counts as binomial counts, each given those before it; for many lanes at once."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int32

from .arguments import Words
from .binomials import binomial_from_words
from .uniforms import numbered

_FEWEST_GROUPED = 64  # categories; below, the draws between groups are more than what they save

_binomials = jax.vmap(jax.vmap(binomial_from_words))


def by_binomials(
    words: Words, n: Int32[Array, " lanes"], weights: Float[Array, "categories weighed"]
) -> Int32[Array, "categories lanes"]:
    """Counts of n things: first those of groups of categories, then, in all groups at once, of categories.

    With about √K groups there are 2 √K steps instead of K, each wide enough to keep a machine busy.
    """
    categories = weights.shape[0]
    groups = math.isqrt(categories) if categories >= _FEWEST_GROUPED else 1
    rows = -(-categories // groups)
    weights = jnp.pad(weights, ((0, rows * groups - categories), (0, 0))).reshape(rows, groups, -1)
    later = _sums_of_later(weights)
    among = n[None]
    if groups > 1:
        totals = (weights[0] + later[0])[:, None]
        among = _chain(words, rows * groups, among, totals, _sums_of_later(totals))[:, 0]
    return _chain(words, 0, among, weights, later).reshape(rows * groups, -1)[:categories]


def _chain(
    words: Words,
    first: int,
    n: Int32[Array, "groups lanes"],
    weights: Float[Array, "rows groups weighed"],
    later: Float[Array, "rows groups weighed"],
) -> Int32[Array, "rows groups lanes"]:
    """Shares n among rows, in every group; `first` numbers the draws, `later` are sums over later rows."""
    rows, groups, _ = weights.shape
    shape = (groups, n.shape[-1])

    # What leaves the loop is what remained before: XLA:CPU would draw anew for a second output of the draw.
    def row(remaining, inputs):
        index, weight, later = inputs
        total = weight + later
        usable = total > 4 * np.finfo(total.dtype).tiny
        scale = jnp.where(usable, 1 / jnp.where(usable, total, 1), 0)
        # later * scale is 1 - p with all its digits, and exactly 0 in the last row of positive weight.
        p, q = (jnp.broadcast_to(part * scale, shape) for part in (weight, later))
        return remaining - _binomials(numbered(words, index), remaining, p, q), remaining

    index = first + jnp.arange(rows * groups, dtype=np.uint32).reshape(rows, groups, 1)
    last, before = lax.scan(row, jnp.broadcast_to(n, shape), (index, weights, later))
    return before - jnp.concatenate([before[1:], last[None]])


def _sums_of_later(weights: Float[Array, "rows groups weighed"]) -> Float[Array, "rows groups weighed"]:
    def add(later, weight):
        return later + weight, later

    return lax.scan(add, jnp.zeros(weights.shape[1:], weights.dtype), weights, reverse=True)[1]
