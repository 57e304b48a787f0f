"""Checkpoints: what a run has gathered, so that it can stop and go on.

A checkpoint is a directory that orbax writes under another name and renames when it is whole, and beside it
a file with the digests of all in it, since a disk can lie: without that file it is no checkpoint. The two
newest are kept.
"""

import errno
import hashlib
import json
import logging
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from mcollapse.reading import replace_file

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
        names = [path.stem for path in self.directory.glob("*.json")]
        return sorted(int(n) for n in names if n.isdecimal() and (self.directory / n).is_dir())

    def clear_leftovers(self) -> None:
        """Remove what a killed writer has left unfinished: nobody else may be writing."""
        whole = {str(step) for step in self.steps()}
        for path in self.directory.glob("*"):
            if path.name.removesuffix(".json") not in whole:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def save(self, arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> None:
        """Write the next checkpoint, then remove all but the newest two.

        Raises:
            OSError: the disk is full or cannot be written; older checkpoints stand.
        """
        from mcollapse.storing.arrays_handler import Arrays, checkpointer

        steps = self.steps()
        step = steps[-1] + 1 if steps else 0
        target = self.directory / str(step)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.clear_leftovers()
        try:
            with checkpointer(jax.process_index(), jax.process_count()) as writer:
                writer.save(target.absolute(), args=Arrays(arrays, data))
            replace_file(self.directory / f"{step}.json", json.dumps(_digests(target)).encode())
        except Exception as error:
            self.clear_leftovers()
            if (number := _system_error(error)) is None:
                raise
            raise OSError(number, os.strerror(number)) from error
        for old in [*steps, step][:-KEPT]:
            (self.directory / f"{old}.json").unlink()
        self.clear_leftovers()

    def newest(self) -> Saved | None:
        """The newest checkpoint that is whole and unharmed; `None` where there is none."""
        for step in reversed(self.steps()):
            try:
                return self._read(self.directory / str(step))
            except Exception as error:  # whatever a damaged file makes of its reader: the one before is tried
                said = " ".join(str(error).split())[:200]
                path = self.directory / str(step)
                logger.warning("the checkpoint %s cannot be read (%s): the one before is used", path, said)
        return None

    def _read(self, path: pathlib.Path) -> Saved:
        from mcollapse.storing.arrays_handler import Arrays, checkpointer

        if _digests(path) != json.loads(path.with_suffix(".json").read_text()):
            raise ValueError("its files are not those that were written")
        with checkpointer(jax.process_index(), jax.process_count()) as reader:
            found = reader.restore(path.absolute(), args=Arrays())
        return dict(found.arrays), dict(found.data)


def _system_error(error: BaseException | None) -> int | None:
    """The number of what the system said, which tensorstore tells in words."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        for number in errno.errorcode:
            if os.strerror(number) in str(error):
                return number
        error = error.__cause__ or error.__context__
    return None


def _digests(path: pathlib.Path) -> dict[str, str]:
    """Of every file of a checkpoint, by its path."""
    found = {}
    for file in sorted(f for f in path.rglob("*") if f.is_file()):
        with open(file, "rb") as opened:
            found[file.relative_to(path).as_posix()] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found
