"""Results as tables for a terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from mcollapse.verdicts import Report, Verdict

STYLES = {"consistent": "green", "violated": "bold red", "not testable": "yellow", "reported": "cyan"}


def verdict_table(report: "Report") -> "Table":
    """One row a law: what was seen where it was worst, and what the test could have seen."""
    from rich.table import Table

    table = Table(
        title=f"{report.replicates:,} replicates against theory, family-wise level {report.level:g}"
    )
    swept = any(verdict.cell for verdict in report)
    for column in (("cell",) if swept else ()) + ("law", "kind", "record"):
        table.add_column(column)
    for column in ("t", "observed", "law says", "± s.e.", "z", "power"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for verdict in report:
        cell = (", ".join(f"{k}={v:g}" for k, v in verdict.cell.items()),) if swept else ()
        table.add_row(*cell, *_row(verdict))
    return table


def _row(verdict: "Verdict") -> tuple[str, ...]:
    at = int((verdict.generations == verdict.worst_generation).argmax())
    numbers = (verdict.observed[at], verdict.predicted[at], verdict.standard_error[at])
    shown = [f"{float(x):.5g}" if getattr(x, "ndim", 0) == 0 else "…" for x in numbers]
    statistic = "" if verdict.statistic == "mean" else f" ({verdict.statistic})"
    style = STYLES[verdict.outcome]
    return (
        verdict.law.name,
        verdict.law.kind,
        f"{verdict.record}{statistic}",
        str(verdict.worst_generation),
        *shown,
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
    console = Console(file=buffer, width=width, color_system=None)
    console.print(verdict_table(report))
    for note in notes(report):
        console.print(f"- {note}")
    return buffer.getvalue()
