"""Colours, markers and the frame of a figure.

Colours are those of Okabe and Ito, which colour-blind eyes tell apart; the values of a sweep go from
dark to light. What is observed is solid, exact laws are dashed and bounds dotted, so that a figure
survives a printer without colours.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "os^DvX"
DARK = "#1a1a1a"
BOUNDS = ("upper bound", "lower bound")
STYLES = {"exact": "--", "upper bound": ":", "lower bound": ":", "asymptotic": "-.", "approximation": "-."}


def placed(ax: "Axes | None") -> tuple["Figure | None", "Axes"]:
    """The given axes, or new ones and the figure that they alone are in."""
    if ax is not None:
        return None, ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(6.8, 3.9), layout="constrained")


def add_legend(ax: "Axes", title: str, figure: "Figure | None") -> None:
    """Below a figure of our own, where it covers nothing; inside axes that somebody else laid out."""
    if not ax.get_legend_handles_labels()[0]:
        return
    style: dict[str, Any] = {"title": title, "fontsize": "small", "title_fontsize": "small"}
    if figure is None:
        ax.legend(**style)
        return
    handles, labels = ax.get_legend_handles_labels()
    style |= {"ncols": 2, "columnspacing": 1.2, "frameon": False}
    legend = figure.legend(handles, labels, loc="outside lower center", **style)
    figure.set_figheight(figure.get_figheight() + legend.get_window_extent().height / figure.dpi)


def shades(count: int) -> list[Any]:
    """Colours from dark to light, which keep their order in grey."""
    from matplotlib import colormaps

    return [colormaps["cividis"](x) for x in np.linspace(0.0, 0.85, count)]
