"""Every number of targets.json that concerns these families and regimes, by simulation.

A number is hit within 4 standard errors, and the standard error is at most 2 % of it (5 % for
probabilities below 0.01). A row that misses has to hit all its numbers with sixteen times as many other
replicates, where what was no chance is seen at four times as many standard errors.
"""

import dataclasses
import math

import jax
import numpy as np
import pytest
from scipy import optimize, special

import mcollapse as mc
from mcollapse import theory
from mcollapse.recording import KeptEntry
from tests.targets import (
    CHUNK,
    MOST,
    NOT_BY_SIMULATION,
    NOT_TESTABLE,
    ROWS,
    hits,
    measured,
    process,
    simulate,
    times,
    truth,
    wanted,
)  # fmt: skip

QUICK = (
    "pub-kg-a.3-debiased",
    "pub-sed-partial-N10-n40",
    "pub-pois-n10-l1",
    "pub-bern-n100-p.01-nonzero",
    "pub-sed-full-n20",
    "pub-g-n10-d0-emeansq",
    "pub-g-n100-d1-elogvar",
    "pub-g-mix-n20-a.2-d1-mean",
    "pub-gmm-step-n10-1",
)
SIMULATED = [name for name in ROWS if name not in NOT_BY_SIMULATION]


def check(name):
    """The row's numbers are hit, by as many replicates as their standard errors need."""
    row, replicates = ROWS[name], CHUNK
    found = measured(row, simulate(row, replicates))
    while (factor := max(_shortfall(row, found))) > 1 and replicates < MOST:
        replicates = min(MOST, math.ceil(replicates * factor * 1.5))
        found = measured(row, simulate(row, replicates))
    if any(_beyond(row, found)):  # one in fifty sets of all these numbers has one by chance
        found = measured(row, simulate(row, min(16 * replicates, MOST), seed=2025))
    for m, t, beyond, short in zip(
        found, times(row), _beyond(row, found), _shortfall(row, found), strict=True
    ):
        assert not beyond, (name, t, m, row["values"])
        assert short <= 1.0 or (name, t) in NOT_TESTABLE, (name, t, m, "the standard error means nothing")


def _beyond(row, found) -> list[bool]:
    """Whether a number is more than 4 standard errors from the row's."""
    pairs = zip(found, row["values"], strict=True)
    return [
        abs(m.value - value) > 4 * math.hypot(m.standard_error, m.published) + 1e-6 * abs(value)
        for m, value in pairs
    ]


def _shortfall(row, found) -> list[float]:
    """How many times too few replicates there were, for each number that can be tested at all."""
    return [
        0.0 if (row["id"], t) in NOT_TESTABLE else (m.standard_error / wanted(v, row["quantity"])) ** 2
        for m, v, t in zip(found, row["values"], times(row), strict=True)
    ]


@pytest.mark.parametrize("name", QUICK)
def test_target_and_its_mutant(name):
    check(name)
    check_mutant(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SIMULATED if name not in QUICK])
def test_every_other_target_and_its_mutant(name):
    check(name)
    check_mutant(name)


def test_what_is_not_testable_says_why():
    assert set(QUICK) <= set(SIMULATED)
    assert all(name in ROWS for name, _ in NOT_TESTABLE) and set(ROWS) >= NOT_BY_SIMULATION


def with_shares(by):
    return lambda process: dataclasses.replace(process, source=mc.sources.Mixture(by))


def with_estimator(estimator):
    return lambda process: dataclasses.replace(process, estimator=estimator)


def larger(process):
    """A quarter more points, one more where a quarter is less."""
    pool, source, family = process.pool, process.source, process.family
    if isinstance(pool, mc.pools.Subsample):
        pool = dataclasses.replace(pool, budget=_larger(pool.budget))
    if isinstance(source, mc.sources.Split):
        source = mc.sources.Split(_larger(source.real), _larger(source.synthetic))
    if getattr(family, "design", None) is not None:
        family = dataclasses.replace(family, design=family.design + max(1, family.design // 4))
    sizes = _larger(process.sizes)
    return dataclasses.replace(process, family=family, sizes=sizes, source=source, pool=pool)


def _larger(schedule):
    if isinstance(schedule, mc.schedules.Table):
        return dataclasses.replace(schedule, values=schedule.values + np.maximum(1, schedule.values // 4))
    name = "value" if isinstance(schedule, mc.schedules.Constant) else "scale"
    value = float(getattr(schedule, name))
    return dataclasses.replace(schedule, **{name: value + max(1.0, value // 4)})


MUTANTS = {
    "pub-mn-iid-a.1-nlinear": with_shares(0.106),
    "pub-mn-split-K5-n20": with_shares(0.2),  # counts are random and not fixed
    "pub-mn-agg-a0": lambda process: dataclasses.replace(process, pool=mc.pools.Newest()),  # it forgets
    "pub-g-n10-d0-emeansq": with_estimator(mc.estimators.Unbiased()),
    "pub-zipf-1-2.7": lambda process: dataclasses.replace(process, sizes=1020),
    "pub-zipf-2-5": lambda process: dataclasses.replace(process, sizes=1020),
    "pub-g-sub-n100-d0-var": with_estimator(mc.estimators.Unbiased()),
    "pub-g-sub-n20-d0-var": with_estimator(mc.estimators.Unbiased()),
    "pub-g-n10-d0-evar": with_estimator(mc.estimators.Unbiased()),
    "pub-mad-fresh-100-100-l1-var": with_estimator(mc.estimators.MaximumLikelihood()),
    "pub-mad-fresh-100-100-l1-mean": lambda process: dataclasses.replace(
        process, source=mc.sources.Split(100, 140)
    ),
    "pub-mad-synthetic-lam.9": with_estimator(mc.estimators.MaximumLikelihood()),
    "pub-mad-fixed-100-100-l1-var": with_estimator(mc.estimators.MaximumLikelihood()),
    # the limit hardly depends on the sizes
    "pub-mn-plateau-n100-a0.1": with_shares(0.12),
    "pub-mn-plateau-n1000-a0.1": with_shares(0.12),
    "pub-mn-plateau-n100-a0.5": with_shares(0.55),
}
"""Experiments that differ in one respect from the row's; every other row's mutant has larger samples."""


def check_mutant(name):
    """The mutant misses the row's numbers, by an effect of ordinary size: 5 to 15 standard errors."""
    row, change, replicates = ROWS[name], MUTANTS.get(name, larger), CHUNK
    entry = simulate(row, replicates, change)
    while (z := _effect(row, entry)) < 8 and replicates < MOST:
        replicates = min(MOST, math.ceil(replicates * (10 / max(z, 1.0)) ** 2))
        entry = simulate(row, replicates, change)
    if z > 12:  # fewer see it too
        fewer = max(8, int(replicates * (10 / z) ** 2))
        entry = simulate(row, fewer, change) if hits(row) else _first(entry, fewer)
        z = _effect(row, entry)
    assert 5 < z < 15, (name, z, replicates)


def _first(entry, replicates):
    return KeptEntry(entry.values[:replicates], entry.generations)


def _effect(row, entry) -> float:
    return max(
        abs(m.value - v) / m.standard_error for m, v in zip(measured(row, entry), row["values"], strict=True)
    )


@pytest.mark.parametrize(
    "name, t, n, ddof", [("pub-g-n10-d0-evar", 50, 10, 0), ("pub-g-n100-d1-esd", 2500, 100, 1)]
)
def test_quantiles_and_logs_where_a_mean_cannot_be_had(name, t, n, ddof):
    """What rare replicates carry: the law's quantiles and E log are tested instead."""
    assert (name, t) in NOT_TESTABLE

    def exceeds(log_deviation):
        return float(theory.tail_probability(np.full(t, n), ddof, np.asarray([t]), np.exp(log_deviation))[0])

    replicates = 4000
    record = {"x": mc.Record(mc.metrics.log_variance, at=[t])}
    run = mc.simulate(
        process(ROWS[name]), truth(ROWS[name]), key=jax.random.key(1), generations=t, replicates=replicates,
        start="truth", record=record,
    )  # fmt: skip
    log_variance = run["x"].values[:, 0].astype(float)
    half = (n - 1) / 2
    expected = t * (special.digamma(half) - np.log((n - ddof) / 2))
    spread = np.sqrt(t * special.polygamma(1, half))
    error = spread / np.sqrt(replicates)
    assert abs(log_variance.mean() - expected) < 4 * error
    assert (
        5 < abs(log_variance.mean() - expected + 0.16 * spread) / error < 15
    )  # a mutant of a sixth of the spread

    z = []
    for q in (0.1, 0.5, 0.9, 0.99):
        at = optimize.brentq(
            lambda x, q=q: exceeds(x) - (1 - q), (expected - 6 * spread) / 2, (expected + 6 * spread) / 2
        )
        share = np.mean(log_variance / 2 > at)
        assert abs(share - (1 - q)) < 4 * np.sqrt(q * (1 - q) / replicates), q
        mutant = exceeds(at - 0.08 * spread)
        z.append(abs(share - mutant) / np.sqrt(mutant * (1 - mutant) / replicates))
    assert 5 < max(z) < 15
