"""Sizes that read the model: the oracle's against its recursion, the plug-in's near it, and a user's own rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import schedules
from mcollapse.theory import multinomial
from tests.helpers import ZIPF
from tests.statistical import assert_agrees, assert_law_rejected, moments

H = float(1 - np.sum(np.asarray(ZIPF.probabilities, np.float64) ** 2))
FIRST, RATIO, SHARE, GENERATIONS = 100, 0.8, 0.3, 8


def improving(heterogeneity, **changes):
    arguments = {"ratio": RATIO, "error": H / FIRST, "first": FIRST, "most": 20_000}
    return schedules.SteadyImprovement(heterogeneity=heterogeneity, **arguments | changes)


def simulated(sizes, replicates=4000, **parts):
    parts = {"family": mc.families.Categorical(), "source": mc.sources.Mixture(SHARE)} | parts
    record = {"squared_error": mc.Record(mc.metrics.squared_error, reduce=mc.Keep())}
    return mc.simulate(
        mc.RecursiveTraining(sizes=sizes, **parts), ZIPF, key=jax.random.key(3), generations=GENERATIONS,
        replicates=replicates, record=record,
    )  # fmt: skip


def of_the_oracle():
    t = np.arange(1, GENERATIONS + 1)
    kept = (1 - SHARE) ** 2
    wanted = (FIRST / RATIO ** (t - 1.0) - kept) / (RATIO - kept)
    return np.concatenate([[FIRST], np.ceil(wanted)])


@pytest.mark.slow
def test_the_oracle_has_the_error_of_its_sizes():
    run = simulated(improving(H))
    shares = np.full(GENERATIONS + 1, SHARE)
    law = multinomial.mixture_risk(H, of_the_oracle(), shares)
    np.testing.assert_allclose(law, H / FIRST * RATIO ** np.arange(GENERATIONS + 1), rtol=0.01)
    errors = run["squared_error"].values
    for t in (0, 1, 4, GENERATIONS):
        assert_agrees(*moments(errors[:, t]), law[t])
    later = multinomial.mixture_risk(H, np.append(of_the_oracle()[1:], 1e4), shares)
    assert_law_rejected(errors[:, 4], later[4])  # a rule that is a generation ahead
    assert len(run.compare()) == 0  # no law of fixed sizes is its law


@pytest.mark.slow
def test_the_plug_in_reaches_the_aim():
    errors = simulated(improving(None))["squared_error"].values
    aim = H / FIRST * RATIO ** np.arange(GENERATIONS + 1)
    # H is read with an error of order 1/n, which changes sizes by as much
    mean, error = moments(errors[:, GENERATIONS])
    assert abs(mean - aim[-1]) < 4 * error + 0.03 * aim[-1]
    assert_law_rejected(errors[:, GENERATIONS], aim[-2])


class MoreForTheFlat(schedules.AbstractAdaptive):
    """A rule of a user's own: more points while the model is spread out."""

    def size(self, family, params, t):
        return 40.0 / jnp.sum(family.probabilities(params) ** 2)


@pytest.mark.slow
def test_a_rule_of_the_users_own_takes_every_path():
    sizes = MoreForTheFlat(first=50, most=500)
    runs = [
        simulated(sizes, 500, pool=pool, path=path)["squared_error"]
        for pool in (mc.pools.Newest(), mc.pools.All(), mc.pools.Window(2))
        for path in ("statistics", "rows")
    ]
    for counted, rows in zip(runs[::2], runs[1::2], strict=True):
        difference = counted.mean - rows.mean
        error = np.hypot(counted.standard_error, rows.standard_error)
        assert np.all(np.abs(difference) < 4.5 * error)
    fixed = simulated(50, 500)["squared_error"]
    assert fixed.mean[1] - runs[0].mean[1] > 4 * fixed.standard_error[1]  # more points, a smaller error


def test_sizes_stay_within_their_limits():
    family = mc.families.Categorical()

    def at(t, **changes):
        rule = improving(H, **changes).planned(5).with_real_shares(np.full(6, SHARE))
        return int(rule.at(jnp.asarray(t), family, ZIPF))

    assert [at(t) for t in (0, 1, 5)] == of_the_oracle()[[0, 1, 5]].tolist()
    assert [at(t, most=400) for t in (0, 1, 5)] == [FIRST, int(of_the_oracle()[1]), 400]
    assert improving(H, most=400).planned(3).table(3).tolist() == [FIRST, 400, 400, 400]


CAUSES = {
    "a ratio out of reach": (lambda: simulated(improving(H, ratio=0.4)), "generation 1", "larger ratio"),
    "a ratio above 1": (lambda: simulated(improving(H, ratio=1.2)), "ratio in (0, 1)", "1.2"),
    "counts that are fixed": (
        lambda: simulated(improving(H), source=mc.sources.Mixture(SHARE, counts="fixed")), "Mixture", "random"),
    "a source with sizes": (lambda: simulated(improving(H), source=mc.sources.Split(5, 5)), "Split", "Mixture"),
    "a subsample": (lambda: simulated(improving(H), pool=mc.pools.Subsample(50)), "Subsample", "Newest"),
    "another family": (
        lambda: simulated(improving(H), family=mc.families.Gaussian()), "family is Categorical", "AbstractAdaptive"),
    "another estimator": (
        lambda: simulated(improving(H), estimator=mc.estimators.AddConstant(1.0)), "estimator is", "AddConstant"),
    "no fresh data": (lambda: simulated(improving(H), source=mc.sources.LastModel()), "source is Mixture", "LastModel"),
    "a rule for another number": (
        lambda: mc.sources.Split(MoreForTheFlat(first=1, most=9), 5), "MoreForTheFlat", "generation alone"),
    "no room": (lambda: improving(H, most=0), "most", "got 0"),
    "a first size beyond": (lambda: improving(H, first=30_000), "first", "20,000"),
}  # fmt: skip


CAUSES |= {
    "fixed counts of a user's rule": (
        lambda: simulated(MoreForTheFlat(first=5, most=9), source=mc.sources.Mixture(SHARE, counts="fixed")),
        "Mixture", "random"),
    "a subsample of a user's rule": (
        lambda: simulated(MoreForTheFlat(first=5, most=9), pool=mc.pools.Subsample(50)), "Subsample", "other than"),
}  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
def test_what_makes_no_sense_is_refused(cause):
    call, *words = CAUSES[cause]
    with pytest.raises(ValueError) as caught:
        call()
    for word in words:
        assert word in str(caught.value), caught.value
