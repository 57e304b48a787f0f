"""What was recorded as tables with a row for each number: for pandas, CSV, Parquet and polars."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mcollapse.recording import Entry, HistogramEntry, HittingEntry, KeptEntry, MeanEntry, QuantilesEntry
from mcollapse.trajectories import Trajectories

if TYPE_CHECKING:  # an optional part, imported where it is used
    import pandas

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of a sketch that a table has."""


def to_dataframe(run: Trajectories, name: str, *, replicates: bool = False) -> "pandas.DataFrame":
    """One record as a table: a row for each cell of a sweep, generation and component.

    Columns are these, and what the record knows: of means `mean`, `standard_error`, `count`; of quantiles
    `q0.05` to `q0.95`; of hitting times `hits` at each generation and the `probability` to have hit by then
    with its `standard_error`; of a histogram `counts` and `probability` between `lower` and `upper`.

    Arguments:
        run: the trajectories.
        name: of the record.
        replicates: the `value` of every replicate instead, of whole trajectories.

    Raises:
        ValueError: replicates are asked for and were not kept.
    """
    import xarray

    entry = run[name]
    if replicates:
        if not isinstance(entry, KeptEntry):
            raise ValueError(
                f"{name!r} was reduced ({entry.kind}) and has no replicates: record it with reduce=mc.Keep()"
            )
        found: dict[str, Any] = {"value": (("replicate", *entry.dims(entry.values[0])), entry.values)}
    else:
        found = _summary(entry)
    sizes = {axis: n for dims, array in found.values() for axis, n in zip(dims, np.shape(array), strict=True)}
    axes = {axis: np.asarray(values) for axis, values in run.attributes["sweep"].items()}
    axes["generation"] = np.asarray(entry.generations)
    coords = {axis: axes.get(axis, np.arange(n)) for axis, n in sizes.items()}
    return xarray.Dataset(found, coords=coords).to_dataframe(dim_order=list(sizes)).reset_index()


def _summary(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, MeanEntry):
        parts = ("mean", "standard_error", "count")
        return {part: (entry.dims(entry.mean), np.asarray(getattr(entry, part))) for part in parts}
    if isinstance(entry, QuantilesEntry):
        dims = entry.dims(entry.nan)
        quantiles = entry.quantile(list(SHARES))
        found = {f"q{share:g}": (dims, q) for share, q in zip(SHARES, quantiles, strict=True)}
        return found | {"count": (dims, entry.count)}
    if isinstance(entry, HittingEntry):
        dims = (*entry.dims(entry.censored, ""), "generation")
        parts = ("hits", "probability", "standard_error")
        return {part: (dims, np.asarray(getattr(entry, part))) for part in parts}
    if isinstance(entry, HistogramEntry):
        dims = (*entry.dims(entry.nan), "bin")
        edges = {"lower": (("bin",), entry.edges[:-1]), "upper": (("bin",), entry.edges[1:])}
        return {"counts": (dims, entry.counts), "probability": (dims, entry.probability)} | edges
    raise ValueError(f"a table of {type(entry).__name__} is not known")
