"""The laws of the continuous draws as integrals over their normal scores, in float64: nothing here is random.

A number of score z is X = Q(z); its law has the distance 1/2 int |phi(z) - f(Q(z)) Q'(z)| dz to the law of
density f, if Q increases. What float32 adds is bounded apart.
"""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from mcollapse.random.chi_squares import _log_quantile
from mcollapse.random.coefficients import COSINE, SINE
from mcollapse.random.exponentials import exponential_from_words
from mcollapse.random.gammas import log_gamma_parts, log_ratio
from mcollapse.random.normals import _inverse, polynomial

from .goodness import words

FURTHEST = 6.7
SHAPES = [1, 1.05, 1.1, 1.2, 1.3, 1.5, 1.7, 1.85, 2, 2.5, 3, 4, 5, 6, 8, 10, 15.5, 16, 30, 100, 1e3, 1e5]

# What the docstring of log_gamma says.
VARIATION, BIAS, LOG_BIAS, VARIANCE = 6e-7, 4e-8, 6e-8, 3e-7


@contextlib.contextmanager
def float64():
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def trapezoid(count: int, end: float = 8.0):
    """Scores and their weights: for smooth functions exact to the last digits, and what is beyond 8 is 1e-15."""
    z = np.linspace(-end, end, count)
    return z, np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])


def log_gamma_at(z: np.ndarray, a: float) -> tuple[np.ndarray, np.ndarray]:
    """log X by the code of the draw in float64, and its derivative."""
    with float64():
        scores, shape = jnp.asarray(z), jnp.asarray(a, np.float64)
        ratio, slope = jax.jvp(lambda z: log_ratio(z, shape), (scores,), (jnp.ones_like(scores),))
        return np.asarray(ratio) + np.log(a), np.asarray(slope)


def total_variation(a: float, z, weights, log_x, slope) -> float:
    spacing = z[1] - z[0]
    density = np.exp(a * log_x - np.exp(log_x) - special.gammaln(a)) * slope
    return 0.5 * np.abs(weights - density * spacing).sum()


def errors(value, weights, mean: float, variance: float) -> tuple[float, float]:
    """Of the mean in standard deviations, and of the variance relative to it."""
    found = np.sum(weights * value)
    spread = np.sum(weights * (value - found) ** 2)
    return (found - mean) / np.sqrt(variance), spread / variance - 1


@pytest.mark.parametrize("a", SHAPES)
def test_gammas_from_shape_one_on(a):
    z, weights = trapezoid(8001)
    log_x, slope = log_gamma_at(z, a)
    assert (slope[np.abs(z) < FURTHEST] > 0).all()
    assert total_variation(a, z, weights, log_x, slope) < VARIATION
    bias, variance = errors(np.exp(log_x), weights, a, a)
    assert abs(bias) < BIAS and abs(variance) < VARIANCE
    log_bias, log_variance = errors(log_x, weights, special.digamma(a), special.polygamma(1, a))
    assert abs(log_bias) < LOG_BIAS and abs(log_variance) < VARIANCE
    # A shape wrong by 1e-5 standard deviations of the number is seen by all of them.
    wrong = a + 1e-5 * np.sqrt(a)
    assert total_variation(wrong, z, weights, log_x, slope) > VARIATION
    assert abs(errors(np.exp(log_x), weights, wrong, wrong)[0]) > BIAS
    assert abs(errors(log_x, weights, special.digamma(wrong), special.polygamma(1, wrong))[0]) > LOG_BIAS


@pytest.mark.parametrize("a", [1e-3, 0.01, 0.1, 0.3, 0.5, 0.7, 0.85, 0.9, 0.999])
def test_gammas_below_shape_one(a):
    """X = Y U^(1/a) with Y of shape a + 1, whose total variation is that of X at most, by the code for Y."""
    z, weights = trapezoid(8001)
    log_y, slope = log_gamma_at(z, a + 1)
    assert total_variation(a + 1, z, weights, log_y, slope) < VARIATION
    first, second = (np.sum(weights * np.exp(k * log_y)) * a / (a + k) for k in (1, 2))
    assert abs(first - a) / np.sqrt(a) < BIAS
    assert abs((second - first**2) / a - 1) < VARIANCE
    mean, variance = np.sum(weights * log_y), np.sum(weights * log_y**2)
    deviation = np.sqrt(special.polygamma(1, a))
    assert abs(mean - 1 / a - special.digamma(a)) / deviation < LOG_BIAS
    assert abs((variance - mean**2 + a**-2) / deviation**2 - 1) < VARIANCE


def test_small_gammas_are_powers_of_their_own_uniforms():
    """The parts add up to log Y + log(u) / a, of the two words of a block."""
    (high, low), _, _ = words(1000)
    score = -special.ndtri((np.asarray(high) + 0.5) * 2.0**-32)
    log_u = np.log((np.asarray(low) + 0.5) * 2.0**-32)
    for a in (0.01, 0.3, 0.9):
        scale, rest = log_gamma_parts((high, low), a)
        exact = log_gamma_at(score, a + 1)[0] + log_u / a
        np.testing.assert_allclose(np.asarray(scale, np.float64) + rest, exact, rtol=3e-6, atol=3e-6)


def test_chi_squares_are_gammas_twice_as_large():
    z, weights = trapezoid(4001)
    with float64():
        many = jax.jit(jax.vmap(_log_quantile, in_axes=(0, None, None)))
        zero = jnp.asarray(np.uint32(0))
        for nu in (2, 3, 4, 7, 2.5, 31, 32.0, 1e4):
            found = np.asarray(many(jnp.asarray(z), nu, (zero, zero)))
            np.testing.assert_allclose(found, log_gamma_at(z, nu / 2)[0] + np.log(2), rtol=1e-12, atol=1e-12)
        for one in (1, 1.0):
            found = np.exp(np.asarray(many(jnp.asarray(z), one, (zero, zero))))
            np.testing.assert_allclose(found, z * z, rtol=1e-12)


@pytest.mark.parametrize(
    "a, near, far", [(1, 3e-6, 2e-4), (1.5, 3e-6, 1e-5), (3, 2e-6, 5e-6), (16, 1e-6, 1e-6)]
)
def test_float32_adds_its_rounding_to_gammas(a, near, far):
    """To log X in the middle, and where one number of 1e5 is; the means of X and log X move by less."""
    z = np.linspace(-6.6, 6.6, 20_001).astype(np.float32)
    found = jax.jit(jax.vmap(lambda z: jnp.log(jnp.float32(a)) + log_ratio(z, jnp.float32(a))))(z)
    exact = log_gamma_at(z.astype(np.float64), a)[0]
    error = np.asarray(found, np.float64) - exact
    assert np.abs(error).max() < far and np.abs(error[np.abs(z) < 4.3]).max() < near
    weights = np.exp(-(z.astype(np.float64) ** 2) / 2)
    weights /= weights.sum()
    assert abs(np.sum(weights * error)) < 1e-7 * max(1, np.log(a))
    assert abs(np.sum(weights * np.expm1(error) * np.exp(exact))) / np.sqrt(a) < 5e-7


@pytest.mark.parametrize("a", [1, 30, 1e4, 1e8])
def test_float32_adds_little_to_the_ratio_of_a_gamma_number_to_its_shape(a):
    """log(X / a) keeps its digits for every a, where log X has but those of log a."""
    z = np.linspace(-4.3, 4.3, 5001).astype(np.float32)
    found = np.asarray(jax.jit(jax.vmap(lambda z: log_ratio(z, jnp.float32(a))))(z), np.float64)
    with float64():
        exact = np.asarray(log_ratio(jnp.asarray(z, np.float64), jnp.asarray(a, np.float64)))
    assert np.abs(found - exact).max() * np.sqrt(a) < 3e-6
    assert abs(np.average(found - exact, weights=np.exp(-(z**2) / 2))) * np.sqrt(a) < 1e-7


@pytest.mark.parametrize("a, b", [(1, 1), (1, 30), (1.5, 2.5), (7, 3), (50, 1.3), (400, 900)])
def test_betas(a, b):
    z, weights = trapezoid(601)
    log_x, log_y = log_gamma_at(z, a)[0], log_gamma_at(z, b)[0]
    share, law = special.expit(log_x[:, None] - log_y), stats.beta(a, b)
    bias, variance = errors(share, np.outer(weights, weights), law.mean(), law.var())
    assert abs(bias) < 2 * BIAS and abs(variance) < 2 * VARIANCE
    wrong = stats.beta(a + 1e-5 * np.sqrt(a), b)
    assert abs(errors(share, np.outer(weights, weights), wrong.mean(), wrong.var())[0]) > 2 * BIAS


def test_normals():
    """The inverse of the distribution function, and the circle of Box and Muller."""
    z, weights = trapezoid(16_000, end=6.2)
    tail = special.ndtr(-np.abs(z))
    with float64():
        size = _inverse(jnp.asarray(tail), jnp.asarray(1 - 2 * tail))
        angle = jnp.linspace(-np.pi / 4, np.pi / 4, 10_001)
        sine = np.asarray(angle * polynomial(SINE, angle * angle))
        cosine = np.asarray(polynomial(COSINE, angle * angle))
    found = np.sign(z) * np.asarray(size)
    spacing = z[1] - z[0]
    slope = np.gradient(found, spacing, edge_order=2)

    def distance(scale):
        density = np.exp(-((found / scale) ** 2) / 2) / np.sqrt(2 * np.pi) / scale
        return 0.5 * np.abs(weights - density * slope * spacing).sum()

    assert distance(1.0) < 3e-8 < distance(1 + 1e-6)
    assert abs(errors(found, weights, 0.0, 1.0)[0]) < 1e-12
    assert abs(np.sum(weights * (found**2 - z**2))) < 2e-9
    assert np.abs(np.hypot(sine, cosine) - 1).max() < 2e-9
    assert np.abs(np.arctan2(sine, cosine) - np.asarray(angle)).max() < 2e-9


def test_pairs():
    """The exact point (r, theta) goes to (r e^h(theta), theta + e(theta)): the ratio of densities, to first order."""

    def moved(angle):
        sine, cosine = angle * polynomial(SINE, angle * angle), polynomial(COSINE, angle * angle)
        return jnp.log(jnp.hypot(sine, cosine)), jnp.arctan2(sine, cosine)

    with float64():
        angle = jnp.linspace(-np.pi / 4, np.pi / 4, 4001)
        (stretch, _), (_, slope) = jax.vmap(lambda x: jax.jvp(moved, (x,), (jnp.ones_like(x),)))(angle)
    stretch, turned = np.asarray(stretch), np.asarray(slope) - 1
    square = np.linspace(0, 60, 6001)
    weights = np.exp(-square / 2) / np.exp(-square / 2).sum()

    def distance(scale):
        logs = [(h + scale) * (square - 2) - e for h, e in zip(stretch, turned, strict=True)]
        return 0.5 * np.mean(np.abs(logs) @ weights)

    assert distance(0) < 7e-9 < distance(1e-8)
    assert abs(np.mean(np.expm1(2 * stretch))) < 1e-9 < abs(np.mean(np.expm1(2 * (stretch + 1e-9))))


def test_exponentials_are_those_of_their_words():
    (high, low), _, _ = words(200_000)
    edges = np.array([0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1], np.uint32)
    grid = np.stack(np.meshgrid(edges, edges), axis=-1).reshape(-1, 2)
    tiny = np.asarray(high) >> 24
    ends = np.concatenate([tiny, ~tiny, grid[:, 0]]), np.concatenate([low, low, grid[:, 1]])
    for first, second in ((np.asarray(high), np.asarray(low)), ends):
        above = (~first + (~second + 0.5) * 2.0**-32) * 2.0**-32
        below = (first + (second + 0.5) * 2.0**-32) * 2.0**-32
        exact = np.where(below < 0.5, -np.log(below), -np.log1p(-np.minimum(above, 0.5)))
        found = exponential_from_words(jnp.asarray(first), jnp.asarray(second))
        np.testing.assert_allclose(found, exact, rtol=3e-7)
        assert (np.asarray(found) > 0).all()
        with float64():
            found = exponential_from_words(jnp.asarray(first), jnp.asarray(second))
            np.testing.assert_allclose(found, exact, rtol=2e-15)
