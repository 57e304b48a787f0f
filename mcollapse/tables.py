"""Results as tables for a terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from mcollapse.verdicts import Report, Verdict

STYLES = {"consistent": "green", "violated": "bold red", "not testable": "yellow", "reported": "cyan"}


def verdict_table(report: "Report", width: int = 160) -> "Table":
    """One row a law: what was seen where it was worst, and what the test could have seen.

    Narrow terminals lose the columns of numbers, not the verdicts.
    """
    from rich.table import Table

    wide = width >= 120
    title = f"{report.replicates:,} replicates against theory, family-wise level {report.level:g}"
    table = Table(title=title)
    swept = any(verdict.cell for verdict in report)
    for column in ("cell",) * swept + ("law",) + ("kind",) * wide + ("record",):
        table.add_column(column, no_wrap=wide or column == "record", overflow="fold")
    for column in ("t", *(("observed", "law says", "± s.e.") if wide else ()), "z", "power"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for verdict in report:
        cell = (", ".join(f"{k}={v:g}" for k, v in verdict.cell.items()),) if swept else ()
        table.add_row(*cell, *_row(verdict, wide))
    return table


def _row(verdict: "Verdict", wide: bool) -> tuple[str, ...]:
    row = verdict.row()
    numbers = [verdict.at_worst(a) for a in (verdict.observed, verdict.predicted, verdict.standard_error)]
    statistic = "" if verdict.statistic == "mean" else f" ({verdict.statistic})"
    style = STYLES[verdict.outcome]
    return (
        verdict.law.name,
        *((verdict.law.kind,) if wide else ()),
        f"{verdict.record}{statistic}",
        str(row["worst_generation"]),
        *((f"{x:.5g}" for x in numbers) if wide else ()),
        f"{verdict.worst_z:+.2f}",
        f"{100 * verdict.power:.2g} %" if verdict.power == verdict.power else "–",
        f"[{style}]{verdict.outcome}[/{style}]",
    )


def notes(report: "Report") -> list[str]:
    """What a reader should know beside the table."""
    own = [f"{v.law.name}: {v.note}" for v in report if v.note]
    return [*report.notes, *dict.fromkeys(own)]


def plain(report: "Report", width: int = 160) -> str:
    """The table as text."""
    import io

    from rich.console import Console

    if not report.verdicts:
        return "no law in mcollapse.theory applies to what was recorded"
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, color_system=None, force_jupyter=False)
    console.print(verdict_table(report, width))
    for note in notes(report):
        console.print(f"- {note}")
    return buffer.getvalue()
