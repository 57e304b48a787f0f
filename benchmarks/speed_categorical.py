"""Categorical replacement, side by side with numpy's multinomial: replicate-generations per second.

numpy draws all replicates of a generation in one call of `Generator.multinomial` on a table of
probabilities [replicates, categories], which must be float64: in float32 rounding makes rows sum to
more than one, and numpy refuses them. It grows faster as categories die, since it does not
draw what has probability zero; both do the same generations, so that the ratio includes this.

    python benchmarks/speed_categorical.py --quick
"""

import argparse

import numpy as np
from speed_gaussian import Contestant, log_spaced, parse, race, show, simulated

CASES = ((50, 100, 1.0), (50, 10_000, 1.0), (1000, 1000, 0.1))
"""Categories, points a generation, and the share of the replicates that this case runs."""


def ours(categories: int, size: int, replicates: int, generations: int):
    """mcollapse, as a user calls it."""
    import jax

    import mcollapse as mc

    process = mc.RecursiveTraining(family=mc.families.Categorical(), sizes=mc.schedules.Constant(size))
    truth = mc.families.Categorical.Params.zipf(categories)
    record = {"squared_error": mc.Record(mc.metrics.squared_error, at="log", reduce=mc.Moments())}
    return simulated(process, truth, record, jax.random.key(0), generations, replicates)


def from_multinomials(categories: int, size: int, replicates: int, generations: int) -> Contestant:
    """numpy: one call a generation for all replicates."""
    rng, recorded = np.random.default_rng(0), log_spaced(generations)
    truth = 1.0 / np.arange(1, categories + 1)
    truth /= truth.sum()

    def call() -> list[tuple[float, float]]:
        probabilities, seen = np.broadcast_to(truth, (replicates, categories)), []
        for t in range(1, generations + 1):
            probabilities = rng.multinomial(size, probabilities) / size
            if t in recorded:
                error = ((probabilities - truth) ** 2).sum(axis=1)
                seen.append((error.mean(), error.var(ddof=1)))
        return seen

    return Contestant("numpy, Generator.multinomial (float64)", replicates * generations, call)


def measure(arguments: argparse.Namespace, categories: int, size: int, share: float) -> dict:
    """One case."""
    generations, replicates = arguments.generations, max(128, int(share * arguments.replicates))
    first, about = ours(categories, size, replicates, generations)
    rival = from_multinomials(categories, size, replicates, generations)
    work = (
        f"Categorical replacement, Zipf on K = {categories:,}, n = {size:,}, {replicates:,} replicates x "
        f"{generations:,} generations"
    )
    return {"work": work, **race(first, [rival], arguments.rounds), **about()}


def main() -> None:
    arguments = parse(__doc__, replicates=10_000, generations=100, quick=(1280, 20))
    show([measure(arguments, *case) for case in CASES], __file__, arguments)


if __name__ == "__main__":
    main()
