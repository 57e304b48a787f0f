"""The clauses of sources, pools and estimators: what each hands on holds as many points as it says."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from mcollapse.checks import Start
from mcollapse.data import Batch, Samples
from mcollapse.estimators import AbstractEstimator, MaximumLikelihood
from mcollapse.families.base import AbstractFamily, Params
from mcollapse.pools import AbstractPool, Newest
from mcollapse.process import RecursiveTraining
from mcollapse.random import Key
from mcollapse.sources import AbstractSource, LastModel
from mcollapse.testing.errors import require
from mcollapse.testing.processes import check_steps

SIZES = (24, 30, 26, 40, 32)


class Counted(AbstractEstimator):
    """An estimator that remembers how many real and synthetic points it was given."""

    estimator: AbstractEstimator
    generations: int

    @property
    def reads(self) -> type:  # type: ignore[override]
        """What the estimator reads."""
        return self.estimator.reads

    def init(self, family: AbstractFamily, params: Params) -> Any:
        """No points yet."""
        return self.estimator.init(family, params), jnp.zeros((self.generations + 1, 2), jnp.int32)

    def fit(
        self, key: Key, family: AbstractFamily, batch: Batch, previous: Params, carry: Any, t: Int[Array, ""]
    ) -> tuple[Params, Any, Int[Array, ""]]:
        """The estimator's fit, and the two counts."""
        own, counts = carry
        params, own, status = self.estimator.fit(key, family, batch, previous, own, t)
        return params, (own, counts.at[t].set(_counts(batch))), status

    def check(self, family: AbstractFamily) -> None:
        """As the estimator."""
        self.estimator.check(family)

    def fewest(self, family: AbstractFamily) -> int:
        """As the estimator."""
        return self.estimator.fewest(family)


def check_source(
    source: AbstractSource,
    family: AbstractFamily,
    params: Params,
    *,
    start: Start = "real",
    key: PRNGKeyArray | None = None,
) -> None:
    """Whether a source draws as many points as it says, as statistics and as rows, in any replicate.

    Besides the clauses of `check_process` for one replicate: a batch has the points of `batch_sizes`, in
    parts of the sizes that `parts` says where it says any, and never more than `most`.

    Arguments:
        source: the source.
        family: a family to draw from.
        params: its truth.
        start: where it starts.
        key: of the draws; key 0 unless said.

    Raises:
        ConformanceError: a clause does not hold; the message is the clause.
    """
    generations, sizes = len(SIZES) - 1, np.asarray(SIZES)
    first = 0 if start == "real" else 1
    for path in _paths(family, Newest()):
        process = _process(family, source, Newest(), path)
        counts = _given(process, params, start, key)[:, first:]
        planned = source.planned(generations, sizes)
        total = counts.sum(axis=-1)
        require(np.all(total == planned.batch_sizes(sizes)[first:]), "a batch has the points of batch_sizes")
        most = max(planned.most(sizes, generations), SIZES[0])
        require(total.max() <= most, "no batch has more points than `most`: buffers have that room")
        parts = planned.parts(sizes)
        if parts is not None:
            said = np.sort(np.stack([*parts, np.zeros_like(parts[0])][:2], axis=-1)[first:], axis=-1)
            require(
                np.all(np.sort(counts, axis=-1) == said), "parts of a batch have the sizes that `parts` says"
            )


def check_pool(
    pool: AbstractPool,
    family: AbstractFamily,
    params: Params,
    *,
    source: AbstractSource | None = None,
    start: Start = "real",
    key: PRNGKeyArray | None = None,
) -> None:
    """Whether a pool hands on as many points as it says, as statistics and as rows, in any replicate.

    Besides the clauses of `check_process` for one replicate: a fit sees the points of `fitted_sizes`, or more
    where the pool keeps real ones.

    Arguments:
        pool: the pool.
        family: a family whose points it keeps.
        params: its truth.
        source: where points come from; the last model unless said.
        start: where it starts.
        key: of the draws; key 0 unless said.

    Raises:
        ConformanceError: a clause does not hold; the message is the clause.
    """
    first, source = 0 if start == "real" else 1, source or LastModel()
    for path in _paths(family, pool):
        process = _process(family, source, pool, path)
        total = _given(process, params, start, key)[:, first:].sum(axis=-1)
        said = _fitted_sizes(process, start)[first:]
        holds = total >= said if pool.keeps_real else total == said
        require(np.all(holds), "a fit sees as many points as `fitted_sizes` says")


def check_estimator(
    estimator: AbstractEstimator,
    family: AbstractFamily,
    params: Params,
    *,
    source: AbstractSource | None = None,
    start: Start = "real",
    key: PRNGKeyArray | None = None,
) -> None:
    """Whether an estimator fits a family, as statistics and as rows, with a memory that a scan can carry.

    Besides the clauses of `check_process` for one replicate: `fewest` is at least one point.

    Arguments:
        estimator: the estimator.
        family: a family that it fits.
        params: its truth.
        source: where points come from; the last model unless said.
        start: where it starts.
        key: of the draws; key 0 unless said.

    Raises:
        ConformanceError: a clause does not hold; the message is the clause.
    """
    source = source or LastModel()
    estimator.check(family)
    require(estimator.fewest(family) >= 1, "a fit needs at least one point")
    reads = estimator.reads
    require(isinstance(reads, type), "reads is a type: AbstractStatistics, or Samples for rows")
    for path in ("rows",) if reads is Samples else _paths(family, Newest()):
        process = RecursiveTraining(
            family=family, estimator=estimator, sizes=list(SIZES), source=source, path=path  # type: ignore[arg-type]
        )  # fmt: skip
        _check(process, params, start, key)


def _paths(family: AbstractFamily, pool: AbstractPool) -> tuple[str, ...]:
    probe = RecursiveTraining(family=family, sizes=list(SIZES), pool=pool)
    return ("rows",) if probe.needs_rows else ("statistics", "rows")


def _process(
    family: AbstractFamily, source: AbstractSource, pool: AbstractPool, path: str
) -> RecursiveTraining:
    estimator = Counted(MaximumLikelihood(), len(SIZES) - 1)
    return RecursiveTraining(
        family=family, estimator=estimator, sizes=list(SIZES), source=source, pool=pool, path=path  # type: ignore[arg-type]
    )  # fmt: skip


def _given(process: RecursiveTraining, params: Params, start: Start, key: PRNGKeyArray | None) -> np.ndarray:
    """How many real and synthetic points each fit was given, `[replicate, generation, 2]`."""
    return np.asarray(_check(process, params, start, key).carry[1])


def _fitted_sizes(process: RecursiveTraining, start: Start) -> np.ndarray:
    sizes, generations = np.asarray(SIZES), len(SIZES) - 1
    source = process.source.planned(generations, sizes)
    batches = source.batch_sizes(sizes)
    return process.pool.planned(batches, start, False).fitted_sizes(batches, start)


def _check(process: RecursiveTraining, params: Params, start: Start, key: PRNGKeyArray | None) -> Any:
    root = jax.random.key(0) if key is None else key
    return check_steps(process, params, start=start, key=root, generations=len(SIZES) - 1)


def _counts(batch: Batch) -> Array:
    parts = (batch.real, batch.synthetic)
    none = jnp.zeros((), jnp.int32)
    return jnp.stack([none if part is None else cast(Any, part).count.astype(jnp.int32) for part in parts])
