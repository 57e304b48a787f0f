"""What the scripts of fitted rates share: a jackknife over replicates, a verdict, a table and an exit code.

A number is fitted to means over replicates (a slope over a window, a crossing, the place of a minimum) and
held against the same fit to the exact law over the same window; what was published of a limit stands beside
it. The standard error is a jackknife over blocks of replicates: generations of one replicate depend on each
other, and residuals of the fit would not know.

Exit code 0 says that every number agrees with the exact law, that each would have been told from one 0.1
away on either side, and that no standard error exceeds 0.02; otherwise it is 1.
"""

import argparse
import dataclasses
import json
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from mcollapse.rates import BLOCKS, jackknife
from mcollapse.rates import slope as slope

LEVEL = 1e-3
"""Probability that any number of a script is called wrong when all are right."""
LARGEST_ERROR = 0.02
OFF = 0.1
"""A number this far off must be rejected."""
NEAR, POINTS = 1.3, 8
"""Generations around a half-time: from the time over a factor to the time times it, and about how many."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A fitted number beside that of the exact law.

    Arguments:
        setting: what was simulated.
        quantity: what was fitted: "slope", "weight", "ratio".
        window: first and last place of the fit: generations, sizes, weights.
        fitted: from the simulation.
        error: its standard error.
        exact: the same fit to the exact law.
        published: the number of the limit.
        source: of the published number.
        attained: the published number is no limit but holds of what was simulated, and is tested too.
        tolerance: what may lie between the simulation and a reference that is exact in a limit only.
        comparisons: numbers that the script looks at.
    """

    setting: str
    quantity: str
    window: tuple[float, float]
    fitted: float
    error: float
    exact: float
    published: float
    source: str
    attained: bool = False
    tolerance: float = 0.0
    comparisons: int = 1

    @property
    def threshold(self) -> float:
        """Of Student's t, over all comparisons and two sides."""
        return float(stats.t.ppf(1 - LEVEL / (2 * self.comparisons), BLOCKS - 1))

    def rejects(self, value: float) -> bool:
        """Whether the simulation contradicts this number."""
        return abs(self.fitted - value) > self.threshold * self.error + self.tolerance

    @property
    def complaints(self) -> list[str]:
        """What is wrong, nothing where all is well."""
        if not np.all(np.isfinite((self.fitted, self.error, self.exact))):
            return [f"there is no {self.quantity}: the fit or its reference is not a number"]
        found = []
        if self.rejects(self.exact):
            found.append(f"the {self.quantity} is not that of the exact law")
        if self.attained and self.rejects(self.published):
            found.append(f"the {self.quantity} is not the published one")
        if self.error > LARGEST_ERROR:
            found.append(f"the standard error exceeds {LARGEST_ERROR}: use more replicates")
        if not (self.rejects(self.exact - OFF) and self.rejects(self.exact + OFF)):
            found.append(f"a {self.quantity} {OFF} off would not be seen: use more replicates")
        return found


def held(values: np.ndarray, law: np.ndarray, statistic: Callable[[np.ndarray], float], **about) -> Outcome:
    """A statistic of simulated means beside that of the exact ones; `about` are the rest of `Outcome`."""
    fitted, error = jackknife(values, statistic)
    return Outcome(fitted=fitted, error=error, exact=statistic(law), **about)


def log_spaced(first: int, last: int, points: int) -> np.ndarray:
    """Whole numbers from first to last with about equal steps in their logarithm."""
    return np.unique(np.geomspace(first, last, points).round().astype(int))


@dataclasses.dataclass(frozen=True)
class HalfTimes:
    """The generations at which chances are one half, each read off a line through one chance near there.

    Arguments:
        places: what the times are fitted against, such as sizes.
        windows: generations of each line, [place][point].
    """

    places: tuple[int, ...]
    windows: tuple[np.ndarray, ...]

    @classmethod
    def around(
        cls, places: Sequence[int], exact: Callable[[int, np.ndarray], np.ndarray], most: int
    ) -> "HalfTimes":
        """Windows around the exact times; `exact(place, generations)` falls below one half by `most` * place.

        Raises:
            ValueError: it does not.
        """
        windows = []
        for place in places:
            below = exact(place, np.arange(1, most * place + 1)) < 0.5
            if not below.any():
                raise ValueError(f"at {place} the chance is above one half for {most * place} generations")
            time = 1 + int(np.argmax(below))
            windows.append(log_spaced(max(1, int(time / NEAR)), int(np.ceil(time * NEAR)), POINTS))
        return cls(tuple(places), tuple(windows))

    @property
    def generations(self) -> np.ndarray:
        """All that any window needs."""
        return np.unique(np.concatenate(self.windows))

    def gathered(self, values: np.ndarray) -> np.ndarray:
        """Windows one after another, [replicate, ...], of values [replicate, place, generation]."""
        at = self.generations
        parts = [values[:, i, np.searchsorted(at, window)] for i, window in enumerate(self.windows)]
        return np.concatenate(parts, axis=1)

    def law(self, exact: Callable[[int, np.ndarray], np.ndarray]) -> np.ndarray:
        """The same of the exact chances."""
        return np.concatenate([exact(*pair) for pair in zip(self.places, self.windows, strict=True)])

    def slope(self, chances: np.ndarray) -> float:
        """Of the times against the places, of chances as `gathered` and `law` order them."""
        parts = np.split(chances, np.cumsum([len(window) for window in self.windows])[:-1])
        times = [_half(window, part) for window, part in zip(self.windows, parts, strict=True)]
        return slope(np.array(self.places), np.array(times))


def held_times(
    exact: Callable[[int, np.ndarray], np.ndarray],
    simulated: Callable[[HalfTimes], np.ndarray],
    places: Sequence[int],
    most: int,
    **about,
) -> Outcome:
    """The slope of half-times against places, of order one, beside the exact one.

    Arguments:
        exact: (place, generations) -> chances.
        simulated: 1 or 0, [replicate, place, generation], at the generations that are asked for.
        places: such as sizes.
        most: by so many times a place its chance is below one half.
        about: the name of the setting and the source of the published number.
    """
    times = HalfTimes.around(places, exact, most)
    return held(
        times.gathered(simulated(times)),
        times.law(exact),
        times.slope,
        quantity="slope",
        window=(places[0], places[-1]),
        published=1.0,
        **about,
    )


def _half(at: np.ndarray, chance: np.ndarray) -> float:
    """Where the least-squares line through a chance against log generation is at one half."""
    height, steepness = np.polynomial.polynomial.polyfit(np.log(at), chance - 0.5, 1)
    return float(np.exp(-height / steepness))


def print_table(outcomes: Sequence[Outcome]) -> None:
    """A row for each number, then a verdict on each."""
    wide = max(len(o.setting) for o in outcomes)
    spans = ["{:.4g}-{:.4g}".format(*o.window) for o in outcomes]
    far = max(8, *map(len, spans))
    print(
        f"{'setting':{wide}}  {'fitted':8} {'window':>{far}} {'simulated':>18} {'exact':>8} {'z':>6} "
        f"{'published':>10}"
    )
    for o, span in zip(outcomes, spans, strict=True):
        fitted, z = f"{o.fitted:.4f} ± {o.error:.4f}", (o.fitted - o.exact) / o.error if o.error else 0.0
        numbers = f"{fitted:>18} {o.exact:8.4f} {z:+6.2f} {o.published:10.4g}"
        print(f"{o.setting:{wide}}  {o.quantity:8} {span:>{far}} {numbers}")
    for o in outcomes:
        verdict = "; ".join(o.complaints) or f"agrees, and rejects a {o.quantity} {OFF} off"
        allowed = f" (within {o.tolerance:.4f} of a law of the limit)" if o.tolerance else ""
        print(f"- {o.setting}: {verdict}{allowed}. Published: {o.source}")


def as_row(outcome: Outcome) -> dict:
    """For JSON."""
    verdict = {"threshold": outcome.threshold, "complaints": outcome.complaints}
    return dataclasses.asdict(outcome) | verdict


def main(
    description: str | None,
    measure: Callable[[argparse.Namespace], list[Outcome]],
    full: dict[str, int],
    quick: dict[str, int],
    arguments: Sequence[str] | None = None,
) -> int:
    """Command line of a script; returns the exit code.

    Arguments:
        description: the script's docstring.
        measure: from the parsed options to outcomes.
        full: options that say how large a run is, such as "replicates", and their numbers.
        quick: the same for `--quick`.
        arguments: left out, those of the process.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    for name, value in full.items():
        parser.add_argument(f"--{name}", type=int, help=f"default {value:,}, quick {quick[name]:,}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a smaller run with the same tests")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    parsed = parser.parse_args(arguments)
    for name, value in (quick if parsed.quick else full).items():
        setattr(parsed, name, getattr(parsed, name) or value)
    found = measure(parsed)
    outcomes = [dataclasses.replace(outcome, comparisons=len(found)) for outcome in found]
    if parsed.json:
        print(json.dumps([as_row(outcome) for outcome in outcomes]))
    else:
        print_table(outcomes)
    return 1 if any(outcome.complaints for outcome in outcomes) else 0
