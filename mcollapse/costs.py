"""What a run cost: seconds, compilations, memory, and how it was cut."""

import dataclasses
import sys
from typing import Any


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Of a run, or of its part since it was resumed: seconds, compilations, memory, and how it was cut."""

    seconds: float
    compile_seconds: float
    programs_compiled: int
    compiled_because: tuple[str, ...]
    replicate_generations: int
    chunks: int
    segments: int
    lanes: int
    workers: int
    devices: int
    peak_memory: int
    """The most bytes that the process has held so far, and of an accelerator those of its devices."""
    statuses: dict[str, int]
    """How many replicates (of every cell) ended with each status."""

    @property
    def rate(self) -> float:
        """Replicate-generations per second, compiling left out."""
        return self.replicate_generations / max(self.seconds - self.compile_seconds, 1e-9)

    def __str__(self) -> str:
        return (
            f"{self.replicate_generations:.3g} replicate-generations in {self.seconds:.2f} s "
            f"({self.compile_seconds:.2f} s of it compiling {self.programs_compiled} program(s)), "
            f"{self.rate:.3g} per second; {self.chunks} chunk(s) of {self.lanes} lanes on {self.devices} "
            f"device(s) and {self.workers} host thread(s), {self.peak_memory / 2**30:.2f} GiB"
        )


@dataclasses.dataclass
class Costs:
    """What adds up while a run goes on."""

    compile_seconds: float = 0.0
    programs: int = 0
    changes: tuple[str, ...] = ()
    chunks: int = 0
    segments: int = 0
    replicate_generations: float = 0.0


def peak_memory(devices: list[Any]) -> int:
    """The most bytes held so far: by the process, or by the devices where they have memory of their own."""
    own = [device.memory_stats() for device in devices if device.platform != "cpu"]
    if own and all(own):
        return sum(int(stats["peak_bytes_in_use"]) for stats in own)
    import resource  # of POSIX alone

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
