"""Runs on a disk in processes of their own: killed, told to stop, short of room, on other devices."""

import os
import random
import shlex
import signal
import subprocess
import sys
import time

import jax
import pytest

import mcollapse as mc
from mcollapse import planning
from mcollapse.spec import Specification
from mcollapse.storing.resuming import resume
from tests.helpers import ROOT
from tests.stored import RUN, assert_equal, assert_readable, checkpoints, child, killed, simulated

SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:  # the programs of the runs that go on
        patched.setattr(planning, "SEGMENT_STOPS", 4)
        return simulated(tmp_path_factory.mktemp("whole") / "store")


@pytest.fixture
def store(tmp_path):
    return tmp_path / "a store"


def gone_on(store, whole):
    assert_equal(simulated(store), whole)
    assert_equal(mc.Trajectories.load(store), whole)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=SLOW) for seed in range(1, 20))])
def test_a_run_that_is_killed_ends_in_the_same_bits(seed, store, whole):
    """Each is killed once or twice: while it makes its store, computes, or writes a checkpoint."""
    rng = random.Random(seed)
    for _ in range(1 + seed % 2):
        # slowed down so that compiling, which takes some seconds, is not all that is ever met
        killed(child(RUN, store, PAUSE="0.05", EVERY="0.3"), rng.uniform(0, 9))
        if (store / "run.zarr").exists():
            assert_readable(store, whole)
    gone_on(store, whole)


SPECIFICATION = """
generations = 2000
replicates = 3000
chunk = 256
[family]
name = "gaussian"
[estimator]
name = "unbiased"
[sizes]
name = "constant"
value = 20
[record]
squared_error = { at = "log", reduce = "moments" }
log_variance = { at = "log", reduce = "keep" }
"""
COMMAND = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background ignores
from mcollapse import planning
planning.SEGMENT_STOPS = 4
following = planning.Segments.next
def slowly(self, done):
    time.sleep(0.1)
    return following(self, done)
planning.Segments.next = slowly
from mcollapse.cli import main
main(sys.argv[1:])
"""


def command(*arguments, slowly=False, before="", **options):
    code = COMMAND if slowly else "import sys; from mcollapse.cli import main; main(sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", before + code, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, **options,
    )  # fmt: skip


def under_way(store, process):
    """Wait until a chunk is on its way and a checkpoint tells of it."""
    until = time.monotonic() + 120
    while not (found := checkpoints(store).newest()) or all(f["t"] <= 0 for f in found[1]["flights"]):
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.05)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=SLOW), signal.SIGTERM])
def test_the_command_stops_with_a_line_and_its_code_and_goes_on(number, tmp_path):
    (tmp_path / "my run.toml").write_text(SPECIFICATION)
    store = tmp_path / "my store"
    first = command(
        "run", tmp_path / "my run.toml", "--out", store, "--checkpoint-every", 0.3, slowly=True, cwd=tmp_path
    )
    under_way(store, first)
    first.send_signal(number)
    out, errors = first.communicate(timeout=60)
    assert first.returncode == 128 + number, errors
    assert errors.count("\n") == 1 and "Traceback" not in errors
    assert f"go on with: mcollapse resume {shlex.quote(str(store))}" in errors
    found = checkpoints(store).newest()
    assert found is not None and any(flight["t"] > 0 for flight in found[1]["flights"])
    if number == signal.SIGTERM:  # to go on is the same
        return
    words = shlex.split(errors.split("go on with: ")[1])
    assert words[:2] == ["mcollapse", "resume"]
    second = command(*words[1:], "--json", cwd=tmp_path)
    out, errors = second.communicate(timeout=120)
    assert second.returncode == 0, errors
    spec = Specification.read(tmp_path / "my run.toml")
    expected = mc.simulate(
        spec.process, spec.truth, key=jax.random.key(spec.seed), generations=spec.generations,
        replicates=spec.replicates, start=spec.start, record=spec.records,
    )  # fmt: skip
    assert_equal(mc.Trajectories.load(store), expected)


@SLOW
def test_a_second_interrupt_ends_the_command_at_once(tmp_path):
    (tmp_path / "run.toml").write_text(SPECIFICATION)
    slow = "\nfrom mcollapse.storing.checkpoint import Checkpoints\nsave = Checkpoints.save\ndef saving(self, *given):\n    save(self, *given)\n    time.sleep(30) if self.steps()[-1] > 2 else None\nCheckpoints.save = saving\n"
    code = COMMAND.replace("from mcollapse.cli", slow + "from mcollapse.cli")
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "run.toml", "--out", "store", "--checkpoint-every", "0.3"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    under_way(tmp_path / "store", process)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None
    since = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and time.monotonic() - since < 5
    assert "stopped at once" in errors and "go on with: mcollapse resume store" in errors
    resume(tmp_path / "store")


@SLOW
@pytest.mark.parametrize("room", [2_000, 6_000, 20_000])
def test_a_run_that_may_write_no_more_says_so_and_goes_on(room, store, whole):
    """Whatever file it is that does not fit: of the data set, or one that orbax writes."""
    code = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, resource.RLIM_INFINITY))\n"
        "try:\n    simulated(os.environ['STORE'], checkpoint_every=0.1)\n"
        "except OSError as error:\n    print(error.errno, error, flush=True)\n    os._exit(7)\n"
    )
    process = child(code, store, PAUSE="0.02")
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 7, errors[-3000:]
    next_step = "go on with: mcollapse resume" if (store / "run.zarr").exists() else "then run it again"
    assert "File too large" in out and next_step in out
    gone_on(store, whole)


@SLOW
def test_the_command_on_a_full_disk_ends_with_code_2(tmp_path):
    (tmp_path / "run.toml").write_text(SPECIFICATION)

    room = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
    process = command(
        "run", "run.toml", "--out", "store", "--checkpoint-every", 0.3, before=room, slowly=True, cwd=tmp_path
    )
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2 and "File too large" in errors and "Traceback" not in errors
    assert "go on with: mcollapse resume store" in errors
    assert resume(tmp_path / "store").replicates == 3000


@SLOW
@pytest.mark.parametrize("devices", [(1, 4), (4, 2), (2, 1)])
def test_other_devices_after_a_stop_change_nothing(devices, store, whole):
    for count in devices:
        flags = f"--xla_force_host_platform_device_count={count}"
        killed(child(RUN, store, XLA_FLAGS=flags, PAUSE="0.05", EVERY="0.2"), 5)
        assert_readable(store, whole)
    gone_on(store, whole)


@SLOW
def test_another_precision_is_refused_by_name(store):
    simulated(store)
    code = "try:\n    resume(os.environ['STORE'])\nexcept ValueError as error:\n    print(error)\n"
    out, errors = child(code, store, JAX_ENABLE_X64="1").communicate(timeout=120)
    assert "dtype: float32 in the store, float64 asked for" in out, errors[-2000:]


@SLOW
def test_a_store_is_free_once_its_writer_is_dead(store, whole):
    writer = child(RUN, store, PAUSE="0.05")
    under_way(store, writer)
    with pytest.raises(ValueError, match=f"is being written by process {writer.pid} on "):
        simulated(store)
    for _ in range(20):
        assert_readable(store, whole)
    writer.kill()
    writer.communicate()
    gone_on(store, whole)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    monkeypatch.setattr(planning, "SEGMENT_STOPS", 4)
