"""Ranges of replicate ids: which are done, and which are left to do."""

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
        left = list(self)
        for first, stop in other:
            left = [part for a, b in left for part in ((a, min(b, first)), (max(a, stop), b))]
            left = [(a, b) for a, b in left if a < b]
        return Ranges(left)

    def cut(self, length: int) -> list[Range]:
        """Pieces of at most `length`, in order."""
        return [(a, min(a + length, stop)) for first, stop in self for a in range(first, stop, length)]
