"""What theory says of a run: its process as theory's plain setting, and the laws that apply."""

from collections.abc import Callable
from typing import Any

import numpy as np

from mcollapse import theory
from mcollapse.description import NotRebuilt
from mcollapse.metrics import Above, Downstream
from mcollapse.pools import Newest
from mcollapse.predicting.others import coevolution, downstream, one_shot, population, supervision
from mcollapse.predicting.recursive import recursive
from mcollapse.predicting.recursive import setting as setting
from mcollapse.process import RecursiveTraining
from mcollapse.processes import Coevolution, OneShotMixing, PopulationLimit, WeakSupervision
from mcollapse.recording import Record
from mcollapse.sources import LastModel
from mcollapse.sweeping import at_cell
from mcollapse.trajectories import Trajectories

SETTINGS: dict[type, Callable[..., Any]] = {
    RecursiveTraining: recursive,
    Coevolution: coevolution,
    WeakSupervision: supervision,
    OneShotMixing: one_shot,
    PopulationLimit: population,
}
"""How each process is told to theory: as plain numbers, or as nothing where theory has no word for it."""


def predictions(
    run: Trajectories, name: str, cell: dict[str, float] | None = None, metric: Any = None
) -> list[theory.Prediction]:
    """What theory says of one record; nothing where no law is known.

    Arguments:
        run: the trajectories.
        name: of the record.
        cell: of a sweep, a value for each of its axes; they need not be those that ran.
        metric: another one than the record's, at its generations.
    """
    record = run.records[name] if metric is None else Record(metric)
    quantity, parameters = _quantity(record)
    if quantity is None:
        return []
    try:
        process, truth = at_cell(run.process, run.truth, cell or {})
    except NotRebuilt:
        return []  # a saved run of the user's own classes: theory has no law for it
    describe = SETTINGS.get(type(process))
    if describe is None:
        return []
    described = describe(process, truth, int(run.attributes["generations"]), run.attributes["start"])
    if isinstance(record.metric, Downstream):
        described = downstream(record.metric, described, truth)
    if described is None:
        return []
    generations = np.asarray(run[name].generations, np.int64)
    found = theory.predictions(described, [(quantity, parameters)], generations)
    return [p for p in found if p.quantity == quantity and dict(p.parameters) == parameters]


def absorbing(run: Trajectories) -> bool:
    """Whether each generation is drawn from the last alone, so that what is lost is lost for good."""
    try:
        process = run.process
    except NotRebuilt:
        return False
    return (
        isinstance(process, RecursiveTraining)
        and isinstance(process.source, LastModel)
        and isinstance(process.pool, Newest)
    )


def _quantity(record: Record) -> tuple[str | None, dict[str, float]]:
    metric, parameters = record.metric, {}
    if isinstance(metric, Above):
        metric, parameters = metric.metric, {"above": float(metric.threshold)}
    elif type(metric) is Downstream:  # of which theory has a setting of its own
        metric = metric.metric
    own = getattr(metric, "__module__", "") == "mcollapse.metrics"  # a user's may have one of our names
    return (getattr(metric, "__name__", None) if own else None), parameters
