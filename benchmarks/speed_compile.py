"""How long programs take to be made: the default experiments, each in a process that has made none.

Of every experiment two generations of 128 replicates are run, which takes no time: a program does not grow
with either. Printed are seconds from the first trace to the program, CPU seconds of the whole call, which
say more where a machine is shared, and how many kernels the program has. The last row is what a user would
write by hand: Gaussian replacement as a loop over `jax.random.normal` and `jax.random.loggamma`.

    python benchmarks/speed_compile.py
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

LANES = 128
BY_HAND = "by hand: Gaussian, jax.random"


def experiments() -> dict[str, Callable[[], dict[str, Any]]]:
    """By name, arguments of `mc.simulate`."""
    import mcollapse as mc
    from mcollapse.datasets import help_topics
    from mcollapse.experiments import words

    families, sources = mc.families, mc.sources
    zipf = families.Categorical.Params.zipf

    def replaced(
        family: Any, truth: Any = None, sizes: Any = 100, start: str = "truth", **parts: Any
    ) -> dict:
        process = mc.RecursiveTraining(family=family, sizes=sizes, **parts)
        return {"process": process, "truth": truth or family.standard_truth(), "start": start}

    def categorical(categories: int, sizes: Any, **parts: Any) -> Callable[[], dict]:
        return lambda: replaced(families.Categorical(), zipf(categories), sizes, **parts)

    return {
        "mcollapse run": lambda: words.arguments(help_topics()),
        "ten lines of Python (README)": categorical(
            50, mc.schedules.Power(500, 1.0, 1), start="real", source=sources.Mixture(0.1)
        ),
        "Gaussian, n = 100": lambda: replaced(families.Gaussian(), estimator=mc.estimators.Unbiased()),
        "Categorical, K = 50, n = 100": categorical(50, 100),
        "Categorical, K = 1,000 = n": categorical(1000, 1000),
        "Categorical, K = 20,000, n = 436,577": categorical(20_000, 436_577),
        "NextToken, 81 contexts": lambda: replaced(families.NextToken(81), sizes=10_000),
        "Poisson": lambda: replaced(families.Poisson()),
        "Regression, d = 10, one design": lambda: replaced(families.LinearRegression(10, design=100)),
        "Regression, d = 10, fresh features": lambda: replaced(families.LinearRegression(10)),
        "Regression, d = 10, all rows so far": lambda: replaced(
            families.LinearRegression(10), pool=mc.pools.All()
        ),
        "Logistic regression, d = 2": lambda: replaced(
            families.LogisticRegression(2), families.LogisticRegression.Params.ones(2)
        ),
        "Mixture of 3 Gaussians, d = 2": lambda: replaced(
            families.GaussianMixture(3, 2),
            families.GaussianMixture.Params.separated(3, 2),
            estimator=mc.estimators.ExpectationMaximisation(10, 1e-3),
        ),
    }


def made(name: str) -> dict[str, Any]:
    """One experiment, in this process."""
    import jax
    from harness import KERNELS

    import mcollapse as mc
    from mcollapse.compilation import PROGRAMS

    jax.jit(lambda x: x + 1)(0).block_until_ready()  # what comes with the first program of a process
    asked = None if name == BY_HAND else experiments()[name]()
    used, begun = _cpu_seconds(), time.perf_counter()
    if asked is None:
        programs, seconds = [_by_hand()], time.perf_counter() - begun
    else:
        run = mc.simulate(**asked | {"generations": 2, "replicates": LANES}, key=jax.random.key(0))
        programs, seconds = [made.program for made in PROGRAMS.compiled.values()], run.stats.compile_seconds
    kernels = sum(len(KERNELS.findall(program.as_text())) for program in programs)
    return {"seconds": seconds, "cpu_seconds": _cpu_seconds() - used, "kernels": kernels}


def _by_hand() -> Any:
    import jax
    import jax.numpy as jnp

    def generation(state: tuple, key: Any) -> tuple:
        mean, variance = state
        first, second = jax.random.split(key)
        square = 2 * jnp.exp(jax.random.loggamma(second, 99 / 2))
        return mean + jnp.sqrt(variance / 100) * jax.random.normal(first), variance * square / 99

    def program(keys: Any) -> tuple:
        def turn(t: Any, states: tuple) -> tuple:
            return jax.vmap(generation)(states, jax.vmap(lambda key: jax.random.fold_in(key, t))(keys))

        return jax.lax.fori_loop(0, 100, turn, (jnp.zeros(keys.shape), jnp.ones(keys.shape)))

    return jax.jit(program).lower(jax.random.split(jax.random.key(0), LANES)).compile()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", help="one experiment, in this process; prints JSON")
    only = parser.parse_args().only
    if only:
        print(json.dumps(made(only)))
        return
    print(f"{'':40}{'seconds':>9}{'CPU':>7}{'kernels':>9}")
    for name in [*experiments(), BY_HAND]:
        told = subprocess.run(
            [sys.executable, __file__, "--only", name], check=True, capture_output=True, text=True
        ).stdout
        row = json.loads(told.splitlines()[-1])
        print(f"{name:40}{row['seconds']:9.2f}{row['cpu_seconds']:7.2f}{row['kernels']:9}", flush=True)


if __name__ == "__main__":
    main()
