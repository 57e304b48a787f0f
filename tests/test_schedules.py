"""Schedules: evaluated on the host in float64, rounded, clipped and checked by what they stand for."""

import numpy as np
import pytest

from mcollapse.schedules import Constant, Geometric, Power, Table, counts, shares, sizes


def test_sizes_are_rounded_down_in_float64():
    assert sizes(Power(500, 1.0, 1)).table(4).tolist() == [500, 1000, 1500, 2000, 2500]
    assert sizes(Power(500, 0.5, 1)).table(3).tolist() == [500, 707, 866, 1000]
    expected = [int(np.floor(500 * np.float64(1.02) ** t)) for t in range(201)]
    assert sizes(Geometric(500, 1.02)).table(200).tolist() == expected
    assert sizes(100).table(2).tolist() == [100, 100, 100]
    assert sizes([5, 6, 7]).table(2).dtype == np.int32


def test_a_product_that_float64_cannot_hold_is_not_rounded_down_a_whole_point():
    assert sizes(Constant(0.29 * 100)).table(1).tolist() == [29, 29]
    assert sizes(28.99).table(1).tolist() == [28, 28]


def test_shares_are_clipped():
    table = shares(Power(1.0, -0.5)).table(4)
    np.testing.assert_allclose(table[1:], [1, 2**-0.5, 3**-0.5, 0.5])
    assert shares(Power(3.0, -1.0)).table(3).max() == 1.0
    assert np.all(np.isfinite(table))


def test_counts_may_be_zero_but_sizes_not():
    assert counts([0, 3]).table(1).tolist() == [0, 3]
    with pytest.raises(ValueError, match="at least 1"):
        sizes([0, 3]).table(1)
    assert sizes([0, 3]).table(1, start="truth")[1] == 3


def test_planned_schedules_are_tables_of_the_same_values():
    schedule = sizes(Power(10, 2.0, 1))
    planned = schedule.planned(5)
    assert isinstance(planned, Table) and planned.role == "size"
    assert planned.table(5).tolist() == schedule.table(5).tolist()


def test_numbers_are_leaves():
    import jax

    assert len(jax.tree.leaves(Power(1.0, 2.0, 3.0))) == 3
