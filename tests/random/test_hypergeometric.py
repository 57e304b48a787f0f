import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from mcollapse import random
from mcollapse.random.hypergeometrics import _from_words

from .goodness import (
    assert_counts_fit,
    assert_fits,
    assert_seen,
    blurred,
    cell_fit,
    count_fit,
    exact_counts,
    many,
    moment_fit,
    sampler,
    score,
    shorter,
    words,
)

counts = sampler(lambda key, urn: random.hypergeometric(key, 1, *urn))
tables = sampler(lambda key, urn: random.multivariate_hypergeometric(key, 1, *urn))
by_words = jax.jit(jax.vmap(_from_words, in_axes=(0, None, None, None)))

# Good, bad, draws: small, skew, of variance just below and above 8, large.
URNS = [
    *[(1, 1, 1), (2, 3, 2), (5, 5, 5), (3, 4, 6), (10, 20, 8), (20, 10, 25), (60, 60, 62), (64, 65, 63)],
    *[(66, 66, 66), (100, 400, 40), (400, 100, 460), (10, 10**6, 5 * 10**5), (40, 10**6, 5 * 10**5)],
    *[
        (1000, 4000, 500),
        (10**5, 10**6, 10**4),
        (8 * 10**6, 8 * 10**6, 8 * 10**6),
        (7000, 16 * 10**6, 20_000),
    ],
]


@pytest.mark.parametrize("urn", URNS)
def test_hypergeometrics(urn):
    good, bad, draws = urn
    assert_counts_fit(counts(*urn), stats.hypergeom(good + bad, good, draws))


@pytest.mark.parametrize("urn", [(5, 5, 5), (66, 66, 66), (100, 400, 100), (1000, 4000, 500)])
def test_replacement_would_be_seen(urn):
    good, bad, draws = urn
    sample, wrong = counts(*urn), stats.binom(draws, good / (good + bad))
    assert_seen(lambda strength: score(count_fit(shorter(sample, strength), wrong)))


@pytest.mark.parametrize("urn", URNS)
def test_counts_are_the_exact_quantiles_of_their_words(urn):
    good, bad, draws = urn
    bits, fine, _ = words(20_000)
    count = np.asarray(by_words(bits, *(jnp.int32(number) for number in urn))).astype(np.int64)
    rarer, drawn = min(good, bad), min(draws, good + bad - draws)
    total = good + bad
    mean = drawn * rarer / total
    variance = mean * (1 - rarer / total) * (total - drawn) / (total - 1)
    law = stats.hypergeom(total, rarer, drawn)
    exact = exact_counts(law, mean, variance, blurred(bits) if variance >= 8 else fine)
    exact = drawn - exact if good > bad else exact
    exact = good - exact if draws > good + bad - draws else exact
    assert np.abs(count - exact).max() <= 1
    assert (count != exact).mean() < 1e-3
    assert (count != np.roll(exact, 1)).mean() > 1e-3


@pytest.mark.parametrize(
    "urn, answer",
    [
        *[((0, 0, 0), 0), ((0, 0, 5), 0), ((3, 0, 2), 2), ((0, 3, 2), 0), ((3, 4, 0), 0), ((3, 4, 7), 3)],
        *[
            ((3, 4, 99), 3),
            ((2**23, 2**23, 2**24), 2**23),
            ((-3, 4, 2), 0),
            ((3, 4, -1), 0),
            ((2**24, 0, 9), 9),
        ],
    ],
)
def test_certain_counts(urn, answer):
    assert (counts(*urn) == answer).all()


URN = np.array([0, 5, 12, 0, 1, 30, 0], np.int32)

# Draws and urn: one and all but one, categories of none, a single thing, most of all, large counts.
TABLES = [
    *[(n, tuple(URN.tolist())) for n in (1, 2, 10, 24, 47)],
    *[(1, (1, 1, 0, 0, 0, 0, 0)), (6, (0, 0, 0, 0, 0, 6, 6)), (3, (1, 1, 1, 1, 1, 1, 1))],
    *[(50, (20, 20, 20, 20, 20, 20, 20)), (100, (100, 0, 1, 3, 90, 0, 7)), (30, (1000, 2, 40, 0, 0, 300, 5))],
    *[(500, (4000, 700, 200, 0, 60, 30, 10)), (4900, (4000, 700, 200, 0, 60, 30, 10))],
    *[
        (10**4, (10**6, 0, 10**5, 10**4, 0, 0, 100)),
        (8 * 10**6, (8 * 10**6, 4 * 10**6, 0, 10**6, 0, 3 * 10**6, 9)),
    ],
]


def assert_table(sample: np.ndarray, n: int, table: tuple[int, ...], change: float = 0.1) -> None:
    """The sum, the laws of some categories and of sums of some, and of a million all means and covariances."""
    urn = np.array(table)
    total, kept = urn.sum(), np.flatnonzero(urn)
    assert sample.dtype == np.int32 and (sample.sum(1) == n).all()
    assert (sample >= 0).all() and (sample <= urn).all()
    for part in (kept[:1], kept[-1:], kept[: (kept.size + 1) // 2]):
        assert_counts_fit(sample[:, part].sum(1), stats.hypergeom(total, urn[part].sum(), n), shift=change)

    def fit(law):
        p, replaced = law
        covariance = n * (np.diag(p) - np.outer(p, p)) * (1 - (1 - replaced) * (n - 1) / (total - 1))
        return moment_fit(sample[: 10**6, kept], n * p, covariance)

    p = urn[kept] / total
    deviation = np.sqrt(n * (total - n) / (total - 1) * p * (1 - p))[:2].max() / n
    moved = change * deviation * (np.eye(kept.size)[0] - np.eye(kept.size)[1])
    assert_fits(fit, (p, 0), lambda strength: (p + strength * moved, 0))
    # One draw is with or without, and of half an urn the square of a single ball is certain.
    if n > 1 and 20 * n > total and not (2 * n == total and 1 in table):
        replaced = min(1, 10 * change * (total - n) / (n - 1))
        assert_seen(lambda strength: score(fit((p, replaced * strength))))


@pytest.mark.parametrize("n, table", TABLES)
def test_multivariate(n, table):
    assert_table(tables(n, np.array(table, np.int32)), n, table)


def test_all_or_none_or_more_than_there_is():
    assert (tables(0, URN) == 0).all() and (tables(-1, URN) == 0).all() and (tables(9, -URN) == 0).all()
    assert (tables(48, URN) == URN).all()
    assert (tables(1000, URN) == URN).all()
    assert (tables(5, 0 * URN) == 0).all()


def test_every_small_table_has_its_probability():
    urn = np.array([2, 3, 2], np.int32)
    sample = tables(3, np.concatenate([urn, np.zeros(4, np.int32)]))[:, :3]
    every = [(a, b, 3 - a - b) for a in range(3) for b in range(4) if 0 <= 3 - a - b <= 2]
    observed = np.array([(sample == table).all(1).sum() for table in every])
    assert observed.sum() == len(sample)
    expected = len(sample) * stats.multivariate_hypergeom(urn, 3).pmf(every)
    replaced = len(sample) * stats.multinomial(3, urn / 7).pmf(every)

    def mixed(strength):
        return (1 - strength) * expected + strength * replaced

    assert_fits(lambda law: cell_fit(observed, law), expected, mixed)


@pytest.mark.slow
@pytest.mark.parametrize("urn", URNS)
def test_many_hypergeometrics(urn):
    good, bad, draws = urn
    sample = many(counts, *urn, batches=20)
    assert_counts_fit(sample, stats.hypergeom(good + bad, good, draws), shift=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("n, table", TABLES)
def test_many_tables(n, table):
    assert_table(many(tables, n, np.array(table, np.int32)), n, table, change=0.01)
