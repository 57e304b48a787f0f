"""What a run will need of devices, host and disk, and whether they have it, before anything is compiled.

XLA plans a program's memory itself; what it will say is foreseen from sizes of states and records, to a
factor of about two. A dry run (`mcollapse.dry_run`) compiles and asks XLA.
"""

import dataclasses
import functools
import os
import pathlib
import shutil
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from mcollapse.costs import gib, peak_memory
from mcollapse.program import Identity, parted
from mcollapse.recording import BLOCK, Keep

if TYPE_CHECKING:
    from mcollapse.running.preparation import Prepared

COMPILER_BYTES = 200 * 2**20
"""What tracing and compiling programs leave in the process."""
WORKING = 8
"""Arrays of a model's size that a step holds at once."""
POOL_WHOLE, POOL_SEGMENT = 2, 3
"""Copies of a pool: it is written in place, but a segment is also given one and hands one on."""
ROW_ARRAYS = 3
LANDING = 3
"""Copies of a chunk's summaries while the host puts them where they belong."""
DEVICE_SHARE = 0.95
"""Of a device's memory, what programs can have."""

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says what a container or a batch system leaves of the host's memory."""


@dataclasses.dataclass(frozen=True)
class Size:
    """Of the state of one replicate, in bytes; and the numbers that a step touches."""

    state: int
    pool: int
    rows: int
    step_numbers: int


@dataclasses.dataclass(frozen=True)
class Needs:
    """Bytes, at most, of each part of a run."""

    chunk: int
    """Of one chunk on its device: arguments, results and what a step holds."""
    workers: int
    """Chunks at once."""
    workers_a_device: int
    on_host: bool
    """Whether devices use the host's memory."""
    landing: int
    records: dict[str, int]
    """What each record keeps in the host's memory."""
    stored: dict[str, int]
    """What each record keeps on the disk, as it is before compression."""
    checkpoints: int
    process: int
    """What the process holds, before the run and for its programs."""

    @property
    def device(self) -> int:
        """At most on any device."""
        return self.chunk * self.workers_a_device

    @property
    def parts(self) -> dict[str, int]:
        """Of the host's memory, by what it is for."""
        chunks = (self.chunk * self.workers if self.on_host else 0) + self.landing
        return {"process and compiler": self.process, "chunks": chunks, "records": sum(self.records.values())}

    @property
    def host(self) -> int:
        """Of the host's memory."""
        return sum(self.parts.values())

    @property
    def disk(self) -> int:
        """Of the store's disk, before compression; 0 without one."""
        return sum(self.stored.values()) + self.checkpoints


def needs_of(asked: "Prepared", stored: bool, chunk: int | None = None, process: int | None = None) -> Needs:
    """Of a run as it is prepared; `chunk` and `process` where they have been measured."""
    job = asked.job
    summaries = sum(_summary_bytes(asked, name) for name in asked.records)
    lanes = job.lanes * job.cells_at_once
    if chunk is None:
        chunk = lanes * _lane_bytes(asked.size, job.cut) + summaries
    workers = min(job.workers, job.chunks)
    kept = {n: r.reduce.bytes(_numbers(asked, n), job.replicates) for n, r in asked.records.items()}
    whole = {n for n, r in asked.records.items() if isinstance(r.reduce, Keep)}
    in_memory = {n: 0 if stored and n in whole else size for n, size in kept.items()}
    return Needs(
        chunk=chunk,
        workers=workers,
        workers_a_device=-(-workers // len(job.devices)),
        on_host=job.on_cpu,
        # what earlier segments have recorded waits on the host, and so does what comes from an accelerator
        landing=(LANDING + (workers if job.cut or not job.on_cpu else 0)) * summaries,
        records=in_memory | {"status": 0 if stored else job.replicates * asked.cells},
        stored=kept | {"status": job.replicates * asked.cells} if stored else {},
        # two are kept and a third is being written
        checkpoints=3 * (sum(in_memory.values()) + workers * (lanes * asked.size.state + summaries)) * stored,
        process=held_now() + COMPILER_BYTES if process is None else process,
    )


def problems(asked: "Prepared", needs: Needs, store: pathlib.Path | None = None) -> list[str]:
    """Why the run cannot fit, each with a setting that would; empty where it can."""
    found = []
    for device in () if needs.on_host else asked.job.devices:
        limit = (device.memory_stats() or {}).get("bytes_limit")
        if limit and needs.device > DEVICE_SHARE * limit:
            said = f"a chunk needs {gib(needs.device)} on {device}, which has {gib(limit)}"
            found.append(f"{said}: {_smaller_chunk(asked, needs.chunk, DEVICE_SHARE * limit)}")
            break
    limit = host_limit()
    if needs.host > limit:
        worst = max(needs.parts, key=lambda part: needs.parts[part])
        said = f"the run would take {gib(needs.host)} of memory, and there are {gib(limit)}"
        if worst == "chunks" and needs.on_host:
            room = limit - needs.parts["records"] - needs.process
            found.append(
                f"{said}; {gib(needs.parts[worst])} are for {needs.workers} chunk(s) of {asked.job.lanes} "
                f"replicates at once: {_smaller_chunk(asked, needs.parts[worst], room)}"
            )
        else:
            elsewhere = "" if store else ", or write it to a disk with store=… (mcollapse run does)"
            found.append(f"{said}; {_largest(needs.records)}: {_SMALLER}{elsewhere}")
    if store is not None and (fault := disk_problem(needs.stored, needs.checkpoints, store)):
        found.append(fault)
    return found


def check_fits(asked: "Prepared", stored: bool) -> None:
    """Refuse what does not fit the memory of the devices or the host."""
    found = problems(asked, needs_of(asked, stored))
    if found:
        raise ValueError("; ".join(found))


def disk_problem(stored: dict[str, int], more: int, store: pathlib.Path) -> str | None:
    """Why a store does not fit its disk, with a setting that would; `None` where it does."""
    needed, free = sum(stored.values()) + more, free_bytes(store)
    if needed <= free:
        return None
    return (
        f"the records need {gib(needed)} at {store}, where {gib(free)} are free; {_largest(stored)}: "
        f"{_SMALLER}, or choose another disk"
    )


_SMALLER = (
    "reduce it with mc.Record(metric, reduce=mc.Moments()), keep fewer replicates with mc.Keep(first=…), or "
    'record fewer generations with at="log"'
)


def _largest(sizes: dict[str, int]) -> str:
    name = max(sizes, key=lambda n: sizes[n])
    return f"{gib(sizes[name])} of it are for the record {name!r}"


def _smaller_chunk(asked: "Prepared", chunk: int, room: float) -> str:
    fit = int(asked.job.lanes * room / chunk) // BLOCK * BLOCK
    if fit >= BLOCK:
        return f"run fewer replicates at once with chunk={fit}"
    return (
        f"even {BLOCK} replicates at once are too many: record fewer generations, reduce them with "
        "mc.Moments(), or let the pool keep fewer points (mc.pools.Subsample, mc.pools.Window)"
    )


def held_now() -> int:
    """Bytes that the process holds now; where the system does not say, the most so far."""
    try:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # of Linux alone
        return peak_memory()
    return pages * os.sysconf("SC_PAGE_SIZE")


def host_limit() -> int:
    """The host's memory, or what a container or a batch system leaves of it."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for file in LIMITS:
        path = pathlib.Path(file)
        said = path.read_text().strip() if path.exists() else ""
        total = min(total, int(said)) if said.isdecimal() else total
    return total


def free_bytes(store: pathlib.Path) -> int:
    """Of the disk that a store is on, or will be."""
    absolute = store.absolute()
    return shutil.disk_usage(next(p for p in (absolute, *absolute.parents) if p.exists())).free


def _lane_bytes(size: Size, cut: bool) -> int:
    pools = POOL_SEGMENT if cut else POOL_WHOLE
    return pools * size.pool + WORKING * (size.state - size.pool) + 4 * ROW_ARRAYS * size.rows


def _numbers(asked: "Prepared", name: str) -> int:
    """How many numbers a replicate records."""
    size = int(np.prod(asked.shape_of(name)))
    return size * (asked.job.generations + 1) if asked.records[name].reduce.every_generation else size


def _summary_bytes(asked: "Prepared", name: str) -> int:
    """Of all that a chunk hands to the host for a record, found by tracing its reducer."""
    job, reduce, value = asked.job, asked.records[name].reduce, asked.values[name]
    arrays, identity = parted(reduce)
    leaves, structure = jax.tree.flatten(arrays)
    given = tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves)
    once = _traced_bytes(identity, structure, given, (*value.shape[1:], job.lanes), value.dtype)
    return once * job.cells_at_once * (1 if reduce.every_generation else len(job.stops))


@functools.lru_cache(maxsize=256)
def _traced_bytes(
    identity: Identity, structure: Any, leaves: tuple[Any, ...], shape: tuple[int, ...], dtype: Any
) -> int:
    def summary(arrays: Any, values: Any, present: Any) -> Any:
        reduce = eqx.combine(arrays, identity.tree)
        return reduce.summarise(reduce.init(values) if reduce.every_generation else values, present)

    arrays = jax.tree.unflatten(structure, leaves)
    present = jax.ShapeDtypeStruct(shape[-1:], jnp.bool_)
    found = jax.eval_shape(summary, arrays, jax.ShapeDtypeStruct(shape, dtype), present)
    return sum(int(np.prod(leaf.shape)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(found))
