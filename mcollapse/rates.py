r"""Rates: slopes of means in log-log coordinates, and where means are least, with their standard errors.

A number is fitted to means over replicates. Its standard error is a jackknife over blocks of replicates:
generations of one replicate depend on each other, and residuals of the fit would not know.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping

import numpy as np

from mcollapse.predicting import predictions
from mcollapse.recording import KeptEntry
from mcollapse.sweeping import chosen_cells
from mcollapse.trajectories import Trajectories

BLOCKS = 32
"""Of replicates, each of which is left out once."""
NEAR = 3
"""Places on either side of the lowest through which a curve is laid."""


def line(at: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Of the least-squares line through log value against log place: its value at place 1, and its slope."""
    height, steepness = np.polynomial.polynomial.polyfit(np.log(at), np.log(values), 1)
    return float(np.exp(height)), float(steepness)


def slope(at: np.ndarray, values: np.ndarray) -> float:
    """Of the least-squares line through log value against log place."""
    return line(at, values)[1]


def lowest(places: np.ndarray, values: np.ndarray) -> float:
    """Where a cubic through the logarithms is least, NaN where nowhere: a parabola knows no skewness."""
    centre = np.mean(places)
    _, a, b, c = np.polynomial.polynomial.polyfit(places - centre, np.log(values), 3)
    discriminant = b**2 - 3 * a * c
    return float(centre - a / (b + np.sqrt(discriminant))) if discriminant >= 0 else math.nan


def near_lowest(values: np.ndarray) -> slice | None:
    """The places around the lowest value that `lowest` takes, nothing where that lies at an end."""
    place = int(np.argmin(values))
    around = slice(max(place - NEAR, 0), place + NEAR + 1)
    return around if 0 < place < len(values) - 1 and len(values[around]) > 3 else None


def jackknife(values: np.ndarray, statistic: Callable[[np.ndarray], float]) -> tuple[float, float]:
    """A statistic of means over replicates, and its standard error from leaving out a block at a time.

    Arguments:
        values: what each replicate contributes to the means, [replicate, ...].
        statistic: of the means, [...].

    Raises:
        ValueError: there are fewer replicates than blocks.
    """
    if len(values) < BLOCKS:
        raise ValueError(f"a jackknife over {BLOCKS} blocks needs as many replicates, got {len(values)}")
    parts = np.array_split(values, BLOCKS)
    sizes = np.array([len(part) for part in parts])
    sums = np.array([part.sum(axis=0, dtype=np.float64) for part in parts])
    left = [
        statistic((sums.sum(axis=0) - one) / (len(values) - size))
        for one, size in zip(sums, sizes, strict=True)
    ]
    error = np.sqrt((BLOCKS - 1) * np.var(left))
    return float(statistic(sums.sum(axis=0) / len(values))), float(error)


@dataclasses.dataclass(frozen=True)
class Rate:
    r"""The line $c\,(t + s)^r$ through means over replicates, in log-log coordinates.

    Arguments:
        record: what was fitted.
        slope: r.
        standard_error: of r, by a jackknife over blocks of replicates.
        constant: c.
        window: first and last generation of the fit.
        shift: s in generations.
        level: of `interval`.
        law: the exact law of the mean, "" where none is known.
        law_slope: the same fit to it over the same generations; NaN where none is known.
        heavy: some of the means are carried by rare replicates, and are not to be trusted.
    """

    record: str
    slope: float
    standard_error: float
    constant: float
    window: tuple[int, int]
    shift: float = 0.0
    level: float = 0.95
    law: str = ""
    law_slope: float = math.nan
    heavy: bool = False

    @property
    def interval(self) -> tuple[float, float]:
        """In which the slope lies with this probability, by Student's t."""
        from scipy import stats  # slow to import

        reach = float(stats.t.ppf((1 + self.level) / 2, BLOCKS - 1)) * self.standard_error
        return self.slope - reach, self.slope + reach

    @property
    def z(self) -> float:
        """From the law's slope, in standard errors; NaN where no law is known."""
        gap = self.slope - self.law_slope
        return gap / self.standard_error if self.standard_error > 0 else (0.0 if gap == 0 else math.nan)

    def values(self, generations: np.ndarray) -> np.ndarray:
        """The fitted line."""
        return self.constant * (np.asarray(generations, np.float64) + self.shift) ** self.slope

    def __str__(self) -> str:
        low, high = self.interval
        law = f"; by {self.law} {self.law_slope:.4f}" if self.law else ""
        heavy = "; the means are carried by rare replicates: do not trust them" if self.heavy else ""
        return (
            f"log-log slope of {self.record} {self.slope:.4f} ± {self.standard_error:.4f} "
            f"({self.level:.0%} interval {low:.4f} to {high:.4f}), generations {self.window[0]} to "
            f"{self.window[1]}{law}{heavy}"
        )


def rate(
    run: Trajectories,
    name: str | None = None,
    *,
    window: tuple[int, int] | None = None,
    shift: float = 0.0,
    cell: Mapping[str, float] | None = None,
    component: int | None = None,
    level: float = 0.95,
) -> Rate:
    r"""How a mean over replicates grows or falls: the r of $c\,(t + s)^r$, its interval, and the law's r.

    Arguments:
        run: the trajectories.
        name: a record that kept whole trajectories; left out, the first that did.
        window: first and last generation of the fit; left out, the run's last decade.
        shift: s, such as 1 where the number of fits counts and not that of generations.
        cell: of a sweep, a value for each of its axes.
        component: of a metric with several values.
        level: of the interval.

    Raises:
        ValueError: whole trajectories were not kept, a mean in the window is not positive, or there are
            fewer than three generations in it or fewer than 32 replicates, or a mean is positive only
            thanks to one block of them.
    """
    name = _kept(run, name)
    (index,) = chosen_cells(run.attributes["sweep"], cell or {}, free=0)
    entry = run[name]
    _check_component(name, entry.component_shape, component)
    entry = entry.at(index, component)
    assert isinstance(entry, KeptEntry)
    if not 0 < level < 1:
        raise ValueError(f"level is a probability, such as 0.95, got {level!r}")
    chosen, window = _window(entry.generations, window, shift, name)
    places, values = entry.generations[chosen] + float(shift), entry.values[:, chosen]
    _check_values(name, entry.generations[chosen], values)
    fitted, error = jackknife(values, lambda means: _slope(name, places, means))
    law, law_slope = _of_law(run, name, dict(cell or {}), component, chosen, places)
    return Rate(
        record=name, slope=fitted, standard_error=error, level=level, window=window, shift=float(shift),
        constant=line(places, values.mean(axis=0, dtype=np.float64))[0],
        law=law, law_slope=law_slope, heavy=bool(entry.heavy[chosen].any()),
    )  # fmt: skip


def _slope(name: str, places: np.ndarray, means: np.ndarray) -> float:
    if not np.all(means > 0):
        raise ValueError(
            f"a mean of {name!r} hangs on one block of replicates: use more, or another window=(first, last)"
        )
    return slope(places, means)


def _kept(run: Trajectories, name: str | None) -> str:
    cure = "record it with reduce=mc.Keep(): the interval is one over replicates"
    if name is None:
        found = [n for n, entry in run.items() if isinstance(entry, KeptEntry)]
        if not found:
            raise ValueError(f"a rate is fitted to whole trajectories, and none were kept: {cure}")
        return found[0]
    if not isinstance(run[name], KeptEntry):
        raise ValueError(
            f"{name!r} was reduced ({run[name].kind}), and a rate is fitted to replicates: {cure}"
        )
    return name


def _check_component(name: str, shape: tuple[int, ...], component: int | None) -> None:
    if not shape and component is not None:
        raise ValueError(f"{name!r} has no components, got component={component!r}")
    picked = component is not None and len(shape) == 1 and 0 <= component < shape[0]
    if shape and not picked:
        raise ValueError(
            f"{name!r} has components of shape {shape}, got component={component!r}: pick one, such as "
            "component=0"
        )


def _window(
    generations: np.ndarray, window: tuple[int, int] | None, shift: float, name: str
) -> tuple[np.ndarray, tuple[int, int]]:
    """Which generations are fitted, and the first and last of them."""
    first, last = window if window is not None else (max(1, math.ceil(generations[-1] / 10)), generations[-1])
    chosen = np.flatnonzero((generations >= first) & (generations <= last) & (generations + shift > 0))
    if len(chosen) < 3:
        raise ValueError(
            f"a slope needs three recorded generations, and {name!r} has {len(chosen)} from {first} to "
            f"{last}: give another window=(first, last), or record more of them"
        )
    return chosen, (int(generations[chosen[0]]), int(generations[chosen[-1]]))


def _check_values(name: str, generations: np.ndarray, values: np.ndarray) -> None:
    for what, wrong in (
        ("is not finite in some replicates", ~np.isfinite(values).all(axis=0)),
        ("has a mean of 0 or less", values.mean(axis=0) <= 0),
    ):
        if wrong.any():
            raise ValueError(
                f"{name!r} {what} at generation {generations[np.argmax(wrong)]}, and has no logarithm there: "
                "give a window=(first, last) without it, or record another metric"
            )


def _of_law(
    run: Trajectories,
    name: str,
    cell: dict[str, float],
    component: int | None,
    chosen: np.ndarray,
    places: np.ndarray,
) -> tuple[str, float]:
    """The name of the exact law of the mean, and the slope of the same fit to it."""
    if "difference_of" in run.attributes:
        return "", math.nan  # the laws are those of the two runs
    for prediction in predictions(run, name, cell):
        if prediction.law.kind != "exact" or prediction.statistic == "variance":
            continue
        values, sharp = (
            array if component is None else array[..., component]
            for array in (prediction.values, prediction.sharp)
        )
        if sharp[chosen].all() and np.all(np.isfinite(values[chosen])) and np.all(values[chosen] > 0):
            return prediction.law.name, slope(places, values[chosen])
    return "", math.nan
