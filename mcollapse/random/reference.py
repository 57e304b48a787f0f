"""The same laws from `jax.random`: slower, exact to rounding, and another hand's work.

`simulate(..., draws="jax")` takes every draw from here, `exact=True` one of them. What `jax.random` does not
have is composed of what it has, step by step as the law is defined. Each function takes the typed key of one
draw; numbers are not those of the fast draws, laws are.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int32, PRNGKeyArray

from .arguments import Count, Number, Scalar, Whole, Words, as_count, as_float
from .key import Key

Vector = Float[Array, " categories"]
LARGEST_RATE = 1e9


def wanted(key: Key | PRNGKeyArray) -> bool:
    """Whether draws at this address come from `jax.random`."""
    return isinstance(key, Key) and key.draws == "jax"


def typed(key: Key | PRNGKeyArray, site: int) -> PRNGKeyArray:
    """The key of one draw."""
    return Key.of(key).at(site).typed


def bits(key: PRNGKeyArray, shape: tuple[int, ...]) -> Words:
    """Two words for every element."""
    first, second = jax.random.split(key)
    return jax.random.bits(first, shape, np.uint32), jax.random.bits(second, shape, np.uint32)


def normal_pair(key: PRNGKeyArray) -> tuple[Scalar, Scalar]:
    """Two independent standard normals."""
    numbers = jax.random.normal(key, (2,))
    return numbers[0], numbers[1]


def log_chi_square(key: PRNGKeyArray, nu: Number) -> Scalar:
    """Twice a gamma number of half the shape; 0 degrees of freedom give minus infinity."""
    return log_gamma(key, as_float(nu) / 2) + math.log(2)


def log_gamma(key: PRNGKeyArray, a: Number) -> Scalar:
    """By the rejection of Marsaglia and Tsang (`jax.random.loggamma`); shape 0 gives minus infinity."""
    a = as_float(a)
    drawn = jax.random.loggamma(key, jnp.where(a > 0, a, 1.0))
    return jnp.where(a > 0, drawn, jnp.where(a == 0, -jnp.inf, jnp.nan))


def log_beta(key: PRNGKeyArray, a: Number, b: Number) -> tuple[Scalar, Scalar]:
    """A gamma number as a share of two."""
    first, second = jax.random.split(key)
    odds = log_gamma(first, a) - log_gamma(second, b)
    return jax.nn.log_sigmoid(odds), jax.nn.log_sigmoid(-odds)


def log_dirichlet(key: PRNGKeyArray, concentrations: Vector) -> Vector:
    """Gamma numbers as shares of their sum."""
    keys = jax.random.split(key, concentrations.size)
    return jax.nn.log_softmax(jax.vmap(log_gamma)(keys, concentrations))


def bartlett(key: PRNGKeyArray, nu: Number, size: int) -> Float[Array, "dimension dimension"]:
    """The lower triangle of a Wishart matrix: roots of chi-square numbers, and normals below them."""
    first, second = jax.random.split(key)
    degrees = as_float(nu) - as_float(jnp.arange(size))
    degrees = jnp.where(as_float(nu) > size - 1, degrees, math.nan)
    squares = jax.vmap(log_chi_square)(jax.random.split(first, size), degrees)
    return jnp.tril(jax.random.normal(second, (size, size)), -1) + jnp.diag(jnp.exp(squares / 2))


def gram(key: PRNGKeyArray, count: Count, size: int) -> Float[Array, "dimension dimension"]:
    """The same for a whole number of rows, which may be fewer than columns: those left over are zero."""
    first, second = jax.random.split(key)
    degrees = as_float(count - jnp.arange(size, dtype=np.int32))
    squares = jax.vmap(log_chi_square)(jax.random.split(first, size), jnp.maximum(degrees, 1))
    triangle = jnp.tril(jax.random.normal(second, (size, size)), -1) + jnp.diag(jnp.exp(squares / 2))
    return jnp.where(degrees > 0, triangle, 0)


def binomial(key: PRNGKeyArray, n: Whole, p: Number) -> Count:
    """By rejection (`jax.random.binomial`)."""
    p = jnp.clip(jnp.nan_to_num(as_float(p)), 0, 1)
    return jax.random.binomial(key, as_float(as_count(n)), p).astype(np.int32)


def poisson(key: PRNGKeyArray, rate: Number) -> Count:
    """By multiplication or rejection (`jax.random.poisson`), with the largest rate of ours."""
    return jax.random.poisson(key, jnp.clip(jnp.nan_to_num(as_float(rate)), 0, LARGEST_RATE)).astype(np.int32)


def multinomial(key: PRNGKeyArray, n: Whole, weights: Vector) -> Int32[Array, " categories"]:
    """A binomial for each category, given those before it."""
    total = jnp.sum(weights)
    shares = jnp.where(total > 0, weights / jnp.where(total > 0, total, 1), 0)
    left = jnp.cumsum(shares[::-1])[::-1]

    def category(remaining, inputs):
        index, share, rest = inputs
        chance = jnp.where(rest > 0, share / jnp.where(rest > 0, rest, 1), 0)
        taken = binomial(jax.random.fold_in(key, index), remaining, chance)
        return remaining - taken, taken

    index = jnp.arange(weights.size)
    return lax.scan(category, as_count(n), (index, shares, left))[1]


def categorical(key: PRNGKeyArray, weights: Vector, shape: tuple[int, ...]) -> Int32[Array, "..."]:
    """The largest of independent Gumbel numbers (`jax.random.categorical`)."""
    return jax.random.categorical(key, jnp.log(weights), shape=shape).astype(np.int32)


def integers(key: PRNGKeyArray, limit: Count, shape: tuple[int, ...]) -> Int32[Array, "..."]:
    """By remainders of 64 bits (`jax.random.randint`)."""
    return jax.random.randint(key, shape, 0, limit, np.int32)


def hypergeometric(key: PRNGKeyArray, good: Count, bad: Count, draws: Count) -> Count:
    """One thing after the other."""

    def take(i, good_left):
        total = jnp.maximum(good + bad - i, 1)
        hit = jax.random.uniform(jax.random.fold_in(key, i)) * as_float(total) < as_float(good_left)
        return good_left - hit.astype(np.int32)

    return good - lax.fori_loop(0, jnp.minimum(draws, good + bad), take, good)


def multivariate_hypergeometric(
    key: PRNGKeyArray, n: Count, counts: Int32[Array, " categories"]
) -> Int32[Array, " categories"]:
    """A hypergeometric count for each category, given those before it."""
    later = jnp.cumsum(counts[::-1], dtype=np.int32)[::-1] - counts

    def category(remaining, inputs):
        index, good, bad = inputs
        taken = hypergeometric(jax.random.fold_in(key, index), good, bad, remaining)
        return remaining - taken, taken

    index = jnp.arange(counts.size)
    return lax.scan(category, n, (index, counts, later))[1]
