"""What a run cost: seconds, compilations, memory, and how it was cut."""

import dataclasses
import math
import pathlib
import re
import sys
from typing import Any


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Of a run, or of its part since it was resumed: seconds, compilations, memory, and how it was cut."""

    seconds: float
    compile_seconds: float
    """In which at least one thread traced and compiled programs, or loaded them."""
    programs_compiled: int
    programs_loaded: int
    """How many of these were found in a compilation cache on a disk."""
    compiled_because: tuple[str, ...]
    replicate_generations: int
    chunks: int
    segments: int
    lanes: int
    workers: int
    devices: int
    peak_memory: int
    """The most bytes of the host's memory that the process has held so far."""
    peak_device_memory: int | None
    """The most that any device has held so far; `None` where devices use the host's memory."""
    statuses: dict[str, int]
    """How many replicates (of every cell) ended with each status."""

    @property
    def run_seconds(self) -> float:
        """Without compiling."""
        return max(self.seconds - self.compile_seconds, 0.0)

    @property
    def rate(self) -> float:
        """Replicate-generations per second, compiling left out."""
        return self.replicate_generations / max(self.run_seconds, 1e-9)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with what follows from them."""
        more = {"run_seconds": self.run_seconds, "replicate_generations_per_second": self.rate}
        return dataclasses.asdict(self) | more

    def __str__(self) -> str:
        programs = counted(self.programs_compiled, "program")
        loaded = f", {self.programs_loaded} of them from the cache" if self.programs_loaded else ""
        compiled = f" after {self.compile_seconds:.2f} s for {programs}{loaded}"
        memory = f"{gib(self.peak_memory)} of memory at most"
        if self.peak_device_memory is not None:
            memory = (
                f"{gib(self.peak_device_memory)} a device and {gib(self.peak_memory)} of the host at most"
            )
        return (
            f"{self.replicate_generations:.3g} replicate-generations in {self.run_seconds:.2f} s"
            f"{compiled if self.programs_compiled else ''}: {self.rate:.3g} a second\n"
            f"{counted(self.chunks, 'chunk')} of {self.lanes:,} lanes in {counted(self.segments, 'segment')} "
            f"on {counted(self.devices, 'device')} and {counted(self.workers, 'host thread')}, {memory}\n"
            f"{told_statuses(self.statuses)}"
        )


@dataclasses.dataclass
class Costs:
    """What adds up while a run goes on."""

    programs: int = 0
    loaded: int = 0
    changes: tuple[str, ...] = ()
    chunks: int = 0
    segments: int = 0
    replicate_generations: float = 0.0
    compile_seconds: float = 0.0
    """In which at least one thread compiled."""
    spans: list[tuple[float, float]] = dataclasses.field(default_factory=list)

    def compiled(self, began: float, seconds: float) -> None:
        """A thread compiled; several may do so at once, and that time counts once."""
        self.spans.append((began, began + seconds))
        self.compile_seconds, reached = 0.0, -math.inf
        for first, last in sorted(self.spans):
            self.compile_seconds += max(0.0, last - max(first, reached))
            reached = max(reached, last)


def told_statuses(statuses: dict[str, int]) -> str:
    """How replicates ended, in words."""
    counts = (f"{name.replace('_', ' ')} {count:,}" for name, count in statuses.items() if count)
    return f"replicates ended: {', '.join(counts)}"


def counted(count: int, noun: str) -> str:
    """`1 chunk`, `2 chunks`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def gib(size: float) -> str:
    """Bytes in words: GiB, or MiB and KiB where they are few."""
    for power, unit in ((30, "GiB"), (20, "MiB")):
        if size >= 2**power:
            return f"{size / 2**power:,.{1 if unit == 'GiB' else 0}f} {unit}"
    return f"{math.ceil(size / 2**10)} KiB"


def peak_memory() -> int:
    """The most bytes that the process has held so far."""
    own = pathlib.Path("/proc/self/status")
    if own.exists():  # what the system counts for a process begins, on Linux, with its parent's
        held = re.search(r"VmHWM:\s*(\d+) kB", own.read_text())
        if held:
            return int(held[1]) * 1024
    import resource  # of POSIX alone

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def peak_device_memory(devices: list[Any]) -> int | None:
    """The most that any device has held so far; `None` where they have none of their own."""
    own = [device.memory_stats() for device in devices if device.platform != "cpu"]
    return max(int(stats["peak_bytes_in_use"]) for stats in own) if own and all(own) else None
