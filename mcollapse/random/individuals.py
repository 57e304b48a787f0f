"""Multinomial counts of few things: each falls into a category; for many lanes at once."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int32, UInt32

from mcollapse.lanes import most
from mcollapse.packing import pack, unpack
from mcollapse.summation import tree_sum

from .arguments import Word, Words
from .uniforms import numbered

_WHOLE = np.uint32(2**31)  # levels go up to about here, and fit into a word
_TIE = np.uint32(0xFFFFFFFF)  # the number of the block that decides ties
_COMPARED = 256  # up to so many categories a thing is compared with each of them, above it is searched
_AT_ONCE = 4  # blocks, of two things each
_BEYOND = np.uint32(0xFFFFFFFF)  # a word above every level

Levels = UInt32[Array, "categories lanes"]
Thing = Callable[[Word], Word]
Counts = Int32[Array, "categories lanes"]


def most_individuals(categories: int) -> int:
    """Up to how many things it is faster to draw each than a binomial count for every category."""
    if categories <= _COMPARED:
        return int(17 * categories / (1.5 + 0.06 * categories))
    return categories // 4


def one_by_one(
    words: Words, n: Int32[Array, " lanes"], weights: Float[Array, "categories weighed"]
) -> Counts:
    """Counts of n things; the work is that of the largest n in any lane."""
    tie = numbered(words, jnp.asarray(_TIE))[1]
    levels = _levels(tie, weights)
    way = _compared if weights.shape[0] <= _COMPARED else _searched
    return way(words, jnp.where(levels[-1] > 0, n, 0), levels, _thing(tie, levels[-1]))


def _thing(tie: Word, last: Word) -> Thing:
    """From a word a number below the last level, which rounding has moved away from 2^31: stretched to it.

    Between levels lie as many numbers as between the words, but for 2^-43; the tie decides which.
    """
    excess = (last - _WHOLE).astype(np.int32)
    shift = jnp.minimum((tie >> 13).astype(np.int32), 2**19 - 1 + jnp.minimum(excess, 0))

    def thing(word: Word) -> Word:
        number = (word >> 1).astype(np.int32)
        return (number + (((number >> 12) * excess + shift) >> 19)).astype(np.uint32)

    return thing


def _levels(tie: Word, weights: Float[Array, "categories weighed"]) -> Levels:
    """Cumulative weights, in units of which they sum to about 2^31: a thing has the first level above it.

    They are summed in two words, and one random word, for all things of a lane, decides what the lower one
    comes to: on average a level has 63 bits, beside float32's rounding of a weight.
    """
    total = tree_sum(weights)
    usable = total > 4 * np.finfo(total.dtype).tiny
    scale = jnp.where(usable, float(_WHOLE) / jnp.where(usable, total, 1), 0)

    def add(before, weight):
        steps = jnp.where(usable, weight * scale, 0)
        whole = jnp.floor(steps)
        more = ((steps - whole) * 2.0**32).astype(np.uint32)
        low = before[1] + more
        high = before[0] + whole.astype(np.uint32) + (low < more).astype(np.uint32)
        return (high, low), high + (tie < low).astype(np.uint32)

    return lax.scan(add, (jnp.zeros_like(tie), jnp.zeros_like(tie)), weights)[1]


def _compared(words: Words, n: Int32[Array, " lanes"], levels: Levels, thing: Thing) -> Counts:
    """Counts how many things are below each level."""
    index = jnp.arange(_AT_ONCE, dtype=np.uint32)[:, None]

    def drawn(turn):
        return pack(numbered(words, turn.astype(np.uint32) * np.uint32(_AT_ONCE) + index))

    def things(turn, pairs):
        first = 2 * (_AT_ONCE * turn + index.astype(np.int32))
        parts = enumerate(unpack(pairs, words))
        return tuple(jnp.where(first + i < n, thing(word), _BEYOND) for i, word in parts)

    # Words are drawn two turns ahead, in one array, and taken apart one ahead: XLA:CPU would do both anew for
    # every category, and draw anew for a second array.
    def count(turn, carry):
        below, now, ahead = carry
        add = sum((part[i] < levels).astype(np.int32) for part in now for i in range(_AT_ONCE))
        return below + add, things(turn + 1, ahead), drawn(turn + 2)

    turns = -(-most(n) // (2 * _AT_ONCE))
    below = jnp.zeros((levels.shape[0], n.shape[0]), np.int32)
    first = lax.map(drawn, jnp.arange(2, dtype=np.int32))  # in a loop: compiled once for both turns
    now, ahead = (jax.tree.map(lambda part, turn=turn: part[turn], first) for turn in (0, 1))
    below = lax.fori_loop(0, turns, count, (below, things(jnp.int32(0), now), ahead))[0]
    return jnp.diff(below, axis=0, prepend=0)


def _searched(words: Words, n: Int32[Array, " lanes"], levels: Levels, thing: Thing) -> Counts:
    """Finds the category of each thing by bisection."""
    categories, lanes = levels.shape[0], n.shape[0]
    lane = jnp.arange(lanes, dtype=np.int32)
    table = levels.reshape(-1)

    halves = np.array([2**i for i in reversed(range((categories - 1).bit_length()))], np.int32)

    # A loop, whose body is compiled once: written out, XLA:CPU would draw the words anew for every step.
    def category(numbers):
        def step(low, half):
            middle = jnp.minimum(low + half, categories) - 1  # all categories before low have lower levels
            above = table[middle * lanes + lane] <= numbers
            return jnp.where(above, middle + 1, low), None

        low = lax.scan(step, jnp.zeros_like(numbers, np.int32), halves)[0]
        return jnp.minimum(low, categories - 1)

    def count(turn, counts):
        pair = numbered(words, jnp.broadcast_to(turn.astype(np.uint32), (lanes,)))
        present = (2 * turn + np.arange(2, dtype=np.int32)[:, None] < n).astype(np.int32)
        places = category(thing(jnp.stack(pair))) * lanes + lane
        return counts.at[places].add(present, mode="promise_in_bounds")

    counts = jnp.zeros(categories * lanes, np.int32)
    return lax.fori_loop(0, -(-most(n) // 2), count, counts).reshape(categories, lanes)
