"""log(1 + x) where all its digits matter, as plain arithmetic."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .normals import polynomial

Numbers = Float[Array, "..."]

_ARTANH = 1 / np.arange(3, 39, 2)  # artanh(s) = s + s^3 (1/3 + s^2/5 + ...)


def log1p(x: Numbers) -> Numbers:
    """log(1 + x) for x from -1 to 1, to 3e-7 of itself (1e-15 in float64)."""
    return jnp.where(x >= -0.5, x + log1p_curvature(jnp.maximum(x, -0.5)), jnp.log(1 + x))


def log1p_curvature(x: Numbers) -> Numbers:
    """log(1 + x) - x for x from -1/2 to 1, to 3e-7 of itself (1e-15 in float64).

    The first order is left to the caller: in n log(1 - p) it is np, which may be 27 where the rest is 1, and
    which is known with more digits. By log(1 + x) = 2 artanh(s), s = x / (2 + x).
    """
    # The log1p of XLA would keep the whole loop around it from being vectorised on a CPU.
    s = x / (2 + x)
    square = s * s
    terms = 8 if x.dtype == np.float32 else 18
    return s * (2 * square * polynomial(_ARTANH[:terms], square) - x)
