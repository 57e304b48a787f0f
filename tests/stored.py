"""Runs on a disk that tests stop, kill, damage and go on with: the run, and its child processes."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import warnings

import jax
import numpy as np
import xarray

import mcollapse as mc
from mcollapse.progress import NoProgress
from mcollapse.storing.epochs import Epochs
from mcollapse.storing.resuming import resume
from tests.helpers import GAUSSIAN, ROOT, gaussian

REPLICATES, GENERATIONS = 700, 60
METRICS = mc.metrics
RECORD = {
    "keep": mc.Record(METRICS.squared_error, at=mc.every(20)),
    "first": mc.Record(METRICS.log_variance, at=mc.every(7), reduce=mc.Keep(first=300)),
    "moments": mc.Record(METRICS.squared_error, at="log", reduce=mc.Moments()),
    "hitting": mc.Record(METRICS.log_variance, reduce=mc.HittingTime(below=-5)),
    "quantiles": mc.Record(METRICS.log_variance, at=mc.every(50), reduce=mc.Quantiles(0.05)),
    "histogram": mc.Record(
        METRICS.log_variance, at=mc.every(50), reduce=mc.Histogram(low=-9, high=2, bins=7)
    ),
}
PROCESS = gaussian(sizes=20)


def simulated(store=None, replicates=REPLICATES, **options) -> mc.Trajectories:
    """The run of these tests."""
    arguments = {"generations": GENERATIONS, "record": RECORD, "chunk": 128} | options
    return mc.simulate(
        arguments.pop("process", PROCESS), GAUSSIAN, key=arguments.pop("key", jax.random.key(0)),
        replicates=replicates, store=store, **arguments,
    )  # fmt: skip


class Broken(BaseException):
    """Ends a run as a kill does: nobody expects it."""


class Breaking(NoProgress):
    """Does something at the moment that it is told of."""

    def __init__(self, after: int, act):
        self.left, self.act, self.told = after, act, 0.0

    def advance(self, replicates: float) -> None:
        self.told += replicates
        self.left -= 1
        if self.left == 0:
            self.act()


def broken_off(*_, **__):
    raise Broken


def assert_equal(first: mc.Trajectories, second: mc.Trajectories) -> None:
    """Every variable, bit for bit, the statuses among them."""
    ours, theirs = first.variables(), second.variables()
    assert ours.keys() == theirs.keys()
    for name, (dims, array) in ours.items():
        assert dims == theirs[name][0]
        np.testing.assert_array_equal(
            np.asarray(array[...]), np.asarray(theirs[name][1][...]), strict=True, err_msg=name
        )


def assert_readable(store: pathlib.Path, whole: mc.Trajectories) -> mc.Trajectories:
    """What is read of a run that goes on, or was killed: parts of the whole that fit together."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = mc.Trajectories.load(store)
        with xarray.open_zarr(store / "run.zarr") as data:
            assert np.all(np.isfinite(data["moments.count"].values))
    rows = {row.tobytes(): place for place, row in enumerate(whole["keep"].values)}
    places = [rows[row.tobytes()] for row in run["keep"].values]  # a KeyError is a value that never was
    assert places == sorted(set(places)) and len(places) == run.replicates == len(run.status)
    np.testing.assert_array_equal(run.status, whole.status[places])
    done = run.attributes["replicates_done"]
    assert np.all(run["moments"].count == done)
    assert np.all(run["hitting"].hits.sum() + run["hitting"].censored == done)
    for name in ("quantiles", "histogram"):
        entry = run[name]
        assert np.all(entry.counts.sum(axis=-1) + entry.nan + outside(entry) == done)
    return run


def outside(entry) -> np.ndarray:
    """Values that are in no bin."""
    names = ("negative_infinite", "positive_infinite", "underflow", "overflow")
    return sum(getattr(entry, name) for name in names if hasattr(entry, name))


CHILD = """
import os, sys, time
import jax
import mcollapse as mc
from mcollapse import planning
planning.SEGMENT_STOPS = 4  # many segments: many moments to be killed at
if pause := float(os.environ.get("PAUSE", 0)):
    following = planning.Segments.next
    def slowly(self, done):
        time.sleep(pause)
        return following(self, done)
    planning.Segments.next = slowly
from tests.stored import *
print("ready", flush=True)
"""
RUN = "simulated(os.environ['STORE'], checkpoint_every=float(os.environ.get('EVERY', 0.3)))\nprint('done', flush=True)"


def child(code: str, store: pathlib.Path, **environment: str) -> subprocess.Popen[str]:
    """A process that runs `code` on a store."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + code],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "STORE": str(store)} | environment,
    )  # fmt: skip


def killed(process: subprocess.Popen[str], after: float, number: int = signal.SIGKILL) -> str:
    """Wait until it is ready and so many seconds more, then send a signal; what it said on standard error."""
    assert process.stdout is not None and process.stdout.readline() == "ready\n", process.communicate()[1]
    time.sleep(after)
    process.send_signal(number)
    return process.communicate(timeout=120)[1]


def attributes(store: pathlib.Path) -> dict:
    return json.loads(json.loads((store / "run.zarr" / "zarr.json").read_text())["attributes"]["mcollapse"])


def described(store: pathlib.Path, **changes) -> None:
    """Edit by hand what a data set says of itself."""
    file = store / "run.zarr" / "zarr.json"
    whole = json.loads(file.read_text())
    whole["attributes"]["mcollapse"] = json.dumps(attributes(store) | changes)
    file.write_text(json.dumps(whole))


__all__ = ["resume", "simulated"]


def checkpoints(store):
    """Those of process 0 since the run was last gone on with."""
    epochs = Epochs(store / "checkpoints")
    return epochs.checkpoints(max(epochs.numbers(), default=0), 0)
