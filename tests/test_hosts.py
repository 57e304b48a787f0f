"""Many processes share a run: the same bits as one, whoever dies and however many go on."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import mcollapse as mc
from mcollapse.running import company
from tests.helpers import ROOT

SPECIFICATION = """
generations = {generations}
replicates = 1_500
seed = 5
[family]
name = "gaussian"
[sizes]
name = "constant"
value = 20
[record]
squared_error = {{ at = {{ every = 10 }}, reduce = "moments" }}
log_variance = {{ at = "log" }}
standard_deviation = {{ at = [7], reduce = "quantiles" }}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


MAIN = "import sys\nfrom mcollapse.cli import main\nmain(sys.argv[1:])\n"
SHORT = "from mcollapse.running import company\ncompany.SILENCE = 12.0\n"
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "JAX_PLATFORMS": "cpu"}


def started(words, folder, before="", **environment):
    return subprocess.Popen(
        [sys.executable, "-c", before + MAIN, *map(str, words)],
        cwd=folder,
        env=os.environ | ENVIRONMENT | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start(command, out, processes, *options, before=""):
    """One run in so many processes on this machine; `before` may differ from one to the next."""
    address = f"127.0.0.1:{free_port()}"
    shared = [
        ["--coordinator", address, "--processes", str(processes), "--process", str(i)]
        for i in range(processes)
    ]
    codes = [before] * processes if isinstance(before, str) else before
    return [
        started([*command, *options, *(own if processes > 1 else [])], out.parent, SHORT + code)
        for own, code in zip(shared, codes, strict=True)
    ]


def finish(processes):
    told = [process.communicate(timeout=240)[0] for process in processes]
    return [process.returncode for process in processes], told


def specification(folder, generations):
    path = folder / "spec.toml"
    path.write_text(SPECIFICATION.format(generations=generations))
    return path


def assert_same(first, second):
    ours, theirs = mc.Trajectories.load(first), mc.Trajectories.load(second)
    assert ours.attributes["complete"] and theirs.attributes["complete"]
    assert ours.to_xarray().drop_attrs().identical(theirs.to_xarray().drop_attrs())


def test_two_processes_have_the_numbers_of_one(tmp_path):
    spec = specification(tmp_path, 40)
    for out, processes in ((tmp_path / "one", 1), (tmp_path / "two", 2)):
        codes, told = finish(start(("run", spec), out, processes, "--out", out))
        assert codes == [0] * processes, told
        assert "gaussian-replacement-product" in told[0] and not any(text.strip() for text in told[1:])
    assert_same(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
def test_two_processes_share_the_cells_of_a_sweep_that_grows(tmp_path):
    """Cells of one block each fall to different processes, and those of the first grid stay."""
    spec = specification(tmp_path, 40)
    text, grown = spec.read_text().replace("1_500", "128"), tmp_path / "grown.toml"
    some, more = ", ".join(map(str, range(20, 220))), ", ".join(map(str, range(20, 260)))
    spec.write_text(text + f'[sweep]\n"sizes.value" = [{some}]\n')
    grown.write_text(text + f'[sweep]\n"sizes.value" = [{more}]\n')
    one, two = tmp_path / "one", tmp_path / "two"
    for path, processes in ((one, 1), (two, 2)):
        for command in (("run", spec, "--out", path), ("resume", path, "--spec", grown)):
            codes, told = finish(start(command, path, processes))
            assert codes == [0] * processes, told
    assert_same(one, two)
    assert mc.Trajectories.load(one)["squared_error"].mean.shape[0] == 240


LONG = 400_000


def under_way(out, processes):
    """Wait until both have written some checkpoints."""
    until = time.monotonic() + 240
    while not all((out / "checkpoints" / "0" / str(i) / "3").exists() for i in range(2)):
        # those of process 0 are numbered on while the newest two are kept: one that is past 3 will do
        if all(list((out / "checkpoints" / "0" / str(i)).glob("[3-9]*.json")) for i in range(2)):
            break
        assert time.monotonic() < until and all(process.poll() is None for process in processes), finish(
            processes
        )
        time.sleep(0.1)


def assert_any_number_goes_on(tmp_path, spec, out, then):
    assert not mc.Trajectories.load(out).attributes["complete"]
    codes, told = finish(start(("resume", out), out, then, "--checkpoint-every", 5))
    assert codes == [0] * then, told
    whole = tmp_path / "whole"
    codes, told = finish(start(("run", spec), whole, 1, "--out", whole))
    assert codes == [0], told
    assert_same(whole, out)


@pytest.mark.slow
@pytest.mark.parametrize("killed, then", [(0, 1), (1, 3)])
def test_a_process_that_dies_stops_the_others_and_any_number_goes_on(tmp_path, killed, then):
    spec, out = specification(tmp_path, LONG), tmp_path / "shared"
    processes = start(("run", spec), out, 2, "--out", out, "--checkpoint-every", 0.5, before=SLOWLY)
    under_way(out, processes)
    os.kill(processes[killed].pid, signal.SIGKILL)
    codes, told = finish(processes)
    assert codes[killed] == -signal.SIGKILL
    if killed == 0:  # with whom JAX ends the others, wherever they are
        assert codes[1] not in (0, None) and "another task died" in told[1]
    else:
        assert codes[0] == 75 and "Traceback" not in told[0]
        assert "process 1 of 2 on " in told[0] and "no sign of life for 12 seconds" in told[0]
        assert "is saved; go on with: mcollapse resume" in told[0]
    assert_any_number_goes_on(tmp_path, spec, out, then)


SLOWLY = """
import time
from mcollapse import planning
following = planning.Segments.next
def slowly(self, done):
    time.sleep(0.3)
    return following(self, done)
planning.Segments.next = slowly
planning.SEGMENT_SECONDS = 0.02
"""


@pytest.mark.slow
@pytest.mark.parametrize("told", [0, 1])
def test_a_signal_to_one_process_stops_all_of_them_with_its_code(tmp_path, told):
    spec, out = specification(tmp_path, LONG), tmp_path / "shared"
    processes = start(("run", spec), out, 2, "--out", out, "--checkpoint-every", 0.5, before=SLOWLY)
    under_way(out, processes)
    processes[told].send_signal(signal.SIGTERM)
    codes, texts = finish(processes)
    assert codes == [143, 143], texts
    assert all("all that was computed saved; go on with: mcollapse resume" in text for text in texts)
    assert_any_number_goes_on(tmp_path, spec, out, 1)


# what goes wrong in one process after ten segments or so: its exit code, and what the other is told
FAULTS = {
    "worker": (
        "from mcollapse.running import execution\n"
        "program, calls = execution._Run.program, []\n"
        "segments = planning.Segments.took\n"
        "def took(self, *given):\n"
        "    segments(self, *given)\n"
        "    calls.append(1)\n"
        "    if len(calls) > 20: raise ArithmeticError('a fault')\n"
        "planning.Segments.took = took\n",
        70,
        "ArithmeticError: a fault",
    ),
    "disk": (
        "import errno, os\n"
        "from mcollapse.storing.checkpoint import Checkpoints\n"
        "save, calls = Checkpoints.save, []\n"
        "def full(self, *given):\n"
        "    calls.append(1)\n"
        "    if len(calls) > 6: raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "    save(self, *given)\n"
        "Checkpoints.save = full\n",
        2,
        "No space left on device",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault, where", [("worker", 0), ("worker", 1), ("disk", 1)])
def test_an_error_in_one_process_stops_the_others_who_are_told(tmp_path, fault, where):
    code, exit_code, words = FAULTS[fault]
    spec, out = specification(tmp_path, LONG), tmp_path / "shared"
    before = [SLOWLY + (code if i == where else "") for i in range(2)]
    since = time.monotonic()
    processes = start(("run", spec), out, 2, "--out", out, "--checkpoint-every", 0.5, before=before)
    codes, told = finish(processes)
    assert codes[where] == exit_code and codes[1 - where] == 75, told
    assert words in told[where] and "go on with: mcollapse resume" in told[where]
    assert f"process {where} of 2 on " in told[1 - where] and words in told[1 - where]
    assert "Traceback" not in told[1 - where] and "task died" not in "".join(told)
    assert time.monotonic() - since < 120
    assert_any_number_goes_on(tmp_path, spec, out, 1)


def test_what_process_0_refuses_the_others_do_not_wait_for(tmp_path):
    """What --out holds is looked at by process 0 alone."""
    spec, out = specification(tmp_path, 5), tmp_path / "there"
    (out / "run.zarr").mkdir(parents=True)
    codes, told = finish(start(("run", spec), out, 2, "--out", out))
    assert codes == [2, 75], told
    assert all("there exists: choose another" in text for text in told) and "process 0 of 2 on " in told[1]


@pytest.mark.slow
def test_processes_that_were_told_different_things_are_refused(tmp_path):
    spec, out = specification(tmp_path, 40), tmp_path / "out"
    address = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", 2, "--out", out]
    codes, told = finish(
        [started(["run", spec, *address, "--process", i, "--seed", i], tmp_path) for i in range(2)]
    )
    assert sorted(codes) in ([2, 2], [2, 75]), told
    assert "key: [0, 0] in process 0, [0, 1] in process 1" in "".join(told)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The numbers of one process."""
    folder = tmp_path_factory.mktemp("alone")
    codes, told = finish(
        start(("run", specification(folder, 40)), folder / "out", 1, "--out", folder / "out")
    )
    assert codes == [0], told
    return folder / "out"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="there is no Open MPI here")
def test_under_open_mpi_nothing_need_be_told(tmp_path, alone):
    spec, out = specification(tmp_path, 40), tmp_path / "out"
    words = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", sys.executable, "-m", "mcollapse",
             "run", str(spec), "--out", str(out), "--distributed"]  # fmt: skip
    done = subprocess.run(
        words, cwd=tmp_path, env=os.environ | ENVIRONMENT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("gaussian-replacement-product") == 1 or "data set" in done.stdout
    assert_same(alone, out)


def slurm(process, job):
    """What `srun -n 2` on one node told its tasks, of what JAX reads."""
    return {
        "SLURM_JOB_ID": str(job), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2",
        "SLURM_PROCID": str(process), "SLURM_LOCALID": str(process), "SLURM_STEP_NUM_NODES": "1",
        "SLURM_STEP_TASKS_PER_NODE": "2",
    }  # fmt: skip


@pytest.mark.slow
def test_under_slurm_nothing_need_be_told(tmp_path, alone):
    spec, out = specification(tmp_path, 40), tmp_path / "out"
    job = random.randrange(10**6)  # of which JAX makes the port
    words = ["run", spec, "--out", out, "--distributed"]
    codes, told = finish([started(words, tmp_path, **slurm(i, job)) for i in range(2)])
    assert codes == [0, 0], told
    assert_same(alone, out)


@pytest.mark.parametrize(
    "told, own",
    [
        ({}, False),
        ({"SLURM_STEP_TASKS_PER_NODE": "1(x4)"}, True),
        ({"SLURM_STEP_TASKS_PER_NODE": "1"}, True),
        ({"SLURM_STEP_TASKS_PER_NODE": "8(x4)"}, False),
        ({"SLURM_STEP_TASKS_PER_NODE": "2,1"}, False),
        ({"SLURM_STEP_TASKS_PER_NODE": "8(x4)", "SLURM_GPUS_PER_TASK": "1"}, True),
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": "1"}, True),
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": "2"}, False),
    ],
)
def test_a_task_that_is_alone_on_its_node_has_all_its_devices(told, own, monkeypatch):
    """JAX would give it one, whatever it was allotted."""
    import jax

    from mcollapse.running import hosts

    given = {}
    monkeypatch.setattr(jax.distributed, "initialize", lambda *_, **options: given.update(options))
    for name in ("SLURM_STEP_TASKS_PER_NODE", "SLURM_GPUS_PER_TASK", "OMPI_COMM_WORLD_LOCAL_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    before = jax.config.jax_enable_preemption_service
    try:
        hosts.connect()
    finally:
        jax.config.update("jax_enable_preemption_service", before)
    assert given["local_device_ids"] == ([] if own else None)


class Words:
    """The store of words of a coordination service, in memory."""

    def __init__(self):
        self.words = {}

    def key_value_set(self, key, word, allow_overwrite=False):
        assert allow_overwrite or key not in self.words
        self.words[key] = word

    def key_value_dir_get(self, prefix):
        return [(key, word) for key, word in self.words.items() if key.startswith(prefix)]


def test_what_processes_tell_each_other(monkeypatch):
    monkeypatch.setattr(company, "BEAT", 0.02)
    monkeypatch.setattr(company, "SILENCE", 0.2)
    words = Words()
    first, second = company.Company(words, 0, 2), company.Company(words, 1, 2)

    def meet(one, place, word, found):
        try:
            found.append(one.meet(place, word, lambda: False))
        except (company.OtherEnded, ValueError) as error:
            found.append(error)

    def met(place, other):
        found = []
        threads = [
            threading.Thread(target=meet, args=a)
            for a in ((first, place, "a", found), (second, other, "b", found))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        return found

    assert met("read", "read") == [["a", "b"]] * 2
    assert all("process 0 would read x, process 1 would read y" in str(e) for e in met("read x", "read y"))
    assert first.ended() is None and first.stop() is None
    first.tell_stop(15)
    until = time.monotonic() + 10
    while second.stop() != 15 and time.monotonic() < until:
        time.sleep(0.01)
    assert second.stop() == 15
    second.leave(ValueError("a  fault"))
    second.leave(OSError("another"))
    until = time.monotonic() + 10
    while first.ended() is None and time.monotonic() < until:
        time.sleep(0.01)
    assert first.ended().endswith("has ended: ValueError: a fault") and second.ended() is None
    del words.words["mcollapse/said/stop/0"]
    alone = company.Company(words, 0, 3)  # the third never came
    until = time.monotonic() + 10
    while not alone.lost() and time.monotonic() < until:
        time.sleep(0.01)
    assert alone.lost() == [2]


def test_processes_must_agree_on_where(tmp_path):
    spec = specification(tmp_path, 5)
    codes, told = finish(start(("run", spec), tmp_path / "x", 2))
    assert codes == [2, 2] and all("--out DIR" in text for text in told)


def test_what_jax_must_be_told(monkeypatch):
    from mcollapse.running import hosts

    with pytest.raises(ValueError, match="say all three"):
        hosts.connect(processes=2)
    with pytest.raises(ValueError, match="numbered from 0 to 1"):
        hosts.connect("localhost:1", 2, 2)
    monkeypatch.setattr(hosts, "count", lambda: 2)
    from tests.helpers import GAUSSIAN, gaussian, values

    with pytest.raises(ValueError, match="store="):
        values(gaussian(), GAUSSIAN, generations=1, replicates=np.int64(2))


@pytest.mark.parametrize("processes, lanes", [(1, 512), (2, 256), (4, 128), (9, 128)])
def test_chunks_are_of_a_process_s_share(processes, lanes, monkeypatch):
    """Otherwise a few processes would take as long as one."""
    import jax

    from mcollapse.running import hosts, preparation
    from tests.helpers import GAUSSIAN, gaussian

    monkeypatch.setattr(hosts, "count", lambda: processes)
    monkeypatch.setattr(preparation, "worker_count", lambda devices: 1)
    asked = preparation.prepared(
        gaussian(), GAUSSIAN, None, jax.random.key(0), 3, 512, "real", None, None, None, "fast", stored=True
    )
    assert asked.job.lanes == lanes
