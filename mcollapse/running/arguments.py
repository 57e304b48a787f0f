"""What a user gives to `simulate`, checked before anything is compiled."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from mcollapse import metrics
from mcollapse.abstract_process import AbstractProcess
from mcollapse.program import Records
from mcollapse.random import Key
from mcollapse.reading import check_fits
from mcollapse.recording import Record
from mcollapse.whole_numbers import check_whole, whole

Device = Any  # jax.Device, which is no type to a type checker


def checked_records(process: AbstractProcess, record: Mapping[str, Record] | None) -> Records:
    """What to keep: the process's standard metrics where nothing is said."""
    if record is None:
        if process.recorded:
            return {name: Record(getattr(metrics, name)) for name in process.recorded}
        family = getattr(process, "family", None)
        if family is None:
            raise ValueError(
                f"a {type(process).__name__} has no standard metrics: say what to keep, such as "
                'record={"error": mc.Record(mc.metrics.squared_error)}'
            )
        return {name: Record(metric) for name, metric in metrics.standard(family).items()}
    if not isinstance(record, Mapping) or not record:
        raise ValueError(
            'record is a dictionary of records, such as {"error": mc.Record(mc.metrics.squared_error)}, '
            f"got {record!r}"
        )
    for name, value in record.items():
        if not isinstance(value, Record):
            raise ValueError(f"record[{name!r}] must be a mc.Record(metric, …), got {value!r}")
        if not isinstance(name, str) or not name or "." in name or "/" in name:
            raise ValueError(f"a record's name is a word without dots or slashes, got {name!r}")
        if name in ("status", "replicate", "time") or name.startswith("generation_"):
            raise ValueError(
                f"{name!r} is a name that the data set needs itself: call the record something else"
            )
        if value.at is not None and value.reduce.every_generation:
            raise ValueError(
                f"record[{name!r}]: {type(value.reduce).__name__} looks at every generation, and `at` means "
                "nothing there: leave it out"
            )
    return dict(record)


def check_numbers(process: AbstractProcess, generations: int, replicates: int, chunk: int | None) -> None:
    """Refuse what is no process, and counts that are no counts."""
    if not isinstance(process, AbstractProcess):
        raise ValueError(f"simulate runs a process such as mc.RecursiveTraining(…), got {process!r}")
    check_whole("generations", whole(generations))
    check_whole("replicates", whole(replicates))
    check_whole("chunk", whole(chunk), optional=True)
    if replicates > np.iinfo(np.int32).max:
        raise ValueError(
            f"replicates are numbered in 31 bits: at most {np.iinfo(np.int32).max:,}, got {replicates:,}"
        )
    if generations >= np.iinfo(np.int32).max:
        raise ValueError(
            f"generations are numbered in 31 bits: less than {np.iinfo(np.int32).max:,}, got {generations:,}"
        )
    check_fits(f"what is known of {generations:,} generations", 64.0 * generations)


def root_words(key: PRNGKeyArray) -> np.ndarray:
    """The two words of a typed key."""
    if isinstance(key, int):
        raise ValueError(f"key is a typed JAX key, not a seed: write key=jax.random.key({key})")
    if not isinstance(key, jax.Array):
        raise ValueError(f"key is a typed JAX key such as jax.random.key(0), got {key!r}")
    return np.stack([np.asarray(word) for word in Key.of(key).words])


def local_devices(devices: Sequence[Device] | int | None) -> list[Device]:
    """Those that are named, or the first so many of this process."""
    local = jax.local_devices()
    if devices is None:
        return local
    if isinstance(devices, int):
        if not 1 <= devices <= len(local):
            raise ValueError(f"devices={devices}, but this process has {len(local)}: {local}")
        return local[:devices]
    if not devices:
        raise ValueError("devices must name at least one JAX device")
    return list(devices)
