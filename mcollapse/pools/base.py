"""The contract of a pool: which data so far is a model trained on?"""

import abc
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.families.base import AbstractFamily
from mcollapse.random import Key

State = Any


class AbstractPool(eqx.Module):
    """What is kept of past batches, and which of it the next fit sees.

    On statistics a pool is a running merge. On rows it is a buffer of static capacity, and the slot of
    a batch depends on the generation alone, so that no offset is carried.
    """

    keeps_real: ClassVar[bool] = False
    """Whether the pool is made of generation 0's real points, so that `start="truth"` means nothing."""

    def planned(self, generations: int, start: str) -> "AbstractPool":
        """Host: the pool with its schedules tabulated."""
        del generations, start
        return self

    def needs_rows(self, family: AbstractFamily) -> bool:
        """Whether statistics are not enough for this family."""
        del family
        return False

    def capacity(self, batch: int, generations: int) -> int:
        """Host: rows kept, where a batch has `batch` rows."""
        del batch, generations
        return 0

    @abc.abstractmethod
    def init(self, batch: Batch, capacity: int) -> State:
        """The empty pool; `batch` is a zero batch with every part that will ever come."""

    @abc.abstractmethod
    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """The pool with `batch` of generation `t` in it, and the data to train on."""
