"""What a law says: its card, and the numbers that it predicts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Kind = Literal["exact", "upper bound", "lower bound", "asymptotic", "approximation"]
Statistic = Literal["mean", "variance", "probability"]
_KINDS = ("exact", "upper bound", "lower bound", "asymptotic", "approximation")
_STATISTICS = ("mean", "variance", "probability")


@dataclass(frozen=True)
class Law:
    """The card of one law: what it is called, what sort of statement it is and who made it.

    Arguments:
        name: kebab-case, unique in the catalogue.
        title: one line for a reader.
        kind: "exact" (equality at finite n), "upper bound", "lower bound", "asymptotic" or "approximation".
        source: authors, year, arXiv identifier and theorem; "derived" where no paper states it.
        domain: when it applies, in words.
        counts_from: the index convention of the source. Predictions always use the engine's generations.

    Raises:
        ValueError: the kind is unknown.
    """

    name: str
    title: str
    kind: Kind
    source: str
    domain: str
    counts_from: Literal["fit to real", "truth"]

    def __post_init__(self):
        """Reject an unknown kind."""
        if self.kind not in _KINDS:
            raise ValueError(f"the kind of law {self.name!r} is {self.kind!r}; use one of {_KINDS}")


def closed(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Where the two sides of a bracket are one number, up to rounding."""
    return np.isclose(lower, upper, rtol=1e-6, atol=1e-9)


@dataclass(frozen=True, eq=False)
class Prediction:
    r"""What a law says of one quantity at some generations.

    Arguments:
        law: the law that speaks.
        quantity: the engine's name of the metric.
        statistic: what is predicted of it over replicates. An indicator (alive, single_symbol) has a "mean";
            "probability" is kept for an event that `parameters` describes, such as {"above": 0.1}.
        generations: engine generations, int [G].
        values: [G], or [G, K] for a quantity with one entry per category.
        lower: two-sided bracket of an exact value that is only known to lie between, shape of values.
        upper: the other side of it.
        variance: variance over replicates of what is averaged, shape of values, so that the standard error is
            $\sqrt{\mathrm{variance}/R}$. For the statistic "variance" it is that of the squared deviation,
            $E(x-Ex)^4 - (\mathrm{Var}\,x)^2$. None where no law gives it.
        tolerance: declared relative tolerance at finite n, for asymptotic laws and approximations.
        parameters: what the event needs, for example {"above": threshold}.
        heavy_tailed: the quantity is a product of many factors, so that rare replicates may carry its mean.

    Raises:
        ValueError: the shapes do not agree, or a number is not a number.
    """

    law: Law
    quantity: str
    statistic: Statistic
    generations: np.ndarray
    values: np.ndarray
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    variance: np.ndarray | None = None
    tolerance: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    heavy_tailed: bool = False

    def __post_init__(self):
        """Reject shapes that do not agree, and NaN."""
        name = self.law.name
        if self.statistic not in _STATISTICS:
            raise ValueError(f"{name}: the statistic is {self.statistic!r}; use one of {_STATISTICS}")
        if self.generations.ndim != 1 or self.values.shape[:1] != self.generations.shape:
            raise ValueError(f"{name}: values {self.values.shape}, generations {self.generations.shape}")
        if (self.lower is None) != (self.upper is None):
            raise ValueError(f"{name}: a bracket has two sides")
        for array in (self.values, self.lower, self.upper, self.variance):
            if array is not None and (array.shape != self.values.shape or np.isnan(array).any()):
                raise ValueError(f"{name}: {self.quantity} has a NaN or the wrong shape {array.shape}")

    @property
    def sharp(self) -> np.ndarray:
        """Where the value itself is known and not only a bracket of it, bool [shape of values]."""
        if self.lower is None or self.upper is None:
            return np.ones(self.values.shape, dtype=bool)
        return closed(self.lower, self.upper)

    def standard_error(self, replicates: int) -> np.ndarray | None:
        """Standard error of the statistic, shape of values, or None where no law gives it."""
        return None if self.variance is None else np.sqrt(self.variance / replicates)

    def trustworthy(self, replicates: int) -> np.ndarray:
        r"""Whether a sample mean can be held against the law, bool [shape of values].

        With $w = 1 + \mathrm{Var}/\mathrm{mean}^2$ a product of many factors is close to a log-normal of
        skewness $(w+2)\sqrt{w-1}$. The mean of R of them is trusted when its relative standard error
        $\sqrt{(w-1)/R}$ is below 1/10 and its skewness $(w+2)\sqrt{w-1}/\sqrt R$ below 1/2: beyond that a few
        rare replicates carry the mean, and a typical sample has none of them. Other quantities are trusted.

        Arguments:
            replicates: R, at least 1.
        """
        if not self.heavy_tailed:
            return np.ones(self.values.shape, dtype=bool)
        if self.variance is None:
            return np.zeros(self.values.shape, dtype=bool)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            relative = np.where(self.variance == 0, 0.0, self.variance / self.values**2)
            skewness = (relative + 3) * np.sqrt(relative / replicates)
            return (relative / replicates < 0.01) & (skewness < 0.5)
