"""The program that one device runs: a chunk of replicates, from generation 0 to the last.

`one_chunk` is vmapped over the cells of a sweep and over lanes (one replicate each), with lanes the
minor axis of every array unless the process keeps buffers of rows. It scans the recorded generations
with a loop over those between: the step always runs in a loop body of its own, so that what is recorded
cannot change a bit of it.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, UInt32

from mcollapse.abstract_process import AbstractProcess
from mcollapse.checks import Start
from mcollapse.families.base import Truth
from mcollapse.noise import noise_first, plain
from mcollapse.process import State
from mcollapse.random import Key
from mcollapse.random.threefry import block
from mcollapse.recording import Record

Records = dict[str, Record]


class Experiment(eqx.Module):
    """All that a program is given but keys: its array leaves are traced, the rest is its identity."""

    process: AbstractProcess
    truth: Truth
    records: Records


@dataclasses.dataclass(frozen=True)
class Layout:
    """Static shape of a program."""

    lanes: int
    start: Start
    axes: tuple[int | None, ...] | None = None
    """For a sweep, the axis of each array leaf that runs over cells, `None` where all cells agree."""

    draws: str = "fast"
    """Whose random draws: ours, `"fast"`, or those of `"jax"`."""

    noise_first: bool = False
    """Whether the noise of a generation is computed one ahead: for a CPU, see `mcollapse.noise`."""


class Addresses(eqx.Module):
    """Which replicates a chunk runs, and where it stops to record."""

    words: tuple[UInt32[Array, " lanes"], UInt32[Array, " lanes"]]
    first: UInt32[Array, ""]
    replicates: Int[Array, ""]
    stops: Int[Array, " recorded"]
    """Generations at which values are recorded, and the last: statuses and hitting times look at all."""


def one_chunk(experiment: Experiment, addresses: Addresses, layout: Layout) -> dict[str, Any]:
    """Summaries of every record and the status of every lane; a sweep's cells lead."""
    if layout.axes is None:
        return _one_cell(experiment, addresses, layout)
    leaves, structure = jax.tree.flatten(eqx.filter(experiment, eqx.is_array))
    rest = eqx.filter(experiment, eqx.is_array, inverse=True)

    def cell(*leaves: Array) -> dict[str, Any]:
        return _one_cell(eqx.combine(jax.tree.unflatten(structure, leaves), rest), addresses, layout)

    return jax.vmap(cell, in_axes=layout.axes)(*leaves)


def _one_cell(experiment: Experiment, addresses: Addresses, layout: Layout) -> dict[str, Any]:
    process, truth, records = experiment.process, experiment.truth, experiment.records
    ids = addresses.first + jnp.arange(layout.lanes, dtype=jnp.uint32)
    present = ids < addresses.replicates.astype(jnp.uint32)
    words = addresses.words
    axis = process.lanes_axis
    watched = {name: record for name, record in records.items() if record.reduce.every_generation}
    recorded = {name: record for name, record in records.items() if name not in watched}

    def start(words: tuple[Array, ...]) -> State:
        return process.init(_key(words, layout.draws), truth, layout.start)

    def measure(record: Record, state: State, t: Array) -> Array:
        def one(state: State, words: tuple[Array, ...]) -> Array:
            return process.measure(Key.of(_key(words, layout.draws), t), record.metric, state, truth)

        return jax.vmap(one, in_axes=(axis, 0), out_axes=-1)(state, words)

    def step(state: State, words: tuple[Array, ...], t: Array) -> State:
        return process.step(_key(words, layout.draws), state, truth, t)

    loop = (noise_first if layout.noise_first else plain)(start, step)

    def generation(t: Array, carry: tuple[Any, dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
        lanes = jax.vmap(loop.advance, in_axes=(axis, 0, None), out_axes=axis)(carry[0], words, t)
        state, seen = states(lanes), carry[1]
        return lanes, {n: r.reduce.observe(seen[n], measure(r, state, t), t) for n, r in watched.items()}

    def until(carry: tuple[Any, dict[str, Any], Array], stop: Array) -> tuple[Any, dict[str, Any]]:
        lanes, seen = jax.lax.fori_loop(carry[2] + 1, stop + 1, generation, carry[:2])
        state = states(lanes)
        values = {n: r.reduce.summarise(measure(r, state, stop), present) for n, r in recorded.items()}
        return (lanes, seen, stop), values

    zero = jnp.zeros((), jnp.int32)
    states = jax.vmap(loop.state, in_axes=axis, out_axes=axis)
    lanes = jax.vmap(loop.begin, in_axes=0, out_axes=axis)(words)
    seen = {n: r.reduce.init(measure(r, states(lanes), zero)) for n, r in watched.items()}
    (lanes, seen, _), summaries = jax.lax.scan(until, (lanes, seen, zero), addresses.stops)
    summaries |= {n: r.reduce.summarise(seen[n], present) for n, r in watched.items()}
    return {"records": summaries, "status": states(lanes).status.astype(jnp.int8)}


@jax.jit
def replicate_words(root: UInt32[Array, "2"], ids: UInt32[Array, " lanes"]) -> tuple[Array, Array]:
    """The key words of replicates: those of `jax.random.fold_in(root, id)`, bit for bit.

    A program of its own: fused with the first draw, the two ciphers together keep some versions of XLA
    compiling for minutes.
    """
    return block(root[0], root[1], jnp.uint32(0), ids)


def _key(words: tuple[Array, ...], draws: str) -> Key:
    return Key((words[0], words[1]), jnp.zeros((), jnp.uint32), 0, draws)


run_chunk = jax.jit(
    lambda arrays, addresses, identity, layout: one_chunk(
        eqx.combine(arrays, identity.tree), addresses, layout
    ),
    static_argnames=("identity", "layout"),
)
"""`one_chunk` compiled: arrays and addresses are traced, identity and layout are its compile-time key."""


class Identity:
    """The part of an experiment that is no array, as a hashable compile-time key."""

    def __init__(self, tree: Any):
        self.tree = tree
        leaves, structure = jax.tree.flatten(tree)
        self.key = (structure, tuple(leaves))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.key == other.key


def parted(experiment: Experiment) -> tuple[Any, Identity]:
    """Array leaves in the program's precision, and the rest."""
    arrays, rest = eqx.partition(
        experiment, lambda leaf: isinstance(leaf, jax.Array | np.ndarray | np.generic)
    )
    return jax.tree.map(as_traced, arrays), Identity(rest)


def as_traced(leaf: Any) -> np.ndarray | jax.Array:
    """A host leaf in the dtype that the program uses: float64 becomes the default float, int64 int32."""
    if isinstance(leaf, jax.Array):
        return leaf
    array = np.asarray(leaf)
    return array.astype(jax.dtypes.canonicalize_dtype(array.dtype))
