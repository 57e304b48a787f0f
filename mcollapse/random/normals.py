"""Normal numbers without rejection: by inversion, and by the method of Box and Muller."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from jaxtyping import Array, Float, Int32, PRNGKeyArray

from . import reference
from .arguments import Scalar, Word, as_float, float_dtype
from .coefficients import COSINE, NORMAL_CENTRE, NORMAL_TAIL, SINE
from .key import Key, array_words, draw_words
from .uniforms import numbered

Numbers = Float[Array, "..."]

_LOWER_BITS = np.int32(0x7FFFFFFF)


def normal(
    key: Key | PRNGKeyArray, site: int, shape: tuple[int, ...] = (), *, exact: bool = False
) -> Numbers:
    r"""Standard normal numbers, $N(0, 1)$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `shape`, how many;
    `exact`, those of `jax.random`. A scalar is the inverse of the distribution function,
    $z = -\Phi^{-1}(u)$, decreasing in its word; the elements of an array are pairs of Box and Muller.
    Accuracy: 4e-7 of the number; total variation to the law 3e-8 and variance right to 2e-9, before float32
    rounds; tails to 6.3 (scalar) and 6.6 (array) standard deviations; in float64 1e-13, and to 9.1 for a
    scalar.
    Source: Box, Muller (1958), "A note on the generation of random normal deviates".
    """
    if exact or reference.wanted(key):
        return jax.random.normal(reference.typed(key, site), shape)
    if shape == ():
        return from_words(*draw_words(key, site))
    # Both of a pair evaluate its block. XLA:CPU would do so anyhow, and without vectors in a concatenation.
    index = jnp.arange(math.prod(shape), dtype=np.uint32).reshape(shape)
    even, odd = box_muller(*numbered(array_words(key, site), index >> np.uint32(1)))
    return jnp.where(index & np.uint32(1) == 0, even, odd)


def normal_pair(key: Key | PRNGKeyArray, site: int, *, exact: bool = False) -> tuple[Scalar, Scalar]:
    r"""Two independent standard normal numbers, $N(0, 1)$, from one block: the fastest way to two.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `exact`, those of
    `jax.random`. Accuracy: 4e-7 of the number; total variation to the law of a pair 7e-9 and variances
    right to 1e-9, before float32 rounds; tails to 6.6 standard deviations.
    Source: Box, Muller (1958), "A note on the generation of random normal deviates".
    """
    if exact or reference.wanted(key):
        return reference.normal_pair(reference.typed(key, site))
    return box_muller(*draw_words(key, site))


def from_words(high: Word, low: Word) -> Numbers:
    r"""$-\Phi^{-1}(u)$ of a uniform u: in float32 the 32 bits of `high`, in float64 all 64."""
    signed = high.astype(np.int32)
    mirror = signed >> np.int32(31)  # all ones for the half of the words that give negative numbers
    # The other 31 bits are t in (0, 1/2), the smaller tail, and 1/2 - t: each with all its digits.
    tail = signed ^ mirror
    if float_dtype() == np.float64:
        size = -ndtri((as_float(tail) + midpoint(low ^ mirror.astype(np.uint32), 2.0**-32)) * 2.0**-32)
    else:
        size = _inverse(midpoint(tail, 2.0**-32), midpoint(tail ^ _LOWER_BITS, 2.0**-31))
    return jnp.where(mirror == 0, size, -size)


def _inverse(t: Numbers, centred: Numbers) -> Numbers:
    r"""The z with $\Phi(-z) = t$, where `centred` is 1 - 2t.

    Source: own fit, in the variable of Giles (2010), "Approximating the erfinv function".
    """
    w = -jnp.log(4 * t * (1 - t))
    near, far = polynomial(NORMAL_CENTRE, w - 2.5), polynomial(NORMAL_TAIL, jnp.sqrt(w) - 3.4)
    return centred * jnp.where(w < 5, near, far)


def box_muller(first: Word, second: Word) -> tuple[Numbers, Numbers]:
    """Two normal numbers: the radius from one word, the angle from the other."""
    below_one = 1 - float(np.finfo(float_dtype()).epsneg)
    radius = jnp.sqrt(-2 * jnp.log(jnp.minimum(midpoint(first, 2.0**-32), below_one)))
    # Two bits choose the quadrant; the midpoints of 2^30 cells are the angle in it, from -pi/4 to pi/4.
    sine, cosine = _sine_and_cosine(((second << np.uint32(2)) | np.uint32(2)).astype(np.int32))
    swapped = (second >> np.uint32(30)) & np.uint32(1) == 1
    signed = jnp.where(second >> np.uint32(31) == 0, radius, -radius)
    other = jnp.where(swapped, -signed, signed)
    return other * jnp.where(swapped, sine, cosine), signed * jnp.where(swapped, cosine, sine)


def _sine_and_cosine(cell: Int32[Array, "..."]) -> tuple[Numbers, Numbers]:
    angle = as_float(cell) * (math.pi * 2.0**-33)
    if angle.dtype == np.float64:
        return jnp.sin(angle), jnp.cos(angle)
    return angle * polynomial(SINE, angle * angle), polynomial(COSINE, angle * angle)


def midpoint(word: Word | Int32[Array, "..."], scale: float) -> Numbers:
    """The middle of the cell of a word, times `scale`: never 0."""
    return (as_float(word) + 0.5) * scale


def polynomial(coefficients: np.ndarray | Sequence[Numbers], x: Numbers) -> Numbers:
    """Horner's scheme; the coefficients, lowest first, are numbers, or arrays if parameters matter."""
    result = jnp.asarray(coefficients[-1], x.dtype)
    for coefficient in coefficients[-2::-1]:
        result = result * x + jnp.asarray(coefficient, x.dtype)
    return result
