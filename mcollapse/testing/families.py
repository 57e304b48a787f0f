"""The clauses of a family's contract."""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from mcollapse.data import Samples
from mcollapse.families.base import AbstractFamily, Params, offers
from mcollapse.random import Key
from mcollapse.status import Status
from mcollapse.testing.errors import (
    require,
    require_alike,
    require_close,
    require_one_law,
    require_same_bits,
)

TOLERANCE = 2e-3
"""Of fits to the same points in another order or arrangement, in float32."""


def check_family(
    family: AbstractFamily,
    params: Params,
    *,
    key: PRNGKeyArray | None = None,
    size: int = 24,
    replicates: int = 4096,
    level: float = 1e-6,
) -> None:
    """Whether a family keeps its contract at a point of its model.

    Checked are: buffers of the right shape with `count` points, none of them for a count of 0; absent rows
    that are not looked at; a fit that has the shapes of `blank`, keeps the previous model where there is
    nothing to fit and says so; statistics that merge and scale as their points do; statistics drawn directly
    that have the law of those of drawn points; replicates that do not see each other; one trace for all
    parameters, counts and keys.

    Arguments:
        family: the family, as given to a process.
        params: an ordinary point of the model.
        key: of the draws; key 0 unless said.
        size: points of a sample, enough for an ordinary fit.
        replicates: samples that the two laws are compared by.
        level: the probability that this comparison fails although the laws are one.

    Raises:
        ConformanceError: a clause does not hold; the message is the clause.
    """
    root = jax.random.key(0) if key is None else key
    family.check(params)
    settled = family.settle(Key.of(root, 0).at(1), size)
    params = jax.tree.map(jnp.asarray, params)
    _check_buffers(settled, params, root, size)
    _check_fit(settled, params, root, size)
    _check_arrangements(settled, params, root, size)
    _check_lanes(settled, params, root, size)
    if offers(family, "statistics"):
        _check_algebra(settled, params, root, size)
    if offers(family, "sample_statistics"):
        _check_laws(family, params, root, size, replicates, level)
    _check_traces(settled, params, root, size)


def _check_buffers(family: AbstractFamily, params: Params, root: PRNGKeyArray, size: int) -> None:
    drawn = jax.jit(lambda n: family.sample(Key.of(root, 0), params, n, size))
    for count in (0, 1, size):
        samples = drawn(jnp.asarray(count, jnp.int32))
        require(isinstance(samples, Samples), "sample returns mcollapse.Samples")
        require(samples.rows.shape[0] == size, "sample fills a buffer of `capacity` rows, whatever the count")
        require(int(samples.count) == count, f"sample of {count} points has that many rows of weight 1")
        whole = jnp.issubdtype(samples.weights.dtype, jnp.integer)
        require(whole, "weights of points as drawn are whole numbers, so that counting them is exact")


def _check_fit(family: AbstractFamily, params: Params, root: PRNGKeyArray, size: int) -> None:
    @jax.jit
    def fits(params: Params) -> Any:
        blank = family.blank(params, size)
        fit = _fit(family, family.sample(Key.of(root, 0), params, size, size), blank)
        return blank, fit, _fit(family, family.sample(Key.of(root, 1), params, 0, size), fit[0])

    blank, (fitted, status), (kept, of_nothing) = fits(params)
    require_alike(fitted, blank, "blank has the shapes and dtypes of a fit: a scan carries both")
    require(status.shape == () and status.dtype == jnp.int32, "a fit's status is one int32")
    require(int(status) in list(Status), "a status is one of mcollapse.Status")
    require_same_bits(kept, fitted, "a fit to no points keeps the previous model")
    require(of_nothing == Status.TOO_FEW_POINTS, "a fit to no points says Status.TOO_FEW_POINTS")


def _check_arrangements(family: AbstractFamily, params: Params, root: PRNGKeyArray, size: int) -> None:
    @jax.jit
    def fits(params: Params) -> Any:
        samples, other = (family.sample(Key.of(root, t), params, size, size) for t in (2, 3))
        present = (jnp.arange(size, dtype=jnp.int32) < size // 2).astype(jnp.int32)
        some = present.reshape(-1, *[1] * (samples.rows.ndim - 1)) > 0
        arranged = (
            samples,
            jax.tree.map(lambda leaf: leaf[::-1], samples),
            Samples(samples.rows, present),
            Samples(jnp.where(some, samples.rows, other.rows), present),
        )
        return [_fit(family, one, family.blank(params, size))[0] for one in arranged]

    if _keeps_rows(family, params, size):
        return
    whole, backwards, half, other_half = fits(params)
    require_close(backwards, whole, TOLERANCE, "a fit does not depend on the order of the points")
    require_close(half, other_half, TOLERANCE, "rows of weight 0 are absent: a fit does not look at them")


def _check_algebra(family: AbstractFamily, params: Params, root: PRNGKeyArray, size: int) -> None:
    half = jnp.asarray(0.5)

    @jax.jit
    def statistics(params: Params) -> Any:
        samples = family.sample(Key.of(root, 4), params, size, size)
        first = (jnp.arange(size, dtype=jnp.int32) < size // 2).astype(jnp.int32)
        every = (jnp.ones_like(first), first, 1 - first)
        return [family.statistics(Samples(samples.rows, weights), params) for weights in every]

    whole, ours, theirs = statistics(params)
    arranged = {
        "statistics of two parts merge to those of the whole": lambda: ours.merge(theirs),
        "merge is commutative": lambda: theirs.merge(ours),
        "zero is neutral on the right": lambda: whole.merge(whole.zero()),
        "zero is neutral on the left": lambda: whole.zero().merge(whole),
        "a fit by maximum likelihood does not change where all weights are halved": lambda: whole.scale(half),
        "scaled statistics merge as scaled points do": lambda: ours.scale(half).merge(theirs.scale(half)),
    }

    def fit(data: Any) -> Params:
        return family.maximum_likelihood(data, family.blank(params, size))[0]

    require(int(whole.count) == size, "statistics count their points")
    require_alike(ours.merge(theirs), whole, "a merge has the shapes and dtypes of what is merged")
    require_alike(whole.zero(), whole, "zero has the shapes and dtypes of other statistics")
    require_close(whole.scale(half).count, size / 2, 1e-6, "scale multiplies the count")
    expected, found = jax.jit(lambda: (fit(whole), [fit(data()) for data in arranged.values()]))()
    for clause, one in zip(arranged, found, strict=True):
        require_close(one, expected, TOLERANCE, clause)


def _check_lanes(family: AbstractFamily, params: Params, root: PRNGKeyArray, size: int) -> None:
    def one(replicate: jax.Array) -> Any:
        key, count = Key.of(jax.random.fold_in(root, replicate), 1), jnp.asarray(size, jnp.int32)
        fitted, status = _fit(family, family.sample(key, params, count, size), family.blank(params, size))
        direct = None
        if offers(family, "sample_statistics"):
            direct = family.sample_statistics(key, params, count)
        return fitted, status, direct

    run = jax.jit(jax.vmap(one))
    ours, theirs = run(jnp.arange(8)), run(jnp.concatenate([jnp.arange(4), jnp.arange(90, 94)]))
    ours, theirs = (jax.tree.map(lambda leaf: leaf[:4], results) for results in (ours, theirs))
    require_same_bits(ours, theirs, "a replicate does not depend on those that it is batched with")


def _check_laws(
    family: AbstractFamily, params: Params, root: PRNGKeyArray, size: int, replicates: int, level: float
) -> None:
    count = jnp.asarray(size, jnp.int32)

    def moments(family: AbstractFamily, data: Any) -> jax.Array:
        fitted, _ = family.maximum_likelihood(data, family.blank(params, size))
        leaves = [jnp.ravel(leaf).astype(jnp.result_type(float)) for leaf in jax.tree.leaves(fitted)]
        first = jnp.concatenate([*leaves, data.count.astype(jnp.result_type(float))[None]])
        return jnp.concatenate([first, first**2])

    def direct(replicate: jax.Array) -> jax.Array:
        key = Key.of(jax.random.fold_in(root, replicate), 2)
        ours = family.settle(key.at(1), None)
        return moments(ours, ours.sample_statistics(key.at(2), params, count))

    def by_rows(replicate: jax.Array) -> jax.Array:
        key = Key.of(jax.random.fold_in(root, replicate), 3)
        ours = family.settle(key.at(1), size)
        return moments(ours, ours.statistics(ours.sample(key.at(2), params, count, size), params))

    lanes = jnp.arange(replicates)
    ours, theirs = (np.asarray(jax.jit(jax.vmap(way))(lanes), np.float64) for way in (direct, by_rows))
    require_one_law(ours, theirs, level, "sample_statistics has the law of the statistics of sampled points")


def _check_traces(family: AbstractFamily, params: Params, root: PRNGKeyArray, size: int) -> None:
    def generation(root: PRNGKeyArray, params: Params, count: jax.Array) -> Any:
        return _fit(family, family.sample(Key.of(root, 1), params, count, size), family.blank(params, size))

    chex.clear_trace_counter()
    step = jax.jit(chex.assert_max_traces(generation, n=1))
    fitted, _ = step(root, params, jnp.asarray(size, jnp.int32))
    try:
        for replicate, count in ((1, size), (2, size - 1)):
            step(jax.random.fold_in(root, replicate), params, jnp.asarray(count, jnp.int32))
        if jax.tree.structure(fitted) == jax.tree.structure(params):
            require_alike(fitted, jax.tree.map(_in_precision, params), "a fit has the shapes of the truth")
    except AssertionError as error:
        require("traced" not in str(error), "another key, model or count compiles nothing anew")
        raise


def _fit(family: AbstractFamily, samples: Samples, previous: Params) -> tuple[Params, jax.Array]:
    data = family.statistics(samples, previous) if offers(family, "statistics") else samples
    return family.maximum_likelihood(data, previous)


def _keeps_rows(family: AbstractFamily, params: Params, size: int) -> bool:
    """Whether the model is its data (a kernel density, an empirical law), so that it has their order."""
    shapes = (jax.eval_shape(lambda p, n=n: family.blank(p, n), params) for n in (size, size + 1))
    return jax.tree.leaves(next(shapes)) != jax.tree.leaves(next(shapes))


def _in_precision(leaf: Any) -> jax.Array:
    array = jnp.asarray(leaf)
    return array.astype(jnp.result_type(float)) if jnp.issubdtype(array.dtype, jnp.inexact) else array
