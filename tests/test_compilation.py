"""Other numbers compile nothing; what does compile says what changed; programs lower anywhere."""

import jax
import pytest

import mcollapse as mc
from mcollapse.compilation import PROGRAMS
from mcollapse.program import Addresses, Experiment, Layout, compiled_chunk, parted
from tests.helpers import GAUSSIAN, ZIPF, categorical, gaussian, keep, nothing_compiled, values


def test_other_numbers_compile_nothing():
    def go(size, share, seed, truth):
        process = gaussian(sizes=mc.schedules.Power(size, 1.0, 1.0), source=mc.sources.Mixture(share))
        return values(process, truth, seed=seed, generations=4, replicates=100)

    go(20, 0.1, 0, GAUSSIAN)
    with nothing_compiled():
        go(31, 0.7, 5, mc.families.Gaussian.Params(3.0, 1.0))


def test_rows_compile_nothing_for_sizes_of_one_capacity():
    def go(size):
        return values(gaussian(sizes=size, path="rows"), GAUSSIAN, generations=2, replicates=50)

    go(57)
    with nothing_compiled():
        go(64)


def test_a_recompilation_says_what_changed():
    def go(generations):
        return mc.simulate(
            gaussian(sizes=9), GAUSSIAN, key=jax.random.key(0), generations=generations, replicates=9,
            record=keep(mc.metrics.mean),
        )  # fmt: skip

    go(3)
    (changed,) = [c for c in go(6).stats.compiled_because if "recorded generations" in c]
    assert changed == "recorded generations: 4 → 7"
    again = go(6).stats
    assert again.programs_compiled == 0 and again.compiled_because == ()


def test_the_store_of_programs_is_bounded():
    assert len(PROGRAMS.compiled) <= PROGRAMS.most


@pytest.mark.parametrize(
    "process, truth",
    [
        (gaussian(source=mc.sources.Mixture(0.2), pool=mc.pools.All()), GAUSSIAN),
        (gaussian(sizes=8, pool=mc.pools.Subsample(8)), GAUSSIAN),
        (categorical(source=mc.sources.Mixture(0.2)), ZIPF),
        (categorical(pool=mc.pools.Subsample(50)), ZIPF),
    ],
    ids=["gaussian", "gaussian rows", "categorical", "hypergeometric"],
)
def test_the_program_lowers_for_every_platform(process, truth):
    records = {"x": mc.Record(mc.metrics.squared_error, reduce=mc.Moments())}
    experiment = Experiment(process.planned(3), mc.Truth(process.family, truth), records)
    arrays, identity = parted(experiment)
    import numpy as np

    addresses = Addresses(
        (np.zeros(128, np.uint32), np.zeros(128, np.uint32)),
        np.uint32(0),
        np.int32(128),
        np.arange(4, dtype=np.int32),
        np.ones(4, bool),
    )
    exported = jax.export.export(compiled_chunk, platforms=("cpu", "cuda", "tpu"))(
        arrays, addresses, None, identity, Layout(128, "real")
    )
    assert set(exported.platforms) == {"cpu", "cuda", "tpu"}
