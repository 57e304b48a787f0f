"""Whole numbers that a user gives: how many dimensions, points or generations."""

from typing import Any

import numpy as np


def whole(value: object) -> Any:
    """A Python int of a numpy one, which would be a leaf; everything else as it is."""
    return int(value) if isinstance(value, np.integer) else value


def is_whole(value: object, least: int = 1) -> bool:
    """Whether a value is a Python int, no boolean, and at least so large."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_whole(
    name: str, value: object, least: int = 1, of: str = "", optional: bool = False, remedy: str = ""
) -> None:
    """Refuse what is no whole number of at least `least`; `None` is one where it is optional."""
    if is_whole(value, least) or (optional and value is None):
        return
    unit, absent = f" of {of}" if of else "", ", or None" if optional else ""
    raise ValueError(f"{name} is a whole number{unit} of at least {least}{absent}, got {value!r}{remedy}")
