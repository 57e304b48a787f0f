"""Weak supervision: how many prompts are still answered wrongly."""

from dataclasses import dataclass

import numpy as np

from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .setting import Regime

QUANTITIES = frozenset({"unsolved"})
UNSOLVED = Law(
    "weak-supervision",
    "Every prompt that is asked is a chain of two states: (1 - beta)^t without noise of the filter",
    "exact",
    "derived, after Amin et al., 2025, arXiv 2502.08924",
    "labels independent from prompt to prompt and round to round, of any strengths; noise of the filter",
    "truth",
)


@dataclass(frozen=True, eq=False)
class SupervisionSetting:
    """Weak supervision as numbers.

    Arguments:
        probabilities: of prompts, [K].
        strengths: beta_t, [T+1]; entry 0 is never read.
        noise: gamma, that the filter errs; accuracy: that the base model is right.
        sizes: prompts of a round, int [T+1]; None where each is asked once.
    """

    probabilities: np.ndarray
    strengths: np.ndarray
    noise: float = 0.0
    accuracy: float = 0.0
    sizes: np.ndarray | None = None
    regime: Regime = "agnostic"

    @property
    def generations(self) -> int:
        """T: the number of rounds."""
        return len(self.strengths) - 1


def unsolved_law(setting: SupervisionSetting) -> tuple[np.ndarray, np.ndarray | None]:
    r"""Mean and variance over replicates of the unsolved share, each [T+1].

    A prompt k that is asked, which it is with probability $v_k = 1 - (1-p_k)^{n_t}$, is unsolved with
    $e_+ = e - (1-\gamma)\beta\, e + \gamma(1-\beta)(1-e)$. The variance is known where every prompt is asked:
    then prompts are independent. Source: derived, after Amin et al., 2025, arXiv 2502.08924.
    """
    p = np.asarray(setting.probabilities, dtype=float)
    unsolved, rows = np.full(len(p), 1.0 - setting.accuracy), []
    for t in range(setting.generations + 1):
        if t:
            beta, gamma = float(setting.strengths[t]), setting.noise
            asked = np.ones(len(p)) if setting.sizes is None else 1 - (1 - p) ** int(setting.sizes[t])
            gained, lost = (1 - gamma) * beta * unsolved, gamma * (1 - beta) * (1 - unsolved)
            unsolved = unsolved + asked * (lost - gained)
        rows.append((p @ unsolved, p**2 @ (unsolved * (1 - unsolved))))
    mean, variance = np.array(rows).T
    return mean, variance if setting.sizes is None else None


def required_rounds(error: float, strength: float) -> float:
    r"""$\log\epsilon / \log(1-\beta)$, at most $\log(1/\epsilon)/\beta$: rounds to so small an error.

    With a filter that makes no mistakes. Source: Amin et al., 2025, arXiv 2502.08924.

    Raises:
        ValueError: the error or the strength is outside (0, 1).
    """
    if not 0 < error < 1 or not 0 < strength < 1:
        raise ValueError(f"an error and a strength lie in (0, 1), got {error} and {strength}")
    return float(np.log(error) / np.log1p(-strength))


def predict(setting: SupervisionSetting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """The unsolved share."""
    mean, variance = unsolved_law(setting)
    known = None if variance is None else variance[generations]
    return [
        Prediction(UNSOLVED, name, "mean", generations, mean[generations], variance=known)
        for name in plain(asked)
        if name in QUANTITIES
    ]


CHAPTER = Chapter((UNSOLVED,), QUANTITIES, lambda setting: True, predict, settings=SupervisionSetting)
"""What `catalogue` asks of weak supervision."""
