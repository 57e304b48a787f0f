"""What the draws take, and the types that they compute in."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int32, Integer, Real, UInt32

Scalar = Float[Array, ""]
Count = Int32[Array, ""]
Word = UInt32[Array, "..."]
Words = tuple[Word, Word]

# As given by a caller: a Python number, or a NumPy or JAX scalar.
Number = Real[ArrayLike, ""]
Whole = Integer[ArrayLike, ""]


def float_dtype() -> np.dtype:
    """float64 under JAX_ENABLE_X64, else float32."""
    return np.dtype(jnp.result_type(float))


def as_float(values: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """In the default float."""
    return jnp.asarray(values).astype(float_dtype())


def as_count(values: Integer[ArrayLike, "*shape"]) -> Int32[Array, "*shape"]:
    """As int32; a negative count is none."""
    return jnp.maximum(jnp.asarray(values).astype(np.int32), 0)


def largest_count() -> int:
    """The largest n, or total, for which counts are right: 2^24 in float32, 10^9 under JAX_ENABLE_X64."""
    return 10**9 if float_dtype() == np.float64 else 2**24


def how_to_count_further() -> str:
    """How to count further, as the end of a message; nothing where that is done already."""
    already = float_dtype() == np.float64
    return "" if already else ", or set the variable JAX_ENABLE_X64=1 before starting Python"
