"""The sketch of quantiles: its bound for values of every kind, against numpy on the values themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.recording import QuantilesEntry
from mcollapse.recording.float_bins import FloatBins
from tests.helpers import python

LANES, SHARES = 1024, (0.0, 0.001, 0.05, 0.25, 1 / 3, 0.5, 0.9, 0.975, 0.9999, 1.0)
RNG = np.random.default_rng(7)
TINY = float(np.finfo(np.float32).smallest_normal)


def some(*values):
    return np.resize(np.asarray(values, np.float32), LANES)


def signs():
    return RNG.choice([-1.0, 1.0], LANES)


VALUES = {
    "normal": RNG.normal(size=LANES),
    "of a wide law": np.exp(20 * RNG.normal(size=LANES)) * signs(),
    "every binary order": np.ldexp(RNG.uniform(1, 2, LANES), RNG.integers(-126, 128, LANES)) * signs(),
    "the largest there are": some(3.4028235e38, -3.4028235e38, 1e38, 0.0),
    "subnormal": some(1e-40, -1e-40, 1.4e-45, 1.0, -1.0),
    "around the smallest": some(TINY, -TINY, TINY * 1.01, 0.0, -0.0),
    "powers of two": np.ldexp(1.0, RNG.integers(-60, 60, LANES)) * signs(),
    "just below powers of two": np.nextafter(np.ldexp(np.float32(1), RNG.integers(-60, 60, LANES)), np.float32(0)),
    "bin edges": FloatBins.within(0.01, np.dtype(np.float32)).edges(RNG.integers(-16256, 16256, LANES))[0],
    "ties": RNG.choice([-2.5, -1.01, 0.0, 1.01, 3.3], LANES),
    "one value": some(0.7),
    "zeros": some(0.0),
    "with no numbers": some(np.nan, np.inf, -np.inf, 1.0, -2.0, 3.0, 5.0),
    "nothing finite": some(np.nan, np.inf, -np.inf),
}  # fmt: skip


def sketch(values, reducer=None, replicates=None, chunk=LANES, dtype=np.float32):
    """The entry of values `[position, lane]`, added in chunks."""
    reducer = reducer or mc.Quantiles()
    replicates = replicates or values.shape[-1]
    collector = reducer.collector(values.shape[:-1], dtype, np.arange(len(values)), replicates)
    summarise = jax.jit(reducer.summarise)
    for first in range(0, values.shape[-1], chunk):
        part = jnp.asarray(values[..., first : first + chunk], dtype)
        present = jnp.arange(first, first + chunk) < replicates
        collector.add(first, np.asarray(summarise(part, present)))
    return collector.finish()


def excess(entry, values, error):
    """The largest distance from numpy's quantiles, in units of what the sketch promises."""
    worst = 0.0
    for position, row in enumerate(values.astype(np.float64)):
        ordered = np.sort(row[np.isfinite(row)])
        if not len(ordered):
            assert np.all(np.isnan(entry.quantile(list(SHARES))[:, position]))
            continue
        place = np.asarray(SHARES) * (len(ordered) - 1)
        low = np.floor(place).astype(int)
        size = np.abs(np.stack([ordered[low], ordered[np.minimum(low + 1, len(ordered) - 1)]]))
        allowed = error * ((1 - place + low) * size[0] + (place - low) * size[1]) + TINY
        off = np.abs(entry.quantile(list(SHARES))[:, position] - np.quantile(ordered, SHARES))
        worst = max(worst, float(np.max(off / allowed)))
    return worst


@pytest.fixture(scope="module")
def table():
    with np.errstate(over="ignore", under="ignore"):
        values = np.stack(
            [
                np.clip(v, -3.4e38, 3.4028235e38).astype(np.float32) if np.all(np.isfinite(v)) else v
                for v in VALUES.values()
            ]
        )
    return values.astype(np.float32)


@pytest.mark.parametrize("error", [0.5, 0.05, 0.01, 0.001])
def test_every_quantile_is_within_the_stated_error(table, error):
    entry = sketch(table, mc.Quantiles(relative_error=error))
    assert entry.relative_error <= error
    assert excess(entry, table, error) <= 1.0 + 1e-9
    assert excess(entry, table, entry.relative_error) > 0.9  # and no better than it says


def test_a_sketch_whose_bins_are_off_breaks_the_bound(table):
    entry = sketch(table)
    off = QuantilesEntry(entry.counts, entry.lower, entry.upper * 1.01, *(entry.nan,) * 3, entry.generations)
    assert excess(off, table, 0.01) > 1.0
    fewer = FloatBins(FloatBins.within(0.01, np.dtype(np.float32)).digits - 1, np.dtype(np.float32))

    class Coarse(mc.Quantiles):
        def _bins(self):
            return fewer

    assert excess(sketch(table, Coarse()), table, 0.01) > 1.0
    shifted = QuantilesEntry(
        np.roll(entry.counts, 1, axis=-1), entry.lower, entry.upper, *(entry.nan,) * 3, entry.generations
    )
    assert excess(shifted, table, 0.01) > 1.0


def test_what_is_not_finite_is_counted_apart(table):
    entry, names = sketch(table), list(VALUES)
    for name in ("with no numbers", "nothing finite", "normal"):
        row = table[names.index(name)]
        i = names.index(name)
        assert entry.nan[i] == np.isnan(row).sum()
        assert entry.positive_infinite[i] == np.sum(row == np.inf)
        assert entry.negative_infinite[i] == np.sum(row == -np.inf)
        assert entry.count[i] == np.isfinite(row).sum()


def test_every_bin_holds_what_lies_between_its_edges():
    for digits in (0, 3, 6, 7, 8):
        bins = FloatBins(digits, np.dtype(np.float32))
        numbers = np.unique(
            np.r_[1:600, bins.last - 600 : bins.last + 1, np.geomspace(1, bins.last, 400).astype(int)]
        )
        numbers = numbers[(numbers >= 1) & (numbers <= bins.last)]
        lower, upper = bins.edges(numbers)
        np.testing.assert_array_equal(lower[1:][np.diff(numbers) == 1], upper[:-1][np.diff(numbers) == 1])
        below = np.nextafter(np.minimum(upper, 3.4028234e38).astype(np.float32), np.float32(0))
        inside = np.stack([lower.astype(np.float32), below])
        found = np.asarray(bins.number(jnp.asarray(inside)))
        assert found.dtype == (np.int16 if digits < 8 else np.int32)
        np.testing.assert_array_equal(found, np.stack([numbers, numbers]))
        np.testing.assert_array_equal(np.asarray(bins.number(jnp.asarray(-inside))), -found)
        mirrored = bins.edges(-numbers)
        np.testing.assert_array_equal(mirrored, (-upper, -lower))


def test_whole_numbers_and_truth_values_are_exact():
    counts = RNG.integers(-127, 128, (2, LANES))
    entry = sketch(counts, dtype=np.int32)
    np.testing.assert_array_equal(entry.quantile(list(SHARES)), np.quantile(counts, SHARES, axis=-1))
    large = RNG.integers(0, 10**6, (1, LANES))
    assert excess(sketch(large, dtype=np.int32), large, 0.01) <= 1.0
    truths = RNG.random((1, LANES)) < 0.3
    assert sketch(truths, dtype=bool).quantile([0.1, 0.9]).ravel().tolist() == [0.0, 1.0]


def test_counts_do_not_depend_on_the_cuts_and_leave_out_padding(table):
    whole = sketch(table, replicates=900)
    parts = sketch(table, replicates=900, chunk=128)
    np.testing.assert_array_equal(whole.counts, parts.counts)
    np.testing.assert_array_equal(whole.lower, parts.lower)
    assert np.all(whole.count + whole.nan + whole.negative_infinite + whole.positive_infinite == 900)
    assert excess(whole, table[:, :900], 0.01) <= 1.0
    np.testing.assert_array_equal(whole.quantile(0.3), sketch(table[:, ::-1][:, 124:]).quantile(0.3))


def test_a_single_replicate_is_every_quantile():
    entry = sketch(np.asarray([[3.0] * 128, [-1e-3] * 128, [np.nan] * 128], np.float32), replicates=1)
    np.testing.assert_allclose(entry.quantile([0.0, 0.4, 1.0])[:, :2], [[3.0, -1e-3]] * 3, rtol=0.01)
    assert np.all(np.isnan(entry.quantile(0.5)[2])) and entry.count.tolist() == [1, 1, 0]
    assert np.all(np.isinf(entry.interval(0.5)))


def test_intervals_hold_the_quantile_of_the_law_as_often_as_they_say():
    count, positions, level = 57, 4000, 0.8
    values = RNG.exponential(size=(positions, 128)).astype(np.float32)
    entry = sketch(values, replicates=count)
    for q in (0.5, 0.2):
        truth = -np.log1p(-q)

        def share(level, q=q, truth=truth):
            low, high = entry.interval(q, level)
            return np.mean((low <= truth) & (truth <= high))

        error = np.sqrt(level * (1 - level) / positions)
        assert level - 4 * error <= share(level) <= level + 0.1  # ranks are whole, so some more is held
        assert share(0.65) < level - 4 * error  # narrower intervals are seen to be so
    low, high = entry.interval(0.01, 0.95)
    assert np.all(low == -np.inf) and np.all(np.isfinite(high))


def test_double_precision_keeps_its_range():
    out = python(
        "import numpy as np, jax.numpy as jnp, mcollapse as mc\n"
        "x = np.asarray([[1e300, -1e300, 1e-300, 1.7976931348623157e308, 5e-324, 1.0, np.inf, np.nan]])\n"
        "x = np.concatenate([x, np.exp(np.random.default_rng(0).uniform(-700, 700, (1, 120)))], axis=1)\n"
        "for error in (0.01, 0.0005):\n"
        "    q = mc.Quantiles(error)\n"
        "    c = q.collector((1,), np.float64, np.arange(1), 128)\n"
        "    c.add(0, np.asarray(q.summarise(jnp.asarray(x), jnp.ones(128, bool))))\n"
        "    e = c.finish()\n"
        "    finite = np.sort(x[np.isfinite(x)])\n"
        "    found = e.quantile(list(np.arange(126) / 125))[:, 0]\n"
        "    assert e.relative_error <= error and e.nan == 1 and e.positive_infinite == 1\n"
        "    np.testing.assert_allclose(found, finite, rtol=error * (1 + 1e-9), atol=3e-308)\n"
        "print('held')\n",
        JAX_ENABLE_X64="1",
    )
    assert out == "held\n"
