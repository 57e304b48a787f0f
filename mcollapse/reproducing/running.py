"""Running an experiment: its arms one after the other, each held against theory, then the checks."""

import dataclasses
import pathlib
import re
import time
import unicodedata
from collections.abc import Callable
from typing import Any

import jax

from mcollapse.progress import AbstractProgress
from mcollapse.reproducing.curves import Results
from mcollapse.reproducing.findings import Finding
from mcollapse.reproducing.values import Arm, Experiment, Size
from mcollapse.simulate import simulate, sweep
from mcollapse.trajectories import Trajectories
from mcollapse.verdicts import Verdict, compare

_SPELT = {
    "α": "alpha",
    "λ": "lambda",
    "μ": "mu",
    "σ": "sigma",
    "τ": "tau",
    "θ": "theta",
    "β": "beta",
    "√": "root-",
}


@dataclasses.dataclass(frozen=True)
class Reproduction:
    """An experiment that has run: trajectories and reports by arm, and the rows of its table."""

    experiment: Experiment
    size: Size
    seed: int
    level: float
    results: Results
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def violated(self) -> tuple[tuple[str, Verdict], ...]:
        """Exact laws and bounds that a run contradicts, with the arm."""
        return tuple((arm, v) for arm, report in self.results.reports.items() for v in report.violated)

    @property
    def off(self) -> tuple[Finding, ...]:
        """Rows that contradict a law of their own, which no verdict on a record speaks of."""
        judged = {(v.law.name, v.outcome) for report in self.results.reports.values() for v in report}
        return tuple(
            f for f in self.findings
            if f.against_law == "violated" and (f.law_name, "violated") not in judged
        )  # fmt: skip

    @property
    def contradicted(self) -> tuple[Finding, ...]:
        """Published numbers that are contradicted, and no erratum says why."""
        return tuple(finding for finding in self.findings if finding.contradicts)

    @property
    def fine(self) -> bool:
        """Whether nothing of this happened."""
        return not self.violated and not self.off and not self.contradicted


def reproduce(
    experiment: Experiment,
    size: Size = "normal",
    *,
    seed: int = 0,
    level: float = 1e-3,
    store: pathlib.Path | None = None,
    progress: AbstractProgress | bool | None = None,
    say: Callable[[str], None] | None = None,
    **options: Any,
) -> Reproduction:
    """Run every arm and read off what the paper speaks of.

    Half of `level` is for laws, shared by the arms, and half for published numbers, shared by these. All
    arms have the same key, so that differences between them are of pairs.

    Arguments:
        experiment: one of `mcollapse.experiments`, or your own.
        size: "quick", "normal" or "full": how many replicates.
        seed: of the random numbers.
        level: probability that anything true is called violated, over the whole experiment.
        store: a directory in which each arm has a store and goes on where it stopped.
        progress: as in `simulate`.
        say: is told which arm runs.
        options: for `simulate`, such as `chunk` or `devices`.

    Raises:
        ValueError: the experiment reads a text and was given none (`experiment.of(corpus)`).
    """
    if not experiment.arms:
        raise ValueError(f"{experiment.id} reads a text: give it one with experiment.of(corpus)")
    begun, runs, reports = time.perf_counter(), {}, {}
    for arm in experiment.arms:
        if say is not None:
            say(arm.name)
        where = None if store is None else store / slug(arm.name)
        runs[arm.name] = _run(arm, experiment, size, seed, where, progress, options)
        reports[arm.name] = compare(runs[arm.name], level=level / 2 / len(experiment.arms))
    results = Results(runs, reports)
    tested = max(sum(check.tested() for check in experiment.checks), 1)
    rows = [row for check in experiment.checks for row in check.findings(results, level / 2 / tested)]
    seconds = time.perf_counter() - begun
    return Reproduction(experiment, size, seed, level, results, tuple(rows), seconds)


def slug(name: str) -> str:
    """A name as a file may have it: `p₀ = 0.01, n = 100` as `p0-0.01-n-100`."""
    told = "".join(_SPELT.get(letter, letter) for letter in name.lower())
    plain = unicodedata.normalize("NFKD", told).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9.]+", "-", re.sub(r"(?<=\d),(?=\d)", "", plain)).strip("-.") or "run"


def _run(
    arm: Arm,
    experiment: Experiment,
    size: Size,
    seed: int,
    store: pathlib.Path | None,
    progress: AbstractProgress | bool | None,
    options: dict[str, Any],
) -> Trajectories:
    arguments: dict[str, Any] = {
        "process": arm.process, "truth": arm.truth, "key": jax.random.key(seed),
        "generations": arm.generations, "replicates": (arm.replicates or experiment.replicates).of(size),
        "start": arm.start, "record": arm.record, "store": store, "progress": progress, **options,
    }  # fmt: skip
    return sweep(over=arm.over, **arguments) if arm.over else simulate(**arguments)
