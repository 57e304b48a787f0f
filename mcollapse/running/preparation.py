"""All that is settled before anything is compiled: what runs, what it will keep, and whether that fits."""

import dataclasses
import math
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
from mcollapse.recording import BLOCK, Allocate, Collector, Record, resolve
from mcollapse.running import hosts
from mcollapse.running.arguments import Device, check_numbers, checked_records, local_devices, root_words
from mcollapse.running.execution import Gathered, Job, worker_count
from mcollapse.running.gathering import Collectors, Place, Statuses
from mcollapse.running.groups import ALONE, Group, grouped
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

    @property
    def place(self) -> Place | None:
        """Where a cell is in the result; `None`, where there is no sweep."""
        grid = self.grid
        return None if grid is None else lambda cell: grid.place(cell) or ()

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

    def collectors(self, name: str, allocate: Allocate = np.empty) -> Collectors:
        """Empty ones for a record; `allocate` makes arrays for all cells."""
        record, whole, generations = self.records[name], self.shape_of(name), self.generations_of(name)

        def make(cells: tuple[int, ...], allocate: Allocate) -> Collector:
            shape = (*cells, *whole[len(self.job.shape) :])
            dtype = self.values[name].dtype
            return record.reduce.collector(shape, dtype, generations, self.job.replicates, allocate)

        return Collectors(make, self.job.groups, self.job.shape, self.place, allocate)

    def gathered(self) -> Gathered:
        """Nothing yet, in memory."""
        status = np.empty((self.job.replicates, *self.job.shape), np.int8)
        collectors = {name: self.collectors(name) for name in self.records}
        return Gathered(collectors, Statuses(status, self.place), Ranges(), self.job.ids)

    def with_replicates(self, replicates: int) -> "Prepared":
        """The same experiment of more replicates."""
        return dataclasses.replace(self, job=dataclasses.replace(self.job, replicates=replicates))

    def with_groups(self, groups: tuple[Group, ...]) -> "Prepared":
        """The same experiment, its cells grouped otherwise: of larger groups fewer lanes at once."""
        job = dataclasses.replace(self.job, groups=groups)
        fit = self.job.lanes * self.job.cells_at_once // job.cells_at_once // BLOCK * BLOCK
        return dataclasses.replace(self, job=dataclasses.replace(job, lanes=min(job.lanes, max(BLOCK, fit))))

    def result(self, gathered: Gathered, stats: Statistics | None = None) -> Trajectories:
        """What was gathered, with all that is needed to know why."""
        entries = {name: collector.finish() for name, collector in gathered.collectors.items()}
        for entry in entries.values():
            entry.sweep_axes = () if self.grid is None else self.grid.axes
        return Trajectories(
            entries, gathered.status.whole, self.attributes(), self.truth,
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
        groups=(ALONE,),
        places={} if grid is None else {tuple(c.values()): i for i, c in enumerate(grid.cells())},
        root=root_words(key),
        generations=generations,
        replicates=replicates,
        start=start,
        devices=local_devices(devices),
        draws=draws,
        lanes=0,
        cut=stored,
    )
    return Prepared(_planned(job, values, size, chunk, grid), process, true, values, size, grid)


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


def _planned(job: Job, values: Shapes, size: Size, chunk: int | None, grid: planning.Grid | None) -> Job:
    width = float(np.dtype(jnp.result_type(float)).itemsize)
    recorded = (1 + sum(int(np.prod(v.shape[1:])) for v in values.values())) * len(job.stops)
    lane_bytes, step_bytes = width * (recorded + size.step_numbers), width * size.step_numbers
    if grid is not None:
        together = planning.cells_at_once(job.replicates, lane_bytes, step_bytes, job.on_cpu)
        job = dataclasses.replace(job, groups=grouped(grid, together))
    cells = job.cells_at_once
    lanes = planning.chunk_lanes(
        job.replicates,
        cells * lane_bytes,
        # each process has its share
        math.ceil(worker_count(job.devices) * hosts.count() / len(job.groups)),
        chunk,
        cells * step_bytes if job.on_cpu else 0.0,
    )
    long = 4.0 * cells * size.step_numbers * lanes * job.generations > planning.SEGMENT_WORK
    return dataclasses.replace(job, lanes=lanes, cut=job.cut or long)
