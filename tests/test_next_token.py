"""Next tokens in many contexts: against exact laws, and table by table against numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import metrics
from mcollapse.data import Counts
from mcollapse.families import Categorical, NextToken
from mcollapse.predicting import setting
from mcollapse.status import Status
from mcollapse.theory import contexts as law_of_contexts
from mcollapse.theory import predictions
from tests.helpers import values
from tests.statistical import assert_agrees, assert_law_rejected, assert_mutant_seen, moments

TABLE = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.1, 0.85, 0.05], [0.4, 0.3, 0.3]])
WEIGHTS = (0.1, 0.2, 0.3, 0.4)
TRUTH = NextToken.Params(TABLE)
REPLICATES, GENERATIONS = 20_000, 3


def both(family, params, truth):
    risk = metrics.squared_error(family, params, truth)
    return jnp.stack([risk, metrics.concentration(family, params, truth)])


def process(sizes=40, family=None, **parts):
    return mc.RecursiveTraining(family=family or NextToken(4, weights=WEIGHTS), sizes=sizes, **parts)


def simulated(made, truth=TRUTH, seed=0, replicates=REPLICATES):
    record = {"x": mc.Record(both, reduce=mc.Keep())}
    options = {"generations": GENERATIONS, "replicates": replicates}
    return values(made, truth, record=record, seed=seed, **options)


def laws(made, truth=TRUTH):
    described = setting(made, mc.Truth(made.family, truth), GENERATIONS, "real")
    found = {p.quantity: p.values for p in predictions(described) if p.law.kind == "exact"}
    return np.stack([found["squared_error"], found["concentration"]], axis=1)


def assert_lawful(made, mutant):
    found = simulated(made)
    assert_agrees(*moments(found), laws(made))
    assert_law_rejected(found[:, -1, 0], float(laws(mutant)[-1, 0]))


MIXTURE = mc.sources.Mixture(0.3)
SPLIT = mc.sources.Split(12, 28)


@pytest.mark.slow
def test_fixed_counts_with_real_points_anywhere():
    """Which points are real is the luck of each point; a real share fixed in every context is another law."""
    made = process(8, source=mc.sources.Mixture(0.6), family=NextToken(4))
    found = simulated(made)
    assert_agrees(*moments(found), laws(made))
    fixed = process(8, family=NextToken(4), source=mc.sources.Mixture(0.5, counts="fixed"))
    assert_law_rejected(found[:, -1, 0], float(laws(fixed)[-1, 0]))


@pytest.mark.slow
def test_random_counts_leave_contexts_empty():
    """Ten points in four contexts: one is often unseen, and keeps its row."""
    family = NextToken(4, "random", WEIGHTS)
    assert_lawful(process(10, family=family), process(11, family=family))


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"source": MIXTURE},
        {"source": SPLIT},
        {"pool": mc.pools.All(), "source": MIXTURE},
        {"pool": mc.pools.Window(2)},
        {"pool": mc.pools.RealAndNewest()},
        {"pool": mc.pools.RealOnly(), "source": MIXTURE},
        {"estimator": mc.estimators.AddConstant(0.5)},
        {"estimator": mc.estimators.RealOnly(), "pool": mc.pools.All(), "source": SPLIT},
        {"estimator": mc.estimators.Weighted(0.6, combine="fits"), "source": mc.sources.Split(16, 24)},
        {"source": mc.sources.PastModels()},
    ],
    ids=[
        "last", "mixture", "split", "all", "window", "kept", "real", "smoothed", "oracle", "weighted", "past",
    ],
)  # fmt: skip
def test_every_regime_follows_its_law(parts):
    family = NextToken(4) if "Weighted" in str(parts) else None
    larger = dict(parts)
    if isinstance(parts.get("source"), mc.sources.Split):
        larger["source"] = mc.sources.Split(20, 28)
    assert_lawful(process(family=family, **parts), process(48, family=family, **larger))


@pytest.mark.slow
def test_debiased_proportions_follow_their_law():
    made = process(400, source=MIXTURE, estimator=mc.estimators.Debiased())
    found = simulated(made)
    truth_risk = np.sum(TABLE * (1 - TABLE) / (400 * np.array(WEIGHTS)[:, None]))
    assert_agrees(*moments(found[:, 0, 0]), truth_risk)
    law = laws(made)
    assert np.all(np.isfinite(law))
    assert_agrees(*moments(found), law)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pool", [lambda n: mc.pools.Newest(), mc.pools.Subsample], ids=["newest", "subsample"]
)
def test_counts_and_rows_have_one_law(pool):
    family = NextToken(4, "random", WEIGHTS)

    def drawn(size, seed, **parts):
        return simulated(
            process(size, family=family, source=MIXTURE, pool=pool(size - 5), **parts), seed=seed
        )

    rows = drawn(40, 1, path="rows")
    assert_agrees(*moments(drawn(40, 2)), *moments(rows))
    assert_mutant_seen(drawn(45, 2), rows)


@pytest.mark.slow
def test_a_subsample_is_one_of_all_contexts_together():
    """No law is known; but a budget of all points so far is no subsample, and half of them is one."""
    every = simulated(process(pool=mc.pools.All()), seed=1)
    budget = [40 * (t + 1) for t in range(GENERATIONS + 1)]
    same = simulated(process(pool=mc.pools.Subsample(budget)), seed=1)
    np.testing.assert_array_equal(same, every)
    half = simulated(process(pool=mc.pools.Subsample(40)), seed=1)
    assert half[:, -1, 0].mean() > 1.3 * every[:, -1, 0].mean()


@pytest.mark.slow
def test_a_run_is_compared_with_its_laws():
    record = {
        name: mc.Record(getattr(metrics, name))
        for name in ("squared_error", "support", "single_symbol", "alive")
    }
    run = mc.simulate(
        process(40), TRUTH, key=jax.random.key(0), generations=30, replicates=2000, record=record
    )
    report = run.compare()
    said = {v.law.name for v in report if v.law.kind == "exact"}
    assert said == {"contexts-multinomial-recursion-iid", "contexts-replacement-survival"}
    assert not report.violated
    assert run["alive"].mean.shape == (31, 4, 3) and run.to_xarray() is not None


def test_one_context_is_a_categorical_model():
    """The same counts are fitted to the same tables, and are measured alike."""
    one, many = Categorical(), NextToken(1)
    counts = jnp.array([3, 0, 5], jnp.int32)
    old = jnp.array([0.2, 0.3, 0.5])
    table, status = one.maximum_likelihood(Counts(counts), Categorical.Params(old))
    tables, statuses = many.maximum_likelihood(Counts(counts[None]), NextToken.Params(old[None]))
    np.testing.assert_array_equal(tables.probabilities[0], table.probabilities)
    assert status == statuses == Status.OK
    real = mc.Truth(one, Categorical.Params(old)), mc.Truth(many, NextToken.Params(old[None]))
    for name in (
        "squared_error", "chi_square", "total_variation", "hellinger", "kl_divergence", "entropy",
        "concentration", "support", "single_symbol",
    ):  # fmt: skip
        metric = getattr(metrics, name)
        np.testing.assert_allclose(
            metric(many, tables, real[1]), metric(one, table, real[0]), rtol=1e-6, err_msg=name
        )


def test_distances_are_those_of_context_and_token_together():
    family, model = NextToken(4, weights=WEIGHTS), NextToken.Params(jnp.asarray(np.roll(TABLE, 1, axis=0)))
    truth = mc.Truth(family, NextToken.Params(jnp.asarray(TABLE)))
    joint = [np.asarray(WEIGHTS)[:, None] * t for t in (np.roll(TABLE, 1, axis=0), TABLE)]
    p, q = (t.ravel() for t in joint)
    expected = {
        "chi_square": np.sum((p - q) ** 2 / q),
        "total_variation": 0.5 * np.abs(p - q).sum(),
        "hellinger": np.sqrt(1 - np.sqrt(p * q).sum()),
        "kl_divergence": np.sum(p * np.log(p / q)),
        "squared_error": np.sum((np.roll(TABLE, 1, axis=0) - TABLE) ** 2),
        "support": 12,
        "single_symbol": 0,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(
            getattr(metrics, name)(family, model, truth), value, rtol=1e-5, err_msg=name
        )


def test_a_context_without_points_keeps_its_row():
    family, old = NextToken(3), NextToken.Params(jnp.array([[0.5, 0.5], [0.1, 0.9], [0.3, 0.7]]))
    counts = Counts(jnp.array([[4, 0], [0, 0], [1, 3]], jnp.int32))
    fitted, status = family.maximum_likelihood(counts, old)
    np.testing.assert_allclose(fitted.probabilities, [[1, 0], [0.1, 0.9], [0.25, 0.75]])
    assert status == Status.OK
    first, _ = family.maximum_likelihood(counts, jax.jit(lambda: family.blank(old, None))())
    np.testing.assert_allclose(first.probabilities, [[1, 0], [0.5, 0.5], [0.25, 0.75]])
    kept, status = family.maximum_likelihood(counts.zero(), old)
    np.testing.assert_array_equal(kept.probabilities, old.probabilities)
    assert status == Status.TOO_FEW_POINTS
    single = Counts(jnp.array([[4, 0], [0, 1], [0, 3]], jnp.int32))
    assert family.maximum_likelihood(single, old)[1] == Status.DEGENERATE


@pytest.mark.parametrize("weights", [None, (0.1, 0.2, 0.7), (0.3, 0.3, 0.4)])
def test_points_are_shared_out_as_theory_says(weights):
    family = NextToken(3, weights=weights)
    sizes = np.array([3, 10, 30, 100, 1000, 16_777_215])
    ours = np.asarray(jax.vmap(family.shared_out)(jnp.asarray(sizes, jnp.int32)))
    theirs = law_of_contexts.shared_out(sizes, np.array(family.shares))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(np.sum(ours, axis=1), sizes)
    assert np.all(np.abs(ours - sizes[:, None] * np.array(family.shares)) < 1)
    if weights == (0.1, 0.2, 0.7):
        np.testing.assert_array_equal(ours[1:5], np.outer([1, 3, 10, 100], [1, 2, 7]))


def test_decoders_act_in_every_context():
    family, now = NextToken(4), jnp.asarray(1, jnp.int32)
    params = NextToken.Params(jnp.asarray(TABLE))
    for decoder in (mc.decoders.Top(2), mc.decoders.Nucleus(0.55), mc.decoders.Temperature(0.5)):
        planned = decoder.planned(2)
        together = planned.decode(family, params, now).probabilities
        for row, found in zip(TABLE, together, strict=True):
            one = planned.decode(Categorical(), Categorical.Params(jnp.asarray(row)), now).probabilities
            np.testing.assert_allclose(found, one, rtol=1e-6)


def test_tables_of_a_text():
    tokens = [0, 1, 0, 0, 1, 1, 0, 1, 0, 0]
    np.testing.assert_allclose(
        NextToken.Params.from_data(tokens).probabilities, [[2 / 5, 3 / 5], [3 / 4, 1 / 4]]
    )
    pairs = NextToken.Params.from_data(tokens, length=2).probabilities
    np.testing.assert_allclose(pairs, [[0, 1], [2 / 3, 1 / 3], [2 / 3, 1 / 3], [1, 0]])
    standard = NextToken.Params.standard().probabilities
    assert standard.shape == (81, 3) and np.allclose(
        np.sort(standard, axis=1)[:, ::-1], [6 / 11, 3 / 11, 2 / 11]
    )


@pytest.mark.slow
def test_a_specification_of_next_tokens():
    from mcollapse.spec import Specification

    family = {"name": "next-token", "contexts": 3, "counts": "random", "weights": [0.2, 0.3, 0.5],
              "truth": {"probabilities": [[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]}}  # fmt: skip
    made = Specification.parse({"generations": 1, "replicates": 2, "family": family, "sizes": 30})
    assert made.family == NextToken(3, "random", (0.2, 0.3, 0.5))
    assert made.truth.probabilities.shape == (3, 2)
