"""One-shot mixing: a single fit to real data and to data of another model."""

import dataclasses
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from mcollapse.abstract_process import AbstractProcess, as_truth
from mcollapse.checks import Start, check_start
from mcollapse.estimators import AbstractEstimator, MaximumLikelihood
from mcollapse.families import AbstractFamily, Truth
from mcollapse.process import RecursiveTraining, State
from mcollapse.random import Key
from mcollapse.schedules import DERIVED, number
from mcollapse.sources import Mixture


class OneShotMixing(AbstractProcess):
    r"""Generation 0 is another model, generation 1 the fit to real points and to points of that model.

    Of `size` points N a share $p_2$, rounded up to whole points, is the model's, the others are the truth's:
    `synthetic_share` and `size` can be swept, and with them $\phi = d/N$. There is one generation. Any family
    and any estimator will do.
    Source: strong model collapse, Dohmatob et al. (2024, arXiv 2410.04840).
    """

    family: AbstractFamily
    model: Any
    """The parameters of the other model, of the family."""
    size: np.ndarray = eqx.field(converter=number, kw_only=True)
    synthetic_share: np.ndarray = eqx.field(converter=number, kw_only=True)
    estimator: AbstractEstimator = MaximumLikelihood()
    training: RecursiveTraining | None = eqx.field(default=None, metadata=DERIVED)
    """The one step, once planned."""

    def __check_init__(self):
        """A share lies in [0, 1], a model is one of the family's."""
        if isinstance(self.synthetic_share, np.ndarray) and not 0 <= float(self.synthetic_share) <= 1:
            raise ValueError(f"synthetic_share lies in [0, 1], got {float(self.synthetic_share):g}")
        expected = getattr(self.family, "Params", None)
        if expected is not None and not isinstance(self.model, expected):
            raise ValueError(
                f"the other model of a {self.family.name} is a {self.family.name}.Params, got "
                f"{type(self.model).__name__}"
            )
        self.estimator.check(self.family)
        self.family.check(self.model)

    def planned(self, generations: int, start: Start = "real", truth: Any = None) -> "OneShotMixing":
        """Host: the step that is to be done."""
        if generations != 1:
            raise ValueError(
                f"OneShotMixing fits once, got generations={generations}: use generations=1, or "
                "RecursiveTraining with sources.Split for more"
            )
        training = RecursiveTraining(
            family=self.family,
            estimator=self.estimator,
            sizes=float(self.size),
            source=Mixture(1.0 - float(self.synthetic_share), counts="fixed"),
        ).planned(1, "truth", truth)
        return dataclasses.replace(self, training=training)

    def checked_truth(self, truth: Any, start: Start) -> Truth:
        """Host: a truth of the same family."""
        check_start(start)
        law = as_truth(truth, self.family)
        if type(law.family) is not type(self.family):
            raise ValueError(
                f"both models of a OneShotMixing are of one family: the truth is a {law.family.name}, the "
                f"model a {self.family.name}"
            )
        probe = RecursiveTraining(family=self.family, estimator=self.estimator, sizes=1)
        probe.checked_truth(Truth(law.family, self.model), "truth")
        return probe.checked_truth(law, "truth")

    @classmethod
    def alike(cls, planned: "list[OneShotMixing]") -> "list[OneShotMixing]":
        """Host: steps with the same static numbers."""
        trainings = RecursiveTraining.alike([process._planned() for process in planned])
        return [
            dataclasses.replace(process, training=training)
            for process, training in zip(planned, trainings, strict=True)
        ]

    @property
    def rows(self) -> int:
        """Those of the step."""
        return self._planned().rows

    @property
    def lanes_axis(self) -> int:
        """That of the step."""
        return self._planned().lanes_axis

    def init(self, key: PRNGKeyArray | Key, truth: Any, start: Start | None = None) -> State:
        """The other model."""
        return self._planned().init(key, Truth(self.family, self.model), "truth")

    def step(self, key: PRNGKeyArray | Key, state: State, truth: Any, t: Int[Array, ""] | int) -> State:
        """The one fit."""
        return self._planned().step(key, state, as_truth(truth, self.family), t)

    def measure(
        self,
        key: PRNGKeyArray | Key,
        metric: Any,
        state: State,
        truth: Any,
        t: Int[Array, ""] | int | None = None,
    ) -> Array:
        """`metric(family, params, truth)`."""
        return self._planned().measure(key, metric, state, as_truth(truth, self.family), t)

    def _planned(self) -> RecursiveTraining:
        if self.training is None:
            raise ValueError(
                "this process has no tables yet: call process.planned(1, truth=truth) and use the process "
                "that it returns (mcollapse.simulate does so itself)"
            )
        return self.training
