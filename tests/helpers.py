"""Small things that several tests use."""

import contextlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

import mcollapse as mc
from mcollapse.compilation import PROGRAMS

ROOT = pathlib.Path(__file__).parent.parent

GAUSSIAN = mc.families.Gaussian.Params(mean=0.0, log_variance=0.0)
ZIPF = mc.families.Categorical.Params.zipf(50)
COIN = mc.families.Bernoulli.Params(0.2)


def gaussian(sizes=20, estimator=None, **parts) -> mc.RecursiveTraining:
    return mc.RecursiveTraining(
        family=mc.families.Gaussian(), estimator=estimator or mc.estimators.Unbiased(), sizes=sizes, **parts
    )


def categorical(sizes=100, **parts) -> mc.RecursiveTraining:
    return mc.RecursiveTraining(family=mc.families.Categorical(), sizes=sizes, **parts)


def bernoulli(sizes=100, **parts) -> mc.RecursiveTraining:
    return mc.RecursiveTraining(family=mc.families.Bernoulli(), sizes=sizes, **parts)


def keep(metric, **options) -> dict[str, mc.Record]:
    return {"x": mc.Record(metric, reduce=mc.Keep(), **options)}


def values(process, truth, *, generations=5, replicates=128, seed=0, record=None, **options) -> np.ndarray:
    """Whole trajectories `[replicate, generation, ...]` of the metric recorded as "x"."""
    record = record or keep(mc.metrics.squared_error)
    run = mc.simulate(
        process,
        truth,
        key=jax.random.key(seed),
        generations=generations,
        replicates=replicates,
        record=record,
        **options,
    )
    return run["x"].values


def in_program(params):
    """Parameters in the precision of programs."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), params)


@contextlib.contextmanager
def nothing_compiled() -> Iterator[None]:
    """Fails where a program of ours, or any XLA program of a chunk, is compiled inside."""
    before = set(PROGRAMS.compiled)
    yield
    assert set(PROGRAMS.compiled) == before, "a program was compiled"


def python(code: str, **environment: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
