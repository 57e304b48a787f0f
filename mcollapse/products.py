"""Products of matrices and vectors in full precision on every backend."""

import jax
import jax.numpy as jnp
from jaxtyping import Array


def matrix_product(first: Array, second: Array) -> Array:
    """`first @ second`; the default of an accelerator keeps fewer digits."""
    return jnp.matmul(first, second, precision=jax.lax.Precision.HIGHEST)
