"""Exact laws of a loop without sampling error."""

from dataclasses import dataclass

import numpy as np

from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .population import tempered
from .setting import Regime

QUANTITIES = frozenset({"squared_error", "chi_square", "concentration"})
PATH = Law(
    "population-limit",
    "Without sampling error a law is tempered and mixed with the truth, generation after generation",
    "exact",
    "Marchi et al., 2024, arXiv 2404.02325; error propagation in diffusion models, 2026, arXiv 2602.16601",
    "tables, any temperatures and real shares, from the truth or from any other law",
    "truth",
)


@dataclass(frozen=True, eq=False)
class PopulationSetting:
    """A loop without sampling error as numbers.

    Arguments:
        probabilities: of the truth, [K]; first: of generation 0, [K].
        shares: alpha_t, [T+1]; entry 0 is never read.
        temperatures: tau_t, [T+1]; entry 0 is never read.
    """

    probabilities: np.ndarray
    first: np.ndarray
    shares: np.ndarray
    temperatures: np.ndarray
    regime: Regime = "agnostic"

    @property
    def generations(self) -> int:
        """T: the number of steps after generation 0."""
        return len(self.shares) - 1


def population_path(setting: PopulationSetting) -> np.ndarray:
    r"""$p_t = \alpha_t p_* + (1-\alpha_t)\, p_{t-1}^{1/\tau_t}/Z$, [T+1, K].

    Where all temperatures are 1 the distance to the truth shrinks by $1-\alpha_t$ in every direction.
    Source: Marchi et al., 2024, arXiv 2404.02325.
    """
    truth, rows = np.asarray(setting.probabilities, dtype=float), [np.asarray(setting.first, dtype=float)]
    for share, temperature in zip(setting.shares[1:], setting.temperatures[1:], strict=True):
        made = rows[-1] if temperature == 1 else tempered(rows[-1], float(temperature))
        rows.append(share * truth + (1 - share) * made)
    return np.array(rows)


def predict(setting: PopulationSetting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Distances to the truth, and concentration."""
    path, truth = population_path(setting)[generations], np.asarray(setting.probabilities, dtype=float)
    square = (path - truth) ** 2
    without = np.where((truth == 0) & (path > 0), np.inf, 0.0)  # mass where the truth has none
    values = {
        "squared_error": square.sum(axis=1),
        "chi_square": np.divide(square, truth, out=without, where=truth > 0).sum(axis=1),
        "concentration": (path**2).sum(axis=1),
    }
    nothing = np.zeros(len(generations))
    return [
        Prediction(PATH, name, "mean", generations, values[name], variance=nothing)
        for name in plain(asked)
        if name in values
    ]


CHAPTER = Chapter((PATH,), QUANTITIES, lambda setting: True, predict, settings=PopulationSetting)
"""What `catalogue` asks of a loop without sampling error."""
