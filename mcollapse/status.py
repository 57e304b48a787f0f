"""What became of a replicate: a code, never an exception.

One collapsed replicate in 100,000 is a result and spoils no other. Every fit returns a status and
a lane keeps its worst.
"""

import enum


class Status(enum.IntEnum):
    """How a fit went; the larger, the worse."""

    OK = 0
    """The estimate is an ordinary point of the model."""
    DEGENERATE = 1
    """The estimate lies on the boundary for good: zero variance, or all mass on one symbol."""
    TOO_FEW_POINTS = 2
    """There were too few points for a fit, so the previous model was kept."""
    NOT_FINITE = 3
    """The estimate overflowed or is not a number."""
