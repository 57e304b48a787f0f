"""Addresses of random numbers: which replicate, which generation, which purpose."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Integer, PRNGKeyArray, UInt32

from mcollapse.once import once

from .threefry import block

_DRAW = 0x80000000  # the first counter word of a draw ...
_FOLD = 0xC0000000  # ... and of a fold: 28 bits are left for the site
_LARGEST_SITE = 16**7 - 1


class Key(eqx.Module):
    r"""The address of a random number: a replicate's two key words, a generation $t$ and a purpose.

    A draw at this address encrypts, under the words, the counter
    $$(x_0, x_1) = (2^{31} + \mathrm{site},\; t),$$
    a fold encrypts $(2^{31} + 2^{30} + \mathrm{site}, t)$, and `jax.random` (`fold_in`, `split`, `bits` of
    fewer than $2^{32}$ words) encrypts $(0, i)$. They never meet: the cipher is one-to-one.

    A scalar draw takes the two words of its block as they are; a draw of an array takes them as a fresh key
    and numbers its elements under that. So one site is either a scalar or an array, never both.
    """

    words: tuple[UInt32[Array, ""], UInt32[Array, ""]]
    t: UInt32[Array, ""]
    site: int = eqx.field(static=True)
    draws: str = eqx.field(static=True, default="fast")
    """Whose draws are made here: ours, `"fast"`, or `"jax"`, the same laws from `jax.random`."""

    @classmethod
    def of(cls, key: "Key | PRNGKeyArray | Array", t: Integer[Array, ""] | int | None = None) -> "Key":
        """The address of generation `t` (0 unless said) under a JAX key.

        Arguments: `key`, a scalar key of `jax.random.key`, or its two raw words, or a `Key`, which keeps
        its generation unless `t` is given. Raises `ValueError` for a key of another generator than
        threefry2x32, and for an array of keys.
        """
        if isinstance(key, Key):
            return key if t is None else cls(key.words, _word(t), key.site, key.draws)
        data = _threefry_words(key)
        return cls((data[0], data[1]), _word(0 if t is None else t), 0)

    def at(self, purpose: int) -> "Key":
        r"""The address of one purpose, 1 to 15, below this one: site' = 16 site + purpose.

        Different paths of purposes have different sites. Raises `ValueError` for a purpose out of range
        and below seven levels.
        """
        if not 1 <= purpose <= 15:
            raise ValueError(f"a purpose is a whole number from 1 to 15, not {purpose}")
        site = 16 * self.site + int(purpose)
        if site > _LARGEST_SITE:
            raise ValueError("purposes nest at most seven levels deep; use fold(index) to start afresh")
        return Key(self.words, self.t, site, self.draws)

    def fold(self, index: Integer[Array, ""] | int) -> "Key":
        """A fresh address for each `index` of a loop; it may be traced, and takes the place of t."""
        words = block(*self.words, _constant(_FOLD | self.site), self.t)
        return Key(words, _word(index), 0, self.draws)

    @property
    def typed(self) -> PRNGKeyArray:
        """This address as a key for `jax.random`: `fold_in(fold_in(replicate, t), site)`, bit for bit."""
        generation = block(*self.words, _constant(0), self.t)
        words = block(*generation, _constant(0), _constant(self.site))
        return jax.random.wrap_key_data(jnp.stack(words), impl="threefry2x32")


def draw_words(key: Key | PRNGKeyArray, site: int) -> tuple[UInt32[Array, ""], UInt32[Array, ""]]:
    """The block at `key.at(site)`: random bits of a scalar draw, or the key of an array's elements."""
    address = Key.of(key).at(site)
    return block(*address.words, _constant(_DRAW | address.site), address.t)


def array_words(key: Key | PRNGKeyArray, site: int) -> tuple[UInt32[Array, ""], UInt32[Array, ""]]:
    """The same block as the key of an array's elements, computed apart from them.

    A cipher meets its key eight times. On a CPU two arrays in one fusion would evaluate the ciphers of their
    keys so often that XLA leaves the constants out; LLVM then sees rotations by unknown distances, which are
    slow, and of which some versions try every path through all rounds: they compile for hours.
    """
    address = Key.of(key).at(site)
    return _apart(*address.words, _constant(_DRAW | address.site), address.t)


@jax.jit
def _apart(*arguments: UInt32[Array, ""]) -> tuple[UInt32[Array, ""], UInt32[Array, ""]]:
    return once(block, *arguments)


def _threefry_words(key: PRNGKeyArray | Array) -> UInt32[Array, "2"]:
    key = jnp.asarray(key)
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        implementation = str(jax.random.key_impl(key))
        if implementation != "threefry2x32":
            raise ValueError(f'a key of {implementation}: use jax.random.key(seed, impl="threefry2x32")')
        key = jax.random.key_data(key)
    if key.dtype != np.uint32 or key.shape != (2,):
        raise ValueError(
            f"expected one key, not {key.dtype}{list(key.shape)}: "
            'use jax.random.key(seed, impl="threefry2x32"), and jax.vmap over many'
        )
    return key


def _word(value: Integer[Array, ""] | int) -> UInt32[Array, ""]:
    # A Python integer may need all 32 bits, for which jnp.asarray has no room without x64.
    return jnp.asarray(np.uint32(value) if isinstance(value, int) else value).astype(np.uint32)


def _constant(value: int) -> UInt32[Array, ""]:
    return jnp.asarray(np.uint32(value))
