"""The result of a run: labelled arrays with standard errors, saved and loaded as Zarr."""

import difflib
import json
import pathlib
import shlex
import types
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mcollapse.costs import Statistics
from mcollapse.families.base import Truth
from mcollapse.reading import FORMAT, read
from mcollapse.recording import ENTRIES, Entry, KeptEntry
from mcollapse.recording.entries import Variables
from mcollapse.status import Status
from mcollapse.version import __version__

if TYPE_CHECKING:  # optional parts are imported where they are used
    import pandas
    import xarray
    from matplotlib.axes import Axes

    from mcollapse.abstract_process import AbstractProcess
    from mcollapse.definitions import CollapseReport
    from mcollapse.rates import Rate
    from mcollapse.recording import Record
    from mcollapse.verdicts import Report

DATA = "run.zarr"
"""The data set in a store, see `mcollapse.storing`."""
PENDING = -1
"""The status of a replicate that is not done yet."""


class Trajectories(Mapping[str, Entry]):
    """Recorded entries by name, what became of each replicate, and all that is needed to know why.

    `run["squared_error"].mean` and `.standard_error` are `[*sweep, generation]`; `run.status` is
    `[replicate, *sweep]`; `run.attributes` carries the specification, versions, key, device and dtype.
    """

    def __init__(
        self,
        entries: Mapping[str, Entry],
        status: np.ndarray,
        attributes: Mapping[str, Any],
        truth: Any,  # a Truth; without a family where a saved one was the user's own
        process: "AbstractProcess | None" = None,
        records: Mapping[str, "Record"] | None = None,
        stats: Statistics | None = None,
    ):
        self.entries, self.status, self.attributes = dict(entries), status, dict(attributes)
        self.truth, self.stats, self._process, self._records = truth, stats, process, records

    def __getitem__(self, name: str) -> Entry:
        if name in self.entries:
            return self.entries[name]
        close = difflib.get_close_matches(str(name), self.entries, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"recorded are {', '.join(self.entries)}"
        raise KeyError(f"{name!r} was not recorded; {hint}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        a = self.attributes
        return (
            f"Trajectories({', '.join(self.entries)}; {a['replicates']:,} replicates, "
            f"{a['generations']} generations"
            + (f", unfinished: of {a['replicates_asked']:,} replicates" if "replicates_asked" in a else "")
            + (f", sweep over {', '.join(a['sweep'])}" if a["sweep"] else "")
            + ")"
        )

    @property
    def replicates(self) -> int:
        """How many independent trajectories (per cell of a sweep)."""
        return int(self.attributes["replicates"])

    @property
    def process(self) -> Any:
        """The process that ran, rebuilt from its description after loading."""
        if self._process is None:
            from mcollapse.description import rebuild_process

            self._process = rebuild_process(self.attributes["process"])
        return self._process

    @property
    def records(self) -> Mapping[str, "Record"]:
        """What was asked to be kept, rebuilt from its description after loading."""
        if self._records is None:
            from mcollapse.description import rebuild_record

            self._records = {n: rebuild_record(r) for n, r in self.attributes["records"].items()}
        return self._records

    def status_counts(self) -> dict[str, int]:
        """How many replicates ended with each status; see `mcollapse.Status`."""
        return {code.name.lower(): int(np.sum(self.status == code)) for code in Status}

    def variables(self) -> Variables:
        """All arrays with the names of their axes, as they stand in a data set."""
        found: Variables = {"status": (("replicate", *self.attributes["sweep"]), self.status)}
        for name, entry in self.entries.items():
            own = f"generation_{name}"
            for variable, (dims, array) in entry.variables(name).items():
                dims = tuple(_own_axis(d, name, own) for d in dims)
                if dims[:1] == ("replicate",) and array.shape[0] != self.replicates:
                    dims = (f"replicate_{name}", *dims[1:])  # only the first so many were kept
                found[variable] = (dims, array)
            if entry.kind != "hitting_time":
                found[own] = ((own,), entry.generations)
        for field, value in _fields(self.truth.params):
            found[f"truth.{field}"] = (tuple(f"truth_{field}_{i}" for i in range(value.ndim)), value)
        return found | {axis: ((axis,), np.asarray(v)) for axis, v in self.attributes["sweep"].items()}

    def described(self) -> dict[str, Any]:
        """The attributes, with what is needed to read the arrays back."""
        parts = {
            name: {"kind": entry.kind, "generations": f"generation_{name}"}
            for name, entry in self.entries.items()
        }
        return self.attributes | {"format": FORMAT, "entries": parts}

    def to_xarray(self) -> "xarray.Dataset":
        """All entries as one labelled data set with the attributes of the run."""
        import xarray

        variables: dict[str, Any] = {n: (dims, np.asarray(a)) for n, (dims, a) in self.variables().items()}
        data = xarray.Dataset(
            {k: v for k, v in variables.items() if v[0] != (k,)},
            coords={k: v for k, v in variables.items() if v[0] == (k,)},
        )
        return data.assign_attrs(mcollapse=json.dumps(self.described()))

    def to_dataframe(self, name: str, **options: Any) -> "pandas.DataFrame":
        """One record as a table with a row a number, for CSV, Parquet, polars: `mcollapse.frames`."""
        from mcollapse.frames import to_dataframe

        return to_dataframe(self, name, **options)

    def save(self, path: str | pathlib.Path, *, overwrite: bool = False) -> pathlib.Path:
        """Write a Zarr store; an existing one is replaced only with `overwrite=True`."""
        target = pathlib.Path(path)
        check_writable(target, overwrite)
        self.to_xarray().to_zarr(target, mode="w", consolidated=False)
        return target

    @classmethod
    def load(cls, path: str | pathlib.Path) -> "Trajectories":
        """A saved run, or what there is of one that is still going on.

        `path` is what `run.save` wrote or the store of a run. Of an unfinished run the replicates that are
        done are loaded, and `attributes["complete"]` is false. In an unfinished sweep a replicate may be done
        in some cells alone: in others its values are NaN, and its status is -1. A store that mcollapse did
        not write is refused.
        """
        target = pathlib.Path(path)
        target = target / DATA if (target / DATA).exists() else target
        if not target.exists():
            raise ValueError(
                f"there is no store at {target}: give the path that run.save or mcollapse run wrote"
            )
        arrays, attributes = read(target)
        try:
            return _read(arrays, attributes)
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(
                f"{target} is not a store of mcollapse, or damaged ({type(error).__name__}: {error})"
            ) from error

    def compare(self, **options: Any) -> "Report":
        """Hold the run against every law in `mcollapse.theory` that applies to it."""
        from mcollapse.verdicts import compare

        return compare(self, **options)

    def collapse_report(self, **options: Any) -> "CollapseReport":
        """Which of eight definitions of collapse hold for this run: `mcollapse.definitions`."""
        from mcollapse.definitions import collapse_report

        return collapse_report(self, **options)

    def rate(self, name: str | None = None, **options: Any) -> "Rate":
        """The slope of a mean in log-log coordinates with its interval: `mcollapse.rates.rate`."""
        from mcollapse.rates import rate

        return rate(self, name, **options)

    def plot(self, name: str | None = None, **options: Any) -> "Axes":
        """A record beside the laws that speak of it; returns the matplotlib Axes.

        `kind="fan"`, `"survival"`, `"times"`, `"rate"`, `"optimum"` or `"phases"` is one of the figures of
        `mcollapse.plots`, whose options these are; left out, a band over replicates by generation.
        """
        from mcollapse.plots import draw

        return draw(self, name, **options)


def difference(first: Trajectories, second: Trajectories) -> Trajectories:
    """`first` minus `second`, replicate by replicate: common keys make the comparison a paired one.

    The standard error of the result's mean is that of the difference, and usually far below those of the
    two means. Raises `ValueError` where the runs do not share keys, replicates or whole trajectories.
    """
    for what in ("key", "replicates", "generations", "dtype", "draws", "sweep"):
        if first.attributes[what] != second.attributes[what]:
            raise ValueError(
                f"the runs differ in {what} ({first.attributes[what]} and {second.attributes[what]}), so "
                "their replicates are no pairs: run both with the same key, replicates and generations"
            )
    entries = {}
    for name in (n for n in first if n in second.entries):
        ours, theirs = first[name], second[name]
        if isinstance(ours, KeptEntry) and isinstance(theirs, KeptEntry):
            if (
                not np.array_equal(ours.generations, theirs.generations)
                or ours.values.shape != theirs.values.shape
            ):
                raise ValueError(f"{name!r} is recorded at different generations in the two runs")
            entries[name] = KeptEntry(ours.values - theirs.values, ours.generations, ours.sweep_axes)
    if not entries:
        raise ValueError(
            "the runs share no whole trajectories: record the metric with reduce=mc.Keep() in both"
        )
    attributes = first.attributes | {
        "difference_of": [first.attributes["process"], second.attributes["process"]]
    }
    return Trajectories(entries, np.maximum(first.status, second.status), attributes, first.truth)


def check_writable(target: pathlib.Path, overwrite: bool) -> None:
    """Refuse, before anything is computed, a store that exists or cannot be created."""
    if target.exists() and not overwrite:
        on = (
            f", or go on with: mcollapse resume {shlex.quote(str(target))}"
            if (target / DATA).exists()
            else ""
        )
        raise ValueError(
            f"{target} exists: choose another path, or overwrite it with overwrite=True (--overwrite){on}"
        )
    check_may_write(target.absolute().parent, target)


def check_may_write(directory: pathlib.Path, target: pathlib.Path | None = None) -> None:
    """Refuse a directory that is none, or where nothing can be written; it need not exist yet."""
    absolute = directory.absolute()
    existing = next(p for p in (absolute, *absolute.parents) if p.exists())
    if not existing.is_dir() or not _may_write(existing):
        raise ValueError(
            f"cannot write {target or directory}: {existing} is no writable directory; choose another path"
        )


def _may_write(directory: pathlib.Path) -> bool:
    # asked by doing it: permissions do not tell of a read-only or virtual file system
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def versions() -> dict[str, str]:
    """Versions that decide the numbers of a run."""
    import jax
    import jaxlib

    return {
        "mcollapse": __version__,
        "jax": jax.__version__,
        "jaxlib": jaxlib.__version__,
        "numpy": np.__version__,
    }


def _own_axis(dim: str, name: str, generation: str) -> str:
    """Entries may be recorded at different generations, so that each has an axis of its own."""
    if dim == "generation":
        return generation
    return f"{dim}_{name}" if dim.startswith("component") else dim


def truth_from(arrays: Mapping[str, np.ndarray], attributes: dict[str, Any]) -> Any:
    """The truth of a saved run, a `Truth` unless its family was the user's own."""
    from mcollapse.description import NotRebuilt, rebuild

    fields = {k.removeprefix("truth."): v for k, v in arrays.items() if k.startswith("truth.")}
    try:
        family = rebuild("family", attributes["truth_family"])
        return Truth(family, family.Params(**fields))
    except NotRebuilt:  # a family of the user's own: its numbers come back as they are
        params = types.SimpleNamespace(**fields)
        return types.SimpleNamespace(family=None, params=params, **fields)


def _read(arrays: dict[str, np.ndarray], attributes: dict[str, Any]) -> Trajectories:
    axes = tuple(attributes["sweep"])
    for told in ("format", "revision", "writing", "fingerprint"):
        attributes.pop(told, None)
    parts, status = attributes.pop("entries"), arrays["status"]
    if not attributes.get("complete", True):
        pending = status == PENDING
        done = ~np.all(pending.reshape(len(status), -1), axis=1)  # of a sweep, in some of its cells
        arrays = _of_replicates(_pending_as_nan(arrays, parts, pending), parts, done)
        status = arrays["status"]
        attributes |= {"replicates": int(done.sum()), "replicates_asked": attributes["replicates"]}
    entries = {
        name: ENTRIES[part["kind"]].read(name, arrays, arrays.get(part["generations"], np.zeros(0)), axes)
        for name, part in parts.items()
    }
    return Trajectories(entries, status, attributes, truth_from(arrays, attributes))


def _pending_as_nan(
    arrays: dict[str, np.ndarray], parts: dict[str, Any], pending: np.ndarray
) -> dict[str, np.ndarray]:
    """Whole numbers as floats, where some cells have no number yet."""
    if pending.ndim == 1 or not pending.any():
        return arrays
    found = dict(arrays)
    for name in (n for n, part in parts.items() if part["kind"] == "keep"):
        values = arrays[name]
        missing = pending[: len(values)].reshape(
            *pending[: len(values)].shape, *[1] * (values.ndim - pending.ndim)
        )
        found[name] = np.where(missing, np.nan, values)
    return found


def _of_replicates(
    arrays: dict[str, np.ndarray], parts: dict[str, Any], done: np.ndarray
) -> dict[str, np.ndarray]:
    """Arrays with the replicates that are done alone; what reducers keep is of the last checkpoint."""
    kept = [name for name, part in parts.items() if part["kind"] == "keep"]
    return arrays | {name: arrays[name][done[: len(arrays[name])]] for name in ["status", *kept]}


def _fields(params: Any) -> list[tuple[str, np.ndarray]]:
    """Numbers of a truth by name, whatever sort of pytree it is."""
    import jax

    leaves = jax.tree_util.tree_leaves_with_path(params)
    numeric = [(path, np.asarray(leaf)) for path, leaf in leaves if hasattr(leaf, "dtype")]
    return [
        (jax.tree_util.keystr(path, simple=True, separator=".") or "params", leaf) for path, leaf in numeric
    ]
