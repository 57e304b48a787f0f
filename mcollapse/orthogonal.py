"""The orthogonal matrix nearest to a matrix, by products of matrices alone (see `triangular` on LAPACK)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mcollapse.products import matrix_product

ITERATIONS = 64
"""A singular value grows by a half each time: those above 1.5^-64 = 5e-12 of the largest reach 1."""


def nearest_orthogonal(matrix: Float[Array, "d d"]) -> Float[Array, "d d"]:
    r"""Q of the polar decomposition $A = Q P$ by the iteration of Newton and Schulz, $X(3 - X^\top X)/2$.

    Of a singular matrix Q is a contraction: what A maps to zero, or nearly, Q makes small.
    """
    largest = jnp.max(jnp.abs(matrix))
    start = matrix / jnp.where(largest > 0, largest, 1.0)  # so that no square underflows
    start = start / jnp.maximum(jnp.sqrt(jnp.sum(start**2)), 1.0)

    def improved(_: int, x: Array) -> Array:
        return 1.5 * x - 0.5 * matrix_product(x, matrix_product(x.T, x))

    return jax.lax.fori_loop(0, ITERATIONS, improved, start)
