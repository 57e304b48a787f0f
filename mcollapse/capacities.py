"""What is fixed of a recursive training before its program is made."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from mcollapse.checks import Start
from mcollapse.data import Batch
from mcollapse.families.base import AbstractFamily, Params, Truth


class Capacities(eqx.Module):
    """Static numbers of a planned process: how many generations, and rows per batch and pool."""

    generations: int = eqx.field(static=True)
    start: Start = eqx.field(static=True)
    rows: int = eqx.field(static=True)
    pool_rows: int = eqx.field(static=True)
    as_rows: bool = eqx.field(static=True)
    model: AbstractFamily | None = None
    """The family's other form, where models are kept as samples."""

    seen: int = eqx.field(static=True, default=0)
    """How many numbers a metric then sees."""


def rounded_up(size: int) -> int:
    """To a number of three bits: at most a quarter more, and few programs for many sizes."""
    step = 1 << max(0, (size - 1).bit_length() - 3)
    return -(-size // step) * step


def numbers_of(truth: Truth | Params) -> int:
    """How many numbers the parameters of a truth are."""
    params = truth.params if isinstance(truth, Truth) else truth
    return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(params))


def alike_pools(pools: list[Any]) -> list[Any]:
    """Static numbers that planning filled in, raised to the largest of any."""
    derived = [
        f.name for f in dataclasses.fields(pools[0]) if f.metadata.get("derived") and f.metadata.get("static")
    ]
    largest = {name: max(getattr(pool, name) for pool in pools) for name in derived}
    return [dataclasses.replace(pool, **largest) for pool in pools]


def merged_parts(first: Batch | None, later: Batch) -> Batch:
    """A zero batch with every part that ever comes."""
    real = later.real if first is None or later.real is not None else first.real
    return Batch(real, later.synthetic, jnp.zeros(()), one_buffer=later.one_buffer)


def drawn_leaves(settled: AbstractFamily, family: AbstractFamily) -> AbstractFamily:
    """What settling drew: arrays that the family did not have before."""
    return jax.tree.map(
        lambda new, old: None if new is old else new, settled, family, is_leaf=lambda leaf: leaf is None
    )
