"""Gaussian replacement, side by side with numpy: replicate-generations per second and their ratio.

The honest rival is vectorised numpy on sufficient statistics: per generation one normal and one
chi-square draw a replicate, in float64. Vectorised numpy that draws the points themselves is shown too,
at a smaller size. All run in one process by turns, and what is reported is the median over rounds of
the ratio of a round, because absolute times move with whatever else the machine does.

    python benchmarks/speed_gaussian.py --quick
"""

import argparse
from collections.abc import Callable

import numpy as np
from harness import Contestant, log_spaced, parse, race, show, simulated

SIZE = 100


def ours(replicates: int, generations: int, whole: bool) -> tuple[Contestant, Callable[[], dict]]:
    """mcollapse, as a user calls it, and what is known of the program once it has run."""
    import jax

    import mcollapse as mc

    process = mc.RecursiveTraining(
        family=mc.families.Gaussian(), estimator=mc.estimators.Unbiased(), sizes=mc.schedules.Constant(SIZE)
    )
    truth = mc.families.Gaussian.Params.standard()
    moments = mc.Record(mc.metrics.log_variance, at="log", reduce=mc.Moments())
    record = {"log_variance": mc.Record(mc.metrics.log_variance) if whole else moments}
    return simulated(process, truth, record, jax.random.key(0), generations, replicates)


def from_statistics(replicates: int, generations: int, whole: bool) -> Contestant:
    """numpy on sufficient statistics: the mean and the variance, from their own laws."""
    rng, recorded = np.random.default_rng(0), log_spaced(generations)

    def call() -> object:
        mean, variance = np.zeros(replicates), np.ones(replicates)
        scratch, seen = np.empty(replicates), []
        paths = np.zeros((generations + 1 if whole else 1, replicates))
        for t in range(1, generations + 1):
            mean += np.sqrt(variance / SIZE) * rng.standard_normal(out=scratch)
            variance *= rng.chisquare(SIZE - 1, replicates) / (SIZE - 1)
            if whole:
                np.log(variance, out=paths[t])
            elif t in recorded:
                logarithm = np.log(variance)
                seen.append((logarithm.mean(), logarithm.var(ddof=1)))
        return paths if whole else seen

    return Contestant("numpy, sufficient statistics (float64)", replicates * generations, call)


def from_samples(replicates: int, generations: int) -> Contestant:
    """numpy on the points themselves, at a size at which they stay in the cache."""
    rng, recorded = np.random.default_rng(0), log_spaced(generations)

    def call() -> list[tuple[float, float]]:
        mean, deviation, seen = np.zeros((replicates, 1)), np.ones((replicates, 1)), []
        for t in range(1, generations + 1):
            points = mean + deviation * rng.standard_normal((replicates, SIZE))
            mean, deviation = points.mean(1, keepdims=True), points.std(1, ddof=1, keepdims=True)
            if t in recorded:
                logarithm = 2 * np.log(deviation)
                seen.append((logarithm.mean(), logarithm.var(ddof=1)))
        return seen

    size = f"{replicates:,} x {generations:,}"
    return Contestant(f"numpy, samples (float64, {size})", replicates * generations, call)


def measure(arguments: argparse.Namespace, whole: bool) -> dict:
    """Everything about one process: rates, ratios and what the program is."""
    first, about = ours(arguments.replicates, arguments.generations, whole)
    rivals = [from_statistics(arguments.replicates, arguments.generations, whole)]
    if not whole:
        rivals.append(from_samples(min(1000, arguments.replicates), min(20, arguments.generations)))
    work = (
        f"Gaussian replacement, n = {SIZE}, {arguments.replicates:,} replicates x "
        f"{arguments.generations:,} generations, {'whole trajectories' if whole else 'moments at 40'}"
    )
    return {"work": work, **race(first, rivals, arguments.rounds), **about()}


def main() -> None:
    arguments = parse(__doc__, replicates=10_000, generations=1000, quick=(2000, 200))
    show([measure(arguments, whole) for whole in (False, True)], __file__, arguments)


if __name__ == "__main__":
    main()
