"""Going on with a stored run from what its store says of itself, without the script that began it."""

import contextlib
import os
import pathlib
from typing import Any

import jax
import jax.numpy as jnp

from mcollapse import planning
from mcollapse.description import NotRebuilt, rebuild_process, rebuild_record
from mcollapse.families.base import Truth
from mcollapse.progress import AbstractProgress, meter
from mcollapse.reading import read_some
from mcollapse.running import hosts
from mcollapse.running.needs import check_fits
from mcollapse.running.preparation import Prepared, prepared
from mcollapse.storing.data_set import DataSet
from mcollapse.storing.lock import locked
from mcollapse.storing.store import CHECKPOINT_SECONDS, Store, stored_attributes
from mcollapse.trajectories import DATA, Trajectories, truth_from


def resume(
    store: str | os.PathLike[str],
    *,
    replicates: int | None = None,
    chunk: int | None = None,
    devices: Any = None,
    progress: AbstractProgress | bool | None = None,
    checkpoint_every: float = CHECKPOINT_SECONDS,
) -> Trajectories:
    """Go on with a run that was stopped, bit for bit, or give a finished one more replicates.

    Raises:
        ValueError: there is no such run, it was made by other versions or on another backend, or its process,
            truth or metrics are the user's own: call `simulate` with the same arguments and `store` instead.
    """
    path, shown = pathlib.Path(store), meter(progress)
    told = check_resumable(path)
    try:
        asked = _prepared(path, told, replicates, chunk, devices)
    except ValueError as error:
        raise ValueError(
            f"{error}; to go on, call simulate with the arguments of that run and store={str(path)!r}"
        ) from error
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{path / DATA} is damaged, or another version wrote it: what it says of its run makes no sense "
            f"({type(error).__name__}: {error})"
        ) from error
    check_fits(asked, stored=True)
    with hosts.together(), Store(path, asked, checkpoint_every) as opened:
        return opened.run(shown)


def check_resumable(path: pathlib.Path) -> dict[str, Any]:
    """What a store says of its run; refused, where there is none that could go on."""
    if path.is_dir() and hosts.index() == 0 and not (path / DATA).exists():
        with contextlib.closing(locked(path)):
            DataSet(path / DATA).recover()
    told = stored_attributes(path)
    if told is None:
        raise ValueError(
            f"{path} holds no run that could go on: give the directory that a run was told to write"
        )
    return told


def _prepared(
    path: pathlib.Path, told: dict[str, Any], replicates: int | None, chunk: int | None, devices: Any
) -> Prepared:
    process, truth = rebuild_process(told["process"]), _stored_truth(path, told)
    records = {name: rebuild_record(record) for name, record in told["records"].items()}
    return prepared(
        process,
        truth,
        planning.Grid.of(told["sweep"]) if told["sweep"] else None,
        jax.random.wrap_key_data(jnp.asarray(told["key"], jnp.uint32)),
        told["generations"],
        told["replicates"] if replicates is None else replicates,
        told["start"],
        records,
        chunk,
        devices,
        told["draws"],
        stored=True,
    )


def _stored_truth(path: pathlib.Path, told: dict[str, Any]) -> Truth:
    truth = truth_from(read_some(path / DATA, "truth."), told)
    if not isinstance(truth, Truth):
        raise NotRebuilt(f"the truth's family, {told['truth_family']['name']!r}, is not one of mcollapse's")
    return truth
