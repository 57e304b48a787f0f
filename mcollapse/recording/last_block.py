"""A last block of replicates that is not whole, gathered apart."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mcollapse.recording.base import BLOCK, TAIL, Collector
from mcollapse.recording.entries import Entry


class LastBlockApart(Collector):
    """Two collectors of summaries `[..., lanes]`: of all whole blocks, and of what comes after them."""

    def __init__(self, make: Callable[[], Collector], replicates: int):
        self.make, self.whole_replicates = make, replicates // BLOCK * BLOCK
        self.whole, self.tail = make(), make()

    def add(self, first: int, summary: Any, count: int | None = None) -> None:
        """To each its lanes."""
        summary = summary[..., :count]
        split = max(0, self.whole_replicates - first)
        if split:
            self.whole.add(first, summary[..., :split])
        if split < summary.shape[-1]:
            self.tail.add(first + split, summary[..., split:])

    def state(self) -> dict[str, np.ndarray]:
        """Both, one under names that begin with `TAIL`."""
        return self.whole.state() | {TAIL + name: array for name, array in self.tail.state().items()}

    def merge(self, state: Mapping[str, np.ndarray]) -> None:
        """To each its own."""
        tail = {n.removeprefix(TAIL): array for n, array in state.items() if n.startswith(TAIL)}
        self.whole.merge({n: array for n, array in state.items() if not n.startswith(TAIL)})
        self.tail.merge(tail)

    def finish(self) -> Entry:
        """Of both together."""
        both = self.make()
        both.merge(self.whole.state())
        both.merge(self.tail.state())
        return both.finish()
