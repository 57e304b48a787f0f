"""Gamma numbers without rejection: a series in a normal score for shapes from 1 on, a power of u below."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from . import reference
from .arguments import Number, Scalar, Word, Words, as_float, float_dtype
from .coefficients import GAMMA_SERIES
from .key import Key, draw_words
from .normals import from_words, midpoint, polynomial
from .uniforms import numbered, unit_interval

Numbers = Float[Array, "..."]

_FURTHEST = 6.7  # the fit ends here; only a score of 64 bits can be further out


def gamma(key: Key | PRNGKeyArray, site: int, a: Number, *, exact: bool = False) -> Scalar:
    r"""A gamma number of scale 1, with the density $x^{a-1} e^{-x} / \Gamma(a)$.

    It is exp of `log_gamma`, with its arguments and accuracy, and 0 where that is below the smallest float:
    in float32 in half of all cases if a is 0.008. There `log_gamma` has what is lost.
    """
    return jnp.exp(log_gamma(key, site, a, exact=exact))


def log_gamma(key: Key | PRNGKeyArray, site: int, a: Number, *, exact: bool = False) -> Scalar:
    r"""The logarithm of a gamma number of scale 1, $\log X$, with the density $x^{a-1} e^{-x} / \Gamma(a)$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `a`, the shape, any real.
    0 gives $-\infty$, a negative number or NaN gives NaN. From 1 on X increases with one normal score; below,
    X is a number of shape a + 1, times $u^{1/a}$, which is exact. A Python number from 1 on spares the u.
    `exact`, by the rejection of `jax.random`.
    Accuracy: total variation at most 6e-7, and 1e-7 from a = 30 on. The mean of X is right to 3e-8,
    that of log X to 6e-8 standard deviations, the variances to 3e-7 of themselves. Float32 rounds log X,
    and so moves its mean by up to 1e-7, or a last digit of log a; large a ask for float64.
    Source: own fit; the series has the powers of Cornish and Fisher (1938).
    """
    if exact or reference.wanted(key):
        return reference.log_gamma(reference.typed(key, site), a)
    scale, rest = log_gamma_parts(draw_words(key, site), a)
    return scale + rest


def log_gamma_parts(words: Words, a: Number | Numbers) -> tuple[Numbers, Numbers]:
    """log X in two parts: the log of a, or below 1 of a + 1, and the rest, as large as X varies."""
    never_boosted = isinstance(a, int | float) and a >= 1
    shapes = as_float(a)
    if never_boosted:
        return jnp.log(shapes), log_ratio(from_words(*words), shapes)
    small = shapes < 1
    upper = jnp.where(small, shapes + 1, shapes)
    z, u = _score_and_uniform(*words)
    boost = jnp.where(small, jnp.log(u) / shapes, 0)
    rest = log_ratio(z, upper) + jnp.where(shapes >= 0, boost, jnp.nan)
    return jnp.log(upper), rest


def log_ratio(z: Numbers, a: Numbers) -> Numbers:
    """log(X / a) at the normal score z of X, for a shape a from 1 on."""
    if z.dtype == np.float64:
        z = jnp.clip(z, -_FURTHEST, _FURTHEST)
    root = lax.rsqrt(a)
    # Where the shape is the same in all lanes, what a lane does is one scheme of Horner.
    return polynomial(_lines(root * root), z * root)


def _lines(inverse: Numbers) -> list[Numbers]:
    trimmed = [np.trim_zeros(line, "b") for line in GAMMA_SERIES]
    return [polynomial(line, inverse) for line in trimmed]


def _score_and_uniform(high: Word, low: Word) -> tuple[Numbers, Numbers]:
    """In float32 each has a word for itself; in float64 the score takes both words."""
    if float_dtype() == np.float64:
        return from_words(high, low), unit_interval(*numbered((high, low), jnp.zeros_like(high)))
    # Less than 1, or log(u) / a would be 0 / 0 for a shape of 0.
    return from_words(high, low), jnp.minimum(midpoint(low, 2.0**-32), 1 - float(np.finfo(np.float32).epsneg))
