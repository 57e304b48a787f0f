"""The other precision, in an interpreter of its own: float64 under JAX_ENABLE_X64=1, and back.

That the engine is right in float64 is seen by the second pass of `.ci/run`; here are the borders between both.
"""

import jax
import jax.numpy as jnp
import pytest

import mcollapse as mc
from tests.helpers import GAUSSIAN, gaussian, python

HERE = jnp.dtype(jnp.result_type(float)).name
THERE, OTHER = ("float32", "0") if HERE == "float64" else ("float64", "1")

STORED = """
import jax, mcollapse as mc
from tests.helpers import GAUSSIAN, gaussian

run = mc.simulate(gaussian(), GAUSSIAN, key=jax.random.key(0), generations=3, replicates=4)
assert run.attributes["dtype"] == run["squared_error"].values.dtype == "{there}", run.attributes
try:
    mc.simulate(gaussian(), GAUSSIAN, key=jax.random.key(0), generations=3, replicates=8, store={store!r})
except ValueError as error:
    print(error)
"""

COUNTED = """
import jax, numpy as np, mcollapse as mc
from mcollapse.processes import Coevolution, WeakSupervision
from tests.helpers import COIN, ZIPF, bernoulli, categorical

def run(process, truth, generations):
    return mc.simulate(process, truth, key=jax.random.key(0), generations=generations, replicates=64)

n = 2**24 + 1
risk = run(bernoulli(sizes=n), COIN, 1)["squared_error"]
z = (risk.mean / (0.2 * 0.8 / n * np.array([1, 2])) - 1) * 32**0.5  # a chi-square each, divided by 64
assert np.all(np.abs(z) < 6) and np.all(risk.values.max(axis=0) > 0), z
assert np.all(run(categorical(sizes=10**7, pool=mc.pools.All()), ZIPF, 2).status == mc.Status.OK)
WeakSupervision(0.1, sizes=n).planned(1), Coevolution(9, n).planned(1)
try:
    run(categorical(sizes=10**9 + 1), ZIPF, 1)
except ValueError as error:
    assert "1,000,000,001" in str(error) and "JAX_ENABLE_X64" not in str(error), error
print("counted")
"""

SPECIFICATION = """
generations = 3
replicates = 256
[family]
name = "bernoulli"
truth = { probability = 0.3 }
[sizes]
name = "constant"
value = 20_000_000
"""

COMMANDS = """
import sys
from mcollapse.cli import main

for arguments in (["run", "{spec}", "--out", "{out}"], ["resume", "{out}"], ["compare", "{out}"]):
    codes = []
    try:
        main(arguments, codes.append)
    except SystemExit as stop:
        codes.append(stop.code)
    assert not any(codes), (arguments, codes)
"""


@pytest.mark.slow
def test_a_store_is_of_one_precision(tmp_path):
    mc.simulate(
        gaussian(), GAUSSIAN, key=jax.random.key(0), generations=3, replicates=4, store=tmp_path / "store"
    )
    said = python(STORED.format(there=THERE, store=str(tmp_path / "store")), JAX_ENABLE_X64=OTHER)
    assert f"dtype: {HERE} in the store, {THERE} asked for" in said


def test_float64_counts_what_float32_refuses():
    """The refusals are rows of test_bad_input."""
    assert python(COUNTED, JAX_ENABLE_X64="1").split()[-1] == "counted"


@pytest.mark.slow
def test_commands_in_float64(tmp_path):
    spec, out = tmp_path / "experiment.toml", tmp_path / "out"
    spec.write_text(SPECIFICATION)
    said = python(COMMANDS.format(spec=spec, out=out), JAX_ENABLE_X64="1")
    assert "consistent" in said and "violated" not in said.replace("0 violated", ""), said
    assert mc.Trajectories.load(out / "run.zarr").attributes["dtype"] == "float64"
