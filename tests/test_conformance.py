"""The conformance matrix: every family with every source and every pool keeps the contracts, or is refused.

What runs is scanned, batched and compiled once; its statistics and its rows have one law; and no law of
theory is violated. The default run takes a diagonal of the families, of which each fifth is run; the slow one takes all.
"""

import itertools

import pytest

from mcollapse import testing
from tests.instances import FAMILIES, POOLS, SOURCES, process

GENERATIONS, REPLICATES = 3, 2000


def diagonal() -> set[tuple[str, str, str]]:
    """Each family once, so that sources and pools come in turn."""
    sources, pools = list(SOURCES), list(POOLS)
    chosen = set()
    for i, (name, one) in enumerate(FAMILIES.items()):
        left = [source for source in sources[i % 6 :] + sources[: i % 6] if source not in one.refuses]
        # a step of the pools that is no multiple of that of the sources, so that pairs differ
        kept = [pool for pool in pools[5 * i % 6 :] + pools[: 5 * i % 6] if pool not in one.refuses]
        chosen.add((name, left[0], kept[0]))
    return chosen


QUICK = sorted(diagonal())[::5]
ALL = list(itertools.product(FAMILIES, SOURCES, POOLS))


@pytest.mark.parametrize("family, source, pool", QUICK)
def test_one_replicate(family, source, pool):
    truth = FAMILIES[family].truth
    testing.check_process(process(family, source, pool), truth, generations=GENERATIONS, replicates=0)


@pytest.mark.slow
@pytest.mark.parametrize("family, source, pool", ALL)
def test_the_matrix(family, source, pool):
    one = FAMILIES[family]
    if {source, pool} & one.refuses:
        with pytest.raises(ValueError):
            process(family, source, pool).planned(GENERATIONS, truth=one.truth)
        return
    testing.check_process(
        process(family, source, pool), one.truth, generations=GENERATIONS, replicates=REPLICATES
    )


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_families_of_ours(family):
    one = FAMILIES[family]
    testing.check_family(one.family, one.truth, size=40)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("family", ["categorical", "gaussian"])
def test_sources_of_ours(family, source):
    one = FAMILIES[family]
    testing.check_source(SOURCES[source](32), one.family, one.truth)


@pytest.mark.slow
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("family", ["categorical", "gaussian"])
def test_pools_of_ours(family, pool):
    one = FAMILIES[family]
    testing.check_pool(POOLS[pool](20), one.family, one.truth)
