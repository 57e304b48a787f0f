"""Samples of a draw over many replicates, how well they fit a law, and wrong laws that they must not fit."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

# A family-wise error of 1e-6 over at most 1,000 statistical tests: a z-score of 6.1. Keys are fixed.
LEVEL = 1e-6 / 1000
SEEN, MOST = float(stats.norm.isf(LEVEL / 2)), 15.0
REPLICATES = 200_000


def sampler(draw):
    """A function of (parameters) that draws once for each of many replicates; compiles once."""
    many = jax.jit(jax.vmap(draw, in_axes=(0, None)))

    def sample(*parameters, seed=0, replicates=REPLICATES):
        return jax.tree.map(np.asarray, many(keys(seed, replicates), parameters))

    return sample


@functools.cache
def keys(seed: int, replicates: int):
    """Those of four keys, one after the other, and of other four for another seed."""
    seeds = jnp.arange(4 * seed, 4 * seed + 4)
    split = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed), -(-replicates // 4)))
    return split(seeds).reshape(-1)[:replicates]


def many(sample, *parameters, batches: int = 10):
    """A million draws in each batch, of forty keys in ten."""
    parts = [sample(*parameters, seed=seed, replicates=10**6) for seed in range(batches)]
    return jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)


def assert_seen(effect) -> None:
    """Of a family of mutants one is rejected by an effect between 6.1 and 15 standard errors.

    `effect` takes a strength to standard errors. Strength 1 must be seen; where it is by far more it proves
    little, and it is weakened, in steps that do not pass over the window even if effects are quadratic.
    """
    strength, seen = 1.0, effect(1.0)
    while seen > MOST and strength > 1e-4:
        strength *= (10 / min(seen, 40.0)) ** 0.5
        seen = effect(strength)
    assert SEEN < seen <= MOST, (
        f"the mutant's effect is {seen:.1f} standard errors at strength {strength:.2g}"
    )


def score(p: float) -> float:
    """The two-sided p-value in standard errors."""
    return float(stats.norm.isf(p / 2))


def assert_fits(fit, law, *mutants) -> None:
    """A sample fits its law, and of each family of wrong laws it rejects one by a bounded effect.

    `fit` takes a law to the p-value of always the same sample, a family takes a strength up to 1 to a law.
    """
    assert fit(law) > LEVEL
    for mutant in mutants:
        assert_seen(lambda strength, mutant=mutant: score(fit(mutant(strength))))


def assert_counts_fit(sample: np.ndarray, law, shift: float = 0.1) -> None:
    """Counts fit their law, and not one whose mean is moved by up to `shift` standard deviations."""
    assert_fits(lambda tilt: count_fit(sample, law, tilt), 0.0, lambda strength: shift * strength)


def assert_cells_fit(observed: np.ndarray, expected: np.ndarray, change: float = 0.05) -> None:
    """Frequencies fit, and not if every second one is larger by up to `change` and the others smaller."""

    def uneven(strength):
        wrong = expected * (1 + change * strength * (-1.0) ** np.arange(expected.size))
        return wrong * expected.sum() / wrong.sum()

    assert_fits(lambda law: cell_fit(observed, law), expected, uneven)


def shorter(sample: np.ndarray, strength: float) -> np.ndarray:
    """The first replicates: so many that an effect in standard errors is `strength` times as large."""
    return sample[: max(2, round(len(sample) * strength**2))]


def count_fit(sample: np.ndarray, law, tilt: float = 0.0) -> float:
    """The p-value of Pearson's statistic, neighbouring values pooled until 25 are expected; 0 if one is impossible.

    A tilt raises the odds of every further count, which moves the mean by about so many standard deviations.
    """
    low, high = int(sample.min()), int(sample.max())
    values = np.arange(low, high + 1)
    expected = law.pmf(values) * sample.size
    observed = np.bincount(sample - low, minlength=values.size)
    if np.any((expected == 0) & (observed > 0)):
        return 0.0
    expected = np.concatenate([[law.cdf(low - 1) * sample.size], expected, [law.sf(high) * sample.size]])
    if tilt:
        centred = np.arange(low - 1, high + 2) - np.average(np.arange(low - 1, high + 2), weights=expected)
        expected *= np.exp(tilt * centred / np.average(centred**2, weights=expected) ** 0.5)
        expected *= sample.size / expected.sum()
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
    """The p-value of the Kolmogorov-Smirnov distance, looked for at 100,000 numbers, or some more, of them all.

    Between them it is larger by 1e-5 at most, and what a law costs does not grow with the sample.
    """
    rank = np.append(np.arange(0, sample.size, max(1, sample.size // 100_000)), sample.size - 1)
    level = cdf(np.sort(sample)[rank].astype(np.float64))
    distance = np.max([level - rank / sample.size, (rank + 1) / sample.size - level])
    return float(stats.kstwobign.sf(distance * np.sqrt(sample.size)))


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
    products, squares = (part.T @ part / len(sample) for part in (centred, centred**2))
    spread = np.sqrt(np.maximum(squares - products**2, 1e-24) / len(sample))
    product_error = (products - covariance) / spread
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


def blurred(bits) -> np.ndarray:
    """The uniforms of the high words, their scores moved by the blur that large counts have in float32."""
    high, low = map(np.asarray, bits)
    score = stats.norm.isf((high + 0.5) * 2.0**-32)
    return stats.norm.sf(score + low.astype(np.int32) * 2.0**-43)
