"""Sweeps: the same process with some numbers changed, stacked as one more axis."""

import dataclasses
import difflib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from mcollapse.families.base import Truth
from mcollapse.program import Experiment, as_traced


def at_cell(process: Any, truth: Truth, cell: dict[str, float]) -> tuple[Any, Truth]:
    """Process and truth with the numbers of one cell in place.

    A truth of the process's own family stays of it where a number of the family is swept.
    """
    family = getattr(process, "family", None)
    shared = family is not None and eqx.tree_equal(family, truth.family) is True
    for path, value in cell.items():
        if path.startswith("truth."):
            truth = Truth(truth.family, set_path(truth.params, path.removeprefix("truth."), value, path))
        else:
            process = set_path(process, path, value, path)
    return process, Truth(process.family, truth.params) if shared else truth


def set_path(value: Any, path: str, number: float, full: str) -> Any:
    """`value` with the number at a dotted path replaced; checks and converters run again."""
    head, _, rest = path.partition(".")
    every = dataclasses.fields(value) if isinstance(value, eqx.Module) else ()
    fields = [field.name for field in every if not field.metadata.get("derived")]
    if head not in fields:
        close = difflib.get_close_matches(head, fields, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(fields) or 'no fields'}"
        raise ValueError(f"cannot vary {full!r}: {type(value).__name__} has no field {head!r}; {hint}")
    inner = getattr(value, head)
    if rest:
        return dataclasses.replace(value, **{head: set_path(inner, rest, number, full)})
    if not _is_number(inner):
        raise ValueError(f"cannot vary {full!r}: it is no number but {inner!r}; name a number inside it")
    return dataclasses.replace(value, **{head: number})


def _is_number(value: Any) -> bool:
    if eqx.is_array_like(value):
        return np.ndim(value) == 0
    # a schedule can stand where a number can: the number then means a constant
    return hasattr(value, "role")


def chosen_cells(
    sweep: Mapping[str, Sequence[float]], cell: Mapping[str, float], free: int = 1
) -> list[tuple[int, ...]]:
    """Positions of the cells that have the given values; as many axes as are `free` may be left out.

    Raises:
        ValueError: an axis or a value is not in the sweep, or too few are given.
    """
    unknown = [path for path in cell if path not in sweep]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no axis of this run; its sweep has {', '.join(sweep) or 'none'}")
    left = [path for path in sweep if path not in cell]
    if len(left) > free:
        example = {path: sweep[path][0] for path in left[free:]}
        allowed = "lines can vary along one axis" if free == 1 else "one cell is asked for"
        raise ValueError(
            f"{allowed}, and {' and '.join(left)} {'are' if len(left) > 1 else 'is'} free: fix "
            f"{'all but one' if free == 1 else 'all'}, such as cell={example}"
        )
    every = (_positions(path, values, cell.get(path)) for path, values in sweep.items())
    return list(itertools.product(*every))


def _positions(path: str, values: Sequence[float], value: float | None) -> Sequence[int]:
    if value is None:
        return range(len(values))
    distances = np.abs(np.asarray(values, float) - value)
    nearest = int(np.argmin(distances))
    if distances[nearest] > 1e-5 * abs(value):
        listed = ", ".join(f"{v:g}" for v in values)
        raise ValueError(f"cell[{path!r}] is {value!r}, and the sweep has {listed}")
    return [nearest]


def stacked(cells: list[Experiment]) -> tuple[Experiment, tuple[int | None, ...]]:
    """Cells that are `alike` as one experiment: leaves that differ lead with an axis, named for each leaf."""
    flat = [jax.tree.flatten(cell) for cell in cells]
    structure = flat[0][1]
    if any(other != structure for _, other in flat[1:]):
        raise ValueError("the cells of a sweep must differ in numbers only; run simulate for each structure")
    columns = [
        [_as_leaf(leaf) for leaf in column] for column in zip(*(leaves for leaves, _ in flat), strict=True)
    ]
    same = [
        not eqx.is_array_like(c[0]) or all(np.array_equal(c[0], other) for other in c[1:]) for c in columns
    ]
    arrays = [i for i, c in enumerate(columns) if isinstance(c[0], np.ndarray | jax.Array)]
    if all(same[i] for i in arrays):  # a single cell: one leaf tells how many there are
        same[arrays[0]] = False
    leaves = [c[0] if alike else np.stack(c) for c, alike in zip(columns, same, strict=True)]
    experiment = jax.tree.unflatten(structure, leaves)
    axes = tuple(
        None if alike else 0
        for leaf, alike in zip(leaves, same, strict=True)
        if isinstance(leaf, np.ndarray | jax.Array)
    )
    return experiment, axes


def some(experiment: Experiment, axes: tuple[int | None, ...], cells: list[int]) -> Experiment:
    """Cells of those that `stacked` made one, by their numbers."""
    arrays, rest = eqx.partition(experiment, lambda leaf: isinstance(leaf, np.ndarray | jax.Array))
    leaves, structure = jax.tree.flatten(arrays)
    taken = [
        leaf if axis is None else leaf[np.asarray(cells)] for leaf, axis in zip(leaves, axes, strict=True)
    ]
    return eqx.combine(jax.tree.unflatten(structure, taken), rest)


def _as_leaf(leaf: Any) -> Any:
    return as_traced(leaf) if isinstance(leaf, np.ndarray | jax.Array | np.generic) else leaf


def alike(cells: list[Experiment]) -> list[Experiment]:
    """The cells with the same static numbers."""
    processes = cells[0].process.alike([cell.process for cell in cells])
    return [
        Experiment(process, cell.truth, cell.records) for process, cell in zip(processes, cells, strict=True)
    ]
