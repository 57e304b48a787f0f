import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from mcollapse import random
from mcollapse.random.coefficients import (
    COUNT_QUANTILE,
    GAMMA_SERIES,
    NORMAL_TAIL,
    SINE,
)
from mcollapse.random.fit import gamma_series, inverse_normal, log_gamma, sine_and_cosine
from mcollapse.random.fit_counts import count_quantile
from mcollapse.random.threefry import block
from mcollapse.random.uniforms import numbered, unit_interval

from .test_independence import everything

ROOT = Path(__file__).parents[2]


# The package above the draws is left out: what it imports is its own affair.
ALONE = f"""
import sys, types
sys.modules["mcollapse"] = types.ModuleType("mcollapse")
sys.modules["mcollapse"].__path__ = [{str(ROOT / "mcollapse")!r}]
"""


def python(*arguments: str, **environment: str) -> None:
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


def test_every_draw_lowers_for_cpu_cuda_and_tpu():
    many = jax.jit(jax.vmap(everything, in_axes=(0, 0, 0, None)))
    exported = export.export(many, platforms=["cpu", "cuda", "tpu"])(
        jax.random.split(jax.random.key(0), 4), jnp.full(4, 0.5), jnp.full(4, 9), 40
    )
    assert set(exported.platforms) == {"cpu", "cuda", "tpu"}
    assert "custom_call" not in exported.mlir_module()


def unknown_rotations(draws) -> tuple[int, int]:
    """How many left shifts the fusions for 128 lanes have whose distance is an argument, and of how many.

    LLVM does not optimise here: in some versions it takes hours over one such fusion.
    """
    lowered = jax.jit(jax.vmap(draws)).lower(jax.random.split(jax.random.key(0), 128))
    text = lowered.compile(compiler_options={"xla_backend_optimization_level": 0}).as_text()
    unknown = of = 0
    for computation in text.split("\n\n"):
        arguments = set(re.findall(r"(%\S+) = u32\[\]\S* parameter", computation))
        spread = re.findall(r"(%\S+) = u32\[[\d,]+\]\S* broadcast\((%[^,)]+)\)", computation)
        arguments |= {name for name, scalar in spread if scalar in arguments}
        distances = re.findall(r" shift-left\(%[^,)]+, (%[^,)]+)\)", computation)
        unknown, of = unknown + len(arguments.intersection(distances)), of + len(distances)
    return unknown, of


@pytest.mark.parametrize("draw", [random.uniform, random.normal, random.exponential])
def test_arrays_in_one_fusion_rotate_by_constants(draw):
    """XLA:CPU leaves out constants that a fusion evaluates often; jax 0.12 then compiles for hours."""
    unknown, of = unknown_rotations(
        lambda key: draw(key, 1, (56,)) * draw(key, 2, (56,)) * draw(key, 3, (56,))
    )
    assert unknown == 0 and of >= 3 * 20


def test_keys_among_their_elements_rotate_by_arguments():
    def uniform(key, site):
        index = jnp.arange(56, dtype=np.uint32)
        return unit_interval(
            *numbered(block(*jax.random.key_data(key), jnp.uint32(site), jnp.uint32(0)), index)
        )

    assert unknown_rotations(lambda key: uniform(key, 1) * uniform(key, 2) * uniform(key, 3))[0] > 0


def test_import_starts_no_backend_and_no_scipy_stats():
    code = """
import mcollapse.random
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized()
assert "scipy.stats" not in sys.modules
"""
    python("-c", ALONE + code)


@pytest.mark.slow
def test_in_float64():
    python(str(Path(__file__).with_name("float64_checks.py")), JAX_ENABLE_X64="1")


def test_the_tables_are_those_of_the_fit():
    tables = inverse_normal() | sine_and_cosine() | gamma_series()
    np.testing.assert_allclose(NORMAL_TAIL, tables["NORMAL_TAIL"], rtol=1e-6)
    np.testing.assert_allclose(SINE, tables["SINE"], rtol=1e-9)
    z = np.linspace(-5, 5, 101)
    for a in (1.0, 2.5, 40.0):
        stored, fitted = (
            np.log(a) + np.polynomial.polynomial.polyval2d(z / np.sqrt(a), np.full_like(z, 1 / a), series)
            for series in (GAMMA_SERIES, tables["GAMMA_SERIES"])
        )
        np.testing.assert_allclose(stored, fitted, atol=1e-8)
        assert np.abs(stored - log_gamma(a, z)).max() < 1e-3


@pytest.mark.slow
def test_the_quantile_table_is_that_of_the_fit():
    np.testing.assert_allclose(COUNT_QUANTILE, count_quantile()["COUNT_QUANTILE"], rtol=1e-4, atol=1e-7)
