"""A chapter of the theory: some laws, when they apply and what they predict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .law import Law, Prediction
from .setting import Regime, Setting


class Described(Protocol):
    """What every description of an experiment has."""

    @property
    def generations(self) -> int:
        """T: the number of steps after generation 0."""
        ...

    @property
    def regime(self) -> Regime:
        """Which chapters can speak of it."""
        ...


Asked = Sequence[tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Chapter:
    """Laws that share one computation.

    Arguments:
        laws: the cards of the laws that `predict` may use.
        quantities: the metrics that it can speak of.
        applies: whether a setting is in its domain.
        predict: (setting, asked, generations) -> predictions; asked holds only quantities of this chapter.
        regime: which settings it speaks of, and of no others: see `Setting.regime`.
        settings: the class of settings that it speaks of: one for each sort of process.
    """

    laws: tuple[Law, ...]
    quantities: frozenset[str]
    applies: Callable[[Any], bool]
    predict: Callable[[Any, Asked, np.ndarray], list[Prediction]]
    regime: Regime = "agnostic"
    settings: type = Setting


def plain(asked: Asked) -> list[str]:
    """Names asked for without parameters, each once, in order."""
    return list(dict.fromkeys(name for name, parameters in asked if not parameters))
