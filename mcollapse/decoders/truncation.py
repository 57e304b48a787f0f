"""Truncation of a table: the likeliest symbols alone, by their number or by their mass."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse.decoders.base import AbstractDecoder
from mcollapse.families.base import AbstractFamily, Params, require
from mcollapse.schedules import number
from mcollapse.whole_numbers import check_whole, whole


class Top(AbstractDecoder):
    """The `symbols` likeliest symbols alone ("top-k"), each with its share of their mass.

    Of symbols that are equally likely at the limit, the first ones are kept. Source: Dohmatob et al. (2024,
    arXiv 2402.07043).
    """

    symbols: int = eqx.field(static=True, converter=whole)

    def __check_init__(self):
        """At least one symbol is left."""
        check_whole("symbols of Top", self.symbols)

    def decode(self, family: AbstractFamily, params: Params, t: Int[Array, ""]) -> Params:
        """The table without its tail."""
        table = _table(family, params)
        return _kept(family, table, _ranks(table) < self.symbols)

    def check(self, family: AbstractFamily) -> None:
        """Only a table has likeliest symbols."""
        _check(self, family)


class Nucleus(AbstractDecoder):
    """The fewest likeliest symbols whose mass is at least `mass` ("top-p")."""

    mass: np.ndarray = eqx.field(converter=number)

    def __check_init__(self):
        """A mass lies in (0, 1]."""
        if isinstance(self.mass, np.ndarray) and not np.all((self.mass > 0) & (self.mass <= 1)):
            raise ValueError(f"Nucleus keeps a mass in (0, 1], got {self.mass:g}")

    def decode(self, family: AbstractFamily, params: Params, t: Int[Array, ""]) -> Params:
        """The table without its tail."""
        table = _table(family, params)
        falling = -jnp.sort(-table)
        before = jnp.cumsum(falling, axis=-1) - falling
        inside = before < jnp.asarray(self.mass, table.dtype)
        return _kept(family, table, jnp.take_along_axis(inside, _ranks(table), axis=-1))

    def check(self, family: AbstractFamily) -> None:
        """Only a table has likeliest symbols."""
        _check(self, family)


def _ranks(table: Float[Array, "*contexts symbols"]) -> Int[Array, "*contexts symbols"]:
    order = jnp.argsort(-table, stable=True)
    ranks = jnp.broadcast_to(jnp.arange(table.shape[-1], dtype=order.dtype), table.shape)
    return jnp.put_along_axis(order, order, ranks, axis=-1, inplace=False)


def _table(family: AbstractFamily, params: Params) -> Float[Array, "*contexts symbols"]:
    return family.probabilities(params)


def _kept(family: AbstractFamily, table: Array, kept: Array) -> Params:
    left = jnp.where(kept, table, 0.0)
    return family.with_probabilities(left / jnp.sum(left, axis=-1, keepdims=True))


def _check(decoder: AbstractDecoder, family: AbstractFamily) -> None:
    wanted = f"decoders.{type(decoder).__name__} truncates a table"
    remedy = "use it with families.Categorical, NextToken or Bernoulli, or use decoders.Temperature"
    require(family, "with_probabilities", wanted, remedy)
