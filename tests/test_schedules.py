"""Schedules: evaluated on the host in float64, rounded, clipped and checked by what they stand for."""

import numpy as np
import pytest

from mcollapse.schedules import (
    Arithmetic,
    Constant,
    Geometric,
    Piecewise,
    Power,
    Table,
    counts,
    shares,
    sizes,
)


def test_sizes_are_rounded_down_in_float64():
    assert sizes(Power(500, 1.0, 1)).table(4).tolist() == [500, 1000, 1500, 2000, 2500]
    assert sizes(Power(500, 0.5, 1)).table(3).tolist() == [500, 707, 866, 1000]
    expected = [int(np.floor(500 * np.float64(1.02) ** t)) for t in range(201)]
    assert sizes(Geometric(500, 1.02)).table(200).tolist() == expected
    assert sizes(100).table(2).tolist() == [100, 100, 100]
    assert sizes([5, 6, 7]).table(2).dtype == np.int32


def test_lines_and_pieces():
    assert sizes(Arithmetic(10, 2.5)).table(3).tolist() == [10, 12, 15, 17]
    assert counts(Arithmetic(2, -1)).table(2).tolist() == [2, 1, 0]
    assert sizes(Piecewise([0, 2, 5], [7, 3, 9])).table(6).tolist() == [7, 7, 3, 3, 3, 9, 9]
    assert shares(Piecewise([0, 3], [1.0, 0.25])).table(4).tolist() == [1.0, 1.0, 1.0, 0.25, 0.25]


@pytest.mark.parametrize(
    "starts, values, word",
    [([0, 2], [1], "2 starts and 1 values"), ([1, 2], [1, 2], "from 0 on"), ([0, 2, 2], [1, 2, 3], "rise"),
     ([0, 1.5], [1, 2], "1.5")],
)  # fmt: skip
def test_pieces_that_do_not_fit(starts, values, word):
    with pytest.raises(ValueError, match=word):
        Piecewise(starts, values)


def test_a_share_of_a_piece_lies_in_its_range():
    with pytest.raises(ValueError, match="2"):
        shares(Piecewise([0, 3], [1.0, 2.0]))


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
