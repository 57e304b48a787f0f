import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mcollapse.random.coefficients import (
    CHI_SQUARE_ROWS,
    CHI_SQUARE_SERIES,
    COUNT_QUANTILE,
    NORMAL_TAIL,
    SINE,
)
from mcollapse.random.fit import _interpolate, chi_square, inverse_normal, log_chi_square, sine_and_cosine
from mcollapse.random.fit_counts import count_quantile

from .test_independence import everything

ROOT = Path(__file__).parents[2]


def python(code: str, **environment: str) -> None:
    # The package above is left out: what it imports is its own affair.
    header = (
        f"import sys, types; m = types.ModuleType('mcollapse'); m.__path__ = [{str(ROOT / 'mcollapse')!r}]\n"
    )
    header += "sys.modules['mcollapse'] = m\n"
    command = [sys.executable, "-W", "error", "-c", header + code]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=os.environ | environment, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_every_draw_lowers_for_cpu_cuda_and_tpu():
    exported = jax.export.export(jax.jit(jax.vmap(everything)), platforms=["cpu", "cuda", "tpu"])(
        jax.random.split(jax.random.key(0), 4), jnp.full(4, 0.5), jnp.full(4, 9)
    )
    assert set(exported.platforms) == {"cpu", "cuda", "tpu"}
    assert "custom_call" not in exported.mlir_module()


def test_import_starts_no_backend_and_no_scipy_stats():
    python(
        "import mcollapse.random\n"
        "from jax._src import xla_bridge\n"
        "assert not xla_bridge.backends_are_initialized()\n"
        "assert 'scipy.stats' not in sys.modules\n"
    )


def test_in_float64():
    code = """
import jax, numpy as np
from scipy import special, stats
jax.config.update("jax_numpy_dtype_promotion", "strict")
from mcollapse import random
from mcollapse.random.binomials import binomial_from_words
from mcollapse.random.chi_squares import _log_quantile
from mcollapse.random.fit import log_chi_square
from mcollapse.random.normals import from_words

keys = jax.random.split(jax.random.key(0), 20_000)
draw = lambda key: (
    random.uniform(key, 1), random.normal(key, 2), *random.normal_pair(key, 3), random.normal(key, 4, (3,))[1],
    random.log_chi_square(key, 5, 9), random.binomial(key, 6, 10**9, 0.3), random.multinomial(key, 7, 100, np.ones(3)),
    random.multivariate_hypergeometric(key, 8, 5, np.array([3, 4, 5])),
    random.hypergeometric(key, 9, 10**8, 10**8, 10**8), random.categorical(key, 10, np.ones(3)),
)
u, *normals, chi, count, table, urn, drawn, index = map(np.asarray, jax.jit(jax.vmap(draw))(keys))
assert u.dtype == chi.dtype == np.float64 and all(z.dtype == np.float64 for z in normals)
assert {x.dtype for x in (count, table, urn, drawn, index)} == {np.dtype(np.int32)}
fits = [stats.kstest(u, "uniform").pvalue] + [stats.kstest(z, "norm").pvalue for z in normals]
fits += [stats.kstest(np.exp(chi), stats.chi2(9).cdf).pvalue]
fits += [stats.kstest((count - 3e8) / np.sqrt(2.1e8), "norm").pvalue]
fits += [stats.kstest((drawn - 5e7) / np.sqrt(1.25e7), "norm").pvalue]
assert min(fits) > 1e-9, fits
assert stats.kstest(normals[0], stats.norm(scale=1.06).cdf).pvalue < 1e-9
assert (table.sum(1) == 100).all() and (urn.sum(1) == 5).all() and random.largest_count() == 10**9

high, low = np.random.default_rng(0).integers(0, 2**32, (2, 20_000), dtype=np.uint32)
v = (high + (low + 0.5) / 2**32) / 2**32
np.testing.assert_allclose(from_words(high, low), -special.ndtri(v), rtol=1e-9)
many = jax.vmap(binomial_from_words, in_axes=(0, None, None, None))
for n, p in ((10**9, 0.3), (10**8, 0.01), (40, 0.4), (10**9, 3e-8)):
    exact = stats.binom(n, p).isf(v)
    found = np.asarray(many((jax.numpy.asarray(high), jax.numpy.asarray(low)), jax.numpy.int32(n), np.float64(p), 1 - np.float64(p)))
    assert (found != exact).mean() < 1e-3, (n, p)
z = np.linspace(-6.7, 6.7, 1001)
for nu, bound in ((2, 3e-5), (3, 4e-6), (4, 8e-7), (5, 2e-7), (31, 1e-9), (32, 2e-8), (999, 1e-8)):
    found = jax.vmap(_log_quantile, in_axes=(0, None))(z, np.float64(nu))
    assert np.abs(found - log_chi_square(nu, z)).max() < bound, nu
"""
    python(code, JAX_ENABLE_X64="1")


def test_the_tables_are_those_of_the_fit():
    tables = inverse_normal() | sine_and_cosine() | chi_square()
    np.testing.assert_allclose(NORMAL_TAIL, tables["NORMAL_TAIL"], rtol=1e-6)
    np.testing.assert_allclose(SINE, tables["SINE"], rtol=1e-9)
    z = np.linspace(-6.7, 6.7, 101)
    for nu in (2, 5, 31):
        stored, fitted = (
            np.polynomial.Polynomial(rows[nu])(z) for rows in (CHI_SQUARE_ROWS, tables["CHI_SQUARE_ROWS"])
        )
        np.testing.assert_allclose(stored, fitted, atol=1e-8)
        assert np.abs(stored - log_chi_square(nu, z)).max() < 3e-5
    np.testing.assert_allclose(CHI_SQUARE_SERIES, tables["CHI_SQUARE_SERIES"], rtol=1e-4, atol=1e-12)


@pytest.mark.slow
def test_the_quantile_table_is_that_of_the_fit():
    np.testing.assert_allclose(COUNT_QUANTILE, count_quantile()["COUNT_QUANTILE"], rtol=1e-4, atol=1e-7)
