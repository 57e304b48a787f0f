r"""The median of points around the last median: errors replaced grow linearly, accumulated to pi^2/6.

A location family is fitted by the median, which is no maximum likelihood here and has no sufficient
statistic. Replaced, errors are independent and of one law, so that the k-th fit errs k times as much as the
first at every n: slope 1. With all points so far the ratio tends to $\sum_{j \le k} 1/j^2$ as n grows, and to
$\pi^2/6$ with k (Dey and Donoho, 2024, arXiv 2410.22812). No law of it is exact at finite n: the reference is
that partial sum, with a tolerance of $1/\sqrt n$ of it, since the density in the middle of points from
several models is that of one model only in the limit. Standard errors and the exit code are those of
`rates.py`.

    python benchmarks/rates_location.py --quick
"""

import argparse
import functools
import sys

import jax
import numpy as np
from rates import Outcome, held, log_spaced, main, slope

import mcollapse as mc
from mcollapse.theory.rates import accumulate_ratio

FEW, FITS, POINTS = 51, 100, 10
"""Points of a batch and fits where they are replaced."""
SIZE, FEW_FITS = 2001, 3
"""The same where all are kept: the more points, the nearer to the limit."""
SHARE = 3
"""Where all are kept few generations are simulated, and so many times as many replicates are needed."""
DEY_DONOHO = "Dey & Donoho, 2024, arXiv 2410.22812"


def simulated_errors(size: int, fits: np.ndarray, pool, replicates: int, seed: int) -> np.ndarray:
    """Squared errors after so many fits, `[replicate, fit]`."""
    run = mc.simulate(
        mc.RecursiveTraining(family=mc.families.Location(fit="median"), sizes=size, pool=pool),
        mc.families.Location.Params.standard(),
        key=jax.random.key(seed),
        generations=int(fits[-1]) - 1,
        replicates=replicates,
        record={"squared_error": mc.Record(mc.metrics.squared_error, at=fits - 1, reduce=mc.Keep())},
    )
    return np.asarray(run["squared_error"].values)


def growth(errors: np.ndarray) -> float:
    """Last error relative to the first."""
    return float(errors[-1] / errors[0])


def replaced(replicates: int, seed: int) -> Outcome:
    """Slope of the error against the number of fits."""
    fits = log_spaced(1, FITS, POINTS)
    return held(
        simulated_errors(FEW, fits, mc.pools.Newest(), replicates, seed),
        fits.astype(float),
        functools.partial(slope, fits),
        setting=f"median, replace, n = {FEW}",
        quantity="slope",
        window=(1, FITS),
        published=1.0,
        source=f"linear growth, {DEY_DONOHO}",
        attained=True,
    )


def accumulated(size: int, replicates: int, seed: int) -> Outcome:
    """Error of the last fit relative to that of the first."""
    fits = np.array([1, FEW_FITS])
    law = accumulate_ratio(fits)
    return held(
        simulated_errors(size, fits, mc.pools.All(), replicates, seed),
        law,
        growth,
        setting=f"median, accumulate, n = {size}",
        quantity="ratio",
        window=(1, FEW_FITS),
        published=np.pi**2 / 6,
        source=f"pi^2/6 after many fits, {DEY_DONOHO}",
        tolerance=float(law[-1] / np.sqrt(size)),
    )


def measure(options: argparse.Namespace) -> list[Outcome]:
    """Both pools."""
    return [
        replaced(options.replicates, options.seed),
        accumulated(SIZE, SHARE * options.replicates, options.seed),
    ]


FULL = {"replicates": 49_152}
QUICK = {"replicates": 16_384}

if __name__ == "__main__":
    sys.exit(main(__doc__, measure, FULL, QUICK))
