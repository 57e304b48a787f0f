"""Collectors: neither order nor stops nor the number of processes change a bit of what is gathered."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.recording.blocks import BlockTree

REPLICATES, CHUNK = 1100, 128
REDUCERS = {
    "keep": mc.Keep(),
    "keep_first": mc.Keep(first=300),
    "moments": mc.Moments(),
    "hitting_time": mc.HittingTime(below=-1),
    "quantiles": mc.Quantiles(0.05),
    "histogram": mc.Histogram(low=0, high=5, bins=7),
}


def gather(reducer, dtype=np.float32, shape=(2, 3), chunk=CHUNK):
    """A fresh collector, and the summaries of a run with values that are no numbers among them."""
    rng = np.random.default_rng(5)
    lanes = -(-REPLICATES // (12 * CHUNK)) * 12 * CHUNK
    values = np.exp(3 * rng.normal(size=(*shape, lanes))).astype(dtype)
    values[0, 1, ::7] = np.asarray([np.nan, np.inf, -np.inf, 0.0])[np.arange(lanes)[::7] % 4]
    if reducer.every_generation:  # a carry: times of crossing
        values = np.where(values > 1, values.clip(0, 4), -1).astype(np.int32)

    def summary(first):
        present = jnp.arange(first, first + chunk) < REPLICATES
        part = reducer.summarise(jnp.asarray(values[..., first : first + chunk]), present)
        return first, jax.tree.map(np.asarray, part)

    def fresh():
        return reducer.collector(shape, dtype, np.arange(5 if reducer.every_generation else 2), REPLICATES)

    return fresh, [summary(first) for first in range(0, REPLICATES, chunk)]


def written(state):
    """A state that has been to disk."""
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    return dict(np.load(file))


def parts(entry):
    return {name: array for name, (_, array) in entry.variables("x").items()}


@pytest.mark.parametrize("name", REDUCERS)
def test_neither_order_nor_stops_nor_processes_change_a_bit(name):
    fresh, summaries = gather(REDUCERS[name])
    whole = fresh()
    for first, summary in summaries:
        whole.add(first, summary)
    expected = parts(whole.finish())
    rng = np.random.default_rng(7)
    for _ in range(8):
        shares = np.array_split(rng.permutation(len(summaries)), rng.integers(1, 4))
        saved = []
        for share in shares:
            collector = fresh()
            for place in share[: len(share) // 2]:
                collector.add(*summaries[place])
            state = collector.state()
            stopped = written(state)
            for place in share[len(share) // 2 :]:  # what was given does not change afterwards
                collector.add(*summaries[place])
            for key in stopped:
                np.testing.assert_array_equal(state[key], stopped[key], strict=True)
            resumed = fresh()
            resumed.merge(stopped)
            for place in share[len(share) // 2 :]:
                resumed.add(*summaries[place])
            saved.append(written(resumed.state()))
        together = fresh()
        for state in saved:
            together.merge(state)
        found = parts(together.finish())
        assert found.keys() == expected.keys()
        for key in expected:
            np.testing.assert_array_equal(found[key], expected[key], strict=True)


@pytest.mark.parametrize("name", REDUCERS)
def test_lanes_that_are_not_the_chunks_own_do_not_count(name):
    """A chunk may end where another process goes on, in the middle of its lanes."""
    fresh, summaries = gather(REDUCERS[name], chunk=4 * CHUNK)
    expected, found = fresh(), fresh()
    for first, summary in summaries:
        expected.add(first, summary)
    own, rest = gather(REDUCERS[name], chunk=3 * CHUNK)[1], gather(REDUCERS[name], chunk=CHUNK)[1]
    for first, summary in own:
        found.add(first, summary, min(2 * CHUNK, REPLICATES - first))
    for first, summary in rest:
        if first // CHUNK % 3 == 2:
            found.add(first, summary)
    theirs = parts(expected.finish())
    for key, array in parts(found.finish()).items():
        np.testing.assert_array_equal(array, theirs[key], strict=True)


@pytest.mark.parametrize("name", REDUCERS)
def test_an_entry_may_be_looked_at_before_all_is_there(name):
    fresh, summaries = gather(REDUCERS[name])
    looked, other = fresh(), fresh()
    for summary in summaries:
        looked.add(*summary)
        looked.finish()
        other.add(*summary)
    expected = parts(other.finish())
    for key, array in parts(looked.finish()).items():
        np.testing.assert_array_equal(array, expected[key], strict=True)


@pytest.mark.parametrize("name", REDUCERS)
def test_a_state_of_another_collector_is_refused(name):
    fresh, summaries = gather(REDUCERS[name])
    collector = fresh()
    collector.add(*summaries[0])
    state = collector.state()
    with pytest.raises(ValueError, match="holds"):
        fresh().merge({"other": np.zeros(3)})
    for wrong in (lambda a: a.astype(np.float16), lambda a: a[..., :1]):
        key = next(key for key in state if state[key].ndim > 1 and key != "nodes")
        with pytest.raises(ValueError, match="gathered for other records"):
            fresh().merge(state | {key: wrong(state[key])})


def test_a_tree_of_blocks_brackets_as_its_docstring_says():
    """Blocks 0 … 11, the last of which is not whole."""
    text = lambda blocks: (np.asarray([f"{b:x}" for b in blocks], object),)  # noqa: E731
    tree = BlockTree(lambda left, right: (np.add(np.add(np.add("(", left[0]), right[0]), ")"),), 11)
    for first, count in ((4, 3), (0, 4), (10, 2), (7, 3)):
        tree.add(first, text(range(first, first + count)))
    found = tree.fold()
    assert found is not None
    assert str(found[0]) == "((((((01)(23))((45)(67)))(89))a)b)"
