"""The contract of a process: anything that starts, steps and can be measured."""

import abc
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from mcollapse.checks import Start, check_start
from mcollapse.families.base import AbstractFamily, Params, Truth
from mcollapse.measuring import AbstractMetric
from mcollapse.random import Key

METRIC = 5  # purpose of the keys of a generation; those of a process's own draws are others


class AbstractProcess(eqx.Module):
    """Anything that starts, steps from generation to generation and can be measured.

    Its state is any tree of arrays with a `status` (see `mcollapse.status`), the worst so far.
    """

    recorded: ClassVar[tuple[str, ...]] = ()
    """Names in `mcollapse.metrics`: what is recorded when nothing is said; none, those of its `family`."""
    truths: ClassVar[type[AbstractFamily] | None] = None
    """The family of the truth in a specification; none, where arguments are more than numbers and words."""

    @abc.abstractmethod
    def planned(
        self, generations: int, start: Start = "real", truth: Truth | Params | None = None
    ) -> "AbstractProcess":
        """Host: the process with its schedules tabulated and its capacities fixed."""

    def checked_truth(self, truth: Truth | Params, start: Start) -> Truth:
        """Host: the truth with its family; `ValueError` where the process cannot start from it."""
        check_start(start)
        if not isinstance(truth, Truth):
            raise ValueError(
                f"the truth of a {type(self).__name__} is mc.Truth(family, params), "
                f"got {type(truth).__name__}"
            )
        truth.family.check(truth.params)
        return truth

    @classmethod
    def alike(cls, planned: "list[Any]") -> "list[Any]":
        """Host: the planned cells of a sweep, given the same static numbers: they differ in arrays only."""
        return planned

    @property
    def rows(self) -> int:
        """The most points drawn at once by one replicate, from which memory is planned."""
        return 0

    @property
    def lanes_axis(self) -> int:
        """Which axis of a batched state runs over replicates: the last, for speed, unless that is slow."""
        return -1

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray | Key, truth: Truth | Params, start: Start | None = None) -> Any:
        """Generation 0 of the replicate that `key` belongs to."""

    @abc.abstractmethod
    def step(
        self, key: PRNGKeyArray | Key, state: Any, truth: Truth | Params, t: Int[Array, ""] | int
    ) -> Any:
        """Generation `t` from generation t - 1, with the same `key` as `init`."""

    @abc.abstractmethod
    def measure(
        self,
        key: PRNGKeyArray | Key,
        metric: Callable[..., Array],
        state: Any,
        truth: Truth | Params,
        t: Int[Array, ""] | int | None = None,
    ) -> Array:
        """The metric of the current model; for one that draws, `t` says of which generation."""


def measured(
    key: PRNGKeyArray | Key,
    metric: Callable[..., Array],
    family: AbstractFamily,
    params: Params,
    truth: Truth,
    t: Int[Array, ""] | int | None,
) -> Array:
    """The metric of a model, with a key first where the metric draws."""
    if isinstance(metric, AbstractMetric):
        metric = functools.partial(metric, Key.of(key, t).at(METRIC))
    return jnp.asarray(metric(family, params, truth))


def as_truth(truth: Truth | Params, family: AbstractFamily) -> Truth:
    """The truth as family and parameters; bare parameters are those of the model's family."""
    return truth if isinstance(truth, Truth) else Truth(family, truth)


def traced_truth(truth: Truth) -> Truth:
    """The truth in the precision of the program: a host's float64 becomes its float."""

    def traced(leaf: Any) -> Any:
        if not isinstance(leaf, float) and not jnp.issubdtype(getattr(leaf, "dtype", int), jnp.inexact):
            return leaf  # whole numbers stay whole, and functions are no numbers
        # without the barrier a constant truth would be folded, and round differently from a traced one
        return jax.lax.optimization_barrier(jnp.asarray(leaf, jnp.result_type(float)))

    return Truth(truth.family, jax.tree.map(traced, truth.params))
