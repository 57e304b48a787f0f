"""Many processes share a run: the same bits as one, whoever dies and however many go on."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

import mcollapse as mc
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


def start(command, out, processes, *options):
    """One run in so many processes on this machine."""
    address = f"127.0.0.1:{free_port()}"
    shared = [
        ["--coordinator", address, "--processes", str(processes), "--process", str(i)]
        for i in range(processes)
    ]
    return [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mcollapse",
                *command,
                *map(str, options),
                *(own if processes > 1 else []),
            ],
            cwd=out.parent,
            env=os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "JAX_PLATFORMS": "cpu"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for own in shared
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
@pytest.mark.parametrize("killed", [0, 1])
@pytest.mark.parametrize("then", [1, 3])
def test_a_process_that_dies_stops_the_others_and_any_number_goes_on(tmp_path, killed, then):
    spec, whole, out = specification(tmp_path, 400_000), tmp_path / "whole", tmp_path / "shared"
    started = start(("run", spec), out, 2, "--out", out, "--checkpoint-every", 0.5)
    until = time.monotonic() + 120
    while not (out / "checkpoints" / "0" / "1" / "3").exists():
        assert time.monotonic() < until and all(process.poll() is None for process in started)
        time.sleep(0.1)
    os.kill(started[killed].pid, signal.SIGKILL)
    codes, told = finish(started)
    assert codes[killed] == -signal.SIGKILL and codes[1 - killed] != 0
    assert "another task died" in told[1 - killed]
    unfinished = mc.Trajectories.load(out)
    assert not unfinished.attributes["complete"]
    codes, told = finish(start(("resume", out), out, then, "--checkpoint-every", 5))
    assert codes == [0] * then, told
    codes, told = finish(start(("run", spec), whole, 1, "--out", whole))
    assert codes == [0], told
    assert_same(whole, out)


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
