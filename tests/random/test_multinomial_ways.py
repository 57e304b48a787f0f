"""Each way of drawing a multinomial: one by one, compared or searched, and by binomials, in groups or not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from mcollapse import random
from mcollapse.random.individuals import _levels, _thing, most_individuals

from .goodness import assert_counts_fit, assert_fits, keys, many, moment_fit, sampler

multinomials = sampler(lambda key, law: random.multinomial(key, 1, *law))


def weights_of(categories: int) -> np.ndarray:
    """Zipf's, a third of them 0, in random order."""
    generator = np.random.default_rng(categories)
    weights = generator.permutation(1 / np.arange(1, categories + 1))
    return np.where(np.arange(categories) % 3 == 1, 0, weights).astype(np.float32)


# compared; binomials in groups; searched; binomials
@pytest.mark.parametrize(
    "categories, n",
    [
        (50, 30),
        (90, 700),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((1000, 249), (40, 2000))),
    ],
)
def test_wide_tables(categories, n):
    weights = weights_of(categories)
    shares = weights.astype(float) / weights.astype(float).sum()
    sample = multinomials(n, weights, replicates=20_000)
    assert (sample.sum(1) == n).all() and (sample[:, weights == 0] == 0).all()
    largest = np.argsort(shares)[-3:]
    halves = [np.arange(categories) < categories // 2, np.arange(categories) % 2 == 0]
    for part in [*([i] for i in largest), *halves]:
        assert_counts_fit(sample[:, part].sum(1), stats.binom(n, shares[part].sum()))
    block = [*largest, int(np.argsort(shares)[categories // 2])]

    def fit(law):
        p, independent = law
        covariance = n * (np.diag(p[block]) - (1 - independent) * np.outer(p[block], p[block]))
        return moment_fit(sample[:, block], n * p[block], covariance)

    larger = np.where(np.arange(categories) == block[0], n**-0.5, 0)
    assert_fits(fit, (shares, 0), lambda s: (shares * (1 + s * larger), 0), lambda s: (shares, s))


@pytest.mark.slow
@pytest.mark.parametrize(
    "categories, n",
    [(5, 1), (5, 3), (5, 20), (5, 60), (6, 400), (9, 7), (9, 100), (9, 10_000), (20, 10), (20, 400), (50, 100),
     (50, 1000), (64, 60), (64, 2000), (300, 70), (300, 500)],
)  # fmt: skip
def test_ten_million_tables(categories, n):
    """Three categories of ten million tables, of three million where they have hundreds of categories."""
    weights = weights_of(categories)
    shares = weights.astype(float) / weights.astype(float).sum()
    chosen = np.argsort(shares)[-3:]
    counted = sampler(lambda key, law: random.multinomial(key, 1, *law)[chosen])
    batches = 10 if categories < 100 else 3
    sample = many(counted, n, weights, batches=batches)
    for i, category in enumerate(chosen):
        assert_counts_fit(sample[:, i], stats.binom(n, shares[category]), shift=0.01)
    assert_counts_fit(sample[:, :2].sum(1), stats.binom(n, shares[chosen[:2]].sum()), shift=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("categories", [3, pytest.param(300, marks=pytest.mark.slow)])
def test_a_lane_has_its_own_way(categories):
    """Lanes above and below the limit side by side: each has the bits that it has alone, however it is mapped."""
    limit = most_individuals(categories)
    n = np.array([0, 1, limit, limit + 1, 5 * limit, 3], np.int32)
    weights = np.stack([np.roll(weights_of(categories), i) for i in range(n.size)])
    lanes = keys(3, 2 * n.size)[: n.size]

    def draw(key, n, w):
        return random.multinomial(key, 1, n, w)

    each = jax.jit(draw)
    alone = np.stack([each(lanes[i], n[i], weights[i]) for i in range(n.size)])
    assert (alone.sum(1) == n).all()
    assert (jax.jit(jax.vmap(draw))(lanes, n, weights) == alone).all()
    # the lanes behind, in pairs, and with weights that all lanes of a pair share
    behind = jax.jit(jax.vmap(draw, in_axes=(0, 0, 1), out_axes=1))(lanes, n, weights.T)
    assert (behind.T == alone).all()
    pairs = jax.jit(jax.vmap(jax.vmap(draw, in_axes=(0, 0, None)), in_axes=(None, None, 0)))
    shared = pairs(lanes, n, weights[:2])
    assert (shared[0, 0] == alone[0]).all() and (shared[1, 1] == alone[1]).all()
    assert (shared[0, 4] == each(lanes[4], n[4], weights[0])).all()


def test_levels_are_cumulative_probabilities():
    """Their mean over the word that decides ties has every weight with all its digits, below 2^-31 too."""
    weights = np.array([0, 3, 0, 2.0**-10, 17, 0, 2**22 + 1, 0.3, 2**21 + 0.5, 0], np.float32)
    ties = np.arange(2**16, dtype=np.uint32) * np.uint32(2**16) + np.uint32(2**15)

    def probabilities(weights):
        levels = np.asarray(_levels(jnp.asarray(ties), jnp.asarray(weights)[:, None]), np.float64)
        return np.diff(levels.mean(1), prepend=0) / levels[-1].mean()

    exact = weights.astype(float) / weights.astype(float).sum()
    found = probabilities(weights)
    assert ((found == 0) == (weights == 0)).all()
    np.testing.assert_allclose(found, exact, rtol=3e-7, atol=2e-14)
    tail = np.where(np.arange(10) == 3, np.float32(1.01), np.float32(1))
    assert abs(probabilities(weights * tail)[3] - exact[3]) > 1e-12


def test_every_word_is_below_the_last_level():
    """Stretched to more or fewer than 2^31 numbers, from the first to the last of them."""
    words = np.array([0, 1, 2**31, 2**32 - 2, 2**32 - 1], np.uint32)
    for last in (2**31 - 300, 2**31 - 1, 2**31, 2**31 + 1, 2**31 + 300):
        for tie in (0, 2**31, 2**32 - 2**13 * 100, 2**32 - 1):
            stretched = np.asarray(
                _thing(jnp.asarray(np.uint32(tie)), jnp.asarray(np.uint32(last)))(jnp.asarray(words))
            )
            assert stretched.astype(int).max() < last and (np.diff(stretched.astype(int)) >= 0).all()
            assert stretched[0] <= 1 and last - 2 <= stretched[-1]


@pytest.mark.parametrize("n", [10, 1000])
def test_the_scale_of_weights_does_not_matter(n):
    draw = jax.jit(lambda weights: random.multinomial(jax.random.key(1), 1, n, weights))
    ordinary = draw(np.array([1, 2, 0, 0.7], np.float32))
    assert ordinary.sum() == n
    for exponent in (-120, -60, 60, 120):
        assert (draw(np.ldexp(np.array([1, 2, 0, 0.7], np.float32), exponent)) == ordinary).all()
    assert draw(np.array([3e38, 3e38, 3e38, 0], np.float32)).sum() == n
