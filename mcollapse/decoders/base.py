"""The contract of a decoder: which law are a model's points drawn from?"""

import abc

import equinox as eqx
from jaxtyping import Array, Int

from mcollapse.families.base import AbstractFamily, Params


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
