"""What is gathered as named arrays and plain data, and back: the contents of a checkpoint."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from mcollapse.program import segment_structure
from mcollapse.recording import BLOCK
from mcollapse.running.execution import Flight, Gathered, Job, joined
from mcollapse.running.groups import Group, replicate_of
from mcollapse.running.ranges import Ranges
from mcollapse.storing.checkpoint import Saved


def saved(gathered: Gathered, job: Job) -> Saved:
    """All that is in memory alone: what collectors hold, and the chunks on their way."""
    arrays: dict[str, np.ndarray] = {}
    for name, collectors in gathered.collectors.items():
        arrays |= {f"collector/{name}/{key}": array for key, array in collectors.state().items()}
    under_way = [f for f in [*gathered.flights.values(), *gathered.inherited] if f.t >= 0]
    for number, flight in enumerate(under_way):
        arrays |= {f"flight/{number}/{key}": array for key, array in _flight_arrays(flight, job).items()}
    told = [{"first": f.first, "stop": f.stop, "lanes": f.lanes, "t": f.t} for f in under_way]
    return arrays, {
        "done": [list(r) for r in gathered.done],
        "flights": told,
        "replicates": job.replicates,
        "groups": [{"number": g.number, "cells": g.cells} for g in job.groups],
    }


def groups(state: Saved) -> list[Group]:
    """Of cells, as they were when the state was saved."""
    cells = {int(g["number"]): g["cells"] for g in state[1]["groups"]}
    return [Group(n, tuple(None if c is None else tuple(c) for c in found)) for n, found in cells.items()]


def merge(gathered: Gathered, state: Saved, job: Job) -> None:
    """Take in what collectors held of other replicates, in a run of as many replicates or fewer."""
    arrays, told = state
    more = job.replicates > told["replicates"]
    for name, collectors in gathered.collectors.items():
        held = _under(f"collector/{name}/", arrays)
        collectors.merge(held, whole_blocks=more)
    gathered.done |= done(state, job)


def done(state: Saved, job: Job) -> Ranges:
    """The replicates that a state has done."""
    _, told = state
    before, found = told["replicates"], Ranges(told["done"])
    if job.replicates > before:  # the last block was not whole, and now is: it is done again
        whole = before // BLOCK * BLOCK
        found = found - Ranges((group.ids(whole)[1], group.ids(before)[1]) for group in job.groups)
    return found - (found - job.ids)  # without groups of which the sweep has no cell any more


def flights(states: Sequence[Saved], job: Job) -> list[Flight]:
    """Chunks that were on their way, each as far as any state knows it."""
    finished = Ranges()
    for state in states:
        finished |= done(state, job)
    found: dict[int, Flight] = {}
    structures: dict[int, Any] = {}
    for arrays, told in states:
        more = job.replicates > told["replicates"]
        if groups((arrays, told)) != list(job.groups):
            continue  # cells of another sweep may be of other sizes
        for number, flight in enumerate(told["flights"]):
            first, stop, lanes = flight["first"], flight["stop"], flight["lanes"]
            known = found.get(first)
            if len(Ranges([(first, stop)]) - finished) < stop - first:
                continue  # somebody has landed it
            if (more and replicate_of(stop) == told["replicates"]) or (
                known is not None and known.t >= flight["t"]
            ):
                continue
            if lanes not in structures:
                structures[lanes] = segment_structure(
                    job.of_group(job.groups[0]), job.layout(lanes, "segment")
                )
            found[first] = _flight(flight, _under(f"flight/{number}/", arrays), *structures[lanes])
    return list(found.values())


def _flight_arrays(flight: Flight, job: Job) -> dict[str, np.ndarray]:
    found = {f"carried/{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(flight.carried))}
    recorded, summaries = joined(flight, job)
    found["recorded"] = recorded
    for name, summary in summaries.items():
        found |= {f"summary/{name}/{i}": np.asarray(a) for i, a in enumerate(jax.tree.leaves(summary))}
    return found


def _flight(told: dict[str, int], arrays: Mapping[str, np.ndarray], carried: Any, records: Any) -> Flight:
    summaries = {name: _filled(like, _under(f"summary/{name}/", arrays)) for name, like in records.items()}
    return Flight(
        **told,
        carried=_filled(carried, _under("carried/", arrays)),
        recorded=(arrays["recorded"],),
        summaries=(summaries,),
    )


def _filled(like: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    leaves, structure = jax.tree.flatten(like)
    found = [arrays[str(i)] for i in range(len(leaves))]
    return jax.tree.unflatten(structure, found)


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
