import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from mcollapse import random
from mcollapse.random.chi_squares import _log_quantile
from mcollapse.random.fit import log_gamma as exact_log_gamma
from mcollapse.random.normals import box_muller, from_words
from mcollapse.random.uniforms import unit_interval

from .goodness import assert_cells_fit, assert_fits, cell_fit, continuous_fit, keys, many, sampler, words

# A scalar is number 0, after it come the elements of an array, and then two numbers of a pair.
SHAPE = (3, 5)
PLACES = range(16)

uniforms = sampler(lambda key, place: one_of(place, random.uniform(key, 1), random.uniform(key, 2, SHAPE)))
exponentials = sampler(
    lambda key, place: one_of(place, random.exponential(key, 1), random.exponential(key, 2, SHAPE))
)
tosses = sampler(lambda key, p: (random.bernoulli(key, 1, *p), random.bernoulli(key, 2, *p, (5,))[3]))
normals = sampler(
    lambda key, place: one_of(
        place, random.normal(key, 1), random.normal(key, 2, SHAPE), *random.normal_pair(key, 3)
    )
)
chi_squares = sampler(
    lambda key, nu: (random.log_chi_square(key, 1, *nu), *random.normal_and_log_chi_square(key, 1, *nu))
)


DEGREES = [1, 2, 3, 4, 5, 9, 31, 33, 99, 999, 0.02, 0.3, 1.0, 1.5, 1.99, 2.0, 3.7, 47.5]
CHANCES = [
    1e-6,
    1e-4,
    1e-3,
    0.01,
    0.03,
    0.1,
    0.25,
    1 / 3,
    0.5,
    0.6,
    0.75,
    0.9,
    0.97,
    0.999,
    0.9999,
    1 - 2**-20,
]


def one_of(place, *numbers):
    return jnp.concatenate([jnp.ravel(part) for part in numbers])[place[0]]


def fit_of(sample):
    return lambda law: continuous_fit(sample, law.cdf)


def assert_uniform(sample: np.ndarray, change: float = 0.05) -> None:
    assert sample.min() > 0 and sample.max() < 1
    assert_fits(fit_of(sample), stats.uniform(), lambda strength: stats.beta(1 + change * strength, 1))


def assert_exponential(sample: np.ndarray, change: float = 0.05) -> None:
    assert sample.min() > 0
    assert_fits(
        fit_of(sample),
        stats.expon(),
        lambda strength: stats.expon(scale=1 + change * strength),
        lambda strength: stats.gamma(1 + change * strength),
    )


def assert_normal(sample: np.ndarray, change: float = 0.05) -> None:
    assert_fits(
        fit_of(sample),
        stats.norm(),
        lambda strength: stats.norm(scale=1 + change * strength),
        lambda strength: stats.t(0.5 / change / strength),
    )


def assert_tosses(heads: np.ndarray, p: float, change: float = 1.0) -> None:
    observed, p = np.bincount(heads, minlength=2), float(np.float32(p))
    wrong = change * (0.02 * min(p, 1 - p) + 0.004) * (1 if p < 0.7 else -1)
    assert_fits(
        lambda law: cell_fit(observed, heads.size * np.array([1 - law, law])),
        p,
        lambda strength: p + strength * wrong,
    )


def assert_chi_square(sample: np.ndarray, nu: float, change: float = 0.1) -> None:
    half, wrong = sample.astype(np.float64) - np.log(2), change * min(nu, nu**0.5)
    assert_fits(
        fit_of(half), stats.loggamma(nu / 2), lambda strength: stats.loggamma((nu + wrong * strength) / 2)
    )


@pytest.mark.parametrize("place", PLACES)
def test_uniforms(place):
    assert_uniform(uniforms(place))


@pytest.mark.parametrize("place", PLACES)
def test_exponentials(place):
    assert_exponential(exponentials(place))


def test_the_ends_are_excluded_and_small_uniforms_have_all_their_digits():
    ends = np.array([0, 2**32 - 1], np.uint32)
    low, high = np.asarray(unit_interval(jnp.asarray(ends), jnp.asarray(ends)))
    assert low == 2.0**-65 and high == np.float32(1 - 2.0**-24)
    (high, low), fine, _ = words(100_000)
    small = unit_interval(high >> np.uint32(20), low)
    exact = (np.asarray(high >> np.uint32(20)) + (np.asarray(low) + 0.5) * 2.0**-32) * 2.0**-32
    np.testing.assert_allclose(small, exact, rtol=2e-7)


@pytest.mark.parametrize("p", CHANCES)
def test_tosses(p):
    for heads in tosses(p):
        assert_tosses(heads, p)


def test_certain_tosses(key):
    assert not any(part.any() for p in (0.0, -0.5, -np.inf, np.nan) for part in tosses(p))
    assert all(part.all() for p in (1.0, 1.5, np.inf) for part in tosses(p))
    assert random.bernoulli(key, 1, jnp.array([0.0, 1.0, 1.0]), (2, 3)).tolist() == 2 * [[False, True, True]]


@pytest.mark.parametrize("place", [*PLACES, 16, 17])
def test_normals(place):
    assert_normal(normals(place))


def test_the_inverse_is_that_of_its_word():
    (high, low), _, coarse = words(200_000)
    edges = np.concatenate([np.arange(2000), 2**31 - 1000 + np.arange(2000), 2**32 - 2000 + np.arange(2000)])
    high = jnp.concatenate([high, jnp.asarray(edges.astype(np.uint32))])
    coarse = np.concatenate([coarse, (edges + 0.5) * 2.0**-32])
    score = np.asarray(from_words(high, high), np.float64)
    exact = -special.ndtri(coarse)
    assert np.abs(score / exact - 1).max() < 4e-7
    assert np.abs(score).max() > 6.33
    mutant = -special.ndtri(coarse * (1 - 1e-4))
    assert np.abs(score / mutant - 1).max() > 4e-7


def test_the_pair_is_that_of_its_words():
    (first, second), _, _ = words(200_000)
    x, y = (np.asarray(part, np.float64) for part in box_muller(first, second))
    radius = np.sqrt(-2 * np.log((np.asarray(first) + 0.5) * 2.0**-32))
    np.testing.assert_allclose(np.hypot(x, y), radius, rtol=1e-6, atol=3e-4)  # near 0 the radius is coarse
    np.testing.assert_allclose(np.hypot(x, y)[radius > 0.5], radius[radius > 0.5], rtol=1e-6)
    octant = np.floor(4 * np.arctan2(y, x) / np.pi).astype(int) + 4
    assert_cells_fit(np.bincount(octant, minlength=8), np.full(8, 25_000.0))
    assert np.abs(np.array([x, y])).min() > 0


@pytest.mark.parametrize("nu", DEGREES)
def test_chi_squares(nu):
    single, score, paired = chi_squares(nu)
    if nu == 1:  # the score is that of all nu
        assert_normal(score)
    assert (single == paired).all()
    assert_chi_square(single, nu)


def test_degrees_of_freedom_at_the_edges(key):
    @jax.jit
    def draw(nu):
        return random.log_chi_square(key, 1, nu)

    assert draw(0) == -np.inf and draw(jnp.int32(0)) == -np.inf
    assert draw(0.0) == -np.inf and random.log_chi_square(key, 1, 0.0) == -np.inf
    assert all(np.isnan(draw(nu)) for nu in (np.nan, -1, -1.0, -0.5))
    assert all(np.isnan(random.log_chi_square(key, 1, nu)) for nu in (np.nan, -1, -1.0, -0.5))
    for nu in (1, 2, 7):
        values = draw(nu), draw(float(nu)), draw(jnp.int32(nu)), random.log_chi_square(key, 1, float(nu))
        np.testing.assert_allclose(values, values[0], rtol=1e-6)
    np.testing.assert_allclose(draw(1.3), random.log_chi_square(key, 1, 1.3), rtol=1e-6)
    assert np.isfinite([draw(1), draw(2), draw(31), draw(32), draw(2**24), draw(1e9)]).all()
    for nu in (0, 1, 2.5, 7.0):
        assert random.chi_square(key, 1, nu) == jnp.exp(random.log_chi_square(key, 1, nu))
    assert np.isnan(random.chi_square(key, 1, -1.0))


@pytest.mark.parametrize(
    "nu, near, far",
    [(2, 1e-4, 0.1), (3, 1e-4, 1e-2), (4, 5e-5, 1e-2), (7, 2e-5, 2e-3), (31, 2e-6, 2e-5), (1e5, 1e-6, 1e-6)],
)
def test_chi_square_scores_are_exact_quantiles(nu, near, far):
    """Within 4 deviations of the score and beyond: the further out, the less an error is worth."""
    z = np.linspace(-6.6, 6.6, 5001).astype(np.float32)
    zero = jnp.asarray(np.uint32(0))
    found = jax.jit(jax.vmap(_log_quantile, in_axes=(0, None, None)))(jnp.asarray(z), nu, (zero, zero))
    exact = np.log(2) + exact_log_gamma(nu / 2, z.astype(np.float64))
    error, inner = np.abs(np.asarray(found) - exact), np.abs(z) < 4
    assert error.max() < far and error[inner].max() < near
    mutant = np.log(2) + exact_log_gamma(nu * (1 + 1e-3) / 2, z.astype(np.float64))
    assert np.abs(np.asarray(found) - mutant)[inner].max() > near


def test_degrees_of_freedom_by_lane_or_for_all_lanes_are_the_same_draw():
    keys = jax.random.split(jax.random.key(5), 64)
    draw = jax.jit(jax.vmap(lambda key, nu: random.normal_and_log_chi_square(key, 1, nu)))
    shared = jax.jit(
        jax.vmap(lambda key, nu: random.normal_and_log_chi_square(key, 1, nu), in_axes=(0, None))
    )
    for nu in (1, 2, 12, 200, 0.5, 1.0, 3.5):
        by_lane, for_all = draw(keys, jnp.full(64, nu)), shared(keys, nu)
        assert (by_lane[0] == for_all[0]).all()
        np.testing.assert_allclose(by_lane[1], for_all[1], rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_many_uniforms_and_exponentials(place):
    """1e7 draws, as in all that follow, that see what is wrong by some thousandths."""
    assert_uniform(many(uniforms, place), change=0.005)
    assert_exponential(many(exponentials, place), change=0.005)


@pytest.mark.slow
@pytest.mark.parametrize("place", [*PLACES, 16, 17])
def test_many_normals(place):
    assert_normal(many(normals, place), change=0.005)


@pytest.mark.slow
@pytest.mark.parametrize("p", CHANCES)
def test_many_tosses(p):
    for heads in many(tosses, p):
        assert_tosses(heads, p, change=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("nu", DEGREES)
def test_many_chi_squares(nu):
    single, score, _ = many(chi_squares, nu)
    if nu == 1:
        assert_normal(score, change=0.005)
    assert_chi_square(single, nu, change=0.01)


@pytest.mark.parametrize("exact", [False, True])
def test_mean_squares_are_chi_squares_over_their_degrees(exact):
    """The same numbers without log nu, and so with the digits that it would cost where nu is large."""
    degrees = np.array([0, 0.5, 1, 2, 5, 1000, 10**6], np.float32)

    def pairs(key, nu):
        square = random.normal_and_log_chi_square(key, 1, nu, exact=exact)
        return (*square, *random.normal_and_log_mean_square(key, 1, nu, exact=exact))

    z, log_square, same, log_mean = jax.jit(jax.vmap(jax.vmap(pairs, (0, None)), (None, 0)))(
        keys(4, 5000), degrees
    )
    assert (np.asarray(z) == same).all() and (np.asarray(log_mean)[0] == -np.inf).all()
    logs = np.log(degrees[1:, None].astype(float))
    np.testing.assert_allclose(
        np.asarray(log_mean, float)[1:], np.asarray(log_square, float)[1:] - logs, rtol=3e-7, atol=3e-6
    )
    if not exact:  # numbers of the size of 1e-3 are not multiples of the last digit of 14
        assert len(np.unique(np.asarray(log_mean)[-1])) > 1.2 * len(np.unique(np.asarray(log_square)[-1]))
    assert np.isnan(random.normal_and_log_mean_square(jax.random.key(0), 1, -1.0)[1])
