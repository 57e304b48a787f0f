"""What a sketch of quantiles says: quantiles, and the intervals in which those of the law lie."""

from collections.abc import Sequence

import numpy as np

from mcollapse.recording.entries import Arrays, Entry, Part, Variables

APART = ("nan", "negative_infinite", "positive_infinite")


class QuantilesEntry(Entry):
    """Counts `[*sweep, generation, *components, bin]` of finite values in bins from `lower` to `upper`.

    `nan`, `negative_infinite` and `positive_infinite` count, `[*sweep, generation, *components]`, what
    is not finite; quantiles are of the finite values.
    """

    kind = "quantiles"

    def __init__(
        self,
        counts: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
        nan: np.ndarray,
        negative_infinite: np.ndarray,
        positive_infinite: np.ndarray,
        generations: np.ndarray,
        sweep_axes: tuple[str, ...] = (),
    ):
        self.counts, self.lower, self.upper = counts, lower, upper
        self.nan, self.negative_infinite, self.positive_infinite = nan, negative_infinite, positive_infinite
        self.generations, self.sweep_axes = generations, sweep_axes

    @classmethod
    def joined(cls, shape: tuple[int, ...], nothing: Entry, parts: Sequence[Part]) -> "QuantilesEntry":
        """With the bins that some cell of the sweep has filled, and those of nothing."""
        entries = [entry for entry in (nothing, *(e for e, _ in parts)) if isinstance(entry, QuantilesEntry)]
        edges = np.concatenate([np.stack([entry.lower, entry.upper], -1) for entry in entries])
        lower, upper = np.moveaxis(np.unique(edges, axis=0), -1, 0)
        empty, *alike = (entry._with_bins(lower, upper) for entry in entries)
        found = super().joined(
            shape, empty, [(e, places) for e, (_, places) in zip(alike, parts, strict=True)]
        )
        assert isinstance(found, QuantilesEntry) and isinstance(nothing, QuantilesEntry)
        filled = found.counts.any(axis=tuple(range(found.counts.ndim - 1))) | np.isin(lower, nothing.lower)
        found.counts, found.lower, found.upper = found.counts[..., filled], lower[filled], upper[filled]
        return found

    def _with_bins(self, lower: np.ndarray, upper: np.ndarray) -> "QuantilesEntry":
        counts = np.zeros((*self.counts.shape[:-1], len(lower)), self.counts.dtype)
        counts[..., np.searchsorted(lower, self.lower)] = self.counts
        return QuantilesEntry(
            counts, lower, upper, self.nan, self.negative_infinite, self.positive_infinite,
            self.generations, self.sweep_axes,
        )  # fmt: skip

    @property
    def count(self) -> np.ndarray:
        """Finite values per position."""
        return self.counts.sum(axis=-1)

    @property
    def centres(self) -> np.ndarray:
        """One value for each bin: the harmonic mean of its edges, as far from both as shares of them."""
        near, far = np.minimum(np.abs(self.lower), np.abs(self.upper)), self._far
        size = near * (2.0 / (1.0 + np.divide(near, far, out=np.ones_like(far), where=far > 0)))
        return np.where(self._around_zero, 0.0, np.where(self.lower < 0, -size, size))

    @property
    def relative_error(self) -> float:
        """The largest by which a value may differ from its bin's centre, as a share of the value."""
        near = np.minimum(np.abs(self.lower), np.abs(self.upper))
        shares = (self._far - near) / (self._far / 2 + near / 2) / 2  # halved first: a sum may overflow
        return float(np.max(np.where(self._around_zero, 0.0, shares), initial=0.0))

    @property
    def median(self) -> np.ndarray:
        """The quantile of 1/2."""
        return self.quantile(0.5)

    def quantile(self, q: float | list[float]) -> np.ndarray:
        r"""Quantiles over the finite values, `[*q, *sweep, generation, *components]`; NaN where none is.

        As numpy's default: $(1 - w) x_{(k)} + w x_{(k+1)}$ with $k + w = q (n - 1)$, counted from 0, and
        each order statistic replaced by the centre of its bin. The error is at most a times
        $(1 - w) |x_{(k)}| + w |x_{(k+1)}|$, which is a share a of the quantile where both have one sign.

        Raises:
            ValueError: q lies outside [0, 1].
        """
        shares = np.asarray(q, np.float64)
        if not np.all((shares >= 0) & (shares <= 1)):
            raise ValueError(f"quantiles are of shares from 0 to 1, got {q!r}")
        cumulative = np.cumsum(self.counts, axis=-1)
        found = [self._one_quantile(float(share), cumulative) for share in shares.reshape(-1)]
        return np.reshape(found, (*shares.shape, *self.nan.shape))

    def interval(self, q: float = 0.5, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        r"""Limits between which the law's quantile lies with at least this probability.

        Order statistics $x_{(l)}$ and $x_{(u)}$ with $P(B < l)$ and $P(B \ge u)$ at most
        $(1 - \text{level})/2$ each, where B is binomial(n, q): no assumption on the law. They are widened to
        the edges of their bins; a limit is infinite where the replicates are too few for it.

        Raises:
            ValueError: `q` or `level` lies outside (0, 1).
        """
        if not 0 < q < 1 or not 0 < level < 1:
            raise ValueError(f"q and level are probabilities between 0 and 1, got q={q!r}, level={level!r}")
        from scipy.stats import binom  # slow to import

        cumulative, tail = np.cumsum(self.counts, axis=-1), (1.0 - level) / 2.0
        count = cumulative[..., -1]
        first = binom.ppf(tail, count, q).astype(np.int64) - 1  # counted from 0
        last = binom.ppf(1.0 - tail, count, q).astype(np.int64)
        low = np.where(first >= 0, self.lower[_bin(cumulative, np.maximum(first, 0))], -np.inf)
        high = np.where(last < count, self.upper[_bin(cumulative, last)], np.inf)
        return low, high

    def variables(self, name: str) -> Variables:
        """The sketch, and the median to look at."""
        dims, bins = self.dims(self.nan), f"bin_{name}"
        edges = {f"{name}.lower": ((bins,), self.lower), f"{name}.upper": ((bins,), self.upper)}
        apart = {f"{name}.{part}": (dims, getattr(self, part)) for part in APART}
        median = {f"{name}.median": (dims, self.median)}
        return {f"{name}.counts": ((*dims, bins), self.counts)} | edges | apart | median

    @classmethod
    def read(
        cls, name: str, arrays: Arrays, generations: np.ndarray, sweep_axes: tuple[str, ...] = ()
    ) -> "QuantilesEntry":
        """From the sketch."""
        parts = {part: arrays[f"{name}.{part}"] for part in ("counts", "lower", "upper", *APART)}
        return cls(**parts, generations=generations, sweep_axes=sweep_axes)

    @property
    def component_shape(self) -> tuple[int, ...]:
        """The axes behind the generations."""
        return self.nan.shape[1 + len(self.sweep_axes) :]

    def at(self, cell: tuple[int, ...], component: int | None = None) -> "QuantilesEntry":
        """The sketch of one cell and component."""
        place = self.place(cell, component)
        parts = {part: getattr(self, part)[place] for part in ("counts", *APART)}
        return QuantilesEntry(**parts, lower=self.lower, upper=self.upper, generations=self.generations)

    @property
    def _far(self) -> np.ndarray:
        return np.maximum(np.abs(self.lower), np.abs(self.upper))

    @property
    def _around_zero(self) -> np.ndarray:
        return (self.lower <= 0) & (self.upper >= 0)

    def _one_quantile(self, share: float, cumulative: np.ndarray) -> np.ndarray:
        count = cumulative[..., -1]
        place = share * np.maximum(count - 1, 0)
        rank = np.floor(place).astype(np.int64)
        weight, following = place - rank, np.minimum(rank + 1, np.maximum(count - 1, 0))
        low, high = (self.centres[_bin(cumulative, k)] for k in (rank, following))
        return np.where(count > 0, (1.0 - weight) * low + weight * high, np.nan)


def _bin(cumulative: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """The bin of the order statistic of this rank, counted from 0; any bin where there are not so many."""
    behind = (cumulative <= rank[..., None]).sum(axis=-1)
    return np.minimum(behind, cumulative.shape[-1] - 1)
