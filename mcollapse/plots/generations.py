"""A record against generation."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mcollapse.plots.lines import law_curves, select_lines
from mcollapse.plots.marks import averaged, draw_law, draw_observed
from mcollapse.plots.quantities import quantity
from mcollapse.plots.scales import Scale, check_scale, set_scales
from mcollapse.plots.style import add_legend, label_axes, placed
from mcollapse.trajectories import Trajectories

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes


def trajectory(
    run: Trajectories,
    name: str | None = None,
    *,
    ax: "Axes | None" = None,
    cell: Mapping[str, float] | None = None,
    component: int | Sequence[int] | None = None,
    scale: Scale | None = None,
    law: bool = True,
) -> "Axes":
    """A record against generation, with its spread over replicates and the laws that speak of it.

    Whole trajectories and quantiles are a median and the bands that hold half and nine tenths of the
    replicates; moments, and several lines at once, are means with two standard errors (of quantiles,
    medians with their 95 % intervals); hitting times are the share of replicates not yet hit; a
    histogram is shades of its density. A law of the mean is never drawn without the mean.

    Arguments:
        run: the trajectories.
        name: which record; left out, the first.
        ax: where to draw; left out, a new figure.
        cell: of a sweep, values of its axes by path; one axis may stay free and becomes a line a value.
        component: of a metric with several values, which to draw.
        scale: of both axes; left out, logarithmic where values are positive over more than two decades.
        law: whether to draw what `mcollapse.theory` says.

    Raises:
        ValueError: the lines to draw are too many or do not exist; the message says how to choose.
    """
    check_scale(scale)
    name = next(iter(run)) if name is None else name
    lines = select_lines(run, name, cell or {}, component)
    curves = [law_curves(run, name, line) if law else [] for line in lines]
    figure, ax = placed(ax)
    centres = [draw_observed(ax, line, bool(said)) for line, said in zip(lines, curves, strict=True)]
    for curve in itertools.chain(*curves):
        draw_law(ax, curve)
    label_axes(ax, "generation", quantity(run, name))
    set_scales(ax, lines[0].entry, np.stack(centres), scale)
    add_legend(ax, "" if lines[0].alone else averaged(lines[0].entry), figure)
    return ax
