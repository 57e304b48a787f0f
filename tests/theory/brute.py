"""Independent ground truth: full enumeration of tiny categorical experiments, simulation of Gaussian ones.

Written from the words of the engine's design, point by point, and from none of theory's formulas.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from math import comb, factorial, floor, prod

import numpy as np
from scipy import stats

from mcollapse.theory import Setting

Model = tuple[float, ...]
Counts = tuple[int, ...]


def compositions(total: int, parts: int) -> Iterator[Counts]:
    if parts == 1:
        yield (total,)
        return
    for head in range(total + 1):
        for tail in compositions(total - head, parts - 1):
            yield (head, *tail)


def multinomial(size: int, law: Model) -> dict[Counts, float]:
    table = {}
    for counts in compositions(size, len(law)):
        ways = factorial(size) / prod(factorial(count) for count in counts)
        table[counts] = ways * prod(chance**count for chance, count in zip(law, counts, strict=True))
    return table


def drawn_without_replacement(counts: Counts, budget: int) -> dict[Counts, float]:
    if budget >= sum(counts):
        return {counts: 1.0}
    every = comb(sum(counts), budget)
    subsets = product(*(range(count + 1) for count in counts))
    return {
        subset: prod(comb(c, s) for c, s in zip(counts, subset, strict=True)) / every
        for subset in subsets
        if sum(subset) == budget
    }


def batch(setting: Setting, model: Model, generation: int) -> dict[Counts, float]:
    """Law of the counts of one generation's batch."""
    truth = tuple(setting.probabilities)
    if generation == 0:
        return multinomial(int(setting.sizes[0]), truth)
    size = int(setting.sizes[generation])
    if setting.source == "last-model":
        return multinomial(size, model)
    if setting.source == "mixture" and setting.counts == "random":
        share = setting.shares[generation]
        return multinomial(
            size, tuple(share * p + (1 - share) * q for p, q in zip(truth, model, strict=True))
        )
    if setting.source == "mixture":
        real = floor(setting.shares[generation] * size + 1e-9)
        synthetic = size - real
    else:
        real, synthetic = int(setting.real_sizes[generation]), int(setting.synthetic_sizes[generation])
    table = defaultdict(float)
    for one, chance in multinomial(real, truth).items():
        for other, likewise in multinomial(synthetic, model).items():
            table[tuple(a + b for a, b in zip(one, other, strict=True))] += chance * likewise
    return table


def real_points(setting: Setting, t: int) -> dict[int, float]:
    """How many points of a batch are real, with their probabilities."""
    size = int(setting.sizes[t])
    if t == 0:
        return {size: 1.0}
    if setting.source == "last-model":
        return {0: 1.0}
    if setting.source == "split":
        return {int(setting.real_sizes[t]): 1.0}
    if setting.counts == "fixed":
        return {int(setting.shares[t] * size + 1e-9): 1.0}
    return {r: stats.binom(size, setting.shares[t]).pmf(r) for r in range(size + 1)}


def batch_size(setting: Setting, t: int) -> int:
    if setting.source == "split" and t > 0:
        return int(setting.real_sizes[t] + setting.synthetic_sizes[t])
    return int(setting.sizes[t])


def fitted(setting: Setting, counts: Counts) -> Model:
    constant = setting.constant if setting.estimator == "add-constant" else 0.0
    total = sum(counts) + constant * len(counts)
    return tuple((count + constant) / total for count in counts)


def models(setting: Setting) -> list[dict[Model, float]]:
    """Law of the fitted model at generations 0 ... T, by enumerating everything that can happen."""
    categories, truth = len(setting.probabilities), tuple(setting.probabilities)
    nothing = (0,) * categories
    states, laws = {(nothing, truth): 1.0}, []
    if setting.start == "truth":
        laws.append({truth: 1.0})
    for generation in range(setting.start == "truth", len(setting.sizes)):
        following = defaultdict(float)
        for (pool, model), chance in states.items():
            for counts, likely in batch(setting, model, generation).items():
                kept = counts
                if setting.pool != "newest":
                    kept = tuple(a + b for a, b in zip(pool, counts, strict=True))
                budget = int(setting.budget[generation]) if setting.pool == "subsample" else sum(kept)
                for used, share in drawn_without_replacement(kept, budget).items():
                    following[kept, fitted(setting, used)] += chance * likely * share
        states = following
        law = defaultdict(float)
        for (_, model), chance in states.items():
            law[model] += chance
        laws.append(law)
    return laws


def expectation(setting: Setting, laws: list[dict[Model, float]], quantity: str) -> np.ndarray:
    truth = setting.probabilities
    measures = {
        "squared_error": lambda p: np.sum((p - truth) ** 2) / (2 if setting.family == "bernoulli" else 1),
        "chi_square": lambda p: np.sum(((p - truth) ** 2)[truth > 0] / truth[truth > 0]),
        "concentration": lambda p: np.sum(p**2),
        "alive": lambda p: np.where(p > 0, 1.0, 0.0)[1 if setting.family == "bernoulli" else slice(None)],
        "support": lambda p: np.sum(p > 0),
        "single_symbol": lambda p: float(np.sum(p > 0) == 1),
    }
    measure = measures[quantity]
    return np.array([sum(chance * measure(np.array(model)) for model, chance in law.items()) for law in laws])


def gaussian_paths(setting: Setting, replicates: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Fitted means and variances, each [T+1, R], from simulated points."""
    random = np.random.default_rng(seed)
    centre, spread = setting.truth["mean"], setting.truth["variance"]
    mean, variance = np.full(replicates, float(centre)), np.full(replicates, float(spread))
    pool, means, variances = np.empty((replicates, 0)), [], []
    if setting.start == "truth":
        means, variances = [mean], [variance]
    for generation in range(setting.start == "truth", len(setting.sizes)):
        points = _points(random, setting, mean, variance, generation)
        pool = points if setting.pool == "newest" else np.concatenate([pool, points], axis=1)
        used = pool
        if setting.pool == "subsample":
            order = np.argsort(random.random(pool.shape), axis=1)
            used = np.take_along_axis(pool, order[:, : int(setting.budget[generation])], axis=1)
        mean = used.mean(axis=1)
        if not setting.known_variance:
            variance = used.var(axis=1, ddof=setting.ddof)
        means.append(mean)
        variances.append(variance)
    return np.array(means), np.array(variances)


def _points(random, setting: Setting, mean, variance, generation: int) -> np.ndarray:
    size = int(setting.sizes[generation])
    if setting.source == "split" and generation:
        size = int(setting.real_sizes[generation] + setting.synthetic_sizes[generation])
    noise = random.standard_normal((len(mean), size))
    real = np.zeros((len(mean), size), dtype=bool)
    if generation == 0:
        real[:] = True
    elif setting.source == "split":
        real[:, : int(setting.real_sizes[generation])] = True
    elif setting.source == "mixture" and setting.counts == "fixed":
        real[:, : floor(setting.shares[generation] * size + 1e-9)] = True
    elif setting.source == "mixture":
        real = random.random((len(mean), size)) < setting.shares[generation]
    centre, spread = setting.truth["mean"], setting.truth["variance"]
    return np.where(real, centre + spread**0.5 * noise, mean[:, None] + np.sqrt(variance)[:, None] * noise)
