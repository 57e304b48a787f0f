"""What became of a replicate: a code, never an exception.

One collapsed replicate in 100,000 is a result and spoils no other. Every fit returns a status and
a lane keeps its worst.
"""

import enum


class Status(enum.IntEnum):
    """How a fit went; the larger, the worse."""

    OK = 0
    """The estimate is an ordinary point of the model."""
    NOT_CONVERGED = 1
    """An iterative fit was stopped before it converged."""
    DEGENERATE = 2
    """The estimate lies on the boundary for good: zero variance, or all mass on one symbol."""
    SEPARATED = 3
    """A plane separates the labels, so that no finite coefficients are best: the previous model was kept."""
    TOO_FEW_POINTS = 4
    """There were too few points for a fit, so the previous model was kept."""
    NOT_FINITE = 5
    """The estimate overflowed or is not a number."""
