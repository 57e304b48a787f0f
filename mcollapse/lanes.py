"""Functions of many lanes at once, for loops that vmap alone would not lay out well.

Under `vmap` the carry of a loop gets its lanes in front, where a processor cannot take neighbours together,
and the length of a loop may not differ from lane to lane. What is written for all lanes, with the lanes in
the last axis, decides both itself.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, ArrayLike


def over_lanes(function: Callable[..., Array]) -> Callable[..., Array]:
    """`function` of arrays with a last axis of lanes as a function of a single lane.

    Where all lanes share an array, its last axis has length 1; numbers are always repeated.
    Numbers in a lane must not depend on its neighbours; how long a loop runs may.
    """

    @custom_vmap
    def single(*arguments: ArrayLike) -> Array:
        return function(*(jnp.asarray(argument)[..., None] for argument in arguments))[..., 0]

    @single.def_vmap
    def _(size: int, batched: list[bool], *arguments: ArrayLike) -> tuple[Array, bool]:
        lanes = [_lanes_last(size, one, argument) for one, argument in zip(batched, arguments, strict=True)]
        result = function(*lanes)
        return jnp.moveaxis(jnp.broadcast_to(result, (*result.shape[:-1], size)), -1, 0), True

    return jax.jit(single)  # traced once for each shape, however often it is drawn


def _lanes_last(size: int, batched: bool, argument: ArrayLike) -> Array:
    argument = jnp.asarray(argument)
    if batched:
        return jnp.moveaxis(argument, 0, -1)
    # An array that all lanes share stays one; a number is cheap.
    return jnp.broadcast_to(argument, (size,)) if argument.ndim == 0 else argument[..., None]


@custom_vmap
def _most(value: Array) -> Array:
    return value


@_most.def_vmap
def _(size: int, batched: list[bool], value: Array) -> tuple[Array, bool]:
    return _most(jnp.max(value, axis=0)), False


def most(values: Array) -> Array:
    """The largest value in any lane, inside `over_lanes` and any vmap around it: for conditions of loops."""
    return _most(jnp.max(values))


@custom_vmap
def lanes_last(numbers: list) -> Array:
    """An array of nested lists of numbers. `jax.vmap` would stack with the lanes first, which is slow."""
    return _nested_stack(numbers)


@lanes_last.def_vmap
def _(lanes: int, batched: list, numbers: list) -> tuple[Array, bool]:
    per_lane = jax.tree.map(
        lambda number, is_batched: number if is_batched else jnp.broadcast_to(number, (lanes,)),
        numbers,
        batched[0],
    )
    return jnp.moveaxis(_nested_stack(per_lane), -1, 0), True


def _nested_stack(numbers: list | Array) -> Array:
    return jnp.stack([_nested_stack(part) for part in numbers]) if isinstance(numbers, list) else numbers


def frequencies(labels: Array, present: Array, categories: int) -> Array:
    """How often each category is among the labels that are present (1, or 0); none may be out of range."""

    @custom_vmap
    def single(labels: Array, present: Array) -> Array:
        return jnp.zeros(categories, present.dtype).at[labels].add(present, mode="promise_in_bounds")

    # One table for all lanes: XLA's scatter of a batch looks up two indices for every label.
    @single.def_vmap
    def _(size: int, batched: list[bool], labels: Array, present: Array) -> tuple[Array, bool]:
        both = (labels, present)
        shape = (size, present.shape[-1])
        labels, present = (jnp.broadcast_to(part, shape) for part in both)
        places = labels + categories * jnp.arange(size, dtype=labels.dtype)[:, None]
        flat = jnp.zeros(size * categories, present.dtype)
        flat = flat.at[places.reshape(-1)].add(present.reshape(-1), mode="promise_in_bounds")
        return flat.reshape(size, categories), True

    return single(labels, present)
