"""Random draws, side by side with jax.random and numpy: nanoseconds a number and the ratios.

Each draw has parameters that change from turn to turn, since XLA takes what does not change out of a loop
and a benchmark with fixed parameters flatters. Every contestant gives 10,000 lanes a number (or a vector),
turn after turn: ours and jax.random in a compiled loop, a host thread a core, numpy by its fastest
documented call for the job, named in the table, on one thread.

    python benchmarks/speed_draws.py --quick
"""

import argparse
import concurrent.futures
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Contestant, cores, parse, race, show

LANES = 10_000
WISHARTS = ((4, 99), (10, 99))  # dimension, degrees of freedom
SUBSET = (10_000, 1_000, 100)  # of so many so many, in so many lanes


def cases() -> dict[str, tuple[Callable, Callable, Callable, str]]:
    """By name: ours(key, x), jax's(key, x), numpy's(rng, x), and what numpy's call is.

    x is a number in (0, 1) that differs from lane to lane and from turn to turn.
    """
    import jax
    import jax.numpy as jnp

    from mcollapse import random

    r = jax.random
    urn = np.array([700, 300])

    def mvhg(key, x):
        return random.hypergeometric(key, 1, 700, 300, (100 + 100 * x).astype(jnp.int32)).astype(float)

    return {
        "uniform": (
            lambda k, x: random.uniform(k, 1) + x, lambda k, x: r.uniform(k) + x,
            lambda g, x: g.random(x.size) + x, "random"),
        "normal": (
            lambda k, x: random.normal(k, 1) + x, lambda k, x: r.normal(k) + x,
            lambda g, x: g.standard_normal(x.size) + x, "standard_normal"),
        "normal and chi-square(99)": (
            lambda k, x: sum(random.normal_and_log_chi_square(k, 1, 99)) + x,
            lambda k, x: r.normal(k) + r.loggamma(r.fold_in(k, 1), 49.5) + x,
            lambda g, x: g.standard_normal(x.size) + g.chisquare(99, x.size) + x,
            "standard_normal, chisquare"),
        "chi-square, degrees of freedom by lane": (
            lambda k, x: random.log_chi_square(k, 1, 20 + (100 * x).astype(jnp.int32)),
            lambda k, x: r.loggamma(k, 10 + 50 * x),
            lambda g, x: g.chisquare(20 + 100 * x), "chisquare(array)"),
        "gamma(a), a in (1/2, 10) by lane": (
            lambda k, x: random.log_gamma(k, 1, 0.5 + 9.5 * x), lambda k, x: r.loggamma(k, 0.5 + 9.5 * x),
            lambda g, x: g.standard_gamma(0.5 + 9.5 * x), "standard_gamma(array)"),
        "binomial(100, p)": (
            lambda k, x: random.binomial(k, 1, 100, x).astype(x.dtype), lambda k, x: r.binomial(k, 100.0, x),
            lambda g, x: g.binomial(100, x), "binomial(n, array)"),
        "binomial(10,000, p)": (
            lambda k, x: random.binomial(k, 1, 10_000, x).astype(x.dtype),
            lambda k, x: r.binomial(k, 10_000.0, x),
            lambda g, x: g.binomial(10_000, x), "binomial(n, array)"),
        "Poisson(rate), rate in (0, 20)": (
            lambda k, x: random.poisson(k, 1, 20 * x).astype(x.dtype),
            lambda k, x: r.poisson(k, 20 * x).astype(x.dtype),
            lambda g, x: g.poisson(20 * x), "poisson(array)"),
        "hypergeometric(700, 300, n), n in (100, 200)": (
            mvhg, None,
            lambda g, x: g.hypergeometric(*urn, (100 + 100 * x).astype(np.int64)), "hypergeometric(array)"),
    }  # fmt: skip


def looped(draw: Callable, turns: int, address: Callable) -> Callable[[], Any]:
    """A compiled loop over turns on every core: the lanes are shared out among host threads.

    `address` makes the key of a turn: an address for our draws, `jax.random.fold_in` for the others.
    """
    import jax
    import jax.numpy as jnp

    def program(keys):
        def turn(t, carry):
            x, total = carry
            drawn = jax.vmap(lambda key, y: draw(address(key, t), y))(keys, x)
            # what was drawn decides the next parameter: nothing can be taken out of the loop
            return jnp.clip(jnp.mod(x + 0.1 * jnp.abs(drawn) + 0.05, 1.0), 1e-3, 0.999), total + drawn

        start = jnp.full(keys.shape, 0.3)
        return jax.lax.fori_loop(0, turns, turn, (start, jnp.zeros_like(start)))[1]

    return shared_out(program, LANES)


def shared_out(program: Callable, lanes: int, *arguments: Any) -> Callable[[], Any]:
    """A program of many keys, compiled, with its lanes shared out among a host thread a core."""
    import jax

    import mcollapse as mc

    pool, parts = concurrent.futures.ThreadPoolExecutor(cores()), cores()
    keys = [jax.random.split(jax.random.key(i), lanes // parts) for i in range(parts)]
    compiled = jax.jit(program, compiler_options=mc.compiler_options()).lower(keys[0], *arguments).compile()
    return lambda: [
        part.block_until_ready() for part in pool.map(lambda key: compiled(key, *arguments), keys)
    ]


def in_numpy(draw: Callable, turns: int) -> Callable[[], Any]:
    """The same turns in numpy, on one thread."""
    generator = np.random.default_rng(0)

    def call() -> np.ndarray:
        x = np.full(LANES, 0.3)
        for _ in range(turns):
            drawn = draw(generator, x)
            x = np.clip(np.mod(x + 0.1 * np.abs(drawn) + 0.05, 1.0), 1e-3, 0.999)
        return x

    return call


def wishart_lanes(size: int, nu: int, turns: int) -> Callable[[], Any]:
    """Wishart matrices: the factor, over the root of nu, is the next turn's."""
    import jax
    import jax.numpy as jnp

    from mcollapse import random

    def program(keys, factors, nu):
        scale = jax.lax.rsqrt(nu.astype(float))

        def turn(t, factors):
            def lane(key, factor):
                return random.wishart_factor(random.Key.of(key, t), 1, nu, factor) * scale

            return jax.vmap(lane, in_axes=(0, -1), out_axes=-1)(keys, factors)

        return jax.lax.fori_loop(0, turns, turn, factors)

    start = jnp.broadcast_to(jnp.eye(size)[..., None], (size, size, LANES // cores()))
    return shared_out(program, LANES, start, nu)


def wishart_in_numpy(size: int, nu: int, turns: int) -> Callable[[], Any]:
    """The same by Bartlett's theorem, all matrices of a turn at once, on one thread."""
    generator, below = np.random.default_rng(0), np.tril_indices(size, -1)
    degrees, diagonal = nu - np.arange(size), np.arange(size)

    def call() -> np.ndarray:
        factors = np.broadcast_to(np.eye(size), (LANES, size, size))
        for _ in range(turns):
            triangle = np.zeros((LANES, size, size))
            triangle[:, diagonal, diagonal] = np.sqrt(generator.chisquare(degrees, (LANES, size)))
            triangle[:, below[0], below[1]] = generator.standard_normal((LANES, below[0].size))
            factors = np.matmul(factors, triangle) / nu**0.5
        return factors

    return call


def subset_lanes(turns: int) -> Callable[[], Any]:
    """Subsets in a compiled loop."""
    import jax

    from mcollapse import random

    total, count, lanes = SUBSET

    def program(keys):
        def turn(t, sums):
            chosen = jax.vmap(lambda key: random.subset(random.Key.of(key, t), 1, total, count, count))(keys)
            return sums + chosen.sum(axis=1)

        return jax.lax.fori_loop(0, turns, turn, jax.numpy.zeros(keys.shape, int))

    return shared_out(program, lanes)


def subset_in_numpy(turns: int) -> Callable[[], Any]:
    """A call for each subset: numpy has none for many."""
    generator, (total, count, lanes) = np.random.default_rng(0), SUBSET
    return lambda: [generator.choice(total, count, replace=False).sum() for _ in range(turns * lanes)]


def bits_alone(turns: int) -> Callable[[], Any]:
    """The floor: a block of random bits for each number, and nothing made of it."""
    from mcollapse import random

    return looped(lambda key, x: random.bits(key, 1)[0].astype(x.dtype) * 2.0**-32 * x, turns, random.Key.of)


def measure(arguments: argparse.Namespace, name: str) -> dict:
    """One draw: ours, numpy, jax.random and the floor, by turns."""
    import jax

    from mcollapse import random

    ours, theirs, numpys, call = cases()[name]
    turns = arguments.generations
    contestant = functools.partial(Contestant, amount=LANES * turns)
    rivals = [contestant(f"numpy {call} (float64)", call=in_numpy(numpys, turns))]
    if theirs is not None:
        rivals.append(contestant("jax.random (float32)", call=looped(theirs, turns, jax.random.fold_in)))
    rivals.append(contestant("random bits alone", call=bits_alone(turns)))
    first = contestant("mcollapse.random (float32)", call=looped(ours, turns, random.Key.of))
    return {"work": name, **race(first, rivals, arguments.rounds), "cores": cores()}


def measure_wishart(arguments: argparse.Namespace, size: int, nu: int) -> dict:
    """Matrices, counted as one number each: ours and numpy, by turns."""
    turns = arguments.generations
    contestant = functools.partial(Contestant, amount=LANES * turns)
    rival = contestant(
        "numpy chisquare, standard_normal, matmul (float64)", call=wishart_in_numpy(size, nu, turns)
    )
    first = contestant("mcollapse.random (float32)", call=wishart_lanes(size, nu, turns))
    work = f"Wishart factor, d = {size}, nu = {nu}, carried from turn to turn"
    return {"work": work, **race(first, [rival], arguments.rounds), "cores": cores()}


def measure_subset(arguments: argparse.Namespace) -> dict:
    """Subsets, counted as one number each: ours and numpy, by turns."""
    turns = max(1, arguments.generations // 20)
    contestant = functools.partial(Contestant, amount=SUBSET[2] * turns)
    first = contestant("mcollapse.random.subset", call=subset_lanes(turns))
    rival = contestant("numpy choice(replace=False)", call=subset_in_numpy(turns))
    work = f"subset, {SUBSET[1]:,} of {SUBSET[0]:,}"
    return {"work": work, **race(first, [rival], arguments.rounds), "cores": cores()}


def main() -> None:
    arguments = parse(__doc__, replicates=LANES, generations=100, quick=(LANES, 20))
    results = [measure(arguments, name) for name in cases()]
    results += [measure_subset(arguments)]
    results += [measure_wishart(arguments, size, nu) for size, nu in WISHARTS]
    show(results, __file__, arguments)


if __name__ == "__main__":
    main()
