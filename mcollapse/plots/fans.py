"""Quantile fans."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mcollapse.plots.lines import chosen_record, law_curves, one_line, select_lines
from mcollapse.plots.marks import draw_fan, draw_law, draw_mean_in_fan
from mcollapse.plots.quantities import quantity
from mcollapse.plots.scales import Scale, check_scale, set_scales
from mcollapse.plots.style import DARK, add_legend, label_axes, placed
from mcollapse.recording import KeptEntry, QuantilesEntry
from mcollapse.trajectories import Trajectories

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes


def fan(
    run: Trajectories,
    name: str | None = None,
    *,
    ax: "Axes | None" = None,
    cell: Mapping[str, float] | None = None,
    component: int | None = None,
    levels: Sequence[float] = (0.5, 0.9),
    paths: int = 0,
    scale: Scale | None = None,
    law: bool = True,
) -> "Axes":
    """The median over replicates against generation, in bands that hold the given shares of them.

    Of whole trajectories the mean is drawn too where a law of the mean is known, and some single ones if
    asked for.

    Arguments:
        run: the trajectories.
        name: a record kept as whole trajectories or quantiles; left out, the first that is.
        ax: where to draw; left out, a new figure.
        cell: of a sweep, a value for each of its axes.
        component: of a metric with several values, which to draw.
        levels: shares of the replicates, between 0 and 1.
        paths: how many single replicates to draw, the first ones.
        scale: of both axes; left out, logarithmic where values are positive over more than two decades.
        law: whether to draw what `mcollapse.theory` says of the mean.

    Raises:
        ValueError: the record keeps no quantiles, or more than one line is asked for.
    """
    check_scale(scale)
    if not levels or not all(0 < level < 1 for level in levels):
        raise ValueError(f"levels are shares of the replicates, such as (0.5, 0.9), got {levels!r}")
    cure = "record it with reduce=mc.Keep() or mc.Quantiles()"
    kinds = (KeptEntry, QuantilesEntry)
    name = chosen_record(run, name, kinds, "a fan is drawn from trajectories or quantiles", cure)
    line = one_line(select_lines(run, name, cell or {}, component), "a fan")
    entry = line.entry
    assert isinstance(entry, KeptEntry | QuantilesEntry)
    if paths and not isinstance(entry, KeptEntry):
        raise ValueError(f"{name!r} kept no single replicates: paths need reduce=mc.Keep()")
    curves = law_curves(run, name, line) if law else []
    figure, ax = placed(ax)
    centres = draw_fan(ax, entry, line, levels)
    if isinstance(entry, KeptEntry):
        label = f"{min(paths, len(entry.values))} single replicates"
        for i, path in enumerate(entry.values[:paths]):
            ax.plot(entry.generations, path, color=DARK, linewidth=0.5, alpha=0.7, label="_" if i else label)
        if curves:
            draw_mean_in_fan(ax, entry, line)
            centres = entry.mean
    for curve in curves:
        draw_law(ax, curve)
    label_axes(ax, "generation", quantity(run, name))
    set_scales(ax, entry, np.asarray(centres)[None], scale)
    add_legend(ax, "", figure)
    return ax
