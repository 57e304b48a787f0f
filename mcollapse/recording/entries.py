"""What a run has recorded under one name, with standard errors."""

import abc
import functools
import math
from typing import Any, ClassVar

import numpy as np

Variables = dict[str, tuple[tuple[str, ...], Any]]
"""Arrays in memory or on a disk, with the names of their axes."""
HEAVY_TOP, HEAVY_SHARE = 1e-3, 0.1
"""A mean is not to be trusted where this share of replicates carries more than that share of the sum."""


class Entry(abc.ABC):
    """Recorded values of one metric, `[*sweep, generation, *components]` once replicates are reduced."""

    kind: ClassVar[str]
    generations: np.ndarray
    sweep_axes: tuple[str, ...] = ()

    @abc.abstractmethod
    def variables(self, name: str) -> Variables:
        """Labelled arrays for a data set."""

    def dims(self, array: np.ndarray, axis: str = "generation") -> tuple[str, ...]:
        """Names of the axes of a reduced array."""
        names = (*self.sweep_axes, axis) if axis else self.sweep_axes
        extra = array.ndim - len(names)
        return names + tuple(f"component_{i}" if i else "component" for i in range(extra))


class MeanEntry(Entry):
    """An entry that has a mean over replicates."""

    mean: np.ndarray
    variance: np.ndarray
    count: np.ndarray
    top_share: np.ndarray

    @property
    def standard_deviation(self) -> np.ndarray:
        """Over replicates, from the unbiased variance."""
        return np.sqrt(self.variance)

    @property
    def standard_error(self) -> np.ndarray:
        """Of the mean: standard deviation over the square root of the number of replicates."""
        return np.sqrt(self.variance / np.maximum(self.count, 1))

    @property
    def heavy(self) -> np.ndarray:
        """Where the largest 0.1 % of replicates carry more than 10 % of the sum: no mean to trust."""
        return self.top_share > HEAVY_SHARE


class KeptEntry(MeanEntry):
    """Whole trajectories: `values` is `[replicate, *sweep, generation, *components]`."""

    kind = "keep"

    def __init__(self, values: Any, generations: np.ndarray, sweep_axes: tuple[str, ...] = ()):
        self.stored, self.generations, self.sweep_axes = values, generations, sweep_axes
        self.shape = values.shape

    @functools.cached_property
    def values(self) -> np.ndarray:
        """In memory: an array on a disk is read when it is asked for."""
        return np.asarray(self.stored[...])

    @property
    def count(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Finite values per position."""
        return np.isfinite(self.values).sum(axis=0)

    @property
    def mean(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Over replicates whose value is finite, in float64; NaN where none is."""
        return _finite_mean(self.values)

    @property
    def variance(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Over replicates whose value is finite, with divisor R - 1."""
        count = self.count
        squares = np.where(np.isfinite(self.values), self.values - self.mean, 0.0) ** 2
        return squares.sum(axis=0, dtype=np.float64) / np.maximum(count - 1, 1)

    @property
    def top_share(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The share of the sum of absolute values that the largest 0.1 % of replicates carry."""
        size = np.abs(np.where(np.isfinite(self.values), self.values, 0.0))
        return top_share(size, size.sum(axis=0, dtype=np.float64), self.values.shape[0])

    def quantile(self, q: float | list[float]) -> np.ndarray:
        """Quantiles over replicates."""
        return np.quantile(self.values, q, axis=0)

    def variables(self, name: str) -> Variables:
        """One array with a replicate axis."""
        return {name: (("replicate", *self.dims(np.broadcast_to(0, self.shape[1:]))), self.stored)}


class MomentsEntry(MeanEntry):
    """Mean and variance over replicates, without the replicates."""

    kind = "moments"

    def __init__(
        self,
        mean: np.ndarray,
        variance: np.ndarray,
        count: np.ndarray,
        top_share: np.ndarray,
        generations: np.ndarray,
        sweep_axes: tuple[str, ...] = (),
    ):
        self.mean, self.variance, self.count, self.top_share = mean, variance, count, top_share
        self.generations, self.sweep_axes = generations, sweep_axes

    def variables(self, name: str) -> Variables:
        """Mean, variance, count, standard error and tail weight."""
        parts = ("mean", "variance", "count", "top_share", "standard_error")
        return {f"{name}.{part}": (self.dims(self.mean), np.asarray(getattr(self, part))) for part in parts}


class HittingEntry(Entry):
    """When replicates first crossed a threshold: `hits` is `[*sweep, *components, time]`, time 0 … T."""

    kind = "hitting_time"

    def __init__(self, hits: np.ndarray, censored: np.ndarray, sweep_axes: tuple[str, ...] = ()):
        self.hits, self.censored, self.sweep_axes = hits, censored, sweep_axes
        self.generations = np.arange(hits.shape[-1])

    @property
    def replicates(self) -> np.ndarray:
        """Replicates observed, the censored (never hit within the run) included."""
        return np.asarray(self.hits.sum(axis=-1) + self.censored)

    @property
    def probability(self) -> np.ndarray:
        """The share of replicates that have hit by each generation."""
        return np.cumsum(self.hits, axis=-1) / self.replicates[..., None]

    @property
    def standard_error(self) -> np.ndarray:
        """Of `probability`, binomial."""
        p = self.probability
        return np.sqrt(p * (1 - p) / self.replicates[..., None])

    @property
    def median(self) -> np.ndarray:
        """The first generation by which half have hit; infinite where fewer than half ever do."""
        return self.quantile(0.5)

    def quantile(self, q: float) -> np.ndarray:
        """The first generation by which a share q has hit; infinite where the run ended before."""
        reached = self.probability >= q - 1e-12
        return np.where(reached.any(axis=-1), np.argmax(reached, axis=-1), math.inf)

    @property
    def mean(self) -> np.ndarray:
        """Mean hitting time in generations; infinite where a replicate was censored."""
        hit = np.maximum(self.replicates - self.censored, 1)
        return np.where(self.censored == 0, (self.hits * self.generations).sum(axis=-1) / hit, math.inf)

    def variables(self, name: str) -> Variables:
        """The histogram of times and the number censored."""
        components = self.dims(self.censored, "")
        return {
            f"{name}.hits": ((*components, "time"), self.hits),
            f"{name}.censored": (components, self.censored),
        }


def top_share(sizes: np.ndarray, total: np.ndarray, replicates: int) -> np.ndarray:
    """The share of `total` in the largest 0.1 % of `replicates` along the first axis; 0 below a thousand."""
    if replicates < 1 / HEAVY_TOP:  # fewer replicates have no largest 0.1 %
        return np.zeros_like(total)
    k = min(math.ceil(HEAVY_TOP * replicates), sizes.shape[0])
    largest = np.partition(sizes, sizes.shape[0] - k, axis=0)[-k:].sum(axis=0, dtype=np.float64)
    return np.divide(largest, total, out=np.zeros_like(largest), where=total > 0)


def _finite_mean(values: np.ndarray) -> np.ndarray:
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    mean = np.where(finite, values, 0.0).sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)  # there is no mean of nothing


def entry_from(
    kind: str, name: str, arrays: dict[str, Any], sweep_axes: tuple[str, ...], generations: np.ndarray
) -> Entry:
    """The entry that `variables` labelled, read back."""
    if kind == "keep":
        return KeptEntry(arrays[name], generations, sweep_axes)
    if kind == "moments":
        mean, variance, count, share = (
            arrays[f"{name}.{p}"] for p in ("mean", "variance", "count", "top_share")
        )
        return MomentsEntry(mean, variance, count, share, generations, sweep_axes)
    return HittingEntry(arrays[f"{name}.hits"], arrays[f"{name}.censored"], sweep_axes)
