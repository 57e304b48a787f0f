"""The mutants' own mutants."""

import pytest

from .goodness import assert_seen


@pytest.mark.parametrize("whole", [7.0, 14.0, 40.0, 1000.0])
@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_an_effect_of_any_size_is_brought_into_the_window(whole, power):
    assert_seen(lambda strength: whole * strength**power)


@pytest.mark.parametrize(
    "effect", [lambda strength: 5.9, lambda strength: float("inf"), lambda strength: 40.0 * (strength > 0.5)]
)
def test_too_small_an_effect_or_none_of_ordinary_size_is_an_error(effect):
    with pytest.raises(AssertionError, match="standard errors at strength"):
        assert_seen(effect)
