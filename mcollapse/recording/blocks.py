"""Blocks of replicates, merged in one order whatever order they come in.

Floating-point sums depend on how they are bracketed. Here the bracketing is that of the binary tree over
block numbers: two whole blocks 2i and 2i + 1 make one of twice the size, and so on up. What is merged does
then not depend on chunks, on devices, on processes, or on where a run stopped and went on.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mcollapse.recording.base import TAIL

Parts = tuple[Any, ...]
Merge = Callable[[Parts, Parts], Parts]


class BlockTree:
    """The largest subtrees of the blocks that were added; a last block that is not whole stays alone."""

    def __init__(self, join: Merge, whole: int):
        self.join, self.whole = join, whole
        self.last: Parts | None = None
        self.nodes: dict[tuple[int, int], Parts] = {}
        """By level and number: node (l, i) holds blocks i 2^l … (i + 1) 2^l - 1."""

    def add(self, first: int, blocks: Parts) -> None:
        """Blocks `first`, `first + 1`, … along the leading axis, each added once."""
        level, stop = 0, min(first + len(blocks[0]), self.whole)
        if stop < first + len(blocks[0]) and stop >= first:  # at most one block is not whole: the last
            self.last = tuple(np.array(part[stop - first]) for part in blocks)
        blocks = tuple(part[: max(0, stop - first)] for part in blocks)
        while len(blocks[0]):
            odd, end = first % 2, stop - stop % 2
            if odd:
                self._insert(level, first, tuple(part[0] for part in blocks))
            if end < stop and stop - 1 >= first + odd:
                self._insert(level, stop - 1, tuple(part[-1] for part in blocks))
            inner = tuple(part[odd : max(odd, end - first)] for part in blocks)
            blocks = self.join(tuple(p[::2] for p in inner), tuple(p[1::2] for p in inner))
            first, stop, level = (first + odd) // 2, end // 2, level + 1

    def fold(self) -> Parts | None:
        """All that was added, merged from the first replicate to the last; `None` of nothing."""
        found: Parts | None = None
        order = sorted(self.nodes, key=lambda node: node[1] << node[0])
        for parts in [*(self.nodes[key] for key in order), *([self.last] if self.last else [])]:
            found = parts if found is None else self.join(found, parts)
        return found

    def state(self, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """The subtrees as arrays, level and number in `nodes`; a last block that is not whole apart."""
        found: dict[str, np.ndarray] = {}
        if keys := sorted(self.nodes):
            found |= {n: np.stack([self.nodes[key][i] for key in keys]) for i, n in enumerate(names)}
            found["nodes"] = np.asarray(keys, np.int64)
        if self.last:
            found |= {TAIL + name: part for name, part in zip(names, self.last, strict=True)}
        return found

    def merge(self, state: Mapping[str, np.ndarray], names: tuple[str, ...]) -> None:
        """Take in the subtrees of other blocks that `state` gave."""
        for place, (level, number) in enumerate(state.get("nodes", ())):
            self._insert(int(level), int(number), tuple(state[name][place] for name in names))
        if TAIL + names[0] in state:
            self.last = tuple(state[TAIL + name] for name in names)

    def _insert(self, level: int, number: int, parts: Parts) -> None:
        """A subtree, and as far up as its sibling is there too."""
        parts = tuple(np.array(part) for part in parts)
        while (level, number ^ 1) in self.nodes:
            sibling = self.nodes.pop((level, number ^ 1))
            left, right = (sibling, parts) if number % 2 else (parts, sibling)
            parts, level, number = self.join(left, right), level + 1, number // 2
        self.nodes[level, number] = parts
