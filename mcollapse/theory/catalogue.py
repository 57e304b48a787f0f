"""Everything that theory can say of a setting."""

import numpy as np

from . import (
    biased,
    categorical,
    coevolution,
    collapse,
    contexts,
    decoded,
    design_ridge,
    downstream,
    empirical,
    fresh_survival,
    gaussian,
    generalised_linear,
    informed,
    kernel_density,
    least_squares,
    location,
    markov_text,
    multivariate,
    one_shot,
    past,
    poisson,
    population_limit,
    regression_limits,
    replacement,
    supervision,
    survival,
    symmetric_mixture,
    tail_laws,
)
from .chapter import Asked, Chapter, Described
from .law import Law, Prediction

CHAPTERS: tuple[Chapter, ...] = (
    categorical.CHAPTER,
    survival.CHAPTER,
    fresh_survival.CHAPTER,
    collapse.CHAPTER,
    replacement.CHAPTER,
    tail_laws.CHAPTER,
    gaussian.CHAPTER,
    poisson.CHAPTER,
    informed.CHAPTER,
    least_squares.CHAPTER,
    least_squares.INFORMED,
    regression_limits.CHAPTER,
    design_ridge.CHAPTER,
    downstream.CHAPTER,
    generalised_linear.CHAPTER,
    generalised_linear.INFORMED,
    generalised_linear.REMEMBERING,
    multivariate.CHAPTER,
    multivariate.INFORMED,
    past.CHAPTER,
    decoded.CHAPTER,
    *contexts.CHAPTERS,
    empirical.CHAPTER,
    empirical.INFORMED,
    empirical.REMEMBERING,
    kernel_density.CHAPTER,
    kernel_density.INFORMED,
    location.CHAPTER,
    location.INFORMED,
    location.REMEMBERING,
    symmetric_mixture.CHAPTER,
    markov_text.CHAPTER,
    biased.CHAPTER,
    coevolution.CHAPTER,
    supervision.CHAPTER,
    one_shot.CHAPTER,
    population_limit.CHAPTER,
)
LAWS: tuple[Law, ...] = tuple(law for chapter in CHAPTERS for law in chapter.laws)
# What is predicted when nothing is said: every quantity that is cheap, so no chains of single symbols.
CHEAP: Asked = tuple(
    (name, {})
    for name in (
        "squared_error",
        "chi_square",
        "concentration",
        "variance",
        "standard_deviation",
        "log_variance",
        "wasserstein2_squared",
        "test_error",
        "squared_norm",
        "trace",
        "log_determinant",
        "frobenius_squared",
        "cramer_von_mises",
        "kl_divergence",
        "class_errors",
        "class_traces",
        "unsolved",
    )
)


def predictions(
    setting: Described, quantities: Asked | None = None, generations: np.ndarray | None = None
) -> list[Prediction]:
    """Every law that applies to a setting, for the quantities asked for and for no other.

    Arguments:
        setting: the experiment: a `Setting` of recursive training, or that of another process.
        quantities: (metric name, parameters) of each quantity, such as ("squared_error", {}) or
            ("standard_deviation", {"above": 0.1}); left out, all that are cheap. Those that no law speaks of
            are passed over.
        generations: engine generations, int [G]; left out, 0 ... T.

    Returns:
        predictions, exact laws before bounds within a quantity.

    Raises:
        ValueError: a generation is outside 0 ... T.
    """
    every = np.arange(setting.generations + 1)
    at = every if generations is None else np.asarray(generations, dtype=np.int64)
    if at.ndim != 1 or np.any((at < 0) | (at > setting.generations)):
        raise ValueError(f"generations are a row of integers from 0 to {setting.generations}")
    asked = CHEAP if quantities is None else tuple(quantities)
    found = []
    for chapter in CHAPTERS:
        known = [item for item in asked if item[0] in chapter.quantities]
        speaks = isinstance(setting, chapter.settings) and chapter.regime == setting.regime
        if known and speaks and chapter.applies(setting):
            found += chapter.predict(setting, known, at)
    return found
