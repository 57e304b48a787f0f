"""A run on a disk: stopped, killed or broken off at any moment it goes on and ends in the same bits."""

import errno
import itertools
import logging
import os
import pathlib
import random
import shutil
import signal
import threading

import pytest
import zarr.storage._local

import mcollapse as mc
from mcollapse import planning
from mcollapse.progress import NoProgress
from mcollapse.recording import hitting_time
from mcollapse.running import execution
from mcollapse.storing import arrays_handler, snapshot
from mcollapse.storing import store as storing
from mcollapse.storing.checkpoint import Checkpoints
from mcollapse.storing.resuming import resume
from tests.stored import (
    GENERATIONS,
    REPLICATES,
    Breaking,
    Broken,
    assert_equal,
    assert_readable,
    attributes,
    broken_off,
    checkpoints,
    simulated,
)  # fmt: skip


def break_off(store, after, **options) -> None:
    with pytest.raises(Broken):
        simulated(store, progress=Breaking(after, broken_off), **{"checkpoint_every": 1e-9} | options)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    """About eight of a chunk, whatever the time it takes."""
    monkeypatch.setattr(planning, "SEGMENT_SECONDS", 1e9)
    monkeypatch.setattr(planning, "SEGMENT_STOPS", 4)


@pytest.fixture(scope="module")
def whole():
    return simulated()


@pytest.fixture
def store(tmp_path):
    return tmp_path / "a store – with ünicode"


def assert_whole(run, store, whole):
    assert_equal(run, whole)
    assert_equal(mc.Trajectories.load(store), whole)
    assert attributes(store)["complete"] and attributes(store)["replicates_done"] == whole.replicates
    leftovers = [p.name for p in store.iterdir() if p.name not in ("run.zarr", "checkpoints", "lock")]
    assert not leftovers, leftovers


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 20))])
def test_a_run_that_breaks_off_anywhere_ends_in_the_same_bits(seed, store, whole):
    rng = random.Random(seed)
    for _ in range(2):
        break_off(store, rng.randint(2, 10))
        assert_readable(store, whole)
    run = simulated(store)
    assert_whole(run, store, whole)
    assert run.stats is not None and run.stats.statuses["ok"] == REPLICATES


WRITES = {
    "replace": (os, "replace"),
    "rename": (os, "rename"),
    "rmtree": (shutil, "rmtree"),
    "unlink": (pathlib.Path, "unlink"),
    "file": (zarr.storage._local, "_put"),
    "checkpoint": (Checkpoints, "save"),
}


@pytest.mark.parametrize("seed", [0, 1, 2, *(pytest.param(s, marks=pytest.mark.slow) for s in range(3, 40))])
def test_a_run_that_breaks_off_in_the_midst_of_writing_ends_in_the_same_bits(seed, store, whole, monkeypatch):
    """At the k-th change of the disk, whatever it is: while the store is made, or a checkpoint, or the last."""
    rng, counter = random.Random(seed), itertools.count(1)
    at = rng.randint(1, 60 if seed % 2 else 600)

    def breaking(function):
        def changed(*given, **options):
            if next(counter) >= at:
                raise Broken
            return function(*given, **options)

        return changed

    with monkeypatch.context() as patched:
        for place, name in WRITES.values():
            patched.setattr(place, name, breaking(getattr(place, name)))
        with pytest.raises(Broken):
            simulated(store, checkpoint_every=0.05)
            raise Broken  # it was done before
    if (store / "run.zarr").exists():
        assert_readable(store, whole)
    assert_whole(simulated(store), store, whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_run_that_says_how_to_go_on(number, store, whole):
    meter = Breaking(8, lambda: signal.raise_signal(number))
    before = signal.getsignal(number)
    with pytest.raises(mc.Interrupted, match=r"mcollapse resume '.*a store – with ünicode'") as stopped:
        simulated(store, progress=meter)
    assert signal.getsignal(number) is before
    assert stopped.value.signal == number and stopped.value.code == 128 + number
    assert_readable(store, whole)
    again = Breaking(0, None)
    run = resume(store, chunk=128, progress=again)
    assert_whole(run, store, whole)
    assert run.stats is not None
    # nothing that was computed is computed again, segments of chunks on their way among it
    assert meter.told < REPLICATES and run.stats.replicate_generations < REPLICATES * GENERATIONS
    done = meter.told * GENERATIONS + run.stats.replicate_generations
    assert round(done) == REPLICATES * GENERATIONS


def test_a_second_signal_acts_at_once(store, whole, monkeypatch):
    def interrupted(*_):
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background ignores
    try:
        with monkeypatch.context() as patched:
            patched.setattr(Checkpoints, "save", interrupted)
            with pytest.raises(mc.Interrupted, match="at once.*go on with") as stopped:
                simulated(store, progress=Breaking(8, lambda: signal.raise_signal(signal.SIGINT)))
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.value.code == 130
    assert_whole(simulated(store), store, whole)


def test_a_signal_after_all_is_done_is_not_lost(store, whole, monkeypatch):
    save, sent = Checkpoints.save, []

    def interrupted(checkpoints, arrays, told):
        if told["done"] == [[0, REPLICATES]] and not sent:
            sent.append(True)
            signal.raise_signal(signal.SIGTERM)
        save(checkpoints, arrays, told)

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", interrupted)
        with pytest.raises(mc.Interrupted, match="all 700 replicates are done"):
            simulated(store)
    assert_whole(resume(store), store, whole)


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_says_tensorstore(*_, **__):
    raise ValueError(
        "INTERNAL: Error writing x: Failed to write No space left on device [os_error_code='28']"
    )


@pytest.mark.parametrize("what", ["file", pytest.param("replace", marks=pytest.mark.slow), "checkpoint"])
def test_a_full_disk_is_told_and_all_that_is_safe_is_used(what, store, whole, monkeypatch):
    place, name = {"checkpoint": (arrays_handler, "checkpointer")}.get(what) or WRITES[what]

    def fill():
        monkeypatch.setattr(place, name, full_says_tensorstore if what == "checkpoint" else full)

    with pytest.raises(
        OSError, match="what the last checkpoint in .* is safe: make room.*mcollapse resume"
    ) as told:
        simulated(store, checkpoint_every=0.05, progress=Breaking(12, fill))
    assert told.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert_readable(store, whole)
    assert_whole(simulated(store), store, whole)


def truncated(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(bytes(content))


def damaged(step, how, seed=0):
    """Damage the largest file of a checkpoint, or another."""
    files = sorted((f for f in step.rglob("*") if f.is_file()), key=lambda f: -f.stat().st_size)
    how(files[seed % len(files)])


@pytest.mark.parametrize(
    "how, seed",
    [(truncated, 0), (flipped, 0), (pathlib.Path.unlink, 0),
     *(pytest.param(how, seed, marks=pytest.mark.slow) for how in (truncated, flipped, pathlib.Path.unlink) for seed in range(1, 9))],
)  # fmt: skip
def test_a_damaged_checkpoint_is_passed_over(how, seed, store, whole, caplog):
    break_off(store, 6)
    first, second = checkpoints(store).steps()
    damaged(checkpoints(store).directory / str(second), how, seed)
    with caplog.at_level(logging.WARNING, "mcollapse"):
        run = simulated(store)
    assert "the one before is used" in caplog.text and "beginning" not in caplog.text
    assert_whole(run, store, whole)


def test_where_all_checkpoints_are_damaged_the_run_begins_again_and_says_so(store, whole, caplog):
    break_off(store, 6)
    for step in checkpoints(store).steps():
        damaged(checkpoints(store).directory / str(step), truncated)
    with caplog.at_level(logging.WARNING, "mcollapse"):
        run = simulated(store)
    assert caplog.text.count("the one before is used") == 2 and "starts from the beginning" in caplog.text
    assert run.stats is not None and run.stats.replicate_generations == REPLICATES * GENERATIONS
    assert_whole(run, store, whole)
    shutil.rmtree(store / "checkpoints")
    with pytest.raises(ValueError, match="no checkpoint .* cannot be given more replicates"):
        simulated(store, replicates=900)
    assert_equal(simulated(store), whole)


@pytest.mark.parametrize(
    "chunk, devices",
    [(384, None), *(pytest.param(*more, marks=pytest.mark.slow) for more in ((256, 1), (None, None)))],
)
def test_another_chunk_after_the_stop_changes_nothing(chunk, devices, store, whole, monkeypatch):
    """Chunks that landed out of their order leave gaps that are smaller than a chunk."""
    slow = threading.Event()
    in_segments = execution._Run.in_segments

    def second_is_slow(self, flight, *given):
        if flight.first == 128:
            slow.wait(60)
        in_segments(self, flight, *given)

    monkeypatch.setattr(execution, "worker_count", lambda devices: 2)
    with monkeypatch.context() as patched:
        patched.setattr(execution._Run, "in_segments", second_is_slow)
        break_off(store, 25)
        slow.set()
    found = checkpoints(store).newest()
    assert found is not None and found[1]["done"][0] == [0, 128] and found[1]["done"][1][0] == 256
    assert_whole(simulated(store, chunk=chunk, devices=devices), store, whole)


@pytest.mark.parametrize(
    "first, second",
    [
        (200, 700),
        *(
            pytest.param(a, b, marks=pytest.mark.slow)
            for a, b in ((640, 700), (129, 640), (130, 250), (640, 641))
        ),
    ],
)
def test_more_replicates_are_as_if_they_had_been_asked_for(first, second, store, whole):
    simulated(store, replicates=first)
    run = resume(store, replicates=second, chunk=256)
    expected = whole if second == REPLICATES else simulated(replicates=second)
    assert_whole(run, store, expected)
    assert resume(store).stats is None  # all is there: nothing runs


@pytest.mark.parametrize("after", [pytest.param(4, marks=pytest.mark.slow), 14])
def test_an_unfinished_run_is_given_more_replicates(after, store, whole):
    break_off(store, after, replicates=300)
    break_off(store, 2, replicates=450)
    with pytest.raises(ValueError, match="a run of 450 replicates, and only 300"):
        simulated(store, replicates=300)
    assert_whole(resume(store, replicates=REPLICATES), store, whole)


@pytest.mark.parametrize(
    "mutant", ["a collector", "a generation", pytest.param("a range", marks=pytest.mark.slow)]
)
def test_a_checkpoint_that_forgets_is_found_out(mutant, store, whole, monkeypatch):
    """The tests above would fail."""
    honest = snapshot.saved

    def forgetful(gathered, job):
        arrays, told = honest(gathered, job)
        if mutant == "a collector":
            arrays = {n: a for n, a in arrays.items() if not n.startswith("collector/hitting/")}
        elif mutant == "a generation":
            ends = {n for n, a in arrays.items() if "/carried/" in n and a.ndim == 0}
            arrays = {n: a - 1 if n in ends else a for n, a in arrays.items()}
        else:
            told["was done"], told["done"] = told["done"], []
        return arrays, told

    monkeypatch.setattr(storing, "saved", forgetful)
    break_off(store, 22)
    _, told = checkpoints(store).newest() or (None, {})
    assert told["flights"] and told.get("was done", told["done"])
    with pytest.raises(AssertionError):
        assert_equal(simulated(store), whole)


def test_an_error_of_a_worker_loses_nothing_that_was_computed(store, whole, monkeypatch):
    """Chunks of other workers end their segment, and what failed is at the last that it ended."""
    took, calls = planning.Segments.took, itertools.count(1)

    def failing(self, *given):
        if next(calls) == 12:
            raise ArithmeticError("a fault")
        took(self, *given)

    meter = Breaking(0, None)
    with monkeypatch.context() as patched:
        patched.setattr(planning.Segments, "took", failing)
        with pytest.raises(ArithmeticError, match="a fault") as told:
            simulated(store, progress=meter, checkpoint_every=1e9)
    assert "go on with: mcollapse resume" in told.value.__notes__[0]
    assert_readable(store, whole)
    run = simulated(store)
    assert_whole(run, store, whole)
    done = meter.told * GENERATIONS + run.stats.replicate_generations
    assert meter.told > 0 and round(done) == REPLICATES * GENERATIONS


@pytest.mark.slow
def test_an_error_of_the_thread_that_gathers_saves_nothing_half_taken_in(store, whole, monkeypatch):
    """A chunk that some collectors have and others have not is done again, and counted once."""
    add, calls = hitting_time._HittingCollector.add, itertools.count(1)

    def failing(self, *given):
        if next(calls) == 3:
            raise ArithmeticError("a fault")
        add(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(hitting_time._HittingCollector, "add", failing)
        with pytest.raises(ArithmeticError):
            simulated(store, checkpoint_every=1e-9)
    assert_whole(simulated(store), store, whole)


@pytest.mark.parametrize("how", [shutil.rmtree, lambda store: store.rename(store.with_name("elsewhere"))])
def test_a_store_that_is_taken_away_is_missed(how, store, whole):
    with pytest.raises(OSError, match="was removed, renamed or replaced while its run was writing") as told:
        simulated(store, progress=Breaking(6, lambda: how(store)), checkpoint_every=1e9)
    assert told.value.errno == errno.ENOENT
    moved = store.with_name("elsewhere")
    if moved.exists():
        assert_whole(simulated(moved), moved, whole)


def test_a_process_that_goes_elsewhere_writes_where_it_began(tmp_path, whole, monkeypatch):
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    run = simulated("night", progress=Breaking(3, lambda: os.chdir(tmp_path / "there")))
    assert not list((tmp_path / "there").iterdir())
    assert_whole(run, tmp_path / "night", whole)


def test_a_signal_while_programs_are_compiled_does_not_wait_for_them(store, whole, monkeypatch):
    release, program = threading.Event(), execution._Run.program

    def compiled_for_ever(self, *given):
        release.wait(60)
        return program(self, *given)

    class Told(NoProgress):
        def start(self, *given):
            threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

    with monkeypatch.context() as patched:
        patched.setattr(execution._Run, "program", compiled_for_ever)
        with pytest.raises(mc.Interrupted, match="stopped with 0 of 700"):
            simulated(store, progress=Told())
        assert not release.is_set()
    release.set()
    assert_whole(simulated(store), store, whole)


def test_a_full_disk_before_anything_is_there_says_to_run_again(store, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(zarr.storage._local, "_put", full)
        with pytest.raises(OSError, match="nothing is in .* yet: make room there, then run it again"):
            simulated(store)
    assert storing.holds_nothing(store)
    patched.undo()
    with monkeypatch.context() as patched:
        patched.setattr(storing, "execute", broken_off)
        with pytest.raises(Broken):
            simulated(store)
