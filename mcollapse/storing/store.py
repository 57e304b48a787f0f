"""A run on a disk: results in Zarr while it goes on, and checkpoints from which it goes on.

    STORE/run.zarr       what `Trajectories.load`, xarray and zarr read, at any moment
    STORE/checkpoints    what is needed to go on
    STORE/lock           held by the process that writes

Whole trajectories and statuses are written as chunks of replicates land; what reducers keep is written
with each checkpoint.
"""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import time
from types import TracebackType
from typing import Any

import numpy as np

from mcollapse.costs import Costs
from mcollapse.progress import AbstractProgress
from mcollapse.recording import BLOCK, Allocate, Collector
from mcollapse.running import hosts
from mcollapse.running.execution import Gathered, Stopped, execute
from mcollapse.running.needs import disk_problem
from mcollapse.running.preparation import Prepared
from mcollapse.running.ranges import Ranges
from mcollapse.storing.checkpoint import Saved
from mcollapse.storing.epochs import Epochs
from mcollapse.storing.fingerprint import differences, fingerprint
from mcollapse.storing.interruption import Interrupted, Signals
from mcollapse.storing.snapshot import done, flights, merge, saved
from mcollapse.trajectories import DATA, FORMAT, PENDING, Trajectories, check_may_write

CHECKPOINTS = "checkpoints"
PARTS = (DATA, CHECKPOINTS)
"""The directories of a store."""
CHECKPOINT_SECONDS = 120.0
FILE_BYTES = 8 * 2**20
"""About how much one file of an array holds."""
FILES = 64
"""As many as there are replicates for, so that processes find equal shares."""


class Store:
    """A directory that one run at a time writes; entered, it is locked."""

    def __init__(self, path: pathlib.Path, asked: Prepared, checkpoint_every: float):
        if not checkpoint_every > 0:
            raise ValueError(f"checkpoint_every is a number of seconds above 0, got {checkpoint_every!r}")
        self.path, self.asked, self.every = path, asked, checkpoint_every
        self.epochs = Epochs(path / CHECKPOINTS)
        self.epoch, self.first = 0, hosts.index() == 0
        self.saved_at = time.monotonic()
        self.revision = 0

    def __enter__(self) -> "Store":
        check_may_write(self.path)
        if self.first:  # the others write what process 0 has opened
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock = _locked(self.path)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.first:
            self.lock.close()

    def run(self, progress: AbstractProgress) -> Trajectories:
        """Begin, go on, or find that all is done."""
        begun = time.perf_counter()
        stored = read_attributes(self.path / DATA)
        if stored is not None:
            self._check(stored)
            if stored["complete"] and stored["replicates"] == self.asked.job.replicates:
                return self._loaded()
            if stored["replicates"] > self.asked.job.replicates:
                raise ValueError(
                    f"{self.path} holds a run of {stored['replicates']:,} replicates, and only "
                    f"{self.asked.job.replicates:,} were asked for: ask for as many, or choose another store"
                )
        hosts.wait_for_all(f"read {self.path}")
        gathered = self._opened(stored)
        costs = self._executed(gathered, progress)
        self.checkpoint(gathered)
        hosts.wait_for_all(f"done {self.path}")
        whole = self._together(gathered)
        if self.first:
            self.write(whole, complete=True)
            self.epoch += 1  # in which there is nothing but the whole
            self.checkpoint(whole)
            self.epochs.forget()
        hosts.wait_for_all(f"written {self.path}")
        seconds = time.perf_counter() - begun
        whole.status = np.asarray(whole.status[...])
        return self.asked.result(whole, self.asked.statistics(costs, seconds, whole.status))

    def _executed(self, gathered: Gathered, progress: AbstractProgress) -> Costs:
        job, cells = self.asked.job, self.asked.cells
        share = gathered.share | gathered.done
        progress.start(len(share) * cells, job.generations, gathered.replicates_done(job) * cells)
        signals = Signals()
        try:
            with signals:
                return execute(
                    job,
                    gathered,
                    progress,
                    pause=lambda: signals.received is not None,
                    tick=lambda: self._tick(gathered),
                )
        except Stopped:
            self._save(gathered)
            raise Interrupted(self._how_to_go_on(gathered), signals.received or 0) from None
        except OSError as error:
            raise OSError(
                error.errno,
                f"{error.strerror or error}; what the last checkpoint in {self.path} holds is safe: make "
                f"room, then go on with: mcollapse resume {self.path}",
            ) from error
        finally:
            progress.stop()

    def _how_to_go_on(self, gathered: Gathered) -> str:
        done, all_of_them = len(gathered.done), self.asked.job.replicates
        return (
            f"stopped with {done:,} of {all_of_them:,} replicates done, and all that was computed saved; "
            f"go on with: mcollapse resume {self.path}"
        )

    def _tick(self, gathered: Gathered) -> None:
        if time.monotonic() - self.saved_at >= self.every:
            self._save(gathered)

    def _save(self, gathered: Gathered) -> None:
        self.checkpoint(gathered)
        if self.first:
            self.write(self._together(gathered))
            self.epochs.forget()

    def _together(self, gathered: Gathered) -> Gathered:
        """What this process has gathered, and what the others have saved."""
        if hosts.count() == 1:
            return gathered
        job = self.asked.job
        states = self.epochs.others(self.epoch)
        if self.first:
            states = [saved(gathered, job), *states]
        else:
            states += [s for s in [self.epochs.checkpoints(self.epoch, 0).newest()] if s is not None]
        whole = Gathered(self._collectors(), gathered.status, Ranges(), Ranges())
        for state in states:
            merge(whole, state, job)
        return whole

    def checkpoint(self, gathered: Gathered) -> None:
        """Save what is gathered in memory alone."""
        checkpoints = self.epochs.checkpoints(self.epoch, hosts.index())
        checkpoints.save(*saved(gathered, self.asked.job))
        self.saved_at = time.monotonic()

    def write(self, gathered: Gathered, complete: bool = False) -> None:
        """Bring what reducers keep, and what the data set says of itself, up to date.

        The attributes are written before and after, so that a reader knows whether it has read a mixture.
        """
        self._write_attributes(gathered, complete, writing=True)
        for name, (dims, array) in self.asked.result(gathered).variables().items():
            if not isinstance(array, np.ndarray):
                continue
            if self._array(name).shape != array.shape:  # a sketch has met new values
                fresh = {"dtype": array.dtype, "shape": array.shape, "dimension_names": dims}
                self.group.create_array(name, **fresh, overwrite=True)
            self._array(name)[...] = array
        self._write_attributes(gathered, complete, writing=False)

    def _write_attributes(self, gathered: Gathered, complete: bool, writing: bool) -> None:
        self.revision += 1
        more = {
            "fingerprint": self._fingerprint(),
            "complete": complete,
            "replicates_done": len(gathered.done),
            "revision": self.revision,
            "writing": writing,
        }
        told = self.asked.result(gathered).described() | more
        self.group.attrs.put({"mcollapse": json.dumps(told)})

    def _fingerprint(self) -> dict[str, Any]:
        return json.loads(json.dumps(fingerprint(self.asked.attributes(), self.asked.truth)))

    def _check(self, stored: dict[str, Any]) -> None:
        if "fingerprint" not in stored:
            raise ValueError(
                f"{self.path / DATA} was written by run.save and holds no run that could go on: choose "
                "another store"
            )
        found = list(differences(stored["fingerprint"], self._fingerprint()))
        if found:
            shown = "\n  ".join(found[:5])
            raise ValueError(
                f"{self.path} holds another run, which this one cannot go on with:\n  {shown}\n"
                "give the arguments of that run, or choose another store"
            )

    def _loaded(self) -> Trajectories:
        run = Trajectories.load(self.path)
        return Trajectories(
            run.entries, run.status, run.attributes, self.asked.truth, self.asked.process, self.asked.records
        )

    def _opened(self, stored: dict[str, Any] | None) -> Gathered:
        """The arrays on the disk, made or made longer, and what checkpoints remember."""
        import zarr

        states = [] if stored is None else self.epochs.newest()
        epochs = self.epochs.numbers()
        self.epoch = epochs[-1] + 1 if epochs and states else 0
        hosts.wait_for_all(f"remembered {self.path}")
        job = self.asked.job
        if self.first:
            if not states:  # killed before the first: nothing is lost but the time since
                shutil.rmtree(self.epochs.directory, ignore_errors=True)
                self._create()
            self.group = zarr.open_group(self.path / DATA, mode="r+")
            self.revision = 0 if stored is None else stored["revision"]
            if stored is not None and states and stored["replicates"] < job.replicates:
                self._lengthen()
        hosts.wait_for_all(f"opened {self.path}")
        self.group = zarr.open_group(self.path / DATA, mode="r+")
        gathered = self._shared(states)
        if self.first:
            self._save(gathered)
        return gathered

    def _shared(self, states: list[Saved]) -> Gathered:
        """What this process begins with: process 0 with all that was gathered, each with its share."""
        job, me = self.asked.job, hosts.index()
        under_way = flights(states, job)
        left = Ranges([(0, job.replicates)])
        for state in states:
            left = left - done(state, job)
        rows = self._array("status").chunks[0]
        theirs = {f.first: Ranges([(f.first, f.stop)]) for f in under_way}
        for flight in theirs.values():
            left = left - flight
        share = hosts.shares(left, [r for flight in theirs.values() for r in flight], rows, hosts.count())[me]
        mine = {f.first: f for f in under_way if not len(theirs[f.first] - share)}
        gathered = Gathered(self._collectors(), self._array("status"), Ranges(), share, mine)
        if me == 0:
            gathered.inherited = [flight for flight in under_way if flight.first not in mine]
            for state in states:
                merge(gathered, state, job)
        return gathered

    def _collectors(self) -> dict[str, Collector]:
        return {n: self.asked.collector(n, lambda *_, n=n: self._array(n)) for n in self.asked.records}

    def _array(self, name: str) -> Any:
        return self.group[name]

    def _create(self) -> None:
        """Empty arrays, of which those with an axis of replicates take no room yet."""
        import zarr

        job = self.asked.job
        unwritten = Gathered(
            {name: self.asked.collector(name, _nothing) for name in self.asked.records},
            _nothing((job.replicates, *job.shape), np.int8),
            Ranges(),
            Ranges(),
        )
        empty = self.asked.result(unwritten)
        self._check_room(empty)
        rows = _rows_of_a_file([a for dims, a in empty.variables().values() if _by_replicate(dims)])
        group = zarr.open_group(self.path / DATA, mode="w")
        for name, (dims, array) in empty.variables().items():
            made = group.create_array(
                name,
                shape=array.shape,
                dtype=array.dtype,
                chunks=(rows, *(max(1, n) for n in array.shape[1:])) if _by_replicate(dims) else "auto",
                fill_value=PENDING if name == "status" else _fill(array.dtype),
                dimension_names=dims,
            )
            if not _by_replicate(dims):
                made[...] = array

    def _lengthen(self) -> None:
        """Room for more replicates."""
        shapes: dict[str, tuple[int, ...]] = {"status": (self.asked.job.replicates, *self.asked.job.shape)}

        def noted(name: str) -> Allocate:
            return lambda shape, dtype: _nothing(shapes.setdefault(name, shape), dtype)

        for name in self.asked.records:
            self.asked.collector(name, noted(name))
        for name, shape in shapes.items():
            self._array(name).resize(shape)

    def _check_room(self, empty: Trajectories) -> None:
        sizes = {name: array.nbytes for name, (_, array) in empty.variables().items()}
        if fault := disk_problem(sizes, 0, self.path):
            raise ValueError(fault)


def read_attributes(data: pathlib.Path) -> dict[str, Any] | None:
    """What a data set says of itself; `None` where there is none, or none that was ever finished writing."""
    import zarr

    if not data.exists():
        return None
    try:
        text = zarr.open_group(data, mode="r").attrs["mcollapse"]
        told = json.loads(str(text))
    except (KeyError, ValueError, OSError):
        return None
    if told["format"] != FORMAT:
        raise ValueError(
            f"{data} has format {told['format']}, and this version of mcollapse goes on with format "
            f"{FORMAT}: use the version that wrote it"
        )
    return told


def _locked(path: pathlib.Path) -> Any:
    """The lock of a store, which the system takes back when its holder dies, whatever of."""
    import fcntl  # of POSIX alone

    lock = open(path / "lock", "a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or "another process"
        lock.close()
        raise ValueError(
            f"{path} is being written by {holder}: wait until it ends, or choose another store"
        ) from None
    with contextlib.suppress(OSError):  # who it is helps, and is not needed
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        lock.flush()
    return lock


def _nothing(shape: tuple[int, ...], dtype: Any = np.int8) -> np.ndarray:
    """An array of a shape that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def _by_replicate(dims: tuple[str, ...]) -> bool:
    return bool(dims) and dims[0].startswith("replicate")


def _rows_of_a_file(arrays: list[Any]) -> int:
    """Replicates in one file of every array, whole blocks: some megabytes, and files enough to share."""
    widest = max(max(1, array.nbytes // max(1, array.shape[0])) for array in arrays)
    most = min(FILE_BYTES // widest, arrays[0].shape[0] // FILES)
    return BLOCK * 2 ** (max(1, most // BLOCK).bit_length() - 1)


def _fill(dtype: np.dtype) -> Any:
    return np.nan if np.issubdtype(dtype, np.floating) else 0
