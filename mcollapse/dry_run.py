"""What a run would take, before it is run: how it is cut, memory, disk and time."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import PRNGKeyArray

from mcollapse import planning
from mcollapse.abstract_process import AbstractProcess
from mcollapse.checks import Start
from mcollapse.costs import counted, gib
from mcollapse.families.base import Params, Truth
from mcollapse.recording import Record
from mcollapse.running import needs as reckoning
from mcollapse.running.arguments import Device
from mcollapse.running.calibration import Calibration, calibrated
from mcollapse.running.needs import Needs, free_bytes, held_now, needs_of, problems
from mcollapse.running.preparation import Prepared, prepared
from mcollapse.running.until import Until


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run would take; times and segments are `None` where it cannot fit, and nothing was compiled."""

    replicates: int
    cells: int
    cells_at_once: int
    """Of a program."""
    generations: int
    lanes: int
    """Replicates of a chunk."""
    chunks: int
    workers: int
    devices: int
    segments: int | None
    """Of all chunks, at the speed that was measured."""
    batch_rows: int
    """Room for the points of a batch; 0 where they are drawn as sufficient statistics."""
    pool_rows: int
    device_bytes: int
    """At most on any device."""
    host_bytes: int
    """At most in the host's memory."""
    host_parts: dict[str, int]
    """Of these, by what they are for."""
    record_bytes: dict[str, int]
    """What each record keeps in memory."""
    disk_bytes: int
    """Of the store, before compression; 0 without one."""
    host_limit: int
    disk_free: int | None
    compile_seconds: float | None
    programs: int | None
    """How many had to be compiled, or loaded from a cache."""
    run_seconds: float | None
    """Without compiling and writing."""
    problems: tuple[str, ...]
    """Why it cannot run, each with a setting that would."""

    @property
    def fits(self) -> bool:
        """Whether it can run."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self) | {"fits": self.fits}

    def __str__(self) -> str:
        cells = f" of each of {self.cells} cells" if self.cells > 1 else ""
        segments = "" if self.segments is None else f" in {counted(self.segments, 'segment')}"
        kept = ", ".join(f"{gib(size)} {name}" for name, size in self.host_parts.items())
        largest = max(self.record_bytes, key=lambda name: self.record_bytes[name])
        rows = f"{self.batch_rows:,} rows a batch, {self.pool_rows:,} rows a pool"
        together = f" of {counted(self.cells_at_once, 'cell')}" if self.cells > 1 else ""
        lines = [
            f"{self.replicates:,} replicates{cells}, {self.generations:,} generations",
            f"cut     {counted(self.chunks, 'chunk')} of {self.lanes:,} lanes{together}{segments}, "
            f"{self.workers} at once on {counted(self.devices, 'device')}",
            f"points  {rows if self.batch_rows else 'sufficient statistics: no rows'}",
            f"device  {gib(self.device_bytes)} each",
            f"host    {gib(self.host_bytes)} of {gib(self.host_limit)}: {kept}; the largest record is "
            f"{largest!r}, {gib(self.record_bytes[largest])}",
        ]
        if self.disk_free is not None:
            lines.append(f"disk    {gib(self.disk_bytes)} of {gib(self.disk_free)} that are free")
        if self.run_seconds is not None and self.compile_seconds is not None:
            lines.append(
                f"time    about {self.run_seconds:,.1f} s, and {self.compile_seconds:.1f} s "
                f"for {counted(self.programs or 0, 'program')}"
            )
        return "\n".join([*lines, *(f"cannot run: {problem}" for problem in self.problems)])


def plan(
    process: AbstractProcess,
    truth: Truth | Params,
    *,
    over: Mapping[str, Sequence[float]] | None = None,
    key: PRNGKeyArray,
    generations: int,
    replicates: int | Until,
    start: Start = "real",
    record: Mapping[str, Record] | None = None,
    chunk: int | None = None,
    devices: Sequence[Device] | int | None = None,
    draws: str = "fast",
    store: str | os.PathLike[str] | None = None,
    calibrate: bool = True,
) -> Plan:
    """What `simulate`, or with `over` a `sweep`, of these arguments would take; nothing is written.

    Of replicates until a precision is reached it is what the most of them would take.

    The run's programs are compiled and tried on some generations of one chunk for each worker, unless the run
    cannot fit or `calibrate` is false; a run that follows in the same process compiles nothing. Sizes that
    are not calibrated are right to a factor of about two. Times are those of a machine as busy as now.

    Raises:
        ValueError: on anything wrong in the arguments; not where the run cannot fit, see `Plan.problems`.
    """
    grid = None if over is None else planning.Grid.of(over)
    most = replicates.at_most if isinstance(replicates, Until) else replicates
    asked = prepared(
        process,
        truth,
        grid,
        key,
        generations,
        most,
        start,
        record,
        chunk,
        devices,
        draws,
        store is not None,
    )
    target = None if store is None else pathlib.Path(store)
    needs = needs_of(asked, store is not None)
    found = problems(asked, needs, target)
    measured = None
    if calibrate and not found:
        measured = calibrated(asked.job, asked.job.chunks)
        needs = needs_of(asked, store is not None, chunk=measured.chunk_bytes, process=held_now())
        found = problems(asked, needs, target)
    return _told(asked, needs, measured, found, target)


def _segments(measured: Calibration, chunks: int, first: int) -> int:
    return first * measured.segments[0] + (chunks - first) * measured.segments[1]


def _told(
    asked: Prepared, needs: Needs, measured: Calibration | None, found: list[str], store: pathlib.Path | None
) -> Plan:
    job, chunks = asked.job, asked.job.chunks
    capacities = getattr(job.experiment.process, "plan", None)
    return Plan(
        replicates=job.replicates,
        cells=asked.cells,
        cells_at_once=job.cells_at_once,
        generations=job.generations,
        lanes=job.lanes,
        chunks=chunks,
        workers=min(job.workers, chunks),
        devices=len(job.devices),
        segments=measured and _segments(measured, chunks, min(job.workers, chunks)),
        batch_rows=getattr(capacities, "rows", asked.size.rows),
        pool_rows=getattr(capacities, "pool_rows", 0),
        device_bytes=needs.device,
        host_bytes=needs.host,
        host_parts=needs.parts,
        record_bytes=needs.records,
        disk_bytes=needs.disk,
        host_limit=reckoning.host_limit(),
        disk_free=None if store is None else free_bytes(store),
        compile_seconds=measured and measured.compile_seconds,
        programs=measured and measured.programs,
        run_seconds=measured and measured.chunk_seconds * math.ceil(chunks / job.workers),
        problems=tuple(found),
    )
