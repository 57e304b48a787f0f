"""Statistics drawn from their own law and statistics of drawn rows: two implementations of one thing.

Every combination of family, source and pool that is not refused is run both ways on different keys, and
the laws of what results are compared. Each comparison must reject a path with an eighth more points.
"""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.families import Bernoulli, Gaussian
from mcollapse.families.base import offers
from tests.helpers import values
from tests.instances import FAMILIES, POOLS, SIZE, SOURCES, process
from tests.statistical import assert_agrees, assert_law_rejected, assert_mutant_seen, moments

REPLICATES, GENERATIONS, MUTANT = 20_000, 3, 45

BOTH = [
    name
    for name, one in FAMILIES.items()
    if offers(one.family, "sample_statistics") and "rows" not in one.refuses and name != "linear-design"
]
QUICK = {
    ("gaussian", "mixture", "newest"),
}
COMBINATIONS = [
    pytest.param(*c, marks=() if c in QUICK else pytest.mark.slow)
    for c in itertools.product(BOTH, SOURCES, POOLS)
    if (c[0] != "gaussian-known" or c[2] == "newest")  # a known variance changes the fit and not the pool
    # in the new regimes a few families stand for the others, and a pool of real points sees the source's alone
    and (not {"past", "few"} & {c[1]} or c[2] in ("newest", "window"))
    and (c[2] != "real" or c[1] in ("mixture", "split"))
]


def results(family, source, pool, path, size, seed, draws="fast"):
    """The first two standard metrics of the family, at every generation."""
    one = FAMILIES[family]
    chosen = list(mc.metrics.standard(one.family).values())[:2]

    def both(family, params, truth):
        return jnp.concatenate([jnp.ravel(metric(family, params, truth)) for metric in chosen])

    record = {"x": mc.Record(both, reduce=mc.Keep())}
    return values(
        process(family, source, pool, size, path=path),
        one.truth,
        record=record,
        replicates=REPLICATES,
        generations=GENERATIONS,
        seed=seed,
        draws=draws,
    )


@pytest.mark.parametrize("family, source, pool", COMBINATIONS)
def test_statistics_and_rows_agree_in_law(family, source, pool):
    needs_rows = process(family, source, pool).needs_rows
    rows = results(family, source, pool, "rows", SIZE, seed=1)
    if needs_rows:  # there is no statistics path: rows against their law instead, in test_targets
        with pytest.raises(ValueError, match="chooses among raw points"):
            results(family, source, pool, "statistics", SIZE, seed=2)
        return
    statistics = results(family, source, pool, "statistics", SIZE, seed=2)
    assert_agrees(*moments(statistics), *moments(rows))
    assert_mutant_seen(results(family, source, pool, "statistics", MUTANT, seed=2), rows)


@pytest.mark.slow
@pytest.mark.parametrize("family", BOTH)
def test_draws_of_jax_agree_in_law(family):
    """Every draw replaced by another hand's: the engine's results have the same law."""
    ours = results(family, "mixture", "all", "statistics", SIZE, seed=1)
    theirs = results(family, "mixture", "all", "statistics", SIZE, seed=2, draws="jax")
    assert_agrees(*moments(theirs), *moments(ours))
    assert_mutant_seen(results(family, "mixture", "all", "statistics", MUTANT, seed=1), theirs)


def test_a_truth_of_another_family_is_drawn_as_rows():
    gaussian = mc.RecursiveTraining(family=Gaussian(), sizes=50)
    truth = mc.Truth(Bernoulli(), Bernoulli.Params(0.3))
    record = {"x": mc.Record(mc.metrics.variance, reduce=mc.Keep())}
    found = values(gaussian, truth, record=record, replicates=20_000, generations=1)
    # the maximum-likelihood variance of n coins is p(1-p)(1-1/n) on average
    assert_agrees(*moments(found[:, 0]), 0.21 * (1 - 1 / 50))
    assert_law_rejected(found[:, 0], 0.21)  # the other divisor
    assert np.all(np.isfinite(found))
