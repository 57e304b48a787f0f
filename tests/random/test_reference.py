"""The draws of `jax.random` and ours: two hands, one law."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mcollapse import random
from mcollapse.random import Key

from .goodness import SEEN, assert_seen, keys

WEIGHTS = np.array([0.5, 0.0, 0.3, 0.2], np.float32)
COUNTS = np.array([5, 0, 7, 12], np.int32)
REPLICATES = 20_000

DRAWS = {
    "bits": lambda key, **options: random.bits(key, 1)[0].astype(jnp.float32) * 2.0**-32,
    "uniform": lambda key, **options: random.uniform(key, 1),
    "bernoulli": lambda key, **options: random.bernoulli(key, 1, 0.3, (2,)),
    "normal": lambda key, **options: random.normal(key, 1, (2,), **options),
    "pair": lambda key, **options: jnp.stack(random.normal_pair(key, 1, **options)),
    "vector": lambda key, **options: random.multivariate_normal(key, 1, jnp.ones(2), **options),
    "exponential": lambda key, **options: random.exponential(key, 1),
    "gamma": lambda key, **options: random.gamma(key, 1, 2.5, **options),
    "log_gamma": lambda key, **options: random.log_gamma(key, 1, 0.3, **options),
    "chi_square": lambda key, **options: random.chi_square(key, 1, 7, **options),
    "log_chi_square": lambda key, **options: random.log_chi_square(key, 1, 7, **options),
    "both": lambda key, **options: jnp.stack(random.normal_and_log_chi_square(key, 1, 4, **options)),
    "beta": lambda key, **options: jnp.exp(jnp.stack(random.log_beta(key, 1, 2.0, 0.7, **options))),
    "dirichlet": lambda key, **options: jnp.exp(random.log_dirichlet(key, 1, 3 * WEIGHTS + 0.1, **options)),
    "binomial": lambda key, **options: random.binomial(key, 1, 50, 0.3, **options),
    "poisson": lambda key, **options: random.poisson(key, 1, 12.0, **options),
    "multinomial": lambda key, **options: random.multinomial(key, 1, 40, WEIGHTS, **options),
    "categorical": lambda key, **options: random.categorical(key, 1, WEIGHTS, (2,)) == 2,
    "integers": lambda key, **options: random.integers(key, 1, 7, (2,)),
    "hypergeometric": lambda key, **options: random.hypergeometric(key, 1, 20, 30, 15, **options),
    "gram": lambda key, **options: random.gram_factor(key, 1, 4, 3, **options),
    "table": lambda key, **options: random.multivariate_hypergeometric(key, 1, 10, COUNTS, **options),
    "subset": lambda key, **options: random.subset(key, 1, 9, 3, 3).sum(),
}
WITHOUT_EXACT = (
    "bits",
    "uniform",
    "bernoulli",
    "exponential",
    "categorical",
    "integers",
    "subset",
)


def drawn(name, seed, draws="fast", **options) -> np.ndarray:
    def one(key):
        return DRAWS[name](dataclasses.replace(Key.of(key, 3), draws=draws), **options)

    return np.asarray(jax.jit(jax.vmap(one))(keys(seed, REPLICATES)), np.float64).reshape(REPLICATES, -1)


def surprise(first: np.ndarray, second: np.ndarray) -> float:
    """The largest deviation of means and of variances, in standard errors."""
    both = [np.concatenate([part, (part - second.mean(0)) ** 2], axis=1) for part in (first, second)]
    error = np.sqrt(sum(part.var(axis=0) for part in both) / REPLICATES)
    gap = np.abs(both[0].mean(axis=0) - both[1].mean(axis=0))
    return float(np.max(np.where(gap > 1e-9, gap / np.maximum(error, 1e-12), 0.0)))


QUICK = ("normal", "chi_square", "binomial")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in DRAWS]
)
def test_two_hands_draw_one_law(name):
    ours, theirs = drawn(name, 1), drawn(name, 2, "jax")
    assert (ours != drawn(name, 1, "jax")).any()  # other numbers
    assert surprise(ours, theirs) < SEEN
    spread = theirs.std(axis=0)
    assert_seen(lambda strength: surprise(ours + 0.2 * strength * spread, theirs))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in DRAWS if name not in WITHOUT_EXACT])
def test_exact_is_that_of_jax(name):
    np.testing.assert_array_equal(drawn(name, 1, exact=True), drawn(name, 1, "jax"))


@pytest.mark.slow
def test_edges_of_the_reference():
    def edge(draw):
        return jax.jit(draw)(dataclasses.replace(Key.of(jax.random.key(0)), draws="jax"))

    assert edge(lambda k: random.binomial(k, 1, 0, 0.3)) == 0
    assert (
        edge(lambda k: random.binomial(k, 1, 7, 1.0)) == 7
        and edge(lambda k: random.binomial(k, 1, 7, 0.0)) == 0
    )
    assert edge(lambda k: random.binomial(k, 1, 7, jnp.nan)) == 0
    assert edge(lambda k: random.poisson(k, 1, 0.0)) == 0
    assert abs(edge(lambda k: random.poisson(k, 1, jnp.inf)) - 10**9) < 10**6
    assert edge(lambda k: random.log_chi_square(k, 1, 0)) == -np.inf
    assert np.isnan(edge(lambda k: random.log_gamma(k, 1, -1.0)))
    assert edge(lambda k: random.hypergeometric(k, 1, 3, 4, 99)) == 3
    assert edge(lambda k: random.multinomial(k, 1, 9, jnp.zeros(3))).tolist() == [0, 0, 0]
