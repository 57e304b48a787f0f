"""The program that one device runs: a chunk of replicates, over a segment of generations.

It is vmapped over the cells of a sweep and over lanes (one replicate each), with lanes the minor axis of
every array unless the process keeps buffers of rows. It scans the recorded generations with a loop over
those between: the step always runs in a loop body of its own, so that neither what is recorded nor how
the generations are cut can change a bit of it.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from mcollapse.abstract_process import AbstractProcess
from mcollapse.checks import Start
from mcollapse.families.base import Truth
from mcollapse.noise import noise_first, plain
from mcollapse.once import once
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

    part: Literal["whole", "start", "segment"] = "whole"
    """Of the run: all of it, generation 0, or some generations after what is carried."""


class Addresses(eqx.Module):
    """Which replicates a chunk runs, and where it stops to record."""

    words: tuple[UInt32[Array, " lanes"], UInt32[Array, " lanes"]]
    first: UInt32[Array, ""]
    replicates: Int[Array, ""]
    stops: Int[Array, " recorded"]
    """Generations at which values are recorded, and the last: statuses and hitting times look at all."""
    wanted: Bool[Array, " recorded"]
    """Which of the stops are to be gone to, all unless the run is cut into segments."""


class Carried(eqx.Module):
    """What a segment of generations hands on to the next."""

    lanes: Any
    """The states, and where noise is drawn a generation ahead that noise: see `mcollapse.noise`."""
    seen: dict[str, Any]
    """The carries of reducers that look at every generation."""
    t: Int[Array, ""]
    """The last generation that is done."""


def run_chunk(
    experiment: Experiment, addresses: Addresses, carried: Carried | None, layout: Layout
) -> dict[str, Any]:
    """The part of a run that `layout.part` says; a sweep's cells lead in all that it returns.

    Of `"whole"` and `"segment"` summaries of every record and the status of every lane; of `"start"` and
    `"segment"` what is carried on.
    """

    def run(cell: Experiment, carried: Carried | None) -> dict[str, Any]:
        chunk = _Chunk(cell, addresses, layout)
        if layout.part == "start":
            return {"carried": chunk.start()}
        return chunk.go_on(chunk.start() if carried is None else carried)

    return _over_cells(run, experiment, carried, layout)


def _over_cells(
    run: Callable[[Experiment, Any], dict[str, Any]], experiment: Experiment, carried: Any, layout: Layout
) -> dict[str, Any]:
    if layout.axes is None:
        return run(experiment, carried)
    leaves, structure = jax.tree.flatten(eqx.filter(experiment, eqx.is_array))
    rest = eqx.filter(experiment, eqx.is_array, inverse=True)

    def cell(carried: Any, *leaves: Array) -> dict[str, Any]:
        return run(eqx.combine(jax.tree.unflatten(structure, leaves), rest), carried)

    return jax.vmap(cell, in_axes=(0, *layout.axes))(carried, *leaves)


class _Chunk:
    """The lanes of one cell."""

    def __init__(self, experiment: Experiment, addresses: Addresses, layout: Layout):
        self.experiment, self.addresses, self.layout = experiment, addresses, layout
        process, truth, axis = experiment.process, experiment.truth, experiment.process.lanes_axis

        def start(words: tuple[Array, ...]) -> State:
            return process.init(_key(words, layout.draws), truth, layout.start)

        def step(state: State, words: tuple[Array, ...], t: Array) -> State:
            return process.step(_key(words, layout.draws), state, truth, t)

        loop = (noise_first if layout.noise_first else plain)(start, step)
        self.first_lanes = jax.vmap(loop.begin, in_axes=0, out_axes=axis)
        self.advance = jax.vmap(loop.advance, in_axes=(axis, 0, None), out_axes=axis)
        self.states = jax.vmap(loop.state, in_axes=axis, out_axes=axis)
        records = experiment.records
        self.watched = {n: r for n, r in records.items() if r.reduce.every_generation}
        self.recorded = {n: r for n, r in records.items() if n not in self.watched}

    def start(self) -> Carried:
        zero = jnp.zeros((), jnp.int32)
        lanes = self.first_lanes(self.addresses.words)
        state = self.states(lanes)
        seen = {n: r.reduce.init(self.measure(r, state, zero)) for n, r in self.watched.items()}
        # numbers that were on a disk have forgotten whether they began as constants
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, leaf.dtype), Carried(lanes, seen, zero))

    def go_on(self, carried: Carried) -> dict[str, Any]:
        ids = self.addresses.first + jnp.arange(self.layout.lanes, dtype=jnp.uint32)
        present = ids < self.addresses.replicates.astype(jnp.uint32)

        def summaries(state: State, stop: Array) -> dict[str, Any]:
            # once: fused with what reduces them, values would round otherwise for another number of lanes
            values = once(lambda: {n: self.measure(r, state, stop) for n, r in self.recorded.items()})
            return {n: self.recorded[n].reduce.summarise(v, present) for n, v in values.items()}

        def until(carried: Carried, stop: Array) -> tuple[Carried, dict[str, Any]]:
            lanes, seen = jax.lax.fori_loop(
                carried.t + 1, stop + 1, self.generation, (carried.lanes, carried.seen)
            )
            return Carried(lanes, seen, stop), summaries(self.states(lanes), stop)

        def until_wanted(carried: Carried, stop: tuple[Array, Array]) -> tuple[Carried, dict[str, Any]]:
            # a segment has room for more stops than it may use
            nothing = jax.eval_shape(lambda c: until(c, stop[0])[1], carried)
            return jax.lax.cond(
                stop[1],
                lambda c: until(c, stop[0]),
                lambda c: (c, jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), nothing)),
                carried,
            )

        stops = self.addresses.stops
        if self.layout.part == "whole":
            carried, found = jax.lax.scan(until, carried, stops)
        else:
            carried, found = jax.lax.scan(until_wanted, carried, (stops, self.addresses.wanted))
        found |= {n: r.reduce.summarise(carried.seen[n], present) for n, r in self.watched.items()}
        out = {"records": found, "status": self.states(carried.lanes).status.astype(jnp.int8)}
        return out | ({"carried": carried} if self.layout.part == "segment" else {})

    def generation(self, t: Array, carry: tuple[Any, dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
        lanes = self.advance(carry[0], self.addresses.words, t)
        state = self.states(lanes)
        return lanes, {
            n: r.reduce.observe(carry[1][n], self.measure(r, state, t), t) for n, r in self.watched.items()
        }

    def measure(self, record: Record, state: State, t: Array) -> Array:
        process, truth, draws = self.experiment.process, self.experiment.truth, self.layout.draws

        def one(state: State, words: tuple[Array, ...]) -> Array:
            return process.measure(Key.of(_key(words, draws), t), record.metric, state, truth)

        return jax.vmap(one, in_axes=(process.lanes_axis, 0), out_axes=-1)(state, self.addresses.words)


@jax.jit
def replicate_words(root: UInt32[Array, "2"], ids: UInt32[Array, " lanes"]) -> tuple[Array, Array]:
    """The key words of replicates: those of `jax.random.fold_in(root, id)`, bit for bit.

    A program of its own: fused with the first draw, the two ciphers together keep some versions of XLA
    compiling for minutes.
    """
    return block(root[0], root[1], jnp.uint32(0), ids)


def _key(words: tuple[Array, ...], draws: str) -> Key:
    return Key((words[0], words[1]), jnp.zeros((), jnp.uint32), 0, draws)


@functools.partial(jax.jit, static_argnames=("identity", "layout"))
def compiled_chunk(
    arrays: Any, addresses: Addresses, carried: Carried | None, identity: "Identity", layout: Layout
) -> dict[str, Any]:
    """`run_chunk` compiled: identity and layout are its compile-time key, all else is traced."""
    return run_chunk(eqx.combine(arrays, identity.tree), addresses, carried, layout)


def segment_structure(experiment: Experiment, layout: Layout) -> tuple[Carried, dict[str, Any]]:
    """Shapes of what a segment hands on, and of the summaries of one that records a single generation."""
    word = jax.ShapeDtypeStruct((layout.lanes,), np.uint32)
    whole, stop = jax.ShapeDtypeStruct((), np.int32), jax.ShapeDtypeStruct((1,), np.int32)
    first, wanted = jax.ShapeDtypeStruct((), np.uint32), jax.ShapeDtypeStruct((1,), np.bool_)
    addresses = Addresses((word, word), first, whole, stop, wanted)  # type: ignore[arg-type]
    arrays, identity = parted(experiment)

    def shapes(part: Any, carried: Any) -> Any:
        return jax.eval_shape(
            lambda *given: compiled_chunk(*given, identity, dataclasses.replace(layout, part=part)),
            arrays, addresses, carried,
        )  # fmt: skip

    carried = shapes("start", None)["carried"]
    return carried, shapes("segment", carried)["records"]


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


def parted(experiment: eqx.Module) -> tuple[Any, Identity]:
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
