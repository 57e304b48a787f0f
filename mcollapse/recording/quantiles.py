"""Quantiles: any quantile over replicates to a stated relative error, in bounded memory."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from mcollapse.recording.base import AbstractReducer, Allocate, Collector, gathered
from mcollapse.recording.float_bins import MOST_DIGITS, FloatBins
from mcollapse.recording.last_block import LastBlockApart
from mcollapse.recording.quantiles_entry import QuantilesEntry

LEAST_ERROR = FloatBins(MOST_DIGITS, np.dtype(np.float32)).relative_error
ROOM = 4096
"""Bins that a plan allows for: both signs of 32 octaves at an error of 1 %."""


def _share(value: Any) -> float:
    """An error that can be reached and means something."""
    numeric = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not numeric or not LEAST_ERROR <= float(value) <= 0.5:
        raise ValueError(
            f"Quantiles(relative_error=…) takes a share from 0.0005 to 0.5, such as 0.01, got {value!r}"
        )
    return float(value)


class Quantiles(AbstractReducer):
    r"""A sketch from which every quantile over replicates can be read, $|\hat x_q - x_q| \le a |x_q|$.

    Values are counted in bins that are never wider than the relative error a allows: octaves are cut
    into $2^d$ equal parts, so that the error is the nearest $1/(2^{d+1} + 1)$ not above `relative_error`
    (0.0078 for the default 0.01), whatever the values are, of either sign and over the whole range of
    normal numbers. The bin is read off the number's bits and not from a rounded logarithm, so the error
    has no exception. Zero, and what is smaller than the smallest normal number of the program's precision,
    counts as 0. Whole numbers (and truth values) are exact below $2^{d+1}$; integers beyond the
    program's precision are rounded to it first. NaN and infinite values are counted apart.

    Counts are integers, and merging is their addition: the result does not depend on how a run was cut.
    What is kept are the bins that some replicate filled, usually a few hundred for each generation.

    Arguments:
        relative_error: a, from 0.0005 to 0.5.

    Raises:
        ValueError: the error is no such number.

    Source: Masson, Rim, Lee, 2019, arXiv 1908.10693; the linear bins within an octave are those of its
    variant for fast insertion.
    """

    relative_error: float = eqx.field(converter=_share, static=True, default=0.01)

    def summarise(self, values: Array, present: Bool[Array, " lanes"]) -> Array:
        """The bin of every lane; the host counts them, which is faster than a scatter on the device."""
        return self._bins().number(values)

    def collector(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        generations: np.ndarray,
        replicates: int,
        allocate: Allocate = np.empty,
    ) -> Collector:
        """Empty bins."""
        whole = not jnp.issubdtype(dtype, jnp.floating)
        bins = self._bins()
        return LastBlockApart(
            lambda: _QuantilesCollector(bins, whole, shape, generations, replicates), replicates
        )

    def bytes(self, size: int, replicates: int) -> int:
        """A count in each of as many bins as are likely to be filled by any position."""
        return 8 * size * min(ROOM, size * replicates)

    def _bins(self) -> FloatBins:
        return FloatBins.within(self.relative_error, jnp.result_type(float))


class _QuantilesCollector(Collector):
    """Counts `[bin, position]` of the bins seen so far, as they came."""

    def __init__(
        self, bins: FloatBins, whole: bool, shape: tuple[int, ...], generations: np.ndarray, replicates: int
    ):
        self.bins, self.whole, self.shape, self.generations = bins, whole, shape, generations
        self.replicates, self.positions = replicates, int(np.prod(shape))
        self.numbers, self.counts = np.zeros(1, np.int32), np.zeros((1, self.positions), np.int64)

    def _rows(self) -> np.ndarray:
        """The row of each bin, -1 of those that were not seen: made when it is wanted, for it is large."""
        rows = np.full(2 * self.bins.last + 5, -1, np.intp)
        # a bin's number is its index: negative ones count from the end, as they do in Python
        rows[self.numbers] = np.arange(len(self.numbers))
        return rows

    def add(self, first: int, summary: np.ndarray, count: int | None = None) -> None:
        lanes, row = summary.reshape(self.positions, -1)[:, : self.replicates - first], self._rows()
        rows = row[lanes]
        if rows.size and rows.min() < 0:
            new = rows < 0
            self._append(np.unique(lanes[new]).astype(np.int32))
            rows[new] = self._rows()[lanes[new]]
        rows *= self.positions
        rows += np.arange(self.positions)[:, None]
        np.add.at(self.counts.reshape(-1), rows.reshape(-1), 1)

    def _append(self, numbers: np.ndarray) -> None:
        self.numbers = np.concatenate([self.numbers, numbers])
        nothing = np.zeros((len(numbers), self.positions), np.int64)
        self.counts = np.concatenate([self.counts, nothing])

    def state(self) -> dict[str, np.ndarray]:
        return {"numbers": self.numbers, "counts": self.counts.copy()}

    def merge(self, state: Mapping[str, np.ndarray]) -> None:
        taken = gathered(state, {"numbers": self.numbers[:0], "counts": self.counts[:0]})
        if not taken:
            return
        numbers, counts = taken["numbers"], taken["counts"]
        if len(numbers) != len(counts) or np.any(np.abs(numbers) > self.bins.last + 2):
            raise ValueError("the state's bins are not these: it was gathered for another relative error")
        self._append(np.sort(numbers[self._rows()[numbers] < 0]))
        self.counts[self._rows()[numbers]] += counts

    def finish(self) -> QuantilesEntry:
        finite = np.flatnonzero(np.abs(self.numbers) <= self.bins.last)
        finite = finite[np.argsort(self.numbers[finite])]
        lower, upper = self.bins.edges(self.numbers[finite], self.whole)
        counts = np.moveaxis(self.counts[finite].reshape(-1, *self.shape), 0, -1)
        infinity = self.bins.last + 1
        return QuantilesEntry(
            counts,
            lower,
            upper,
            nan=self._seen(infinity + 1),
            negative_infinite=self._seen(-infinity),
            positive_infinite=self._seen(infinity),
            generations=self.generations,
        )

    def _seen(self, number: int) -> np.ndarray:
        """How often a bin was seen that is none of the finite ones."""
        return self.counts[self.numbers == number].sum(axis=0).reshape(self.shape)
