"""A data set on a disk, read with care: of one moment, no larger than memory, and numbers alone.

Whoever wrote it may be a stranger, or writing at this moment, or have been killed in the middle. What
reducers keep changes in many files at once: before it does, all of it stands in one file beside the data
set, the journal, which is read instead while the attributes say `writing`.
"""

import io
import json
import math
import os
import pathlib
import time
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
Attributes = dict[str, Any]

FORMAT = 1
JOURNAL = "writing.npz"
PATIENCE = 30.0
"""Seconds that a reader waits for a writer to come to rest."""
MOST_FILES = 10_000_000
NUMBERS = "biuf"
"""Kinds of dtype: no object is ever made of what a store holds."""
WANTED: dict[str, type | tuple[type, ...]] = {
    "format": int, "entries": dict, "records": dict, "sweep": dict, "process": dict, "truth_family": dict,
    "replicates": int, "generations": int,
}  # fmt: skip


def memory() -> int:
    """Bytes that this machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not of every system
        return 2**36


def check_fits(what: str, needed: float) -> None:
    """Refuse what is larger than memory before any of it is allocated."""
    if needed > memory():
        raise ValueError(
            f"{what} would take {needed / 2**30:,.1f} GiB, and this machine has {memory() / 2**30:.1f} GiB"
        )


def read_attributes(target: pathlib.Path) -> Attributes:
    """What a data set says of itself.

    Raises:
        ValueError: it is none of mcollapse's, or damaged.
    """
    try:
        described = json.loads((target / "zarr.json").read_text())
        told = json.loads(described["attributes"]["mcollapse"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{target} is not a store of mcollapse, or damaged ({_said(error)})") from error
    check_attributes(told, target)
    return told


def check_attributes(told: Any, target: pathlib.Path) -> None:
    """Refuse attributes that are not of the form that mcollapse writes."""
    if not isinstance(told, dict):
        raise ValueError(f"{target} is not a store of mcollapse: its attributes are no dictionary")
    if told.get("format", FORMAT) != FORMAT:
        raise ValueError(
            f"{target} has format {told['format']!r}, and this version of mcollapse reads format {FORMAT}: "
            "use the version that wrote it"
        )
    for name, kind in WANTED.items():
        if name not in told or not isinstance(told[name], kind):
            raise ValueError(
                f"{target} is not a store of mcollapse, or damaged: its attribute {name!r} is "
                f"{str(told.get(name, 'absent'))[:60]}"
            )
    parts = (*told["entries"].values(), *told["records"].values())
    if not all(isinstance(part, dict) for part in parts):
        raise ValueError(f"{target} is damaged: its entries and records are dictionaries")


def read(target: pathlib.Path) -> tuple[Arrays, Attributes]:
    """Arrays and attributes of one moment, although another process may be writing.

    Raises:
        ValueError: it is none of mcollapse's, damaged, or larger than memory.
    """
    while True:
        before = cells_of(target)
        try:
            group, told, reduced = _settled(target)
            # first the statuses: what they call done is whole in the arrays that are read after them
            names = sorted(_arrays(group), key=lambda name: name != "status")
            arrays = {name: _array(target, group, name, told) for name in names if name not in reduced}
        except ValueError:
            if cells_of(target) == before:
                raise
        else:
            if cells_of(target) == list(told["sweep"].items()):
                return arrays | reduced, told


def cells_of(target: pathlib.Path) -> list[tuple[str, Any]] | None:
    """The axes of a data set's sweep, which may be given other values; `None` where nothing can be read."""
    try:
        return list(read_attributes(target)["sweep"].items())
    except ValueError:
        return None


def read_some(target: pathlib.Path, beginning: str) -> Arrays:
    """The arrays whose names begin so; they never change."""
    told = read_attributes(target)
    group = _group(target)
    names = [name for name in _arrays(group) if name.startswith(beginning)]
    return {name: _array(target, group, name, told) for name in names}


def _settled(target: pathlib.Path) -> tuple[Any, Attributes, Arrays]:
    """The data set, its attributes and all that reducers keep, which belong together."""
    until = time.monotonic() + PATIENCE
    while True:
        told = read_attributes(target)
        group = _group(target)
        if not told.get("writing"):
            reduced = {
                name: _array(target, group, name, told)
                for name, array in _arrays(group).items()
                if not by_replicate(array.metadata.dimension_names)
            }
            if read_attributes(target).get("revision") == told.get("revision"):
                return group, told, reduced
        elif (found := _journal(target.parent / JOURNAL)) is not None:
            told, reduced = found
            check_attributes(told, target)
            return group, told, reduced
        if time.monotonic() > until:
            raise ValueError(
                f"{target} is being written, or its writer was killed and it was copied without {JOURNAL}: "
                "read it again later, or go on with mcollapse resume"
            )
        time.sleep(0.01)


def _group(target: pathlib.Path) -> Any:
    import zarr

    try:  # of format 3 alone: earlier ones may name a codec that unpickles
        group: Any = zarr.open_group(target, mode="r", zarr_format=3)
        check_arrays(target, group)
        return group
    except Exception as error:  # whatever a damaged file makes of its reader
        raise ValueError(f"{target} is damaged ({_said(error)})") from error


def _arrays(group: Any) -> dict[str, Any]:
    return dict(group.arrays())


def check_arrays(target: pathlib.Path, group: Any) -> None:
    """Refuse arrays that are no numbers, or that would not fit in memory."""
    whole = 0
    for name, array in _arrays(group).items():
        if getattr(array.dtype, "kind", "O") not in NUMBERS:
            raise ValueError(f"the array {name!r} is {array.dtype}, which is no number")
        files, file = math.prod(array.cdata_shape), math.prod(array.chunks) * array.dtype.itemsize
        if files > MOST_FILES:
            raise ValueError(f"the array {name!r} is of {files:,} files")
        check_fits(f"a file of the array {name!r}", file)
        whole += math.prod(array.shape) * array.dtype.itemsize
    check_fits(f"the arrays in {target}", whole)


def by_replicate(dims: Sequence[str | None] | None) -> bool:
    """Whether the first of some axes runs over replicates."""
    return bool(dims) and str(dims[0]).startswith("replicate")


def _array(target: pathlib.Path, group: Any, name: str, told: Attributes) -> np.ndarray:
    try:
        array = group[name]
        found = np.asarray(array[...])
        if told.get("complete") and (file := _missing(target / name, array)) is not None:
            raise FileNotFoundError(f"{file} is missing")
    except Exception as error:  # whatever a damaged file makes of its reader
        raise ValueError(f"{target / name} is damaged ({_said(error)})") from error
    return found


def _missing(directory: pathlib.Path, array: Any) -> pathlib.Path | None:
    """A file that a finished run has written, and that is not there: it would read as nothing."""
    for place in np.ndindex(*array.cdata_shape):
        file = directory.joinpath("c", *map(str, place))
        if not file.exists():
            return file
    return None


def write_journal(file: pathlib.Path, told: Attributes, arrays: Mapping[str, np.ndarray]) -> None:
    """All that is about to be written, in one file that is there as a whole or not at all."""
    buffer = io.BytesIO()
    described = np.frombuffer(json.dumps(told).encode(), np.uint8)
    named = {f"array.{name}": array for name, array in arrays.items()}
    np.savez(buffer, attributes=described, **named)  # pyright: ignore[reportArgumentType]
    replace_file(file, buffer.getbuffer())


def _journal(file: pathlib.Path) -> tuple[Attributes, Arrays] | None:
    """What a writer is about to write; `None` where it has just ended."""
    try:
        opened = open(file, "rb")
    except FileNotFoundError:
        return None
    with opened:
        try:
            with zipfile.ZipFile(opened) as members:
                check_members(members, os.fstat(opened.fileno()).st_size)
            opened.seek(0)
            with np.load(opened, allow_pickle=False) as found:
                arrays = {name.removeprefix("array."): found[name] for name in found.files}
            return json.loads(arrays.pop("attributes").tobytes()), arrays
        except Exception as error:  # whatever a damaged file makes of its reader
            raise ValueError(f"{file} is damaged ({_said(error)})") from error


def check_members(members: zipfile.ZipFile, size: int, kinds: str = NUMBERS) -> None:
    """Refuse an archive of numpy whose arrays are no numbers, or larger than the archive."""
    for member in members.infolist():
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
            raise ValueError(f"{member.filename} is larger than the file")
        with members.open(member) as one:
            version = np.lib.format.read_magic(one)
            reader = np.lib.format.read_array_header_1_0
            shape, _, dtype = (reader if version == (1, 0) else np.lib.format.read_array_header_2_0)(one)
        if dtype.kind not in kinds or math.prod(shape) * dtype.itemsize > size:
            raise ValueError(f"{member.filename} is larger than the file, or no number")


def replace_file(file: pathlib.Path, content: Any, beside: pathlib.Path | None = None) -> None:
    """Write a file that is there as a whole or not at all, even where the power fails."""
    new = (beside or file.parent) / f".{file.name}.new"
    with open(new, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(new, file)


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) <= 200 else text[:199] + '…'}"
