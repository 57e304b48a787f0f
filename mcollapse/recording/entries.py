"""What a run has recorded under one name, with standard errors."""

import abc
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

Variables = dict[str, tuple[tuple[str, ...], Any]]
"""Arrays in memory or on a disk, with the names of their axes."""
Arrays = Mapping[str, np.ndarray]
CELL = "cell"
HEAVY_TOP, HEAVY_SHARE = 1e-3, 0.1
"""A mean is not to be trusted where this share of replicates carries more than that share of the sum."""


class Entry(abc.ABC):
    """Recorded values of one metric, `[*sweep, generation, *components]` once replicates are reduced."""

    kind: ClassVar[str]
    generations: np.ndarray
    sweep_axes: tuple[str, ...] = ()

    @abc.abstractmethod
    def variables(self, name: str) -> Variables:
        """Labelled arrays for a data set."""

    @classmethod
    @abc.abstractmethod
    def read(
        cls, name: str, arrays: Arrays, generations: np.ndarray, sweep_axes: tuple[str, ...] = ()
    ) -> "Entry":
        """The entry that `variables` labelled, read back."""

    @classmethod
    def joined(cls, shape: tuple[int, ...], nothing: "Entry", parts: "Sequence[Part]") -> "Entry":
        """The entry of a sweep of this shape from those of some cells each, and for others that of nothing.

        `nothing` and all parts have an axis of cells in the place of the sweep's.
        """
        for entry in (nothing, *(entry for entry, _ in parts)):
            entry.sweep_axes = (CELL,)
        labelled = [(entry.variables(CELL), places) for entry, places in parts]
        whole = {}
        for name, (dims, empty) in nothing.variables(CELL).items():
            given = [(variables[name][1], places) for variables, places in labelled]
            whole[name] = _whole(shape, dims.index(CELL), empty, given) if CELL in dims else empty
        return cls.read(CELL, whole, nothing.generations, (CELL,) * len(shape))

    @property
    @abc.abstractmethod
    def component_shape(self) -> tuple[int, ...]:
        """The shape of one value of the metric, `()` of a scalar."""

    @abc.abstractmethod
    def at(self, cell: tuple[int, ...], component: int | None = None) -> "Entry":
        """The entry of one cell of the sweep and one component, as if nothing else had been recorded."""

    def place(self, cell: tuple[int, ...], component: int | None) -> tuple[Any, ...]:
        """Where in a reduced array the generations of a cell and a component are."""
        return (*cell, slice(None), *(() if component is None else (component,)))

    def dims(self, array: np.ndarray, axis: str = "generation") -> tuple[str, ...]:
        """Names of the axes of a reduced array."""
        names = (*self.sweep_axes, axis) if axis else self.sweep_axes
        extra = array.ndim - len(names)
        return names + tuple(f"component_{i}" if i else "component" for i in range(extra))


Part = tuple[Entry, Sequence[tuple[int, ...] | None]]
"""Of some cells, and where each is in the sweep; `None`, where it is left out."""


def _whole(
    shape: tuple[int, ...], axis: int, empty: np.ndarray, parts: Sequence[tuple[Any, Sequence[Any]]]
) -> np.ndarray:
    first = np.moveaxis(empty, axis, 0)
    found = np.empty((*shape, *first.shape[1:]), first.dtype)
    found[...] = first[0]
    for array, places in parts:
        cells = np.moveaxis(array, axis, 0)
        for number, place in enumerate(places):
            if place is not None:
                found[place] = cells[number]
    sweep = range(len(shape))
    return np.moveaxis(found, tuple(sweep), tuple(axis + i for i in sweep))


class MeanEntry(Entry):
    """An entry that has a mean over replicates."""

    mean: np.ndarray
    variance: np.ndarray
    count: np.ndarray
    top_share: np.ndarray

    @property
    def standard_deviation(self) -> np.ndarray:
        """Over replicates, from the unbiased variance."""
        return np.sqrt(self.variance)

    @property
    def standard_error(self) -> np.ndarray:
        """Of the mean: standard deviation over the square root of the number of replicates."""
        return np.sqrt(self.variance / np.maximum(self.count, 1))

    @property
    def heavy(self) -> np.ndarray:
        """Where the largest 0.1 % of replicates carry more than 10 % of the sum: no mean to trust."""
        return self.top_share > HEAVY_SHARE


def top_share(sizes: np.ndarray, total: np.ndarray, replicates: int) -> np.ndarray:
    """The share of `total` in the largest 0.1 % of `replicates` along the first axis; 0 below a thousand."""
    if replicates < 1 / HEAVY_TOP:  # fewer replicates have no largest 0.1 %
        return np.zeros_like(total)
    k = min(math.ceil(HEAVY_TOP * replicates), sizes.shape[0])
    largest = np.partition(sizes, sizes.shape[0] - k, axis=0)[-k:].sum(axis=0, dtype=np.float64)
    return np.divide(largest, total, out=np.zeros_like(largest), where=total > 0)
