"""Converters of fields: a number, a sequence or a schedule, told what it stands for."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from mcollapse.schedules.base import AbstractSchedule, Role, Table
from mcollapse.schedules.formulas import Constant, Piecewise


def as_schedule(value: object, role: Role) -> AbstractSchedule:
    """A schedule from a schedule, a number or a sequence of numbers, told what it stands for."""
    if isinstance(value, AbstractSchedule):
        if value.reads_model:
            raise ValueError(
                f"schedules.{type(value).__name__} chooses sizes as a run goes: only the sizes of a "
                "RecursiveTraining can be such; use a number, a list, or a schedule of the generation alone"
            )
        return dataclasses.replace(value, role=role)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Table(value, role=role)
    try:
        numeric = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"expected a number, a sequence of numbers or a schedule such as "
            f"schedules.Constant(100), got {value!r}"
        ) from None
    return Table(numeric, role=role) if numeric.ndim else Constant(numeric, role=role)


def numbers(value: object) -> AbstractSchedule | None:
    """Converter for numbers of any size; `None` stays."""
    return None if value is None else as_schedule(value, "number")


def sizes(value: object) -> AbstractSchedule:
    """Converter for sample sizes: whole points, at least one a generation."""
    return as_schedule(value, "size")


def sizes_or_rule(value: object) -> AbstractSchedule:
    """Converter for sizes that may also read the model."""
    if isinstance(value, AbstractSchedule) and value.reads_model:
        return dataclasses.replace(value, role="size")
    return sizes(value)


def counts(value: object) -> AbstractSchedule:
    """Converter for parts of a batch: whole points, possibly none."""
    return as_schedule(value, "count")


def shares(value: object) -> AbstractSchedule:
    """Converter for shares: given values outside [0, 1] are refused, those of a formula clipped."""
    schedule = as_schedule(value, "share")
    if isinstance(schedule, Constant | Table | Piecewise):
        given = np.ravel(schedule.value if isinstance(schedule, Constant) else schedule.values)
        outside = given[(given < 0.0) | (given > 1.0)] if isinstance(given, np.ndarray) else given[:0]
        if outside.size:
            raise ValueError(f"a share lies in [0, 1], got {outside[0]:g}; 10 % is 0.1")
    return schedule
