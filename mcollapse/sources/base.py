"""The contract of a source: where do the new points of a generation come from?"""

import abc
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.decoders import AbstractDecoder
from mcollapse.draw import Draw
from mcollapse.families.base import AbstractFamily, Params
from mcollapse.random import Key

State = Any


class AbstractSource(eqx.Module):
    """How a batch is made of real and synthetic points; it may remember past models (`State`)."""

    def planned(self, generations: int, sizes: np.ndarray) -> "AbstractSource":
        """Host: the source with its schedules tabulated for `sizes` n_0 … n_T."""
        del generations, sizes
        return self

    def most(self, sizes: np.ndarray, generations: int) -> int:
        """Host: the most points that any batch after generation 0 holds."""
        return int(np.max(self.batch_sizes(sizes)[1:], initial=1))

    def batch_sizes(self, sizes: np.ndarray) -> np.ndarray:
        """Host: how many points the batch of each generation holds; n_t unless the source says both parts."""
        return sizes

    def check(self, family: AbstractFamily, decoder: AbstractDecoder) -> None:
        """Raise `ValueError` where this source cannot draw from models of the family, decoded so."""

    def parts(self, sizes: np.ndarray) -> tuple[np.ndarray, ...] | None:
        """Host: how many points each draw of a batch asks for, by generation; `None` where that is random."""
        del sizes
        return None

    def real_shares(self, generations: int) -> np.ndarray | None:
        """Host: the share of fresh real points at 0 … `generations`, where each is one by its own coin."""
        del generations
        return None

    @property
    def fixes_sizes(self) -> bool:
        """Whether `planned` reads the sizes, so that they cannot depend on the model."""
        return False

    def init(self, family: AbstractFamily, params: Params, generations: int) -> State:
        """The memory before generation 1; `params` is the model of generation 0."""
        del family, params, generations
        return None

    @abc.abstractmethod
    def draw(
        self, key: Key, draw: Draw, state: State, previous: Params, count: Int[Array, ""], t: Int[Array, ""]
    ) -> Batch:
        """The batch of generation `t`, `count` points of it by the process's sizes."""

    def remember(self, family: AbstractFamily, state: State, params: Params, t: Int[Array, ""]) -> State:
        """The memory after the model of generation `t` is fitted."""
        del family, params, t
        return state
