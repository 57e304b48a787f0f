"""Which generations are recorded."""

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal, cast

import numpy as np

from mcollapse.whole_numbers import check_whole


@dataclasses.dataclass(frozen=True)
class Every:
    """Generations 0, k, 2k, … and the last."""

    step: int

    def __post_init__(self):
        check_whole("k of every(k)", self.step)


def every(step: int) -> Every:
    """Record each `step`-th generation, and the last."""
    return Every(step)


def log_spaced(generations: int, count: int) -> tuple[int, ...]:
    """About `count` generations from 0 to `generations`, evenly spaced on a logarithmic axis."""
    if generations < 1 or count < 2:
        raise ValueError(f"log_spaced takes at least 1 generation and 2 points, got {generations}, {count}")
    spaced = np.geomspace(1, generations, count - 1).round().astype(int)
    return (0, *(int(t) for t in np.unique(spaced)))


At = Every | tuple[int, ...] | Literal["all", "log"] | None


def as_at(value: object) -> At:
    """A hashable description of the recorded generations, from what a user may write."""
    if value is None or isinstance(value, Every):
        return value
    if isinstance(value, str):
        if value in ("all", "log"):
            return cast(Any, value)
        raise ValueError(f'at={value!r} is not known: use "all", "log", mc.every(k) or a list of generations')
    if isinstance(value, bool) or not isinstance(value, Iterable | int | np.integer):
        raise ValueError(f"at lists generations, got {value!r}")
    listed = [value] if isinstance(value, int | np.integer) else list(value)
    if not listed or any(int(t) != t or t < 0 for t in listed):
        raise ValueError(f"at lists generations, whole numbers from 0 on, got {listed!r}")
    return tuple(sorted({int(t) for t in listed}))


def resolve(at: At, generations: int) -> np.ndarray:
    """The recorded generations of a run of `generations`."""
    if at is None or at == "all":
        return np.arange(generations + 1)
    if at == "log":
        return np.asarray(log_spaced(generations, 40))
    if isinstance(at, Every):
        return np.unique([*range(0, generations + 1, at.step), generations])
    if at[-1] > generations:
        raise ValueError(
            f"a record asks for generation {at[-1]}, but the run has {generations}: raise generations or "
            "drop it from `at`"
        )
    return np.asarray(at)
