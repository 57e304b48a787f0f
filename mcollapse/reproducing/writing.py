"""What a reproduction leaves: figures, a table as CSV and JSON, curves as CSV, and a report as HTML."""

import base64
import csv
import dataclasses
import json
import math
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from mcollapse.recording import HittingEntry, MeanEntry
from mcollapse.reproducing.figures import Drawn, draw
from mcollapse.reproducing.findings import Finding, grouped, percent, shown, with_error
from mcollapse.reproducing.running import Reproduction, slug
from mcollapse.trajectories import Trajectories, versions

COLUMNS = tuple(field.name for field in dataclasses.fields(Finding))


@dataclasses.dataclass(frozen=True)
class Written:
    """Where everything of one experiment is."""

    directory: pathlib.Path
    report: pathlib.Path
    figures: tuple[Drawn, ...]


def write(reproduction: Reproduction, directory: pathlib.Path) -> Written:
    """Everything but the stores of the runs, which lie there already; what was there before is replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    figures = draw(reproduction, directory)
    _write_table(reproduction, directory / "table.csv")
    for arm, run in reproduction.results.runs.items():
        write_curves(run, directory / f"curves-{slug(arm)}.csv")
    (directory / "result.json").write_text(json.dumps(as_dict(reproduction), indent=1) + "\n", "utf-8")
    report = directory / "report.html"
    report.write_text(html(reproduction, figures), "utf-8")
    return Written(directory, report, figures)


def _write_table(reproduction: Reproduction, file: pathlib.Path) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, COLUMNS)
        writer.writeheader()
        writer.writerows(dataclasses.asdict(finding) for finding in reproduction.findings)


def write_curves(run: Trajectories, file: pathlib.Path) -> None:
    """Every recorded number that has a mean over replicates: one row a cell, generation and component."""
    sweep = run.attributes["sweep"]
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow([*sweep, "record", "generation", "component", "mean", "standard_error"])
        for name, entry in run.items():
            if not isinstance(entry, MeanEntry | HittingEntry):
                continue
            hitting = isinstance(entry, HittingEntry)
            mean = np.moveaxis(entry.probability, -1, len(sweep)) if hitting else entry.mean
            error = np.moveaxis(entry.standard_error, -1, len(sweep)) if hitting else entry.standard_error
            label = f"{name} (share that has hit)" if hitting else name
            for index in np.ndindex(mean.shape):
                cell, t, component = index[: len(sweep)], index[len(sweep)], index[len(sweep) + 1 :]
                values = [axis[i] for axis, i in zip(sweep.values(), cell, strict=True)]
                place = " ".join(map(str, component))
                writer.writerow(
                    [*values, label, entry.generations[t], place, float(mean[index]), float(error[index])]
                )


def as_dict(reproduction: Reproduction) -> dict[str, Any]:
    """Plain data: settings, table, verdicts, versions."""
    experiment, runs = reproduction.experiment, reproduction.results.runs
    return _plain(
        {
            "experiment": experiment.id,
            "question": experiment.question,
            "paper": dataclasses.asdict(experiment.paper),
            "where": experiment.where,
            "size": reproduction.size,
            "seed": reproduction.seed,
            "level": reproduction.level,
            "fine": reproduction.fine,
            "findings": [dataclasses.asdict(finding) for finding in reproduction.findings],
            "verdicts": {arm: report.rows() for arm, report in reproduction.results.reports.items()},
            "runs": {arm: run.attributes for arm, run in runs.items()},
            "status": {arm: run.status_counts() for arm, run in runs.items()},
            "disagreements": list(experiment.disagreements),
            "notes": list(experiment.notes),
            "seconds": round(reproduction.seconds, 2),
            "versions": versions(),
        }
    )


def _plain(value: Any) -> Any:
    """JSON has no infinity and no NaN: they become null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def html(reproduction: Reproduction, figures: Sequence[Drawn]) -> str:
    """The report: one file, which needs nothing else."""
    pictures = [
        {
            "caption": f.caption,
            "alternative": f.alternative,
            "data": base64.b64encode(f.svg.read_bytes()).decode(),
        }
        for f in figures
    ]
    return _template("report.html.jinja").render(
        reproduction=reproduction,
        experiment=reproduction.experiment,
        figures=pictures,
        groups=grouped(reproduction.findings),
        versions=versions(),
    )


def index(done: Sequence[Reproduction], directory: pathlib.Path) -> pathlib.Path:
    """A page that leads to the reports of several experiments."""
    file = directory / "index.html"
    file.write_text(_template("index.html.jinja").render(done=done), "utf-8")
    return file


def _template(name: str) -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mcollapse.reproducing", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": shown,
        "with_error": with_error,
        "percent": percent,
        "settings": settings,
    }
    return environment.get_template(name)


def settings(run: Trajectories) -> list[tuple[str, str]]:
    """What ran, by name: the process's parts with their numbers."""
    a = run.attributes
    parts = [(key, _told(value)) for key, value in a["process"].items() if key not in ("name", "path")]
    rest = [
        ("start", a["start"]),
        ("generations", str(a["generations"])),
        ("replicates", f"{a['replicates']:,}"),
    ]
    axes = [
        (f"sweep over {path}", ", ".join(f"{x:g}" for x in values)) for path, values in a["sweep"].items()
    ]
    return [("process", a["process"].get("name", "")), *parts, *rest, *axes, ("precision", str(a["dtype"]))]


def _told(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{k} = {_told(v)}" for k, v in value.items() if k != "name" and v is not None)
        name = str(value.get("name", ""))
        return f"{name} ({inner})" if inner and name else name or inner
    if isinstance(value, list | tuple):
        listed = [_told(item) for item in value]
        return f"[{', '.join(listed if len(listed) < 9 else [*listed[:3], '…', *listed[-2:]])}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
