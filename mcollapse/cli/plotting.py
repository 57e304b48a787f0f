"""`mcollapse plot`: a figure of a saved run."""

import inspect
import pathlib
from typing import TYPE_CHECKING, Any

from mcollapse.cli.output import save_figure

if TYPE_CHECKING:
    from mcollapse.trajectories import Trajectories

FORMATS = (".pdf", ".png", ".svg", ".eps", ".jpg")


def plot_run(
    store: pathlib.Path,
    record: str | None,
    kind: str,
    out: pathlib.Path | None,
    width: float | None,
    options: dict[str, Any],
) -> pathlib.Path:
    """Draw, and return where the figure is."""
    import contextlib

    from mcollapse import plots
    from mcollapse.spec import pick
    from mcollapse.trajectories import DATA, Trajectories, check_may_write

    function = plots.KINDS[pick(kind, plots.KINDS, "kind of figure")]
    known = inspect.signature(function).parameters
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in known:
            users = [k for k, f in plots.KINDS.items() if name in inspect.signature(f).parameters]
            raise ValueError(f"--{name} is an option of --kind {' or '.join(users)}, not of {kind}")
    if out is not None and out.suffix not in FORMATS:
        raise ValueError(f"--out names a figure, FILE{', FILE'.join(FORMATS)}; got {out}")
    run = Trajectories.load(store)
    if record is not None:
        _check_record(run, record)
    folder = store if (store / DATA).exists() else store.absolute().parent
    target = out or folder / f"{'-'.join(part for part in (record, kind) if part)}.png"
    check_may_write(target.absolute().parent, target)
    with plots.paper(width) if width is not None else contextlib.nullcontext():
        axes = function(run, record, **given)
        target.parent.mkdir(parents=True, exist_ok=True)
        save_figure(axes, target, page=width is not None)
    return target


def _check_record(run: "Trajectories", name: str) -> None:
    try:
        run[name]
    except KeyError as error:
        raise ValueError(error.args[0]) from error


def cell_of(values: list[str] | None) -> dict[str, float] | None:
    """`["source.real_share=0.1"]` as a cell of a sweep."""
    if not values:
        return None
    cell = {}
    for text in values:
        path, _, number = text.partition("=")
        try:
            cell[path] = float(number)
        except ValueError:
            raise ValueError(f"--cell is PATH=NUMBER, such as source.real_share=0.1, got {text!r}") from None
    return cell


def window_of(text: str | None) -> tuple[int, int] | None:
    """`"100:1000"` as the first and last generation."""
    if text is None:
        return None
    first, _, last = text.partition(":")
    if not (first.isdigit() and last.isdigit()):
        raise ValueError(f"--window is FIRST:LAST, two generations such as 100:1000, got {text!r}")
    return int(first), int(last)
