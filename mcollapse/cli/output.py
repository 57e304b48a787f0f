"""What the command line prints and leaves beside the data."""

import json
import math
import pathlib
import shlex
import sys
from typing import TYPE_CHECKING, Any

from mcollapse.costs import told_statuses

if TYPE_CHECKING:
    from mcollapse.dry_run import Plan
    from mcollapse.trajectories import Trajectories
    from mcollapse.verdicts import Report


def tell_result(result: "Trajectories", target: pathlib.Path, level: float, as_json: bool) -> bool:
    """Verdicts, figures and what it cost; whether a law is violated."""
    report = result.compare(level=level)
    if as_json:
        drawn = figures(result, target)
        data = {"run": result.attributes, "verdicts": report.rows(), "store": str(target / "run.zarr")}
        print(
            json.dumps(
                finite(
                    data | {"figures": drawn, "status": result.status_counts(), "stats": stats_data(result)}
                )
            )
        )
        return bool(report.violated)
    print_report(report)
    print(result.stats or told_statuses(result.status_counts()), flush=True)
    drawn = figures(result, target)
    shown = f", figures {', '.join(drawn)}" if drawn else ""
    print(f"data set {target / 'run.zarr'}{shown}", flush=True)
    return bool(report.violated)


def tell_plan(plan: "Plan", as_json: bool) -> None:
    """What a run would take."""
    print(json.dumps(finite(plan.as_dict())) if as_json else plan)


def stats_data(result: "Trajectories") -> dict[str, Any] | None:
    """What the run cost; nothing of one that was done already."""
    return None if result.stats is None else result.stats.as_dict()


def figures(result: "Trajectories", target: pathlib.Path) -> list[str]:
    """A figure for each record that is one number a generation; a full disk costs a line, and no result.

    Of several axes, and of histograms of several cells, no figure can be drawn that nobody chose.
    """
    made, sweep = [], result.attributes["sweep"]
    if len(sweep) > 1:
        return made
    for name, entry in result.items():
        if entry.component_shape or (entry.kind == "histogram" and sweep):
            continue
        file = target / f"{name}.png"
        try:
            save_figure(result.plot(name), file)
            made.append(str(file))
        except OSError as error:
            said = f"{file} could not be written ({error.strerror or error}); the data set is whole"
            print(f"{said}: mcollapse resume {shlex.quote(str(target))} draws it again", file=sys.stderr)
    return made


def save_figure(axes: Any, file: pathlib.Path, *, page: bool = False) -> None:
    """Write and close; for a page as wide as it was drawn and with the page's dots, else cut to the ink."""
    import matplotlib.pyplot as plt

    how: dict[str, Any] = {} if page else {"dpi": 150, "bbox_inches": "tight"}
    axes.figure.savefig(file, **how)
    plt.close(axes.figure)


def print_report(report: "Report") -> None:
    """A table and its notes."""
    from rich.console import Console

    from mcollapse.tables import notes, verdict_table

    console = Console()
    if not len(report):
        console.print("No law in mcollapse.theory applies to what was recorded.")
        return
    console.print(verdict_table(report, console.width))
    for note in notes(report):
        console.print(f"- {note}")


def say(silent: bool, message: str) -> None:
    """A line, unless only JSON is to be printed."""
    if not silent:
        print(message, flush=True)


def finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: they become null."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
