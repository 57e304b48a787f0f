"""The host of a run: chunks of replicates on worker threads, and what they give back in one place.

A worker takes a chunk from generation 0 to the last, a segment at a time. Everything that changes what is
kept (collectors, statuses, meters, checkpoints) happens in the one thread that called `execute`, which
sleeps until a worker has something to say.
"""

import concurrent.futures
import dataclasses
import functools
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from mcollapse import planning
from mcollapse.checks import Start
from mcollapse.compilation import PROGRAMS, Compiled
from mcollapse.costs import Costs
from mcollapse.program import Addresses, Carried, Experiment, Layout, replicate_words
from mcollapse.progress import AbstractProgress
from mcollapse.recording import resolve
from mcollapse.running.gathering import Collectors, Statuses
from mcollapse.running.groups import Group, all_ids, number_of, replicate_of
from mcollapse.running.ranges import Ranges
from mcollapse.sweeping import some

Device = Any  # jax.Device, which is no type to a type checker
Addressing = Callable[[np.ndarray, np.ndarray], Addresses]
NOT_RECORDED = -1
WAIT = 0.2
"""Seconds after which the host looks whether it was told to stop."""


@dataclasses.dataclass(frozen=True)
class Job:
    """What is to be run."""

    experiment: Experiment
    """Of all cells of a sweep, see `of_group`."""
    axes: tuple[int | None, ...] | None
    shape: tuple[int, ...]
    groups: tuple[Group, ...]
    """Of cells that run together; one, where there is no sweep."""
    places: dict[tuple[float, ...], int]
    """The number of each cell in the experiment."""
    root: np.ndarray
    generations: int
    replicates: int
    start: Start
    devices: list[Device]
    draws: str
    lanes: int
    cut: bool
    """Whether generations are cut into segments."""

    @property
    def on_cpu(self) -> bool:
        """Whether the devices are CPUs."""
        return self.devices[0].platform == "cpu"

    @property
    def workers(self) -> int:
        """Host threads: one a device, and on a CPU one a core, since a core runs small kernels alone."""
        return worker_count(self.devices)

    @property
    def stops(self) -> np.ndarray:
        """Generations that any record wants, and the last."""
        records = self.experiment.records.values()
        at = [resolve(r.at, self.generations) for r in records if not r.reduce.every_generation]
        return np.unique(np.concatenate([*at, [self.generations]]))

    @property
    def axis(self) -> int:
        """Of a program's summaries, the one that runs over generations: a sweep's cells lead."""
        return 0 if self.axes is None else 1

    @property
    def cells_at_once(self) -> int:
        """Of a program."""
        return max(len(group.cells) for group in self.groups)

    @property
    def ids(self) -> Ranges:
        """Of all replicates of all groups."""
        return all_ids(self.groups, self.replicates)

    @property
    def chunks(self) -> int:
        """How many there are to run."""
        return len(self.groups) * -(-self.replicates // self.lanes)

    def group(self, identity: int) -> Group:
        """The one to which an id belongs."""
        return self._by_number[number_of(identity)]

    @functools.cached_property
    def _by_number(self) -> dict[int, Group]:
        return {group.number: group for group in self.groups}

    def of_group(self, group: Group) -> Experiment:
        """The experiment of its cells."""
        if self.axes is None:
            return self.experiment
        cells = [self.places[cell] for cell in group.cells if cell is not None]
        # in the place of a cell that is no cell of the sweep anything will do
        given = [cells[0] if cell is None else self.places[cell] for cell in group.cells]
        return some(self.experiment, self.axes, given)

    def size(self, ids: Ranges) -> int:
        """How many replicates of a cell these are."""
        return sum((stop - first) * self.group(first).wanted for first, stop in ids)

    def layout(self, lanes: int, part: Any) -> Layout:
        """Of a program for so many lanes."""
        return Layout(lanes, self.start, self.axes, self.draws, noise_first=self.on_cpu, part=part)


def worker_count(devices: list[Device]) -> int:
    """Host threads that drive the devices."""
    if devices[0].platform != "cpu":
        return len(devices)
    return max(len(devices), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


@dataclasses.dataclass(frozen=True)
class Flight:
    """A chunk on its way: what a segment has handed on, and what was summarised so far."""

    first: int
    """Of the ids of its replicates, see `mcollapse.running.groups`."""
    stop: int
    lanes: int
    t: int = -1
    """The last generation that is done, -1 before generation 0."""
    carried: Carried | None = None
    recorded: tuple[np.ndarray, ...] = ()
    """Generations that each segment recorded."""
    summaries: tuple[Any, ...] = ()
    """Their summaries, by record."""


@dataclasses.dataclass
class Gathered:
    """What a run keeps: written by one thread alone."""

    collectors: dict[str, Collectors]
    status: Statuses
    done: Ranges
    share: Ranges
    """What this process is to do; all but what is done, where it is the only one."""
    flights: dict[int, Flight] = dataclasses.field(default_factory=dict)
    """Chunks on their way, by their first replicate."""
    inherited: list[Flight] = dataclasses.field(default_factory=list)
    """Chunks on which other processes are known to have been: kept until those have saved them themselves."""

    def take_over(self, before: "Gathered") -> None:
        """What a finished run of fewer replicates has gathered, whole blocks all."""
        for name, collectors in self.collectors.items():
            collectors.merge(before.collectors[name].state())
        self.status.whole[: len(before.status.whole)] = before.status.whole
        self.done |= before.done

    def size(self, job: Job) -> float:
        """How many replicates of a cell are done; those that have gone half of the way count half."""
        under_way = (
            job.size(Ranges([(f.first, f.stop)])) * max(f.t, 0) / job.generations
            for f in self.flights.values()
        )
        return job.size(self.done) + sum(under_way)

    def replicates(self, job: Job) -> int:
        """How many are done in every cell."""
        found = dict.fromkeys((group.number for group in job.groups), 0)
        for first, stop in self.done:  # a range is of one group
            found[number_of(first)] += stop - first
        return min(found.values())


class Stopped(Exception):
    """The run was told to stop, and stands as it is gathered."""


def execute(
    job: Job,
    gathered: Gathered,
    progress: AbstractProgress,
    pause: Callable[[], bool] = lambda: False,
    tick: Callable[[], None] = lambda: None,
    rescue: Callable[[], str] | None = None,
) -> Costs:
    """Run what is not done yet.

    `tick` is called between events, often, by the thread that calls `execute`: the place for checkpoints.
    When `pause` turns true, segments on their way are waited for and `Stopped` is raised. When a worker
    fails they are waited for too, so that `rescue` can save them, before its error is raised
    with a note that `rescue` gives.
    """
    run = _Run(job, gathered, progress)
    pool = concurrent.futures.ThreadPoolExecutor(job.workers)
    try:
        waiting = run.flights()
        for _ in range(job.workers + 1):  # one more than can fly, so that none of the workers waits
            run.launch(pool, waiting)
        while run.outstanding:
            landed = run.handle_next()
            if run.failed is not None and rescue is None:
                break
            if run.failed is not None or pause():
                run.stop.set()
                if not run.worth_waiting_for():
                    break
            elif landed:
                run.launch(pool, waiting)
            tick()
        if run.failed is not None:
            if rescue is not None:
                run.failed.add_note(_rescued(rescue))
            raise run.failed
        if run.stop.is_set():
            raise Stopped
        return run.costs
    finally:
        run.stop.set()
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for chunks in flight


def _rescued(rescue: Callable[[], str]) -> str:
    try:
        return rescue()
    except Exception as error:  # the first error is the one to tell
        return f"what was computed since the last checkpoint could not be saved ({error})"


class _Run:
    def __init__(self, job: Job, gathered: Gathered, progress: AbstractProgress):
        self.job, self.gathered, self.progress = job, gathered, progress
        self.events: queue.SimpleQueue[Callable[[], bool]] = queue.SimpleQueue()
        self.stop = threading.Event()
        self.outstanding: set[int] = set()
        """First replicates of the chunks that workers have."""
        self.failed: BaseException | None = None
        """The first error of a worker."""
        self.costs = Costs()
        self.segments: dict[int, planning.Segments] = {}
        self.number = 0

    def flights(self) -> Iterator[Flight]:
        """Chunks that were on their way when the run stopped, then all others."""
        left = self.gathered.share - self.gathered.done
        for flight in list(self.gathered.flights.values()):
            left = left - Ranges([(flight.first, flight.stop)])
            yield flight
        for first, stop in left.cut(self.job.lanes):
            yield Flight(first, stop, self.job.lanes)

    def launch(self, pool: concurrent.futures.Executor, waiting: Iterator[Flight]) -> None:
        flight = next(waiting, None)
        if flight is None:
            return
        self.outstanding.add(flight.first)
        self.gathered.flights[flight.first] = flight
        device = self.job.devices[self.number % len(self.job.devices)]
        self.number += 1
        pool.submit(self.fly, flight, device)

    def handle_next(self) -> bool:
        """Wait a while for a worker's word and act on it: whether one has ended its chunk."""
        try:
            event = self.events.get(timeout=WAIT)
        except queue.Empty:
            return False
        return event()

    def worth_waiting_for(self) -> bool:
        """Whether a chunk that workers have has got anywhere: one that is still compiled for has not."""
        return any(self.gathered.flights[first].t >= 0 for first in self.outstanding)

    # on a worker's thread

    def fly(self, flight: Flight, device: Device) -> None:
        try:
            self.chunk(flight, device)
        except BaseException as error:  # carried to the thread that waits for it
            self.events.put(lambda error=error: self.broken(flight, error))

    def chunk(self, flight: Flight, device: Device) -> None:
        job = self.job
        ids = replicate_of(flight.first) + np.arange(flight.lanes, dtype=np.uint32)
        words = replicate_words(job.root, ids)  # type: ignore[arg-type]
        first, replicates = ids[0], np.int32(job.replicates)

        def addresses(stops: np.ndarray, wanted: np.ndarray) -> Addresses:
            return jax.device_put(Addresses(words, first, replicates, stops, wanted), device)  # type: ignore[arg-type]

        if job.cut:
            self.in_segments(flight, device, addresses)
        else:
            self.whole(flight, device, addresses)

    def whole(self, flight: Flight, device: Device, addresses: Addressing) -> None:
        stops = self.job.stops.astype(np.int32)
        asked = addresses(stops, np.ones(len(stops), bool))
        made, arrays = self.program(flight, asked, None, device, "whole")
        records, status = _on_host(made.program(arrays, asked, None))
        flight = dataclasses.replace(flight, recorded=(stops,), summaries=(records,))
        self.events.put(lambda: self.landed(flight, status, self.job.generations))

    def in_segments(self, flight: Flight, device: Device, addresses: Addressing) -> None:
        last = self.job.generations
        segments = self.segments.setdefault(flight.lanes, planning.Segments(self.job.stops))
        made: Compiled | None = None
        arrays: Any = None
        while not self.stop.is_set():
            stops, wanted = segments.next(flight.t)
            asked = addresses(stops, wanted)
            if flight.carried is None:
                begun, arrays = self.program(flight, asked, None, device, "start")
                flight = dataclasses.replace(flight, carried=begun.program(arrays, asked, None)["carried"])
            if made is None:
                flight = dataclasses.replace(flight, carried=jax.device_put(flight.carried, device))
                made, arrays = self.program(flight, asked, flight.carried, device, "segment")
            since = time.perf_counter()
            out = made.program(arrays, asked, flight.carried)
            records, status = _on_host(out)
            reached, done = int(stops[-1]), max(flight.t, 0)
            segments.took(time.perf_counter() - since, reached - done)
            flight = dataclasses.replace(
                flight, t=reached, carried=out["carried"],
                recorded=(*flight.recorded, np.where(wanted, stops, NOT_RECORDED)),
                summaries=(*flight.summaries, records),
            )  # fmt: skip
            if reached == last:
                self.events.put(lambda f=flight, s=status, n=last - done: self.landed(f, s, n))
                return
            self.events.put(lambda f=flight, n=reached - done: self.advanced(f, n))
        self.events.put(lambda: self.ended(flight))  # stopped on its way, and has told all that it did

    def program(
        self, flight: Flight, asked: Addresses, carried: Carried | None, device: Device, part: str
    ) -> tuple[Compiled, Any]:
        layout = self.job.layout(flight.lanes, part)
        experiment = self.job.of_group(self.job.group(flight.first))
        made, arrays, fresh = PROGRAMS.get(experiment, asked, layout, device, carried)
        if fresh:
            self.events.put(lambda: self.compiled(made))
        return made, arrays

    # on the thread that keeps things

    def compiled(self, made: Compiled) -> bool:
        self.costs.programs += 1
        self.costs.loaded += made.loaded
        self.costs.compiled(made.began, made.seconds)
        self.costs.changes = made.changes
        self.progress.compiled(self.costs.compile_seconds)
        return False

    def advanced(self, flight: Flight, generations: int) -> bool:
        self.gathered.flights[flight.first] = flight
        self._report(flight, generations)
        return False

    def landed(self, flight: Flight, status: np.ndarray, generations: int) -> bool:
        job, gathered = self.job, self.gathered
        recorded, summaries = joined(flight, job)
        group, first, count = job.group(flight.first), replicate_of(flight.first), flight.stop - flight.first
        for name, record in job.experiment.records.items():
            summary = summaries[name]
            if not record.reduce.every_generation:
                kept = np.searchsorted(recorded, resolve(record.at, job.generations))
                summary = jax.tree.map(lambda a, k=kept: np.take(a, k, axis=job.axis), summary)
            gathered.collectors[name].add(group, first, summary, count)
        gathered.status.add(group, first, status, count)
        gathered.done |= Ranges([(flight.first, flight.stop)])
        gathered.flights.pop(flight.first, None)
        self.costs.chunks += 1
        self._report(flight, generations)
        return self.ended(flight)

    def broken(self, flight: Flight, error: BaseException) -> bool:
        if self.failed is None:
            self.failed = error
        return self.ended(flight)

    def ended(self, flight: Flight) -> bool:
        self.outstanding.discard(flight.first)
        return True

    def _report(self, flight: Flight, generations: int) -> None:
        replicates = self.job.size(Ranges([(flight.first, flight.stop)]))
        self.costs.segments += 1
        self.costs.replicate_generations += replicates * generations
        self.progress.advance(replicates * generations / self.job.generations)


def _on_host(out: dict[str, Any]) -> tuple[Any, np.ndarray]:
    return jax.tree.map(np.asarray, (out["records"], out["status"]))


def joined(flight: Flight, job: Job) -> tuple[np.ndarray, dict[str, Any]]:
    """The generations that a chunk has recorded so far, and the summaries of all its segments as one."""
    recorded = np.concatenate(flight.recorded)
    wanted = recorded != NOT_RECORDED

    def whole(*parts: np.ndarray) -> np.ndarray:
        together = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=job.axis)
        return together if wanted.all() else np.compress(wanted, together, axis=job.axis)

    summaries = {}
    for name, record in job.experiment.records.items():
        parts = [part[name] for part in flight.summaries]
        summaries[name] = parts[-1] if record.reduce.every_generation else jax.tree.map(whole, *parts)
    return recorded[wanted], summaries
