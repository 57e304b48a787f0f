"""What theory says of the share of replicates that have not yet crossed a threshold."""

import dataclasses
import math

import numpy as np

from mcollapse import metrics, theory
from mcollapse.predicting import absorbing, predictions
from mcollapse.recording import HittingTime
from mcollapse.trajectories import Trajectories

DEVIATIONS = {
    metrics.standard_deviation: float,
    metrics.variance: lambda v: math.sqrt(max(v, 0.0)),
    metrics.log_variance: lambda c: math.exp(c / 2),
}
"""Metrics that tell a standard deviation, and which one a threshold means."""
OPPOSITE = {"upper bound": "lower bound", "lower bound": "upper bound"}


def survival_predictions(run: Trajectories, name: str, cell: dict[str, float]) -> list[theory.Prediction]:
    r"""Laws of $P(\tau > t)$ at every generation.

    A category that dies under replacement, and a single symbol that is left, stay so: the law of the event
    at t is that of the first time. Whatever was not below a threshold until t is not below it at t: what is
    known of $P(x_t > c)$ is an upper bound on $P(\tau > t)$.
    """
    record = run.records[name]
    reducer, metric = record.reduce, getattr(record.metric, "__name__", "")
    if not isinstance(reducer, HittingTime):
        return []
    if metric == "alive" and absorbing(run) and reducer.below is not None and 0 < float(reducer.below) <= 1:
        return predictions(run, name, cell)
    if metric == "single_symbol" and absorbing(run) and reducer.above is not None:
        return [_opposite(p) for p in predictions(run, name, cell)] if 0 <= float(reducer.above) < 1 else []
    # a metric of the user's may hold arrays, and has no hash then
    deviation = next((told for own, told in DEVIATIONS.items() if own is record.metric), None)
    if deviation is not None and reducer.below is not None:
        above = metrics.Above(metrics.standard_deviation, deviation(float(reducer.below)))
        found = predictions(run, name, cell, above)
        return [_as_bound(p, run) for p in found if p.law.kind in ("exact", "upper bound")]
    return []


def _opposite(prediction: theory.Prediction) -> theory.Prediction:
    """Of the complementary event."""
    p = prediction
    law = p.law
    if law.kind in OPPOSITE:  # an upper bound that is called one makes a lower one here
        law = dataclasses.replace(law, kind=OPPOSITE[law.kind], name=f"1 − {law.name}")
    lower, upper = (None if side is None else 1.0 - side for side in (p.upper, p.lower))
    return dataclasses.replace(p, law=law, values=1.0 - p.values, lower=lower, upper=upper)


def _as_bound(prediction: theory.Prediction, run: Trajectories) -> theory.Prediction:
    """An upper bound on not having crossed, from the chance to be above now."""
    values = prediction.values
    if run.attributes["start"] == "truth":  # a number, which may lie on the threshold itself
        values = np.where(prediction.generations == 0, 1.0, values)
    law = dataclasses.replace(prediction.law, kind="upper bound")
    return dataclasses.replace(prediction, law=law, values=values, variance=None)
