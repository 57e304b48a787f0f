r"""Rates of the multinomial recursion: slopes of simulations against the same fit to the exact law.

Each setting has a published exponent, which holds in a limit. A run has a window, so that the slope of
its mean squared error in log-log coordinates is held against the slope of the exact recursion
$R_t = H/n_t + (1 - 1/n_t)(1 - a_t)^2 R_{t-1}$ fitted over the very same generations. The standard error
is a jackknife over blocks of replicates: generations of one replicate depend on each other, and
residuals of the fit would not know.

Exit code 0 says that every slope agrees, that each would have been told from an exponent 0.1 away on
either side, and that no standard error exceeds 0.02; otherwise it is 1.

    python benchmarks/rates_multinomial.py --quick
"""

import argparse
import dataclasses
import json
import sys

import jax
import numpy as np
from scipy import stats

import mcollapse as mc
from mcollapse.theory import multinomial

CATEGORIES = 50
BLOCKS = 32
POINTS = 12
LEVEL = 1e-3
"""Probability that any of the settings is called wrong when all are right."""
LARGEST_ERROR = 0.02
OFF = 0.1
"""An exponent this far off must be rejected."""


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


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A fitted slope beside the exact one."""

    setting: Setting
    window: tuple[int, int]
    slope: float
    error: float
    exact: float

    @property
    def threshold(self) -> float:
        """Of Student's t, over all settings and two sides."""
        return float(stats.t.ppf(1 - LEVEL / (2 * len(SETTINGS)), BLOCKS - 1))

    def rejects(self, exponent: float) -> bool:
        """Whether the simulation contradicts this slope."""
        return abs(self.slope - exponent) > self.threshold * self.error

    @property
    def complaints(self) -> list[str]:
        """What is wrong, nothing where all is well."""
        found = []
        if self.rejects(self.exact):
            found.append("the slope is not that of the exact recursion")
        if self.error > LARGEST_ERROR:
            found.append(f"the standard error exceeds {LARGEST_ERROR}: use more replicates")
        if not (self.rejects(self.exact - OFF) and self.rejects(self.exact + OFF)):
            found.append(f"an exponent {OFF} off would not be seen: use more replicates")
        return found


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
    return np.asarray(run["squared_error"].values, np.float64)


def exact_errors(setting: Setting, at: np.ndarray) -> np.ndarray:
    """The recursion at the same generations."""
    first, last = (0 if setting.start == "real" else 1), int(at[-1])
    sizes = mc.schedules.sizes(setting.sizes).table(last, setting.start)[first:]
    shares = mc.schedules.shares(setting.share).table(last, setting.start)[first:]
    truth = mc.families.Categorical.Params.zipf(CATEGORIES).probabilities
    return multinomial.mixture_risk(multinomial.heterogeneity(truth), sizes, shares)[at - first]


def slope(at: np.ndarray, risk: np.ndarray) -> float:
    """Of the least-squares line through log risk against log generation."""
    return float(np.polynomial.polynomial.polyfit(np.log(at), np.log(risk), 1)[1])


def jackknife(at: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """The slope of the mean, and its standard error from leaving out one block of replicates at a time."""
    blocks = errors[: len(errors) // BLOCKS * BLOCKS].reshape(BLOCKS, -1, len(at)).mean(axis=1)
    left = np.array([slope(at, np.delete(blocks, i, axis=0).mean(axis=0)) for i in range(BLOCKS)])
    return slope(at, blocks.mean(axis=0)), float(np.sqrt((BLOCKS - 1) * left.var()))


def measure(setting: Setting, generations: int, replicates: int, seed: int) -> Outcome:
    """One setting."""
    at = np.unique(np.geomspace(setting.first, generations, POINTS).round().astype(int))
    fitted, error = jackknife(at, simulated_errors(setting, at, replicates, seed))
    return Outcome(setting, (int(at[0]), int(at[-1])), fitted, error, slope(at, exact_errors(setting, at)))


def print_table(outcomes: list[Outcome]) -> None:
    print(f"{'setting':28} {'window':>8} {'simulated':>18} {'exact':>8} {'z':>6} {'in the limit':>13}")
    for o in outcomes:
        window, fitted = f"{o.window[0]}-{o.window[1]}", f"{o.slope:.4f} ± {o.error:.4f}"
        numbers = f"{o.exact:8.4f} {(o.slope - o.exact) / o.error:+6.2f} {o.setting.exponent:13g}"
        print(f"{o.setting.name:28} {window:>8} {fitted:>18} {numbers}")
    for o in outcomes:
        verdict = "; ".join(o.complaints) or f"agrees, and rejects an exponent {OFF} off"
        print(f"- {o.setting.name}: {verdict}. Limit: {o.setting.source}")


def as_row(outcome: Outcome) -> dict:
    return {
        "setting": outcome.setting.name,
        "window": outcome.window,
        "slope": outcome.slope,
        "standard_error": outcome.error,
        "exact_slope": outcome.exact,
        "limit": outcome.setting.exponent,
        "threshold": outcome.threshold,
        "complaints": outcome.complaints,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--replicates", type=int, help="independent trajectories (default 4096)")
    parser.add_argument("--generations", type=int, help="end of the window (default 500)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a smaller run with the same tests")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    arguments = parser.parse_args()
    replicates = arguments.replicates or (2048 if arguments.quick else 4096)
    generations = arguments.generations or (200 if arguments.quick else 500)
    outcomes = [measure(setting, generations, replicates, arguments.seed) for setting in SETTINGS]
    if arguments.json:
        print(json.dumps([as_row(outcome) for outcome in outcomes]))
    else:
        print_table(outcomes)
    return 1 if any(outcome.complaints for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
