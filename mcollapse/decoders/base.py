"""The contract of a decoder: which law are a model's points drawn from?"""

import abc

import equinox as eqx
import numpy as np
from jaxtyping import Array, Int

from mcollapse.families.base import AbstractFamily, Params
from mcollapse.schedules import AbstractSchedule, Table


class AbstractDecoder(eqx.Module):
    """What is done to a model before it is sampled: sharpened, truncated, made less varied.

    Real points come from the truth as it is, and metrics see the model as it was fitted. With `start="truth"`
    the truth is the first model, whose points are decoded like any other's.
    """

    def planned(self, generations: int) -> "AbstractDecoder":
        """Host: the decoder with its schedules tabulated."""
        del generations
        return self

    @abc.abstractmethod
    def decode(self, family: AbstractFamily, params: Params, t: Int[Array, ""]) -> Params:
        """The parameters of the law that points of generation `t` are drawn from."""

    def check(self, family: AbstractFamily) -> None:
        """Raise `ValueError` where the family gives this decoder no meaning."""


def positive_table(schedule: AbstractSchedule, generations: int, what: str) -> Table:
    """Host: a schedule as a table; what is not positive after generation 0 is refused."""
    table = schedule.planned(generations, "truth")
    wrong = np.flatnonzero(~(table.values[1:] > 0))
    if wrong.size:
        value = table.values[1 + wrong[0]]
        raise ValueError(f"a {what} is above 0, got {value:g} at generation {1 + wrong[0]}")
    return table
