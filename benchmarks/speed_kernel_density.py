"""Models that are their data, side by side with numpy: bootstraps of bootstraps, and kernel densities.

A generation draws n = 200 rows of the last one, and moves them by a normal kernel of fixed or refitted
width; everything so far is a pool that grows. numpy does all replicates at once, in float64.

    python benchmarks/speed_kernel_density.py --quick
"""

import argparse
from collections.abc import Callable

import numpy as np
from harness import Contestant, log_spaced, parse, race, show, simulated

SIZE = 200
CASES = {
    "bootstrap, replaced": None,
    "kernel of width 0.3, replaced": 0.3,
    "kernel by Silverman's rule, replaced": "silverman",
    "kernel of width 0.3, accumulated": 0.3,
}


def ours(case: str, replicates: int, generations: int) -> tuple[Contestant, Callable[[], dict]]:
    """mcollapse, as a user calls it, started from its own first model."""
    import jax

    import mcollapse as mc

    bandwidth, data = CASES[case], np.random.default_rng(1).standard_normal(SIZE)
    families = mc.families
    if bandwidth is None:
        family, truth = families.Empirical(), families.Empirical.Params.from_data(data)
    else:
        family = families.KernelDensity(bandwidth=bandwidth)
        truth = families.KernelDensity.Params.from_data(data, bandwidth)
    pool = mc.pools.All() if case.endswith("accumulated") else mc.pools.Newest()
    process = mc.RecursiveTraining(family=family, sizes=SIZE, pool=pool)
    record = {"variance": mc.Record(mc.metrics.variance, at="log", reduce=mc.Moments())}
    return simulated(process, truth, record, jax.random.key(0), generations, replicates)


def theirs(case: str, replicates: int, generations: int) -> Contestant:
    """numpy, all replicates at once."""
    rng, recorded, bandwidth = np.random.default_rng(0), log_spaced(generations), CASES[case]
    accumulated = case.endswith("accumulated")

    def width(rows: np.ndarray) -> np.ndarray | float:
        if bandwidth is None or isinstance(bandwidth, float):
            return bandwidth or 0.0
        return rows.std(axis=1, ddof=1, keepdims=True) * (0.75 * rows.shape[1]) ** -0.2

    def call() -> list[tuple[float, float]]:
        data = np.random.default_rng(1).standard_normal(SIZE)
        pool, seen = np.broadcast_to(data, (replicates, SIZE)), []
        everything = np.empty((replicates, SIZE * generations)) if accumulated else None
        for t in range(1, generations + 1):
            index = rng.integers(0, pool.shape[1], (replicates, SIZE))
            rows = np.take_along_axis(pool, index, axis=1)
            if bandwidth is not None:
                rows = rows + width(pool) * rng.standard_normal((replicates, SIZE))
            if everything is not None:
                everything[:, (t - 1) * SIZE : t * SIZE] = rows
                rows = everything[:, : t * SIZE]
            pool = rows
            if t in recorded:
                variance = pool.var(axis=1) + np.square(width(pool)).ravel()
                seen.append((variance.mean(), variance.var(ddof=1)))
        return seen

    return Contestant("numpy, vectorised (float64)", replicates * generations, call)


def measure(case: str, arguments: argparse.Namespace) -> dict:
    """Everything about one case."""
    first, about = ours(case, arguments.replicates, arguments.generations)
    rival = theirs(case, arguments.replicates, arguments.generations)
    work = f"{case}, n = {SIZE}, {arguments.replicates:,} x {arguments.generations:,}"
    return {"work": work, **race(first, [rival], arguments.rounds), **about()}


def main() -> None:
    arguments = parse(__doc__, replicates=2048, generations=100, quick=(512, 20))
    show([measure(case, arguments) for case in CASES], __file__, arguments)


if __name__ == "__main__":
    main()
