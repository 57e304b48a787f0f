r"""One generation of recursive training. Read this first.

    truth ──┐
            ├─ source ─► batch ─► pool ─► training data ─► estimator ─► next model ─► metrics
    model ──┘                                                               │
      ▲─────────────────────────────────────────────────────────────────────┘

A process is a value: what a model is, how it is fitted, how many points a generation has, where they
come from and which are trained on. `init` and `step` are pure functions of one replicate, so that
anyone can scan them; `mcollapse.simulate` batches them over replicates.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from mcollapse import schedules
from mcollapse.abstract_process import AbstractProcess, as_truth, measured, traced_truth
from mcollapse.capacities import Capacities, alike_pools, drawn_leaves, merged_parts, numbers_of, rounded_up
from mcollapse.checks import Start, check_adaptive, check_sizes, check_start, check_truth, check_type
from mcollapse.data import Batch, Part, Samples
from mcollapse.decoders import AbstractDecoder, AsIs
from mcollapse.draw import Draw
from mcollapse.estimators import AbstractEstimator, MaximumLikelihood
from mcollapse.families.base import AbstractFamily, Params, Truth, offers
from mcollapse.pools import AbstractPool, Newest
from mcollapse.random import Key
from mcollapse.schedules import AbstractAdaptive, AbstractSchedule
from mcollapse.sources import AbstractSource, LastModel
from mcollapse.status import Status

SOURCE, POOL, ESTIMATOR, SETTLE = 1, 2, 3, 4  # purposes of the keys of a generation; 5 is a metric's


class State(eqx.Module):
    """All that a replicate carries from one generation to the next.

    Of the families it carries the arrays (what a replicate settled once); the rest is the process's.
    """

    family: AbstractFamily
    truth_family: AbstractFamily
    params: Params
    carry: Any
    source: Any
    pool: Any
    status: Int[Array, ""]


class RecursiveTraining(AbstractProcess):
    """Each generation is fitted to data that earlier generations' models helped to make.

    ```python
    process = RecursiveTraining(family=Gaussian(), sizes=100).planned(generations=50)
    key = jax.random.key(0)
    state = process.init(key, Gaussian.Params.standard())
    state = process.step(key, state, Gaussian.Params.standard(), t=1)
    ```

    The key is an address: the same one is passed at every generation, and what is drawn depends on
    it and on `t` alone.
    """

    family: AbstractFamily
    estimator: AbstractEstimator = MaximumLikelihood()
    sizes: AbstractSchedule = eqx.field(converter=schedules.sizes_or_rule, kw_only=True)
    source: AbstractSource = LastModel()
    pool: AbstractPool = Newest()
    decoder: AbstractDecoder = AsIs()
    bias: AbstractSchedule | None = eqx.field(converter=schedules.numbers, default=None)
    """By how much the mean of the real points of each generation is off, `Power(b, -q, shift=1)` say."""

    path: Literal["auto", "statistics", "rows"] = eqx.field(static=True, default="auto")
    """Whether points are drawn as statistics, as rows, or by whichever is possible and faster."""

    plan: Capacities | None = eqx.field(default=None, metadata=schedules.DERIVED)
    """What `planned` fixed; `None` before."""

    def __check_init__(self):
        """Refuse what makes no sense, with what to use instead."""
        for name, contract in (
            ("family", AbstractFamily),
            ("estimator", AbstractEstimator),
            ("source", AbstractSource),
            ("decoder", AbstractDecoder),
            ("pool", AbstractPool),
        ):
            check_type(name, getattr(self, name), contract)
        self.estimator.check(self.family)
        self.decoder.check(self.family)
        self.source.check(self.family, self.decoder)
        check_adaptive(self)
        if self.estimator.remembers and type(self.pool) is not Newest:
            raise ValueError(
                f"estimators.{type(self.estimator).__name__} remembers all batches itself, and "
                f"pools.{type(self.pool).__name__} would give it some twice; use pools.Newest()"
            )
        if self.path not in ("auto", "statistics", "rows"):
            raise ValueError(f'path is "auto", "statistics" or "rows", got {self.path!r}')
        if self.path == "statistics" and self.needs_rows:
            raise ValueError(
                f'path="statistics" is not enough: pools.{type(self.pool).__name__} of a {self.family.name} '
                'chooses among raw points; use path="auto" or "rows"'
            )

    @property
    def needs_rows(self) -> bool:
        """Whether family, estimator or pool cannot do with statistics."""
        return (
            self.pool.needs_rows(self.family)
            or self.estimator.reads is Samples
            or not offers(self.family, "statistics")
        )

    def planned(
        self, generations: int, start: Start = "real", truth: Truth | Params | None = None
    ) -> "RecursiveTraining":
        """Host: schedules become tables, capacities are rounded up, sizes are checked.

        A truth of another family must be given here, since its points are drawn as rows. With any truth
        the plan is that of `simulate`, which may keep models as samples (`AbstractFamily.resampled`).
        """
        sizes = self.sizes.table(generations, start)
        source = self.source.planned(generations, sizes)
        batch_sizes = source.batch_sizes(sizes)
        model = self._resampled(truth, int(np.max(sizes)))
        as_rows = self.needs_rows or self.path == "rows" or model is not None
        pool = self.pool.planned(batch_sizes, start, as_rows)
        law = None if truth is None else as_truth(truth, self.family)
        first, parts = (0 if start == "real" else 1), source.parts(sizes)
        adaptive = isinstance(self.sizes, AbstractAdaptive)
        parts = None if parts is None or adaptive else tuple(part[first:] for part in parts)
        self.family.check_batches(parts)
        self.estimator.check_parts(self.family, parts)
        check_sizes(self, batch_sizes, pool.fitted_sizes(batch_sizes, start), start, law)
        most = max(source.most(sizes, generations), int(sizes[0]) if start == "real" else 1)
        # where no row is ever drawn their number is no part of the program, and cannot recompile it
        rows = rounded_up(most) if as_rows or self._draws_rows(truth) else 0
        return dataclasses.replace(
            self,
            sizes=self._planned_sizes(generations, start),
            estimator=self.estimator.planned(generations),
            decoder=self.decoder.planned(generations),
            bias=self._planned_bias(generations, start),
            source=source,
            pool=pool,
            plan=Capacities(
                generations=generations,
                start=start,
                rows=rows,
                pool_rows=pool.capacity(rows) if as_rows else 0,
                as_rows=as_rows,
                model=model,
                seen=numbers_of(truth) if model is not None else 0,
            ),
        )

    def checked_truth(self, truth: Truth | Params, start: Start) -> Truth:
        """Host: the truth with its family; bare parameters are those of the model's family."""
        check_start(start)
        truth = as_truth(truth, self.family)
        check_truth(self, truth, start)
        return truth

    @classmethod
    def alike(cls, planned: "list[RecursiveTraining]") -> "list[RecursiveTraining]":
        """Capacities are static, so that every cell gets the largest of any, and one way to keep models."""
        if any(process._planned().model is None for process in planned):
            planned = [process._without_resampling() for process in planned]
        plans = [process._planned() for process in planned]
        rows = max(plan.rows for plan in plans)
        pools = alike_pools([process.pool for process in planned])
        # a pool ends with a whole batch buffer: with larger buffers it needs more room than any cell planned
        pool_rows = max(pool.capacity(rows) for pool in pools) if plans[0].as_rows else 0
        plan = dataclasses.replace(plans[0], rows=rows, pool_rows=pool_rows)
        return [
            dataclasses.replace(process, plan=plan, pool=pool)
            for process, pool in zip(planned, pools, strict=True)
        ]

    @property
    def rows(self) -> int:
        """As planned: 0 where statistics are drawn from their own law; with what metrics see of samples."""
        return self._planned().rows + self._planned().seen

    @property
    def lanes_axis(self) -> int:
        """The first where rows are kept: XLA writes a slice in place only along the minor axes.

        And where a model's rows are drawn, by search in a table of its own.
        """
        return 0 if self._planned().as_rows or not offers(self.family, "sample_statistics") else -1

    def init(self, key: PRNGKeyArray | Key, truth: Truth | Params, start: Start | None = None) -> State:
        r"""Generation 0: the fit to $n_0$ real points, or with `start="truth"` the truth itself.

        A pool keeps the real points of generation 0; with `start="truth"` it starts empty.
        """
        key, truth, plan = Key.of(key, 0), traced_truth(as_truth(truth, self.family)), self._planned()
        start = self._start(start)
        family = self._model.settle(key.at(SETTLE), plan.rows)
        settled = Truth(truth.family.settle(key.at(SETTLE), plan.rows), truth.params)
        t = jnp.asarray(0, jnp.int32)
        draw = Draw(family, self._biased(settled, t), plan.rows, plan.as_rows, self.decoder, t)
        first, later = self._zero_batches(draw, family.blank(truth.params, plan.rows), start)
        pool = self.pool.init(merged_parts(first, later), plan.pool_rows)
        seen = max(self._rows_seen(pool, batch) for batch in (first, later) if batch is not None)
        params = family.blank(truth.params, seen or plan.rows)
        carry, status = self.estimator.init(family, params), jnp.asarray(Status.OK, jnp.int32)
        if start == "truth":
            params = params if plan.model is not None else family.first_model(truth.params, params)
        else:
            batch = Batch(draw.real(key.at(SOURCE), self.sizes.at(t)), None, jnp.ones(()))
            pool, data = self.pool.absorb(key.at(POOL), pool, batch, t)
            data = self._read(family, data, params)
            params, carry, status = self.estimator.fit(key.at(ESTIMATOR), family, data, params, carry, t)
        source = self.source.init(family, params, plan.generations)
        drawn = drawn_leaves(family, self._model), drawn_leaves(settled.family, truth.family)
        return State(*drawn, params, carry, source, pool, status)

    def step(
        self, key: PRNGKeyArray | Key, state: State, truth: Truth | Params, t: Int[Array, ""] | int
    ) -> State:
        """Draw a batch, let the pool absorb it, fit the next model, remember it."""
        key, truth, plan = Key.of(key, t), traced_truth(as_truth(truth, self.family)), self._planned()
        if isinstance(t, int) and not 1 <= t <= plan.generations:
            raise ValueError(
                f"step {t} lies outside the plan: generations 1 to {plan.generations} were planned"
            )
        t = key.t.astype(jnp.int32)
        family = eqx.combine(state.family, self._model)
        settled = Truth(eqx.combine(state.truth_family, truth.family), truth.params)
        draw = Draw(family, self._biased(settled, t), plan.rows, plan.as_rows, self.decoder, t)
        sizes = self.sizes
        count = sizes.at(t, family, state.params) if isinstance(sizes, AbstractAdaptive) else sizes.at(t)
        batch = self._batch(key.at(SOURCE), draw, state, count, t)
        pool, data = self.pool.absorb(key.at(POOL), state.pool, batch, t)
        data = self._read(family, data, state.params)
        params, carry, status = self.estimator.fit(
            key.at(ESTIMATOR), family, data, state.params, state.carry, t
        )
        return State(
            family=state.family,
            truth_family=state.truth_family,
            params=params,
            carry=carry,
            source=self.source.remember(family, state.source, params, t),
            pool=pool,
            status=jnp.maximum(state.status, status),
        )

    def measure(
        self,
        key: PRNGKeyArray | Key,
        metric: Callable[..., Array],
        state: State,
        truth: Truth | Params,
        t: Int[Array, ""] | int | None = None,
    ) -> Array:
        """`metric(family, params, truth)`, with a key first where the metric draws."""
        truth, model = traced_truth(as_truth(truth, self.family)), self._planned().model
        if model is not None:
            seen = self.family.seen(model, state.params, truth.params)
            return measured(key, metric, self.family, seen, truth, t)
        return measured(key, metric, eqx.combine(state.family, self.family), state.params, truth, t)

    def _start(self, start: Start | None) -> Start:
        """The start that was planned; where another is asked for, tables and buffers would not fit."""
        planned = self._planned().start
        if start is not None and start != planned:
            raise ValueError(
                f'this process was planned with start="{planned}", not "{start}": call '
                f'process.planned(generations, start="{start}")'
            )
        return planned

    def _planned_sizes(self, generations: int, start: Start) -> AbstractSchedule:
        sizes: AbstractSchedule = self.sizes.planned(generations, start)
        if isinstance(sizes, AbstractAdaptive):
            return sizes.with_real_shares(self.source.real_shares(generations))
        return sizes

    def _planned_bias(self, generations: int, start: Start) -> schedules.Table | None:
        if self.bias is None:
            return None
        table = self.bias.planned(generations, start)
        wrong = np.flatnonzero(~np.isfinite(table.values))
        if wrong.size:
            raise ValueError(
                f"a bias is a finite number, got {table.values[wrong[0]]:g} at generation {wrong[0]}; of a "
                "Power the scale is the bias at generation 0 with shift=1"
            )
        return table

    def _biased(self, truth: Truth, t: Int[Array, ""]) -> Truth:
        """What the real points of generation `t` are drawn from."""
        if self.bias is None:
            return truth
        length = self.bias.at(t).astype(jnp.result_type(float))
        return Truth(truth.family, truth.family.shifted(truth.params, length))

    def _draws_rows(self, truth: Truth | Params | None) -> bool:
        """Whether statistics have to be computed from rows, for want of a law of their own."""
        foreign = isinstance(truth, Truth) and type(truth.family) is not type(self.family)
        return foreign or not offers(self.family, "sample_statistics")

    def _batch(self, key: Key, draw: Draw, state: State, count: Int[Array, ""], t: Int[Array, ""]) -> Batch:
        """The new points of a generation."""

        def drawn() -> Batch:
            return self.source.draw(key, draw, state.source, state.params, count, t)

        plan = self._planned()
        if plan.model is None or plan.start == "real":
            return drawn()
        # what is kept is a sample, and the first model, the truth, was fitted to none
        return jax.lax.cond(t == 1, lambda: Batch(None, draw.real(key, count)), drawn)

    @property
    def _model(self) -> AbstractFamily:
        """The family in the form in which models are kept."""
        return self._planned().model or self.family

    def _resampled(self, truth: Truth | Params | None, most: int) -> AbstractFamily | None:
        """The family of models kept as samples, where nothing is asked of a model but another sample."""
        parts = (type(self.source), type(self.decoder), type(self.pool), type(self.estimator))
        if self.path != "auto" or parts != (LastModel, AsIs, Newest, MaximumLikelihood):
            return None
        if truth is None or self._draws_rows(truth):
            return None
        return self.family.resampled(as_truth(truth, self.family).params, most)

    def _without_resampling(self) -> "RecursiveTraining":
        if self._planned().model is None:
            return self
        plan = dataclasses.replace(self._planned(), rows=0, pool_rows=0, as_rows=False, model=None, seen=0)
        return dataclasses.replace(self, plan=plan)

    def _planned(self) -> Capacities:
        if self.plan is None:
            raise ValueError(
                "this process has no tables yet: call process.planned(generations) and use the process "
                "that it returns (mcollapse.simulate does so itself)"
            )
        return self.plan

    def _read(self, family: AbstractFamily, data: Batch, like: Params) -> Batch:
        """Rows become statistics where the estimator reads those and the family has them."""
        if self.estimator.reads is Samples or not offers(family, "statistics"):
            return data

        def summarise(part: Part) -> Part:
            return family.statistics(part, like) if isinstance(part, Samples) else part

        return Batch(summarise(data.real), summarise(data.synthetic), data.share)

    def _zero_batches(self, draw: Draw, params: Params, start: Start) -> tuple[Batch | None, Batch]:
        """No points, at generation 0 and after: found by tracing a draw, not by asking the source."""
        key = Key.of(jax.random.key(0))

        def batches() -> tuple[Batch | None, Batch]:
            source = self.source.init(draw.family, params, self._planned().generations)
            count, t = jnp.asarray(1, jnp.int32), jnp.asarray(1, jnp.int32)
            later = self.source.draw(key.at(SOURCE), draw, source, params, count, t)
            first = Batch(draw.real(key.at(SOURCE), count), None) if start == "real" else None
            return first, later

        shapes = jax.eval_shape(batches)
        first, later = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
        return None if first is None else first.zero(), later.zero()

    def _rows_seen(self, pool: Any, batch: Batch) -> int:
        """How many rows the data have that a fit is given, present or not; 0 for statistics."""
        if not self._planned().as_rows:
            return 0
        key, t = Key.of(jax.random.key(0)), jnp.asarray(1, jnp.int32)
        data = jax.eval_shape(lambda: self.pool.absorb(key.at(POOL), pool, batch, t)[1])
        rows = [part.rows.shape[0] for part in (data.real, data.synthetic) if isinstance(part, Samples)]
        return max(rows) if data.one_buffer else sum(rows)
