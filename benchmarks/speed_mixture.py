"""Gaussian mixtures fitted again and again by expectation-maximisation, side by side with scikit-learn.

Two components in two dimensions, 4 apart, 200 points a generation, replaced; EM from the last model, with the
same tolerance and the same largest number of iterations, no regularisation. It is called for each
replicate and generation, as a user would: it has no batch.

    python benchmarks/speed_mixture.py --quick
"""

import argparse
import warnings
from collections.abc import Callable

import numpy as np
from harness import Contestant, log_spaced, parse, race, show, simulated

COMPONENTS, DIMENSION, ROWS, TOLERANCE, ITERATIONS = 2, 2, 200, 1e-5, 200


def ours(replicates: int, generations: int) -> tuple[Contestant, Callable[[], dict]]:
    """mcollapse, as a user calls it."""
    import jax

    import mcollapse as mc

    family = mc.families.GaussianMixture(COMPONENTS, DIMENSION)
    estimator = mc.estimators.ExpectationMaximisation(ITERATIONS, TOLERANCE)
    process = mc.RecursiveTraining(family=family, sizes=ROWS, estimator=estimator)
    record = {"error": mc.Record(mc.metrics.matched_squared_error, at="log", reduce=mc.Moments())}
    truth = mc.families.GaussianMixture.Params.separated(COMPONENTS, DIMENSION)
    return simulated(process, truth, record, jax.random.key(0), generations, replicates)


def theirs(replicates: int, generations: int) -> Contestant:
    """scikit-learn, a fit at a time, on draws of numpy; a sixty-fourth of the replicates, for it is slow."""
    from sklearn.mixture import GaussianMixture

    rng, recorded, few = np.random.default_rng(0), log_spaced(generations), max(1, replicates // 64)

    def fitted(rows: np.ndarray, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> tuple:
        model = GaussianMixture(
            COMPONENTS, tol=TOLERANCE, max_iter=ITERATIONS, reg_covar=0, weights_init=weights,
            means_init=means, precisions_init=np.linalg.inv(covariances),
        ).fit(rows)  # fmt: skip
        return model.weights_, model.means_, model.covariances_

    def call() -> list[float]:
        seen, start = [], np.array([[-2.0, 0.0], [2.0, 0.0]])
        for _ in range(few):
            weights, means, covariances = np.full(2, 0.5), start, np.stack([np.eye(2)] * 2)
            for t in range(1, generations + 1):
                labels = rng.choice(2, size=ROWS, p=weights)
                factors = np.linalg.cholesky(covariances)
                noise = rng.standard_normal((ROWS, DIMENSION))
                rows = means[labels] + np.einsum("nij,nj->ni", factors[labels], noise)
                weights, means, covariances = fitted(rows, weights, means, covariances)
                if t in recorded:
                    seen.append(float(np.sum((means - start) ** 2)))
        return seen

    def quietly() -> list[float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a fit was stopped
            return call()

    return Contestant("scikit-learn, a fit at a time (float64)", few * generations, quietly)


def measure(arguments: argparse.Namespace) -> dict:
    """Both sides of the one case."""
    first, about = ours(arguments.replicates, arguments.generations)
    rival = theirs(arguments.replicates, arguments.generations)
    work = f"mixtures of 2 in 2 dimensions, n = {ROWS}, {arguments.replicates:,} x {arguments.generations:,}"
    return {"work": work, **race(first, [rival], arguments.rounds), **about()}


def main() -> None:
    arguments = parse(__doc__, replicates=2048, generations=20, quick=(1024, 10))
    show([measure(arguments)], __file__, arguments)


if __name__ == "__main__":
    main()
