"""What becomes of a model of the user's own table, retrained on its own output?

Generation 0 is the model that is fitted to the table. Each generation draws as many rows as the table has
from the model before, and replaces it by the fit to them.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from mcollapse import metrics
from mcollapse.datasets import Table
from mcollapse.families import Gaussian, LinearRegression, MultivariateGaussian, Truth
from mcollapse.process import RecursiveTraining
from mcollapse.recording import Record


def arguments(
    table: Table,
    columns: Sequence[str],
    target: str | None = None,
    generations: int = 50,
    replicates: int = 2000,
) -> dict[str, Any]:
    """The experiment as arguments of `simulate`.

    Without a target a Gaussian is fitted to one column, or a Gaussian in d dimensions to several. With one, a
    linear regression of the target on the columns: as the family knows no intercept, all of them are centred;
    features keep the covariance of the table's.

    Arguments:
        table: numbers.
        columns: which of them; with a target none means all others.
        target: the column of the labels.
        generations: steps after generation 0.
        replicates: independent runs.

    Raises:
        ValueError: the columns do not exist, hold no numbers, or are too few rows for a fit.
    """
    truth = _gaussian(table, columns) if target is None else _regression(table, columns, target)
    process = RecursiveTraining(family=truth.family, sizes=len(table.rows))
    record = {name: Record(metric) for name, metric in metrics.standard(truth.family).items()}
    return {
        "process": process, "truth": truth, "generations": generations, "replicates": replicates,
        "start": "truth", "record": record,
    }  # fmt: skip


def told(table: Table, columns: Sequence[str], target: str | None, truth: Truth) -> str:
    """What is fitted to what, in a line."""
    head = f"{table.name}: {len(table.rows):,} rows"
    if target is not None:
        noise = float(truth.params.noise_variance)
        return (
            f"{head}, {target} by least squares on {', '.join(_features(table, columns, target))}, "
            f"all centred, noise variance {noise:.4g}"
        )
    if len(columns) == 1:
        deviation = float(np.exp(truth.params.log_variance / 2))
        mean = float(truth.params.mean)
        return f"{head}, {columns[0]} as a Gaussian of mean {mean:.4g} and standard deviation {deviation:.4g}"
    return f"{head}, {', '.join(columns)} as a Gaussian in {len(columns)} dimensions"


def _gaussian(table: Table, columns: Sequence[str]) -> Truth:
    if not columns:
        raise ValueError(f"say which column with --column NAME; {table.name} has {', '.join(table.columns)}")
    values = table.numbers(columns)
    try:
        if len(columns) == 1:
            return Truth(Gaussian(), Gaussian.Params.from_data(values[:, 0]))
        return Truth(MultivariateGaussian(len(columns)), MultivariateGaussian.Params.from_data(values))
    except ValueError as error:
        raise ValueError(f"{table.name}, {', '.join(columns)}: {error}") from error


def _regression(table: Table, columns: Sequence[str], target: str) -> Truth:
    features = _features(table, columns, target)
    values = table.numbers([*features, target])
    rows, dimension = len(values), len(features)
    if rows < dimension + 2:
        raise ValueError(
            f"{table.name} has {rows} rows: {dimension} coefficients, a mean and a variance need at least "
            f"{dimension + 2}"
        )
    centred = values - values.mean(axis=0)
    try:
        params = LinearRegression.Params.from_data(centred[:, :-1], centred[:, -1])
        covariance = np.cov(centred[:, :-1], rowvar=False, ddof=0).reshape(dimension, dimension)
        family = LinearRegression(dimension=dimension, covariance=covariance)
    except ValueError as error:
        raise ValueError(f"{table.name}, {target} on {', '.join(features)}: {error}") from error
    # the mean of the labels is a number more that was fitted
    noise = float(params.noise_variance) * (rows - dimension) / (rows - dimension - 1)
    return Truth(family, dataclasses.replace(params, noise_variance=noise))


def _features(table: Table, columns: Sequence[str], target: str) -> list[str]:
    table.numbers([target])  # refused under its own name
    features = list(columns) or [column for column in table.columns if column != target]
    if not columns and not all(column.strip() for column in features):
        raise ValueError(
            f"{table.name} has a column without a name, which may be an index: say with --column NAME which "
            "columns are features"
        )
    if target in features:
        raise ValueError(f"{target!r} is the target, and cannot be a feature too: leave it out of --column")
    if not features:
        raise ValueError(f"{table.name} has no column besides {target!r}, and a regression needs a feature")
    return features
