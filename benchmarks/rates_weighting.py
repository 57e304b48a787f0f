r"""Which weight on fresh real points is best in the long run: simulated, exact, and the golden ratio's.

With n fresh real points and m = n/k synthetic ones each generation, and total weight w on the real ones, the
long-run error of a mean is V(w, k)/n with V = (w^2 + k(1-w)^2)/(w(2-w)), least at
$w^* = (\sqrt{k^2+4k} - k)/2$: at k = 1 the inverse of the golden ratio (He, Xu and Cheng, 2025, arXiv
2502.18049). The simulated optimum is the lowest point of a parabola through the logarithms of the errors at
weights around $w^*$, all on the same random numbers; it is held against the same fit to the exact error, and
its standard error is a jackknife over blocks of replicates.

Exit code 0 says that every optimum agrees, that each would have been told from a weight 0.1 away on either
side, and that no standard error exceeds 0.02; otherwise it is 1.

    python benchmarks/rates_weighting.py --quick
"""

import argparse
import dataclasses
import json
import sys

import jax
import numpy as np
from scipy import stats

import mcollapse as mc

RATIOS = (1.0, 0.5, 0.1)
"""k, real points a synthetic one."""
REAL = 100
AROUND = np.linspace(0.7, 1.3, 7)
"""Weights that are tried, as multiples of the best."""
BURN_IN, AVERAGED, APART = 40, 8, 4
"""Generations before the long run, how many of it are averaged, and how far from each other."""
BLOCKS = 32
LEVEL = 1e-3
LARGEST_ERROR = 0.02
OFF = 0.1


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The fitted optimum beside the same fit to the exact error, and the published one."""

    ratio: float
    weight: float
    error: float
    exact: float
    published: float

    @property
    def threshold(self) -> float:
        """Of Student's t, over all ratios and two sides."""
        return float(stats.t.ppf(1 - LEVEL / (2 * len(RATIOS)), BLOCKS - 1))

    def rejects(self, weight: float) -> bool:
        """Whether the simulation contradicts this optimum."""
        return abs(self.weight - weight) > self.threshold * self.error

    @property
    def complaints(self) -> list[str]:
        """What is wrong, nothing where all is well."""
        found = []
        if self.rejects(self.exact):
            found.append("the optimum is not that of the exact error")
        if self.error > LARGEST_ERROR:
            found.append(f"the standard error exceeds {LARGEST_ERROR}: use more replicates")
        if not (self.rejects(self.exact - OFF) and self.rejects(self.exact + OFF)):
            found.append(f"a weight {OFF} off would not be seen: use more replicates")
        return found


def golden_weight(ratio: float) -> float:
    """w* of the paper."""
    return (np.sqrt(ratio**2 + 4 * ratio) - ratio) / 2


def long_run_error(weight: np.ndarray, ratio: float) -> np.ndarray:
    """V(w, k)."""
    return (weight**2 + ratio * (1 - weight) ** 2) / (weight * (2 - weight))


def simulated_errors(weights: np.ndarray, ratio: float, replicates: int, seed: int) -> np.ndarray:
    """Long-run squared errors `[replicate, weight]`, one sweep."""
    process = mc.RecursiveTraining(
        family=mc.families.Gaussian("known"),
        estimator=mc.estimators.Weighted(0.5),
        sizes=REAL,
        source=mc.sources.Split(REAL, round(REAL / ratio)),
    )
    at = [BURN_IN + APART * i for i in range(AVERAGED)]
    run = mc.sweep(
        process,
        mc.families.Gaussian.Params.standard(),
        over={"estimator.weight.value": weights.tolist()},
        key=jax.random.key(seed),
        generations=at[-1],
        replicates=replicates,
        record={"squared_error": mc.Record(mc.metrics.squared_error, at=at, reduce=mc.Keep())},
    )
    return np.asarray(run["squared_error"].values, np.float64).mean(axis=-1)


def lowest(weights: np.ndarray, errors: np.ndarray) -> float:
    """Of a parabola through the logarithms."""
    centre = weights.mean()
    _, slope, curve = np.polynomial.polynomial.polyfit(weights - centre, np.log(errors), 2)
    return float(centre - slope / (2 * curve))


def measure(ratio: float, replicates: int, seed: int) -> Outcome:
    """One ratio."""
    weights = AROUND * golden_weight(ratio)
    errors = simulated_errors(weights, ratio, replicates, seed)
    blocks = errors[: len(errors) // BLOCKS * BLOCKS].reshape(BLOCKS, -1, len(weights)).mean(axis=1)
    left = np.array([lowest(weights, np.delete(blocks, i, axis=0).mean(axis=0)) for i in range(BLOCKS)])
    return Outcome(
        ratio=ratio,
        weight=lowest(weights, blocks.mean(axis=0)),
        error=float(np.sqrt((BLOCKS - 1) * left.var())),
        exact=lowest(weights, long_run_error(weights, ratio)),
        published=golden_weight(ratio),
    )


def print_table(outcomes: list[Outcome]) -> None:
    print(f"{'k':>6} {'simulated':>18} {'exact, same fit':>16} {'z':>6} {'published':>10}")
    for o in outcomes:
        fitted, z = f"{o.weight:.4f} ± {o.error:.4f}", (o.weight - o.exact) / o.error
        print(f"{o.ratio:6g} {fitted:>18} {o.exact:16.4f} {z:+6.2f} {o.published:10.4f}")
    for o in outcomes:
        print(f"- k = {o.ratio:g}: {'; '.join(o.complaints) or f'agrees, and rejects a weight {OFF} off'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--replicates", type=int, help="independent trajectories (default 65,536)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a smaller run with the same tests")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    arguments = parser.parse_args()
    replicates = arguments.replicates or (16_384 if arguments.quick else 65_536)
    outcomes = [measure(ratio, replicates, arguments.seed) for ratio in RATIOS]
    if arguments.json:
        rows = [dataclasses.asdict(o) | {"complaints": o.complaints} for o in outcomes]
        print(json.dumps(rows))
    else:
        print_table(outcomes)
    return 1 if any(outcome.complaints for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
