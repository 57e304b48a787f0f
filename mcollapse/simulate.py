"""Replicates and generations: batches a process, cuts it into chunks and runs it on every device.

The numbers of a replicate depend on the key and its id alone: not on chunks, devices, what is
recorded, or how many replicates there are.
"""

import concurrent.futures
import dataclasses
import functools
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from mcollapse import metrics, planning
from mcollapse.abstract_process import AbstractProcess
from mcollapse.checks import Start
from mcollapse.compilation import PROGRAMS
from mcollapse.description import describe
from mcollapse.families.base import Params, Truth
from mcollapse.program import Addresses, Experiment, Identity, Layout, Records, parted, replicate_words
from mcollapse.progress import AbstractProgress, NoProgress
from mcollapse.random import Key
from mcollapse.recording import Record, resolve
from mcollapse.sweeping import alike, at_cell, stacked
from mcollapse.trajectories import Statistics, Trajectories, versions

Device = Any  # jax.Device, which is no type to a type checker


def simulate(
    process: AbstractProcess,
    truth: Truth | Params,
    *,
    key: PRNGKeyArray,
    generations: int,
    replicates: int,
    start: Start = "real",
    record: Mapping[str, Record] | None = None,
    chunk: int | None = None,
    devices: Sequence[Device] | int | None = None,
    progress: AbstractProgress | None = None,
    draws: str = "fast",
) -> Trajectories:
    """Run independent replicates of a process for `generations` steps after generation 0.

    Arguments:
        process: what is repeated, such as `RecursiveTraining`.
        truth: parameters of the process's family, or `Truth(family, params)` of another.
        key: a typed key, `jax.random.key(seed)`; replicate i lives under `fold_in(key, i)`.
        generations: steps t = 1 … T; a full record has T + 1 entries.
        replicates: how many independent trajectories.
        start: `"real"`, generation 0 is the fit to n_0 real points; `"truth"`, it is the truth itself.
        record: what to keep, by name; left out, the family's standard metrics as whole trajectories.
        chunk: the most replicates at once, rounded up to blocks of 128; left out, chosen by memory.
        devices: JAX devices, or how many of the local ones; left out, all of them. On a CPU a host
            thread a core drives them, however many JAX has been told of: as fast as a device a core,
            and compiled once.
        progress: a meter, such as `mcollapse.progress.TerminalProgress()`.
        draws: `"fast"`, those of `mcollapse.random`, accurate to the distances that they state; or `"jax"`,
            the same laws from `jax.random`, many times slower: other numbers, by another hand.

    Raises:
        ValueError: on anything wrong in the arguments, before anything is compiled.
    """
    return _run(
        process, truth, None, key, generations, replicates, start, record, chunk, devices, progress, draws
    )


def sweep(
    process: AbstractProcess,
    truth: Truth | Params,
    *,
    over: Mapping[str, Sequence[float]],
    key: PRNGKeyArray,
    generations: int,
    replicates: int,
    start: Start = "real",
    record: Mapping[str, Record] | None = None,
    chunk: int | None = None,
    devices: Sequence[Device] | int | None = None,
    progress: AbstractProgress | None = None,
    draws: str = "fast",
) -> Trajectories:
    """`simulate` for every combination of values in `over`, as one program and on the same keys.

    `over` maps paths of numbers to their values: `{"source.real_share": [0, 0.1], "sizes.scale": [50, 90]}`;
    paths that begin with `truth.` vary the truth's parameters; where they begin with `family.`, a truth of
    the process's own family stays of it. Each becomes a labelled axis of the result.
    Since cells share keys, differences between them are paired (common random numbers). A cell has the
    numbers of its own run, but for rounding; where categorical models could be kept as samples in some cells
    only (see `AbstractFamily.resampled`), they are in none.
    """
    grid = planning.Grid.of(over)
    return _run(
        process, truth, grid, key, generations, replicates, start, record, chunk, devices, progress, draws
    )


def _run(
    process: AbstractProcess,
    truth: Truth | Params,
    grid: planning.Grid | None,
    key: PRNGKeyArray,
    generations: int,
    replicates: int,
    start: Start,
    record: Mapping[str, Record] | None,
    chunk: int | None,
    devices: Sequence[Device] | int | None,
    progress: AbstractProgress | None,
    draws: str,
) -> Trajectories:
    begun = time.perf_counter()
    _check_numbers(process, generations, replicates, chunk)
    if draws not in ("fast", "jax"):
        raise ValueError(f'draws is "fast" (mcollapse.random) or "jax" (jax.random), got {draws!r}')
    generations, replicates = int(generations), int(replicates)
    true = process.checked_truth(truth, start)
    records = _records(process, record)
    if grid is None:
        experiment, axes, cells = _cell(process, true, records, {}, generations, start), None, 1
        first = experiment
    else:
        every = alike([_cell(process, true, records, cell, generations, start) for cell in grid.cells()])
        (experiment, axes), cells, first = stacked(every), len(every), every[0]
    job = _Job(
        experiment=experiment,
        axes=axes,
        shape=() if grid is None else grid.shape,
        root=_root(key),
        generations=generations,
        replicates=replicates,
        start=start,
        devices=_devices(devices),
        draws=draws,
    )
    values = _value_shapes(first, start)
    progress = progress or NoProgress()
    progress.start(replicates * cells, generations)
    try:
        entries, status, stats = _execute(job, values, chunk, progress)
    finally:
        progress.stop()
    stats = dataclasses.replace(stats, seconds=time.perf_counter() - begun)
    for entry in entries.values():
        entry.sweep_axes = () if grid is None else grid.axes
    attributes = {
        "process": describe(process),
        "truth_family": describe(true.family),
        "records": {name: describe(r) for name, r in records.items()},
        "generations": generations,
        "replicates": replicates,
        "start": start,
        "key": [int(word) for word in np.asarray(job.root)],
        "sweep": {} if grid is None else dict(zip(grid.axes, map(list, grid.values), strict=True)),
        "dtype": str(jnp.result_type(float)),
        "devices": [str(d) for d in job.devices],
        "platform": job.devices[0].platform,
        "draws": job.draws,
        **versions(),
    }
    return Trajectories(entries, status, attributes, true, process=process, records=records, stats=stats)


@dataclasses.dataclass(frozen=True)
class _Job:
    """What the host loop needs to know."""

    experiment: Experiment
    axes: tuple[int | None, ...] | None
    shape: tuple[int, ...]
    root: np.ndarray
    generations: int
    replicates: int
    start: Start
    devices: list[Device]
    draws: str

    @property
    def on_cpu(self) -> bool:
        """Whether the devices are CPUs."""
        return self.devices[0].platform == "cpu"

    @property
    def workers(self) -> int:
        """Host threads: one a device, and on a CPU one a core, since a core runs small kernels alone."""
        if not self.on_cpu:
            return len(self.devices)
        return max(len(self.devices), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def _execute(
    job: _Job, values: dict[str, jax.ShapeDtypeStruct], chunk: int | None, progress: AbstractProgress
) -> tuple[dict[str, Any], np.ndarray, Statistics]:
    records = job.experiment.records
    stops = _stops(records, job.generations)
    cells = int(np.prod(job.shape))
    recorded = sum(int(np.prod(v.shape[1:])) for v in values.values()) * len(stops)
    step_bytes = 4.0 * cells * values[""].shape[0]
    chunks = planning.plan_chunks(
        job.replicates,
        4.0 * cells * recorded + step_bytes,
        job.generations,
        job.workers,
        chunk,
        step_bytes if job.on_cpu else 0.0,
    )
    kept = {n: resolve(r.at, job.generations) for n, r in records.items()}
    planning.check_result_size(
        {n: r.reduce.bytes(cells * len(kept[n]) * int(np.prod(values[n].shape[1:])), job.replicates)
         for n, r in records.items()}
    )  # fmt: skip
    picks = {n: np.searchsorted(stops, at) for n, at in kept.items()}
    collectors = {n: _collector(r, values[n], job, kept[n]) for n, r in records.items()}
    status = np.empty((job.replicates, *job.shape), np.int8)
    layout = Layout(chunks.lanes, job.start, job.axes, job.draws, noise_first=job.on_cpu)
    compiled, compile_seconds, changes = 0, 0.0, ()

    def one(number: int) -> tuple[Any, Any, bool]:
        device = job.devices[number % len(job.devices)]
        addresses = _addresses(job, chunks.starts[number], chunks.lanes, stops)
        made, arrays, fresh = PROGRAMS.get(job.experiment, addresses, layout, device)
        out = made.program(arrays, jax.device_put(addresses, device))
        return jax.tree.map(np.asarray, out), made, fresh

    for number, (out, made, fresh) in enumerate(_in_order(one, len(chunks.starts), job.workers)):
        first = chunks.starts[number]
        compiled += fresh
        compile_seconds += made.seconds if fresh else 0.0
        changes = made.changes if fresh else changes
        for name, collector in collectors.items():
            summary = out["records"][name]
            if not records[name].reduce.every_generation:
                axis = 0 if job.axes is None else 1
                summary = jax.tree.map(lambda a, p=picks[name], x=axis: np.take(a, p, axis=x), summary)
            collector.add(first, jax.tree.map(lambda a: _unstack(a, job.shape), summary))
        count = min(chunks.lanes, job.replicates - first)
        status[first : first + count] = np.moveaxis(_unstack(out["status"], job.shape), -1, 0)[:count]
        progress.advance(count * cells)
    entries = {name: collector.finish() for name, collector in collectors.items()}
    stats = Statistics(
        seconds=0.0,
        compile_seconds=compile_seconds,
        programs_compiled=compiled,
        compiled_because=changes,
        replicate_generations=job.replicates * cells * job.generations,
        chunks=len(chunks.starts),
        lanes=chunks.lanes,
        workers=job.workers,
        devices=len(job.devices),
    )
    return entries, status, stats


def _in_order(task: Any, count: int, workers: int):
    """Results in order with a bounded number in flight, so that memory is bounded too."""
    pool = concurrent.futures.ThreadPoolExecutor(workers)
    waiting: list[concurrent.futures.Future[Any]] = []
    submitted = 0
    try:
        for _ in range(count):
            while submitted < count and len(waiting) < workers + 1:
                waiting.append(pool.submit(task, submitted))
                submitted += 1
            yield waiting.pop(0).result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for chunks in flight


def _collector(record: Record, value: jax.ShapeDtypeStruct, job: _Job, kept: np.ndarray) -> Any:
    components = value.shape[1:]
    if record.reduce.every_generation:
        shape, generations = (*job.shape, *components), np.arange(job.generations + 1)
    else:
        shape, generations = (*job.shape, len(kept), *components), kept
    return record.reduce.collector(shape, value.dtype, generations, job.replicates)


def _unstack(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return array.reshape(*shape, *array.shape[1:]) if shape else array


def _stops(records: Records, generations: int) -> np.ndarray:
    at = [resolve(r.at, generations) for r in records.values() if not r.reduce.every_generation]
    return np.unique(np.concatenate([*at, [generations]]))


def _addresses(job: _Job, first: int, lanes: int, stops: np.ndarray) -> Addresses:
    return Addresses(
        words=replicate_words(job.root, np.arange(first, first + lanes, dtype=np.uint32)),  # type: ignore[arg-type]
        first=np.uint32(first),  # type: ignore[arg-type]
        replicates=np.int32(job.replicates),  # type: ignore[arg-type]
        stops=stops.astype(np.int32),  # type: ignore[arg-type]
    )


def _cell(
    process: AbstractProcess,
    truth: Truth,
    records: Records,
    cell: dict[str, float],
    generations: int,
    start: Start,
) -> Experiment:
    process, truth = at_cell(process, truth, cell)
    return Experiment(process.planned(generations, start, truth), truth, records)


Shapes = dict[str, jax.ShapeDtypeStruct]


def _value_shapes(experiment: Experiment, start: Start) -> Shapes:
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


def _records(process: AbstractProcess, record: Mapping[str, Record] | None) -> Records:
    if record is None:
        if process.recorded:
            return {name: Record(getattr(metrics, name)) for name in process.recorded}
        family = getattr(process, "family", None)
        if family is None:
            raise ValueError(
                f"a {type(process).__name__} has no standard metrics: say what to keep, such as "
                'record={"error": mc.Record(mc.metrics.squared_error)}'
            )
        return {name: Record(metric) for name, metric in metrics.standard(family).items()}
    if not isinstance(record, Mapping) or not record:
        raise ValueError(
            'record is a dictionary of records, such as {"error": mc.Record(mc.metrics.squared_error)}, '
            f"got {record!r}"
        )
    for name, value in record.items():
        if not isinstance(value, Record):
            raise ValueError(f"record[{name!r}] must be a mc.Record(metric, …), got {value!r}")
        if not isinstance(name, str) or not name or "." in name or "/" in name:
            raise ValueError(f"a record's name is a word without dots or slashes, got {name!r}")
        if name in ("status", "replicate", "time") or name.startswith("generation_"):
            raise ValueError(
                f"{name!r} is a name that the data set needs itself: call the record something else"
            )
        if value.at is not None and value.reduce.every_generation:
            raise ValueError(
                f"record[{name!r}]: {type(value.reduce).__name__} looks at every generation, and `at` means "
                "nothing there: leave it out"
            )
    return dict(record)


def _check_numbers(process: AbstractProcess, generations: int, replicates: int, chunk: int | None) -> None:
    if not isinstance(process, AbstractProcess):
        raise ValueError(f"simulate runs a process such as mc.RecursiveTraining(…), got {process!r}")
    for name, value, least in (
        ("generations", generations, 1),
        ("replicates", replicates, 1),
        ("chunk", chunk, 1),
    ):
        if value is None and name == "chunk":
            continue
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or int(value) < least:  # type: ignore[arg-type]
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    if replicates > np.iinfo(np.int32).max:
        raise ValueError(
            f"replicates are numbered in 31 bits: at most {np.iinfo(np.int32).max:,}, got {replicates:,}"
        )


def _root(key: PRNGKeyArray) -> np.ndarray:
    if isinstance(key, int):
        raise ValueError(f"key is a typed JAX key, not a seed: write key=jax.random.key({key})")
    if not isinstance(key, jax.Array):
        raise ValueError(f"key is a typed JAX key such as jax.random.key(0), got {key!r}")
    return np.stack([np.asarray(word) for word in Key.of(key).words])


def _devices(devices: Sequence[Device] | int | None) -> list[Device]:
    local = jax.local_devices()
    if devices is None:
        return local
    if isinstance(devices, int):
        if not 1 <= devices <= len(local):
            raise ValueError(f"devices={devices}, but this process has {len(local)}: {local}")
        return local[:devices]
    if not devices:
        raise ValueError("devices must name at least one JAX device")
    return list(devices)
