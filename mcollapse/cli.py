"""The command line: `mcollapse run [SPEC.toml]` and `mcollapse compare STORE`.

Exit codes: 0, all is consistent with theory or no law applies; 1, an exact law or a bound is violated;
2, the input was wrong; 70, a fault of ours; 130, interrupted.
"""

import json
import math
import os
import pathlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mcollapse.experiments.words import WordsResult
    from mcollapse.trajectories import Trajectories
    from mcollapse.verdicts import Report

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Recursive training on synthetic data: batched replicates held against exact theory.",
)

OutOption = Annotated[
    pathlib.Path | None,
    typer.Option(
        "--out", help="Directory for the data set and the figure; left out, a new one is made here."
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what --out already holds.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
LevelOption = Annotated[
    float,
    typer.Option("--level", help="Probability of calling any true law violated, over the whole report."),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from mcollapse.version import __version__

        print(__version__)
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def run(
    specification: Annotated[
        pathlib.Path | None,
        typer.Argument(
            metavar="[SPEC.toml]", help="An experiment; left out, the words of a real text are run."
        ),
    ] = None,
    text: Annotated[
        pathlib.Path | None,
        typer.Option("--text", help="A UTF-8 text to use instead of Python's help topics."),
    ] = None,
    replicates: Annotated[int | None, typer.Option("--replicates", help="How many independent runs.")] = None,
    generations: Annotated[
        int | None, typer.Option("--generations", help="Steps after generation 0.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the random numbers.")] = None,
    level: LevelOption = 1e-3,
    out: OutOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run an experiment, hold it against theory, leave a data set and a figure."""
    if specification is not None and text is not None:
        raise ValueError(
            "give a specification or --text, not both; in a specification the text is family.truth.text"
        )
    name = "words" if specification is None else specification.stem
    target = _target(out, name, overwrite)
    changes = {"replicates": replicates, "generations": generations, "seed": seed}
    changes = {key: value for key, value in changes.items() if value is not None}
    try:
        if specification is None:
            violated = _run_words(text, changes, level, target, as_json)
        else:
            violated = _run_specification(specification, changes, level, target, as_json)
    except KeyboardInterrupt:
        sys.stdout.flush()
        print("interrupted: no complete result was saved", file=sys.stderr, flush=True)
        os._exit(130)  # a device cannot be stopped, and Python would wait for the chunks in flight
    raise typer.Exit(1 if violated else 0)


@app.command()
def compare(
    store: Annotated[
        pathlib.Path, typer.Argument(help="A data set that a run has left, such as DIR/run.zarr.")
    ],
    level: LevelOption = 1e-3,
    as_json: JsonOption = False,
) -> None:
    """Hold a saved run against every law that applies to it."""
    from mcollapse.trajectories import Trajectories

    loaded = Trajectories.load(store / "run.zarr" if (store / "run.zarr").exists() else store)
    report = loaded.compare(level=level)
    if as_json:
        print(json.dumps(_finite({"run": loaded.attributes, "verdicts": report.rows()})))
    else:
        _print_report(report)
    raise typer.Exit(1 if report.violated else 0)


def _run_words(
    text: pathlib.Path | None, changes: dict[str, Any], level: float, target: pathlib.Path, as_json: bool
) -> bool:
    from mcollapse.datasets import help_topics, read_text

    corpus = help_topics() if text is None else read_text(text)
    _say(
        as_json,
        f"{corpus.name}: {corpus.tokens:,} words, {corpus.types:,} types, retrained on their own output",
    )
    import jax

    from mcollapse import plots, progress
    from mcollapse.experiments.words import run_words

    key = jax.random.key(changes.pop("seed", 0))
    result = run_words(corpus, key=key, level=level, progress=progress.default(not as_json), **changes)
    _save(result.run, target)
    bands = result.bands
    axes = plots.bands(
        result.run["alive_by_band"].generations,
        [band.observed for band in bands],
        [band.standard_error for band in bands],
        [band.law for band in bands],
        [f"{band.label} ({band.types:,} words)" for band in bands],
        quantity="share of words alive",
    )
    _save_figure(axes, target / "figure.png")
    if as_json:
        print(json.dumps(_finite(_words_data(result, target))))
    else:
        _print_words(result)
        _print_report(result.report)
        _say(False, f"{result.run.stats}\ndata set {target / 'run.zarr'}, figure {target / 'figure.png'}")
    return result.violated


def _run_specification(
    path: pathlib.Path, changes: dict[str, Any], level: float, target: pathlib.Path, as_json: bool
) -> bool:
    from mcollapse.spec import Specification

    spec = Specification.read(path)
    spec = spec.model_copy(update=changes)
    import jax

    from mcollapse import progress
    from mcollapse.simulate import simulate, sweep

    arguments: dict[str, Any] = {
        "key": jax.random.key(spec.seed), "generations": spec.generations, "replicates": spec.replicates,
        "start": spec.start, "record": spec.records, "chunk": spec.chunk, "draws": spec.draws,
        "progress": progress.default(not as_json),
    }  # fmt: skip
    if spec.sweep:
        result = sweep(spec.process, spec.truth, over=spec.sweep, **arguments)
    else:
        result = simulate(spec.process, spec.truth, **arguments)
    _save(result, target)
    report = result.compare(level=level)
    figures = [] if len(spec.sweep) > 1 else _figures(result, target)
    if as_json:
        data = {"run": result.attributes, "verdicts": report.rows(), "store": str(target / "run.zarr")}
        print(json.dumps(_finite(data | {"figures": figures, "status": result.status_counts()})))
    else:
        _print_report(report)
        bad = {name: count for name, count in result.status_counts().items() if count and name != "ok"}
        if bad:
            _say(
                False,
                "replicates that ended " + ", ".join(f"{k.replace('_', ' ')}: {n:,}" for k, n in bad.items()),
            )
        _say(
            False,
            f"{result.stats}\ndata set {target / 'run.zarr'}"
            + (f", figures {', '.join(figures)}" if figures else ""),
        )
    return bool(report.violated)


def _figures(result: "Trajectories", target: pathlib.Path) -> list[str]:
    """A figure for each record that is one number a generation."""
    from mcollapse.recording import HittingEntry

    made = []
    for name, entry in result.items():
        axes = len(entry.sweep_axes) + 1
        shape = entry.hits.ndim if isinstance(entry, HittingEntry) else entry.mean.ndim  # type: ignore[attr-defined]
        if shape == axes:
            file = target / f"{name}.png"
            _save_figure(result.plot(name), file)
            made.append(str(file))
    return made


def _target(out: pathlib.Path | None, name: str, overwrite: bool) -> pathlib.Path:
    """The directory of the results: a given one must be free, otherwise the next free name is taken."""
    from mcollapse.trajectories import check_writable

    if out is not None:
        check_writable(out, overwrite)
        return out
    base, number = f"mcollapse-{name}", 1
    while (candidate := pathlib.Path(base if number == 1 else f"{base}-{number}")).exists():
        number += 1
    check_writable(candidate, overwrite)
    return candidate


def _save(result: "Trajectories", target: pathlib.Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    result.save(target / "run.zarr", overwrite=True)


def _save_figure(axes: Any, file: pathlib.Path) -> None:
    import matplotlib.pyplot as plt

    axes.figure.savefig(file, dpi=150, bbox_inches="tight")
    plt.close(axes.figure)


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
            "store": str(target / "run.zarr"), "figure": str(target / "figure.png")}  # fmt: skip


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
    _say(False, f"largest deviation of any band at any generation: {abs(worst.z).max():.1f} standard errors "
                f"({worst.label}); standard errors of a share are at most "
                f"{max(b.standard_error.max() for b in result.bands):.4f}")  # fmt: skip


def _time(generations: float, last: int) -> str:
    return f"{generations:.0f}" if math.isfinite(generations) else f"> {last}"


def _print_report(report: "Report") -> None:
    from rich.console import Console

    from mcollapse.tables import notes, verdict_table

    console = Console()
    if not len(report):
        console.print("No law in mcollapse.theory applies to what was recorded.")
        return
    console.print(verdict_table(report, console.width))
    for note in notes(report):
        console.print(f"- {note}")


def _say(silent: bool, message: str) -> None:
    if not silent:
        print(message, flush=True)


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: they become null."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def main(arguments: list[str] | None = None, exit_: Callable[[int], Any] = sys.exit) -> None:
    """The entry point: errors of the user's are a line each, not a traceback."""
    try:
        app(arguments)
    except (ValueError, OSError) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        exit_(2)
    except Exception:
        # a fault of ours must not look like a violated law, which is exit code 1
        import traceback

        traceback.print_exc()
        exit_(70)
