"""The contract of an estimator: from the data of a generation to the next model."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import AbstractStatistics, Batch
from mcollapse.families.base import AbstractFamily, Params
from mcollapse.random import Key

Carry = Any


class AbstractEstimator(eqx.Module):
    """How a model is fitted, possibly with a memory (`carry`) from generation to generation.

    `reads` says what it consumes. One that reads `AbstractStatistics` is given rows only by a family
    that has no statistics; one that reads `Samples` is always given rows.
    """

    reads: ClassVar[type] = AbstractStatistics
    remembers: ClassVar[bool] = False
    """Whether it keeps all batches from the real one of generation 0 on itself: then the pool is `Newest`."""

    def planned(self, generations: int) -> "AbstractEstimator":
        """Host: the estimator with its schedules tabulated."""
        del generations
        return self

    def init(self, family: AbstractFamily, params: Params) -> Carry:
        """The memory before the first fit."""
        del family, params
        return None

    @abc.abstractmethod
    def fit(
        self,
        key: Key,
        family: AbstractFamily,
        batch: Batch,
        previous: Params,
        carry: Carry,
        t: Int[Array, ""],
    ) -> tuple[Params, Carry, Int[Array, ""]]:
        """Parameters, memory and status (`mcollapse.Status`) after the fit of generation `t`."""

    def check(self, family: AbstractFamily) -> None:
        """Raise `ValueError` where the family gives this estimator no meaning."""

    def check_parts(self, family: AbstractFamily, parts: tuple[np.ndarray, ...] | None) -> None:
        """Host: raise `ValueError` where a part of a batch is too small to be fitted by itself.

        `parts` has the points of each part by generation, and is `None` where their numbers are random.
        """

    def fewest(self, family: AbstractFamily) -> int:
        """The fewest points that a fit needs."""
        return family.fewest(0)
