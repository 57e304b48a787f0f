import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from mcollapse import random
from mcollapse.random.gammas import log_gamma_parts

from .goodness import assert_fits, continuous_fit, keys, many, sampler

gammas = sampler(lambda key, a: random.log_gamma(key, 1, *a))
betas = sampler(lambda key, law: random.log_beta(key, 1, *law))
dirichlets = sampler(lambda key, law: random.log_dirichlet(key, 1, jnp.asarray(law)))

# Both sides of 1, where a power of a uniform comes in, and the ends.
SHAPES = [1e-4, 0.01, 0.1, 0.3, 0.5, 0.75, 0.999, 1, 1.001, 1.5, 2, 2.5, 3, 5, 10, 30.5, 1e3, 1e5, 1e7]
PAIRS = [
    *[(0.01, 0.01), (0.2, 0.3), (0.5, 0.5), (1, 1), (0.99, 1.01), (1, 30), (3, 5), (2.5, 0.04), (7, 7)],
    *[(100, 0.5), (1e-3, 2), (30, 1e3), (0.1, 50), (1.5, 1.5), (2, 1e-4), (1e3, 1e3), (1e4, 1e4), (1e6, 3)],
]
CONCENTRATIONS = [
    *[(1, 1), (0.3, 0.4), (1, 1, 1), (0.01, 0.02, 0.01), (5, 0.1, 1, 20), (1e4, 1, 1e3), 10 * (0.5,)],
    *[(0, 0.5, 0, 2, 0), 5 * (1,), (2, 3, 4), (0.99, 1.01, 1, 1), (30, 0.2), 3 * (100,)],
    *[(1e-3, 5, 0, 0, 1e-3), (1, 1e3, 0), (7, 1, 0.5, 3, 1e-2), 4 * (0.1,)],
]


def single(*numbers):
    """As float32 has them."""
    return [float(np.float32(number)) for number in numbers]


def assert_gamma(sample: np.ndarray, a: float, change: float = 0.1) -> None:
    """log X fits its law, and not that of a shape larger by `change` standard deviations, or of itself."""
    (a,) = single(a)
    sample = sample.astype(np.float64)
    wrong = change * min(a, a**0.5)
    # The logarithm where X underflows, the number where scipy's law of the logarithm has lost its digits.
    law, values = (stats.loggamma, sample) if a < 100 else (stats.gamma, np.exp(sample))
    assert_fits(
        lambda law: continuous_fit(values, law.cdf), law(a), lambda strength: law(a + wrong * strength)
    )


def assert_beta(log_x: np.ndarray, log_y: np.ndarray, a: float, b: float, change: float = 0.1) -> None:
    """X of log X and log(1 - X) fits its law, and not that of a larger a or b."""
    odds = log_x.astype(np.float64) - log_y

    def fit(law):
        def cdf(odds):
            smaller = smaller_tail(
                -np.logaddexp(0, np.abs(odds)), *np.where(odds < 0, law[:, None], law[::-1, None])
            )
            return np.where(odds < 0, smaller, 1 - smaller)

        return continuous_fit(odds, cdf)

    # The smaller one: a number of shape 0.01 hides whether the other is of shape 2 or 3.
    wrong = change * min(a, b, min(a, b) ** 0.5)
    larger = np.array([wrong, 0]) if a < b else np.array([0, wrong])
    assert_fits(fit, np.array([a, b]), lambda strength: np.array([a, b]) + strength * larger)


def padded(concentrations) -> list[float]:
    """Of five categories or ten, so that there are two programs in all."""
    return [float(a) for a in concentrations] + [0.0] * (-len(concentrations) % 5)


def total(sample: np.ndarray, categories) -> np.ndarray:
    """Logarithms of the sums of some probabilities."""
    return np.logaddexp.reduce([sample[:, k].astype(np.float64) for k in categories])


def assert_dirichlet(sample: np.ndarray, shapes: list[float], used: int, change: float = 0.1) -> None:
    """A probability, and the sum of the second half of those used, are beta numbers."""
    assert (sample[:, np.equal(shapes, 0)] == -np.inf).all()
    for chosen in {(1,), tuple(range(used // 2, used))}:
        parts = chosen, [k for k in range(used) if k not in chosen]
        assert_beta(
            *(total(sample, part) for part in parts),
            *(sum(shapes[k] for k in part) for part in parts),
            change,
        )


def smaller_tail(log_x: np.ndarray, a: float, b: float) -> np.ndarray:
    """P(X < x), also where x is below the smallest number."""
    series = np.exp(a * np.minimum(log_x, -600) - np.log(a) - special.betaln(a, b))
    return np.where(log_x < -600, series, special.betainc(a, b, np.exp(log_x)))


@pytest.mark.parametrize("a", SHAPES)
def test_gammas(a):
    assert_gamma(gammas(float(a)), a)


@pytest.mark.parametrize("a, b", PAIRS)
def test_betas(a, b):
    sample = betas(float(a), float(b))
    np.testing.assert_allclose(np.logaddexp(*sample), 0, atol=3e-7)
    assert_beta(*sample, *single(a, b))


@pytest.mark.parametrize("concentrations", CONCENTRATIONS)
def test_dirichlets(concentrations):
    sample = dirichlets(*padded(concentrations))
    np.testing.assert_allclose(total(sample, range(sample.shape[1])), 0, atol=1e-5)
    assert_dirichlet(sample, single(*padded(concentrations)), len(concentrations))


def test_shapes_at_the_edges(key):
    draw = jax.jit(lambda a: random.log_gamma(key, 1, a))
    for wrong in (np.nan, -1.0, -1e-3, -np.inf):
        assert np.isnan(draw(wrong)) and np.isnan(random.log_gamma(key, 1, wrong))
        assert np.isnan(random.gamma(key, 1, wrong)) and np.isnan(random.log_beta(key, 1, wrong, 2.0)).all()
        assert np.isnan(random.log_dirichlet(key, 1, jnp.array([1.0, wrong]))).all()
    assert draw(0.0) == -np.inf and random.gamma(key, 1, 0) == 0
    last = jnp.asarray(np.uint32(2**32 - 1))  # the uniform is next to 1, and its logarithm should not be 0
    assert sum(log_gamma_parts((last, last), 0.0)) == -np.inf
    assert np.isfinite([draw(1e-30), draw(0.999999), draw(1), draw(1e30)]).all()
    assert random.log_beta(key, 1, 0, 2.0) == (-np.inf, 0) and random.log_beta(key, 1, 2.0, 0) == (0, -np.inf)
    assert np.isnan(random.log_beta(key, 1, 0, 0)).all()
    assert random.log_dirichlet(key, 1, jnp.array([3.0])).tolist() == [0]
    assert random.log_dirichlet(key, 1, jnp.array([0, 3])).tolist() == [-np.inf, 0]
    assert random.log_dirichlet(key, 1, jnp.array([])).shape == (0,)
    assert random.exponential(key, 1, (2, 0)).shape == (2, 0)


def test_tiny_shares_keep_their_logarithms(key):
    """Of shapes 1e-3 one share is all but 1, and the logarithms of the others are of the size of 1e3."""
    x, y = betas(1e-3, 1e-3)
    small, large = np.minimum(x, y), np.maximum(x, y)
    assert np.isfinite(small).all() and small.mean() < -300 and (large <= 0).all()
    np.testing.assert_allclose(large[small > -80], np.log1p(-np.exp(small[small > -80])), rtol=1e-5)


def test_a_shape_by_lane_or_for_all_lanes_or_known_is_the_same_draw():
    many = keys(5, 64)
    for a in (0.02, 0.5, 1.0, 3.7, 1e4):
        by_lane = jax.jit(jax.vmap(lambda key, a: random.log_gamma(key, 1, a)))(many, jnp.full(64, a))
        for_all = gammas(a, seed=5, replicates=64)
        known = jax.jit(jax.vmap(lambda key, a=a: random.log_gamma(key, 1, a)))(many)
        np.testing.assert_allclose(for_all, by_lane, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(known, by_lane, rtol=1e-6, atol=1e-6)
        linear = jax.jit(jax.vmap(lambda key, a=a: random.gamma(key, 1, a)))(many)
        np.testing.assert_allclose(linear, np.exp(by_lane), rtol=1e-5, atol=1e-37)


@pytest.mark.slow
@pytest.mark.parametrize("a", [a for a in SHAPES if a < 1e5])
def test_many_gammas(a):
    """1e7 draws, that see a shape wrong by a hundredth of a standard deviation."""
    assert_gamma(many(gammas, float(a)), a, change=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("a, b", [(a, b) for a, b in PAIRS if a < 1e6])
def test_many_betas(a, b):
    assert_beta(*many(betas, float(a), float(b)), *single(a, b), change=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("concentrations", CONCENTRATIONS)
def test_many_dirichlets(concentrations):
    sample = many(dirichlets, *padded(concentrations))
    assert_dirichlet(sample, single(*padded(concentrations)), len(concentrations), change=0.01)
