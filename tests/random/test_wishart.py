"""Wishart factors and normal vectors: moments, marginal laws, determinants, edges, and bit for bit by lane."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from mcollapse import random
from mcollapse.random import Key, multivariate_normals, wisharts
from tests.helpers import python

from .goodness import SEEN, assert_fits, assert_seen, continuous_fit, correlation_fit, keys, moment_fit

REPLICATES = 40_000
# dimension and degrees of freedom: whole and real, many, few, and hardly above d - 1
QUICK = [(1, 0.5), (2, 1.3), (4, 4), (10, 12)]
MORE = [(1, 1), (1, 9), (2, 2), (2, 99), (3, 2.4), (3, 3.5), (4, 60.5), (5, 7), (6, 7.5), (7, 6.2), (10, 99)]
LARGE = (14, 20)  # gathered, not written out


def slow(*parameters):
    return pytest.param(*parameters, marks=pytest.mark.slow)


SHAPES = [*QUICK, *(slow(*case) for case in [*MORE, LARGE])]


def factor_of(size: int) -> np.ndarray:
    generator = np.random.default_rng(size)
    factor = np.tril(generator.normal(size=(size, size)) * 0.4, -1) + np.diag(generator.uniform(0.5, 2, size))
    return factor.astype(np.float32)


@functools.cache
def drawing(size: int, fixed: float | None, exact: bool):
    def one(key, nu):
        return random.wishart_factor(key, 1, fixed or nu, factor_of(size), exact=exact)

    return jax.jit(jax.vmap(one, in_axes=(0, None), out_axes=-1))


def factors(size, nu, replicates=REPLICATES, seed=5, exact=False, known=False) -> np.ndarray:
    """Many factors [replicate, row, column], of traced degrees of freedom or of known ones."""
    draw = drawing(size, nu if known else None, exact)
    return np.moveaxis(np.asarray(draw(keys(seed, replicates), nu), np.float64), -1, 0)


@functools.cache
def drawn(size, nu):
    return factors(size, nu)


def standard(found: np.ndarray) -> np.ndarray:
    """A of B = L A."""
    return np.linalg.solve(factor_of(found.shape[-1]).astype(float), found)


def entry_law(size, nu) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """Means and covariances of the entries of W in the first, the middle and the last row and column."""
    sigma = factor_of(size).astype(float) @ factor_of(size).T.astype(float)
    few = sorted({0, size // 2, size - 1})
    pairs = [(i, j) for i in few for j in few if i <= j]
    mean = np.array([nu * sigma[i, j] for i, j in pairs])
    covariance = [
        [nu * (sigma[i, k] * sigma[j, m] + sigma[i, m] * sigma[j, k]) for k, m in pairs] for i, j in pairs
    ]
    return pairs, mean, np.array(covariance)


def assert_entries(found, size, nu, change=1.0):
    """Entries of W have their means, and their covariances with each other."""
    pairs, mean, covariance = entry_law(size, nu)
    matrix = found @ np.swapaxes(found, 1, 2)
    entries = np.stack([matrix[:, i, j] for i, j in pairs], axis=1)
    # In other units, in which they are not correlated, a wrong law is as easy to see for each of them.
    units = np.linalg.cholesky(covariance)
    white, centre = np.linalg.solve(units, entries.T).T, np.linalg.solve(units, mean)
    assert_fits(
        lambda law: moment_fit(white, *law),
        (centre, np.eye(len(pairs))),
        lambda strength: (centre + 0.2 * change * strength, np.eye(len(pairs))),
    )


def assert_diagonal(found, size, nu, change=1.0):
    """Every diagonal element of W is a chi-square number, and so is every square of A's diagonal."""
    sigma = np.sum(factor_of(size).astype(float) ** 2, axis=1)
    squares = np.sum(found**2, axis=2) / sigma
    roots = np.diagonal(standard(found), axis1=1, axis2=2)
    for i in sorted({0, size // 2, size - 1}):
        assert_chi_square(2 * np.log(roots[:, i]), nu - i, change)
        assert_chi_square(np.log(squares[:, i]), nu, change)


def assert_chi_square(log_square, nu, change):
    wrong = min(nu, nu**0.5) / 5 * change
    assert_fits(
        lambda degrees: continuous_fit(log_square - np.log(2), stats.loggamma(degrees / 2).cdf),
        nu,
        lambda strength: nu + wrong * strength,
    )


@pytest.mark.parametrize("size, nu", SHAPES)
def test_moments(size, nu):
    found = drawn(size, nu)
    assert found.shape == (REPLICATES, size, size)
    assert (np.triu(found, 1) == 0).all()
    assert (np.diagonal(found, axis1=1, axis2=2) > 0).all()
    assert_entries(found, size, nu)


@pytest.mark.parametrize("size, nu", SHAPES)
def test_marginal_chi_squares(size, nu):
    assert_diagonal(drawn(size, nu), size, nu)


@pytest.mark.parametrize("size, nu", SHAPES)
def test_log_determinants(size, nu):
    assert_determinant(drawn(size, nu), size, nu)


def assert_determinant(found, size, nu, change=1.0):
    """log det W has the cumulants of a sum of independent log chi-squares, here the first two."""
    diagonal = np.diagonal(found, axis1=1, axis2=2) / np.diag(factor_of(size).astype(float))
    halves = (nu - np.arange(size)) / 2
    mean, variance = (special.digamma(halves) + np.log(2)).sum(), special.polygamma(1, halves).sum()
    scores = (2 * np.log(diagonal).sum(axis=1) - mean) / variance**0.5
    assert_fits(
        lambda law: moment_fit(scores[:, None], *law),
        (np.zeros(1), np.eye(1)),
        lambda strength: (np.full(1, 0.2 * change * strength), np.eye(1)),
        lambda strength: (np.zeros(1), np.eye(1) * (1 + 0.5 * change * strength)),
    )


@pytest.mark.parametrize("size, nu", [(4, 4), (10, 12), LARGE])
def test_below_the_diagonal_are_normals(size, nu):
    triangle = standard(drawn(size, nu))
    for i, j in {(1, 0), (size - 1, 0), (size - 1, size - 2), (size // 2, 1)}:
        assert_fits(
            lambda scale, i=i, j=j: continuous_fit(triangle[:, i, j], stats.norm(scale=scale).cdf),
            1.0,
            lambda strength: 1 + 0.2 * strength,
        )


@pytest.mark.parametrize("size, nu", [(2, 1.3), (4, 4), slow(7, 6.2), LARGE])
def test_elements_are_independent(size, nu):
    """Elements of A, those first that share a block of random bits; a correlation of 0.1 would be seen."""
    triangle = standard(drawn(size, nu))
    rows = [(i, i) for i in range(size)] + [(i, j) for i in range(size) for j in range(i)]
    partner = (len(rows) + 1) // 2  # how far off the other number of a block is
    chosen = {(0, partner), (len(rows) - 1 - partner, len(rows) - 1), (0, 1), (size - 1, len(rows) - 1)}
    values = [np.log(triangle[:, i, i]) if i == j else triangle[:, i, j] for i, j in rows]
    scores = [(value - value.mean()) / value.std() for value in values]
    for first, second in chosen:
        one, other = scores[first], scores[second]
        far = np.where(np.abs(one) > 1, 1, -1)
        assert_fits(
            lambda wrong, one=one: correlation_fit(one, wrong),
            other,
            lambda strength, one=one, other=other: other + 0.1 * strength * one,
            lambda strength, other=other, far=far: other * (1 + 0.1 * strength * far),
        )


@pytest.mark.parametrize("size, nu, draws", [(3, 3.5, "jax"), slow(1, 0.5, "exact"), slow(4, 60.5, "exact")])
def test_two_hands_draw_one_law(size, nu, draws):
    if draws == "exact":
        theirs = factors(size, nu, exact=True)
    else:
        reference = jax.vmap(
            lambda words: random.wishart_factor(
                Key((words[0], words[1]), jnp.uint32(3), 0, "jax"), 1, nu, factor_of(size)
            )
        )
        theirs = np.asarray(jax.jit(reference)(jax.random.key_data(keys(8, REPLICATES))), np.float64)
    ours = drawn(size, nu)
    for i, j in {(0, 0), (size - 1, 0), (size - 1, size - 1)}:
        assert_two_samples(ours[:, i, j], theirs[:, i, j])
    assert_entries(theirs, size, nu)


def assert_two_samples(ours, theirs):
    """Two samples have one law; a shift of a third of a standard deviation would be seen."""
    spread = theirs.std()
    assert_fits(
        lambda shift: float(stats.ks_2samp(ours + shift, theirs, method="asymp").pvalue),
        0.0,
        lambda strength: 0.3 * strength * spread,
    )


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("size", [3, slow(1), slow(14)])
def test_too_few_degrees_of_freedom(key, size, exact):
    draw = jax.jit(lambda nu: random.wishart_factor(key, 1, nu, factor_of(size), exact=exact))
    below = np.tril_indices(size)
    for nu in (size - 1.0, size - 1.5, -1.0, np.nan):
        assert np.isnan(np.asarray(draw(nu))[below]).all(), nu
    for nu in (float(size), size - 0.9, size + 1.0, 1e9):
        assert np.isfinite(draw(nu)).all(), nu
    if size == 1:
        for nu in (0, 0.0, -1):
            assert np.isnan(random.wishart_factor(key, 1, nu, factor_of(1), exact=exact)).all()


@pytest.mark.slow
def test_above_the_diagonal_nothing_is_read(key):
    for size in (3, 14):
        factor = jnp.asarray(factor_of(size))
        full = factor + jnp.triu(jnp.full((size, size), 7.0), 1)
        for draw in (
            lambda key, factor: random.wishart_factor(key, 1, 20, factor),
            lambda key, factor: random.wishart_factor(key, 1, 20, factor, exact=True),
            lambda key, factor: random.multivariate_normal(key, 1, jnp.zeros(len(factor)), factor),
        ):
            np.testing.assert_array_equal(draw(key, full), draw(key, factor))


def test_written_out_or_gathered_the_numbers_are_the_same(key, monkeypatch):
    def both_draws(size, nu):
        factor = factor_of(size)
        return random.wishart_factor(key, 1, nu, factor), random.multivariate_normal(
            key, 2, factor[:, 0], factor
        )

    small = {case: both_draws(*case) for case in ((1, 3), (3, 2.3))}
    for module in (wisharts, multivariate_normals):
        monkeypatch.setattr(module, "UNROLLED", 0)
    for case, found in small.items():
        for one, other in zip(found, both_draws(*case), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size, nu", [(2, 2), slow(3, 4.25)])
def test_known_or_traced_or_by_lane_degrees_of_freedom_are_the_same_draw(size, nu):
    known, traced = factors(size, nu, 64, known=True), factors(size, nu, 64)
    lanes = jax.vmap(lambda key, nu: random.wishart_factor(key, 1, nu, factor_of(size)))
    by_lane = np.asarray(jax.jit(lanes)(keys(5, 64), np.full(64, nu, np.float32)))
    np.testing.assert_allclose(known, traced, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(by_lane, traced, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_in_float64():
    code = """
import jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_enable_x64", True)
from mcollapse import random
key, factor = jax.random.key(0), np.array([[2.0, 0, 0], [1, 3, 0], [-1, 0.5, 1]])
def draw(key):
    return random.wishart_factor(key, 1, 2.5, factor), random.multivariate_normal(key, 2, factor[0], factor)
found = jax.jit(jax.vmap(draw))(jax.random.split(key, 10_000))
triangle = np.linalg.solve(factor, found[0])
print(found[0].dtype, found[1].dtype, np.isfinite(found[0]).all())
print((triangle[:, 0, 0] ** 2).mean(), (triangle[:, 2, 1] ** 2).mean(), (triangle[:, 2, 2] ** 2).mean())
"""
    types, means = python(code).splitlines()
    assert types == "float64 float64 True"
    # chi-squares of 2.5, 1 and 0.5 degrees of freedom
    errors = (np.array(means.split(), float) - [2.5, 1, 0.5]) / np.sqrt(2 * np.array([2.5, 1, 0.5]) / 10_000)
    assert (np.abs(errors) < SEEN).all()
    assert_seen(lambda strength: np.abs(errors + 20 * strength).max())


@pytest.mark.parametrize("size, axis", [(4, -1), slow(1, 0), slow(2, -1), slow(4, 0), slow(14, -1)])
def test_a_lane_alone_is_the_same_lane_bit_for_bit(size, axis):
    """Alone, but twice: where there is a single lane XLA shares no parameter and may round otherwise."""

    def one(key, factor, nu):
        vector = random.multivariate_normal(key, 2, factor[0], factor)
        return random.wishart_factor(key, 1, nu, factor), vector

    lanes = jax.jit(jax.vmap(one, in_axes=(0, axis, 0), out_axes=axis))
    scale = np.linspace(0.5, 2, 200, dtype=np.float32)
    batch = np.stack([factor_of(size) * x for x in scale], axis=axis)
    degrees = (size - 0.5 + np.arange(200) % 30).astype(np.float32)
    together = lanes(keys(3, 200), batch, degrees)
    for lane in (0, 7, 199):
        twice = np.array([lane, lane])
        alone = lanes(keys(3, 200)[twice], np.take(batch, twice, axis), degrees[twice])
        for whole, part in zip(together, alone, strict=True):
            assert (np.take(np.asarray(whole), lane, axis) == np.take(np.asarray(part), 0, axis)).all()


def test_sites_and_generations_are_independent(key):
    def one(key):
        factor = factor_of(2)
        return jnp.stack(
            [random.wishart_factor(Key.of(key, t), site, 5, factor) for t, site in ((0, 1), (0, 2), (1, 1))]
        )

    found = np.asarray(jax.jit(jax.vmap(one))(keys(2, REPLICATES)))[:, :, 1, 1]
    for other in (1, 2):
        assert_fits(
            lambda wrong: correlation_fit(found[:, 0], wrong),
            found[:, other],
            lambda strength, other=other: found[:, other] + 0.1 * strength * found[:, 0],
        )


@pytest.mark.parametrize("draws", ["fast", "jax"])
@pytest.mark.parametrize("size", [1, 3, slow(2), slow(5), 14])
def test_normal_vectors(size, draws):
    factor, mean = factor_of(size), np.linspace(-1, 1, size, dtype=np.float32)

    def one(words):
        return random.multivariate_normal(Key((words[0], words[1]), jnp.uint32(0), 0, draws), 1, mean, factor)

    vectors = jax.jit(jax.vmap(one))(jax.random.key_data(keys(9, REPLICATES)))
    centred = np.asarray(vectors, np.float64) - mean
    z = np.linalg.solve(factor.astype(float), centred.T).T
    assert_fits(
        lambda law: moment_fit(z, *law),
        (np.zeros(size), np.eye(size)),
        lambda strength: (np.full(size, 0.2 * strength), np.eye(size)),
        lambda strength: (np.zeros(size), np.eye(size) + 0.3 * strength),
    )
    for i in {0, size - 1}:
        deviation = np.sqrt(np.sum(factor[i].astype(float) ** 2))
        assert_fits(
            lambda shift, i=i, deviation=deviation: continuous_fit(
                centred[:, i] / deviation, stats.norm(loc=shift).cdf
            ),
            0.0,
            lambda strength: 0.2 * strength,
        )


@pytest.mark.slow
@pytest.mark.parametrize("size", [*range(1, 15), 20])
def test_many_normal_vectors(size):
    """Ten million numbers, and as many vectors as come of them: their means and covariances, and two marginal laws."""
    mean, factor = np.zeros(size, np.float32), factor_of(size)
    draw = jax.jit(jax.vmap(lambda key: random.multivariate_normal(key, 1, mean, factor)))
    vectors = np.concatenate([np.asarray(draw(keys(seed, 10**6 // size)), np.float64) for seed in range(10)])
    z = np.linalg.solve(factor.astype(float), vectors.T).T
    assert_fits(
        lambda law: moment_fit(z, *law),
        (np.zeros(size), np.eye(size)),
        lambda strength: (np.full(size, 0.02 * strength), np.eye(size)),
        lambda strength: (np.zeros(size), np.eye(size) + 0.03 * strength),
    )
    for i in {0, size - 1}:
        deviation = np.sqrt(np.sum(factor[i].astype(float) ** 2))
        assert_fits(
            lambda shift, i=i, deviation=deviation: continuous_fit(
                vectors[:, i] / deviation, stats.norm(loc=shift).cdf
            ),
            0.0,
            lambda strength: 0.02 * strength,
        )


def test_many_generations_of_carried_factors():
    """The log determinant of L_t, where W_t / nu replaces the covariance, is a sum of independent steps."""
    size, nu, generations = 3, 12, 20

    def generation(t, factor, key):
        return random.wishart_factor(Key.of(key, t), 1, nu, factor) / jnp.sqrt(jnp.float32(nu))

    def turn(t, carried):
        return jax.vmap(generation, in_axes=(None, -1, 0), out_axes=-1)(t, carried, keys(4, REPLICATES))

    start = jnp.broadcast_to(jnp.eye(size)[..., None], (size, size, REPLICATES))
    last = np.asarray(jax.jit(lambda start: jax.lax.fori_loop(0, generations, turn, start))(start))
    found = 2 * np.log(np.array([last[i, i] for i in range(size)], np.float64)).sum(axis=0)
    halves = (nu - np.arange(size)) / 2
    mean = generations * (special.digamma(halves) - np.log(nu / 2)).sum()
    error = np.sqrt(generations * special.polygamma(1, halves).sum() / REPLICATES)
    assert abs(found.mean() - mean) < SEEN * error
    assert_seen(lambda strength: abs(found.mean() - mean - 0.2 * strength) / error)


@pytest.mark.slow
@pytest.mark.parametrize("size, nu", [*QUICK, *MORE])
def test_many_factors(size, nu):
    """Ten million numbers on the diagonal: a mean wrong by a hundredth of a standard deviation is seen."""
    found = np.concatenate([factors(size, nu, 10**6 // size, seed) for seed in range(10)])
    assert_entries(found, size, nu, change=0.05)
    assert_diagonal(found, size, nu, change=0.1)
    assert_determinant(found, size, nu, change=0.05)
