"""Meters, costs, traces and remembered programs: what is told of a run, and never changes a number of it."""

import gzip
import io
import itertools
import json
import logging
import sys
import types

import jax
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import progress
from mcollapse.cli.caching import remembered_programs
from mcollapse.compilation import PROGRAMS
from mcollapse.costs import Costs
from tests.helpers import GAUSSIAN, gaussian, keep, nothing_compiled
from tests.test_command_line import command

SPECIFICATION = """
generations = 6
replicates = 300
sizes = 20
[family]
name = "gaussian"
[estimator]
name = "unbiased"
[record]
log_variance = { reduce = "moments" }
"""


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.toml").write_text(SPECIFICATION)
    return "spec.toml"


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = types.SimpleNamespace(time=100.0)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now.time)
    return now


class Noted(progress.AbstractProgress):
    """Everything it was told."""

    def __init__(self):
        self.started, self.advances, self.stops, self.seconds = None, [], 0, 0.0

    def start(self, replicates, generations, done=0.0):
        self.started = (replicates, generations, done)

    def advance(self, replicates):
        self.advances.append(replicates)

    def compiled(self, seconds):
        self.seconds = seconds

    def stop(self):
        self.stops += 1


class Broken(Noted):
    def __init__(self, where):
        super().__init__()
        self.where = where

    def start(self, *told):
        super().start(*told)
        assert self.where != "start", "no"

    def advance(self, replicates):
        super().advance(replicates)
        raise RuntimeError("the bar fell down")


def go(meter=None, replicates=300, **options):
    return mc.simulate(
        gaussian(), GAUSSIAN, key=jax.random.key(3), generations=6, replicates=replicates, chunk=128,
        record=keep(mc.metrics.log_variance), progress=meter, **options,
    )  # fmt: skip


def test_a_meter_is_told_of_all_work_and_changes_no_bit():
    noted = Noted()
    values = go(noted)["x"].values
    assert noted.started == (300, 6, 0.0) and noted.stops == 1
    assert sum(noted.advances) == pytest.approx(300) and len(noted.advances) == 3
    np.testing.assert_array_equal(values, go()["x"].values)


@pytest.mark.parametrize("where", ["start", "advance"])
def test_a_meter_that_fails_does_not_lose_the_run(where, caplog):
    broken = Broken(where)
    with caplog.at_level(logging.WARNING, "mcollapse"):
        values = go(broken)["x"].values
    assert len(broken.advances) == (where == "advance") and broken.stops == 0
    assert [r.getMessage() for r in caplog.records] == [
        "the progress meter failed, and the run goes on without it"
    ]
    np.testing.assert_array_equal(values, go()["x"].values)


def test_a_resumed_run_does_not_count_what_was_done_before(clock):
    pace = progress.Pace(replicates=1000, generations=10, before=900.0)
    assert pace.share == 0.9 and pace.left == np.inf
    pace.compiling = 30.0
    clock.time += 50.0
    pace.advance(50.0)
    assert pace.share == 0.95
    assert pace.rate == pytest.approx(50 * 10 / 20)
    assert pace.left == pytest.approx(20.0)
    clock.time += 5.0
    assert pace.left == pytest.approx(15.0)
    assert pace.told == "950 of 1,000 replicates, 2.50e+01 replicate-generations/s, 0:00:15 left"


def test_a_store_that_goes_on_says_what_was_done(tmp_path):
    go(store=tmp_path / "run", replicates=128)
    noted = Noted()
    go(noted, store=tmp_path / "run")
    assert noted.started == (300, 6, 128.0)
    assert sum(noted.advances) == pytest.approx(172)


def test_a_log_gets_a_line_a_minute(clock):
    file = io.StringIO()
    meter = progress.LogProgress(file=file)
    meter.start(100, 10)
    for _ in range(10):
        clock.time += 25.0
        meter.advance(10.0)
    meter.stop()
    lines = file.getvalue().splitlines()
    assert len(lines) == 3 and all(line.startswith("20") for line in lines)
    assert lines[1].endswith("60.0%: 60 of 100 replicates, 4.00e+00 replicate-generations/s, 0:01:40 left")


def test_a_short_run_leaves_no_line(capsys):
    go(progress.LogProgress())
    assert capsys.readouterr() == ("", "")
    go(progress.LogProgress(seconds=1e-9))
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    assert type(progress.default()) is progress.TerminalProgress
    meter = progress.TerminalProgress()
    meter.start(100, 10)
    meter.advance(50.0)
    meter.bar.refresh()
    meter.stop()
    assert "50 of 100 replicates" in shown.getvalue() and "left" in shown.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert type(progress.default()) is progress.LogProgress


def test_a_notebook_gets_a_bar_without_widgets(monkeypatch):
    pages = []

    class Handle:
        def display(self, data, raw):
            pages.append(data)

        update = display

    kernel = types.SimpleNamespace(config={"IPKernelApp": {}})
    notebook = types.ModuleType("IPython")
    notebook.get_ipython = lambda: kernel
    notebook.display = types.ModuleType("IPython.display")
    notebook.display.DisplayHandle = Handle
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", notebook.display)
    monkeypatch.setattr(progress, "REDRAWN", 0.0)
    assert type(progress.default()) is progress.NotebookProgress
    go(True)
    assert 'value="0.0000"' in pages[0]["text/html"] and 'value="1.0000"' in pages[-1]["text/html"]
    assert pages[-1]["text/plain"].startswith("100.0%: 300 of 300 replicates")
    kernel.config = {}  # IPython in a terminal
    assert type(progress.default()) is not progress.NotebookProgress


def test_time_in_which_several_threads_compile_counts_once():
    costs = Costs()
    for began, seconds in ((10.0, 4.0), (11.0, 2.0), (13.0, 3.0), (20.0, 1.0)):
        costs.compiled(began, seconds)
    assert costs.compile_seconds == pytest.approx(7.0)


def test_statistics_say_what_a_run_cost():
    jax.clear_caches()
    PROGRAMS.compiled.clear()
    noted = Noted()
    stats = go(noted).stats
    assert (stats.programs_compiled, stats.programs_loaded, stats.replicate_generations) == (1, 0, 1800)
    assert 0 < stats.compile_seconds == noted.seconds < stats.seconds
    assert stats.rate == pytest.approx(1800 / (stats.seconds - stats.compile_seconds))
    assert stats.statuses["ok"] == 300 and stats.peak_memory > 2**26 and stats.peak_device_memory is None
    told = str(stats)
    assert "1.8e+03 replicate-generations" in told and "1 program" in told and "3 chunks of 128 lanes" in told
    assert "replicates ended: ok 300" in told and "MiB" in told or "GiB" in told
    assert json.loads(json.dumps(stats.as_dict()))["replicate_generations_per_second"] == stats.rate


def test_json_has_the_statistics(spec, capsys):
    assert command("run", spec, "--out", "result", "--json") == 0
    printed = capsys.readouterr()
    stats = json.loads(printed.out)["stats"]
    assert stats["replicate_generations"] == 1800 and stats["statuses"]["ok"] == 300 and not printed.err
    with nothing_compiled():
        assert command("resume", "result", "--json") == 0
    assert json.loads(capsys.readouterr().out)["stats"] is None  # nothing was left to do


def test_a_trace_appears_and_opens(spec, tmp_path, capsys):
    assert command("run", spec, "--out", "result", "--profile", "traces") == 0
    (trace,) = tmp_path.glob("traces/plugins/profile/*/*.trace.json.gz")
    assert len(json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]) > 10


def test_where_a_trace_goes_is_checked_before_the_run(spec, tmp_path, capsys):
    with nothing_compiled():
        assert command("run", spec, "--out", "result", "--profile", spec) == 2
    assert "--profile writes into a directory" in capsys.readouterr().err
    assert not (tmp_path / "result").exists()
    assert command("resume", "result", "--profile", f"{spec}/below") == 2


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """JAX's cache as a user's is, in a home of its own."""
    before = jax.config.jax_enable_compilation_cache
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    jax.config.update("jax_enable_compilation_cache", True)
    yield tmp_path / "home" / "mcollapse" / "programs"
    jax.config.update("jax_enable_compilation_cache", before)


def anew():
    jax.clear_caches()
    PROGRAMS.compiled.clear()


@pytest.mark.slow
def test_a_second_start_compiles_nothing_and_gives_the_same_bits(spec, cache, capsys):
    found = []
    for number in itertools.count():
        anew()
        assert (
            command("run", spec, "--out", f"result-{number}", "--json", *["--no-cache"][: number // 2]) == 0
        )
        printed = capsys.readouterr()
        assert not printed.err
        stats = json.loads(printed.out)["stats"]
        found.append((stats["programs_compiled"], stats["programs_loaded"]))
        if number == 2:
            break
    assert found == [(2, 0), (2, 2), (2, 0)]
    assert not jax.config.jax_compilation_cache_dir  # the library is left as it was
    first, *others = (mc.Trajectories.load(f"result-{number}")["log_variance"] for number in range(3))
    for other in others:
        np.testing.assert_array_equal(other.mean, first.mean)
        np.testing.assert_array_equal(other.variance, first.variance)


@pytest.mark.slow
def test_a_damaged_program_is_compiled_again(cache, capsys):
    anew()
    with remembered_programs():
        first = go()["x"].values
    for file in cache.rglob("*-cache"):
        file.write_bytes(file.read_bytes()[:50])
    anew()
    with remembered_programs(), pytest.warns(UserWarning, match="persistent compilation cache"):
        run = go()
    assert run.stats.programs_loaded == 0
    np.testing.assert_array_equal(run["x"].values, first)


def test_a_cache_that_cannot_be_written_costs_a_line(cache, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with remembered_programs():
        assert not jax.config.jax_enable_compilation_cache
    assert capsys.readouterr().err.count("\n") == 1
    assert jax.config.jax_enable_compilation_cache


def test_a_users_own_cache_directory_is_used(cache, tmp_path, monkeypatch):
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "own"))
    try:
        with remembered_programs():
            assert jax.config.jax_compilation_cache_dir == str(tmp_path / "own")
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
    assert not cache.exists()


def test_the_oldest_programs_are_forgotten(cache, monkeypatch):
    import os

    from mcollapse.cli import caching

    monkeypatch.setattr(caching, "MOST_BYTES", 250)
    (cache / "other").mkdir(parents=True)
    for age in range(4):
        file = cache / "other" / f"{age}-cache"
        file.write_bytes(bytes(100))
        os.utime(file, (1e9 - age, 1e9 - age))
    with remembered_programs():
        pass
    assert sorted(f.name for f in (cache / "other").iterdir()) == ["0-cache", "1-cache"]
