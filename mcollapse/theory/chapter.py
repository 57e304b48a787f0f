"""A chapter of the theory: some laws, when they apply and what they predict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .law import Law, Prediction
from .setting import Setting

Asked = Sequence[tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Chapter:
    """Laws that share one computation.

    Arguments:
        laws: the cards of the laws that `predict` may use.
        quantities: the metrics that it can speak of.
        applies: whether a setting is in its domain.
        predict: (setting, asked, generations) -> predictions; asked holds only quantities of this chapter.
        informed: whether it speaks of settings in which provenance matters, and of no others.
    """

    laws: tuple[Law, ...]
    quantities: frozenset[str]
    applies: Callable[[Setting], bool]
    predict: Callable[[Setting, Asked, np.ndarray], list[Prediction]]
    informed: bool = False


def plain(asked: Asked) -> list[str]:
    """Names asked for without parameters, each once, in order."""
    return list(dict.fromkeys(name for name, parameters in asked if not parameters))
