"""The two ways in which a count is the inverse of its distribution function, with a fixed amount of work."""

import functools
import operator
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .arguments import Count, Scalar
from .normals import polynomial

# From this variance on the expansion of the quantile, below it the sum of the probabilities.
LEAST_VARIANCE = 8.0


def expanded_quantile(
    table: Float[np.ndarray, "i j k"],
    z: Scalar,
    variance: Scalar,
    fraction: Scalar,
    skew: Scalar,
    shapes: Sequence[Scalar],
) -> Count:
    r"""The largest x with $P(X < x) \le \Phi(z)$, less the whole part of the mean; `fraction` is the rest.

    The formula and the table are those of `fit_counts`. The powers of z come last: where the law is the same
    in all lanes, what a lane does is Horner's scheme in z.
    """
    deviation, inverse = jnp.sqrt(variance), 1 / variance
    series = [_coefficient(lines, i, inverse, skew, shapes) for i, lines in enumerate(table)]
    near = fraction + 0.5 + (z * z - 1) * (skew * (1 / 6))
    correction = variance * polynomial(series, z * deviation * inverse)
    return jnp.floor(z * deviation + (near + correction)).astype(np.int32)


def _coefficient(
    lines: np.ndarray, i: int, inverse: Scalar, skew: Scalar, shapes: Sequence[Scalar]
) -> Scalar:
    """Of s^i: the sum over j and k of lines[j, k] V^-j m_k, times the skewness for an even i."""
    used = np.trim_zeros(np.abs(lines).sum(1), "b").size
    series = [
        sum(float(number) * shape for number, shape in zip(line, shapes, strict=True) if number != 0)
        for line in lines[:used]
    ]
    total = polynomial([jnp.asarray(term, inverse.dtype) for term in series], inverse)
    return total * skew if i % 2 == 0 else total


def inverted_sum(v: Scalar, ratios: Sequence[Scalar]) -> Count:
    """The x with P(X > x) <= v < P(X >= x), where ratios[k] is P(X = k + 1) / P(X = k).

    The sums start at the far end, so that a rare large value keeps its relative accuracy.
    """
    masses = _prefixes(operator.mul, ratios)  # in units of P(X = 0)
    tails = _prefixes(operator.add, masses[::-1])
    level = v * (tails[-1] + 1)
    return functools.reduce(operator.add, [(level < tail).astype(np.int32) for tail in tails])


def _prefixes(combine: Callable[[Scalar, Scalar], Scalar], items: Sequence[Scalar]) -> list[Scalar]:
    """Running products or sums. As one chain, each waiting for the last, they would take twice as long."""
    if len(items) < 2:
        return list(items)
    pairs = _prefixes(combine, [combine(*pair) for pair in zip(items[::2], items[1::2], strict=False)])
    result = [items[0]]
    for i in range(1, len(items)):
        result.append(pairs[i // 2] if i % 2 else combine(pairs[i // 2 - 1], items[i]))
    return result
