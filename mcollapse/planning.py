"""How a run is cut: chunks of replicates that fit, sweeps as grids. Host arithmetic only."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from mcollapse.recording import BLOCK

CHUNK_BYTES = 256 * 2**20
CHUNK_LANES = 32_768
CHUNK_WORK = 4e10
"""Numbers times generations that a chunk touches: some seconds, so that progress and Ctrl-C are prompt."""
CACHED_BYTES = 6 * 2**20
"""Of a step's arrays on a CPU, which then stay where a core reads fast: up to half as fast again."""
RESULT_BYTES = 4 * 2**30


@dataclasses.dataclass(frozen=True)
class Chunks:
    """Replicates 0 … R - 1 in chunks of `lanes` each, the last padded."""

    replicates: int
    lanes: int

    @property
    def starts(self) -> range:
        """The first replicate id of each chunk."""
        return range(0, self.replicates, self.lanes)


def plan_chunks(
    replicates: int,
    lane_bytes: float,
    generations: int,
    workers: int,
    chunk: int | None,
    step_bytes: float = 0.0,
) -> Chunks:
    """Chunks that keep every worker busy, within memory; a given `chunk` is rounded up to whole blocks.

    `lane_bytes` is all that a replicate needs; `step_bytes` what a step of it should find in a cache.
    """
    if chunk is None:
        prompt = CHUNK_WORK / (generations * max(lane_bytes, 1.0))
        within = min(CHUNK_BYTES / max(lane_bytes, 1.0), CACHED_BYTES / max(step_bytes, 1.0))
        fit = max(1, int(min(CHUNK_LANES, within, prompt)) // BLOCK) * BLOCK
        rounds = max(1, math.ceil(replicates / (fit * workers)))
        chunk = math.ceil(replicates / (rounds * workers))
        chunk = min(chunk, fit)
    return Chunks(replicates, math.ceil(min(chunk, replicates) / BLOCK) * BLOCK)


def check_result_size(sizes: Mapping[str, int]) -> None:
    """Refuse a record that would not fit the host's memory."""
    total = sum(sizes.values())
    if total > RESULT_BYTES:
        name = max(sizes, key=lambda n: sizes[n])
        raise ValueError(
            f"the records would take {total / 2**30:.1f} GiB, {sizes[name] / 2**30:.1f} of it for {name!r}: "
            f"reduce it with mc.Record(metric, reduce=mc.Moments()), keep fewer replicates with "
            'mc.Keep(first=…), or record fewer generations with at="log"'
        )


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
            values.append(tuple(float(v) for v in array))
        return cls(tuple(over), tuple(values))

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(len(v) for v in self.values)

    def cells(self) -> list[dict[str, float]]:
        """Every combination, the last axis fastest."""
        return [dict(zip(self.axes, cell, strict=True)) for cell in itertools.product(*self.values)]
