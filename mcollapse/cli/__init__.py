"""The command line: `mcollapse run`, `resume`, `compare`, `plot`, `list` and `reproduce`.

Exit codes: 0, all is consistent with theory or no law applies; 1, an exact law, a bound or a published number
that is not known to be wrong is contradicted; 2, the input was wrong; 70, a fault of ours; 75, another
process of the run failed or died; 130 and 143, interrupted by SIGINT and SIGTERM.
"""

import json
import os
import pathlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from mcollapse.cli.caching import remembered_programs
from mcollapse.cli.experiment import Experiment
from mcollapse.cli.output import finite, print_report, tell_plan, tell_result
from mcollapse.cli.profiling import check_profile, profiled
from mcollapse.running.company import OtherEnded

if TYPE_CHECKING:
    from mcollapse.trajectories import Trajectories

Result = TypeVar("Result")

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
DistributedOption = Annotated[
    bool,
    typer.Option(
        "--distributed", help="Share the run with the other processes that SLURM or Open MPI has started."
    ),
]
CoordinatorOption = Annotated[
    str | None,
    typer.Option("--coordinator", help="HOST:PORT of process 0, where neither SLURM nor Open MPI tells."),
]
ProcessesOption = Annotated[int | None, typer.Option("--processes", help="How many there are.")]
ProcessOption = Annotated[int | None, typer.Option("--process", help="Which of them this is, from 0 on.")]
CheckpointOption = Annotated[
    float, typer.Option("--checkpoint-every", help="Seconds between checkpoints, from which a run goes on.")
]
CacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Compile anew, and keep no compiled program for the next start.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what the run would take, and whether it fits; write nothing.")
]
ProfileOption = Annotated[
    pathlib.Path | None,
    typer.Option("--profile", help="Directory for JAX's trace; of a short run: it grows fast."),
]
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
    csv: Annotated[
        pathlib.Path | None,
        typer.Option("--csv", help="A table of your own, to which a model is fitted and retrained."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", help="Of the table; several make a Gaussian in as many dimensions."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--target", help="The column of the labels of a linear regression on the columns."),
    ] = None,
    replicates: Annotated[int | None, typer.Option("--replicates", help="How many independent runs.")] = None,
    generations: Annotated[
        int | None, typer.Option("--generations", help="Steps after generation 0.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the random numbers.")] = None,
    level: LevelOption = 1e-3,
    out: OutOption = None,
    checkpoint_every: CheckpointOption = 120.0,
    profile: ProfileOption = None,
    no_cache: CacheOption = False,
    overwrite: OverwriteOption = False,
    distributed: DistributedOption = False,
    coordinator: CoordinatorOption = None,
    processes: ProcessesOption = None,
    process: ProcessOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run an experiment, hold it against theory, leave a data set and a figure."""
    _one_input(specification, text, csv, column, label)
    source = specification or csv
    shared = _connect(distributed, coordinator, processes, process, source is not None)
    changes = {"replicates": replicates, "generations": generations, "seed": seed}
    changes = {key: value for key, value in changes.items() if value is not None}
    experiment = Experiment(specification, text, csv, tuple(column or ()), label, changes)
    if dry_run:
        plan = _stoppable(lambda: experiment.plan(out), no_cache, None, writing=False)
        tell_plan(plan, as_json)
        raise typer.Exit(0 if plan.fits else 2)
    check_profile(profile)
    target = _target(out, "words" if source is None else source.stem, overwrite, shared)
    if source is None:
        from mcollapse.cli.words import run_words

        violated = _stoppable(lambda: run_words(text, changes, level, target, as_json), no_cache, profile)
    else:
        from mcollapse.running import hosts

        arguments = experiment.arguments(target, as_json)
        result = _stoppable(lambda: _simulated(arguments, checkpoint_every, as_json), no_cache, profile)
        violated = hosts.index() == 0 and tell_result(result, target, level, as_json)
    raise typer.Exit(1 if violated else 0)


@app.command()
def resume(
    store: Annotated[pathlib.Path, typer.Argument(help="What a run has left: the directory of --out.")],
    specification: Annotated[
        pathlib.Path | None,
        typer.Option(
            "--spec", help="SPEC.toml as it is now: a sweep may have other values; the rest must be the same."
        ),
    ] = None,
    replicates: Annotated[
        int | None, typer.Option("--replicates", help="As many in all; left out, as many as were asked for.")
    ] = None,
    level: LevelOption = 1e-3,
    checkpoint_every: CheckpointOption = 120.0,
    profile: ProfileOption = None,
    no_cache: CacheOption = False,
    distributed: DistributedOption = False,
    coordinator: CoordinatorOption = None,
    processes: ProcessesOption = None,
    process: ProcessOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with a run that was stopped; give it more replicates, or its sweep other values."""
    _connect(distributed, coordinator, processes, process)
    from mcollapse.running import hosts
    from mcollapse.storing.resuming import check_resumable
    from mcollapse.storing.resuming import resume as resumed

    check_profile(profile)
    check_resumable(store)
    options: dict[str, Any] = {"progress": not as_json, "checkpoint_every": checkpoint_every}
    if specification is None:
        result = _stoppable(lambda: resumed(store, replicates=replicates, **options), no_cache, profile)
    else:
        changes = {} if replicates is None else {"replicates": replicates}
        experiment = Experiment(specification, None, None, (), None, changes)
        arguments = experiment.arguments(store, as_json)
        result = _stoppable(lambda: _simulated(arguments, checkpoint_every, as_json), no_cache, profile)
    violated = hosts.index() == 0 and tell_result(result, store, level, as_json)
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
        print(json.dumps(finite({"run": loaded.attributes, "verdicts": report.rows()})))
    else:
        print_report(report)
    raise typer.Exit(1 if report.violated else 0)


@app.command()
def plot(
    store: Annotated[pathlib.Path, typer.Argument(help="A data set that a run has left, or its directory.")],
    record: Annotated[
        str | None, typer.Option("--record", help="Which record; left out, the first that can be drawn so.")
    ] = None,
    kind: Annotated[
        str, typer.Option("--kind", help="trajectory, fan, survival, times, rate, optimum or phases.")
    ] = "trajectory",
    out: Annotated[
        pathlib.Path | None,
        typer.Option("--out", help="FILE.pdf, .svg or .png; left out, a PNG beside the data."),
    ] = None,
    width: Annotated[
        float | None, typer.Option("--width", help="In mm, for a page: 85 is a column. Letters are smaller.")
    ] = None,
    component: Annotated[
        int | None, typer.Option("--component", help="Of a metric with several values.")
    ] = None,
    cell: Annotated[
        list[str] | None, typer.Option("--cell", help="PATH=NUMBER, the value of an axis of a sweep.")
    ] = None,
    window: Annotated[
        str | None, typer.Option("--window", help="FIRST:LAST, the generations that a rate is fitted to.")
    ] = None,
    at: Annotated[int | None, typer.Option("--at", help="The generation of an optimum.")] = None,
    scale: Annotated[str | None, typer.Option("--scale", help="linear or log.")] = None,
    law: Annotated[bool, typer.Option("--law/--no-law", help="Whether to draw what theory says.")] = True,
) -> None:
    """Draw a figure of a saved run: quantile fans, survival, rates, optima, phase maps."""
    from mcollapse.cli.plotting import cell_of, plot_run, window_of

    options = {"component": component, "cell": cell_of(cell), "window": window_of(window), "at": at}
    print(plot_run(store, record, kind, out, width, options | {"scale": scale, "law": law}))


@app.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(help="families, estimators, sources, metrics, laws, …; left out, all."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List what an experiment can be made of, a line each."""
    from mcollapse.cli.listing import tell_list

    tell_list(kind, as_json)


@app.command()
def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID ...]", help="Experiments or papers; left out, they are listed."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every experiment.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Few replicates: seconds each.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Very many replicates.")] = False,
    text: Annotated[
        pathlib.Path | None,
        typer.Option(
            "--text", help="A UTF-8 text for experiments that read one: WikiText-2, for the papers' own."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the random numbers.")] = 0,
    level: LevelOption = 1e-3,
    out: Annotated[
        pathlib.Path | None,
        typer.Option(
            "--out",
            help="Directory for reports, figures and data; what was stopped in it goes on. Left out, a new "
            "one is made here.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Run anew what --out already holds.")
    ] = False,
    no_cache: CacheOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run papers' experiments anew: our numbers beside exact laws and published ones, with a report."""
    from mcollapse.cli.reproduce import chosen, list_experiments, reproduce_all

    if quick and full:
        raise ValueError("a run is --quick or --full, not both")
    if not 0 < level < 1:
        raise ValueError(f"--level is a probability, such as 0.001, got {level}")
    experiments = chosen(names or [], everything)
    if not experiments:
        list_experiments(as_json)
        raise typer.Exit(0)
    contradicted = _stoppable(
        lambda: reproduce_all(
            experiments,
            size="quick" if quick else "full" if full else "normal",
            seed=seed,
            level=level,
            text=text,
            target=_target(None, "reproduce", False, False) if out is None else out,
            overwrite=overwrite,
            as_json=as_json,
        ),
        no_cache,
        None,
    )
    raise typer.Exit(1 if contradicted else 0)


def _one_input(
    specification: pathlib.Path | None,
    text: pathlib.Path | None,
    csv: pathlib.Path | None,
    column: list[str] | None,
    label: str | None,
) -> None:
    """A specification, a text or a table."""
    if specification is not None and (text is not None or csv is not None):
        option, field = ("--text", "text") if text is not None else ("--csv", "csv")
        raise ValueError(
            f"give a specification or {option}, not both; in a specification the file is family.truth.{field}"
        )
    if text is not None and csv is not None:
        raise ValueError("give --text or --csv, not both")
    if csv is None and (column or label):
        raise ValueError(f"--{'column' if column else 'target'} is a column of a table: say --csv FILE")


def _stoppable(
    work: Callable[[], Result], no_cache: bool, profile: pathlib.Path | None, writing: bool = True
) -> Result:
    """What `work` gives; a signal ends it with a line that says what was saved, and its exit code."""
    from mcollapse.storing import Interrupted, signal_of, terminable

    try:
        with terminable(), remembered_programs(not no_cache, writing), profiled(profile):
            return work()
    except Interrupted as stopped:
        ended, code, message = stopped, stopped.code, str(stopped)
    except KeyboardInterrupt as stopped:
        ended, code = stopped, 128 + signal_of(stopped)
        message = "interrupted: no complete result was saved"
    sys.stdout.flush()
    print(message, file=sys.stderr, flush=True)
    _part(ended)
    os._exit(code)  # a device cannot be stopped, and Python would wait for the chunks in flight


def _part(error: BaseException) -> bool:
    """Where others share the run, let them end first: whether they had not done all of it."""
    from mcollapse.running import hosts

    return hosts.part(error)


def _connect(
    distributed: bool,
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    specified: bool = True,
) -> bool:
    """Join the other processes, where there are any; only the first of them prints."""
    if not (distributed or coordinator or processes is not None or process is not None):
        return False
    if not specified:
        raise ValueError("the words of a text are run by one process: give a specification to share a run")
    from mcollapse.running import hosts

    hosts.connect(coordinator, processes, process)
    if hosts.index() > 0:
        sys.stdout = open(os.devnull, "w")
    return True


def _simulated(arguments: dict[str, Any], checkpoint_every: float, as_json: bool) -> "Trajectories":
    from mcollapse.simulate import simulate, sweep

    shown: dict[str, Any] = {"progress": not as_json, "checkpoint_every": checkpoint_every}
    if arguments["over"]:
        return sweep(**arguments, **shown)
    return simulate(**{name: value for name, value in arguments.items() if name != "over"}, **shown)


def _target(out: pathlib.Path | None, name: str, overwrite: bool, shared: bool) -> pathlib.Path:
    """The directory of the results: a given one must be free, otherwise the next free name is taken."""
    if shared:
        return _shared_target(out, overwrite)
    if out is not None:
        _free(out, overwrite)
        return out
    base, number = f"mcollapse-{name}", 1
    while (candidate := pathlib.Path(base if number == 1 else f"{base}-{number}")).exists():
        number += 1
    _free(candidate, overwrite)
    return candidate


def _shared_target(out: pathlib.Path | None, overwrite: bool) -> pathlib.Path:
    from mcollapse.running import hosts

    if out is None:
        raise ValueError("processes that share a run must agree on where it is written: say --out DIR")
    if hosts.index() == 0:
        _free(out, overwrite)
    hosts.wait_for_all("target")
    return out


def _free(out: pathlib.Path, overwrite: bool) -> None:
    from mcollapse.storing.store import holds_nothing, remove
    from mcollapse.trajectories import check_may_write, check_writable

    if holds_nothing(out):
        return check_may_write(out)
    check_writable(out, overwrite)
    if overwrite:
        remove(out)


def main(arguments: list[str] | None = None, exit_: Callable[[int], Any] = sys.exit) -> None:
    """The entry point: errors of the user's are a line each, not a traceback."""
    try:
        app(arguments)
        return
    except (ValueError, OSError) as error:
        code, ended = _told(error, 2), error
    except OtherEnded as error:
        code, ended = _told(error, 75), error
    except Exception as error:
        # a fault of ours must not look like a violated law, which is exit code 1
        import traceback

        traceback.print_exc()
        code, ended = 70, error
    if _part(ended):
        os._exit(code)
    exit_(code)


def _told(error: Exception, code: int) -> int:
    for line in [*str(error).splitlines(), *getattr(error, "__notes__", ())]:
        print(f"error: {line}", file=sys.stderr, flush=True)
    return code
