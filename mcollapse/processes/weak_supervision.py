"""Weak supervision: a filter passes a model's answers, a weak labeller is asked for the others."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from mcollapse import random, schedules
from mcollapse.abstract_process import AbstractProcess, measured, traced_truth
from mcollapse.checks import Start, check_start
from mcollapse.families import AbstractFamily, Categorical, Truth
from mcollapse.once import once
from mcollapse.random import Key
from mcollapse.schedules import AbstractSchedule, number
from mcollapse.status import Status

PROMPTS, VERDICTS, LABELS, BASE = 1, 2, 3, 4  # sites of the draws of a generation


class Answers(eqx.Module):
    """A table: 1 where the answer to a prompt is correct, 0 where it is wrong."""

    correct: Float[Array, " prompts"]


class AnswersState(eqx.Module):
    """The model, and that nothing went wrong."""

    params: Answers
    status: Int[Array, ""]


class WeakSupervision(AbstractProcess):
    r"""A model that is a table of answers, retrained on those that a filter keeps and on weak labels.

    In each round every prompt is asked or, with `sizes`, $n_t$ prompts drawn from their law. A filter that
    errs with probability $\gamma$ keeps or rejects the model's answer. A rejected prompt goes to a labeller
    that is right with probability $\beta_t$, each time anew. The model memorises what was kept and what was
    labelled, of a prompt that occurs more than once the last. Generation 0 is the base model, which answers
    a prompt correctly with probability `accuracy`.

    Arguments: `strength`, $\beta_t$; `noise`, $\gamma$; `accuracy`; `sizes`, prompts a round. The truth is
    the law of prompts, a `Categorical`. With $\gamma = 0$ the labeller's gain is never lost.
    Source: Amin et al. (2025, arXiv 2502.08924).
    """

    strength: AbstractSchedule = eqx.field(converter=schedules.shares)
    noise: np.ndarray = eqx.field(converter=number, default=0.0)
    accuracy: np.ndarray = eqx.field(converter=number, default=0.0)
    sizes: AbstractSchedule | None = eqx.field(
        converter=lambda value: None if value is None else schedules.sizes(value), default=None
    )

    recorded: ClassVar[tuple[str, ...]] = ("unsolved",)
    truths: ClassVar[type[AbstractFamily] | None] = Categorical

    def __check_init__(self):
        """Probabilities lie in [0, 1]."""
        for name in ("noise", "accuracy"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray) and not (value.ndim == 0 and 0 <= float(value) <= 1):
                raise ValueError(f"{name} is a probability, in [0, 1], got {value}")

    def planned(self, generations: int, start: Start = "real", truth: Any = None) -> "WeakSupervision":
        """Host: schedules as tables."""
        # the sizes of round 0, which there is not, are never read
        sizes = None if self.sizes is None else self.sizes.planned(generations, "truth")
        if sizes is not None and np.max(sizes.values) > random.largest_count():
            raise ValueError(
                f"a round has {np.max(sizes.values):,} prompts, more than {random.largest_count():,} that "
                f"this precision counts: use fewer{random.how_to_count_further()}"
            )
        return dataclasses.replace(self, strength=self.strength.planned(generations), sizes=sizes)

    def checked_truth(self, truth: Any, start: Start) -> Truth:
        """Host: a law of prompts."""
        check_start(start)
        if start == "truth":
            raise ValueError(
                'generation 0 of a WeakSupervision is its base model, and start="truth" would leave nothing '
                'to learn: use start="real", and accuracy for a better base model'
            )
        return as_prompts(truth)

    def init(self, key: PRNGKeyArray | Key, truth: Any, start: Start | None = None) -> AnswersState:
        """The base model."""
        key, shape = Key.of(key, 0), np.shape(as_prompts(truth).params.probabilities)
        right = random.bernoulli(key, BASE, jnp.asarray(self.accuracy, jnp.result_type(float)), shape)
        table = right.astype(jnp.result_type(float))
        return AnswersState(Answers(table), jnp.asarray(Status.OK, jnp.int32))

    def step(
        self, key: PRNGKeyArray | Key, state: AnswersState, truth: Any, t: Int[Array, ""] | int
    ) -> AnswersState:
        """Ask, filter, label what was rejected, memorise."""
        key, law = Key.of(key, t), traced_truth(as_prompts(truth))
        t, correct = key.t.astype(jnp.int32), state.params.correct
        dtype, shape = correct.dtype, correct.shape
        errs = random.bernoulli(key, VERDICTS, jnp.asarray(self.noise, dtype), shape)
        label = random.bernoulli(key, LABELS, self.strength.at(t).astype(dtype), shape).astype(dtype)
        rejected = (correct > 0) == errs
        asked = jnp.ones(shape, bool)
        if self.sizes is not None:
            size, p = self.sizes.at(t), law.params.probabilities
            asked = once(lambda: random.multinomial(key, PROMPTS, size, p)) > 0
        return AnswersState(Answers(jnp.where(asked & rejected, label, correct)), state.status)

    def measure(
        self,
        key: PRNGKeyArray | Key,
        metric: Any,
        state: AnswersState,
        truth: Any,
        t: Int[Array, ""] | int | None = None,
    ) -> Array:
        """`metric(family, params, truth)`: `params.correct` is the table, the others are of prompts."""
        law = traced_truth(as_prompts(truth))
        return measured(key, metric, law.family, state.params, law, t)


def as_prompts(truth: Any) -> Truth:
    """The law of prompts as a truth; any other is refused."""
    made = truth if isinstance(truth, Truth) else Truth(Categorical(), truth)
    if not isinstance(made.family, Categorical) or not isinstance(made.params, Categorical.Params):
        raise ValueError(
            "the truth of a WeakSupervision is the law of its prompts, such as "
            f"Categorical.Params.uniform(1000), got {type(made.params).__name__}"
        )
    return made
