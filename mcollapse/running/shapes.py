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

Shapes = dict[str, jax.ShapeDtypeStruct]


def value_shapes(experiment: Experiment, start: Start) -> Shapes:
    """Shape of every metric of one replicate, with a leading axis of 1; under "" the state's size.

    Tracing generation 0 here also raises what is wrong in a metric before anything is compiled. It is
    done once for experiments that differ in numbers only.
    """
    arrays, identity = parted(experiment)
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), arrays)
    leaves, structure = jax.tree.flatten(shapes)
    return _traced_shapes(identity, structure, tuple(leaves), start)


@functools.lru_cache(maxsize=256)
def _traced_shapes(identity: Identity, structure: Any, leaves: tuple[Any, ...], start: Start) -> Shapes:
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
    numbers = sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(state))
    # a step holds about eight arrays of the state's size at once, and a few buffers of a batch's rows
    rows = identity.tree.process.rows
    return values | {"": jax.ShapeDtypeStruct((8 * numbers + 6 * rows,), jnp.float32)}
