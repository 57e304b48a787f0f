"""Compiled programs, kept: a call with other numbers of the same shapes compiles nothing.

When something does compile again, `Compiled.changes` says what is different from the program before.
"""

import dataclasses
import logging
import threading
import time
from typing import Any

import equinox as eqx
import jax
import numpy as np

from mcollapse.program import Addresses, Carried, Experiment, Layout, compiled_chunk, parted

logger = logging.getLogger("mcollapse")

LOADED = "/jax/compilation_cache/cache_hits"
_hits = threading.local()  # JAX tells of a hit in the thread that compiles
jax.monitoring.register_event_listener(
    lambda event, **_: setattr(_hits, "count", _loads() + 1) if event == LOADED else None
)


def _loads() -> int:
    return getattr(_hits, "count", 0)


@dataclasses.dataclass
class Compiled:
    """A program for one device, what it cost to make and how it differs from the one before."""

    program: Any
    seconds: float
    changes: tuple[str, ...]
    began: float = 0.0
    """When, by `time.perf_counter`."""
    loaded: bool = False
    """Whether a compilation cache on a disk had it."""


def compiler_options(platform: str | None = None) -> dict[str, str | bool] | None:
    """What `simulate` asks of XLA, for `jax.jit(…, compiler_options=…)`; of the default backend unless said.

    On a CPU: wide vectors where the processor has them, up to 1.8 times as fast as LLVM's own choice of 256
    bits. Someone who scans `step` by hand needs them for the very bits of `simulate`: without them sums of
    products may be rounded otherwise. In float64 they may be all the same, by some units in the last places.
    """
    return {"xla_cpu_prefer_vector_width": "512"} if (platform or jax.default_backend()) == "cpu" else None


class Programs:
    """A small store of compiled programs; two threads never compile the same one twice."""

    def __init__(self, most: int = 64):
        self.most = most
        self.compiled: dict[Any, Compiled] = {}
        self.locks: dict[Any, threading.Lock] = {}
        self.guard = threading.Lock()
        self.last_facts: dict[str, str] | None = None

    def get(
        self,
        experiment: Experiment,
        addresses: Addresses,
        layout: Layout,
        device: Any,
        carried: Carried | None = None,
    ) -> tuple[Compiled, Any, bool]:
        """The program, the experiment's arrays on its device, and whether it was compiled just now."""
        arrays, identity = parted(experiment)
        shapes = tuple(
            (leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves((arrays, addresses, carried))
        )
        signature = (identity, layout, shapes, jax.tree.structure(arrays), device)
        with self.guard:
            lock = self.locks.setdefault(signature, threading.Lock())
        arrays = jax.device_put(arrays, device)
        with lock:
            found = self.compiled.get(signature)
            if found is not None:
                return found, arrays, False
            changes = self._changes(
                facts(experiment)
                | {"layout": str(dataclasses.replace(layout, part="whole"))}
                | _shapes(addresses)
            )
            since, loads = time.perf_counter(), _loads()
            placed = jax.device_put(addresses, device)
            lowered = compiled_chunk.lower(arrays, placed, carried, identity, layout)
            program = lowered.compile(compiler_options=compiler_options(device.platform))
            made = Compiled(program, time.perf_counter() - since, changes, since, loaded=_loads() > loads)
            self._store(signature, made)
        if changes:
            logger.info("compiled again, since %s", "; ".join(changes))
        return made, arrays, True

    def _store(self, signature: Any, made: Compiled) -> None:
        with self.guard:
            while len(self.compiled) >= self.most:  # the oldest goes first
                oldest = next(iter(self.compiled))
                del self.compiled[oldest]
                self.locks.pop(oldest, None)
            self.compiled[signature] = made

    def _changes(self, current: dict[str, str]) -> tuple[str, ...]:
        with self.guard:
            before, self.last_facts = self.last_facts, current
        if before is None:
            return ()
        names = sorted(set(before) | set(current))
        changed = [name for name in names if before.get(name) != current.get(name)]
        return tuple(f"{n}: {before.get(n, 'absent')} → {current.get(n, 'absent')}" for n in changed)


def facts(value: Any, path: str = "") -> dict[str, str]:
    """Everything about a value that decides its program: shapes of arrays, and all else by value."""
    if isinstance(value, eqx.Module):
        inner = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        found = {path or "experiment": type(value).__name__}
    elif isinstance(value, dict):
        inner, found = value, {}
    else:
        return {path: _shape(value) if hasattr(value, "shape") else repr(value)}
    for name, item in inner.items():
        found |= facts(item, f"{path}.{name}" if path else str(name))
    return found


def _shape(array: Any) -> str:
    return f"{array.dtype}{list(np.shape(array))}"


def _shapes(addresses: Addresses) -> dict[str, str]:
    return {"recorded generations": str(addresses.stops.shape[0])}


PROGRAMS = Programs()
