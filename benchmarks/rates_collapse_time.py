r"""How long a Gaussian takes to collapse: a time that grows like the sample size.

Under replacement the standard deviation is a product of independent chi-squares and falls below a threshold
within a number of generations of order n (Suresh, Thangaraj and Khandavally, 2024, arXiv 2412.17646, whose
Theorem 3 bounds the chance that it has not by $\epsilon^{-1} e^{-k/(4n-1)}$). For each n the time is
the generation at which the chance of a standard deviation above the threshold is one half, read off a line
through that chance at generations around it; the slope of the times against n in log-log coordinates is
held against the same reading of the exact chance, by inversion of the characteristic function of a sum of log
chi-squares. Standard errors and the exit code are those of `rates.py`.

    python benchmarks/rates_collapse_time.py --quick
"""

import argparse
import dataclasses
import functools
import sys

import jax
import numpy as np
from rates import HalfTimes, Outcome, held_times, main

import mcollapse as mc
from mcollapse.theory.tails import tail_probability

SIZES = {"full": (8, 16, 32, 64, 128, 256), "quick": (8, 16, 32, 64)}
MOST = 8
"""By so many times n generations the chance is below one half."""
SOURCE = "time of order n, Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646, Theorem 3"


@dataclasses.dataclass(frozen=True)
class Setting:
    """An estimator and a threshold of the standard deviation, in units of the truth's."""

    name: str
    estimator: mc.estimators.AbstractEstimator
    ddof: int
    threshold: float


SETTINGS = (
    Setting("unbiased, sd below 0.1", mc.estimators.Unbiased(), 1, 0.1),
    Setting("unbiased, sd below 0.5", mc.estimators.Unbiased(), 1, 0.5),
    Setting("maximum likelihood, sd below 0.1", mc.estimators.MaximumLikelihood(), 0, 0.1),
)


def exact_chances(setting: Setting, size: int, at: np.ndarray) -> np.ndarray:
    """That the standard deviation is above the threshold."""
    return tail_probability(np.full(int(at[-1]), size), setting.ddof, at, setting.threshold)


def simulated_above(setting: Setting, times: HalfTimes, replicates: int, seed: int) -> np.ndarray:
    """1 where the standard deviation is above the threshold, `[replicate, size, generation]`, one sweep."""
    above = mc.metrics.Above(mc.metrics.log_variance, 2 * np.log(setting.threshold))
    run = mc.sweep(
        mc.RecursiveTraining(
            family=mc.families.Gaussian(), estimator=setting.estimator, sizes=times.places[0]
        ),
        mc.families.Gaussian.Params.standard(),
        over={"sizes.value": list(times.places)},
        key=jax.random.key(seed),
        generations=int(times.generations[-1]),
        replicates=replicates,
        start="truth",
        record={"above": mc.Record(above, at=times.generations, reduce=mc.Keep())},
    )
    return np.asarray(run["above"].values)


def outcome(setting: Setting, sizes: tuple[int, ...], replicates: int, seed: int) -> Outcome:
    """One setting."""
    return held_times(
        functools.partial(exact_chances, setting),
        lambda times: simulated_above(setting, times, replicates, seed),
        sizes,
        MOST,
        setting=setting.name,
        source=SOURCE,
    )


def measure(options: argparse.Namespace) -> list[Outcome]:
    """All settings."""
    sizes = SIZES["quick" if options.quick else "full"]
    return [outcome(setting, sizes, options.replicates, options.seed) for setting in SETTINGS]


FULL = {"replicates": 16_384}
QUICK = {"replicates": 8192}

if __name__ == "__main__":
    sys.exit(main(__doc__, measure, FULL, QUICK))
