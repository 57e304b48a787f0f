"""`mcollapse run` without a specification: the words of a real text, retrained on their own output."""

import json
import math
import pathlib
from typing import TYPE_CHECKING, Any

from mcollapse.cli.output import finite, print_report, save_figure, say, stats_data

if TYPE_CHECKING:
    from mcollapse.dry_run import Plan
    from mcollapse.experiments.words import WordsResult


def run_words(
    text: pathlib.Path | None, changes: dict[str, Any], level: float, target: pathlib.Path, as_json: bool
) -> bool:
    """Run, save, draw and print; whether a law is violated."""
    from mcollapse.datasets import help_topics, read_text

    corpus = help_topics() if text is None else read_text(text)
    say(
        as_json,
        f"{corpus.name}: {corpus.tokens:,} words, {corpus.types:,} types, retrained on their own output",
    )
    import jax

    from mcollapse import plots
    from mcollapse.experiments import words

    key = jax.random.key(changes.pop("seed", 0))
    result = words.run_words(corpus, key=key, level=level, progress=not as_json, **changes)
    target.mkdir(parents=True, exist_ok=True)
    result.run.save(target / "run.zarr", overwrite=True)
    bands = result.bands
    axes = plots.bands(
        result.run["alive_by_band"].generations,
        [band.observed for band in bands],
        [band.standard_error for band in bands],
        [band.law for band in bands],
        [f"{band.label} ({band.types:,} words)" for band in bands],
        quantity="share of words alive",
    )
    save_figure(axes, target / "figure.png")
    if as_json:
        print(json.dumps(finite(_words_data(result, target))))
    else:
        _print_words(result)
        print_report(result.report)
        say(False, f"{result.run.stats}\ndata set {target / 'run.zarr'}, figure {target / 'figure.png'}")
    return result.violated


def plan_words(text: pathlib.Path | None, changes: dict[str, Any]) -> "Plan":
    """What `run_words` would take."""
    import jax

    from mcollapse.datasets import help_topics, read_text
    from mcollapse.dry_run import plan
    from mcollapse.experiments import words

    corpus = help_topics() if text is None else read_text(text)
    key = jax.random.key(changes.pop("seed", 0))
    return plan(**words.arguments(corpus, **changes), key=key)


def _words_data(result: "WordsResult", target: pathlib.Path) -> dict[str, Any]:
    bands = [
        {
            "band": b.label, "words": b.types, "alive": b.observed.tolist(), "alive_law": b.law.tolist(),
            "standard_error": b.standard_error.tolist(), "median_time": b.median,
            "median_time_law": b.law_median, "consistent": not result.band_violated(b),
        }
        for b in result.bands
    ]  # fmt: skip
    attributes = {k: v for k, v in result.run.attributes.items() if k != "corpus"}
    return {"run": attributes, "corpus": result.corpus.name, "bands": bands, "verdicts": result.report.rows(),
            "stats": stats_data(result.run), "store": str(target / "run.zarr"),
            "figure": str(target / "figure.png")}  # fmt: skip


def _print_words(result: "WordsResult") -> None:
    from rich.console import Console
    from rich.table import Table

    last = len(result.bands[0].observed) - 1
    half = min(10, last)
    title = f"{result.run.replicates:,} replicates; in brackets the exact law"
    table = Table(title=title)
    for column, justify in (
        ("words that occur", "left"), ("types", "right"), (f"alive at {half}", "right"),
        (f"alive at {last}", "right"), ("half forgotten at", "right"), ("verdict", "left"),
    ):  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for band in result.bands:
        shares = (f"{band.observed[t]:.4f} ({band.law[t]:.4f})" for t in (half, last))
        times = f"{_time(band.median, last)} ({_time(band.law_median, last)})"
        verdict = "[bold red]violated[/]" if result.band_violated(band) else "[green]consistent[/]"
        table.add_row(band.label, f"{band.types:,}", *shares, times, verdict)
    Console().print(table)
    worst = max(result.bands, key=lambda b: abs(b.z).max())
    say(False, f"largest deviation of any band at any generation: {abs(worst.z).max():.1f} standard errors "
                f"({worst.label}); standard errors of a share are at most "
                f"{max(b.standard_error.max() for b in result.bands):.4f}")  # fmt: skip


def _time(generations: float, last: int) -> str:
    return f"{generations:.0f}" if math.isfinite(generations) else f"> {last}"
