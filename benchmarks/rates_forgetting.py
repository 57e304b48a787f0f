r"""How long a symbol is remembered: a time that grows like its expected count.

Under replacement a symbol of probability p is forgotten, and never comes back, after a number of generations
of order n p (Suresh, Thangaraj and Khandavally, 2024, arXiv 2412.17646). The time is the generation at which
the chance that it is still alive is one half, read off a line through that chance at generations around it.
Its slope against n p in log-log coordinates is held against the same reading of the exact chance: for a
Bernoulli model of the Wright-Fisher chain of counts, for a Poisson model, which dies out like a branching
process, of the iterated extinction probability. The sample size is fixed and p varies, or p is and n varies.
Standard errors and the exit code are those of `rates.py`.

    python benchmarks/rates_forgetting.py --quick
"""

import argparse
import dataclasses
import functools
import sys
from collections.abc import Callable

import jax
import numpy as np
from rates import HalfTimes, Outcome, held_times, main

import mcollapse as mc
from mcollapse.theory import branching_extinction
from mcollapse.theory.wright_fisher import extinction

COUNTS = {"full": (4, 8, 16, 32, 64), "quick": (4, 8, 16, 32)}
"""n p."""
SIZE, CHANCE = 10_000, 0.01
MOST = 4
"""By so many times n p generations the chance is below one half."""
SOURCE = "time of order n p, Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646"


@dataclasses.dataclass(frozen=True)
class Setting:
    """A family, the name of its rate, whether "rate" or "size" varies, and the exact law of extinction."""

    name: str
    family: mc.families.AbstractFamily
    rate: str
    varies: str
    extinction: Callable[..., np.ndarray]

    def size(self, count: int) -> int:
        """n."""
        return SIZE if self.varies == "rate" else round(count / CHANCE)


def by_chain(rate: float, sizes: np.ndarray, fits: np.ndarray) -> np.ndarray:
    """Of a Bernoulli model."""
    return extinction(np.array([rate]), sizes, fits).value[:, 0]


def by_branching(rate: float, sizes: np.ndarray, fits: np.ndarray) -> np.ndarray:
    """Of a Poisson model."""
    return branching_extinction(np.array([rate]), sizes, fits)[:, 0]


BERNOULLI, POISSON = mc.families.Bernoulli(), mc.families.Poisson()
SETTINGS = (
    Setting(f"Bernoulli, n = {SIZE:,}", BERNOULLI, "probability", "rate", by_chain),
    Setting(f"Bernoulli, p = {CHANCE}", BERNOULLI, "probability", "size", by_chain),
    Setting(f"Poisson, n = {SIZE:,}", POISSON, "rate", "rate", by_branching),
)


def exact_chances(setting: Setting, count: int, at: np.ndarray) -> np.ndarray:
    """That the symbol is alive."""
    size = setting.size(count)
    return 1 - setting.extinction(count / size, np.full(int(at[-1]), size), at)


def simulated_alive(setting: Setting, times: HalfTimes, replicates: int, seed: int) -> np.ndarray:
    """1 where the symbol is alive, `[replicate, count, generation]`, one sweep."""
    sizes = [setting.size(count) for count in times.places]
    rates = [count / size for count, size in zip(times.places, sizes, strict=True)]
    run = mc.sweep(
        mc.RecursiveTraining(family=setting.family, sizes=sizes[0]),
        setting.family.Params(rates[0]),
        over={f"truth.{setting.rate}": rates} if setting.varies == "rate" else {"sizes.value": sizes},
        key=jax.random.key(seed),
        generations=int(times.generations[-1]),
        replicates=replicates,
        start="truth",
        record={"alive": mc.Record(mc.metrics.alive, at=times.generations, reduce=mc.Keep())},
    )
    return np.asarray(run["alive"].values)


def outcome(setting: Setting, counts: tuple[int, ...], replicates: int, seed: int) -> Outcome:
    """One setting."""
    return held_times(
        functools.partial(exact_chances, setting),
        lambda times: simulated_alive(setting, times, replicates, seed),
        counts,
        MOST,
        setting=setting.name,
        source=SOURCE,
    )


def measure(options: argparse.Namespace) -> list[Outcome]:
    """All settings."""
    counts = COUNTS["quick" if options.quick else "full"]
    return [outcome(setting, counts, options.replicates, options.seed) for setting in SETTINGS]


FULL = {"replicates": 65_536}
QUICK = {"replicates": 16_384}

if __name__ == "__main__":
    sys.exit(main(__doc__, measure, FULL, QUICK))
