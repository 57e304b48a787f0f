"""Counts of draws without replacement: by inversion, with a fixed amount of work for any urn."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, Int32, PRNGKeyArray

from .coefficients import COUNT_QUANTILE
from .inversion import LEAST_VARIANCE, Real, expanded_quantile, inverted_sum
from .key import Key, draw_words
from .normals import from_words
from .uniforms import Words, float_dtype, numbered, unit_interval

Count = Int32[Array, ""]
Whole = Int[Array, ""] | int

_TERMS = 44  # of a variance below 8, from 7 standard deviations below the mean to 8.5 or more above it


def hypergeometric(key: Key | PRNGKeyArray, site: int, good: Whole, bad: Whole, draws: Whole) -> Count:
    r"""How many of `draws` things are good, $P(X = k) = \binom{G}{k} \binom{B}{n - k} / \binom{G + B}{n}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `good`, `bad`, counts of
    at most `largest_count()` together; `draws`, a count; what exceeds good + bad is not drawn.
    """
    words = draw_words(key, site)
    good, bad, draws = (jnp.maximum(jnp.asarray(count).astype(np.int32), 0) for count in (good, bad, draws))
    return _from_words(words, good, bad, jnp.minimum(draws, good + bad))


def multivariate_hypergeometric(
    key: Key | PRNGKeyArray, site: int, n: Whole, counts: Int[Array, " categories"]
) -> Int32[Array, " categories"]:
    r"""Counts of n things drawn without replacement, $P(X = x) = \prod_k \binom{c_k}{x_k} / \binom{N}{n}$.

    Arguments: `key`, an address or a JAX key; `site`, 1 to 15, this draw's purpose; `n`, a count, in place of which
    the total N is used if that is smaller; `counts`, $c_k$, at most `largest_count()` together.
    """
    words = draw_words(key, site)
    counts = jnp.maximum(jnp.asarray(counts).astype(np.int32), 0)
    later = jnp.cumsum(counts[::-1], dtype=np.int32)[::-1] - counts

    # Only what remains leaves the loop: XLA:CPU would draw anew for a second output.
    def category(remaining, inputs):
        index, good, bad = inputs
        remaining = remaining - _from_words(numbered(words, index), good, bad, remaining)
        return remaining, remaining

    n = jnp.clip(jnp.asarray(n).astype(np.int32), 0, jnp.sum(counts, dtype=np.int32))
    _, remaining = lax.scan(category, n, (jnp.arange(counts.size, dtype=np.uint32), counts, later))
    return jnp.concatenate([n[None], remaining[:-1]]) - remaining


def _from_words(words: Words, good: Count, bad: Count, draws: Count) -> Count:
    """By symmetry at most half of the things are good and at most half are drawn."""
    most, rarer = draws > good + bad - draws, jnp.minimum(good, bad)
    drawn = jnp.where(most, good + bad - draws, draws)
    count = _reduced(words, rarer, jnp.maximum(good, bad), drawn)
    count = jnp.where(good > bad, drawn - count, count)
    return jnp.where(most, good - count, count)


def _reduced(words: Words, good: Count, bad: Count, draws: Count) -> Count:
    mean, fraction = _mean(good, bad, draws)
    variance = _variance(good, bad, draws)
    large = variance >= LEAST_VARIANCE
    # The half that is not chosen gets an urn of 100 and 100, or of nothing, so that all its numbers are finite.
    urn = [jnp.where(large, count, default) for count, default in ((good, 100), (bad, 100), (draws, 100))]
    expanded = mean + _expanded(from_words(*words), *urn, fraction)
    first = jnp.where(large, 0, jnp.maximum(mean - _reach(variance), 0))
    ratios = _ratios(*(jnp.where(large, 0, count) for count in (good, bad, draws)), first)
    summed = first + inverted_sum(unit_interval(*words), ratios)
    return jnp.clip(jnp.where(large, expanded, summed), 0, jnp.minimum(good, draws))


def _expanded(z: Real, good: Count, bad: Count, draws: Count, fraction: Real) -> Count:
    dtype = z.dtype
    total = (good + bad).astype(dtype)
    p_skew = (bad - good).astype(dtype) / total
    f_skew = (good + bad - 2 * draws).astype(dtype) / total
    skew = p_skew * f_skew
    shapes = (jnp.ones_like(skew), p_skew * p_skew + f_skew * f_skew, skew * skew)
    return expanded_quantile(COUNT_QUANTILE, z, _variance(good, bad, draws), fraction, skew, shapes)


def _variance(good: Count, bad: Count, draws: Count) -> Real:
    total = jnp.maximum(good + bad, 2)
    good, bad, draws, rest = (count.astype(float_dtype()) for count in (good, bad, draws, good + bad - draws))
    total, others = total.astype(good.dtype), (total - 1).astype(good.dtype)
    return draws * (good / total) * (bad / total) * (rest / others)


def _mean(good: Count, bad: Count, draws: Count) -> tuple[Count, Real]:
    """draws * good / (good + bad) as a whole number and a rest: exact, since int32 overflow is modulo 2^32."""
    total = jnp.maximum(good + bad, 1)
    dtype = float_dtype()
    whole = (draws.astype(dtype) * (good.astype(dtype) / total.astype(dtype))).astype(np.int32)
    rest = draws * good - whole * total
    return whole, rest.astype(dtype) / total.astype(dtype)


def _reach(variance: Real) -> Count:
    return jnp.ceil(7 * jnp.sqrt(variance)).astype(np.int32)


def _ratios(good: Count, bad: Count, draws: Count, first: Count) -> list[Real]:
    """P(X = k + 1) / P(X = k) from k = first on; 0 from the largest k on."""
    ratios = []
    for step in range(_TERMS):
        k = (first + step).astype(float_dtype())
        ways = jnp.maximum(good - first - step, 0).astype(k.dtype) * jnp.maximum(draws - first - step, 0).astype(k.dtype)
        ratios.append(ways / ((k + 1) * ((bad - draws + first + step + 1).astype(k.dtype))))
    return ratios
