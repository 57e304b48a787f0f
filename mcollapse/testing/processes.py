"""The clauses of a process's contract: what lets `simulate` scan, batch and compile it once."""

import dataclasses
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from mcollapse import metrics
from mcollapse.abstract_process import AbstractProcess
from mcollapse.checks import Start
from mcollapse.families.base import Params, Truth
from mcollapse.metrics import Metric
from mcollapse.process import RecursiveTraining
from mcollapse.recording import Keep, Moments, Record
from mcollapse.simulate import simulate
from mcollapse.testing.errors import require, require_alike, require_one_law, require_same_bits

LANES = 8


def check_process(
    process: AbstractProcess,
    truth: Truth | Params,
    *,
    start: Start = "real",
    metric: Metric | None = None,
    key: PRNGKeyArray | None = None,
    generations: int = 3,
    replicates: int = 4096,
    level: float = 1e-6,
) -> None:
    """Whether a process can be scanned, batched and compiled once, and has the law that it should.

    Checked are: a state of the same shapes at every generation, with an int32 `status`; one trace for all
    generations and keys; replicates that do not see each other; for recursive training that has both, the law
    of the statistics path against that of the rows; and every law of `mcollapse.theory` that speaks of the
    metric.

    Arguments:
        process: what is repeated, planned or not.
        truth: as for `simulate`.
        start: as for `simulate`.
        metric: what is compared; the first standard metric of the family unless said.
        key: of the draws; key 0 unless said.
        generations: steps that are made.
        replicates: of each run that is compared; 0 checks the clauses of one replicate alone.
        level: the probability that a comparison fails although the laws are one.

    Raises:
        ConformanceError: a clause does not hold; the message is the clause.
        ValueError: the process is refused, as `simulate` would refuse it.
    """
    root = jax.random.key(0) if key is None else key
    check_steps(process, truth, start=start, key=root, generations=generations)
    if replicates == 0:
        return
    chosen = metric or _standard(process)
    arguments = {"start": start, "generations": generations, "replicates": replicates}
    if _has_both_paths(process):
        _check_paths(process, truth, chosen, root, level, arguments)
    record = {"checked": Record(chosen, reduce=Moments())}
    report = simulate(process, truth, key=root, record=record, **arguments).compare()
    require(not report.violated, f"theory is violated:\n{report}")


def check_steps(
    process: AbstractProcess, truth: Truth | Params, *, start: Start, key: PRNGKeyArray, generations: int
) -> Any:
    """The clauses of one replicate, for eight of them; their states after the last generation."""
    whole = process.checked_truth(truth, start)
    planned = process.planned(generations, start, whole)

    def batched(step: Any) -> Any:
        chex.clear_trace_counter()
        return jax.jit(jax.vmap(chex.assert_max_traces(step, n=1), in_axes=(0, 0, None)))

    def keys(others: int) -> jax.Array:
        lanes = jnp.concatenate([jnp.arange(LANES // 2), jnp.arange(others, others + LANES // 2)])
        return jax.vmap(lambda replicate: jax.random.fold_in(key, replicate))(lanes)

    begin = jax.jit(jax.vmap(lambda key: planned.init(key, whole)))
    step = batched(lambda key, state, t: planned.step(key, state, whole, t))
    found = []
    for others in (LANES, 10 * LANES):
        states = [jax.tree.map(np.asarray, begin(keys(others)))]  # without weak types, as in a scan
        for t in range(1, generations + 1):
            try:
                after = step(keys(others), states[-1], jnp.asarray(t, jnp.int32))
            except AssertionError as error:
                require("traced" not in str(error), "a step at another generation compiles nothing anew")
                raise
            states.append(jax.tree.map(np.asarray, after))
            clause = "a step leaves the shapes and dtypes of the state: a scan carries it"
            require_alike(states[-1], states[0], clause)
        found.append(states)
    status = found[0][0].status
    require(status.dtype == jnp.int32 and status.shape == (LANES,), "a state has one int32 `status`")
    clause = "a replicate does not depend on those that it is batched with"
    for ours, theirs in zip(*found, strict=True):
        require_same_bits(_shared(ours), _shared(theirs), clause)
    return found[0][-1]


def _shared(state: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[: LANES // 2], state)


def _standard(process: AbstractProcess) -> Metric:
    known = metrics.standard(process.family) if isinstance(process, RecursiveTraining) else {}
    if not known:
        raise ValueError(
            f"a {type(process).__name__} has no standard metrics: pass metric=, a function of family, "
            "params and truth"
        )
    return next(iter(known.values()))


def _has_both_paths(process: AbstractProcess) -> bool:
    if not isinstance(process, RecursiveTraining) or process.path != "auto" or process.needs_rows:
        return False
    return process.family.drawn_as_rows


def _check_paths(
    process: Any, truth: Truth | Params, metric: Metric, root: PRNGKeyArray, level: float, arguments: dict
) -> None:
    record = {"checked": Record(metric, reduce=Keep())}
    found = []
    for i, path in enumerate(("statistics", "rows")):
        one = dataclasses.replace(process, path=path, plan=None)
        run = simulate(one, truth, key=jax.random.fold_in(root, i), record=record, **arguments)
        values = np.asarray(run["checked"].values, np.float64)  # pyright: ignore[reportAttributeAccessIssue]
        found.append(values.reshape(len(values), -1))
    require_one_law(found[0], found[1], level, "points drawn as statistics and as rows have one law")
