"""The logarithm of a chi-square number, as a polynomial in a normal score."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from .coefficients import CHI_SQUARE_ROWS, CHI_SQUARE_SERIES
from .key import Key
from .normals import normal, normal_pair, polynomial
from .uniforms import float_dtype

Degrees = Float[Array, ""] | Int[Array, ""] | float | int
_FURTHEST = 6.7  # the fits end here; only a score of 64 bits can be further out


def log_chi_square(key: Key | PRNGKeyArray, site: int, nu: Degrees) -> Float[Array, ""]:
    r"""The logarithm of a chi-square number, $\log \chi^2_\nu$.

    Arguments: `nu`, degrees of freedom, a scalar that may be traced: a whole number, or any real from 32 on (NaN for other reals);
    0 gives $-\infty$.
    """
    return _log_quantile(normal(key, site), nu)


def normal_and_log_chi_square(
    key: Key | PRNGKeyArray, site: int, nu: Degrees
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Independent $z \sim N(0, 1)$ and $\log \chi^2_\nu$ from one block: what the moments of a Gaussian sample need."""
    first, second = normal_pair(key, site)
    return first, _log_quantile(second, nu)


def _log_quantile(z: Float[Array, ""], nu: Degrees) -> Float[Array, ""]:
    dtype = float_dtype()
    nu = jnp.asarray(nu).astype(dtype)
    if dtype == np.float64:
        z = jnp.clip(z, -_FURTHEST, _FURTHEST)
    return jnp.where(nu == 1, jnp.log(z * z), polynomial(_coefficients(nu), z))


def _coefficients(nu: Float[Array, ""]) -> list[Float[Array, ""]]:
    """Of z^0 ... z^20: a row of the table below 32, the series above. Free where nu is the same in all lanes."""
    few = nu < CHI_SQUARE_ROWS.shape[0] - 1
    row = jnp.where(few, nu, CHI_SQUARE_ROWS.shape[0] - 1).astype(np.int32)  # the last row is 0
    columns = CHI_SQUARE_ROWS.astype(nu.dtype).T
    # A gather per column keeps the lanes minor: for nu that differs from lane to lane half the time of one gather.
    result = [jnp.asarray(column)[row] for column in columns]
    for j, term in enumerate(_series(jnp.where(few, CHI_SQUARE_ROWS.shape[0] - 1, nu))):
        result[j] = jnp.where(few, result[j], term)
    result[0] = jnp.where(few & (nu != jnp.floor(nu)), jnp.nan, result[0])
    return result


def _series(nu: Float[Array, ""]) -> list[Float[Array, ""]]:
    """Of z^0, z^1 ... by Cornish and Fisher: z^j has the powers j-1, j+1, j+3 ... of nu^(-1/2), from 1 on."""
    e = lax.rsqrt(nu)
    terms = []
    for j, line in enumerate(CHI_SQUARE_SERIES):
        first = j - 1 if j > 0 else 1
        terms.append(lax.integer_pow(e, first + 1) * polynomial(line[first::2], e * e))
    return terms
