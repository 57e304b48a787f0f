"""The contract of a metric that draws: most are plain functions of family, parameters and truth."""

import abc

import equinox as eqx
from jaxtyping import Array

from mcollapse.families.base import AbstractFamily, Params, Truth
from mcollapse.random import Key


class AbstractMetric(eqx.Module):
    """A metric with a key: what it draws depends on the replicate and the generation alone."""

    @abc.abstractmethod
    def __call__(self, key: Key, family: AbstractFamily, params: Params, truth: Truth) -> Array:
        """The number, or the array, of one replicate."""
