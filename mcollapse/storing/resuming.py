"""Going on with a stored run from what its store says of itself, without the script that began it."""

import os
import pathlib
from typing import Any

import jax
import jax.numpy as jnp

from mcollapse import planning
from mcollapse.description import NotRebuilt, rebuild_process, rebuild_record
from mcollapse.families.base import Truth
from mcollapse.progress import AbstractProgress, meter
from mcollapse.running.needs import check_fits
from mcollapse.running.preparation import prepared
from mcollapse.storing.store import CHECKPOINT_SECONDS, Store, read_attributes
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
    told = read_attributes(path / DATA)
    if told is None:
        raise ValueError(
            f"{path} holds no run that could go on: give the directory that a run was told to write"
        )
    try:
        process, truth = rebuild_process(told["process"]), _stored_truth(path, told)
        records = {name: rebuild_record(record) for name, record in told["records"].items()}
    except NotRebuilt as error:
        raise ValueError(
            f"{error}; to go on, call simulate with the arguments of that run and store={str(path)!r}"
        ) from error
    asked = prepared(
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
    check_fits(asked, stored=True)
    with Store(path, asked, checkpoint_every) as opened:
        return opened.run(shown)


def _stored_truth(path: pathlib.Path, told: dict[str, Any]) -> Truth:
    import zarr

    group: Any = zarr.open_group(path / DATA, mode="r")
    arrays = {name: group[name][...] for name in group.array_keys() if name.startswith("truth.")}
    truth = truth_from(arrays, told)
    if not isinstance(truth, Truth):
        raise NotRebuilt(f"the truth's family, {told['truth_family']['name']!r}, is not one of mcollapse's")
    return truth
