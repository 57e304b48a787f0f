"""Every sort of figure of a run, by name."""

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcollapse.plots.fans import fan
from mcollapse.plots.generations import trajectory
from mcollapse.plots.optima import optimum
from mcollapse.plots.phases import phases
from mcollapse.plots.rates import rate
from mcollapse.plots.survival import collapse_times, survival
from mcollapse.trajectories import Trajectories

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes

KINDS: dict[str, Callable[..., "Axes"]] = {
    "trajectory": trajectory,
    "fan": fan,
    "survival": survival,
    "times": collapse_times,
    "rate": rate,
    "optimum": optimum,
    "phases": phases,
}


def draw(run: Trajectories, name: str | None = None, *, kind: str = "trajectory", **options: Any) -> "Axes":
    """A figure of a run; `options` are those of the function that `KINDS` has under this name.

    Raises:
        ValueError: there is no such kind, or the record cannot be drawn as one.
    """
    if kind not in KINDS:
        close = difflib.get_close_matches(str(kind), KINDS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(KINDS)}"
        raise ValueError(f"there is no kind of figure {kind!r}; {hint}")
    return KINDS[kind](run, name, **options)
