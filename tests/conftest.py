"""Types are checked at run time in tests, figures need no screen, and slow tests may be given a time budget."""

import os
import time

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault(
    "JAX_ENABLE_COMPILATION_CACHE", "false"
)  # what is tested is compiled, and no home written
BEGUN = time.monotonic()

from jaxtyping import install_import_hook

install_import_hook(
    [
        f"mcollapse.{part}"
        for part in ("data", "draw", "random", "families", "estimators", "sources", "pools", "recording")
    ],
    "beartype.beartype",
)

import jax
import pytest


def pytest_addoption(parser):
    parser.addoption("--minutes", type=float, default=None, help="skip what has not begun after so long")


def pytest_runtest_setup(item):
    minutes = item.config.getoption("--minutes")
    if minutes is not None and time.monotonic() - BEGUN > 60 * minutes:
        pytest.skip(f"not begun within {minutes:g} minutes")


@pytest.fixture(scope="session", autouse=True)
def _strict_promotion():
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    yield


@pytest.fixture
def key():
    return jax.random.key(0)
