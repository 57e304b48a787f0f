"""What cores, devices, chunks, records, meters, stores and checkpoints cost, and how memory grows: no rival.

Gaussian replacement of 100 points in processes of their own, which take turns: what counts is the median over
rounds of the ratio of a round. Memory is that of a fresh process, and programs are counted in one.

    python benchmarks/speed_scaling.py --quick
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from harness import cores, parse
from served import Server

CHUNKS = (128, 1024, 8192, 32_768)
RECORDS = ("moments, log", "moments", "keep", "hitting time", "quantiles, log", "histogram, log")
LONG = 30
"""How many times as many replicates the runs have whose checkpoints are timed."""

HEAD = "  {:24}{:>14}{:>9}{:>8} {:18}{:>7}{:>8}"
ROW = "  {name:24}{rate:14.3g}{seconds:9.3f}{speed:8.3f} {spread:18}{chunks:7}{lanes:8,}"


@dataclasses.dataclass(frozen=True)
class Setting:
    """One of those that are compared: asked for so many replicate-generations, it says the seconds."""

    name: str
    amount: int
    ask: Callable[[], dict[str, Any]]


def setting(name: str, server: Server, generations: int, replicates: int, **options: Any) -> Setting:
    """A run on a server."""
    return Setting(
        name,
        generations * replicates,
        lambda: server.ask(generations=generations, replicates=replicates, **options),
    )


def compared(work: str, settings: Sequence[Setting], rounds: int) -> dict[str, Any]:
    """All by turns after a warm-up, every other round backwards; speeds against the first, within a round."""
    for one in settings:
        one.ask()
    answers: dict[str, list[dict[str, Any]]] = {one.name: [] for one in settings}
    for number in range(rounds):
        for one in settings if number % 2 == 0 else reversed(settings):
            answers[one.name].append(one.ask())
    rows = []
    for one in settings:
        seconds = [answer["seconds"] for answer in answers[one.name]]
        first = [answer["seconds"] for answer in answers[settings[0].name]]
        speeds = [
            one.amount / settings[0].amount * before / now for before, now in zip(first, seconds, strict=True)
        ]
        rows.append(
            {
                **answers[one.name][-1],
                "name": one.name,
                "seconds": statistics.median(seconds),
                "rate": one.amount / statistics.median(seconds),
                "speed": statistics.median(speeds),
                "speed_range": [min(speeds), max(speeds)],
            }
        )
    return {"work": work, "rounds": rounds, "settings": rows}


def devices(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """One core against two, and one device on two cores against two."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(available) < 2:
        return []
    with contextlib.ExitStack() as stack:
        one_core, both, two = (
            stack.enter_context(Server(available[:number], devices=count))
            for number, count in ((1, 1), (2, 1), (2, 2))
        )
        size = arguments.generations, arguments.replicates
        two_devices = setting("two devices, two cores", two, *size)
        return [
            compared(
                "cores and devices",
                [setting("one device, one core", one_core, *size), two_devices],
                arguments.rounds,
            ),
            compared(
                "devices on two cores",
                [setting("one device, two cores", both, *size), two_devices],
                arguments.rounds,
            ),
        ]


def cut_recorded_and_stored(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All that one process can tell."""
    size, rounds = (arguments.generations, arguments.replicates), arguments.rounds
    often = 0.2 if arguments.quick else 5.0
    with Server() as server:
        chunks = [setting("automatic", server, *size)]
        chunks += [setting(f"{chunk:,}", server, *size, chunk=chunk) for chunk in CHUNKS]
        kept = [setting(name, server, *size, record=name) for name in RECORDS]
        meters = [setting(name, server, *size, meter=name == "on") for name in ("off", "on")]
        stores = [setting(name, server, *size, stored=name == "store") for name in ("memory", "store")]
        whole = [
            setting(f"{name}, whole", server, *size, record="keep", stored=name == "store")
            for name in ("memory", "store")
        ]
        long = size[0], size[1] * (1 if arguments.quick else LONG)
        none, default, frequent = (
            setting(name, server, *long, stored=True, checkpoint_every=every)
            for name, every in (("none", math.inf), ("default", None), (f"every {often:g} s", often))
        )
        return [
            compared("chunks", chunks, rounds),
            compared("records", kept, rounds),
            compared("meter", meters, 3 * rounds),
            compared("store, moments at 40", stores, rounds),
            compared("store, whole trajectories", whole, rounds),
            compared("checkpoints between", [none, default, frequent], min(rounds, 3)),
        ]


def memory(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Bytes that a fresh process has held at most."""
    replicates, generations = (2_000, 50) if arguments.quick else (100_000, 1_000)
    sizes = [(replicates * r, generations * t) for r in (1, 4) for t in (1, 4)]
    rows = []
    for r, t in sizes:
        with Server() as server:
            peak = server.ask(replicates=r, generations=t)["peak_memory"]
        rows.append({"replicates": r, "generations": t, "peak_memory": peak})
    return rows


def programs(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """How many were compiled over many chunks, and many segments."""
    size = {"generations": arguments.generations, "replicates": 1280, "chunk": 128}
    with Server() as server:
        return [
            {"name": "memory", **server.ask(**size)},
            {"name": "store", **server.ask(**size, stored=True)},
        ]


def show(found: dict[str, Any]) -> None:
    """Print tables."""
    for group in found["compared"]:
        print(f"\n{group['work']}, median of {group['rounds']} rounds")
        print(HEAD.format("", "generations/s", "seconds", "speed", "(range)", "chunks", "lanes"))
        for row in group["settings"]:
            row["spread"] = "({:.3f} to {:.3f})".format(*row["speed_range"])
            print(ROW.format(**row))
    print(f"\npeak memory, moments at 40\n  {'replicates':>12}{'generations':>13}{'MiB':>8}")
    for row in found["memory"]:
        print(f"  {row['replicates']:12,}{row['generations']:13,}{row['peak_memory'] / 2**20:8.0f}")
    print(f"\nprograms compiled\n  {'':12}{'programs':>9}{'chunks':>8}{'segments':>10}")
    for row in found["programs"]:
        print("  {name:12}{programs_compiled:9}{chunks:8}{segments:10}".format(**row))


def main() -> None:
    arguments = parse(__doc__, replicates=100_000, generations=1000, quick=(2560, 200))
    found = {
        "cores": cores(),
        "compared": [*devices(arguments), *cut_recorded_and_stored(arguments)],
        "memory": memory(arguments),
        "programs": programs(arguments),
    }
    if arguments.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
