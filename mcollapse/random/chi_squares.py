"""The logarithm of a chi-square number: that of a gamma number of half the shape, but from any score."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from . import reference
from .arguments import Number, Scalar, Words, as_float
from .gammas import log_ratio
from .key import Key, draw_words
from .normals import box_muller
from .uniforms import numbered, unit_interval


def chi_square(key: Key | PRNGKeyArray, site: int, nu: Number, *, exact: bool = False) -> Scalar:
    r"""A chi-square number, $X \sim \chi^2_\nu$.

    It is exp of `log_chi_square`, with its arguments and accuracy, and 0 below the smallest float.
    """
    return jnp.exp(log_chi_square(key, site, nu, exact=exact))


def log_chi_square(key: Key | PRNGKeyArray, site: int, nu: Number, *, exact: bool = False) -> Scalar:
    r"""The logarithm of a chi-square number, $\log X$ for $X \sim \chi^2_\nu$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `nu`, degrees of freedom,
    any real. 0 gives $-\infty$, a negative number or NaN gives NaN. From 2 on X increases with one normal
    score z; 1 is $z^2$; a fraction below 2 is exactly a number of nu + 2 degrees times $u^{2/\nu}$. Its u
    costs a second block, which integers and Python numbers from 2 on are spared. `exact`, by the rejection of
    `jax.random`.
    Accuracy: that of `log_gamma`; nu = 1 is as exact as `normal_pair`.
    Source: own fit; the series has the powers of Cornish and Fisher (1938).
    """
    return normal_and_log_chi_square(key, site, nu, exact=exact)[1]


def normal_and_log_chi_square(
    key: Key | PRNGKeyArray, site: int, nu: Number, *, exact: bool = False
) -> tuple[Scalar, Scalar]:
    r"""Independent $z \sim N(0, 1)$ and $\log X$, $X \sim \chi^2_\nu$, from one block.

    They are what a normal sample of $\nu + 1$ points says of its mean and variance. Arguments and accuracy:
    those of `log_chi_square`, which is the second of them, and of `normal_pair`, whose first number is z.
    """
    if exact or reference.wanted(key):
        typed = reference.typed(key, site)
        return jax.random.normal(typed), reference.log_chi_square(jax.random.fold_in(typed, 1), nu)
    words = draw_words(key, site)
    first, second = box_muller(*words)
    return first, _log_quantile(second, nu, words)


def normal_and_log_mean_square(
    key: Key | PRNGKeyArray, site: int, nu: Number, *, exact: bool = False
) -> tuple[Scalar, Scalar]:
    r"""Independent $z \sim N(0, 1)$ and $\log(X/\nu)$, $X \sim \chi^2_\nu$, from one block.

    They are those of `normal_and_log_chi_square`, with its arguments and accuracy, less log nu. Where nu is
    large this is small and has more digits: at $\nu = 10^6$ float32 rounds $\log \nu$ by up to 5e-7, in
    every draw alike, which is half of the $-1/\nu$ that is the mean of $\log(X/\nu)$.
    0 degrees of freedom give $-\infty$. What is `exact` is less a rounded log nu, and so has no more digits.
    """
    degrees = as_float(nu)
    log_degrees = jnp.log(jnp.where(degrees == 0, 1, degrees))
    if exact or reference.wanted(key):
        score, log_square = normal_and_log_chi_square(key, site, nu, exact=exact)
        return score, log_square - log_degrees
    words = draw_words(key, site)
    first, second = box_muller(*words)
    many, few = _many_and_few(second, nu, words)
    return first, jnp.where(degrees >= 2, many, few - log_degrees)


def _log_quantile(z: Scalar, nu: Number, words: Words) -> Scalar:
    degrees = as_float(nu)
    many, few = _many_and_few(z, nu, words)
    law = jnp.where(degrees < 2, few, jnp.log(degrees) + many)
    return jnp.where(degrees >= 0, law, math.nan)


def _many_and_few(z: Scalar, nu: Number, words: Words) -> tuple[Scalar, Scalar]:
    """log(X / nu), which is right from 2 degrees of freedom on, and log X, which is right below."""
    degrees = as_float(nu)
    one = degrees == 1
    upper = jnp.where(degrees < 2, degrees + 2, degrees)
    many = log_ratio(z, upper / 2)
    # What is below 2 and not 1 is 0 if it is whole.
    other = 0 if _no_fraction_below_two(nu) else unit_interval(*numbered(words, jnp.zeros_like(words[0])))
    small = jnp.log(jnp.where(one, z * z, other)) / jnp.where(one, 1, degrees / 2)
    return many, jnp.where(one, 0, jnp.log(upper) + many) + small


def _no_fraction_below_two(nu: Number) -> bool:
    if isinstance(nu, float):
        return nu in (0, 1) or not 0 <= nu < 2
    return jnp.issubdtype(jnp.result_type(nu), jnp.integer)
