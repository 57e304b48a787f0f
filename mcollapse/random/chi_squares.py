"""The logarithm of a chi-square number, as a polynomial in a normal score."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import PRNGKeyArray

from .arguments import Number, Scalar, as_float
from .coefficients import CHI_SQUARE_ROWS, CHI_SQUARE_SERIES
from .key import Key
from .normals import normal_pair, polynomial

_FURTHEST = 6.7  # the fits end here; only a score of 64 bits can be further out
_FEW = len(CHI_SQUARE_ROWS) - 1  # degrees of freedom that have a row of their own


def log_chi_square(key: Key | PRNGKeyArray, site: int, nu: Number) -> Scalar:
    r"""The logarithm of a chi-square number, $\log X$ for $X \sim \chi^2_\nu$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `nu`, degrees of freedom,
    a whole number, or any real from 32 on. 0 gives $-\infty$; a fraction below 32, a negative number or NaN
    gives NaN. Three times as fast where nu is the same in all lanes (a schedule) as where it is not.
    Accuracy: the distance to $\log F^{-1}(\Phi(z))$ of the score z is, for |z| < 6.7, in float64,
    at most 3e-5 for nu = 2, 3e-6 for 3, 8e-7 for 4, 2e-7 for 5 to 31, 2e-8 above; nu = 1 is $z^2$.
    Source: own fits; the series above 32 has the powers of Cornish and Fisher (1938).
    """
    return normal_and_log_chi_square(key, site, nu)[1]


def normal_and_log_chi_square(key: Key | PRNGKeyArray, site: int, nu: Number) -> tuple[Scalar, Scalar]:
    r"""Independent $z \sim N(0, 1)$ and $\log X$, $X \sim \chi^2_\nu$, from one block.

    They are what a normal sample of $\nu + 1$ points says of its mean and variance. Arguments and accuracy:
    those of `log_chi_square`, which is the second of them, and of `normal_pair`, whose first number is z.
    """
    first, second = normal_pair(key, site)
    return first, _log_quantile(second, nu)


def _log_quantile(z: Scalar, nu: Number) -> Scalar:
    nu = as_float(nu)
    if z.dtype == np.float64:
        z = jnp.clip(z, -_FURTHEST, _FURTHEST)
    return jnp.where(nu == 1, jnp.log(z * z), polynomial(_coefficients(nu), z))


def _coefficients(nu: Scalar) -> list[Scalar]:
    """Of z^0 ... z^20: a row of the table below 32, the series above."""
    few = nu < _FEW
    row = jnp.where(few & (nu >= 0), nu, _FEW).astype(np.int32)  # the last row is 0
    # A gather per column keeps the lanes minor: where nu differs between them, half the time of one gather.
    result = [jnp.asarray(column)[row] for column in CHI_SQUARE_ROWS.astype(nu.dtype).T]
    for power, term in enumerate(_series(jnp.where(few, _FEW, nu))):
        result[power] = jnp.where(few, result[power], term)
    legal = (nu >= _FEW) | ((nu >= 0) & (nu == jnp.floor(nu)))
    result[0] = jnp.where(legal, result[0], jnp.nan)
    return result


def _series(nu: Scalar) -> list[Scalar]:
    """Of z^0, z^1 ... in log X: z^j has the powers j, j + 2 ... of 1 / sqrt nu, and z^0 those from 2 on."""
    root = lax.rsqrt(nu)
    square = root * root
    terms = [jnp.log(nu) + square * polynomial(CHI_SQUARE_SERIES[0, 1::2], square)]
    for power, line in enumerate(CHI_SQUARE_SERIES[1:], start=1):
        terms.append(lax.integer_pow(root, power) * polynomial(line[power - 1 :: 2], square))
    return terms
