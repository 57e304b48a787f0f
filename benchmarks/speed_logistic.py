"""Logistic regression whose labels are made anew, side by side with a loop of scikit-learn's fits.

Maximum likelihood without intercept or penalty, d = 2, n = 1,000 fresh rows a generation, labelled by the
last model. scikit-learn has one fit a call, so that its loop runs over replicates too; fewer of these are
enough for its rate. Its solvers stop at a tolerance of 1e-4, ours where rounding does.

    python benchmarks/speed_logistic.py --quick
"""

import argparse
from collections.abc import Callable

import numpy as np
from harness import Contestant, parse, race, show, simulated

DIMENSION, ROWS = 2, 1000
RIVALS = ("lbfgs", "newton-cholesky")
REPLICATES, GENERATIONS = 10, 20
"""What scikit-learn does in a turn, at most."""


def ours(replicates: int, generations: int) -> tuple[Contestant, Callable[[], dict]]:
    """mcollapse, as a user calls it."""
    import jax

    import mcollapse as mc

    process = mc.RecursiveTraining(family=mc.families.LogisticRegression(DIMENSION), sizes=ROWS)
    record = {"squared_error": mc.Record(mc.metrics.squared_error, at="log", reduce=mc.Moments())}
    truth = mc.families.LogisticRegression.Params.ones(DIMENSION)
    return simulated(process, truth, record, jax.random.key(0), generations, replicates)


def theirs(solver: str, replicates: int, generations: int) -> Contestant:
    """scikit-learn, one fit after the other."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)

    def call() -> list[float]:
        errors = []
        for _ in range(replicates):
            coefficients = np.ones(DIMENSION)
            for _ in range(generations):
                x = rng.standard_normal((ROWS, DIMENSION))
                y = rng.random(ROWS) < 1 / (1 + np.exp(-x @ coefficients))
                model = LogisticRegression(C=np.inf, fit_intercept=False, solver=solver)
                coefficients = model.fit(x, y).coef_[0]
            errors.append(float(np.sum((coefficients - 1) ** 2)))
        return errors

    return Contestant(f"scikit-learn, {solver} (float64)", replicates * generations, call)


def measure(arguments: argparse.Namespace) -> dict:
    """Everything about the one case."""
    first, about = ours(arguments.replicates, arguments.generations)
    few = min(arguments.replicates, REPLICATES), min(arguments.generations, GENERATIONS)
    rivals = [theirs(solver, *few) for solver in RIVALS]
    work = f"d = {DIMENSION}, n = {ROWS:,}, {arguments.replicates:,} x {arguments.generations:,}"
    return {"work": work, **race(first, rivals, arguments.rounds), **about()}


def main() -> None:
    arguments = parse(__doc__, replicates=1000, generations=100, quick=(128, 10))
    show([measure(arguments)], __file__, arguments)


if __name__ == "__main__":
    main()
