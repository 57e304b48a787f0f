"""How long a run will take and what memory its programs want: compiled, and tried on some generations.

The programs are those of the run itself, so that a run that follows in the same process compiles nothing.
"""

import concurrent.futures
import dataclasses
import time
from typing import Any

import jax
import numpy as np

from mcollapse import planning
from mcollapse.compilation import PROGRAMS, Compiled
from mcollapse.costs import Costs
from mcollapse.program import Addresses, Carried, replicate_words
from mcollapse.running.execution import Job

TRIAL_SECONDS = 1.0
"""After so long a trial that is not cut into segments has seen enough."""
FASTER = 8
"""How many times as many generations the next trial has."""


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What was measured on one chunk for each worker, all at once."""

    compile_seconds: float
    programs: int
    loaded: int
    chunk_seconds: float
    """Of a chunk from generation 0 to the last, foreseen."""
    chunk_bytes: int | None
    """Of a chunk on its device, as XLA has planned it; `None` where it does not say."""
    segments: tuple[int, int]
    """Of the chunks that come first, when the speed is not known yet, and of all others."""


def calibrated(job: Job, chunks: int) -> Calibration:
    """Compile the run's programs and time them."""
    workers, costs = range(min(job.workers, chunks)), Costs()
    with concurrent.futures.ThreadPoolExecutor(len(workers)) as pool:
        trials = list(pool.map(lambda number: _Trial(job, number), workers))
        for made in (made for trial in trials for made in trial.fresh):
            costs.compiled(made.began, made.seconds)
            costs.programs, costs.loaded = costs.programs + 1, costs.loaded + made.loaded
        seconds = list(pool.map(_Trial.chunk_seconds, trials))
    sizes = [_bytes(made.program) for made in trials[0].programs]
    slowest = trials[int(np.argmax(seconds))]
    return Calibration(
        compile_seconds=costs.compile_seconds,
        programs=costs.programs,
        loaded=costs.loaded,
        chunk_seconds=float(np.mean(seconds)),
        chunk_bytes=None if None in sizes else max(size or 0 for size in sizes),
        segments=(slowest.segments_of_a_chunk(False), slowest.segments_of_a_chunk(True)),
    )


class _Trial:
    """A chunk of a worker's own, on its device."""

    def __init__(self, job: Job, number: int):
        self.job, self.device = job, job.devices[number % len(job.devices)]
        self.group = job.groups[number % len(job.groups)]
        self.first = number // len(job.groups) * job.lanes
        ids = np.arange(self.first, self.first + job.lanes, dtype=np.uint32)
        self.words = replicate_words(job.root, ids)  # type: ignore[arg-type]
        self.segments = planning.Segments(job.stops)
        self.programs: list[Compiled] = []
        self.fresh: list[Compiled] = []
        if job.cut:
            self.asked = self.addresses(*self.segments.next(-1))
            self.start, arrays = self.program("start", None)
            self.carried: Carried = self.start.program(arrays, self.asked, None)["carried"]
            self.going, self.arrays = self.program("segment", self.carried)
        else:
            self.asked = self.addresses(*self.until(1))
            self.going, self.arrays = self.program("whole", None)

    def addresses(self, stops: np.ndarray, wanted: np.ndarray) -> Addresses:
        first, replicates = np.uint32(self.first), np.int32(self.job.replicates)
        given = Addresses(self.words, first, replicates, stops, wanted)  # type: ignore[arg-type]
        return jax.device_put(given, self.device)

    def until(self, last: int) -> tuple[np.ndarray, np.ndarray]:
        """All stops of a run, those after generation `last` moved there."""
        stops = np.minimum(self.job.stops, last).astype(np.int32)
        return stops, np.ones(len(stops), bool)

    def program(self, part: str, carried: Carried | None) -> tuple[Compiled, Any]:
        layout = self.job.layout(self.job.lanes, part)
        made, arrays, fresh = PROGRAMS.get(
            self.job.of_group(self.group), self.asked, layout, self.device, carried
        )
        self.programs.append(made)
        self.fresh += [made] if fresh else []
        return made, arrays

    def chunk_seconds(self) -> float:
        """Of all generations, from some."""
        return self.from_segments() if self.job.cut else self.from_the_first()

    def from_segments(self) -> float:
        """A segment of a few generations tells how many the next may have, and that one the speed."""
        since = time.perf_counter()
        jax.block_until_ready(self.start.program(self.arrays, self.asked, None))
        started, done = time.perf_counter() - since, 0
        for _ in range(2):
            stops, wanted = self.segments.next(done)
            asked, last = self.addresses(stops, wanted), int(stops[-1])
            since = time.perf_counter()
            out = jax.block_until_ready(self.going.program(self.arrays, asked, self.carried))
            self.segments.took(time.perf_counter() - since, last - done)
            self.carried, done = out["carried"], last
            if done == self.job.generations:
                break
        return started + self.segments.seconds_per_generation * self.job.generations

    def from_the_first(self) -> float:
        """Ever more generations, until the time of one is known."""
        points, last, begun = [], 1, time.perf_counter()
        while True:
            asked, since = self.addresses(*self.until(last)), time.perf_counter()
            jax.block_until_ready(self.going.program(self.arrays, asked, None))
            points.append((last, time.perf_counter() - since))
            if last == self.job.generations or time.perf_counter() - begun > TRIAL_SECONDS:
                break
            last = min(FASTER * last, self.job.generations)
        (early, before), (late, after) = points[0 if len(points) == 1 else -2], points[-1]
        # a single one has recorded all that there is: it says too much of a generation, not too little
        step = after / late if late == early else max(0.0, after - before) / (late - early)
        return after + step * (self.job.generations - late)

    def segments_of_a_chunk(self, knowing: bool) -> int:
        """By the speed that was found, known from the start or not."""
        if not self.job.cut:
            return 1
        done, count = -1, 0
        learned, fresh = self.segments.seconds_per_generation, planning.Segments(self.job.stops)
        if knowing:
            fresh.took(learned, 1)
        while done < self.job.generations:
            done, count = int(fresh.next(done)[0][-1]), count + 1
            fresh.took(learned, 1)
        return count


def _bytes(program: Any) -> int | None:
    found = program.memory_analysis()
    if found is None:
        return None
    held = found.argument_size_in_bytes + found.output_size_in_bytes + found.temp_size_in_bytes
    return int(held - found.alias_size_in_bytes)
