"""Normal numbers without rejection: by inversion, and by the method of Box and Muller."""

import math

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from jaxtyping import Array, Float, Int32, PRNGKeyArray, UInt32

from .coefficients import COSINE, NORMAL_CENTRE, NORMAL_TAIL, SINE
from .key import Key, draw_words
from .uniforms import Words, float_dtype, numbered

Reals = Float[Array, "..."]
Word = UInt32[Array, "..."]

def normal(key: Key | PRNGKeyArray, site: int, shape: tuple[int, ...] = ()) -> Reals:
    r"""Standard normal numbers, $N(0, 1)$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose. A scalar is the inverse of the
    distribution function, monotone in its word; an array is made of the pairs of Box and Muller.
    Accuracy: 3e-7 of the number; tails to 6.3 (scalar) and 6.6 standard deviations, in float64 9.1 (scalar).
    Source: Box, Muller (1958), "A note on the generation of random normal deviates".
    """
    if shape == ():
        return from_words(*draw_words(key, site))
    # Both neighbours evaluate their block: cheaper than to part a pair, for which XLA:CPU leaves its vector code.
    index = jnp.arange(math.prod(shape), dtype=np.uint32).reshape(shape)
    even, odd = box_muller(*numbered(draw_words(key, site), index >> np.uint32(1)))
    return jnp.where(index & np.uint32(1) == 0, even, odd)


def normal_pair(key: Key | PRNGKeyArray, site: int) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Two independent standard normal numbers, $N(0, 1)$, from one block.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose.
    Accuracy: 3e-7 of the number; tails to 6.6 standard deviations.
    Source: Box, Muller (1958), "A note on the generation of random normal deviates".
    """
    return box_muller(*draw_words(key, site))


def from_words(high: Word, low: Word) -> Reals:
    """The normal score of a word: in float32 of `high` alone, in float64 of all 64 bits. It falls as the word grows."""
    dtype = float_dtype()
    # The top bit is the sign. The other 31 are t in (0, 1/2), and mirrored 1/2 - t, each with all its digits.
    tail, centre = high & np.uint32(0x7FFFFFFF), ~high & np.uint32(0x7FFFFFFF)
    sign = jnp.where(high >> np.uint32(31) == 0, dtype.type(1), dtype.type(-1))
    mirrored = jnp.where(high >> np.uint32(31) == 0, tail, centre)
    if dtype == np.float64:
        rest = jnp.where(high >> np.uint32(31) == 0, low, ~low)
        t = (mirrored.astype(dtype) + (rest.astype(dtype) + 0.5) * 2.0**-32) * 2.0**-32
        return -sign * ndtri(t)
    centred = jnp.where(high >> np.uint32(31) == 0, centre, tail)
    return sign * _inverse(_unit(mirrored, 2.0**-32), _unit(centred, 2.0**-31))


def box_muller(first: Word, second: Word) -> tuple[Reals, Reals]:
    """Two normal numbers: the radius from one word, the angle from the other."""
    dtype = float_dtype()
    u = jnp.minimum(_unit(first, 2.0**-32), dtype.type(1 - np.finfo(dtype).epsneg))
    radius = jnp.sqrt(dtype.type(-2) * jnp.log(u))
    # Two bits choose the quadrant; the midpoints of 2^30 cells are the angle in it, from -pi/4 to pi/4.
    cell = ((second << np.uint32(2)) | np.uint32(2)).astype(np.int32)
    sine, cosine = _sine_and_cosine(cell)
    swap = (second >> np.uint32(30)) & np.uint32(1) == 1
    first_sign = jnp.where(second >> np.uint32(31) == 0, radius, -radius)
    second_sign = jnp.where(swap, -first_sign, first_sign)
    return second_sign * jnp.where(swap, sine, cosine), first_sign * jnp.where(swap, cosine, sine)


def _sine_and_cosine(cell: Int32[Array, "..."]) -> tuple[Reals, Reals]:
    dtype = float_dtype()
    angle = cell.astype(dtype) * dtype.type(math.pi * 2.0**-33)
    if dtype == np.float64:
        return jnp.sin(angle), jnp.cos(angle)
    square = angle * angle
    return angle * polynomial(SINE, square), polynomial(COSINE, square)


def _inverse(t: Reals, centred: Reals) -> Reals:
    """The z >= 0 with Phi(-z) = t, where `centred` is 1 - 2t."""
    w = -jnp.log(np.float32(4) * t * (np.float32(1) - t))
    near = polynomial(NORMAL_CENTRE, w - np.float32(2.5))
    far = polynomial(NORMAL_TAIL, jnp.sqrt(w) - np.float32(3.4))
    return centred * jnp.where(w < np.float32(5), near, far)


def _unit(word: Word, scale: float) -> Reals:
    dtype = float_dtype()
    return (word.astype(dtype) + dtype.type(0.5)) * dtype.type(scale)


def polynomial(coefficients, x: Reals) -> Reals:
    """Horner's scheme; coefficients, numbers or arrays, lowest first."""
    result = jnp.asarray(coefficients[-1], x.dtype)
    for coefficient in coefficients[-2::-1]:
        result = result * x + jnp.asarray(coefficient, x.dtype)
    return result
