"""The contract of a schedule, and the table that a compiled program reads of one."""

import abc
from typing import ClassVar, Literal, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

Role = Literal["number", "size", "count", "share"]
DERIVED = {"derived": True}
"""Metadata of a field that planning fills in: no argument of a user's, and no part of a description."""
LARGEST_INT32 = np.iinfo(np.int32).max


def number(value: object) -> np.ndarray:
    """A float64 array leaf; a bare Python float would be static and recompile with every value."""
    array = np.asarray(value, np.float64)
    if array.dtype == object or not np.all(np.isfinite(array)):
        raise ValueError(f"schedules take finite numbers, got {value!r}")
    return array


class AbstractSchedule(eqx.Module):
    """A function of the generation t = 0, 1, …, with float leaves that a sweep can vary."""

    reads_model: ClassVar[bool] = False
    """Whether its values depend on the model: then only the sizes of a `RecursiveTraining` can be it."""

    role: Role = eqx.field(static=True, default="number", kw_only=True, metadata=DERIVED)

    @abc.abstractmethod
    def __call__(self, t: np.ndarray) -> np.ndarray:
        """Raw float64 values at the generations `t`, before rounding or clipping."""

    def table(self, generations: int, start: Literal["real", "truth"] = "real") -> np.ndarray:
        """Values for t = 0 … `generations`, as used: rounded, clipped and checked by their role.

        With `start="truth"` entry 0 is never read, and is not checked.
        """
        t = np.arange(generations + 1)
        with np.errstate(all="ignore"):
            values = np.broadcast_to(np.asarray(self(t), np.float64), t.shape).copy()
        # A share at generation 0 is never read, and Power has none there (0 to a negative power).
        if self.role == "share" or start == "truth":
            values[0] = values[0] if np.isfinite(values[0]) else values[min(1, generations)]
        return _as_used(values, self, first=1 if start == "truth" else 0)

    def planned(self, generations: int, start: Literal["real", "truth"] = "real") -> "Table":
        """The same schedule as a table that a compiled program reads."""
        return Table(self.table(generations, start), role=self.role)

    def at(self, t: Array) -> Array:
        """The value at a traced generation; only a planned schedule (a table) has one."""
        del t
        raise ValueError(
            f"{type(self).__name__} has not been tabulated yet: call process.planned(generations) "
            "before init and step, and scan over the process that it returns"
        )


def _tabulated(values: object) -> np.ndarray:
    # a planned table keeps its int32 or float32 entries; a user's list becomes float64
    return cast(np.ndarray, values) if hasattr(values, "dtype") else number(values)


class Table(AbstractSchedule):
    """Given values, one a generation from t = 0 on."""

    values: np.ndarray = eqx.field(converter=_tabulated)

    def __check_init__(self):
        """A table is one row of numbers."""
        if np.ndim(self.values) == 0 or np.size(self.values) == 0:
            raise ValueError("Table needs a sequence of values, one a generation; for one value use Constant")

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """The entries at t; a table that is too short is an error."""
        if np.max(t) >= len(self.values):
            raise ValueError(
                f"Table has {len(self.values)} values but generations 0 … {int(np.max(t))} need "
                f"{int(np.max(t)) + 1}: give more values or run fewer generations"
            )
        return np.asarray(self.values, np.float64)[t]

    def at(self, t: Array) -> Array:
        """The entry at a traced generation."""
        return jax.lax.optimization_barrier(jnp.asarray(self.values))[t]


def _as_used(values: np.ndarray, schedule: AbstractSchedule, first: int) -> np.ndarray:
    if np.any(np.isnan(values[first:])):
        t = int(np.flatnonzero(np.isnan(values))[0])
        raise ValueError(f"{type(schedule).__name__} is not a number at generation {t}")
    if schedule.role == "share":
        return np.clip(values, 0.0, 1.0)
    if schedule.role == "number":
        return values
    # 0.29 * 100 is 28.999999999999996 in float64; nobody who writes it means 28
    whole = np.floor(values * (1.0 + 1e-12))
    least = 1 if schedule.role == "size" else 0
    _check_range(whole, values, schedule, least, first)
    return np.maximum(whole, least).astype(np.int32)


def _check_range(
    whole: np.ndarray, raw: np.ndarray, schedule: AbstractSchedule, least: int, first: int
) -> None:
    low = np.flatnonzero(whole[first:] < least) + first
    if low.size:
        t = int(low[0])
        hint = (
            "; with shift=1 the scale is the size at generation 0"
            if type(schedule).__name__ == "Power"
            else ""
        )
        raise ValueError(
            f"{type(schedule).__name__} gives {raw[t]:g} points at generation {t}, which rounds down to "
            f"{whole[t]:g}; every generation needs at least {least}{hint}"
        )
    high = np.flatnonzero(whole[first:] > LARGEST_INT32) + first
    if high.size:
        t = int(high[0])
        raise ValueError(
            f"{type(schedule).__name__} gives {whole[t]:.3g} points at generation {t}, more than an int32 "
            f"count holds ({LARGEST_INT32:,}): run fewer generations or let it grow more slowly"
        )
