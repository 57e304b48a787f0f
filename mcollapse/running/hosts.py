"""Many processes, one run: which of them this is, what it computes, and where they wait for each other.

The processes are those of `jax.distributed`. They share a file system and some words (`company`): each
computes a share of the replicates and writes it itself. When one fails or dies, the others save and stop.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping

import jax

from mcollapse.running.company import SILENCE, Company
from mcollapse.running.ranges import Ranges

_company: Company | None = None


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
    # otherwise JAX notes a SIGTERM that comes before a run has begun, and does nothing
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            process,
            local_device_ids=[] if _devices_are_own(os.environ) else None,  # none named: all that it sees
            heartbeat_timeout_seconds=int(SILENCE)
            + 60,  # ours are heard before, so that there is time to save
        )
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"the processes could not be joined ({error}): run under SLURM or Open MPI, or say the "
            "coordinator, the number of processes and which of them this is"
        ) from error
    _set_out()


def company() -> Company | None:
    """The other processes; `None` where there are none."""
    global _company
    if _company is None and count() > 1:
        from orbax.checkpoint import multihost

        _company = Company(multihost.get_jax_distributed_client(), index(), count())
    return _company


def wait_for_all(
    place: str, word: str = "", stopping: Callable[[], bool] = lambda: False
) -> list[str] | None:
    """Wait until every process has come to a place, and give what each has said there.

    `None` where they stop instead, since `stopping` turned true or another was told to.

    Raises:
        OtherEnded: one that is waited for has failed or died.
        ValueError: another process came to another place.
    """
    others = company()
    return [word] if others is None else others.meet(place, word, stopping)


def stop_signal() -> int | None:
    """The signal that any process has received."""
    return None if _company is None else _company.stop()


def ended() -> str | None:
    """Which other process has failed or died, and why."""
    return None if _company is None else _company.ended()


def tell_stop(number: int) -> None:
    """Have the others stop as well."""
    if _company is not None:
        _company.tell_stop(number)


def all_is_done() -> None:
    """From now on a process may end without ending the others."""
    if _company is not None:
        _company.together = False


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Inside it, an error of this process ends the others, who are told what it was."""
    _set_out()
    try:
        yield
    except BaseException as error:
        if _company is not None:
            _company.leave(error)
        raise


def _set_out() -> None:
    others = company()
    if others is not None:
        others.together = True


def part(error: BaseException) -> bool:
    """Be ready to end before the others are: whether there are any who have not done all.

    What is to be done then is `os._exit`: JAX would wait minutes for those who died.
    """
    if _company is None or not _company.together:
        return False
    _company.leave(error)
    _company.part()
    return True


def _devices_are_own(environment: Mapping[str, str]) -> bool:
    """Whether all devices that a process sees are its own: of several on a node JAX gives each one device.

    They are where it is alone on its node, or the batch system has dealt the devices out.
    """
    if "SLURM_GPUS_PER_TASK" in environment:
        return True
    if "OMPI_COMM_WORLD_LOCAL_SIZE" in environment:
        return environment["OMPI_COMM_WORLD_LOCAL_SIZE"] == "1"
    # as "1(x4)": a task on each of four nodes
    return bool(re.fullmatch(r"1(\(x\d+\))?", environment.get("SLURM_STEP_TASKS_PER_NODE", "")))


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
