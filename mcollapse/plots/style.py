"""Colours, markers and the frame of a figure.

Colours are those of Okabe and Ito, which colour-blind eyes tell apart; the values of a sweep go from
dark to light. What is observed is solid, exact laws are dashed and bounds dotted, so that a figure
survives a printer without colours.
"""

import contextlib
import contextvars
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "os^DvX"
DARK = "#1a1a1a"
PALE = "#b0b0b0"
BOUNDS = {"upper bound": "v<D", "lower bound": "^>o"}
"""Kinds of laws that are bounds, and the markers of the first, second and third of each in a figure."""
STYLES = {"exact": "--", "upper bound": ":", "lower bound": ":", "asymptotic": "-.", "approximation": "-."}

SCREEN = (6.8, 3.9)
"""Width and height of a new figure, in inches."""
_SIZE: contextvars.ContextVar[tuple[float, float]] = contextvars.ContextVar("size", default=SCREEN)
NARROW = 5.0
"""Below so many inches a legend has one column."""


@contextlib.contextmanager
def paper(width: float = 85.0, height: float | None = None) -> Iterator[None]:
    """Inside it, figures are drawn for a page: a column of 85 mm unless said, letters of 7 to 8 points.

    Arguments:
        width: of a new figure, in mm.
        height: of its axes with their labels, in mm; left out, 0.72 of the width.

    Raises:
        ValueError: a figure this small has no room for its labels.
    """
    from matplotlib import rc_context

    if not width >= 50:
        raise ValueError(f"a figure is at least 50 mm wide, or its labels overlap; got {width!r}")
    size = (width / 25.4, (0.72 * width if height is None else height) / 25.4)
    style: Any = {
        "font.size": 8, "axes.labelsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
        "legend.fontsize": 7, "axes.linewidth": 0.6, "lines.markersize": 4, "savefig.dpi": 300,
        "pdf.fonttype": 42, "svg.fonttype": "none",
    }  # fmt: skip
    token = _SIZE.set(size)
    try:
        with rc_context(style):
            yield
    finally:
        _SIZE.reset(token)


def placed(ax: "Axes | None") -> tuple["Figure | None", "Axes"]:
    """The given axes, or new ones and the figure that they alone are in."""
    if ax is not None:
        return None, ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=_SIZE.get(), layout="constrained")


def label_axes(ax: "Axes", x: str, y: str) -> None:
    """What the axes show, in as many lines as they need not to be longer than the axes."""
    ax.set_xlabel(_wrapped(ax, x, ax.bbox.width))
    ax.set_ylabel(_wrapped(ax, y, ax.bbox.height))


def _wrapped(ax: "Axes", text: str, pixels: float) -> str:
    points = pixels * 72 / ax.figure.dpi
    size = float(ax.xaxis.label.get_fontsize())
    letters = points / (0.52 * size)  # the width of a letter, on average
    return textwrap.fill(text, max(int(letters), 12))


def add_legend(ax: "Axes", title: str, figure: "Figure | None") -> None:
    """Below a figure of our own, where it covers nothing; inside axes that somebody else laid out."""
    if not ax.get_legend_handles_labels()[0]:
        return
    style: dict[str, Any] = {"title": title, "fontsize": "small", "title_fontsize": "small"}
    if _SIZE.get() != SCREEN:  # letters are small already
        style |= {"fontsize": "medium", "title_fontsize": "medium"}
    if figure is None:
        ax.legend(**style)
        return
    handles, labels = ax.get_legend_handles_labels()
    columns = 1 if figure.get_figwidth() < NARROW else 2
    style |= {"ncols": columns, "columnspacing": 1.2, "frameon": False}
    legend = figure.legend(handles, labels, loc="outside lower center", **style)
    figure.set_figheight(figure.get_figheight() + legend.get_window_extent().height / figure.dpi)


def shades(count: int) -> list[Any]:
    """Colours from dark to light, which keep their order in grey."""
    from matplotlib import colormaps

    return [colormaps["cividis"](x) for x in np.linspace(0.0, 0.85, count)]


def lighter(colour: Any, share: float) -> tuple[float, float, float]:
    """So much of a colour, the rest white: opaque, so that it is the same in the legend."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1.0 - share * (1.0 - part) for part in to_rgb(colour))
    return red, green, blue
