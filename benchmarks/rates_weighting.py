r"""Which weight on fresh real points is best in the long run: simulated, exact, and the golden ratio's.

With n fresh real points and m = n/k synthetic ones each generation, and total weight w on the real ones, the
long-run error of a mean is V(w, k)/n with V = (w^2 + k(1-w)^2)/(w(2-w)), least at
$w^* = (\sqrt{k^2+4k} - k)/2$: at k = 1 the inverse of the golden ratio (He, Xu and Cheng, 2025, arXiv
2502.18049). Of a regression with d fresh features, fitted to each part and averaged, it is
$\frac{w^2 d/(n-d-1) + (1-w)^2 d/(m-d-1)}{1-(1-w)^2}$, so that the same holds of k = (n-d-1)/(m-d-1).

The simulated optimum is the lowest point of a cubic through the logarithms of the errors at weights around
$w^*$, all on the same random numbers; it is held against the same fit to the exact error and against $w^*$
itself. Standard errors and the exit code are those of `rates.py`.

    python benchmarks/rates_weighting.py --quick
"""

import argparse
import dataclasses
import functools
import sys

import jax
import numpy as np
from rates import Outcome, held, main

import mcollapse as mc
from mcollapse.rates import lowest

REAL = 100
DIMENSION = 4
"""Features of the regression."""
AROUND = np.linspace(0.7, 1.3, 7)
"""Weights that are tried, as multiples of the best."""
BURN_IN, AVERAGED, APART = 40, 8, 4
"""Generations before the long run, how many of it are averaged, and how far from each other."""
HE = "He, Xu & Cheng, 2025, arXiv 2502.18049"


@dataclasses.dataclass(frozen=True)
class Setting:
    """A family, how its parts are combined, and k, real points a synthetic one."""

    name: str
    family: mc.families.AbstractFamily
    combine: str
    ratio: float
    share: float
    """Of the replicates: a regression costs more and errs less."""

    @property
    def lost(self) -> int:
        """By how much the divisor of one fit's error is below its number of points."""
        return DIMENSION + 1 if isinstance(self.family, mc.families.LinearRegression) else 0

    @property
    def synthetic(self) -> int:
        """m, such that k is the ratio of the divisors."""
        return round((REAL - self.lost) / self.ratio) + self.lost


SETTINGS = (
    *(Setting(f"mean, k = {k:g}", mc.families.Gaussian("known"), "rows", k, 1.0) for k in (1.0, 0.5, 0.1)),
    *(
        Setting(f"regression, k = {k:g}", mc.families.LinearRegression(DIMENSION), "fits", k, 0.25)
        for k in (1.0, 0.5)
    ),
)


def golden_weight(ratio: float) -> float:
    """w* of the paper."""
    return (np.sqrt(ratio**2 + 4 * ratio) - ratio) / 2


def long_run_error(setting: Setting, weight: np.ndarray) -> np.ndarray:
    """Up to a factor."""
    of_real, of_model = REAL - setting.lost, setting.synthetic - setting.lost
    return (weight**2 / of_real + (1 - weight) ** 2 / of_model) / (weight * (2 - weight))


def simulated_errors(setting: Setting, weights: np.ndarray, replicates: int, seed: int) -> np.ndarray:
    """Long-run squared errors `[replicate, weight]`, one sweep."""
    process = mc.RecursiveTraining(
        family=setting.family,
        estimator=mc.estimators.Weighted(0.5, combine=setting.combine),
        sizes=REAL,
        source=mc.sources.Split(REAL, setting.synthetic),
    )
    at = [BURN_IN + APART * i for i in range(AVERAGED)]
    run = mc.sweep(
        process,
        setting.family.standard_truth(),
        over={"estimator.weight.value": weights.tolist()},
        key=jax.random.key(seed),
        generations=at[-1],
        replicates=replicates,
        record={"squared_error": mc.Record(mc.metrics.squared_error, at=at, reduce=mc.Keep())},
    )
    return np.asarray(run["squared_error"].values, np.float64).mean(axis=-1)


def outcome(setting: Setting, replicates: int, seed: int) -> Outcome:
    """One setting."""
    weights = AROUND * golden_weight(setting.ratio)
    return held(
        simulated_errors(setting, weights, round(setting.share * replicates), seed),
        long_run_error(setting, weights),
        functools.partial(lowest, weights),
        setting=setting.name,
        quantity="weight",
        window=(float(weights[0]), float(weights[-1])),
        published=golden_weight(setting.ratio),
        attained=True,
        source=HE,
    )


def measure(options: argparse.Namespace) -> list[Outcome]:
    """All settings."""
    return [outcome(setting, options.replicates, options.seed) for setting in SETTINGS]


FULL = {"replicates": 65_536}
QUICK = {"replicates": 16_384}

if __name__ == "__main__":
    sys.exit(main(__doc__, measure, FULL, QUICK))
