"""`mcollapse reproduce`: papers' experiments run anew, with a table, figures, data and a report each."""

import json
import pathlib
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcollapse.cli.output import finite, say

if TYPE_CHECKING:
    from mcollapse.datasets import Corpus
    from mcollapse.reproducing import Experiment, Finding, Reproduction
    from mcollapse.reproducing.findings import Group
    from mcollapse.reproducing.values import Size
    from mcollapse.reproducing.writing import Written

COLOURS = {
    "consistent": "green", "agrees": "green", "violated": "bold red", "differs": "bold red",
    "not testable": "yellow", "undecided": "yellow", "differs, as known": "yellow", "reported": "cyan",
}  # fmt: skip


def list_experiments(as_json: bool) -> None:
    """A line each: what is asked, and what is known to disagree with the paper."""
    from rich.console import Console
    from rich.padding import Padding

    from mcollapse.experiments import every

    found = every()
    if as_json:
        rows = [
            {
                "id": e.id, "question": e.question, "paper": e.paper.citation, "where": e.where,
                "disagreements": list(e.disagreements), "needs_text": e.of_text is not None,
            }
            for e in found
        ]  # fmt: skip
        print(json.dumps(rows))
        return
    console = Console()
    for paper in dict.fromkeys(e.paper for e in found):
        console.print(paper.citation, style="bold", markup=False, highlight=False)
        for e in (e for e in found if e.paper == paper):
            console.print(f"  {e.id}: {e.question}", markup=False, highlight=False)
            for line in e.disagreements:
                console.print(Padding(f"≠ {line}", (0, 0, 0, 6)), style="yellow", highlight=False)
    console.print("\nmcollapse reproduce ID …, or a paper's name, or --all; --quick takes seconds each")


def chosen(names: Sequence[str], everything: bool) -> tuple["Experiment", ...]:
    """The experiments asked for, each once, in the order of asking."""
    from mcollapse.experiments import every, find

    if everything and names:
        raise ValueError("give names or --all, not both")
    found = every() if everything else [one for name in names for one in find(name)]
    return tuple({one.id: one for one in found}.values())


def reproduce_all(
    experiments: Sequence["Experiment"],
    *,
    size: "Size",
    seed: int,
    level: float,
    text: pathlib.Path | None,
    target: pathlib.Path,
    overwrite: bool,
    as_json: bool,
) -> bool:
    """Run, write and print every one; whether anything is contradicted that was not known to be wrong."""
    from mcollapse.reproducing import reproduce
    from mcollapse.reproducing.writing import as_dict, index, write
    from mcollapse.storing import Interrupted
    from mcollapse.storing.store import remove
    from mcollapse.trajectories import check_may_write

    check_may_write(target)
    _check_text(text)
    done: list[Reproduction] = []
    for number, experiment in enumerate(experiments, 1):
        own = experiment if experiment.of_text is None else experiment.of(_corpus(text, experiment.word))
        directory = target / own.id
        stores = directory / f"runs-{size}-{seed}"
        if overwrite and stores.exists():
            for store in stores.iterdir():
                remove(store)
        say(as_json, f"[{number}/{len(experiments)}] {own.id}: {own.question}")
        try:
            result = reproduce(
                own,
                size,
                seed=seed,
                level=level,
                store=stores,
                progress=not as_json,
                say=lambda arm: say(as_json, f"  {arm}"),
            )
        except Interrupted as stopped:
            again = " ".join(["mcollapse reproduce", *(e.id for e in experiments[number - 1 :])])
            flag = "" if size == "normal" else f" --{size}"
            where = shlex.quote(str(target))
            go_on = f"{again}{flag} --seed {seed} --out {where}"
            raise Interrupted(
                f"stopped; what was done is in {target}. Go on with: {go_on}", stopped.signal
            ) from stopped
        written = write(result, directory)
        done.append(result)
        if as_json:
            print(json.dumps(finite(as_dict(result) | {"report": str(written.report)})), flush=True)
        else:
            _print(result, written)
    if len(done) > 1:
        page = index(done, target)
        say(as_json, f"{sum(one.fine for one in done)} of {len(done)} experiments consistent: {page}")
    return not all(one.fine for one in done)


def _check_text(text: pathlib.Path | None) -> None:
    """Before anything runs."""
    from mcollapse.datasets import read_text

    if text is not None:
        read_text(text)


def _corpus(text: pathlib.Path | None, word: str) -> "Corpus":
    from mcollapse.datasets import help_topics, read_text

    if text is None:
        return help_topics()
    return read_text(text, re.compile(word)) if word else read_text(text)


def _print(result: "Reproduction", written: "Written") -> None:
    from rich.console import Console

    from mcollapse.reproducing.findings import grouped, shown

    console, experiment, notes = Console(), result.experiment, []
    console.print(f"\n{experiment.paper.citation} {experiment.where}.", markup=False, highlight=False)
    for group in grouped(result.findings):
        console.print(_table(group, notes))
    for i, note in enumerate(notes, 1):
        console.print(f"[{i}] {note}", markup=False)
    for line in experiment.disagreements:
        console.print(f"known to disagree: {line}", markup=False)
    for arm, verdict in result.violated:
        console.print(
            f"violated in {arm}: {verdict.law.name} ({verdict.record}, z = {verdict.worst_z:+.1f} at "
            f"generation {verdict.worst_generation})",
            style="bold red",
        )
    for finding in result.off:
        told = f"violated in {finding.arm}: {finding.law_name} ({finding.quantity}, {shown(finding.ours)})"
        console.print(told, style="bold red", markup=False)
    say(False, f"report {written.report}, {len(written.figures)} figures, {result.seconds:.1f} s")


def _table(group: "Group", notes: list[str]) -> Any:
    """Rows of one quantity of one run."""
    from rich.table import Table

    sees = f" (the test against the law sees {group.sees})" if group.sees else ""
    table = Table(title=f"{group.quantity} — {group.arm}{sees}", title_justify="left", title_style="")
    for column, justify in (
        ("at", "left"), ("ours ± s.e.", "right"), ("exact law", "right"), ("published", "right"),
        ("law", "left"), ("paper", "left"),
    ):  # fmt: skip
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for finding in group.findings:
        table.add_row(*_row(finding, notes))
    return table


def _row(finding: "Finding", notes: list[str]) -> tuple[str, ...]:
    from mcollapse.reproducing.findings import shown, with_error

    mark = ""
    if finding.note:
        if finding.note not in notes:
            notes.append(finding.note)
        mark = f" \\[{notes.index(finding.note) + 1}]"
    law = "" if finding.law_kind in ("exact", "") else "≈ "
    return (
        finding.at,
        with_error(finding.ours, finding.standard_error),
        law + shown(finding.law),
        finding.published or "–",
        _coloured(finding.against_law),
        _coloured(finding.against_paper) + mark,
    )


def _coloured(outcome: str) -> str:
    return f"[{COLOURS.get(outcome, '')}]{outcome}[/]" if outcome in COLOURS else "–"
