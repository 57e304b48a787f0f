"""`mc.simulate` in a process of its own, on given cores and with so many devices: a run for each line sent.

The process that asks loads no JAX: on Linux a child's peak memory begins with what its parent has held.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from types import TracebackType
from typing import Any

SIZE = 100
TOLD = ("chunks", "segments", "lanes", "devices", "workers", "programs_compiled", "peak_memory")
"""Statistics of a run that are handed on."""


class Server:
    """The process, seen from outside."""

    def __init__(self, cores: Collection[int] = (), devices: int = 1):
        count = f"--xla_force_host_platform_device_count={devices}"
        flags = f"{os.environ.get('XLA_FLAGS', '')} {count}".strip()
        # where nobody looks, a meter shows nothing, and would cost nothing
        environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "FORCE_COLOR": "1"}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, __file__, *map(str, sorted(cores))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment,
        )

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.communicate()  # closes its input, which ends it
        self.errors.close()

    def ask(self, **request: Any) -> dict[str, Any]:
        """A run with these arguments, see `run`; seconds and statistics."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait()
            self.errors.seek(0)
            raise RuntimeError(f"{request} has failed:\n{self.errors.read()[-3000:]}")
        return json.loads(answer)


def records() -> dict[str, Any]:
    """Ways to record the same metric, by name."""
    import mcollapse as mc

    def record(reduce: Any, **options: Any) -> Any:
        return mc.Record(mc.metrics.log_variance, reduce=reduce, **options)

    return {
        "moments, log": record(mc.Moments(), at="log"),
        "moments": record(mc.Moments()),
        "keep": record(mc.Keep()),
        "hitting time": record(mc.HittingTime(below=-1.0)),
        "quantiles, log": record(mc.Quantiles(), at="log"),
        "histogram, log": record(mc.Histogram(low=-8.0, high=2.0, bins=50), at="log"),
    }


def run(
    generations: int,
    replicates: int,
    record: str = "moments, log",
    meter: bool = False,
    stored: bool = False,
    checkpoint_every: float | None = None,
    chunk: int | None = None,
) -> dict[str, Any]:
    """Gaussian replacement once, from the arguments of `mc.simulate` to its result; in a fresh store."""
    import jax

    import mcollapse as mc

    process = mc.RecursiveTraining(
        family=mc.families.Gaussian(), estimator=mc.estimators.Unbiased(), sizes=SIZE
    )
    options: dict[str, Any] = {"chunk": chunk, "record": {"log_variance": records()[record]}}
    if checkpoint_every is not None:
        options["checkpoint_every"] = checkpoint_every
    with tempfile.TemporaryDirectory() as directory:
        if stored:
            options["store"] = os.path.join(directory, "store")
        if meter:
            options["progress"] = mc.progress.TerminalProgress()
        begun = time.perf_counter()
        found = mc.simulate(
            process,
            mc.families.Gaussian.Params.standard(),
            key=jax.random.key(0),
            generations=generations,
            replicates=replicates,
            start="truth",
            **options,
        )
        seconds = time.perf_counter() - begun  # numpy arrays: nothing is left in flight
    return {"seconds": seconds, **{name: getattr(found.stats, name) for name in TOLD}}


def main() -> None:
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, set(map(int, sys.argv[1:])))  # before anything starts threads
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
