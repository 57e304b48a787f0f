"""All that is settled before anything is compiled: what runs, what it will keep, and whether that fits."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from mcollapse import planning
from mcollapse.abstract_process import AbstractProcess
from mcollapse.checks import Start
from mcollapse.costs import Costs, Statistics, peak_device_memory, peak_memory
from mcollapse.description import describe
from mcollapse.families.base import Params, Truth
from mcollapse.program import Experiment, Records
from mcollapse.recording import Allocate, Collector, Record, resolve
from mcollapse.running import hosts
from mcollapse.running.arguments import Device, check_numbers, checked_records, local_devices, root_words
from mcollapse.running.execution import Gathered, Job, worker_count
from mcollapse.running.needs import Size
from mcollapse.running.ranges import Ranges
from mcollapse.running.shapes import Shapes, value_shapes
from mcollapse.status import Status
from mcollapse.sweeping import alike, at_cell, stacked
from mcollapse.trajectories import Trajectories, versions


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A run that can begin."""

    job: Job
    process: AbstractProcess
    truth: Truth
    values: Shapes
    size: Size
    grid: planning.Grid | None

    @property
    def records(self) -> Records:
        """What is kept, by name."""
        return self.job.experiment.records

    @property
    def cells(self) -> int:
        """Of a sweep; 1 of a single run."""
        return int(np.prod(self.job.shape))

    def generations_of(self, name: str) -> np.ndarray:
        """Those that a record keeps."""
        record = self.records[name]
        if record.reduce.every_generation:
            return np.arange(self.job.generations + 1)
        return resolve(record.at, self.job.generations)

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Of an entry without replicates, as `AbstractReducer.collector` takes it."""
        components, sweep = self.values[name].shape[1:], self.job.shape
        if self.records[name].reduce.every_generation:
            return (*sweep, *components)
        return (*sweep, len(self.generations_of(name)), *components)

    def collector(self, name: str, allocate: Allocate = np.empty) -> Collector:
        """An empty one for a record."""
        return self.records[name].reduce.collector(
            self.shape_of(name),
            self.values[name].dtype,
            self.generations_of(name),
            self.job.replicates,
            allocate,
        )

    def gathered(self) -> Gathered:
        """Nothing yet, in memory."""
        status = np.empty((self.job.replicates, *self.job.shape), np.int8)
        return Gathered(
            {name: self.collector(name) for name in self.records},
            status,
            Ranges(),
            Ranges([(0, self.job.replicates)]),
        )

    def with_replicates(self, replicates: int) -> "Prepared":
        """The same experiment of more replicates."""
        return dataclasses.replace(self, job=dataclasses.replace(self.job, replicates=replicates))

    def result(self, gathered: Gathered, stats: Statistics | None = None) -> Trajectories:
        """What was gathered, with all that is needed to know why."""
        entries = {name: collector.finish() for name, collector in gathered.collectors.items()}
        for entry in entries.values():
            entry.sweep_axes = () if self.grid is None else self.grid.axes
        return Trajectories(
            entries, gathered.status, self.attributes(), self.truth,
            process=self.process, records=self.records, stats=stats,
        )  # fmt: skip

    def statistics(self, costs: Costs, seconds: float, status: np.ndarray) -> Statistics:
        """What it took."""
        job = self.job
        return Statistics(
            seconds=seconds,
            compile_seconds=costs.compile_seconds,
            programs_compiled=costs.programs,
            programs_loaded=costs.loaded,
            compiled_because=costs.changes,
            replicate_generations=round(costs.replicate_generations),
            chunks=costs.chunks,
            segments=costs.segments,
            lanes=job.lanes,
            workers=job.workers,
            devices=len(job.devices),
            peak_memory=peak_memory(),
            peak_device_memory=peak_device_memory(job.devices),
            statuses={code.name.lower(): int(np.sum(status == code)) for code in Status},
        )

    def attributes(self) -> dict[str, Any]:
        """Plain data about the run: its specification, versions, key, device and dtype."""
        job, grid = self.job, self.grid
        return {
            "process": describe(self.process),
            "truth_family": describe(self.truth.family),
            "records": {name: describe(record) for name, record in self.records.items()},
            "generations": job.generations,
            "replicates": job.replicates,
            "start": job.start,
            "key": [int(word) for word in np.asarray(job.root)],
            "sweep": {} if grid is None else dict(zip(grid.axes, map(list, grid.values), strict=True)),
            "dtype": str(jnp.result_type(float)),
            "devices": [str(device) for device in job.devices],
            "platform": job.devices[0].platform,
            "draws": job.draws,
            **versions(),
        }


def prepared(
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
    draws: str,
    stored: bool,
) -> Prepared:
    """Check everything, trace generation 0, and plan how the run is cut.

    A run that is `stored` is cut into segments, so that it can stop and go on.
    """
    check_numbers(process, generations, replicates, chunk)
    if hosts.count() > 1 and not stored:
        raise ValueError(
            f"{hosts.count()} processes share this run, and each writes its part: say where, with store=…"
        )
    if draws not in ("fast", "jax"):
        raise ValueError(f'draws is "fast" (mcollapse.random) or "jax" (jax.random), got {draws!r}')
    generations, replicates = int(generations), int(replicates)
    true = process.checked_truth(truth, start)
    records = checked_records(process, record)
    if grid is None:
        experiment, axes = _cell(process, true, records, {}, generations, start), None
        first = experiment
    else:
        every = alike([_cell(process, true, records, cell, generations, start) for cell in grid.cells()])
        (experiment, axes), first = stacked(every), every[0]
    values, size = value_shapes(first, start)
    job = Job(
        experiment=experiment,
        axes=axes,
        shape=() if grid is None else grid.shape,
        root=root_words(key),
        generations=generations,
        replicates=replicates,
        start=start,
        devices=local_devices(devices),
        draws=draws,
        lanes=0,
        cut=stored,
    )
    return Prepared(_planned(job, values, size, chunk), process, true, values, size, grid)


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


def _planned(job: Job, values: Shapes, size: Size, chunk: int | None) -> Job:
    cells = int(np.prod(job.shape))
    width = float(np.dtype(jnp.result_type(float)).itemsize)
    step_numbers = cells * size.step_numbers
    recorded = cells * (1 + sum(int(np.prod(v.shape[1:])) for v in values.values())) * len(job.stops)
    lanes = planning.chunk_lanes(
        job.replicates,
        width * (recorded + step_numbers),
        worker_count(job.devices),
        chunk,
        width * step_numbers if job.on_cpu else 0.0,
    )
    long = 4.0 * step_numbers * lanes * job.generations > planning.SEGMENT_WORK
    return dataclasses.replace(job, lanes=lanes, cut=job.cut or long)
