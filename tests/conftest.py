"""Types are checked at run time in tests, and figures need no screen."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")

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


@pytest.fixture(scope="session", autouse=True)
def _strict_promotion():
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    yield


@pytest.fixture
def key():
    return jax.random.key(0)
