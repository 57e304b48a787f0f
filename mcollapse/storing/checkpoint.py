"""Checkpoints: what a run has gathered, so that it can stop and go on.

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

import jax
import numpy as np

logger = logging.getLogger("mcollapse")

KEPT = 2
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
        from mcollapse.storing.arrays_handler import Arrays, checkpointer

        steps = self.steps()
        step = steps[-1] + 1 if steps else 0
        self.directory.mkdir(parents=True, exist_ok=True)
        for left in self.directory.glob("*.orbax-checkpoint-tmp*"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        told = {"data": dict(data), "digest": _digest(arrays, data)}
        with checkpointer(jax.process_index(), jax.process_count()) as writer:
            writer.save((self.directory / str(step)).absolute(), args=Arrays(arrays, told))
        for old in [*steps, step][:-KEPT]:
            shutil.rmtree(self.directory / str(old), ignore_errors=True)

    def newest(self) -> Saved | None:
        """The newest checkpoint that is whole and unharmed; `None` where there is none."""
        for step in reversed(self.steps()):
            try:
                return self._read(self.directory / str(step))
            except Exception as error:  # whatever a damaged file makes of its reader: the one before is tried
                logger.warning("checkpoint %s cannot be read (%s): the one before is used", step, error)
        return None

    def _read(self, path: pathlib.Path) -> Saved:
        from mcollapse.storing.arrays_handler import Arrays, checkpointer

        with checkpointer(jax.process_index(), jax.process_count()) as reader:
            found = reader.restore(path.absolute(), args=Arrays())
        if _digest(found.arrays, found.data["data"]) != found.data["digest"]:
            raise ValueError("its contents are not those that were written")
        return found.arrays, found.data["data"]


def _digest(arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> str:
    found = hashlib.sha256(json.dumps(data, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {np.shape(arrays[name])}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
