r"""Linear regression on its own labels: replaced, accumulated, subsampled.

With d = 10 features and T = 100 rows a generation the test error after k fits is $k\,d/(T-d-1)$ where labels
are replaced: slope 1. Where they accumulate, fit k adds $1/k^2$ of that (Gerstgrasser et al., 2024, arXiv
2404.01413): what a fit adds has slope -2, the error has slope 0 in the end, and it is $\pi^2/6$ times that of
one fit. Errors of successive fits are a martingale, so that what fit k adds is the mean square of the step
from one model to the next, which is far less noisy than the difference of two errors.

Trained on T rows drawn from all so far, the error tends to $\pi^2/2 - 2$ times that of one fit (Kazdan et
al., 2024, arXiv 2410.16713). No law of it is exact at finite T: the reference is the sum of the limit, with a
tolerance of d/T of it. Standard errors and the exit code are those of `rates.py`.

    python benchmarks/rates_regression.py --quick
"""

import argparse
import dataclasses
import functools
import sys
from collections.abc import Callable

import jax
import numpy as np
from rates import Outcome, held, log_spaced, main, slope

import mcollapse as mc
from mcollapse.theory import fit_error
from mcollapse.theory.rates import subsample_ratio

DIMENSION, ROWS, FITS = 10, 100, 100
LATE, POINTS = 30, 12
SMALL, MANY, FEW_FITS = 4, 400, 6
"""Features, rows and fits where rows are kept: subsets of them are drawn."""
SHARE = 4
"""Where rows are kept few generations are simulated, and so many times as many replicates are needed."""
GERSTGRASSER = "Gerstgrasser et al., 2024, arXiv 2404.01413"


@dataclasses.dataclass(frozen=True)
class Fit:
    """What is fitted to the test error after 1 ... k fits, or to what each of them adds."""

    quantity: str
    of: str
    first: int
    published: float
    source: str

    def places(self) -> np.ndarray:
        """Numbers of fits."""
        return log_spaced(self.first, FITS, POINTS)

    def statistic(self) -> Callable[[np.ndarray], float]:
        """Of a curve over `places`."""
        return functools.partial(slope, self.places()) if self.quantity == "slope" else growth


GROWTH = Fit("slope", "error", 1, 1.0, f"k d/(T-d-1), {GERSTGRASSER}")
ADDED = Fit("slope", "added", 2, -2.0, f"1/k^2, {GERSTGRASSER}")
LEVEL = Fit("slope", "error", LATE, 0.0, f"bounded, {GERSTGRASSER}")
LIMIT = Fit("ratio", "error", 1, np.pi**2 / 6, "pi^2/6, Dey & Donoho, 2024, arXiv 2410.22812")
SETTINGS = (
    ("replace, one design", ROWS, mc.pools.Newest(), (GROWTH,)),
    ("replace, fresh features", None, mc.pools.Newest(), (GROWTH,)),
    ("accumulate, one design", ROWS, mc.pools.All(), (ADDED, LEVEL, LIMIT)),
    ("accumulate, fresh features", None, mc.pools.All(), (ADDED, LEVEL)),
)


def growth(errors: np.ndarray) -> float:
    """Last error relative to the first."""
    return float(errors[-1] / errors[0])


def simulated_curves(design: int | None, pool, replicates: int, seed: int) -> dict[str, np.ndarray]:
    """Test error, and what each fit adds to it, after 1 ... k fits, `[replicate, k]`."""
    process = mc.RecursiveTraining(
        family=mc.families.LinearRegression(DIMENSION, design=design), sizes=ROWS, pool=pool
    )
    run = mc.simulate(
        process,
        mc.families.LinearRegression.Params.zeros(DIMENSION),  # so that coefficients are errors
        key=jax.random.key(seed),
        generations=FITS,
        replicates=replicates,
        start="truth",
        record={"error": mc.Record(mc.metrics.mean, at=range(FITS + 1), reduce=mc.Keep())},
    )
    errors = np.asarray(run["error"].values)
    steps = np.diff(errors, axis=1)
    return {"error": (errors[:, 1:] ** 2).sum(axis=-1), "added": (steps**2).sum(axis=-1)}


def exact_curves(design: int | None, pool) -> dict[str, np.ndarray]:
    """The same from the laws."""
    fits = np.arange(1, FITS + 1)
    if isinstance(pool, mc.pools.Newest):
        added = np.full(FITS, float(fit_error(DIMENSION, ROWS)))
    elif design is not None:
        added = fit_error(DIMENSION, ROWS) / fits**2
    else:
        added = fit_error(DIMENSION, ROWS * fits) / fits
    return {"error": np.cumsum(added), "added": added}


def outcomes(name: str, design: int | None, pool, fits: tuple[Fit, ...], replicates: int, seed: int):
    """All that is fitted to one setting."""
    simulated, exact = simulated_curves(design, pool, replicates, seed), exact_curves(design, pool)
    for fit in fits:
        at = fit.places()
        yield held(
            simulated[fit.of][:, at - 1],
            exact[fit.of][at - 1],
            fit.statistic(),
            setting=f"{name}: {'what a fit adds' if fit.of == 'added' else 'test error'}",
            quantity=fit.quantity,
            window=(int(at[0]), int(at[-1])),
            published=fit.published,
            source=fit.source,
        )


def subsampled(replicates: int, seed: int) -> Outcome:
    """Error relative to the exact one of a single fit."""
    run = mc.simulate(
        mc.RecursiveTraining(
            family=mc.families.LinearRegression(SMALL), sizes=MANY, pool=mc.pools.Subsample(MANY)
        ),
        mc.families.LinearRegression.Params.zeros(SMALL),
        key=jax.random.key(seed),
        generations=FEW_FITS,
        replicates=replicates,
        start="truth",
        record={"test_error": mc.Record(mc.metrics.test_error, at=[FEW_FITS], reduce=mc.Keep())},
    )
    law = subsample_ratio(np.array([FEW_FITS]))
    return held(
        np.asarray(run["test_error"].values) / fit_error(SMALL, MANY),
        law,
        lambda means: float(means[0]),
        setting=f"subsample, fresh features, d = {SMALL}, T = {MANY}: test error",
        quantity="ratio",
        window=(1, FEW_FITS),
        published=np.pi**2 / 2 - 2,
        source="pi^2/2 - 2, after Kazdan et al., 2024, arXiv 2410.16713",
        tolerance=float(law[0]) * SMALL / MANY,
    )


def measure(options: argparse.Namespace) -> list[Outcome]:
    """All settings."""
    found = [o for setting in SETTINGS for o in outcomes(*setting, options.replicates, options.seed)]
    return [*found, subsampled(SHARE * options.replicates, options.seed)]


FULL = {"replicates": 16_384}
QUICK = {"replicates": 4096}

if __name__ == "__main__":
    sys.exit(main(__doc__, measure, FULL, QUICK))
