"""Exponential numbers, by inversion."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from . import reference
from .arguments import Word
from .key import Key
from .uniforms import bits, unit_interval


def exponential(key: Key | PRNGKeyArray, site: int, shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
    r"""Exponential numbers of mean 1, $P(X > x) = e^{-x}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `shape`, how many.
    Accuracy: $X = -\log u$ of the 64 bits of a block, 3e-7 of the number, in float64 1e-15; all digits at
    both ends, from 2.7e-20 to 45, and decreasing in u but for rounding.
    """
    if reference.wanted(key):
        return jax.random.exponential(reference.typed(key, site), shape)
    return exponential_from_words(*bits(key, site, shape))


def exponential_from_words(high: Word, low: Word) -> Float[Array, "..."]:
    """-log u of the 64 bits of two words."""
    below, above = unit_interval(high, low), unit_interval(~high, ~low)
    # -log u loses the digits of 1 - u. Rounded, 1 - u is w, and log w is wrong as w - 1 is (W. Kahan).
    w = jnp.where(below < 0.5, below, 1 - above)
    ratio = above / jnp.where(w == 1, 1, 1 - w)
    return jnp.where(w == 1, above, -jnp.log(w) * jnp.where(below < 0.5, 1, ratio))
