"""Linear regression whose labels are made anew, side by side with numpy on sufficient statistics.

Least squares with d = 10 and T = 100 rows: replacement on one design a replicate, where a generation is ten
normal numbers and a triangular solve (numpy: a product with the factor that it inverted once), and with fresh
features, where it is a Wishart matrix too; and all rows so far, where matrices are decomposed anew.

    python benchmarks/speed_regression.py --quick
"""

import argparse
from collections.abc import Callable

import numpy as np
from harness import Contestant, log_spaced, parse, race, show, simulated

DIMENSION, ROWS = 10, 100
CASES = {
    "one design, replaced": True,
    "fresh features, replaced": False,
    "fresh features, accumulated": False,
}


def ours(case: str, replicates: int, generations: int) -> tuple[Contestant, Callable[[], dict]]:
    """mcollapse, as a user calls it."""
    import jax

    import mcollapse as mc

    family = mc.families.LinearRegression(DIMENSION, design=ROWS if CASES[case] else None)
    pool = mc.pools.All() if case.endswith("accumulated") else mc.pools.Newest()
    process = mc.RecursiveTraining(family=family, sizes=ROWS, pool=pool)
    record = {"test_error": mc.Record(mc.metrics.test_error, at="log", reduce=mc.Moments())}
    truth = mc.families.LinearRegression.Params.zeros(DIMENSION)
    return simulated(process, truth, record, jax.random.key(0), generations, replicates)


def theirs(case: str, replicates: int, generations: int) -> Contestant:
    """numpy on sufficient statistics, all replicates at once."""
    rng, recorded = np.random.default_rng(0), log_spaced(generations)
    accumulated = case.endswith("accumulated")

    def noise() -> np.ndarray:
        return rng.standard_normal((replicates, DIMENSION, 1))

    def call() -> list[tuple[float, float]]:
        design = bartlett(rng, replicates)
        inverse = np.linalg.inv(np.swapaxes(design, 1, 2))
        coefficients, seen = np.zeros((replicates, DIMENSION, 1)), []
        gram = moment = 0.0
        for t in range(1, generations + 1):
            if CASES[case]:
                coefficients = coefficients + inverse @ noise()
            else:
                factor = bartlett(rng, replicates)
                upper = np.swapaxes(factor, 1, 2)
                if accumulated:
                    square = factor @ upper
                    gram, moment = gram + square, moment + square @ coefficients + factor @ noise()
                    coefficients = np.linalg.solve(gram, moment)
                else:
                    coefficients = coefficients + np.linalg.solve(upper, noise())
            if t in recorded:
                error = np.sum(coefficients**2, axis=(1, 2))
                seen.append((error.mean(), error.var(ddof=1)))
        return seen

    return Contestant("numpy, sufficient statistics (float64)", replicates * generations, call)


def bartlett(rng: np.random.Generator, replicates: int) -> np.ndarray:
    """Cholesky factors of Wishart matrices of `ROWS` rows."""
    factor = np.tril(rng.standard_normal((replicates, DIMENSION, DIMENSION)), -1)
    places = np.arange(DIMENSION)
    factor[:, places, places] = np.sqrt(rng.chisquare(ROWS - places, (replicates, DIMENSION)))
    return factor


def measure(case: str, arguments: argparse.Namespace) -> dict:
    """Everything about one case."""
    first, about = ours(case, arguments.replicates, arguments.generations)
    rival = theirs(case, arguments.replicates, arguments.generations)
    work = f"{case}, d = {DIMENSION}, T = {ROWS}, {arguments.replicates:,} x {arguments.generations:,}"
    return {"work": work, **race(first, [rival], arguments.rounds), **about()}


def main() -> None:
    arguments = parse(__doc__, replicates=4096, generations=100, quick=(1024, 20))
    show([measure(case, arguments) for case in CASES], __file__, arguments)


if __name__ == "__main__":
    main()
