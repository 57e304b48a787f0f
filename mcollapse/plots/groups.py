"""A handful of groups against their law."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mcollapse.plots.style import DARK, MARKERS, STYLES, add_legend, label_axes, placed, shades

if TYPE_CHECKING:  # an optional part, imported where it is used
    from matplotlib.axes import Axes


def bands(
    generations: np.ndarray,
    observed: Sequence[np.ndarray],
    standard_error: Sequence[np.ndarray],
    law: Sequence[np.ndarray],
    labels: Sequence[str],
    *,
    quantity: str = "share of words still alive",
    ax: "Axes | None" = None,
) -> "Axes":
    """A handful of groups: observed shares as markers with two standard errors, the exact law as a line.

    Arguments:
        generations: `[generation]`.
        observed: `[group, generation]`.
        standard_error: of `observed`, the same shape.
        law: the same shape.
        labels: a name for each group, with its count where that matters.
        quantity: what the vertical axis shows.
        ax: where to draw; left out, a new figure.

    Raises:
        ValueError: the shapes do not agree.
    """
    expected = (len(labels), len(generations))
    given = {"observed": observed, "standard_error": standard_error, "law": law}
    wrong = [f"{name} is {np.shape(array)}" for name, array in given.items() if np.shape(array) != expected]
    if wrong:
        raise ValueError(
            f"{expected[0]} labels and {expected[1]} generations need arrays of shape {expected}, but "
            f"{', '.join(wrong)}"
        )
    figure, ax = placed(ax)
    step = -(-len(generations) // 14)  # markers at every generation would hide the law
    for i, colour in enumerate(shades(len(labels))):
        shown = slice(i % step, None, step)  # staggered, so that bars of neighbouring groups do not meet
        t, values, error = (np.asarray(a)[shown] for a in (generations, observed[i], standard_error[i]))
        style = {"linestyle": "none", "marker": MARKERS[i % len(MARKERS)], "markersize": 4.5, "capsize": 2}
        ax.plot(generations, law[i], STYLES["exact"], color=colour, linewidth=1.3)
        ax.errorbar(t, values, 2 * error, color=colour, label=labels[i], **style)
    ax.plot([], [], STYLES["exact"], color=DARK, linewidth=1.3, label="exact law")
    label_axes(ax, "generation", quantity)
    ax.set_ylim(-0.03, 1.03)
    add_legend(ax, "observed ± 2 s.e.", figure)
    return ax
