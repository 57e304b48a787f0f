"""N-gram models of real text: what is written follows the text's own law, word after word."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import mcollapse as mc
from mcollapse import metrics
from mcollapse.datasets import Corpus, help_topics
from mcollapse.families import MarkovText
from mcollapse.random import Key
from mcollapse.status import Status
from tests.helpers import values
from tests.statistical import assert_agrees, moments

NOW = jnp.asarray(1, jnp.int32)
SENTENCES = "a b c a b b a c c a b a a b c b a b c a d a b c".split()
WORDS = help_topics().sequence


def naive(words, order):
    """All n-grams by a dictionary."""
    return Counter(tuple(words[i : i + order + 1]) for i in range(len(words) - order))


def named(family, words):
    names = np.unique(np.asarray(words))
    return [tuple(names[row]) for row in family.table.words]


@pytest.mark.parametrize("order", [1, 2, 5])
def test_the_table_is_that_of_a_dictionary(order):
    words = WORDS[:4000]
    family, expected = MarkovText.fitted(words, order), naive(words, order)
    table = family.table
    grams = named(family, words)
    assert dict(zip(grams, table.counts.tolist(), strict=True)) == expected
    names = [gram[:-1] for gram in grams]
    assert [names[start] for start in table.first[:-1]] == sorted(set(names))
    for i in range(0, table.number, 97):
        inside = slice(*table.first[table.context[i] : table.context[i] + 2])
        assert set(names[inside]) == {names[i]} and names.count(names[i]) == inside.stop - inside.start
        next_context = grams[i][1:]
        if table.following[i] < 0:
            assert next_context not in names
        else:
            assert names[table.first[table.following[i]]] == next_context


def written(family, params, count, seed=0):
    """The n-grams of a text of `count` of them, in order."""
    draw = jax.jit(lambda key: family.sample(Key.of(key, 1), params, count, count).rows)
    return np.asarray(draw(jax.random.key(seed)))


def p_values(family, rows, weights):
    """Of the next word in every context, Pearson's statistic over all contexts together."""
    table, counts = family.table, np.bincount(rows, minlength=family.table.number)
    totals = np.bincount(table.context, counts, table.contexts)
    mass = np.bincount(table.context, weights, table.contexts)
    expected = totals[table.context] * weights / mass[table.context]
    enough = (expected >= 5) & (weights > 0)
    full = np.bincount(table.context, enough, table.contexts) == np.diff(table.first)
    used = full[table.context] & (np.diff(table.first) > 1)[table.context]
    assert used.sum() > 5
    statistic = np.sum((counts - expected)[used] ** 2 / expected[used])
    freedom = used.sum() - len(np.unique(table.context[used]))
    return float(stats.chi2.sf(statistic, freedom))


@pytest.mark.parametrize("order, words", [(1, SENTENCES), (2, SENTENCES), (1, WORDS[:3000])])
def test_the_next_word_follows_its_law(order, words):
    family = MarkovText.fitted(words, order, sentence=20)
    truth = family.standard_truth()
    rows = written(family, jax.tree.map(jnp.asarray, truth), 60_000)
    assert p_values(family, rows, truth.weights) > 1e-6
    # one more of each n-gram would be another law
    assert p_values(family, rows, truth.weights + 1) < 1e-6


def test_sentences_go_on_where_they_can():
    """Neighbours overlap; a new sentence starts after `sentence` words, or where nothing follows."""
    family = MarkovText.fitted(WORDS[:3000], 2, sentence=12)
    table, rows = family.table, written(family, jax.tree.map(jnp.asarray, family.standard_truth()), 5000)
    steps = 10
    within = np.flatnonzero(np.arange(len(rows) - 1) % steps != steps - 1)
    followed = table.following[rows[within]]
    onward = table.context[rows[within + 1]] == followed
    assert np.all(onward | (followed < 0)) and onward.mean() > 0.9
    apart = np.flatnonzero(np.arange(len(rows) - 1) % steps == steps - 1)
    assert np.mean(table.context[rows[apart + 1]] == table.following[rows[apart]]) < 0.1


def test_sentences_start_uniformly_among_contexts_that_are_known():
    family = MarkovText.fitted(SENTENCES, 1, sentence=3)
    weights = np.where(family.table.context == 1, 0.0, family.table.counts)
    rows = written(family, MarkovText.Params(jnp.asarray(weights)), 40_000)
    assert np.all(weights[rows] > 0)
    starts = np.bincount(family.table.context[rows[::2]], minlength=family.table.contexts)
    known = np.bincount(family.table.context, weights, family.table.contexts) > 0
    assert np.all(starts[~known] == 0) and known.sum() == 3
    assert stats.chisquare(starts[known]).pvalue > 1e-6
    # in proportion to how often they occur, they would not be uniform
    often = np.bincount(family.table.context, weights)[known]
    assert stats.chisquare(starts[known], starts.sum() * often / often.sum()).pvalue < 1e-6


def test_a_context_without_successors_ends_the_sentence():
    """After "d" nothing is known any more: the next n-gram starts anywhere else."""
    family = MarkovText.fitted(SENTENCES, 1, sentence=50)
    names = named(family, SENTENCES)
    weights = np.array([0.0 if gram[0] == "d" else 1.0 for gram in names])
    rows = written(family, MarkovText.Params(jnp.asarray(weights)), 5000)
    ends = np.flatnonzero([names[row][-1] == "d" for row in rows[:-1]])
    assert len(ends) > 50
    assert {names[row][0] for row in rows[ends + 1]} == {"a", "b", "c"}


def test_what_is_not_written_is_forgotten():
    """Support and words only shrink; with real points they can come back."""
    family = MarkovText.fitted(WORDS[:3000], 1)
    process = mc.RecursiveTraining(family=family, sizes=3000)
    record = {
        "x": mc.Record(
            lambda f, p, t: jnp.stack([metrics.support(f, p, t), metrics.distinct_words(f, p, t)]),
            reduce=mc.Keep(),
        )
    }
    found = values(
        process, family.standard_truth(), record=record, generations=6, replicates=16, start="truth"
    )
    assert np.all(np.diff(found, axis=1) <= 0) and np.all(found[:, -1] < 0.7 * found[:, 0])
    assert np.all(found[:, 0, 0] == family.table.number) and np.allclose(found[:, 0, 1], 1.0)
    assert np.std(found[:, -1, 0]) > 0


def test_a_fit_counts_and_keeps():
    family = MarkovText.fitted(SENTENCES, 1)
    truth = jax.tree.map(jnp.asarray, family.standard_truth())
    rows = family.sample(Key.of(jax.random.key(1), 3), truth, 30, 64)
    counts = family.statistics(rows, truth)
    np.testing.assert_array_equal(counts.counts, np.bincount(rows.rows[:30], minlength=family.table.number))
    fitted, status = family.maximum_likelihood(counts, truth)
    np.testing.assert_array_equal(fitted.weights, counts.counts)
    kept, worse = family.maximum_likelihood(counts.zero(), truth)
    np.testing.assert_array_equal(kept.weights, truth.weights)
    assert (status, worse) == (Status.OK, Status.TOO_FEW_POINTS)
    present = set(
        "".join("".join(gram) for gram, n in zip(named(family, SENTENCES), counts.counts, strict=True) if n)
    )
    np.testing.assert_allclose(family.distinct_words(fitted), len(present) / 4)
    np.testing.assert_allclose(jnp.sum(family.probabilities(fitted)), 1.0, rtol=1e-6)


def test_temperature_sharpens_every_context():
    family = MarkovText.fitted(SENTENCES, 1)
    truth = jax.tree.map(jnp.asarray, family.standard_truth())
    cold = mc.decoders.Temperature(0.5).planned(1).decode(family, truth, NOW).weights
    context, counts = family.table.context, family.table.counts
    for c in range(family.table.contexts):
        ours, squares = np.asarray(cold)[context == c], counts[context == c].astype(float) ** 2
        np.testing.assert_allclose(ours / ours.sum(), squares / squares.sum(), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "source", [mc.sources.Mixture(0.3), mc.sources.Split(500, 500)], ids=["mixture", "split"]
)
@pytest.mark.parametrize(
    "pool",
    [mc.pools.All(), mc.pools.Subsample(800), mc.pools.RealAndNewest()],
    ids=["all", "subsample", "kept"],
)
def test_every_pool_takes_text(source, pool):
    family = MarkovText.fitted(WORDS[:2000], 2)
    process = mc.RecursiveTraining(family=family, sizes=1000, source=source, pool=pool)
    support = values(
        process, family.standard_truth(), record={"x": mc.Record(metrics.support, reduce=mc.Keep())}
    )
    assert np.all(support > 100) and np.all(support <= family.table.number)


@pytest.mark.slow
def test_smoothing_and_weights():
    family = MarkovText.fitted(WORDS[:1000], 1)
    record = {"x": mc.Record(metrics.support, reduce=mc.Keep())}
    for estimator in (mc.estimators.AddConstant(0.1), mc.estimators.Weighted(0.5)):
        process = mc.RecursiveTraining(
            family=family, sizes=1000, estimator=estimator, source=mc.sources.Split(400, 600)
        )
        support = values(process, family.standard_truth(), record=record, generations=2)
        everything = isinstance(estimator, mc.estimators.AddConstant)
        assert np.all((support == family.table.number) == everything)


@pytest.mark.slow
def test_a_specification_of_a_text(tmp_path):
    from mcollapse.spec import Specification

    (tmp_path / "book.txt").write_text("The cat sat. The cat ran, the dog sat; a dog ran.")
    family = {"name": "markov-text", "order": 2, "truth": {"text": "book.txt"}}
    made = Specification.parse({"generations": 1, "replicates": 2, "family": family, "sizes": 12}, tmp_path)
    words = Corpus.from_text((tmp_path / "book.txt").read_text()).sequence
    assert made.family.order == 2 and made.family.sentence == 50
    np.testing.assert_array_equal(made.truth.weights, MarkovText.fitted(words, 2).table.counts)
    run = mc.simulate(made.process, made.truth, key=jax.random.key(0), generations=1, replicates=2)
    assert run["distinct_words"].mean.shape == (2,)
    assert {v.law.name for v in run.compare()} == {"markov-text-forgetting"}


@pytest.mark.slow
def test_sentences_of_rows_begin_where_the_real_points_end():
    """Rows of a batch are sentences as well: the share of an n-gram is that of the statistics path."""
    words = "a b c a b d a c b a d c b a b c d a".split()
    family = MarkovText.fitted(words, sentence=20)
    found = []
    for i, path in enumerate(("statistics", "rows")):
        process = mc.RecursiveTraining(
            family=family, sizes=19, source=mc.sources.Mixture(0.5, counts="fixed"), path=path
        )
        record = {"x": mc.Record(mc.metrics.probabilities, reduce=mc.Keep())}
        run = mc.simulate(
            process,
            family.standard_truth(),
            key=jax.random.key(i),
            generations=2,
            replicates=20_000,
            record=record,
        )
        found.append(run["x"].values)
    assert_agrees(*moments(found[0]), *moments(found[1]))
