"""Places where a user may not write: an error that names them, and nothing lost. Root may write everywhere."""

import contextlib
import os
import pathlib

import jax
import pytest

import mcollapse as mc
from mcollapse.cli import caching, main
from mcollapse.storing.resuming import resume
from tests.helpers import GAUSSIAN, gaussian

pytestmark = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")

SPECIFICATION = """
generations = 3
replicates = 200
[family]
name = "gaussian"
[estimator]
name = "unbiased"
[sizes]
name = "constant"
value = 20
[record]
squared_error = { at = "all", reduce = "moments" }
"""


def simulated(store, replicates=200):
    record = {"squared_error": mc.Record(mc.metrics.squared_error, reduce=mc.Moments())}
    return mc.simulate(
        gaussian(sizes=20), GAUSSIAN, key=jax.random.key(0), generations=3, replicates=replicates, store=store,
        record=record,
    )  # fmt: skip


@contextlib.contextmanager
def locked_up(*paths):
    """Nothing can be written there for a while, as where they are somebody else's."""
    modes = {path: path.stat().st_mode for path in paths}
    try:
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("somebody's") / "store"
    simulated(path)
    return path


def snapshot(store):
    return {p.relative_to(store): p.read_bytes() for p in store.rglob("*") if p.is_file()}


def test_a_read_only_directory_is_refused_before_anything_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mcollapse.storing.store.execute", lambda *_, **__: pytest.fail("it ran"))
    with locked_up(tmp_path):
        for path in (tmp_path / "store", tmp_path / "deep" / "store", tmp_path):
            with pytest.raises(ValueError, match=r"cannot write .* is no writable directory; choose another"):
                simulated(path)
        monkeypatch.chdir(tmp_path)
        codes = []
        main(["run", "spec.toml", "--out", "store"], codes.append)
        main(["run", "spec.toml"], codes.append)
    assert codes == [2, 2]
    lines = capsys.readouterr().err.splitlines()
    assert all("is no writable directory; choose another path" in line for line in lines) and len(lines) == 2


def test_somebody_elses_store_can_be_read_and_not_gone_on_with(store):
    before = snapshot(store)
    with locked_up(store, *store.rglob("*")):
        assert mc.Trajectories.load(store).replicates == 200
        for go_on in (lambda: simulated(store, 300), lambda: resume(store, replicates=300)):
            with pytest.raises(ValueError, match="is no writable directory"):
                go_on()
    assert snapshot(store) == before


@pytest.mark.parametrize("part", ["lock", "run.zarr", "checkpoints"])
def test_a_part_that_is_somebody_elses_is_named_and_the_run_goes_on_once_it_is_not(part, tmp_path):
    """In a directory that is everybody's."""
    store = tmp_path / "store"
    simulated(store)
    paths = [store / part, *(store / part).rglob("*")]
    with locked_up(*paths), pytest.raises((ValueError, OSError), match="can(not)? be written") as told:
        simulated(store, 300)
    assert str(store) in str(told.value)
    assert simulated(store, 300).replicates == 300
    assert not list(pathlib.Path(store).glob("*.new"))


def test_a_cache_that_cannot_be_written_costs_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jax.config, "update", lambda *_: None)
    monkeypatch.setattr(caching, "_setting", lambda name: name == "jax_enable_compilation_cache")
    with locked_up(tmp_path), caching.remembered_programs():
        pass
    err = capsys.readouterr().err
    assert err.startswith("programs are compiled anew: ") and err.count("\n") == 1
    assert "cannot be written (Permission denied)" in err


def test_a_profile_where_nothing_can_be_written_is_refused(tmp_path, capsys):
    (tmp_path / "spec.toml").write_text(SPECIFICATION)
    place, codes = tmp_path / "place", []
    place.mkdir()
    with locked_up(place):
        main(
            ["run", str(tmp_path / "spec.toml"), "--profile", str(place / "p"), "--out", str(tmp_path / "s")],
            codes.append,
        )
    assert codes == [2] and "none that can be written (Permission denied)" in capsys.readouterr().err
