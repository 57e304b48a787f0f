"""Numbers packed in pairs into complex numbers, so that XLA on a CPU computes both in one loop.

What reaches the carry of a loop as one array is one fusion; two arrays are two, and whatever both need is
computed twice.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


def packable(aval: Any) -> bool:
    """Whether it is one number (a float, a count, a word, a truth value) that is half a complex number."""
    if aval.shape != () or jnp.issubdtype(aval.dtype, jax.dtypes.extended):
        return False
    return aval.dtype == bool or (aval.dtype.kind in "fiu" and aval.dtype.itemsize in (4, 8))


def pack(values: Sequence[Array]) -> tuple[Array, ...]:
    """Neighbours as complex numbers, by their bits; what finds no partner of its width stays alone."""
    plain = [value.astype(np.int32) if value.dtype == bool else value for value in values]
    floats = [jax.lax.bitcast_convert_type(value, f"float{8 * value.dtype.itemsize}") for value in plain]
    packed = []
    for i in range(0, len(floats), 2):
        pair = floats[i : i + 2]
        together = len(pair) == 2 and pair[0].dtype == pair[1].dtype
        packed += [jax.lax.complex(*pair)] if together else pair
    return tuple(packed)


def unpack(packed: Sequence[Array], avals: Sequence[Any]) -> list[Array]:
    """What `pack` was given, by its shapes and types."""
    floats = []
    for value in packed:
        is_pair = jnp.issubdtype(value.dtype, jnp.complexfloating)
        floats += [value.real, value.imag] if is_pair else [value]
    values = []
    for value, aval in zip(floats, avals, strict=True):
        kind = np.dtype(np.int32) if aval.dtype == bool else aval.dtype
        values.append(jax.lax.bitcast_convert_type(value, kind).astype(aval.dtype))
    return values


def pack_tree(tree: Any) -> tuple[tuple[Array, ...], list[Array]]:
    """The numbers of a tree packed, and its arrays as they are."""
    leaves = jax.tree.leaves(tree)
    return pack([leaf for leaf in leaves if packable(leaf)]), [leaf for leaf in leaves if not packable(leaf)]


def unpack_tree(packed: tuple[tuple[Array, ...], list[Array]], like: Any) -> Any:
    """The tree that was packed; `like` has its structure, shapes and types."""
    leaves, structure = jax.tree.flatten(like)
    numbers = iter(unpack(packed[0], [leaf for leaf in leaves if packable(leaf)]))
    arrays = iter(packed[1])
    return jax.tree.unflatten(structure, [next(numbers if packable(leaf) else arrays) for leaf in leaves])
