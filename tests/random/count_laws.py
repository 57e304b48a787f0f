"""The law that a count draw has, by how many of its 2^64 words give each value, and its distance from the true one.

Used by test_accuracy_counts, also in an interpreter of its own, under JAX_ENABLE_X64.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mcollapse.random import arguments
from mcollapse.random.binomials import binomial_from_words
from mcollapse.random.hypergeometrics import _from_half
from mcollapse.random.inversion import LEAST_VARIANCE
from mcollapse.random.poissons import poisson_from_words

LANES = 2**14


@dataclasses.dataclass(frozen=True)
class Distance:
    """Of the law of a draw from the law that it should have."""

    variation: float  # total variation distance
    mean: float  # of the means, in standard deviations
    variance: float  # relative
    none: float  # of P(X = 0), relative, where that is above 1e-12

    @classmethod
    def between(cls, found: np.ndarray, exact: np.ndarray, first: int) -> "Distance":
        """Of chances of first, first + 1 ...: any mass that the exact law has elsewhere is below 1e-15."""
        k = first + np.arange(exact.size)
        mean = exact @ k
        variance = exact @ (k - mean) ** 2
        error = found - exact
        moved = error @ (k - mean)
        spread = error @ (k - mean) ** 2 - moved**2
        counted = first == 0 and 1 > exact[0] > 1e-12
        return cls(
            0.5 * float(np.abs(error).sum()),
            float(abs(moved) / np.sqrt(variance)),
            float(abs(spread) / variance),
            float(abs(error[0]) / exact[0]) if counted else 0.0,
        )

    def largest(self, other: "Distance") -> "Distance":
        return Distance(*map(max, dataclasses.astuple(self), dataclasses.astuple(other)))

    def within(self, *bounds: float) -> bool:
        return all(np.array(dataclasses.astuple(self)) <= bounds)


def mean_square(found: np.ndarray, exact: np.ndarray, first: int) -> np.ndarray:
    """Half the root of the mean square of found / exact - 1, and what is apart where that is hardly ever.

    Counts of a vector are drawn one after the other, each given those before it, so that what is wrong with one
    is not correlated with what is wrong with another: mean squares add, and are more than total variations.
    """
    error, usual = np.abs(found - exact), exact > 1e-8
    return np.array([0.5 * np.sum(error[usual] ** 2 / exact[usual]) ** 0.5, 0.5 * error[~usual].sum()])


def multinomial(n: int, weights: np.ndarray, asked: int) -> float:
    """The total variation of a vector at most, from so many of its counts, each at the mean of what remains."""
    left = np.cumsum(weights[::-1])[::-1]
    last = len(weights) - 1
    chosen = np.unique(np.geomspace(1, last, asked).round().astype(int)) - 1
    laws = [(max(1, round(n * left[k] / left[0])), weights[k] / left[k]) for k in chosen]
    parts = np.array([binomial(m, min(p, 1 - p), between=mean_square) for m, p in laws])
    usual, rare = (np.interp(np.log1p(np.arange(last)), np.log1p(chosen), part) for part in parts.T)
    return float(np.sum(usual**2) ** 0.5 + np.sum(rare))


def exact_chances(ratio: Callable, mean: float, variance: float, top: float) -> tuple[np.ndarray, int]:
    """Chances within 10 standard deviations and more, and the first value; ratio(k) is P(k + 1) / P(k)."""
    reach = 10 * np.sqrt(variance) + 40
    k = np.arange(max(0, int(mean - reach)), int(min(top, mean + reach)) + 1, dtype=np.float64)
    logs = np.append(0.0, np.cumsum(np.log(ratio(k[:-1]))))
    chances = np.exp(logs - logs.max())
    return chances / chances.sum(), int(k[0])


def binomial(n: int, p: float, wrong: float = 0.0, between: Callable = Distance.between) -> Any:
    """For p at most 1/2. The true law has a share of p more than the draw: `wrong`."""
    p = arguments.float_dtype().type(p)
    true = float(p) * (1 + wrong)
    variance = n * true * (1 - true)
    law = exact_chances(lambda k: (n - k) / (k + 1) * (true / (1 - true)), n * true, variance, n)
    return distance(lambda a, b: _binomials(a, b, jnp.int32(n), p, 1 - p), law, variance, between)


def poisson(rate: float, wrong: float = 0.0) -> Distance:
    rate = arguments.float_dtype().type(rate)
    true = float(rate) * (1 + wrong)
    law = exact_chances(lambda k: true / (k + 1), true, true, np.inf)
    return distance(lambda a, b: _poissons(a, b, rate), law, true)


def hypergeometric(good: int, bad: int, draws: int, wrong: int = 0) -> Distance:
    """Of an urn of which at most half is good and at most half is drawn; `wrong` of the bad become good."""
    urn = [jnp.int32(number) for number in (good, bad, draws)]
    good, bad = good + wrong, bad - wrong
    total = good + bad
    mean = draws * good / total
    variance = mean * bad / total * (total - draws) / max(total - 1, 1)

    def ratio(k):
        return (good - k) * (draws - k) / ((k + 1) * (bad - draws + k + 1))

    law = exact_chances(ratio, mean, variance, min(good, draws))
    return distance(lambda a, b: _hypergeometrics(a, b, *urn), law, variance)


def distance(
    draw: Callable, law: tuple[np.ndarray, int], variance: float, between: Callable = Distance.between
) -> Any:
    blurred = variance >= LEAST_VARIANCE and arguments.float_dtype() == np.float32
    exact, first = law
    return between(found_chances(draw, first, exact.size, blurred), exact, first)


def found_chances(draw: Callable, first: int, size: int, blurred: bool) -> np.ndarray:
    """The chances with which `draw`, of two arrays of words, gives first, first + 1 ...

    The count falls with its 64-bit word, so that bisection finds how many words give k or more; it is the code
    that runs which is asked, with its rounding. Where it is `blurred`, the count falls with the high word for
    each low word, but for the choice of 0; the mean is then taken over some low words.
    """
    k = first + np.arange(1, size)
    if blurred:
        above, below = _tails_of_high_words(draw, k)
        if first == 0:
            above[0], below[0] = (part[0] for part in _tails(draw, k[:1]))
    else:
        above, below = _tails(draw, k)
    above, below = np.concatenate([[1.0], above, [0.0]]), np.concatenate([[0.0], below, [1.0]])
    # Small chances are small numbers of words at the right end, and differences from all of them at the left.
    return np.where(above[:-1] < 0.5, above[:-1] - above[1:], below[1:] - below[:-1])


def _tails(draw: Callable, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(X >= k) and P(X < k) by the 64-bit words."""
    number = np.zeros(k.size, np.uint64)
    for bit in range(63, -1, -1):
        tried = number + np.uint64(2**bit)
        last = tried - np.uint64(1)  # do all words up to this one give k or more?
        number = np.where(_counts(draw, last >> np.uint64(32), last) >= k, tried, number)
    rest = np.where(number == 0, 1.0, (~number + np.uint64(1)).astype(np.float64) * 0.5**64)
    return number.astype(np.float64) * 0.5**64, rest


def _tails_of_high_words(draw: Callable, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    steps = int(np.clip(2**22 // k.size, 96, 256)) // 2 * 2
    # One in each of equal steps, and as many mirrored: a regular lattice could meet that of the rounding.
    first = (np.arange(steps // 2) + (np.arange(steps // 2) * 0.618034) % 1) / steps
    low = (np.concatenate([first, 1 - first])[:, None] * (2**32 - 1)).astype(np.int64)
    low = np.broadcast_to(low, (steps, k.size))
    number = np.zeros(low.shape, np.int64)
    for bit in range(32, -1, -1):
        tried = np.minimum(number + 2**bit, 2**32)
        number = np.where(_counts(draw, tried - 1, low) >= k, tried, number)
    return number.mean(0) * 0.5**32, (2**32 - number).mean(0) * 0.5**32


def _counts(draw: Callable, high: np.ndarray, low: np.ndarray) -> np.ndarray:
    flat = [np.resize(part.astype(np.uint32), -(-part.size // LANES) * LANES) for part in (high, low)]
    chunks = [
        np.asarray(draw(*(jnp.asarray(part[i : i + LANES]) for part in flat)))
        for i in range(0, flat[0].size, LANES)
    ]
    return np.concatenate(chunks)[: high.size].reshape(high.shape).astype(np.int64)


def over_words(from_words: Callable) -> Callable:
    """A draw at arrays of words, all with the same parameters."""
    return jax.jit(lambda high, low, *law: jax.vmap(lambda a, b: from_words((a, b), *law))(high, low))


_binomials, _poissons, _hypergeometrics = map(
    over_words, (binomial_from_words, poisson_from_words, _from_half)
)

# Both sides of the boundary, skew and symmetric, with and without a chance of 0.
RATES = (1e-6, 0.001, 0.1, 1, 3, 7.99, 8.001, 8.5, 12, 24, 100, 1e4)
BINOMIALS = (
    *[(1, 0.3), (10, 0.3), (31, 0.5), (33, 0.5), (49, 0.2), (51, 0.2), (100, 0.088), (100, 0.09), (40, 0.4)],
    *[(1000, 0.00805), (1000, 0.0081), (100, 0.3), (1000, 0.02), (10**5, 0.3), (10**6, 1.2e-5)],
)
URNS = (
    *[(1, 1, 1), (10, 20, 8), (64, 65, 63), (66, 66, 66), (100, 400, 53), (100, 400, 70), (300, 3000, 100)],
    *[(42, 10**6, 250_000), (45, 10**6, 250_000), (1000, 4000, 500), (10**5, 10**6, 10**4)],
)
LARGE_RATES = (1e5, 1e6, 2.0**24)
LARGE_BINOMIALS = ((10**6, 0.5), (2**24, 0.01), (2**24, 0.5))
LARGE_URNS = ((10**6, 10**6, 10**5), (8 * 10**6, 8 * 10**6, 8 * 10**6))
CASES = (
    *[(poisson, (rate,)) for rate in RATES],
    *[(binomial, law) for law in BINOMIALS],
    *[(hypergeometric, urn) for urn in URNS],
)
LARGE_CASES = (
    *[(poisson, (rate,)) for rate in LARGE_RATES],
    *[(binomial, law) for law in LARGE_BINOMIALS],
    *[(hypergeometric, urn) for urn in LARGE_URNS],
)
