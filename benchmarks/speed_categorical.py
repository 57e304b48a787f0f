"""Categorical training, side by side with numpy's multinomial: replicate-generations per second.

numpy draws all replicates of a generation in one call of `Generator.multinomial` on a table of
probabilities [replicates, categories], which must be float64: in float32 rounding makes rows sum to
more than one, and numpy refuses them. Without real data numpy grows faster as categories die, since it
does not draw what has probability zero; with a real share all stay alive.

    python benchmarks/speed_categorical.py --quick
"""

import argparse

import numpy as np
from harness import Contestant, log_spaced, parse, race, show, simulated

CASES = (
    (50, 100, 0.0, 1.0),
    (50, 100, 0.1, 1.0),
    (50, 10_000, 0.0, 1.0),
    (1000, 1000, 0.0, 0.1),
    (20_000, 436_577, 0.0, 0.01),
)
"""Categories, points a generation, real share, and the part of the replicates that the case runs."""


def ours(categories: int, size: int, share: float, replicates: int, generations: int):
    """mcollapse, as a user calls it."""
    import jax

    import mcollapse as mc

    process = mc.RecursiveTraining(
        family=mc.families.Categorical(),
        sizes=mc.schedules.Constant(size),
        source=mc.sources.Mixture(real_share=share) if share else mc.sources.LastModel(),
    )
    truth = mc.families.Categorical.Params.zipf(categories)
    record = {"squared_error": mc.Record(mc.metrics.squared_error, at="log", reduce=mc.Moments())}
    return simulated(process, truth, record, jax.random.key(0), generations, replicates)


def from_multinomials(
    categories: int, size: int, share: float, replicates: int, generations: int
) -> Contestant:
    """numpy: one call a generation for all replicates, from the mixture of truth and model."""
    rng, recorded = np.random.default_rng(0), log_spaced(generations)
    truth = 1.0 / np.arange(1, categories + 1)
    truth /= truth.sum()

    def call() -> list[tuple[float, float]]:
        model, seen = np.broadcast_to(truth, (replicates, categories)), []
        for t in range(1, generations + 1):
            mixed = share * truth + (1 - share) * model if share else model
            model = rng.multinomial(size, mixed) / size
            if t in recorded:
                error = ((model - truth) ** 2).sum(axis=1)
                seen.append((error.mean(), error.var(ddof=1)))
        return seen

    return Contestant("numpy, Generator.multinomial (float64)", replicates * generations, call)


def measure(arguments: argparse.Namespace, categories: int, size: int, share: float, part: float) -> dict:
    """One case."""
    generations, replicates = arguments.generations, max(256, int(part * arguments.replicates))
    first, about = ours(categories, size, share, replicates, generations)
    rival = from_multinomials(categories, size, share, replicates, generations)
    work = (
        f"Categorical, Zipf on K = {categories:,}, n = {size:,}, real share {share:g}, "
        f"{replicates:,} replicates x {generations:,} generations"
    )
    return {"work": work, **race(first, [rival], arguments.rounds), **about()}


def main() -> None:
    arguments = parse(__doc__, replicates=10_000, generations=50, quick=(1280, 20))
    show([measure(arguments, *case) for case in CASES], __file__, arguments)


if __name__ == "__main__":
    main()
