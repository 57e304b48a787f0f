"""Ranges of ids of replicates: which are done, and which are left to do."""

import collections
from collections.abc import Iterable, Iterator

Range = tuple[int, int]
"""From the first id to before the second."""


class Ranges:
    """A set of whole numbers as disjoint ranges in order; ranges that touch become one."""

    def __init__(self, ranges: Iterable[Range] = ()):
        self.ranges: list[Range] = []
        for first, stop in sorted((int(first), int(stop)) for first, stop in ranges):
            if first >= stop:
                continue
            if self.ranges and first <= self.ranges[-1][1]:
                self.ranges[-1] = (self.ranges[-1][0], max(stop, self.ranges[-1][1]))
            else:
                self.ranges.append((first, stop))

    def __iter__(self) -> Iterator[Range]:
        return iter(self.ranges)

    def __len__(self) -> int:
        """How many numbers they hold."""
        return sum(stop - first for first, stop in self.ranges)

    def __or__(self, other: "Ranges") -> "Ranges":
        """What is in either."""
        return Ranges([*self, *other])

    def __sub__(self, other: "Ranges") -> "Ranges":
        """What is in these and not in the others."""
        left: list[Range] = []
        taken = collections.deque(other)
        for first, stop in self:
            while taken and taken[0][1] <= first:
                taken.popleft()
            for a, b in taken:
                if a >= stop:
                    break
                left.append((first, a))
                first = b
            left.append((first, stop))
        return Ranges(left)

    def within(self, first: int, stop: int) -> int:
        """How many lie between."""
        return sum(max(0, min(b, stop) - max(a, first)) for a, b in self)

    def cut(self, length: int) -> list[Range]:
        """Pieces of at most `length`, in order."""
        return [(a, min(a + length, stop)) for first, stop in self for a in range(first, stop, length)]
