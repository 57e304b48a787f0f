import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from mcollapse import random
from mcollapse.random import Key

from .goodness import LEVEL, correlation_fit, keys, sampler

WEIGHTS = np.array([0.1, 0.0, 0.4, 0.5], np.float32)


def everything(key, share, count):
    """Every draw of the package, with parameters that differ from lane to lane."""
    key = Key.of(key, 3)
    return (
        random.bits(key, 1),
        random.uniform(key, 2),
        random.uniform(key, 3, (3,)),
        random.normal(key, 4),
        random.normal(key, 5, (5,)),
        random.normal_pair(key, 6),
        random.log_chi_square(key, 7, count),
        random.normal_and_log_chi_square(key, 8, 40),
        random.bernoulli(key, 9, share),
        random.categorical(key, 10, WEIGHTS * share, (3,)),
        random.binomial(key, 11, count, share),
        random.multinomial(key, 12, count, WEIGHTS),
        random.hypergeometric(key, 13, count, 2 * count, 20),
        random.multivariate_hypergeometric(key, 14, 20, count * np.arange(4, dtype=np.int32)),
        random.subsample_mask(key, 15, np.arange(40) < count, 20),
        random.normal(key.at(1).fold(count), 1),
    )


@pytest.mark.parametrize("lanes", [1000, 1024])
def test_a_lane_alone_is_the_same_lane_bit_for_bit(lanes):
    arguments = (keys(3, lanes), jnp.linspace(0.01, 0.99, lanes), 1 + jnp.arange(lanes) % 300)
    together = jax.jit(jax.vmap(everything))(*arguments)
    single = jax.jit(jax.vmap(everything))
    for lane in (0, 1, 7, 500, lanes - 1):
        one = single(*(argument[lane : lane + 1] for argument in arguments))
        for whole, part in zip(jax.tree.leaves(together), jax.tree.leaves(one), strict=True):
            assert (np.asarray(whole)[lane] == np.asarray(part)[0]).all()


def test_lanes_differ():
    together = jax.jit(jax.vmap(everything))(keys(3, 1000), jnp.full(1000, 0.5), jnp.full(1000, 100))
    assert np.unique(together[3]).size > 990


NEIGHBOURS = {
    "sites": lambda key, t: (random.normal(Key.of(key, t), 1), random.normal(Key.of(key, t), 2)),
    "levels": lambda key, t: (random.normal(Key.of(key, t), 1), random.normal(Key.of(key, t).at(1), 1)),
    "paths": lambda key, t: (random.normal(Key.of(key, t).at(1), 2), random.normal(Key.of(key, t).at(2), 1)),
    "generations": lambda key, t: (random.normal(Key.of(key, t), 1), random.normal(Key.of(key, t + 1), 1)),
    "folds": lambda key, t: (
        random.normal(Key.of(key, t).fold(0), 1),
        random.normal(Key.of(key, t).fold(1), 1),
    ),
    "a draw and jax": lambda key, t: (
        random.normal(Key.of(key, t), 1),
        jax.random.normal(Key.of(key, t).at(1).typed),
    ),
    "a pair": lambda key, t: random.normal_pair(Key.of(key, t), 1),
    "a pair of moments": lambda key, t: random.normal_and_log_chi_square(Key.of(key, t), 1, 5),
    "an array's pair": lambda key, t: tuple(random.normal(Key.of(key, t), 1, (2,))),
    "an array's neighbours": lambda key, t: tuple(random.normal(Key.of(key, t), 1, (4,))[1:3]),
    "counts": lambda key, t: (
        random.binomial(Key.of(key, t), 1, 50, 0.5),
        random.binomial(Key.of(key, t), 2, 50, 0.5),
    ),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_neighbours_are_independent(name):
    draw = NEIGHBOURS[name]
    first, second = sampler(lambda key, t: draw(key, *t))(7)
    assert correlation_fit(first, second) > LEVEL
    assert correlation_fit(first, first + 30 * second) < LEVEL  # a correlation of 0.03
    assert correlation_fit(first, first) < LEVEL


def test_replicates_and_generations_are_independent():
    score = sampler(lambda key, _: random.normal(key, 1))()
    assert correlation_fit(score[:-1], score[1:]) > LEVEL
    replicate = jax.random.key(11)
    path = np.asarray(jax.jit(jax.vmap(lambda t: random.normal(Key.of(replicate, t), 1)))(np.arange(400_000)))
    assert correlation_fit(path[:-1], path[1:]) > LEVEL
    assert correlation_fit(path, score) > LEVEL
    smooth = path[:-1] + 0.03 * path[1:]
    assert correlation_fit(smooth[:-1], smooth[1:]) < LEVEL
    assert stats.ks_1samp(path.astype(float), stats.norm.cdf, method="asymp").pvalue > LEVEL
