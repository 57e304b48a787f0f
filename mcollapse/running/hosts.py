"""Many processes, one run: which of them this is, what it computes, and where they wait for each other.

The processes are those of `jax.distributed`. They share a file system and nothing else: each computes a
share of the replicates and writes it itself. When one dies, JAX stops the others.
"""

import itertools

import jax

from mcollapse.running.ranges import Ranges

_waits = itertools.count()
SILENCE = 30
"""Seconds after which a process that says nothing is taken for dead."""
WEEK = 7 * 24 * 3600
"""Seconds that a process waits for the slowest; one that dies is noticed by JAX long before."""


def index() -> int:
    """The number of this process."""
    return jax.process_index()


def count() -> int:
    """How many processes there are."""
    return jax.process_count()


def connect(coordinator: str | None = None, processes: int | None = None, process: int | None = None) -> None:
    """Join the other processes: found by themselves under SLURM and Open MPI, told of elsewhere.

    To be called before anything of JAX is used.

    Raises:
        ValueError: the three are not given together, or make no sense.
    """
    given = [value is not None for value in (coordinator, processes, process)]
    if any(given) and not all(given):
        raise ValueError(
            "outside SLURM and Open MPI say all three: the coordinator's address (HOST:PORT of process 0), "
            "how many processes there are, and which of them this is, from 0 on"
        )
    if processes is not None and process is not None and not 0 <= process < processes:
        raise ValueError(
            f"processes are numbered from 0 to {processes - 1}, and this one is told to be {process}"
        )
    try:
        jax.distributed.initialize(coordinator, processes, process, heartbeat_timeout_seconds=SILENCE)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"the processes could not be joined ({error}): run under SLURM or Open MPI, or say the "
            "coordinator, the number of processes and which of them this is"
        ) from error


def wait_for_all(place: str) -> None:
    """Wait until every process has come to a place, which has a name of its own."""
    if count() == 1:
        return
    from orbax.checkpoint import multihost

    place = f"mcollapse {next(_waits)} {place}"  # JAX meets at a name once
    multihost.sync_global_processes(place, timeout=WEEK, processes=set(range(count())))


def shares(left: Ranges, together: list[tuple[int, int]], rows: int, processes: int) -> list[Ranges]:
    """What each process computes of the replicates that are left.

    Replicates in one file of `rows`, and those of a range in `together`, fall to one process: two never
    write to one file.
    """
    units: list[list[tuple[int, int]]] = []
    reach = 0
    for first, stop in sorted([*_at_files(left, rows), *together]):
        if units and first < reach:
            units[-1].append((first, stop))
        else:
            units.append([(first, stop)])
        reach = max(reach, -(-stop // rows) * rows)
    found: list[list[tuple[int, int]]] = [[] for _ in range(processes)]
    total, before = sum(stop - first for unit in units for first, stop in unit), 0
    for unit in units:
        size = sum(stop - first for first, stop in unit)
        found[min(processes - 1, (before + size // 2) * processes // max(total, 1))] += unit
        before += size
    return [Ranges(ranges) for ranges in found]


def _at_files(left: Ranges, rows: int) -> list[tuple[int, int]]:
    """Ranges cut where a file ends."""
    return [
        (max(first, row), min(stop, row + rows))
        for first, stop in left
        for row in range(first // rows * rows, stop, rows)
    ]
