"""How orbax writes a checkpoint of ours: named arrays in one file, plain data in another.

Orbax's own handlers of host arrays write from process 0 alone, and refuse empty arrays; here every process
has a checkpoint of its own. What remains orbax's is what is hard: a directory that is whole or not there.
"""

import dataclasses
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import orbax.checkpoint as ocp

from mcollapse.reading import NUMBERS, check_members

ARRAYS, DATA = "arrays.npz", "data.json"


class ArraysHandler(ocp.CheckpointHandler):
    """Writes and reads `Arrays`; nothing of a file is ever run."""

    def save(self, directory: Any, args: "Arrays") -> None:
        """Into a directory that orbax renames when all is written."""
        with open(directory / ARRAYS, "wb") as file:
            np.savez(file, allow_pickle=False, **args.arrays)
        with open(directory / DATA, "w") as file:
            json.dump(args.data, file)

    def restore(self, directory: Any, args: "Arrays") -> "Arrays":
        """What was saved."""
        with open(directory / DATA) as file:
            data = json.load(file)
        with zipfile.ZipFile(directory / ARRAYS) as members:  # complex: noise is carried in pairs
            check_members(members, os.stat(directory / ARRAYS).st_size, NUMBERS + "c")
        with np.load(directory / ARRAYS, allow_pickle=False) as file:
            return Arrays(dict(file), data)


@ocp.args.register_with_handler(ArraysHandler, for_save=True, for_restore=True)
@dataclasses.dataclass
class Arrays(ocp.args.CheckpointArgs):
    """Named arrays and plain data about them."""

    arrays: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def checkpointer(process: int, processes: int) -> ocp.Checkpointer:
    """Orbax for one process alone, which waits for no other."""
    if processes == 1:
        return ocp.Checkpointer(ArraysHandler())
    options = ocp.options.MultiprocessingOptions(
        primary_host=process, active_processes={process}, barrier_sync_key_prefix=f"mcollapse-{process}"
    )
    return ocp.Checkpointer(ArraysHandler(), multiprocessing_options=options)
