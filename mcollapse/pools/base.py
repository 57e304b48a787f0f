"""The contract of a pool: which data so far is a model trained on?"""

import abc
import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.families.base import AbstractFamily
from mcollapse.random import Key
from mcollapse.schedules import DERIVED, LARGEST_INT32, Table

State = Any


class AbstractPool(eqx.Module):
    """What is kept of past batches, and which of it the next fit sees.

    On statistics a pool is a running merge. On rows it is a buffer of static capacity, and where a batch
    lies in it depends on the generation alone (`starts`), so that no offset is carried.
    """

    starts: Table | None = eqx.field(default=None, kw_only=True, metadata=DERIVED)
    """The row where each generation's points begin, and the end of the last; `planned` fills it in."""

    keeps_real: ClassVar[bool] = False
    """Whether the pool is made of generation 0's real points, so that `start="truth"` means nothing."""

    fixes_sizes: ClassVar[bool] = False
    """Whether it must know before the run how many points there are."""

    def planned(self, batch_sizes: np.ndarray, start: str, as_rows: bool) -> "AbstractPool":
        """Host: the pool with its schedules tabulated, for batches of these sizes, drawn as rows or not."""
        del as_rows
        return dataclasses.replace(self, starts=starts_of(batch_sizes, start))

    def needs_rows(self, family: AbstractFamily) -> bool:
        """Whether statistics are not enough for this family."""
        del family
        return False

    def fitted_sizes(self, batch_sizes: np.ndarray, start: str) -> np.ndarray:
        """Host: how many points each generation is fitted to; the batch, unless the pool keeps more."""
        del start
        return batch_sizes

    def capacity(self, batch: int) -> int:
        """Host: rows kept by a planned pool, where a batch's buffer has `batch` rows; a power of two."""
        del batch
        return 0

    @abc.abstractmethod
    def init(self, batch: Batch, capacity: int) -> State:
        """The empty pool; `batch` is a zero batch with every part that will ever come."""

    @abc.abstractmethod
    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """The pool with `batch` of generation `t` in it, and the data to train on."""


def starts_of(batch_sizes: np.ndarray, start: str) -> Table:
    """Where the points of each generation begin in a buffer without gaps."""
    kept = batch_sizes.astype(np.int64)
    if start == "truth":
        kept = np.concatenate([[0], kept[1:]])
    ends = np.cumsum(kept)
    if ends[-1] > LARGEST_INT32:
        raise ValueError(
            f"the pool would hold {ends[-1]:,} points, more than an int32 counts ({LARGEST_INT32:,}): run "
            "fewer generations, use smaller sizes, or keep less with pools.Newest()"
        )
    return Table(np.concatenate([[0], ends]).astype(np.int32), role="count")
