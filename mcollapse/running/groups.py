"""Groups of a sweep's cells: what a program runs together, so that a sweep of any size fits.

Replicates of a group have ids of their own: those of group i begin at i times `SPAN`. What is done and
what is left are then ranges of ids, over all groups, and are shared among devices, processes and time alike.
"""

import dataclasses
import math
from collections.abc import Sequence

from mcollapse.planning import Grid
from mcollapse.running.ranges import Ranges

SPAN = 2**32
"""Ids that each group has room for."""

Cell = tuple[float, ...]
"""The values of a cell along the axes of its sweep; of a run that is no sweep, nothing."""


@dataclasses.dataclass(frozen=True)
class Group:
    """Cells that run together."""

    number: int
    cells: tuple[Cell | None, ...]
    """`None` in place of one that the sweep has no more, and of what fills a last group: all are as large."""

    @property
    def wanted(self) -> int:
        """How many of the cells the sweep has."""
        return sum(cell is not None for cell in self.cells)

    def ids(self, replicates: int) -> tuple[int, int]:
        """Of so many replicates, from the first to before the second."""
        return self.number * SPAN, self.number * SPAN + replicates

    def on(self, grid: Grid) -> "Group | None":
        """The group in another grid; `None` where that has none of its cells."""
        kept = tuple(c if c is not None and grid.place(c) is not None else None for c in self.cells)
        return Group(self.number, kept) if any(c is not None for c in kept) else None


ALONE = Group(0, ((),))
"""A run that is no sweep."""


def grouped(grid: Grid, size: int, before: Sequence[Group] = ()) -> tuple[Group, ...]:
    """Groups for all cells: those of `before` that have some, and new ones of at most `size`."""
    kept = [group for group in (g.on(grid) for g in before) if group is not None]
    have = {cell for group in kept for cell in group.cells}
    others = [cell for cell in map(tuple, (c.values() for c in grid.cells())) if cell not in have]
    first = 1 + max((group.number for group in before), default=-1)
    count = math.ceil(len(others) / size)
    even = math.ceil(len(others) / max(count, 1))
    filled: list[Cell | None] = [*others, *[None] * (-len(others) % max(even, 1))]
    made = [
        Group(first + i, tuple(filled[i * even : (i + 1) * even])) for i in range(len(filled) // max(even, 1))
    ]
    return (*kept, *made)


def all_ids(groups: Sequence[Group], replicates: int) -> Ranges:
    """Of so many replicates of every group."""
    return Ranges(group.ids(replicates) for group in groups)


def number_of(identity: int) -> int:
    """The group to which an id belongs."""
    return identity // SPAN


def replicate_of(identity: int) -> int:
    """The replicate that an id means."""
    return identity % SPAN
