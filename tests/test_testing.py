"""The conformance kit: our parts pass, and a part that breaks a clause is told which."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import random, testing
from mcollapse.data import Batch, Counts, Samples
from mcollapse.estimators import AbstractEstimator
from mcollapse.families import AbstractFamily, Bernoulli, Categorical, Gaussian
from mcollapse.pools import AbstractPool
from mcollapse.sources import AbstractSource
from mcollapse.status import Status

COIN = Bernoulli.Params(0.3)
TABLE = Categorical.Params([0.4, 0.3, 0.2, 0.1])


class Coin(AbstractFamily):
    """A family that keeps its contract, with a place for one fault."""

    fault: str = ""

    Params = Bernoulli.Params

    def sample(self, key, params, count, capacity):
        if self.fault == "buffer":
            capacity = capacity - 1
        ones = random.bernoulli(key, 1, params.probability, (capacity,)).astype(jnp.int32)
        return Samples.first(ones, count + 1 if self.fault == "count" else count)

    def statistics(self, samples, like):
        weights = samples.weights
        if self.fault == "absent rows":
            weights = jnp.where(jnp.any(weights > 0), 1, weights)
        if self.fault == "order":
            weights = weights * jnp.arange(weights.shape[0], dtype=weights.dtype)
        ones = jnp.sum(weights * samples.rows)
        return Twisted(jnp.stack([jnp.sum(weights) - ones, ones]), self.fault)

    def sample_statistics(self, key, params, count):
        chance = params.probability * (0.9 if self.fault == "law" else 1.0)
        ones = random.binomial(key, 1, count, chance)
        return Twisted(jnp.stack([count - ones, ones]), self.fault)

    def maximum_likelihood(self, data, previous, ddof=0):
        total = jnp.sum(data.counts).astype(previous.probability.dtype)
        share = data.counts[1].astype(total.dtype) / jnp.where(total > 0, total, 1.0)
        some = (total > 0) | (self.fault == "nothing to fit")
        status = jnp.where(some, Status.OK, Status.OK if self.fault == "status" else Status.TOO_FEW_POINTS)
        kept = previous.probability
        share = share.astype(jnp.float16) if self.fault == "dtype" else share
        return Bernoulli.Params(jnp.where(some, share, kept.astype(share.dtype))), status.astype(jnp.int32)

    def blank(self, truth, capacity):
        return Bernoulli.Params(jnp.zeros(()))


class Twisted(Counts):
    fault: str = mc.families.base.eqx.field(static=True, default="")

    def merge(self, other):
        return Twisted(self.counts + (0 if self.fault == "merge" else other.counts), self.fault)

    def scale(self, weight):
        factor = 1.0 if self.fault == "scale" else jnp.asarray(weight, jnp.result_type(float))
        return Twisted(self.counts.astype(jnp.result_type(float)) * factor, self.fault)

    def zero(self):
        return Twisted(jnp.zeros_like(self.counts) + int(self.fault == "zero"), self.fault)


def test_a_family_that_keeps_its_contract():
    testing.check_family(Coin(), COIN)


FAULTS = {
    "buffer": "`capacity` rows",
    "count": "that many rows",
    "absent rows": "weight 0 are absent",
    "order": "order of the points",
    "law": "has the law of",
    "nothing to fit": "keeps the previous model",
    "status": "TOO_FEW_POINTS",
    "dtype": "shapes and dtypes of a fit",
    "merge": "merge to those of the whole",
    "scale": "scale multiplies",
    "zero": "zero is neutral",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_family_that_does_not(fault):
    with pytest.raises(testing.ConformanceError) as caught:
        testing.check_family(Coin(fault), COIN)
    assert FAULTS[fault] in str(caught.value)


class Careless(AbstractSource):
    """Says how many points it draws, with a place for one fault."""

    fault: str = ""

    def parts(self, sizes):
        return (sizes // 2, sizes - sizes // 2) if self.fault == "parts" else (sizes,)

    def draw(self, key, draw, state, previous, count, t):
        return Batch(None, draw.model(key, previous, count - int(self.fault == "count")))


class Leaky(AbstractPool):
    """Newest, with a place for one fault."""

    fault: str = ""

    def init(self, batch, capacity):
        return jnp.zeros(()) if self.fault == "state" else None

    def absorb(self, key, state, batch, t):
        if self.fault == "twice":
            return state, Batch(None if batch.real is None else batch.real.merge(batch.real), batch.synthetic)
        return (jnp.zeros(2) if self.fault == "state" else state), batch


class Peeking(AbstractEstimator):
    """Maximum likelihood with one fault."""

    fault: str = ""

    def init(self, family, params):
        return jnp.zeros((), jnp.int32)

    def fit(self, key, family, batch, previous, carry, t):
        params, status = family.maximum_likelihood(batch.all, previous)
        return params, carry.astype(jnp.float32) if self.fault == "carry" else carry, status

    def fewest(self, family):
        return 0 if self.fault == "fewest" else 1


@pytest.mark.parametrize(
    "check, words",
    [
        (lambda: testing.check_source(Careless("count"), Categorical(), TABLE), "points of batch_sizes"),
        (lambda: testing.check_source(Careless("parts"), Categorical(), TABLE), "`parts` says"),
        (lambda: testing.check_pool(Leaky("twice"), Categorical(), TABLE), "`fitted_sizes` says"),
        (
            lambda: testing.check_pool(Leaky("state"), Categorical(), TABLE, start="truth"),
            "shapes and dtypes of the state",
        ),
        (
            lambda: testing.check_estimator(Peeking("carry"), Categorical(), TABLE, start="truth"),
            "shapes and dtypes",
        ),
        (lambda: testing.check_estimator(Peeking("fewest"), Categorical(), TABLE), "at least one point"),
    ],
)
def test_parts_that_break_a_clause(check, words):
    with pytest.raises(testing.ConformanceError) as caught:
        check()
    assert words in str(caught.value)


@pytest.mark.slow
def test_parts_that_keep_theirs():
    testing.check_source(Careless(), Categorical(), TABLE)
    testing.check_pool(Leaky(), Categorical(), TABLE)
    testing.check_estimator(Peeking(), Categorical(), TABLE)


@pytest.mark.slow
def test_a_process_against_theory_and_against_itself():
    process = mc.RecursiveTraining(family=Coin(), sizes=30)
    testing.check_process(process, COIN, metric=lambda family, params, truth: params.probability)
    with pytest.raises(testing.ConformanceError, match="one law"):
        broken = mc.RecursiveTraining(family=Coin("law"), sizes=30)
        testing.check_process(broken, COIN, metric=lambda family, params, truth: params.probability)
    with pytest.raises(ValueError, match="pass metric="):
        testing.check_process(process, COIN)


@pytest.mark.slow
def test_a_key_of_the_users_own_and_the_start_from_the_truth():
    family = Gaussian()
    process = mc.RecursiveTraining(family=family, sizes=20, pool=mc.pools.All())
    testing.check_process(
        process, family.Params(1.0, 0.5), start="truth", key=jax.random.key(7), replicates=1000
    )
    assert np.isfinite(family.Params(1.0, 0.5).mean)
