"""What the speed comparisons share: turns, ratios, tables, and the same script again on one core."""

import argparse
import dataclasses
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

RECORDED = 40
KERNELS = re.compile(r"^ .* (?:fusion|custom-call|reduce|scatter|sort)\(", re.MULTILINE)
"""A kernel in the text of a compiled program."""


@dataclasses.dataclass(frozen=True)
class Contestant:
    """Somebody who does the same work; `amount` in replicate-generations a call."""

    name: str
    amount: int
    call: Callable[[], object]


def parse(what: str | None, replicates: int, generations: int, quick: tuple[int, int]) -> argparse.Namespace:
    """Command line of a speed comparison; pins the process before anything starts threads."""
    parser = argparse.ArgumentParser(description=(what or "").partition("\n")[0])
    parser.add_argument("--replicates", type=int, help=f"independent trajectories (default {replicates})")
    parser.add_argument("--generations", type=int, help=f"steps of each (default {generations})")
    parser.add_argument("--rounds", type=int, help="how often everybody has a turn (default 5)")
    parser.add_argument("--quick", action="store_true", help="smaller and three rounds: no number to quote")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--core", type=int, help="use this core only, and do not run again on one core")
    arguments = parser.parse_args()
    small = quick if arguments.quick else (replicates, generations)
    arguments.replicates = arguments.replicates or small[0]
    arguments.generations = arguments.generations or small[1]
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    if arguments.core is not None:
        os.sched_setaffinity(0, {arguments.core})
    return arguments


def simulated(process, truth, record, key, generations: int, replicates: int) -> tuple[Contestant, Callable]:
    """`mc.simulate` from the truth, warm; the first call compiles and is kept for its statistics."""
    import jax

    import mcollapse as mc
    from mcollapse.compilation import PROGRAMS

    def call():
        return mc.simulate(
            process,
            truth,
            key=key,
            generations=generations,
            replicates=replicates,
            start="truth",
            record=record,
        )

    PROGRAMS.compiled.clear()  # so that every case says what its own program costs
    first = call()
    compiled = next(iter(PROGRAMS.compiled.values()))

    def about() -> dict:
        stats = call().stats
        memory = compiled.program.memory_analysis()
        total = memory.temp_size_in_bytes + memory.argument_size_in_bytes + memory.output_size_in_bytes
        return {
            "compile_seconds": first.stats.compile_seconds,
            "programs_compiled_when_warm": stats.programs_compiled,
            "bytes_per_replicate": total / stats.lanes,
            "kernels": len(KERNELS.findall(compiled.program.as_text())),
            "chunks": stats.chunks,
            "lanes": stats.lanes,
            "devices": stats.devices,
            "host_threads": stats.workers,
            "cores": cores(),
            "dtype": first.attributes["dtype"],
            "platform": first.attributes["platform"],
            "versions": {"jax": jax.__version__, "numpy": np.__version__},
        }

    return Contestant(f"mcollapse ({first.attributes['dtype']})", replicates * generations, call), about


def race(first: Contestant, rivals: list[Contestant], rounds: int) -> dict:
    """Everybody by turns, `rounds` times after a warm-up; ratios are taken within a round."""
    everybody = [first, *rivals]
    for one in everybody:
        one.call()
    rates: list[list[float]] = [[] for _ in everybody]
    for _ in range(rounds):
        for one, seen in zip(everybody, rates, strict=True):
            since = time.perf_counter()
            one.call()
            seen.append(one.amount / (time.perf_counter() - since))
    rows = []
    for one, seen in zip(everybody, rates, strict=True):
        ratios = [ours / theirs for ours, theirs in zip(rates[0], seen, strict=True)]
        rows.append(
            {
                "name": one.name,
                "rate": statistics.median(seen),
                "ratio": statistics.median(ratios),
                "ratio_range": [min(ratios), max(ratios)],
            }
        )
    return {"contestants": rows, "rounds": rounds}


def show(results: list[dict], script: str, arguments: argparse.Namespace) -> None:
    """Print this process's results beside those of a process of its own that has one core."""
    alone = [] if arguments.core is not None else on_one_core(script, arguments)
    if arguments.json:
        print(json.dumps({"here": results, "one_core": alone}))
        return
    for result in results:
        print_result(result)
    for result in alone:
        print_result(result)


def on_one_core(script: str, arguments: argparse.Namespace) -> list[dict]:
    """The same script in a process that is pinned to one core."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    command = [sys.executable, script, "--json", "--core", str(min(os.sched_getaffinity(0)))]
    for option in ("replicates", "generations", "rounds"):
        command += [f"--{option}", str(getattr(arguments, option))]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(finished.stdout.splitlines()[-1])["here"]


def print_result(result: dict) -> None:
    print(f"\n{result['work']}, {result['cores']} core(s), median of {result['rounds']} rounds")
    print(f"  {'':45} {'numbers or generations/s':>24}  mcollapse is faster by (range)")
    for place, row in enumerate(result["contestants"]):
        ratio = "{:.3g} ({:.3g} to {:.3g})".format(row["ratio"], *row["ratio_range"]) if place else ""
        print(f"  {row['name']:45} {row['rate']:24.3g}  {ratio}")
    if "compile_seconds" not in result:
        return
    print(
        "  compiled in {compile_seconds:.2f} s, {programs_compiled_when_warm} compilation(s) when warm; "
        "{bytes_per_replicate:.0f} bytes a replicate;\n"
        "  {chunks} chunk(s) of {lanes} lanes, {dtype}, on {devices} {platform} device(s) and {host_threads} "
        "host thread(s); numpy uses one thread".format(**result)
    )


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def log_spaced(generations: int) -> set[int]:
    """The generations that mcollapse records with at="log"."""
    return set(np.geomspace(1, generations, RECORDED - 1).round().astype(int).tolist())
