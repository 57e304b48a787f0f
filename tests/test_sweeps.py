"""Sweeps of any size: cut into groups of cells, stopped, gone on with, and given other values."""

import itertools
import pathlib

import jax
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import planning
from mcollapse.planning import Grid
from mcollapse.running.groups import Group, grouped
from mcollapse.running.preparation import prepared
from mcollapse.running.ranges import Ranges
from mcollapse.storing import Store, data_set
from tests.helpers import GAUSSIAN, gaussian
from tests.stored import RECORD, Breaking, Broken, assert_equal, attributes, broken_off, resume

OVER = {"source.real_share": [0.0, 0.2, 0.4], "sizes.value": [20, 30]}
LESS = {"source.real_share": [0.0, 0.4], "sizes.value": [20]}
OTHERS = {"source.real_share": [0.4, 0.1, 0.0], "sizes.value": [30]}
PROCESS = gaussian(sizes=20, source=mc.sources.Mixture(0.1))
REPLICATES, GENERATIONS = 200, 24
BLOCKS = 256
"""Replicates of a cell, in whole blocks."""


def swept(store=None, over=OVER, replicates=REPLICATES, **options):
    options = {"generations": GENERATIONS, "record": RECORD, "chunk": 128} | options
    return mc.sweep(
        options.pop("process", PROCESS), GAUSSIAN, over=over, key=jax.random.key(3), replicates=replicates,
        store=store, **options,
    )  # fmt: skip


def at_once(monkeypatch, cells):
    monkeypatch.setattr(planning, "BUSY_LANES", BLOCKS * cells)


@pytest.fixture(scope="module")
def whole():
    """All cells in one program, in memory."""
    run = swept()
    assert run.stats.chunks == 2 and run.stats.programs_compiled == 1
    return run


@pytest.mark.parametrize(
    "cells, chunks", [(2, 6), *(pytest.param(*each, marks=pytest.mark.slow) for each in [(1, 12), (4, 4)])]
)
def test_no_bit_depends_on_how_many_cells_run_together(cells, chunks, whole, monkeypatch):
    at_once(monkeypatch, cells)
    run = swept()
    assert run.stats.chunks == chunks and run.stats.programs_compiled <= 1
    assert run.stats.replicate_generations == 6 * REPLICATES * GENERATIONS
    assert_equal(run, whole)


def test_a_sweep_that_is_stopped_goes_on(tmp_path, whole, monkeypatch):
    at_once(monkeypatch, 2)
    with pytest.raises(Broken):
        swept(tmp_path / "store", progress=Breaking(6, broken_off), checkpoint_every=1e-6)
    part = mc.Trajectories.load(tmp_path / "store")
    some = part.status >= 0
    assert 0 < some.sum() < some.size and not part.attributes["complete"]
    np.testing.assert_array_equal(part.status[some], whole.status[: len(some)][some])
    np.testing.assert_array_equal(part["keep"].values[some], whole["keep"].values[: len(some)][some])
    assert np.all(np.isnan(part["keep"].values[~some]))
    counted = part["moments"].count[..., 0]  # as of the last checkpoint
    assert np.all(counted <= some.sum(axis=0)) and 0 < counted.sum() < some.size
    part.compare()  # of the cells that there are
    run = swept(tmp_path / "store")
    assert run.stats.replicate_generations < 6 * REPLICATES * GENERATIONS
    assert_equal(run, whole)
    assert_equal(mc.Trajectories.load(tmp_path / "store"), whole)


def test_cells_that_are_done_are_not_computed_again(tmp_path, whole, monkeypatch, caplog):
    """In a grid that grows, that gives some up, and that takes them back."""
    at_once(monkeypatch, 2)
    cost = REPLICATES * GENERATIONS
    store = tmp_path / "store"
    first = swept(store, LESS)
    assert first.stats.replicate_generations == 2 * cost
    grown = swept(store)
    assert grown.stats.replicate_generations == 4 * cost and not (store / "former").exists()
    assert_equal(grown, whole)
    assert_equal(mc.Trajectories.load(store), whole)
    changed = swept(store, OTHERS)
    assert changed.stats.replicate_generations == cost and "4 cells" in caplog.text
    assert_equal(changed, swept(over=OTHERS))
    (former,) = (store / "former").iterdir()
    assert_equal(mc.Trajectories.load(former), whole)
    back = swept(store)
    assert back.stats.replicate_generations == 4 * cost
    assert_equal(back, whole)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_any_change_of_the_grid_at_any_moment(seed, tmp_path, whole, monkeypatch):
    """Stopped after some segments, the values changed, more replicates asked for: as if it had never been."""
    rng = np.random.default_rng(seed)
    at_once(monkeypatch, int(rng.integers(1, 4)))
    for _ in range(4):
        over = {
            "source.real_share": [0.2, *rng.permutation([0.0, 0.1, 0.4])[: rng.integers(0, 4)].tolist()],
            "sizes.value": rng.permutation([20, 30])[: rng.integers(1, 3)].tolist(),
        }
        try:
            swept(
                tmp_path, over, progress=Breaking(int(rng.integers(1, 9)), broken_off), checkpoint_every=1e-6
            )
        except Broken:
            pass
        except ValueError as error:
            assert "holds another run" in str(error)  # no cell of the last grid is in this one
    try:
        assert_equal(swept(tmp_path), whole)
    except ValueError as error:
        pytest.skip(str(error))
    more = swept(tmp_path, replicates=500)
    assert_equal(more, swept(replicates=500))


@pytest.mark.slow
def test_a_changed_sweep_has_more_replicates_without_its_script(tmp_path, monkeypatch):
    at_once(monkeypatch, 2)
    swept(tmp_path)
    swept(tmp_path, OTHERS)
    more = resume(tmp_path, replicates=300)
    assert_equal(more, swept(over=OTHERS, replicates=300))


def test_a_writer_that_is_killed_between_two_names(tmp_path, whole, monkeypatch):
    """The old data set has its new name, and the new one none yet."""
    at_once(monkeypatch, 2)
    swept(tmp_path, LESS)
    renamed, rename = [], data_set.os.rename

    def once(source, target):
        if "run.zarr" in (pathlib.Path(source).name, pathlib.Path(target).name):
            if renamed:
                raise Broken
            renamed.append(target)
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(data_set.os, "rename", once)
        with pytest.raises(Broken):
            swept(tmp_path)
    assert not (tmp_path / "run.zarr").exists()
    run = swept(tmp_path)
    assert run.stats.replicate_generations == 4 * REPLICATES * GENERATIONS
    assert_equal(run, whole)


@pytest.mark.parametrize(
    "over, said",
    [
        ({"source.real_share": [0.1], "sizes.value": [20]}, "sweep.source.real_share"),
        ({"sizes.value": [20]}, "sweep.source.real_share"),
    ],
)
def test_a_sweep_with_no_cell_in_common_is_another_run(over, said, tmp_path):
    small = {"generations": 1, "record": {"keep": RECORD["keep"]}}
    swept(tmp_path, LESS, **small)
    before = attributes(tmp_path)
    with pytest.raises(ValueError, match="holds another run") as told:
        swept(tmp_path, over, **small)
    assert said in str(told.value) and attributes(tmp_path) == before


@pytest.mark.slow
def test_a_sweep_of_a_single_cell(whole):
    run = swept(over={"sizes.value": [30]}, process=gaussian(sizes=20, source=mc.sources.Mixture(0.2)))
    np.testing.assert_allclose(run["keep"].values[:, 0], whole["keep"].values[:, 1, 1], rtol=1e-5)


def test_groups_are_what_fits_and_keeps_a_core_busy():
    small, huge = 4.0, 1e7
    assert planning.cells_at_once(128, small, small, True) == planning.BUSY_LANES // 128
    assert planning.cells_at_once(100_000, small, small, True) == 1
    assert planning.cells_at_once(128, huge, huge, True) == 1
    assert planning.cells_at_once(128, small, small, False) == planning.CHUNK_LANES // 128
    fits = planning.cells_at_once(128, 1e5, 10.0, True) * 128 * 1e5
    assert planning.CHUNK_BYTES / 2 < fits <= planning.CHUNK_BYTES


@pytest.mark.parametrize("size", [1, 2, 4, 5, 100])
def test_every_cell_is_in_one_group(size):
    grid = Grid.of({"a": [1, 2, 3], "b": [0.5, 0.1, 0.9]})
    groups = grouped(grid, size)
    cells = [cell for group in groups for cell in group.cells if cell is not None]
    assert sorted(cells) == sorted(itertools.product([1, 2, 3], [0.5, 0.1, 0.9]))
    assert len({len(group.cells) for group in groups}) == 1 and len(groups[0].cells) <= size
    other = Grid.of({"a": [3, 4], "b": [0.9, 0.7, 0.1]})
    later = grouped(other, size, groups)
    assert len({group.number for group in later}) == len(later)
    kept = {g.number: g for g in later if g.number < len(groups)}
    for group in groups:
        found = kept.get(group.number, Group(group.number, (None,) * len(group.cells)))
        assert found.cells == tuple(c if c and other.place(c) else None for c in group.cells)
    cells = [cell for group in later for cell in group.cells if cell is not None]
    assert sorted(cells) == sorted(itertools.product([3, 4], [0.9, 0.7, 0.1]))


def test_ranges_are_sets():
    rng = np.random.default_rng(0)
    for _ in range(200):
        first, second = (
            Ranges(map(tuple, np.sort(rng.integers(0, 40, (rng.integers(0, 6), 2)), axis=1)))
            for _ in range(2)
        )
        ours, theirs = ({i for a, b in ranges for i in range(a, b)} for ranges in (first, second))
        difference = first - second
        assert {i for a, b in difference for i in range(a, b)} == ours - theirs
        assert len(difference) == len(ours - theirs)
        assert {i for a, b in first | second for i in range(a, b)} == ours | theirs
        assert first.within(7, 23) == len(ours & set(range(7, 23)))


def test_axes_in_another_order_are_another_sweep(tmp_path):
    """Cells are named by their values, in the order of the axes."""
    small = {"generations": 1, "record": {"keep": RECORD["keep"]}, "process": gaussian(sizes=20)}
    over = {"truth.mean": [0.5, 1.0], "truth.log_variance": [0.5, 1.0]}
    swept(tmp_path, over, **small)
    with pytest.raises(ValueError, match="axes: "):
        swept(tmp_path, dict(reversed(over.items())), replicates=300, **small)


def test_a_result_is_of_its_own_cells(tmp_path):
    """Whole trajectories are read when they are asked for: too late, once the store has other cells."""
    small = {"generations": 1, "record": {"keep": RECORD["keep"]}}
    first, again = (swept(tmp_path, {"sizes.value": [20, 30, 40]}, **small) for _ in range(2))
    values = again["keep"].values
    second = swept(tmp_path, {"sizes.value": [40, 20, 30]}, **small)
    np.testing.assert_array_equal(second["keep"].values[:, [1, 2, 0]], values)
    with pytest.raises(ValueError, match="was given other values of its sweep"):
        _ = first["keep"].values


@pytest.mark.parametrize("stage", ["_change_grid", "_shared"])
def test_a_change_of_values_that_is_broken_off_loses_nothing(stage, tmp_path, monkeypatch):
    small = {"generations": 2, "record": {name: RECORD[name] for name in ("keep", "moments")}}
    wide, narrow = ({"sizes.value": values} for values in ([20, 30], [20]))
    whole = swept(over=wide, **small)
    swept(tmp_path, wide, **small)
    for _ in range(2):  # and again: what is set aside has a place of its own
        with monkeypatch.context() as patched:
            patched.setattr(Store, stage, broken_off)
            with pytest.raises(Broken):
                swept(tmp_path, narrow, **small)
        assert_equal(swept(tmp_path, wide, **small), whole)
    swept(tmp_path, narrow, **small)
    assert_equal(swept(tmp_path, wide, **small), whole)


def test_large_groups_of_more_replicates_have_fewer_lanes(monkeypatch):
    asked = prepared_sweep()
    wide = asked.with_groups((Group(0, tuple((float(n),) for n in range(20, 84))),))
    assert wide.job.lanes * wide.job.cells_at_once <= max(asked.job.lanes * asked.job.cells_at_once, 64 * 128)


def prepared_sweep():
    grid = Grid.of({"sizes.value": list(range(20, 84))})
    return prepared(
        PROCESS, GAUSSIAN, grid, jax.random.key(0), 5, 100_000, "real", None, None, None, "fast", True
    )
