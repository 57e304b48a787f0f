"""What a store refuses, what readers see of it while it is written, and what a stranger's may do: nothing."""

import contextlib
import errno
import json
import os
import pathlib
import pickle
import resource
import shutil
import threading
import time

import jax
import numpy as np
import pytest
import zarr

import mcollapse as mc
from mcollapse import planning, reading
from mcollapse.cli import main, output
from mcollapse.storing.lock import locked
from mcollapse.storing.resuming import resume
from tests.helpers import gaussian
from tests.stored import (
    RECORD,
    REPLICATES,
    Broken,
    assert_equal,
    assert_readable,
    attributes,
    broken_off,
    described,
    simulated,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run and its store, which nobody may change."""
    store = tmp_path_factory.mktemp("finished") / "store"
    return simulated(store), store


@pytest.fixture
def store(finished, tmp_path):
    """A copy of it."""
    return pathlib.Path(shutil.copytree(finished[1], tmp_path / "store"))


REFUSED = {
    "sizes": ({"process": gaussian(sizes=21)}, "process.sizes.value: 20"),
    "estimator": ({"process": gaussian(estimator=mc.estimators.MaximumLikelihood())}, "process.estimator.name: unbiased"),
    "record": ({"record": {"keep": RECORD["keep"]}}, "records.first"),
    "metric": ({"record": RECORD | {"moments": mc.Record(mc.metrics.mean, at="log", reduce=mc.Moments())}}, "records.moments.metric: squared_error"),
    "key": ({"key": jax.random.key(1)}, "key: [0, 0] in the store, [0, 1] asked for"),
    "generations": ({"generations": 61}, "generations: 60 in the store, 61 asked for"),
    "draws": ({"draws": "jax"}, "draws: fast in the store, jax asked for"),
    "start": ({"start": "truth"}, "start: real in the store, truth asked for"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_another_run_is_refused_by_what_differs(what, finished):
    options, words = REFUSED[what]
    before = attributes(finished[1])
    with pytest.raises(ValueError, match="holds another run") as refused:
        simulated(finished[1], **options)
    assert words in str(refused.value)
    assert attributes(finished[1]) == before
    assert_equal(mc.Trajectories.load(finished[1]), finished[0])


def test_another_truth_or_version_is_refused_by_name(store):
    with pytest.raises(ValueError, match=r"truth.mean: 0.0 in the store, 1.0 asked for"):
        mc.simulate(
            gaussian(), mc.families.Gaussian.Params(1.0, 0.0), key=jax.random.key(0), generations=60,
            replicates=REPLICATES, record=RECORD, store=store,
        )  # fmt: skip
    told = attributes(store)
    described(store, fingerprint=told["fingerprint"] | {"jaxlib": "0.0.1", "platform": "tpu"})
    with pytest.raises(
        ValueError, match=r"platform: tpu in the store, cpu asked for\n  jaxlib: 0.0.1 in the"
    ):
        resume(store)
    described(store, format=2)
    for read in (resume, mc.Trajectories.load, simulated):
        with pytest.raises(ValueError, match="has format 2, and this version of mcollapse reads format 1"):
            read(store)


def test_another_text_of_the_same_counts_is_refused(tmp_path):
    """What no description names decides the numbers, too."""

    def go(text):
        family = mc.families.MarkovText.fitted(text.split(), sentence=9)
        return mc.simulate(
            mc.RecursiveTraining(family=family, sizes=20), family.standard_truth(), key=jax.random.key(0),
            generations=2, replicates=1, store=tmp_path / "store",
        )  # fmt: skip

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("mcollapse.storing.store.execute", broken_off)
        with pytest.raises(Broken):
            go("a b a c a b c d")
        with pytest.raises(ValueError, match=r"filled_in.process.family.ngrams.*asked for"):
            go("a b a b a c d c")
        with pytest.raises(Broken):
            go("a b a c a b c d")
    with pytest.raises(ValueError, match="knows no text.*to go on, call simulate with the arguments"):
        resume(tmp_path / "store")


def test_fewer_replicates_are_refused(store):
    with pytest.raises(ValueError, match="a run of 700 replicates, and only 699 were asked for"):
        resume(store, replicates=699)


def test_a_file_a_saved_run_and_a_foreign_data_set_are_refused(finished, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="no writable directory"):
        simulated(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    (tmp_path / "saved").mkdir()
    finished[0].save(tmp_path / "saved" / "run.zarr")
    for begin in (simulated, resume):
        with pytest.raises(ValueError, match="written by run.save"):
            begin(tmp_path / "saved")
    assert_equal(mc.Trajectories.load(tmp_path / "saved"), finished[0])
    zarr.create_array(tmp_path / "foreign" / "run.zarr", shape=(3,), dtype="f4")
    with pytest.raises(ValueError, match="not a store of mcollapse"):
        simulated(tmp_path / "foreign")
    assert (tmp_path / "foreign" / "run.zarr" / "zarr.json").exists()
    with pytest.raises(ValueError, match="holds no run that could go on"):
        resume(tmp_path)
    with pytest.raises(ValueError, match="above 0"):
        simulated(tmp_path / "other", checkpoint_every=0)


def test_one_run_at_a_time_writes_a_store(finished):
    _, path = finished
    with contextlib.closing(locked(path)):
        for begin in (simulated, resume):
            with pytest.raises(ValueError, match=f"is being written by process {os.getpid()} on "):
                begin(path)
        codes = []
        main(["run", str(path / "none.toml"), "--out", str(path), "--overwrite"], codes.append)
        assert codes == [2]
        assert_equal(mc.Trajectories.load(path), finished[0])
    assert_equal(resume(path), finished[0])


# what a stranger may have written: where, and what of the message says what is wrong
STRANGE = {
    "replicates": ({"replicates": 10**12}, "replicates"),
    "generations": ({"generations": 10**12}, "generations"),
    "many generations": ({"generations": 2 * 10**9}, "GiB"),
    "negative": ({"generations": -1}, "generations"),
    "text": ({"replicates": "many"}, "'replicates' is many"),
    "no process": ({"process": {"name": "os:system"}}, "os:system"),
    "unnamed": ({"process": {}}, "name"),
    "process": ({"process": {"name": "recursive-training", "family": {"name": "os:system"}}}, "os:system"),
    "field": ({"process": {"name": "recursive-training", "family": {"name": "gaussian", "command": "ls"}}}, "command"),
    "metric": ({"records": {"keep": {"name": "record", "metric": "os:system", "reduce": {"name": "keep"}}}}, "os:system"),
    "module": ({"records": {"keep": {"name": "record", "metric": "jax", "reduce": {"name": "keep"}}}}, "jax"),
    "private": ({"records": {"keep": {"name": "record", "metric": "__builtins__", "reduce": {"name": "keep"}}}}, "__builtins__"),
    "reducer": ({"records": {"keep": {"name": "record", "metric": "mean", "reduce": {"name": "subprocess"}}}}, "subprocess"),
    "records": ({"records": {"keep": 3}}, "damaged"),
    "entries": ({"entries": {"keep": 3}}, "damaged"),
    "key": ({"key": "zero"}, "key"),
    "sweep": ({"sweep": {"process.__class__": [1.0]}}, "__class__"),
    "family": ({"truth_family": {"name": "os:system"}}, "os:system"),
    "start": ({"start": "sometimes"}, "sometimes"),
    "draws": ({"draws": ["x"]}, "draws"),
}  # fmt: skip


@pytest.mark.parametrize("what", STRANGE)
def test_a_strangers_attributes_run_nothing_and_allocate_nothing(what, store, monkeypatch):
    changes, words = STRANGE[what]
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("a stranger's code ran"))
    described(store, complete=False, **changes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError) as refused:
        resume(store)
    assert words in str(refused.value) and len(str(refused.value)) < 1000
    try:  # it may be read, if it can be, and does no harm
        mc.Trajectories.load(store)
    except ValueError as error:
        assert "damaged" in str(error) or "not a store" in str(error)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18


def edited(file, change):
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


def huge_shape(data):
    meta = data["consolidated_metadata"]["metadata"]["keep"]
    meta["shape"][0] = 10**12


def huge_chunk(data):
    meta = data["consolidated_metadata"]["metadata"]["keep"]
    meta["chunk_grid"]["configuration"]["chunk_shape"][0] = 10**14


def objects(data):
    data["consolidated_metadata"]["metadata"]["keep"]["data_type"] = "string"


def no_description(data):
    del data["consolidated_metadata"]["metadata"]["status"]


@pytest.mark.parametrize("change", [huge_shape, huge_chunk, objects, no_description])
def test_a_strangers_arrays_are_refused_before_anything_is_allocated(change, store):
    edited(store / "run.zarr" / "zarr.json", change)
    with pytest.raises(ValueError, match="GiB|no number|files|damaged"):
        mc.Trajectories.load(store)


class Harm:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was read",))


def test_no_pickle_is_read(store, tmp_path):
    """Of an older Zarr, whose arrays of objects are pickles, and of a journal."""
    import numcodecs

    old = tmp_path / "old" / "run.zarr"
    (old / "status").mkdir(parents=True)
    (old / ".zgroup").write_text('{"zarr_format": 2}')
    (old / ".zattrs").write_text(json.dumps({"mcollapse": json.dumps(attributes(store))}))
    array = {"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "fill_value": None, "order": "C",
             "compressor": None, "filters": [numcodecs.Pickle().get_config()]}  # fmt: skip
    (old / "status" / ".zarray").write_text(json.dumps(array))
    (old / "status" / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["replicate"]}')
    (old / "status" / "0").write_bytes(pickle.dumps([Harm()]))
    for read in (mc.Trajectories.load, resume):
        with pytest.raises(ValueError, match="not a store of mcollapse"):
            read(tmp_path / "old")
    described(store, writing=True)
    np.savez(store / reading.JOURNAL, attributes=np.asarray([Harm()], object))
    shutil.move(store / f"{reading.JOURNAL}.npz", store / reading.JOURNAL) if not (
        store / reading.JOURNAL
    ).exists() else None
    with pytest.raises(ValueError, match="damaged"):
        mc.Trajectories.load(store)


def truncated(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("how", [truncated, flipped, pathlib.Path.unlink])
@pytest.mark.parametrize(
    "where", ["zarr.json", "keep/c/0/0", "status/c/0", "moments.mean/c/0", "quantiles.counts/c/0/0"]
)
def test_a_damaged_data_set_is_refused_in_words(how, where, store):
    how(store / "run.zarr" / where)
    with pytest.raises(ValueError, match="damaged|not a store"):
        mc.Trajectories.load(store)


def test_what_the_arrays_say_of_themselves_is_not_needed_twice(store, finished):
    """A reader needs the one description; whoever writes refuses what is damaged."""
    truncated(store / "run.zarr" / "keep" / "zarr.json")
    assert_equal(mc.Trajectories.load(store), finished[0])
    with pytest.raises(ValueError, match="damaged .* cannot go on"):
        resume(store, replicates=900)


def test_readers_of_a_run_that_goes_on_never_meet_a_mixture(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "SEGMENT_SECONDS", 1e9)
    monkeypatch.setattr(planning, "SEGMENT_STOPS", 4)
    whole, _ = finished
    store, found = tmp_path / "store", []

    def read():
        try:
            while not (store / "run.zarr").exists():
                time.sleep(0.01)
            while not found or not found[-1].attributes.get("complete"):
                found.append(assert_readable(store, whole))
        except BaseException as error:
            found.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    simulated(store, checkpoint_every=0.05)
    reader.join()
    for one in found:
        if isinstance(one, BaseException):
            raise one
    assert len({one.attributes["replicates_done"] for one in found}) > 2, len(found)


def test_a_figure_for_which_there_is_no_room_costs_a_line(finished, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(output, "save_figure", full)
    assert output.tell_result(finished[0], tmp_path, 1e-3, as_json=False) is False
    out, err = capsys.readouterr()
    assert "replicates ended" in out
    assert "could not be written (No space left on device); the data set is whole: mcollapse resume" in err
