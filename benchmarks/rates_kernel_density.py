r"""How fast a kernel density estimate of its own output spreads: linearly if replaced, else logarithmically.

A kernel of fixed bandwidth h adds $h^2$ to the variance at every generation. Under replacement of n points
the expected variance of the law obeys $v_t = (1-1/n) v_{t-1} + h^2$, so that what it has grown by,
$v_t - v_0$, is about $t h^2$: slope 1 against t. On everything so far it is about $h^2 \log t$ (Kazdan et
al., 2024, arXiv 2410.16713): slope 1 of $v_t / h^2$ against the logarithm of the number of fits t + 1.
Standard errors and the exit code are those of `rates.py`.

    python benchmarks/rates_kernel_density.py --quick
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
from mcollapse import theory

BANDWIDTH, POINTS = 1.0, 10
KAZDAN = "Kazdan et al., 2024, arXiv 2410.16713"


@dataclasses.dataclass(frozen=True)
class Setting:
    """A pool, how many points and generations, and the fits to the variances from `first` on.

    Arguments:
        share: a run of so many replicates for each that was asked for.
        fits: (quantity, what is fitted, what was published) of each number.
    """

    name: str
    pool: mc.pools.AbstractPool
    size: int
    first: int
    generations: int
    share: float
    fits: tuple[tuple[str, Callable[[np.ndarray, np.ndarray], float], str], ...]

    def at(self) -> np.ndarray:
        """Generation 0, and those of the window."""
        return np.concatenate([[0], log_spaced(self.first, self.generations, POINTS)])


def growth_slope(at: np.ndarray, variances: np.ndarray) -> float:
    """Of the logarithm of what variances have grown by since generation 0, against that of the generation."""
    return slope(at[1:], variances[1:] - variances[0])


def growth_rate(at: np.ndarray, variances: np.ndarray) -> float:
    """What a generation of the first ones adds, in units of the kernel's variance."""
    return float((variances[1] - variances[0]) / (at[1] * BANDWIDTH**2))


def logarithmic_slope(at: np.ndarray, variances: np.ndarray) -> float:
    """Of variances, in units of the kernel's, against the logarithm of the number of fits."""
    line = np.polynomial.polynomial.polyfit(np.log(at[1:] + 1), variances[1:] / BANDWIDTH**2, 1)
    return float(line[1])


SETTINGS = (
    Setting(
        "replace",
        mc.pools.Newest(),
        200,
        1,
        30,
        4.0,
        (
            ("slope", growth_slope, f"v_t - v_0 = t h^2, {KAZDAN}"),
            ("ratio", growth_rate, f"h^2 a generation, {KAZDAN}"),
        ),
    ),
    Setting(
        "accumulate",
        mc.pools.All(),
        50,
        10,
        100,
        1.0,
        (("slope", logarithmic_slope, f"h^2 log t, {KAZDAN}"),),
    ),
)


def process(setting: Setting) -> mc.RecursiveTraining:
    """Kernel densities of one bandwidth."""
    return mc.RecursiveTraining(
        family=mc.families.KernelDensity(bandwidth=BANDWIDTH), sizes=setting.size, pool=setting.pool
    )


def simulated_variances(setting: Setting, replicates: int, seed: int) -> np.ndarray:
    """Variances of the fitted laws, [replicate, generation]."""
    run = mc.simulate(
        process(setting),
        mc.Truth(mc.families.Gaussian(), mc.families.Gaussian.Params.standard()),
        key=jax.random.key(seed),
        generations=setting.generations,
        replicates=int(setting.share * replicates),
        record={"variance": mc.Record(mc.metrics.variance, at=setting.at(), reduce=mc.Keep())},
    )
    return np.asarray(run["variance"].values)


def exact_variances(setting: Setting, at: np.ndarray) -> np.ndarray:
    """The recursion at the same generations."""
    described = theory.Setting(
        family="kernel-density",
        estimator="maximum-likelihood",
        source="last-model",
        pool="all" if isinstance(setting.pool, mc.pools.All) else "newest",
        start="real",
        sizes=np.full(int(at[-1]) + 1, setting.size),
        truth={"variance": 1.0, "dimension": 1.0, "spread": 1 / 6},
        bandwidth=BANDWIDTH,
    )
    return theory.kernel_density_moments(described)[1][at]


def outcomes(setting: Setting, replicates: int, seed: int) -> list[Outcome]:
    """All that is fitted to one setting."""
    at = setting.at()
    variances, law = simulated_variances(setting, replicates, seed), exact_variances(setting, at)
    return [
        held(
            variances,
            law,
            functools.partial(fit, at),
            setting=f"{setting.name}, n = {setting.size}, h = {BANDWIDTH:g}",
            quantity=quantity,
            window=(int(at[1]), int(at[-1] if quantity == "slope" else at[1])),
            published=1.0,
            source=source,
        )
        for quantity, fit, source in setting.fits
    ]


def measure(options: argparse.Namespace) -> list[Outcome]:
    """Both pools."""
    return [o for setting in SETTINGS for o in outcomes(setting, options.replicates, options.seed)]


FULL = {"replicates": 4096}
QUICK = {"replicates": 1024}

if __name__ == "__main__":
    sys.exit(main(__doc__, measure, FULL, QUICK))
