import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from mcollapse import random
from mcollapse.random import Key

from .goodness import REPLICATES, assert_fits, continuous_fit, correlation_fit, keys, many, sampler

LANES = 10_000
WEIGHTS = np.array([0.1, 0.0, 0.4, 0.5], np.float32)
ONES = np.ones(4, np.int32)


# Every draw of the package, with parameters that differ from lane to lane, and nu that does not.
DRAWS = {
    "numbers": lambda key, share, count, nu: (
        random.bits(key, 1),
        random.uniform(key, 2, (3,)),
        random.bernoulli(key, 3, share),
        random.normal(key, 4),
        random.normal(key, 5, (5,)),
        random.normal_pair(key, 6),
        random.log_chi_square(key, 7, count),
        random.normal_and_log_chi_square(key, 8, nu),
        random.normal(key.at(1).fold(count), 1),
    ),
    "categorical": lambda key, share, count, nu: random.categorical(key, 9, WEIGHTS * share, (3,)),
    "integers": lambda key, share, count, nu: random.integers(key.at(4), 1, count, (3,)),
    "gamma": lambda key, share, count, nu: (
        random.exponential(key.at(2), 1),
        random.exponential(key.at(2), 2, (3,)),
        random.log_gamma(key.at(2), 3, 2 * share),
        random.gamma(key.at(2), 4, nu),
        random.log_chi_square(key.at(2), 5, 4 * share),
        random.log_beta(key.at(2), 6, share, count),
    ),
    "dirichlet": lambda key, share, count, nu: random.log_dirichlet(key.at(3), 1, share * WEIGHTS),
    "binomial": lambda key, share, count, nu: random.binomial(key, 10, count, share),
    "poisson": lambda key, share, count, nu: random.poisson(key, 11, share * 10),
    "multinomial": lambda key, share, count, nu: random.multinomial(key, 11, count, WEIGHTS),
    "hypergeometric": lambda key, share, count, nu: random.hypergeometric(key, 12, count, 2 * count, 20),
    "table": lambda key, share, count, nu: random.multivariate_hypergeometric(key, 13, 20, count * ONES),
    "subset": lambda key, share, count, nu: random.subset(key, 14, count, 20, 32),
}


def everything(key, share, count, nu):
    return {name: draw(Key.of(key, 3), share, count, nu) for name, draw in DRAWS.items()}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in ("hypergeometric", "table", "subset")))
        for name in DRAWS
    ],
)
def test_a_lane_alone_is_the_same_lane_bit_for_bit(name):
    """Alone, but twice: where there is a single lane XLA shares no parameter and may round otherwise."""
    lanes = jax.jit(jax.vmap(lambda key, *law: DRAWS[name](Key.of(key, 3), *law), in_axes=(0, 0, 0, None)))
    arguments = (keys(3, LANES), jnp.linspace(0.01, 0.99, LANES), 1 + jnp.arange(LANES) % 300)
    together = jax.tree.leaves(lanes(*arguments, 40))
    assert all(np.unique(np.asarray(part), axis=0).shape[0] > 1 for part in together)
    for lane in (0, 1, 7, 500, 4999, LANES - 1):
        one = jax.tree.leaves(lanes(*(argument[np.array([lane, lane])] for argument in arguments), 40))
        for whole, part in zip(together, one, strict=True):
            assert (np.asarray(whole)[lane] == np.asarray(part)[0]).all()


NEIGHBOURS = {
    "sites": lambda key, t: (random.normal(Key.of(key, t), 1), random.normal(Key.of(key, t), 2)),
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
    "a pair of moments, of half a degree": lambda key, t: random.normal_and_log_chi_square(
        Key.of(key, t), 1, 0.5
    ),
    "exponentials": lambda key, t: tuple(random.exponential(Key.of(key, t), 1, (4,))[1:3]),
    "an array's neighbours": lambda key, t: tuple(random.normal(Key.of(key, t), 1, (4,))[1:3]),
    "counts": lambda key, t: (
        random.binomial(Key.of(key, t), 1, 50, 0.5),
        random.binomial(Key.of(key, t), 2, 50, 0.5),
    ),
    "counts of generations": lambda key, t: (
        random.poisson(Key.of(key, t), 1, 3.0),
        random.poisson(Key.of(key, t + 1), 1, 3.0),
    ),
}


@functools.cache
def neighbours():
    return sampler(lambda key, t: {name: draw(key, *t) for name, draw in NEIGHBOURS.items()})(7)


def assert_independent(first, second, correlation=0.05):
    """Neither the numbers are correlated nor their squares; a small correlation of either would be seen."""
    first, second = ((part - part.mean()) / part.std() for part in (first, second))
    far = np.where(np.abs(first) > 1, 1, -1)
    assert_fits(
        lambda wrong: correlation_fit(first, wrong),
        second,
        lambda strength: second + correlation * strength * first,
        lambda strength: second * (1 + correlation * strength * far),
    )


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_neighbours_are_independent(name):
    assert_independent(*neighbours()[name])


def test_replicates_and_generations_are_independent():
    normal = sampler(lambda key, _: random.normal(key, 1))()
    assert_independent(normal[:-1], normal[1:])
    replicate = jax.random.key(11)
    path = np.asarray(
        jax.jit(jax.vmap(lambda t: random.normal(Key.of(replicate, t), 1)))(np.arange(REPLICATES))
    )
    assert_independent(path[:-1], path[1:])
    assert_independent(path, normal)
    assert_fits(
        lambda law: continuous_fit(path, law.cdf),
        stats.norm(),
        lambda strength: stats.norm(scale=1 + 0.05 * strength),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", NEIGHBOURS)
def test_many_neighbours_are_independent(name):
    """1e7 of them, that see a correlation of 0.01."""
    assert_independent(*many(sampler(lambda key, t: NEIGHBOURS[name](key, *t)), 7), correlation=0.01)


@pytest.mark.slow
def test_many_replicates_are_independent():
    normal = many(sampler(lambda key, _: random.normal(key, 1)))
    assert_independent(normal[:-1], normal[1:], correlation=0.01)
