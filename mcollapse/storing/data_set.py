"""The data set of a run that goes on: arrays written piece by piece, and what they say of themselves.

It is a Zarr group whose description, consolidated in one file, changes as a whole: whoever opens it with
xarray or zarr finds arrays that fit together, at any moment.
"""

import contextlib
import json
import os
import pathlib
import shutil
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from mcollapse.reading import JOURNAL, by_replicate, cells_of, replace_file, write_journal
from mcollapse.recording import BLOCK
from mcollapse.recording.entries import Variables
from mcollapse.running.ranges import Ranges
from mcollapse.trajectories import PENDING

FILE_BYTES = 8 * 2**20
"""About how much one file of an array holds."""
FILES = 64
"""As many as there are replicates for, so that processes find equal shares."""
GROWING = "bin_"
"""Begins the name of an axis that grows while the run goes on: the bins that a sketch has met."""
ROOM = 512
"""Of a growing axis in one file."""


Place = tuple[int, ...]
"""Of a cell, along the axes of a sweep."""


class Bound:
    """An array of a result on a disk: as it was, or refused once its data set has been given other cells."""

    def __init__(self, array: Any, path: pathlib.Path):
        self.array, self.path, self.cells = array, path, cells_of(path)
        self.shape, self.dtype = array.shape, array.dtype

    def __getattr__(self, name: str) -> Any:
        return getattr(self.array, name)

    def __getitem__(self, rows: Any) -> Any:
        """Slices, of the replicates that there were."""
        found = self.array[: self.shape[0]] if rows is Ellipsis else self.array[rows]
        if cells_of(self.path) != self.cells:
            raise ValueError(
                f"{self.path} was given other values of its sweep since: load it anew, or what is kept "
                f"in {self.path.parent / 'former'}"
            )
        return found


class DataSet:
    """What `Trajectories.load`, xarray and zarr read."""

    def __init__(self, path: pathlib.Path):
        self.path, self.journal = path, path.parent / JOURNAL
        self.opened: dict[str, Any] = {}
        self.described: dict[str, Any] | None = None
        self.flushed = 0.0

    def create(
        self,
        variables: Variables,
        told: Mapping[str, Any],
        origins: Mapping[Place, Place] | None = None,
        former: pathlib.Path | None = None,
    ) -> None:
        """Begin anew, in place of what was there: arrays with an axis of replicates take no room yet.

        Of the cells of a sweep that have `origins` in what was there, these arrays are taken over; all that
        was there is kept in `former`, or removed.
        """
        import zarr

        new, old = self._beside
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)
        group, sweep = zarr.open_group(new, mode="w", zarr_format=3), tuple(told["sweep"])
        along = {name: array for name, (dims, array) in variables.items() if by_replicate(dims)}
        rows = _rows_of_a_file(list(along.values()), len(sweep))
        try:
            for name, (dims, array) in variables.items():
                made = _created(group, name, dims, array, rows, sweep)
                if name not in along:
                    made[...] = array
                for place, origin in (origins or {}).items() if name in along else ():
                    _copy(self[name], origin, made, place)
            DataSet(new).tell(told)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)  # a full disk has better use for it
            raise
        with contextlib.suppress(FileNotFoundError):
            if former is not None:
                shutil.copyfile(self.journal, former.parent / JOURNAL)  # of a writer that was killed
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.path, former or old)
        os.rename(new, self.path)
        shutil.rmtree(old, ignore_errors=True)
        self.journal.unlink(missing_ok=True)
        self.opened, self.described = {}, None

    @property
    def _beside(self) -> tuple[pathlib.Path, pathlib.Path]:
        return self.path.with_name(self.path.name + ".new"), self.path.with_name(self.path.name + ".old")

    def recover(self) -> None:
        """Where a writer was killed between two names, the new data set is whole, and takes the name."""
        new, _ = self._beside
        if not self.path.exists() and (new / "zarr.json").exists():
            if "mcollapse" in json.loads((new / "zarr.json").read_text()).get("attributes", {}):
                os.rename(new, self.path)

    def __getitem__(self, name: str) -> Any:
        """An array, to which slices are assigned."""
        if name not in self.opened:
            import zarr

            with zarr.config.set({"array.write_empty_chunks": True}):  # so that a file that is lost is missed
                self.opened[name] = zarr.open_array(self.path / name, mode="r+", zarr_format=3)
        return self.opened[name]

    def fit(self, variables: Variables) -> None:
        """Make arrays as long as these, and name their axes so."""
        for name, (dims, array) in variables.items():
            changed = self[name].shape != array.shape
            if changed:
                self[name].resize(array.shape)
            file = self.path / name / "zarr.json"
            described = json.loads(file.read_text())
            if described.get("dimension_names") != list(dims):
                replace_file(file, json.dumps(described | {"dimension_names": list(dims)}).encode())
                changed = True
            if changed:
                self.opened.pop(name)
                self.described = None

    def write(self, variables: Variables, told: Mapping[str, Any], last: Mapping[str, Any]) -> None:
        """Replace arrays and attributes: in the end by `last`, and while it lasts a reader is warned."""
        arrays = {name: array for name, (_, array) in variables.items()}
        write_journal(self.journal, dict(told), arrays)
        self.tell({**told, "writing": True})
        self.fit(variables)
        for name, array in arrays.items():
            self[name][...] = array
        self.tell(last)
        self.journal.unlink()

    def check_written(self, done: Mapping[Place, Ranges]) -> None:
        """Refuse a data set that has lost a file of replicates that are done: it would read as nothing.

        `done` are those of each cell of a sweep, by its place; of a run that is none, those of place ().

        Raises:
            FileNotFoundError: the file that is not there.
        """
        for name in (n for n in self._names() if by_replicate(self[n].metadata.dimension_names or ())):
            rows, length, dimensions = self[name].chunks[0], self[name].shape[0], self[name].ndim
            for place, ranges in done.items():
                parts = {i for a, b in ranges for i in range(a // rows, -(-min(b, length) // rows))}
                for i in parts:
                    within = [*map(str, place), *["0"] * (dimensions - 1 - len(place))]
                    file = (self.path / name).joinpath("c", str(i), *within)
                    if not file.exists():
                        raise FileNotFoundError(f"{file} is missing")

    def flush(self) -> None:
        """See that all that was written is on the disk, should the power fail."""
        since, self.flushed = self.flushed, time.time() - 1.0
        for path in [self.path, *self.path.rglob("*")]:
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime >= since:
                    _flush(path)

    def _names(self) -> list[str]:
        return sorted(file.parent.name for file in self.path.glob("*/zarr.json"))

    def tell(self, told: Mapping[str, Any]) -> None:
        """Replace the attributes."""
        if self.described is None:
            self.described = {n: json.loads((self.path / n / "zarr.json").read_text()) for n in self._names()}
        consolidated = {"kind": "inline", "must_understand": False, "metadata": self.described}
        group = {"zarr_format": 3, "node_type": "group", "attributes": {"mcollapse": json.dumps(told)}}
        content = json.dumps(group | {"consolidated_metadata": consolidated}).encode()
        # the new file is begun outside, where nobody who lists the group meets it
        replace_file(self.path / "zarr.json", content, beside=self.path.parent)


def _created(
    group: Any, name: str, dims: tuple[str, ...], array: np.ndarray, rows: int, sweep: tuple[str, ...]
) -> Any:
    from zarr.codecs import ZstdCodec

    return group.create_array(
        name,
        shape=array.shape,
        dtype=array.dtype,
        chunks=(
            # a file holds one cell: others, of other groups, may be written by other processes
            (rows, *(1 if d in sweep else max(1, n) for d, n in zip(dims[1:], array.shape[1:], strict=True)))
            if by_replicate(dims)
            else _reduced_file_shape(dims, array)
        ),
        compressors=ZstdCodec(level=0, checksum=True),
        fill_value=PENDING if name == "status" else _fill(array.dtype),
        dimension_names=dims,
        config={"write_empty_chunks": True},
    )


def _flush(path: pathlib.Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _copy(source: Any, origin: Place, target: Any, place: Place) -> None:
    """A cell, some rows at a time."""
    rows, length = target.chunks[0], min(source.shape[0], target.shape[0])
    for first in range(0, length, rows):
        part = slice(first, min(first + rows, length))
        target[(part, *place)] = source[(part, *origin)]


def _rows_of_a_file(arrays: list[Any], sweep: int) -> int:
    """Replicates in one file of every array, whole blocks: some megabytes, and files enough to share."""
    cells = int(np.prod(arrays[0].shape[1 : 1 + sweep]))
    widest = max(max(1, array.nbytes // max(1, array.shape[0] * cells)) for array in arrays)
    most = min(FILE_BYTES // widest, arrays[0].shape[0] // max(1, FILES // cells))
    return BLOCK * 2 ** (max(1, most // BLOCK).bit_length() - 1)


def _reduced_file_shape(dims: tuple[str, ...], array: np.ndarray) -> tuple[int, ...]:
    """All in one file, but for an axis that grows, and for what is very large."""
    shape = [max(1, n) for n in array.shape]
    for axis, dim in enumerate(dims):
        if dim.startswith(GROWING):
            shape[axis] = ROOM
    axis = 0
    while np.prod(shape, dtype=float) * array.dtype.itemsize > 4 * FILE_BYTES and axis < len(shape):
        if shape[axis] > 1:
            shape[axis] = -(-shape[axis] // 2)
        else:
            axis += 1
    return tuple(shape)


def _fill(dtype: np.dtype) -> Any:
    return np.nan if np.issubdtype(dtype, np.floating) else 0
