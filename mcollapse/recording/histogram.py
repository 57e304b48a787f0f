"""Histogram: counts over replicates between given edges."""

from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from mcollapse.recording.base import AbstractReducer, Allocate, Collector, gathered
from mcollapse.recording.entries import Arrays, Entry, Variables
from mcollapse.recording.last_block import LastBlockApart

APART = ("underflow", "overflow", "nan")


class HistogramEntry(Entry):
    """Counts `[*sweep, generation, *components, bin]` between `edges`.

    A bin holds its lower edge and not its upper one, but for the last, which holds both. `underflow` and
    `overflow` (infinite values among them) and `nan` are `[*sweep, generation, *components]`.
    """

    kind = "histogram"

    def __init__(
        self,
        counts: np.ndarray,
        edges: np.ndarray,
        underflow: np.ndarray,
        overflow: np.ndarray,
        nan: np.ndarray,
        generations: np.ndarray,
        sweep_axes: tuple[str, ...] = (),
    ):
        self.counts, self.edges, self.generations, self.sweep_axes = counts, edges, generations, sweep_axes
        self.underflow, self.overflow, self.nan = underflow, overflow, nan

    @property
    def count(self) -> np.ndarray:
        """Values per position that are not NaN, those outside the edges included."""
        return self.counts.sum(axis=-1) + self.underflow + self.overflow

    @property
    def probability(self) -> np.ndarray:
        """The share of replicates in each bin, of all whose value is not NaN; NaN where there are none."""
        count = self.count[..., None]
        return np.where(count > 0, self.counts / np.maximum(count, 1), np.nan)

    @property
    def standard_error(self) -> np.ndarray:
        """Of `probability`, binomial."""
        p = self.probability
        return np.sqrt(p * (1 - p) / np.maximum(self.count[..., None], 1))

    @property
    def density(self) -> np.ndarray:
        """`probability` over the width of the bin: its integral is the share inside the edges."""
        return self.probability / np.diff(self.edges)

    def variables(self, name: str) -> Variables:
        """Counts, edges, and what was outside of them."""
        dims = self.dims(self.nan)
        apart = {f"{name}.{part}": (dims, getattr(self, part)) for part in APART}
        edges = {f"{name}.edges": ((f"edge_{name}",), self.edges)}
        return {f"{name}.counts": ((*dims, f"bin_{name}"), self.counts)} | edges | apart

    @classmethod
    def read(
        cls, name: str, arrays: Arrays, generations: np.ndarray, sweep_axes: tuple[str, ...] = ()
    ) -> "HistogramEntry":
        """From counts and edges."""
        parts = {part: arrays[f"{name}.{part}"] for part in ("counts", "edges", *APART)}
        return cls(**parts, generations=generations, sweep_axes=sweep_axes)

    @property
    def component_shape(self) -> tuple[int, ...]:
        """The axes behind the generations."""
        return self.nan.shape[1 + len(self.sweep_axes) :]

    def at(self, cell: tuple[int, ...], component: int | None = None) -> "HistogramEntry":
        """The histograms of one cell and component."""
        place = self.place(cell, component)
        parts = {part: getattr(self, part)[place] for part in ("counts", *APART)}
        return HistogramEntry(**parts, edges=self.edges, generations=self.generations)


def _edges(value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    listed = np.asarray(list(value) if isinstance(value, Iterable) else value)
    good = listed.ndim == 1 and len(listed) > 1 and listed.dtype.kind in "iuf"
    if not good or not np.all(np.isfinite(listed)) or not np.all(np.diff(listed) > 0):
        raise ValueError(
            f"edges are at least two finite numbers, each larger than the one before, got {value!r}"
        )
    return tuple(listed.astype(float).tolist())


def _end(value: Any) -> float | None:
    if value is None:
        return None
    numeric = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not numeric or not np.isfinite(float(value)):
        raise ValueError(f"low and high of a histogram are finite numbers, got {value!r}")
    return float(value)


def _number_of_bins(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"bins is a whole number of at least 1, got {value!r}")
    return int(value)


class Histogram(AbstractReducer):
    r"""How many replicates lie in each bin $[e_i, e_{i+1})$, the last one with its upper edge.

    Give the `edges`, or `low`, `high` and how many `bins` of equal width. What lies outside is counted
    as underflow and overflow, infinite values with it, and NaN apart. Values are compared with the edges
    in their own precision and without rounding the edges, so that the counts are those of
    `numpy.histogram`; numbers smaller than the smallest normal one of the program count as 0.

    Counts are integers, and merging is their addition: the result does not depend on how a run was cut,
    nor its size on the number of replicates.

    Raises:
        ValueError: both ways or neither were used, or the numbers make no bins.
    """

    edges: tuple[float, ...] | None = eqx.field(converter=_edges, static=True, default=None)
    low: float | None = eqx.field(converter=_end, static=True, default=None)
    high: float | None = eqx.field(converter=_end, static=True, default=None)
    bins: int | None = eqx.field(converter=_number_of_bins, static=True, default=None)

    def __check_init__(self):
        """Edges, or all that they follow from."""
        given = [part is not None for part in (self.low, self.high, self.bins)]
        if not all(given) if self.edges is None else any(given):
            raise ValueError("Histogram takes edges=[…], or low=…, high=… and bins=…")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"a histogram has its low below its high, got {self.low!r} and {self.high!r}")
        if not np.all(np.diff(self.all_edges) > 0):
            raise ValueError(
                f"between {self.low!r} and {self.high!r} there are fewer numbers than {self.bins} bins need"
            )

    @property
    def all_edges(self) -> np.ndarray:
        """The edges, in float64."""
        if self.edges is not None:
            return np.asarray(self.edges)
        assert self.low is not None and self.high is not None and self.bins is not None
        return np.linspace(self.low, self.high, self.bins + 1)

    def summarise(self, values: Array, present: Bool[Array, " lanes"]) -> Array:
        """The bin of every lane from 1 on, 0 below them, then above them, then NaN; the host counts."""
        dtype = jnp.result_type(float)
        edges, tiny = self.all_edges, jnp.asarray(jnp.finfo(dtype).smallest_normal, dtype)
        x = jnp.asarray(values, dtype)
        x = jnp.where(jnp.abs(x) < tiny, jnp.zeros((), dtype), x)  # as devices that know no smaller numbers
        first = jnp.asarray(_not_below(edges[:-1], dtype))
        bins = jnp.searchsorted(first, x, side="right")
        bins = jnp.where(x > jnp.asarray(_not_above(edges[-1:], dtype)[0]), len(edges), bins)
        bins = jnp.where(jnp.isnan(x), len(edges) + 1, bins)
        return bins.astype(np.int16 if len(edges) < np.iinfo(np.int16).max else np.int32)

    def collector(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        generations: np.ndarray,
        replicates: int,
        allocate: Allocate = np.empty,
    ) -> Collector:
        """Empty bins."""
        edges = self.all_edges
        return LastBlockApart(lambda: _HistogramCollector(edges, shape, generations, replicates), replicates)

    def bytes(self, size: int, replicates: int) -> int:
        """An int64 a bin."""
        return 8 * size * (len(self.all_edges) + 2)


def _not_below(edges: np.ndarray, dtype: Any) -> np.ndarray:
    """The smallest numbers of a precision that are not below the edges: the comparison stays the same."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = edges.astype(dtype)
    up = np.where(rounded.astype(np.float64) < edges, np.nextafter(rounded, dtype.type(np.inf)), rounded)
    tiny = np.finfo(dtype).smallest_normal
    return np.where(np.abs(up) < tiny, np.where(edges > 0, tiny, dtype.type(0)), up)


def _not_above(edges: np.ndarray, dtype: Any) -> np.ndarray:
    """The largest numbers of a precision that are not above the edges."""
    return -_not_below(-edges, dtype)


class _HistogramCollector(Collector):
    def __init__(self, edges: np.ndarray, shape: tuple[int, ...], generations: np.ndarray, replicates: int):
        self.edges, self.shape, self.generations, self.replicates = edges, shape, generations, replicates
        self.counts = np.zeros((int(np.prod(shape)), len(edges) + 2), np.int64)

    def add(self, first: int, summary: np.ndarray, count: int | None = None) -> None:
        positions, width = self.counts.shape
        places = summary.reshape(positions, -1)[:, : self.replicates - first].astype(np.intp)
        places += width * np.arange(positions)[:, None]
        np.add.at(self.counts.reshape(-1), places.reshape(-1), 1)

    def state(self) -> dict[str, np.ndarray]:
        return {"counts": self.counts.copy()}

    def merge(self, state: Mapping[str, np.ndarray]) -> None:
        self.counts += gathered(state, {"counts": self.counts}).get("counts", 0)

    def finish(self) -> HistogramEntry:
        table = self.counts.copy().reshape(*self.shape, -1)
        under, over, nan = table[..., 0], table[..., -2], table[..., -1]
        return HistogramEntry(table[..., 1:-2], self.edges, under, over, nan, self.generations)
