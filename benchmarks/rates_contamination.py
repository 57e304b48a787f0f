r"""How fast a pooled fit improves with a share of real data in every batch: t to the power of -min(1/2, a).

Everything so far is pooled, and of the points of each generation a share a is real: a Gaussian's mean of
known variance then has the exact error $v_t = v_{t-1}(1 - a/(t+1))^2 + \sigma^2/(n(t+1)^2)$. Wang, Niu and
Li (2026, arXiv 2602.16065) say that a learner with rate $N^{-p}$ errs by $t^{-\min(p, a)}$, with a logarithm
more where p = a; for a mean p is 1/2. Fitted is the slope of the root mean squared error against the number
of fits t + 1. Standard errors and the exit code are those of `rates.py`.

    python benchmarks/rates_contamination.py --quick
"""

import argparse
import functools
import sys

import jax
import numpy as np
from rates import Outcome, held, log_spaced, main, slope

import mcollapse as mc

SIZE = 20
SHARES = (0.2, 0.5, 0.8)
FIRST, POINTS = 30, 12
SOURCE = "t^-min(1/2, a) of the root mean squared error{}, Wang, Niu & Li, 2026, arXiv 2602.16065"


def simulated_errors(at: np.ndarray, replicates: int, seed: int) -> np.ndarray:
    """Squared errors `[replicate, share, generation]`, one sweep."""
    process = mc.RecursiveTraining(
        family=mc.families.Gaussian("known"),
        sizes=SIZE,
        source=mc.sources.Mixture(SHARES[0], counts="fixed"),
        pool=mc.pools.All(),
    )
    run = mc.sweep(
        process,
        mc.families.Gaussian.Params.standard(),
        over={"source.real_share": list(SHARES)},
        key=jax.random.key(seed),
        generations=int(at[-1]),
        replicates=replicates,
        record={"squared_error": mc.Record(mc.metrics.squared_error, at=at, reduce=mc.Keep())},
    )
    return np.asarray(run["squared_error"].values)


def exact_errors(share: float, at: np.ndarray) -> np.ndarray:
    """The recursion at the same generations."""
    errors = [1 / SIZE]
    for t in range(1, int(at[-1]) + 1):
        errors.append(errors[-1] * (1 - share / (t + 1)) ** 2 + 1 / (SIZE * (t + 1) ** 2))
    return np.array(errors)[at]


def root_slope(fits: np.ndarray, errors: np.ndarray) -> float:
    """Of the root of a mean squared error."""
    return slope(fits, np.sqrt(errors))


def measure(options: argparse.Namespace) -> list[Outcome]:
    """All shares."""
    at = log_spaced(FIRST, options.generations, POINTS)
    values = simulated_errors(at, options.replicates, options.seed)
    return [
        held(
            values[:, place],
            exact_errors(share, at),
            functools.partial(root_slope, at + 1),
            setting=f"a = {share:g}, n = {SIZE}, all so far",
            quantity="slope",
            window=(int(at[0]) + 1, int(at[-1]) + 1),
            published=-min(share, 0.5),
            source=SOURCE.format(" times sqrt(log t)" if share == 0.5 else ""),
        )
        for place, share in enumerate(SHARES)
    ]


FULL = {"replicates": 16_384, "generations": 1000}
QUICK = {"replicates": 4096, "generations": 300}

if __name__ == "__main__":
    sys.exit(main(__doc__, measure, FULL, QUICK))
