"""How a run is cut: chunks of replicates that fit, sweeps as grids. Host arithmetic only."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from mcollapse.recording import BLOCK

CHUNK_BYTES = 256 * 2**20
CHUNK_LANES = 32_768
BUSY_LANES = 8_192
"""Replicates of all cells together, after which a core gains nothing by more."""
SEGMENT_WORK = 4e10
"""Bytes times generations that a program touches before it comes back: some seconds."""
SEGMENT_STOPS = 256
"""The most generations that a segment records: a call costs far less than so many steps."""
SEGMENT_SECONDS = 2.0
"""How long a segment is to take once its speed is known: a signal is answered, and little is ever lost."""
CACHED_BYTES = 6 * 2**20
"""Of a step's arrays on a CPU, which then stay where a core reads fast: up to half as fast again."""


def chunk_lanes(
    replicates: int, lane_bytes: float, workers: int, chunk: int | None, step_bytes: float = 0.0
) -> int:
    """Replicates at once that keep every worker busy, within memory; a given `chunk` is rounded to blocks.

    `lane_bytes` is all that a replicate needs; `step_bytes` what a step of it should find in a cache.
    """
    if chunk is None:
        within = min(CHUNK_BYTES / max(lane_bytes, 1.0), CACHED_BYTES / max(step_bytes, 1.0))
        fit = max(1, int(min(CHUNK_LANES, within)) // BLOCK) * BLOCK
        rounds = max(1, math.ceil(replicates / (fit * workers)))
        chunk = min(math.ceil(replicates / (rounds * workers)), fit)
    return math.ceil(min(chunk, replicates) / BLOCK) * BLOCK


def cells_at_once(replicates: int, lane_bytes: float, step_bytes: float, on_cpu: bool) -> int:
    """Cells of a sweep in one program: as many as a block of each fits, and no more than keep it busy.

    `lane_bytes` and `step_bytes` are those of a replicate of one cell. Neither the number of devices nor of
    processes counts: what is computed together is the same on all of one kind.
    """
    fit = CHUNK_BYTES / (BLOCK * max(lane_bytes, 1.0))
    if on_cpu:
        fit = min(fit, CACHED_BYTES / (BLOCK * max(step_bytes, 1.0)))
    busy = math.ceil((BUSY_LANES if on_cpu else CHUNK_LANES) / (math.ceil(replicates / BLOCK) * BLOCK))
    return max(1, min(int(fit), busy))


class Segments:
    """How the generations of a chunk are cut: by what was recorded so far and how fast it goes.

    `stops` are the generations to record, and the last. A segment ends at a stop of its own, recorded or
    not, and no number depends on where: a slow process stops often, a fast one seldom.
    """

    def __init__(self, stops: np.ndarray):
        self.stops, self.room = stops, min(len(stops), SEGMENT_STOPS)
        self.seconds_per_generation = math.inf

    def next(self, done: int) -> tuple[np.ndarray, np.ndarray]:
        """Stops after generation `done` (-1: none yet) and which of them count, of one length for all."""
        speed = self.seconds_per_generation
        most = 4 if math.isinf(speed) else max(1, int(SEGMENT_SECONDS / speed))
        ahead = self.stops[self.stops > done]
        end = min(int(self.stops[-1]), max(done, 0) + most)
        reached = ahead[ahead <= end][: self.room]
        if len(reached) < self.room and (not len(reached) or reached[-1] < end):
            reached = np.append(reached, end)  # a long way between two that are recorded is cut, too
        stops = np.full(self.room, reached[-1])
        stops[: len(reached)] = reached
        return stops.astype(np.int32), np.arange(self.room) < len(reached)

    def took(self, seconds: float, generations: int) -> None:
        """Learn how fast it goes."""
        if generations > 0:
            self.seconds_per_generation = seconds / generations


@dataclasses.dataclass(frozen=True)
class Grid:
    """The cells of a sweep: the product of the values of each parameter."""

    axes: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, over: Mapping[str, Sequence[float]]) -> "Grid":
        """A grid from parameter paths and their values; empty axes are refused."""
        if not over:
            raise ValueError(
                'sweep needs at least one parameter, such as over={"source.real_share": [0.1, 0.5]}'
            )
        values = []
        for path, listed in over.items():
            array = np.atleast_1d(np.asarray(listed, np.float64))
            if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)):
                raise ValueError(f"over[{path!r}] must list finite numbers, got {listed!r}")
            if len(np.unique(array)) < len(array):
                raise ValueError(f"over[{path!r}] lists a value twice: {listed!r}")
            values.append(tuple(float(v) for v in array))
        return cls(tuple(over), tuple(values))

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(len(v) for v in self.values)

    def place(self, cell: tuple[float, ...]) -> tuple[int, ...] | None:
        """Where a cell of these values is; `None` where there is none."""
        if len(cell) != len(self.values) or any(v not in on for v, on in zip(cell, self.values, strict=True)):
            return None
        return tuple(on.index(v) for v, on in zip(cell, self.values, strict=True))

    def cells(self) -> list[dict[str, float]]:
        """Every combination, the last axis fastest."""
        return [dict(zip(self.axes, cell, strict=True)) for cell in itertools.product(*self.values)]
