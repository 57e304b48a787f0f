"""Replicates and generations: batches a process, cuts it into chunks and runs it on every device.

The numbers of a replicate depend on the key and its id alone: not on chunks, devices, what is
recorded, how many replicates there are, or whether the run stopped and went on.
"""

import os
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import PRNGKeyArray

from mcollapse import planning
from mcollapse.abstract_process import AbstractProcess
from mcollapse.checks import Start
from mcollapse.families.base import Params, Truth
from mcollapse.progress import AbstractProgress, meter
from mcollapse.recording import Record
from mcollapse.running import hosts
from mcollapse.running.arguments import Device
from mcollapse.running.execution import execute
from mcollapse.running.needs import check_fits
from mcollapse.running.preparation import Prepared, prepared
from mcollapse.running.until import Until, check_rule
from mcollapse.storing.store import CHECKPOINT_SECONDS, Store, stored_attributes
from mcollapse.trajectories import Trajectories


def simulate(
    process: AbstractProcess,
    truth: Truth | Params,
    *,
    key: PRNGKeyArray,
    generations: int,
    replicates: int | Until,
    start: Start = "real",
    record: Mapping[str, Record] | None = None,
    chunk: int | None = None,
    devices: Sequence[Device] | int | None = None,
    progress: AbstractProgress | bool | None = None,
    draws: str = "fast",
    store: str | os.PathLike[str] | None = None,
    checkpoint_every: float = CHECKPOINT_SECONDS,
) -> Trajectories:
    """Run independent replicates of a process for `generations` steps after generation 0.

    Arguments:
        process: what is repeated, such as `RecursiveTraining`.
        truth: parameters of the process's family, or `Truth(family, params)` of another.
        key: a typed key, `jax.random.key(seed)`; replicate i lives under `fold_in(key, i)`.
        generations: steps t = 1 … T; a full record has T + 1 entries.
        replicates: how many independent trajectories, or `mc.until("…", relative=0.01, at_most=10**6)`.
        start: `"real"`, generation 0 is the fit to n_0 real points; `"truth"`, it is the truth itself.
        record: what to keep, by name; left out, the family's standard metrics as whole trajectories.
        chunk: the most replicates at once, rounded up to blocks of 128; left out, chosen by memory.
        devices: JAX devices, or how many of the local ones; left out, all of them. On a CPU a host
            thread a core drives them, however many JAX has been told of: as fast as a device a core,
            and compiled once.
        progress: `True`, for a bar in a terminal or a notebook and lines in a log file, or a meter of
            `mcollapse.progress`. A meter that fails is put aside; the run goes on.
        draws: `"fast"`, those of `mcollapse.random`, accurate to the distances that they state; or `"jax"`,
            the same laws from `jax.random`, many times slower: other numbers, by another hand.
        store: a directory that results are written to while the run goes on. Where it holds an unfinished
            run of the same arguments, that run goes on, bit for bit as if it had not stopped; a finished
            one is given more replicates, or comes back as it is.
        checkpoint_every: seconds between checkpoints; a signal to stop makes one too.

    Raises:
        ValueError: on anything wrong in the arguments, before anything is compiled.
        Interrupted: SIGINT or SIGTERM came and the run has a store, in which all is safe.
    """
    rule = replicates if isinstance(replicates, Until) else None
    count = replicates.first if isinstance(replicates, Until) else replicates
    asked = prepared(
        process, truth, None, key, generations, count, start, record, chunk, devices, draws, store is not None
    )
    return _run(asked, progress, store, checkpoint_every, rule)


def sweep(
    process: AbstractProcess,
    truth: Truth | Params,
    *,
    over: Mapping[str, Sequence[float]],
    key: PRNGKeyArray,
    generations: int,
    replicates: int | Until,
    start: Start = "real",
    record: Mapping[str, Record] | None = None,
    chunk: int | None = None,
    devices: Sequence[Device] | int | None = None,
    progress: AbstractProgress | bool | None = None,
    draws: str = "fast",
    store: str | os.PathLike[str] | None = None,
    checkpoint_every: float = CHECKPOINT_SECONDS,
) -> Trajectories:
    """`simulate` for every combination of values in `over`, with one program and on the same keys.

    `over` maps paths of numbers to their values: `{"source.real_share": [0, 0.1], "sizes.scale": [50, 90]}`;
    paths that begin with `truth.` vary the truth's parameters; where they begin with `family.`, a truth of
    the process's own family stays of it. Each becomes a labelled axis of the result.
    Cells run in groups that fit a device and keep it busy, which devices, processes and time divide as they
    do replicates; how they are grouped depends on none of them. A `store` may be given other values of the
    same paths, if some cells stay: those are kept as they are and not computed again, and what is swept no
    more is set aside in `former`.
    Since cells share keys, differences between them are paired (common random numbers). A cell has the
    numbers of its own run, but for rounding; where categorical models could be kept as samples in some cells
    only (see `AbstractFamily.resampled`), they are in none, but for those that a store had before.
    """
    rule = replicates if isinstance(replicates, Until) else None
    count = replicates.first if isinstance(replicates, Until) else replicates
    grid = planning.Grid.of(over)
    asked = prepared(
        process, truth, grid, key, generations, count, start, record, chunk, devices, draws, store is not None
    )
    return _run(asked, progress, store, checkpoint_every, rule)


def _run(
    asked: Prepared,
    progress: AbstractProgress | bool | None,
    store: str | os.PathLike[str] | None,
    checkpoint_every: float,
    rule: Until | None = None,
) -> Trajectories:
    shown = meter(progress)
    runner: Any = _InMemory(shown)
    if store is not None:
        runner = _InStore(pathlib.Path(store), shown, checkpoint_every)
        asked = asked.with_replicates(runner.replicates(asked.job.replicates, rule))
    if rule is not None:
        check_rule(rule, asked)
    while True:
        check_fits(asked, store is not None)  # each time there are more replicates
        run = runner.run(asked)
        if rule is None:
            return run
        more = rule.next(run.replicates, rule.ratio(run[rule.record]))
        if more is None:
            run.attributes["until"] = rule.told(run)
            return run
        asked = asked.with_replicates(more)


class _InMemory:
    """Runs in memory; one of more replicates keeps what there is."""

    def __init__(self, progress: AbstractProgress):
        self.progress, self.before = progress, None

    def run(self, asked: Prepared) -> Trajectories:
        begun, gathered = time.perf_counter(), asked.gathered()
        if self.before is not None:
            gathered.take_over(self.before)
        self.before = gathered
        job = asked.job
        self.progress.start(job.replicates * asked.cells, job.generations, gathered.size(job))
        try:
            costs = execute(job, gathered, self.progress)
        finally:
            self.progress.stop()
        seconds = time.perf_counter() - begun
        return asked.result(gathered, asked.statistics(costs, seconds, gathered.status.whole))


class _InStore:
    """Runs in a store, which keeps what there is."""

    def __init__(self, path: pathlib.Path, progress: AbstractProgress, checkpoint_every: float):
        self.path, self.progress, self.every = path, progress, checkpoint_every

    def replicates(self, asked: int, rule: Until | None) -> int:
        """Where a rule says how many, it goes on from as many as there are."""
        stored = None if rule is None else stored_attributes(self.path)
        return asked if stored is None else max(asked, stored["replicates"])

    def run(self, asked: Prepared) -> Trajectories:
        with hosts.together(), Store(self.path, asked, self.every) as opened:
            return opened.run(self.progress)
