"""A run on a disk: results in Zarr while it goes on, and checkpoints from which it goes on.

    STORE/run.zarr       what `Trajectories.load`, xarray and zarr read, at any moment
    STORE/writing.npz    what reducers keep, while it is written there
    STORE/checkpoints    what is needed to go on
    STORE/former         what a sweep had recorded before values were taken from its axes
    STORE/lock           held by the process that writes

Whole trajectories and statuses are written as chunks of replicates land; what reducers keep is written
with each checkpoint.
"""

import contextlib
import errno
import hashlib
import itertools
import json
import logging
import os
import pathlib
import shlex
import shutil
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np

from mcollapse import planning
from mcollapse.costs import Costs, counted
from mcollapse.progress import AbstractProgress
from mcollapse.reading import JOURNAL, by_replicate, read_attributes
from mcollapse.recording.entries import Variables
from mcollapse.recording.keep import KeptEntry
from mcollapse.running import hosts
from mcollapse.running.company import OtherEnded
from mcollapse.running.execution import Gathered, Stopped, execute
from mcollapse.running.gathering import Collectors, Statuses
from mcollapse.running.groups import grouped, replicate_of
from mcollapse.running.needs import disk_problem
from mcollapse.running.preparation import Prepared
from mcollapse.running.ranges import Ranges
from mcollapse.storing.checkpoint import Saved
from mcollapse.storing.data_set import Bound, DataSet
from mcollapse.storing.epochs import Epochs
from mcollapse.storing.fingerprint import differences, fingerprint
from mcollapse.storing.interruption import Interrupted, Signals, signal_of
from mcollapse.storing.lock import locked
from mcollapse.storing.snapshot import done, flights, groups, merge, saved
from mcollapse.trajectories import DATA, Trajectories, check_may_write

logger = logging.getLogger("mcollapse")

CHECKPOINTS = "checkpoints"
FORMER = "former"
"""Cells that were swept once, and are no more, as data sets of their own."""
PARTS = (DATA, DATA + ".new", DATA + ".old", CHECKPOINTS, JOURNAL, FORMER)
"""What a store holds, the lock left out."""
CHECKPOINT_SECONDS = 120.0


class Store:
    """A directory that one run at a time writes; entered, it is locked."""

    def __init__(self, path: pathlib.Path, asked: Prepared, checkpoint_every: float):
        if not checkpoint_every > 0:
            raise ValueError(f"checkpoint_every is a number of seconds above 0, got {checkpoint_every!r}")
        self.shown, self.asked, self.every = path, asked, checkpoint_every
        self.path = path = path.absolute()  # wherever its process goes
        self.data, self.epochs = DataSet(path / DATA), Epochs(path / CHECKPOINTS)
        self.first = hosts.index() == 0
        self.saved_at = time.monotonic()
        self.revision = 0
        self.fingerprint = fingerprint(asked.attributes(), asked.process, asked.truth, asked.records)

    def __enter__(self) -> "Store":
        check_may_write(self.path, self.shown)
        if self.first:  # the others write what process 0 has opened
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock = locked(self.path)
            self.data.recover()
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
        stored = stored_attributes(self.path)
        if stored is not None:
            self._check(stored)
            same = stored["fingerprint"] == self.fingerprint
            if same and stored["complete"] and stored["replicates"] == self.asked.job.replicates:
                hosts.all_is_done()
                return self._loaded()
        with self._explained(), Signals() as signals:
            self._meet("read", signals, self._asked_for())
            gathered = self._opened(stored, signals)
            costs = self._executed(gathered, progress, signals)
            self.checkpoint(gathered)
            self._meet("have done", signals)
            gathered = self._together(gathered)
            if self.first:
                self.write(gathered, complete=True)
                self._begin_epoch()  # in which there is nothing but the whole
                self.checkpoint(gathered)
                self.epochs.forget()
            self._meet("have written")
            hosts.all_is_done()
            status = np.asarray(gathered.status.whole[...])
        if signals.received is not None:  # it came when there was nothing left to stop
            raise Interrupted(
                f"all {self.asked.job.replicates:,} replicates are done and saved in {self.shown}",
                signals.received,
            )
        gathered.status.whole, seconds = status, time.perf_counter() - begun
        result = self.asked.result(gathered, self.asked.statistics(costs, seconds, status))
        for entry in result.entries.values():
            if isinstance(entry, KeptEntry):  # read when it is asked for, and perhaps too late
                entry.stored = Bound(entry.stored, self.data.path)
        return result

    def _meet(self, place: str, signals: Signals | None = None, asked: str = "") -> None:
        """Wait for the other processes, or stop where one of them was told to."""
        stopping = (lambda: False) if signals is None else (lambda: self._stop_signal(signals) is not None)
        words = hosts.wait_for_all(f"{place} {self.shown}", asked, stopping)
        if words is None:
            number = hosts.stop_signal() if signals is None else self._stop_signal(signals)
            raise Interrupted(
                f"stopped, and all that was computed saved; go on with: {self._resume}", number or 0
            )
        for i, other in enumerate(words):
            for found in differences(json.loads(words[0] or "{}"), json.loads(other or "{}")):
                said = found.replace("in the store", "in process 0").replace("asked for", f"in process {i}")
                raise ValueError(f"the processes were not given the same arguments: {said}")

    def _asked_for(self) -> str:
        return json.dumps(self.fingerprint | {"replicates": self.asked.job.replicates})

    @staticmethod
    def _stop_signal(signals: Signals) -> int | None:
        """The signal to stop that came to this process or another."""
        if signals.received is None:
            return hosts.stop_signal()
        if hosts.stop_signal() is None:
            hosts.tell_stop(signals.received)
        return signals.received

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """What stops a run says how to go on."""
        try:
            yield
        except OSError as error:
            said = error.strerror or str(error)
            if not self._is_there():
                raise OSError(error.errno, self._gone) from error
            if not self.data.path.exists():
                raise OSError(
                    error.errno, f"{said}; nothing is in {self.shown} yet: make room there, then run it again"
                ) from error
            raise OSError(
                error.errno,
                f"{said}; what the last checkpoint in {self.shown} holds is safe: make "
                f"room, or see that {self.shown} can be written, then go on with: {self._resume}",
            ) from error
        except Interrupted:
            raise
        except OtherEnded as error:
            raise OtherEnded(
                f"{error}\nwhat this process had computed is saved; go on with: {self._resume}"
            ) from None
        except KeyboardInterrupt as error:  # the second one: it does not wait until all is saved
            raise Interrupted(
                "stopped at once: what was computed since the last checkpoint is lost; "
                f"go on with: {self._resume}",
                signal_of(error),
            ) from None

    def _is_there(self) -> bool:
        """Whether what this run writes to is still what it was given."""
        try:
            found = os.stat(self.path / "lock")
        except FileNotFoundError:
            return False
        except OSError:
            return True  # a disk that does not answer has moved nothing
        return not self.first or os.path.samestat(found, os.fstat(self.lock.fileno()))

    @property
    def _gone(self) -> str:
        return (
            f"{self.shown} was removed, renamed or replaced while its run was writing there: the run has "
            "stopped; where it was renamed, go on with mcollapse resume and its new name"
        )

    @property
    def _resume(self) -> str:
        return f"mcollapse resume {shlex.quote(str(self.shown))}"

    def _executed(self, gathered: Gathered, progress: AbstractProgress, signals: Signals) -> Costs:
        job = self.asked.job
        progress.start(job.size(gathered.share | gathered.done), job.generations, gathered.size(job))
        try:
            return execute(
                job,
                gathered,
                progress,
                pause=lambda: self._stop_signal(signals) is not None or hosts.ended() is not None,
                tick=lambda: self._tick(gathered),
                rescue=lambda: self._rescue(gathered),
            )
        except Stopped:
            self._save(gathered)
            if self._stop_signal(signals) is None:
                raise OtherEnded(hosts.ended() or "another process fell silent for a while") from None
            raise Interrupted(
                f"stopped with {self._done(gathered)} done, and all that "
                f"was computed saved; go on with: {self._resume}",
                self._stop_signal(signals) or 0,
            ) from None
        finally:
            progress.stop()

    def _done(self, gathered: Gathered) -> str:
        job, cells = self.asked.job, self.asked.cells
        every = f" of each of {cells:,} cells" if cells > 1 else ""
        share = job.size(gathered.done) // cells
        return f"{share:,} of {job.replicates:,} replicates{every}"

    def _rescue(self, gathered: Gathered) -> str:
        self._save(gathered)
        return f"all that was computed before is saved; go on with: {self._resume}"

    def _tick(self, gathered: Gathered) -> None:
        if not self._is_there():
            raise OSError(errno.ENOENT, self._gone)
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
        job, me = self.asked.job, hosts.index()
        whole = Gathered(self._collectors(), gathered.status, Ranges(), Ranges())
        for state in [saved(gathered, job), *self.epochs.others(self.epoch, me)]:
            merge(whole, state, job)
        return whole

    def checkpoint(self, gathered: Gathered) -> None:
        """Save what is gathered in memory alone."""
        if self.first:
            self.data.flush()  # what the checkpoint calls done must not be lost where the power fails
        self.checkpoints.save(*saved(gathered, self.asked.job))
        self.saved_at = time.monotonic()

    def write(self, gathered: Gathered, complete: bool = False) -> None:
        """Bring what reducers keep, and what the data set says of itself, up to date."""
        self.revision += 1
        result = self.asked.result(gathered)
        told = self._told(result, gathered.replicates(self.asked.job))
        reduced = {
            name: (dims, array)
            for name, (dims, array) in result.variables().items()
            if isinstance(array, np.ndarray) and not name.startswith("truth.")
        }
        self.data.write(reduced, told, last=told | {"complete": complete})

    def _told(self, result: Trajectories, done: int) -> dict[str, Any]:
        return result.described() | {
            "fingerprint": self.fingerprint,
            "complete": False,
            "replicates_done": done,
            "revision": self.revision,
        }

    def _check(self, stored: dict[str, Any]) -> None:
        found = list(differences(stored["fingerprint"], self.fingerprint))
        if found and not self._other_grid(stored):
            shown = "\n  ".join(found[:5])
            raise ValueError(
                f"{self.shown} holds another run, which this one cannot go on with:\n  {shown}\n"
                "give the arguments of that run, or choose another store"
            )
        if stored["replicates"] > self.asked.job.replicates:
            raise ValueError(
                f"{self.shown} holds a run of {stored['replicates']:,} replicates, and only "
                f"{self.asked.job.replicates:,} were asked for: ask for as many, or choose another store"
            )

    def _other_grid(self, stored: dict[str, Any]) -> bool:
        """Whether the run there is of the same sweep but for some values on its axes."""
        grid, there = self.asked.grid, stored["fingerprint"].get("sweep")
        if grid is None or not there or list(there) != list(grid.axes):
            return False
        same = stored["fingerprint"] | {"sweep": self.fingerprint["sweep"]}
        return same == self.fingerprint and any(grid.place(c) for c in itertools.product(*there.values()))

    def _loaded(self) -> Trajectories:
        run = Trajectories.load(self.path)
        return Trajectories(
            run.entries, run.status, run.attributes, self.asked.truth, self.asked.process, self.asked.records
        )

    def _opened(self, stored: dict[str, Any] | None, signals: Signals) -> Gathered:
        """The arrays on the disk, made or made longer, and what checkpoints remember."""
        states = [] if stored is None else self.epochs.newest()
        self._begin_epoch()
        self.revision = 0 if stored is None else stored["revision"]
        most = max((told["replicates"] for _, told in states), default=0)
        if most > self.asked.job.replicates:
            raise ValueError(
                f"{self.shown} was asked for {most:,} replicates before: go on with: "
                f"{self._resume} --replicates {most}"
            )
        if states and self.asked.grid is not None:
            size = self.asked.job.cells_at_once
            by_age = [*states[:1], *reversed(states[1:])]  # what the newest says of a group holds
            known = {group.number: group for state in by_age for group in groups(state)}
            self.asked = self.asked.with_groups(grouped(self.asked.grid, size, list(known.values())))
        self._meet("have remembered", signals, _digest(states))
        if self.first:
            if not states:  # killed before the first: nothing is lost but the time since
                self._begin_anew(stored)
            elif stored is not None and stored["fingerprint"] != self.fingerprint:
                self._remember(stored, states)  # first: none may call done what the data set has no more
                self._change_grid(stored, states)
            empty = self._unwritten().variables()
            with self._undamaged():
                self.data.fit({n: v for n, v in empty.items() if by_replicate(v[0])})
        self._meet("have opened", signals)
        gathered = self._shared(states)
        if self.first:
            with self._undamaged():
                self.data.check_written(self._written(gathered.done))
            self._save(gathered)
        return gathered

    def _begin_epoch(self) -> None:
        numbers = self.epochs.numbers()
        self.epoch = numbers[-1] + 1 if numbers else 0
        self.checkpoints = self.epochs.checkpoints(self.epoch, hosts.index())

    def _shared(self, states: list[Saved]) -> Gathered:
        """What this process begins with: process 0 with all that was gathered, each with its share."""
        job, me = self.asked.job, hosts.index()
        under_way = flights(states, job)
        left = job.ids
        for state in states:
            left = left - done(state, job)
        theirs = {f.first: Ranges([(f.first, f.stop)]) for f in under_way}
        for flight in theirs.values():
            left = left - flight
        together, rows = [r for flight in theirs.values() for r in flight], self.data["status"].chunks[0]
        share = hosts.shares(left, together, rows, hosts.count())[me]
        mine = {f.first: f for f in under_way if not len(theirs[f.first] - share)}
        gathered = Gathered(self._collectors(), self._statuses(), Ranges(), share, mine)
        if self.first:
            gathered.inherited = [flight for flight in under_way if flight.first not in mine]
            for state in states:
                merge(gathered, state, job)
        return gathered

    def _collectors(self) -> dict[str, Collectors]:
        return {n: self.asked.collectors(n, lambda *_, n=n: self.data[n]) for n in self.asked.records}

    def _statuses(self) -> Statuses:
        return Statuses(self.data["status"], self.asked.place)

    def _written(self, done: Ranges) -> dict[tuple[int, ...], Ranges]:
        """Which replicates of each cell are done, by the cell's place."""
        job, found = self.asked.job, {}
        for first, stop in done:
            for cell in (c for c in job.group(first).cells if c is not None):
                place = () if self.asked.place is None else self.asked.place(cell)
                found[place] = found.get(place, Ranges()) | Ranges(
                    [(replicate_of(first), replicate_of(stop))]
                )
        return found

    def _remember(self, stored: dict[str, Any], states: list[Saved]) -> None:
        """A checkpoint of what cells of the new grid have gathered, in their new groups."""
        job = self.asked.with_replicates(stored["replicates"]).job
        collectors = {name: self.asked.collectors(name, _nothing) for name in self.asked.records}
        gathered = Gathered(collectors, Statuses(None, None), Ranges(), Ranges())
        for state in states:
            merge(gathered, state, job)
        self.checkpoints.save(*saved(gathered, job))

    def _change_grid(self, stored: dict[str, Any], states: list[Saved]) -> None:
        """A data set of the new cells, with what is known of those that were there before."""
        job, grid, before = self.asked.job, self.asked.grid, planning.Grid.of(stored["sweep"])
        assert grid is not None
        known = Ranges()
        for state in states:
            known |= done(state, job)
        written = self._written(known)
        cells = {grid.place(cell): before.place(cell) for cell in itertools.product(*grid.values)}
        origins = {
            place: origin for place, origin in cells.items() if place is not None and origin is not None
        }
        dropped = int(np.prod(before.shape)) - len(origins)
        numbers = (self.path / FORMER / str(n) for n in itertools.count(self.revision))
        former = next(path for path in numbers if not path.exists()) / DATA
        if dropped:
            former.parent.mkdir(parents=True, exist_ok=True)
            found = counted(dropped, "cell")
            logger.warning("%s has %s that are swept no more: kept in %s", self.path, found, former)
        empty = self._unwritten()
        self._check_disk(empty.variables())
        with self._undamaged():
            self.data.check_written({origins[p]: ranges for p, ranges in written.items() if p in origins})
            self.data.create(empty.variables(), self._told(empty, 0), origins, former if dropped else None)

    def _begin_anew(self, stored: dict[str, Any] | None) -> None:
        if stored is not None and stored["complete"]:
            raise ValueError(
                f"no checkpoint in {self.shown} can be read, so that its run, which is whole, cannot be "
                "given more replicates: run so many in another store"
            )
        if self.epochs.numbers():
            logger.warning("no checkpoint in %s can be read: the run starts from the beginning", self.shown)
        self.epochs.remove()
        empty = self._unwritten().variables()
        self._check_disk(empty)
        self.data.create(empty, self._told(self._unwritten(), 0))

    def _check_disk(self, variables: Variables) -> None:
        if fault := disk_problem(
            {name: array.nbytes for name, (_, array) in variables.items()}, 0, self.path
        ):
            raise ValueError(fault)

    def _unwritten(self) -> Trajectories:
        """The result before anything is done, in no memory."""
        job = self.asked.job
        collectors = {name: self.asked.collectors(name, _nothing) for name in self.asked.records}
        return self.asked.result(
            Gathered(collectors, Statuses(_nothing((job.replicates, *job.shape)), None), Ranges(), Ranges())
        )

    @contextlib.contextmanager
    def _undamaged(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
            raise ValueError(
                f"{self.data.path} is damaged ({type(error).__name__}: {error}), and its run cannot go on: "
                "choose another store, or remove this one"
            ) from error


def stored_attributes(path: pathlib.Path) -> dict[str, Any] | None:
    """What the data set in a store says of itself; `None` where there is none yet.

    Raises:
        ValueError: what is there is damaged, of another version, or no run that could go on.
    """
    data = path / DATA
    if not data.exists():
        return None
    told = read_attributes(data)
    if "fingerprint" not in told:
        raise ValueError(
            f"{data} was written by run.save and holds no run that could go on: choose another store"
        )
    for name, kind in (("fingerprint", dict), ("complete", bool), ("revision", int), ("key", list)):
        if not isinstance(told.get(name), kind):
            raise ValueError(f"{data} is damaged: its attribute {name!r} is {str(told.get(name))[:60]}")
    return told


def _digest(states: list[Saved]) -> str:
    """Of what checkpoints call done: a process that has read others would share the run otherwise."""
    told = json.dumps([[told["replicates"], told["done"], told["groups"]] for _, told in states])
    return json.dumps({"checkpoints that were read": hashlib.sha256(told.encode()).hexdigest()[:16]})


def holds_nothing(path: pathlib.Path) -> bool:
    """Whether it is a directory in which there is nothing, or what a run has left that could not begin."""
    return path.is_dir() and {p.name for p in path.iterdir()} <= {"lock", DATA + ".new"}


def remove(path: pathlib.Path) -> None:
    """Remove a run from its store, and nothing else that may lie there, unless it is being written."""
    if not path.is_dir():
        return
    with contextlib.closing(locked(path)):
        for part in PARTS:
            shutil.rmtree(path / part, ignore_errors=True)
        (path / JOURNAL).unlink(missing_ok=True)


def _nothing(shape: tuple[int, ...], dtype: Any = np.int8) -> np.ndarray:
    """An array of a shape that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)
