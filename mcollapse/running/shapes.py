"""What a run will record, and how much of it, found by tracing generation 0."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from mcollapse.checks import Start
from mcollapse.program import Experiment, Identity, parted
from mcollapse.random import Key
from mcollapse.running.needs import Size

Shapes = dict[str, jax.ShapeDtypeStruct]


def value_shapes(experiment: Experiment, start: Start) -> tuple[Shapes, Size]:
    """Shape of every metric of one replicate, with a leading axis of 1; and the size of its state.

    Tracing generation 0 here also raises what is wrong in a metric before anything is compiled. It is
    done once for experiments that differ in numbers only.
    """
    arrays, identity = parted(experiment)
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), arrays)
    leaves, structure = jax.tree.flatten(shapes)
    return _traced_shapes(identity, structure, tuple(leaves), start)


@functools.lru_cache(maxsize=256)
def _traced_shapes(
    identity: Identity, structure: Any, leaves: tuple[Any, ...], start: Start
) -> tuple[Shapes, Size]:
    def one_replicate(arrays: Any) -> tuple[Any, dict[str, Array]]:
        experiment = eqx.combine(arrays, identity.tree)
        key = Key.of(jax.random.key(0))
        state = experiment.process.init(key, experiment.truth, start)
        measured = {
            n: experiment.process.measure(key, r.metric, state, experiment.truth)[None]
            for n, r in experiment.records.items()
        }
        return state, measured

    state, values = jax.eval_shape(one_replicate, jax.tree.unflatten(structure, leaves))
    for name, value in values.items():
        if not jnp.issubdtype(value.dtype, jnp.number) and value.dtype != bool:
            raise ValueError(f"the metric {name!r} returns {value.dtype}, which is no number")
    rows, (numbers, size) = identity.tree.process.rows, _size(state)
    pool = _size(getattr(state, "pool", ()))[1]
    # a step holds about eight arrays of the state's size at once, and a few buffers of a batch's rows
    return values, Size(size, pool, rows, step_numbers=8 * numbers + 6 * rows)


def _size(tree: Any) -> tuple[int, int]:
    """How many numbers, and how many bytes they are."""
    leaves = [(int(np.prod(leaf.shape)), leaf.dtype.itemsize) for leaf in jax.tree.leaves(tree)]
    return sum(count for count, _ in leaves), sum(count * width for count, width in leaves)
