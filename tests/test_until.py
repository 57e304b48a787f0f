"""Stopping at a precision, and runs that many processes share."""

import itertools

import jax
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.running.hosts import shares
from mcollapse.running.ranges import Ranges
from tests.helpers import GAUSSIAN, gaussian

RECORD = {
    "error": mc.Record(mc.metrics.squared_error, at=[0, 5], reduce=mc.Moments()),
    "paths": mc.Record(mc.metrics.log_variance, at=[5]),
    "hits": mc.Record(mc.metrics.squared_error, reduce=mc.HittingTime(above=0.1)),
    "first": mc.Record(mc.metrics.log_variance, reduce=mc.Keep(first=3)),
}


def run(replicates, **options):
    arguments = {"key": jax.random.key(3), "generations": 5, "record": RECORD}
    return mc.simulate(gaussian(), GAUSSIAN, replicates=replicates, **arguments, **options)


def same(first, second):
    ours, theirs = first.to_xarray(), second.to_xarray()
    return ours.drop_attrs().identical(theirs.drop_attrs())


def test_as_many_replicates_as_a_precision_needs_and_their_numbers(tmp_path):
    enough = run(mc.until("error", relative=0.01, at_most=100_000))
    entry, told = enough["error"], enough.attributes["until"]
    share = np.max(entry.standard_error / np.abs(entry.mean))
    assert 8192 < enough.replicates < 100_000 and enough.replicates % 128 == 0
    assert share <= 0.01 and np.isclose(told["reached"], share)
    # the standard error of so much fewer would be too large: no more was done than is needed
    assert share > 0.01 / np.sqrt(1.5)
    assert same(enough, run(enough.replicates))
    rough = run(mc.until("error", relative=0.02, at_most=100_000), store=tmp_path / "store")
    fine = run(mc.until("error", relative=0.01, at_most=100_000), store=tmp_path / "store", chunk=1024)
    assert rough.replicates < fine.replicates and same(run(fine.replicates), fine)


def test_what_cannot_be_reached_is_told():
    short = run(mc.until("error", relative=1e-3, at_most=10_000))
    assert short.replicates == 10_000 // 128 * 128
    assert short.attributes["until"]["reached"] > 1e-3


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_shares_are_all_that_is_left_and_no_two_write_one_file(processes):
    rng = np.random.default_rng(processes)
    for rows in (128, 512):
        edges = np.sort(rng.choice(np.arange(1, 200), 8, replace=False)) * 128
        left = Ranges(zip(edges[::2], edges[1::2], strict=True))
        first = int(edges[2]) + 128 * 3  # a chunk that is on its way through several files
        flight = (first, min(first + 128 * 9, int(edges[3])))
        together = [flight] if flight[1] > flight[0] else []
        found = shares(left - Ranges(together), together, rows, processes)
        assert sum(len(share) for share in found) == len(left)
        assert list(Ranges([r for share in found for r in share])) == list(left)
        files = [{row // rows for a, b in share for row in range(a, b, 128)} for share in found]
        assert all(not ours & theirs for ours, theirs in itertools.combinations(files, 2))
        for whole in together:
            assert sum(not len(Ranges([whole]) - share) for share in found) == 1
    many = shares(Ranges([(0, 128 * 1000)]), [], 128, processes)
    assert max(map(len, many)) - min(map(len, many)) <= 256
