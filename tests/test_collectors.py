"""Collectors: what is gathered can be taken away and brought back, bit for bit."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc

REPLICATES, CHUNK = 1100, 128
REDUCERS = {
    "keep": mc.Keep(),
    "keep_first": mc.Keep(first=300),
    "moments": mc.Moments(),
    "hitting_time": mc.HittingTime(below=-1),
}


def gather(reducer, dtype=np.float32, shape=(2, 3)):
    """A fresh collector, and the summaries of a run with values that are no numbers among them."""
    rng = np.random.default_rng(5)
    lanes = -(-REPLICATES // CHUNK) * CHUNK
    values = np.exp(3 * rng.normal(size=(*shape, lanes))).astype(dtype)
    values[0, 1, ::7] = np.asarray([np.nan, np.inf, -np.inf, 0.0])[np.arange(lanes)[::7] % 4]
    if reducer.every_generation:  # a carry: times of crossing
        values = np.where(values > 1, values.clip(0, 4), -1).astype(np.int32)

    def summary(first):
        present = jnp.arange(first, first + CHUNK) < REPLICATES
        part = reducer.summarise(jnp.asarray(values[..., first : first + CHUNK]), present)
        return first, jax.tree.map(np.asarray, part)

    def fresh():
        return reducer.collector(shape, dtype, np.arange(5 if reducer.every_generation else 2), REPLICATES)

    return fresh, [summary(first) for first in range(0, REPLICATES, CHUNK)]


def written(state):
    """A state that has been to disk."""
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    return dict(np.load(file))


def parts(entry):
    return {name: array for name, (_, array) in entry.variables("x").items()}


@pytest.mark.parametrize("name", REDUCERS)
def test_a_collector_that_is_restored_goes_on_as_if_it_had_not_stopped(name):
    fresh, summaries = gather(REDUCERS[name])
    whole = fresh()
    for first, summary in summaries:
        whole.add(first, summary)
    expected = parts(whole.finish())
    for stop in range(len(summaries) + 1):
        stopped = fresh()
        for first, summary in summaries[:stop]:
            stopped.add(first, summary)
        state = stopped.state()
        saved = written(state)
        for first, summary in summaries[stop:]:
            stopped.add(first, summary)
        for key in saved:  # what was given does not change afterwards
            np.testing.assert_array_equal(state[key], saved[key], strict=True)
        resumed = fresh()
        resumed.restore(saved)
        for key in saved:
            np.testing.assert_array_equal(resumed.state()[key], saved[key], strict=True)
        for first, summary in summaries[stop:]:
            resumed.add(first, summary)
        for collector in (stopped, resumed):
            found = parts(collector.finish())
            assert found.keys() == expected.keys()
            for key in expected:
                np.testing.assert_array_equal(found[key], expected[key], strict=True)


@pytest.mark.parametrize("name", REDUCERS)
def test_what_was_restored_replaces_what_was_there(name):
    fresh, summaries = gather(REDUCERS[name])
    used, other = fresh(), fresh()
    used.add(*summaries[0])
    state = used.state()
    other.add(*summaries[0])
    other.add(*summaries[1])
    other.restore(state)
    for key, array in other.state().items():
        np.testing.assert_array_equal(array, state[key], strict=True)


@pytest.mark.parametrize("name", REDUCERS)
def test_a_state_of_another_collector_is_refused(name):
    fresh, summaries = gather(REDUCERS[name])
    collector = fresh()
    collector.add(*summaries[0])
    state = collector.state()
    with pytest.raises(ValueError, match="holds"):
        collector.restore({"other": np.zeros(3)})
    for wrong in (lambda a: a.astype(np.float16), lambda a: a[..., :1]):
        key = next(key for key in state if state[key].ndim > 1)
        with pytest.raises(ValueError, match="gathered for other records"):
            collector.restore(state | {key: wrong(state[key])})
    with pytest.raises(ValueError, match="are kept" if "keep" in name else "gathered for"):
        key = next(iter(state))
        collector.restore(state | {key: np.concatenate([state[key]] * 20)})
