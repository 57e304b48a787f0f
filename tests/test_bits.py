"""The numbers of a replicate depend on the key and its id, bit for bit, and on nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from tests.helpers import COIN, GAUSSIAN, ZIPF, bernoulli, categorical, gaussian, keep, python, values

CASES = {
    "gaussian": (gaussian(), GAUSSIAN),
    "gaussian-mixture-all": (gaussian(source=mc.sources.Mixture(0.3), pool=mc.pools.All()), GAUSSIAN),
    "gaussian-rows-subsample": (gaussian(sizes=8, pool=mc.pools.Subsample(8)), GAUSSIAN),
    "categorical": (categorical(), ZIPF),
    "categorical-subsample": (categorical(pool=mc.pools.Subsample(100)), ZIPF),
    "bernoulli": (bernoulli(), COIN),
    "gaussian-weighted-kept": (
        gaussian(
            estimator=mc.estimators.Weighted("optimal"),
            source=mc.sources.Split(5, 15),
            pool=mc.pools.RealAndNewest(),
        ),
        GAUSSIAN,
    ),
    "categorical-debiased": (
        categorical(estimator=mc.estimators.Debiased(), source=mc.sources.Mixture(0.3)),
        ZIPF,
    ),
}


SLOW = ("gaussian", "categorical-subsample", "gaussian-weighted-kept", "categorical-debiased")


@pytest.fixture(
    scope="module", params=[pytest.param(c, marks=pytest.mark.slow) if c in SLOW else c for c in CASES]
)
def case(request):
    process, truth = CASES[request.param]
    return process, truth, values(process, truth, replicates=1100)


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_chunks_do_not_matter(case, chunk):
    process, truth, reference = case
    assert np.array_equal(values(process, truth, replicates=1100, chunk=chunk), reference)


def test_the_number_of_replicates_does_not_matter(case):
    process, truth, reference = case
    assert np.array_equal(values(process, truth, replicates=7), reference[:7])


def test_sparse_recording_does_not_matter(case):
    process, truth, reference = case
    sparse = values(process, truth, replicates=1100, record=keep(mc.metrics.squared_error, at=[2, 5]))
    assert np.array_equal(sparse, reference[:, [2, 5]])


REDUCERS = {
    "moments": mc.Moments(),
    "quantiles": mc.Quantiles(),
    "histogram": mc.Histogram(low=0.0, high=0.01, bins=20),
}


def test_reduced_values_do_not_depend_on_chunks_nor_on_other_records():
    process, truth = CASES["categorical"]

    def reduced(chunk, names=REDUCERS, at=None):
        record = {name: mc.Record(mc.metrics.squared_error, at=at, reduce=REDUCERS[name]) for name in names}
        run = mc.simulate(
            process, truth, key=jax.random.key(0), generations=5, replicates=1500, record=record, chunk=chunk
        )
        return {k: array for name in names for k, (_, array) in run[name].variables(name).items()}

    whole = reduced(1500)
    for chunk, names in ((7, ["moments"]), (640, ["quantiles", "histogram"]), (640, REDUCERS)):
        for name, array in reduced(chunk, names).items():
            np.testing.assert_array_equal(array, whole[name], strict=True)
    assert np.array_equal(reduced(1500, ["moments"], at=[3])["moments.mean"], whole["moments.mean"][[3]])


def test_scanning_by_hand_gives_the_same_bits(case):
    process, truth, reference = case
    planned = process.planned(5, truth=truth)

    def one(replicate_key):
        def step(state, t):
            state = planned.step(replicate_key, state, truth, t)
            return state, state

        state = planned.init(replicate_key, truth)
        later = jax.lax.scan(step, state, jnp.arange(1, 6, dtype=jnp.int32))[1]
        return jax.tree.map(lambda first, rest: jnp.concatenate([first[None], rest]), state, later)

    def measure(state):
        return planned.measure(jax.random.key(0), mc.metrics.squared_error, state, truth)

    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(0), i))(jnp.arange(128))
    options = mc.compiler_options()
    states = jax.jit(jax.vmap(one), compiler_options=options)(keys)
    by_hand = jax.jit(jax.vmap(jax.vmap(measure)), compiler_options=options)(states)
    double = reference.dtype == np.float64
    if double or isinstance(process.estimator, mc.estimators.Debiased | mc.estimators.Weighted):
        # sums of products with numbers computed on the way, which a compiler may round otherwise in another
        # loop; in float64 it does so more often
        tolerance = {"rtol": 1e-11, "atol": 1e-14} if double else {"rtol": 1e-4, "atol": 1e-7}
        np.testing.assert_allclose(np.asarray(by_hand), reference[:128], **tolerance)
    else:
        assert np.array_equal(np.asarray(by_hand), reference[:128])


DEVICES = """
import jax, numpy as np
jax.config.update("jax_num_cpu_devices", 4)
import mcollapse as mc
from tests.test_bits import CASES
from tests.helpers import values
assert len(jax.devices()) == 4
for name in {names}:
    process, truth = CASES[name]
    reducers = {{"x": mc.Keep(), "m": mc.Moments(), "q": mc.Quantiles(), "h": mc.Histogram(edges=[0, 0.01, 0.1])}}
    record = {{key: mc.Record(mc.metrics.squared_error, reduce=reduce) for key, reduce in reducers.items()}}

    def go(devices):
        run = mc.simulate(process, truth, key=jax.random.key(0), generations=3, replicates=1100, chunk=300,
                          devices=devices, record=record)
        return np.concatenate([array.ravel() for k in reducers for _, array in run[k].variables(k).values()])

    one, two, four = go(1), go(2), go(4)
    assert np.array_equal(one, two) and np.array_equal(one, four)
    print(name)
"""


@pytest.mark.parametrize(
    "names",
    [pytest.param(("gaussian-mixture-all", "categorical"), marks=pytest.mark.slow),
     pytest.param(("gaussian-rows-subsample", "categorical-subsample", "bernoulli"), marks=pytest.mark.slow)],
    ids=["quick", "slow"],
)  # fmt: skip
def test_devices_do_not_matter(names):
    assert python(DEVICES.format(names=names)).split() == list(names)


def test_different_keys_differ():
    process, truth = CASES["gaussian"]
    assert not np.array_equal(values(process, truth, seed=0), values(process, truth, seed=1))
