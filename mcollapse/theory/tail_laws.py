"""Predictions of how often the standard deviation is still above a threshold."""

import numpy as np

from . import replacement
from .chapter import Asked, Chapter
from .law import Law, Prediction
from .setting import Setting, fits_at
from .tails import exponential_bound, markov_bound, tail_probability

_SURESH = "Suresh, Thangaraj & Khandavally, 2024, arXiv 2412.17646"
_DOMAIN = "Gaussian truth and family, both refitted, newest batch, last model, sizes of 2 or more"
EXACT = Law(
    "gaussian-replacement-tail",
    "Exact probability that the standard deviation is still above a threshold",
    "exact",
    f"derived, after {_SURESH}",
    f"{_DOMAIN}, any ddof",
    "truth",
)
THEOREM = Law(
    "gaussian-replacement-tail-theorem-3",
    "Exponential bound on the probability that the standard deviation is above a threshold",
    "upper bound",
    f"{_SURESH}, Theorem 3; other sizes and ddof 0 derived",
    f"{_DOMAIN}, ddof 0 or 1",
    "truth",
)
MARKOV = Law(
    "gaussian-replacement-tail-markov",
    "Markov bound on the probability that the standard deviation is above a threshold",
    "upper bound",
    "derived, after Bertrand et al., 2023, arXiv 2310.00429",
    f"{_DOMAIN}, any ddof",
    "truth",
)


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Exact tail and bounds for every threshold asked for, as {"above": threshold}."""
    predictions = []
    for name, parameters in asked:
        if set(parameters) == {"above"}:
            predictions += _at(setting, name, float(parameters["above"]), generations)
    return predictions


def _at(setting: Setting, name: str, threshold: float, generations: np.ndarray) -> list[Prediction]:
    relative = threshold / float(setting.truth["variance"]) ** 0.5
    sizes, ddof, at = setting.fit_sizes, setting.ddof, fits_at(setting, generations)
    exact = tail_probability(sizes, ddof, at, relative)
    rows: list[tuple[Law, np.ndarray, np.ndarray | None]] = [(EXACT, exact, exact * (1 - exact))]
    if relative > 0:
        rows.append((MARKOV, markov_bound(sizes, ddof, relative)[at], None))
    if relative > 0 and ddof in (0, 1):
        rows.append((THEOREM, exponential_bound(sizes, relative)[at], None))
    event = {"above": threshold}
    return [
        Prediction(law, name, "probability", generations, values, variance=spread, parameters=event)
        for law, values, spread in rows
    ]


CHAPTER = Chapter((EXACT, THEOREM, MARKOV), frozenset({"standard_deviation"}), replacement.applies, predict)
