"""What somebody gets who trains on the newest model's output: a metric that draws."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from mcollapse.data import Batch
from mcollapse.estimators import AbstractEstimator, MaximumLikelihood
from mcollapse.families.base import AbstractFamily, Params, Truth, offers
from mcollapse.measuring import AbstractMetric
from mcollapse.random import Key
from mcollapse.whole_numbers import check_whole

DATA, FIT = 1, 2  # purposes below the key of a measurement


class Downstream(AbstractMetric):
    """A metric of a model that is fitted to `size` points of the current one, and feeds nothing back.

    Its points are fresh ones, also where a replicate's own have one design. The downstream model of
    Dohmatob, Feng and Kempe (2024, arXiv 2402.07712): another size than the generators', another estimator or
    `family` if wanted, and with `change` other parameters of the points
    (`lambda params: dataclasses.replace(params, noise_variance=0.1)`, say).
    """

    metric: Callable[..., Array]
    size: int = eqx.field(static=True)
    estimator: AbstractEstimator = MaximumLikelihood()
    family: AbstractFamily | None = None
    change: Callable[[Params], Params] | None = None

    def __check_init__(self):
        """A size is a whole number of points."""
        check_whole("size of Downstream", self.size, of="points")

    def __call__(self, key: Key, family: AbstractFamily, params: Params, truth: Truth) -> Array:
        """The other model's metric."""
        family = family.unsettled()
        learner = family if self.family is None else self.family
        least = self.estimator.fewest(learner)
        if self.size < least:
            raise ValueError(
                f"Downstream fits {self.size} points, and a {learner.name} needs at least {least}"
            )
        params = params if self.change is None else self.change(params)
        previous = learner.blank(truth.params, self.size)
        data = self._data(key.at(DATA), family, learner, params, previous)
        carry = self.estimator.init(learner, previous)
        t = jnp.asarray(1, jnp.int32)
        batch = Batch(None, data, jnp.zeros(()))
        fitted = self.estimator.fit(key.at(FIT), learner, batch, previous, carry, t)[0]
        return self.metric(learner, fitted, truth)

    def _data(self, key: Key, family: AbstractFamily, learner: AbstractFamily, params: Params, like: Params):
        if self.family is None and offers(family, "sample_statistics"):
            return family.sample_statistics(key, params, self.size)
        samples = family.sample(key, params, self.size, self.size)
        return learner.statistics(samples, like) if offers(learner, "statistics") else samples
