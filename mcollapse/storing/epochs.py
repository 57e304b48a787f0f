"""Checkpoints of many processes over many resumptions: which of them say how the run stands.

    checkpoints/EPOCH/PROCESS/STEP

Each time a run is gone on with, an epoch begins. Process 0 takes over all that was gathered before, and
says so in its first checkpoint; until then that of the epoch before counts. The others begin with nothing,
so that the states of an epoch are of different replicates and can be merged.
"""

import pathlib
import shutil

from mcollapse.storing.checkpoint import Checkpoints, Saved


class Epochs:
    """The checkpoints of a store."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory

    def numbers(self) -> list[int]:
        """Of the epochs, in order."""
        return _numbers(self.directory)

    def checkpoints(self, epoch: int, process: int) -> Checkpoints:
        """Those of one process in one epoch."""
        return Checkpoints(self.directory / str(epoch) / str(process))

    def newest(self) -> list[Saved]:
        """The states of all processes, of different replicates; none before the first checkpoint."""
        found: list[Saved] = []
        for epoch in reversed(self.numbers()):
            found += self.others(epoch, 0)
            taken_over = self.checkpoints(epoch, 0).newest()
            if taken_over is not None:
                return [taken_over, *found]
        return found

    def others(self, epoch: int, process: int) -> list[Saved]:
        """The newest states of an epoch but that of one process."""
        states = [self.checkpoints(epoch, p).newest() for p in self._processes(epoch) if p != process]
        return [state for state in states if state is not None]

    def forget(self) -> None:
        """Remove epochs that process 0 has taken over in two checkpoints, so that one may be damaged."""
        spare = 0
        for epoch in reversed(self.numbers()):
            if spare >= 2:
                shutil.rmtree(self.directory / str(epoch), ignore_errors=True)
            spare += len(self.checkpoints(epoch, 0).steps())

    def remove(self) -> None:
        """Remove all of them."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _processes(self, epoch: int) -> list[int]:
        return _numbers(self.directory / str(epoch))


def _numbers(directory: pathlib.Path) -> list[int]:
    if not directory.is_dir():
        return []
    return sorted(int(path.name) for path in directory.iterdir() if path.name.isdecimal())
