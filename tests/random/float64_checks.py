"""Run by test_lowering in an interpreter of its own, under JAX_ENABLE_X64."""

import sys
import types
from pathlib import Path

# The package above is left out: what it imports is its own affair.
sys.modules["mcollapse"] = types.ModuleType("mcollapse")
sys.modules["mcollapse"].__path__ = [str(Path(__file__).parents[2] / "mcollapse")]

sys.path.insert(0, str(Path(__file__).parent))

import jax
import jax.numpy as jnp
import numpy as np
from goodness import assert_fits, continuous_fit, exact_counts
from scipy import special, stats

from mcollapse import random
from mcollapse.random.binomials import binomial_from_words
from mcollapse.random.fit import log_gamma
from mcollapse.random.gammas import log_ratio
from mcollapse.random.normals import from_words
from mcollapse.random.uniforms import unit_interval

jax.config.update("jax_numpy_dtype_promotion", "strict")


def draw(key):
    reals = (
        random.uniform(key, 1),
        random.normal(key, 2),
        *random.normal_pair(key, 3),
        random.normal(key, 4, (3,))[1],
        random.log_chi_square(key, 5, 9),
        random.log_gamma(key, 8, 0.3),
        random.exponential(key, 9),
    )
    counts = (
        random.binomial(key, 6, 10**9, 0.3),
        random.hypergeometric(key, 7, 10**8, 10**8, 10**8),
    )
    return reals, counts


def laws_and_types():
    reals, counts = jax.tree.map(
        np.asarray, jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(0), 20_000))
    )
    assert {part.dtype for part in reals} == {np.dtype(np.float64)}
    assert {part.dtype for part in counts} == {np.dtype(np.int32)}
    uniform, *normals, chi_square, small, exponential = reals
    binomial, urn = counts
    normals += [(binomial - 3e8) / np.sqrt(2.1e8), (urn - 5e7) / np.sqrt(1.25e7)]
    families = [(part, lambda change: stats.norm(scale=1 + change)) for part in normals]
    families += [
        (uniform, lambda change: stats.beta(1 + change, 1)),
        (np.exp(chi_square), lambda change: stats.chi2(9 + 5 * change)),
        (small, lambda change: stats.loggamma(0.3 * (1 + change))),
        (exponential, lambda change: stats.expon(scale=1 + change)),
    ]
    for sample, law in families:
        assert_fits(
            lambda change, sample=sample, law=law: continuous_fit(sample, law(change).cdf),
            0,
            lambda strength: 0.2 * strength,
        )
    assert random.largest_count() == 10**9


def exact_quantiles():
    high, low = np.random.default_rng(0).integers(0, 2**32, (2, 20_000), dtype=np.uint32)
    words = jnp.asarray(high), jnp.asarray(low)
    v = (high + (low + 0.5) / 2**32) / 2**32
    np.testing.assert_allclose(unit_interval(*words), v, rtol=3e-16)
    small = unit_interval(words[0] >> np.uint32(31), words[1])  # where the lowest bits are digits
    np.testing.assert_allclose(small, ((high >> 31) + (low + 0.5) / 2**32) / 2**32, rtol=3e-16)
    ends = jnp.asarray(np.array([0, 2**32 - 1], np.uint32))
    assert unit_interval(ends, ends).tolist() == [2.0**-65, 1 - 2.0**-53]
    np.testing.assert_allclose(from_words(*words), -special.ndtri(v), rtol=1e-9)
    counts = jax.jit(jax.vmap(binomial_from_words, in_axes=(0, None, None, None)))
    for n, p in ((10**9, 0.3), (10**8, 0.01), (40, 0.4), (10**9, 3e-8)):
        found = np.asarray(counts(words, jnp.int32(n), jnp.float64(p), jnp.float64(1 - p)))
        exact, mutant = (exact_counts(stats.binom(n, x), n * x, n * x * (1 - x), v) for x in (p, 0.99 * p))
        assert (found != exact).mean() < 1e-3, (n, p)
        assert (found != mutant).mean() > 1e-3, (n, p)
    z = np.linspace(-4, 4, 1001)
    scores = jax.jit(jax.vmap(log_ratio, in_axes=(0, None)))
    for a, bound in ((1, 1e-4), (2.5, 4e-5), (16, 2e-6), (500, 1e-7)):
        found = np.log(a) + scores(jnp.asarray(z), jnp.float64(a))
        assert np.abs(found - log_gamma(a, z)).max() < bound, a


if __name__ == "__main__":
    laws_and_types()
    exact_quantiles()
