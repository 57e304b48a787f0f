"""What groups of cells have gathered, each for itself, and the result of all cells together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from mcollapse.recording import TAIL, Allocate, Collector, Entry
from mcollapse.running.groups import ALONE, Cell, Group

Place = Callable[[Cell], tuple[int, ...]]
"""Where a cell is among the axes of a sweep."""
Make = Callable[[tuple[int, ...], Allocate], Collector]
"""An empty collector, given the axis of cells, if there is one."""


class Window:
    """Some cells of an array `[replicate, *sweep, ...]`, as one `[replicate, cell, ...]`."""

    def __init__(self, whole: Any, places: Sequence[tuple[int, ...] | None], sweep: int):
        self.whole, self.places = whole, places
        self.shape = (whole.shape[0], len(places), *whole.shape[1 + sweep :])
        self.dtype = whole.dtype

    @property
    def in_memory(self) -> bool:
        """Whether the array is no file."""
        return isinstance(self.whole, np.ndarray)

    def __setitem__(self, rows: Any, values: np.ndarray) -> None:
        for number, place in enumerate(self.places):
            if place is not None:
                self.whole[(rows, *place)] = values[:, number]

    def __getitem__(self, rows: Any) -> np.ndarray:
        first = np.asarray(self.whole[(rows, *next(p for p in self.places if p is not None))])
        found = np.zeros((len(first), len(self.places), *first.shape[1:]), first.dtype)
        for number, place in enumerate(self.places):
            if place is not None:
                found[:, number] = self.whole[(rows, *place)]
        return found


class Statuses:
    """The statuses `[replicate, *sweep]`, in memory or on a disk."""

    def __init__(self, whole: Any, place: Place | None):
        self.whole, self.place = whole, place

    def add(self, group: Group, first: int, status: np.ndarray, count: int) -> None:
        """Of replicates from `first` on, the first `count` lanes."""
        if self.place is None:
            self.whole[first : first + count] = status[:count]
        else:
            cells = status[: len(group.cells), :count]
            window = Window(self.whole, _places(group, self.place), self.whole.ndim - 1)
            window[first : first + count] = cells.T


class Collectors:
    """Those of one record, a collector for each group that has begun."""

    def __init__(
        self,
        make: Make,
        groups: Sequence[Group],
        shape: tuple[int, ...],
        place: Place | None,
        allocate: Allocate = np.empty,
    ):
        self.make, self.shape, self.place = make, shape, place
        self.groups = {group.number: group for group in groups}
        self.allocate = allocate
        self.whole: Any = None
        self.begun: dict[int, Collector] = {}

    def add(self, group: Group, first: int, summary: Any, count: int) -> None:
        """Merge the summary of a chunk; of a group with fewer cells than others, the first of them."""
        if self.place is not None:
            summary = _cut(summary, len(group.cells))
        self._of(group).add(first, summary, count)

    def state(self) -> dict[str, np.ndarray]:
        """Of every group, under its number."""
        return {f"{n}/{key}": a for n, begun in self.begun.items() for key, a in begun.state().items()}

    def merge(self, state: Mapping[str, np.ndarray], whole_blocks: bool = False) -> None:
        """Take in what others have gathered of other replicates, or of their whole blocks alone."""
        held: dict[int, dict[str, np.ndarray]] = {}
        for name, array in state.items():
            number, _, key = name.partition("/")
            if not (whole_blocks and key.startswith(TAIL)):
                held.setdefault(int(number), {})[key] = array
        for number, arrays in held.items():
            if number in self.groups:
                self._of(self.groups[number]).merge(arrays)

    def finish(self) -> Entry:
        """The entry of all cells; of those that no group has begun, that of no replicates."""
        if self.place is None:
            return self._of(ALONE).finish()
        nothing = self._made(Group(-1, (None,))).finish()
        parts = [(begun.finish(), self._places(self.groups[n])) for n, begun in sorted(self.begun.items())]
        return type(nothing).joined(self.shape, nothing, parts)

    def _of(self, group: Group) -> Collector:
        if group.number not in self.begun:
            self.begun[group.number] = self._made(group)
        return self.begun[group.number]

    def _made(self, group: Group) -> Collector:
        if self.place is None:
            return self.make((), self._allocated)

        def window(shape: tuple[int, ...], dtype: Any) -> Window:
            whole = self._allocated((shape[0], *self.shape, *shape[2:]), dtype)
            return Window(whole, self._places(group), len(self.shape))

        return self.make((len(group.cells),), window)

    def _allocated(self, shape: tuple[int, ...], dtype: Any) -> Any:
        if self.whole is None:
            self.whole = self.allocate(shape, dtype)
        return self.whole

    def _places(self, group: Group) -> list[tuple[int, ...] | None]:
        assert self.place is not None
        return _places(group, self.place)


def _places(group: Group, place: Place) -> list[tuple[int, ...] | None]:
    return [None if cell is None else place(cell) for cell in group.cells]


def _cut(summary: Any, cells: int) -> Any:
    return jax.tree.map(lambda array: array[:cells], summary)
