r"""Rates of the multinomial recursion: slopes of simulations against the same fit to the exact law.

Each setting has a published exponent, which holds in a limit. A run has a window, so that the slope of
its mean squared error in log-log coordinates is held against the slope of the exact recursion
$R_t = H/n_t + (1 - 1/n_t)(1 - a_t)^2 R_{t-1}$ fitted over the very same generations. Standard errors and the
exit code are those of `rates.py`.

    python benchmarks/rates_multinomial.py --quick
"""

import argparse
import dataclasses
import functools
import sys

import jax
import numpy as np
from rates import Outcome, held, log_spaced, main, slope

import mcollapse as mc
from mcollapse.theory import multinomial

CATEGORIES = 50
POINTS = 12


@dataclasses.dataclass(frozen=True)
class Setting:
    """A schedule of sizes and shares, the window of the fit and the exponent of the limit."""

    name: str
    sizes: mc.schedules.AbstractSchedule
    share: mc.schedules.AbstractSchedule
    start: str
    first: int
    exponent: float
    source: str


SETTINGS = (
    Setting(
        name="a = 0.1, n = 500 (t + 1)",
        sizes=mc.schedules.Power(scale=500, exponent=1.0, shift=1),
        share=mc.schedules.Constant(0.1),
        start="real",
        first=30,
        exponent=-1.0,
        source="H / (n_t a (2 - a)), after Bakshi & Chakraborty, 2026, arXiv 2602.10531",
    ),
    Setting(
        name="a = t^-1/2, n = 500 (t + 1)",
        sizes=mc.schedules.Power(scale=500, exponent=1.0, shift=1),
        share=mc.schedules.Power(scale=1.0, exponent=-0.5),
        start="real",
        first=30,
        exponent=-0.5,
        source="H t^-1/2 / (2 c), n_t = c t, after Bakshi & Chakraborty, 2026, arXiv 2602.10531",
    ),
    Setting(
        name="a = 0, n = 10,000",
        sizes=mc.schedules.Constant(10_000),
        share=mc.schedules.Constant(0.0),
        start="truth",
        first=10,
        exponent=1.0,
        source="t H / n while t is far below n, Seddik et al., 2024, arXiv 2404.05090",
    ),
)


def simulated_errors(setting: Setting, at: np.ndarray, replicates: int, seed: int) -> np.ndarray:
    """Squared errors `[replicate, generation]`."""
    process = mc.RecursiveTraining(
        family=mc.families.Categorical(),
        sizes=setting.sizes,
        source=mc.sources.Mixture(real_share=setting.share),
    )
    run = mc.simulate(
        process,
        mc.families.Categorical.Params.zipf(CATEGORIES),
        key=jax.random.key(seed),
        generations=int(at[-1]),
        replicates=replicates,
        start=setting.start,
        record={"squared_error": mc.Record(mc.metrics.squared_error, at=at, reduce=mc.Keep())},
    )
    return np.asarray(run["squared_error"].values)


def exact_errors(setting: Setting, at: np.ndarray) -> np.ndarray:
    """The recursion at the same generations."""
    first, last = (0 if setting.start == "real" else 1), int(at[-1])
    sizes = mc.schedules.sizes(setting.sizes).table(last, setting.start)[first:]
    shares = mc.schedules.shares(setting.share).table(last, setting.start)[first:]
    truth = mc.families.Categorical.Params.zipf(CATEGORIES).probabilities
    return multinomial.mixture_risk(multinomial.heterogeneity(truth), sizes, shares)[at - first]


def outcome(setting: Setting, generations: int, replicates: int, seed: int) -> Outcome:
    """One setting."""
    at = log_spaced(setting.first, generations, POINTS)
    return held(
        simulated_errors(setting, at, replicates, seed),
        exact_errors(setting, at),
        functools.partial(slope, at),
        setting=setting.name,
        quantity="slope",
        window=(int(at[0]), int(at[-1])),
        published=setting.exponent,
        source=setting.source,
    )


def measure(options: argparse.Namespace) -> list[Outcome]:
    """All settings."""
    return [outcome(one, options.generations, options.replicates, options.seed) for one in SETTINGS]


FULL = {"replicates": 4096, "generations": 500}
QUICK = {"replicates": 2048, "generations": 200}

if __name__ == "__main__":
    sys.exit(main(__doc__, measure, FULL, QUICK))
