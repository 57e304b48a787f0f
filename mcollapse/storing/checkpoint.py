"""Checkpoints: what a run has gathered, so that it can stop and go on. The only importer of orbax.

A checkpoint is a directory that orbax writes under another name and renames when it is whole; the two
newest are kept. Beside the arrays it holds plain data and a digest of both, since a disk can lie.
"""

import hashlib
import json
import logging
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np

logger = logging.getLogger("mcollapse")

KEPT = 2
ANY = {"any": np.ones(1)}  # orbax refuses to write nothing
Saved = tuple[dict[str, np.ndarray], dict[str, Any]]
"""Named arrays, and plain data about them."""


class Checkpoints:
    """The checkpoints of one process of a run, in a directory of their own."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory

    def steps(self) -> list[int]:
        """Numbers of the whole checkpoints, in order."""
        if not self.directory.is_dir():
            return []
        found = (p.name for p in self.directory.iterdir() if p.name.isdecimal())
        return sorted(int(name) for name in found)

    def save(self, arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> None:
        """Write the next checkpoint, then remove all but the newest two.

        Raises:
            OSError: the disk is full or cannot be written; older checkpoints stand.
        """
        import orbax.checkpoint as ocp

        steps = self.steps()
        step = steps[-1] + 1 if steps else 0
        # orbax takes no empty arrays: they are told of by shape and dtype
        empty = {n: [list(a.shape), str(a.dtype)] for n, a in arrays.items() if a.size == 0}
        told = {"data": dict(data), "empty": empty, "digest": _digest(arrays, data)}
        target, names = self.directory / str(step), sorted(set(arrays) - set(empty))
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            with _checkpointer() as writer:
                writer.save(
                    target.absolute(),
                    args=ocp.args.Composite(
                        told=ocp.args.JsonSave(told | {"names": names}),
                        arrays=ocp.args.StandardSave(ANY | {str(i): arrays[n] for i, n in enumerate(names)}),
                    ),
                )
        except ValueError as error:  # tensorstore says so of a disk that is full
            if "RESOURCE_EXHAUSTED" not in str(error) and "No space" not in str(error):
                raise
            raise OSError(str(error)) from error
        for old in [*steps, step][:-KEPT]:
            shutil.rmtree(self.directory / str(old))

    def newest(self) -> Saved | None:
        """The newest checkpoint that is whole and unharmed; `None` where there is none."""
        for step in reversed(self.steps()):
            try:
                return self._read(self.directory / str(step))
            except Exception as error:  # whatever a damaged file makes of its reader: the one before is tried
                logger.warning("checkpoint %s cannot be read (%s): the one before is used", step, error)
        return None

    def _read(self, path: pathlib.Path) -> Saved:
        import orbax.checkpoint as ocp

        with _checkpointer() as reader:
            told = reader.restore(path.absolute(), args=ocp.args.Composite(told=ocp.args.JsonRestore())).told
            kept = reader.restore(
                path.absolute(), args=ocp.args.Composite(arrays=ocp.args.StandardRestore())
            ).arrays
        arrays = {name: np.asarray(kept[str(i)]) for i, name in enumerate(told["names"])}
        arrays |= {n: np.zeros(shape, dtype) for n, (shape, dtype) in told["empty"].items()}
        if _digest(arrays, told["data"]) != told["digest"]:
            raise ValueError("its contents are not those that were written")
        return arrays, told["data"]


def _checkpointer() -> Any:
    import orbax.checkpoint as ocp

    return ocp.Checkpointer(ocp.CompositeCheckpointHandler())


def _digest(arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> str:
    found = hashlib.sha256(json.dumps(data, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
