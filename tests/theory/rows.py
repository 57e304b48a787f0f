"""Published and derived numbers: the rows of targets.json, a row with a sweep as one row for each value."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LONG = 200
"""Generations that stand for a long run with fresh real data: (1 - w)^2 to this power is below 1e-15."""


def _rows() -> Iterator[dict[str, Any]]:
    for row in json.loads((Path(__file__).parent / "targets.json").read_text()):
        ratios = row["settings"].get("mu_over_sigma")
        if isinstance(ratios, list):
            numbers = zip(ratios, row["values"], row["standard_error"], strict=True)
            for ratio, value, error in numbers:
                changed = {"settings": row["settings"] | {"mu_over_sigma": ratio}, "generations": [1]}
                changed |= {"values": [value], "standard_error": [error], "id": f"{row['id']}-{ratio:g}"}
                yield row | changed
            continue
        weights = row["settings"].get("w")
        if not isinstance(weights, list):
            yield row
            continue
        for weight, value in zip(weights, row["values"], strict=True):
            changed = {"settings": row["settings"] | {"w": weight}, "values": [value], "generations": [LONG]}
            yield row | changed | {"id": f"{row['id']}-w{weight:.3g}"}


ROWS: list[dict[str, Any]] = list(_rows())


def is_regression(row: dict[str, Any]) -> bool:
    return row["family"] == "ols"


def is_logistic(row: dict[str, Any]) -> bool:
    return row["family"] == "logistic"


def is_multivariate(row: dict[str, Any]) -> bool:
    return row["family"].startswith("gaussian_mv")


def is_mixture(row: dict[str, Any]) -> bool:
    return row["family"].startswith("gmm")


def weighted_how(row: dict[str, Any]) -> str:
    """Whether one fit to weighted points is meant, or the average of two fits."""
    return "rows" if "one weighted fit" in row["estimator"] else "fits"


def design_of(row: dict[str, Any]) -> int | None:
    """Rows of the one design of a regression; where any will do features are fresh."""
    given = row["settings"]
    one = "SAME X" in row["source_of_data"] or "ONE design" in row["source_of_data"]
    return given.get("T", given.get("n")) if one else None


def dimension_of(row: dict[str, Any]) -> int:
    given = row["settings"]
    return given.get("d", given.get("p", 1))


def noise_of(row: dict[str, Any]) -> float:
    """The variance of the labels' noise, of a generator's where there is one."""
    given = row["settings"]
    plain = given.get("noise_var", (given.get("noise_sd") or 0.0) ** 2)
    return given.get("generator_noise_var", plain)
