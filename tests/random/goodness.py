"""Samples of a draw over many replicates, and how well they fit a law."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

# A family-wise error of 1e-6 over at most 1,000 statistical tests: a z-score of 6.1. Keys are fixed.
LEVEL = 1e-6 / 1000
REPLICATES = 200_000


def sampler(draw):
    """A function of (parameters) that draws once for each of many replicates; compiles once."""
    many = jax.jit(jax.vmap(draw, in_axes=(0, None)))

    def sample(*parameters, seed=0, replicates=REPLICATES):
        return jax.tree.map(np.asarray, many(keys(seed, replicates), parameters))

    return sample


@functools.cache
def keys(seed: int, replicates: int):
    return jax.random.split(jax.random.key(seed), replicates)


def count_fit(sample: np.ndarray, law) -> float:
    """The p-value of Pearson's statistic, neighbouring values pooled until 25 are expected; 0 if one is impossible."""
    low, high = int(sample.min()), int(sample.max())
    values = np.arange(low, high + 1)
    expected = law.pmf(values) * sample.size
    observed = np.bincount(sample - low, minlength=values.size)
    if np.any((expected == 0) & (observed > 0)):
        return 0.0
    expected = np.concatenate([[law.cdf(low - 1) * sample.size], expected, [law.sf(high) * sample.size]])
    return cell_fit(np.concatenate([[0], observed, [0]]), expected)


def cell_fit(observed: np.ndarray, expected: np.ndarray, least: float = 25.0) -> float:
    """Twice the smaller p-value of two: Pearson's, of cells pooled with neighbours until `least` are expected,
    and Poisson's, of what is then left over between larger cells."""
    pooled, rest, current = [], [0.0, 0.0], [0.0, 0.0]
    for count, mean in zip(observed.tolist(), expected.tolist(), strict=True):
        if mean >= least:  # a large cell stands alone, or it would cover a wrong small one
            pooled.append((count, mean))
            rest, current = [rest[0] + current[0], rest[1] + current[1]], [0.0, 0.0]
        else:
            current = [current[0] + count, current[1] + mean]
            if current[1] >= least:
                pooled.append(tuple(current))
                current = [0.0, 0.0]
    count, mean = rest[0] + current[0], rest[1] + current[1]
    rest = 2 * min(stats.poisson.sf(count - 1, mean), stats.poisson.cdf(count, mean))
    if len(pooled) < 2:
        return float(min(1.0, 2 * rest))
    observed, expected = np.transpose(pooled)
    pearson = stats.chi2(len(pooled) - 1).sf(np.sum((observed - expected) ** 2 / expected))
    return float(min(1.0, 2 * min(rest, pearson)))


def continuous_fit(sample: np.ndarray, cdf) -> float:
    """The p-value of the Kolmogorov-Smirnov distance."""
    return float(stats.ks_1samp(sample.astype(np.float64), cdf, method="asymp").pvalue)


def correlation_fit(first: np.ndarray, second: np.ndarray) -> float:
    """The p-value of no correlation, neither of the numbers nor of their squares."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    values = [
        np.corrcoef(function(first), function(second))[0, 1]
        for function in (lambda x: x, lambda x: (x - x.mean()) ** 2)
    ]
    return float(min(1.0, 2 * stats.norm.sf(np.max(np.abs(values)) * np.sqrt(first.size)) * 2))


def moment_fit(sample: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """The smallest p-value of means and covariances [category, category], times their number."""
    sample = sample.astype(np.float64)
    centred = sample - mean
    mean_error = centred.mean(0) / np.sqrt(np.maximum(np.diag(covariance), 1e-30) / len(sample))
    products = centred[:, :, None] * centred[:, None, :]
    spread = np.maximum(products.std(0), 1e-12) / np.sqrt(len(sample))
    product_error = (products.mean(0) - covariance) / spread
    scores = np.abs(np.concatenate([mean_error, product_error.ravel()]))
    return float(min(1.0, 2 * stats.norm.sf(scores.max()) * scores.size))


def exact_counts(law, mean: float, variance: float, v: np.ndarray) -> np.ndarray:
    """The largest k with P(X >= k) > v, for the numbers within 9 standard deviations."""
    values = np.arange(max(0, int(mean - 9 * variance**0.5)), int(mean + 9 * variance**0.5 + 20))
    return values[0] + values.size - np.searchsorted(law.sf(values)[::-1], v, side="right")


def words(replicates: int, seed: int = 0):
    """Two words for each replicate, as JAX arrays and as the exact 64-bit and 32-bit uniforms that they stand for."""
    generator = np.random.default_rng(seed)
    high, low = generator.integers(0, 2**32, (2, replicates), dtype=np.uint32)
    fine = (high + (low + 0.5) * 2.0**-32) * 2.0**-32
    return (jnp.asarray(high), jnp.asarray(low)), fine, (high + 0.5) * 2.0**-32
