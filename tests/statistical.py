"""Statistical tests: a threshold for the whole suite, and mutants of a size that must be seen."""

import numpy as np
from scipy import special

FAMILY_WISE = 1e-4
"""Probability that any statistical test of the suite fails although all is well."""
COMPARISONS = 2000
"""More than the suite makes."""
THRESHOLD = float(-special.ndtri(FAMILY_WISE / COMPARISONS / 2))
"""5.45 standard errors: what each comparison is allowed."""


def z_of(mean, error, expected, expected_error=0.0) -> np.ndarray:
    """Deviations in standard errors; 0 where both are exact and equal."""
    mean, expected = np.asarray(mean, float), np.asarray(expected, float)
    spread = np.hypot(error, expected_error)
    equal = np.abs(mean - expected) <= 1e-6 * np.abs(expected) + 1e-12
    return np.where(equal, 0.0, (mean - expected) / np.where(spread > 0, spread, np.finfo(float).tiny))


def assert_agrees(mean, error, expected, expected_error=0.0, what="") -> None:
    z = z_of(mean, error, expected, expected_error)
    worst = np.unravel_index(np.argmax(np.abs(z)), z.shape)
    assert np.abs(z[worst]) < THRESHOLD, f"{what}: z = {z[worst]:.1f} at {worst}"


def assert_mutant_seen(mutant: np.ndarray, reference: np.ndarray, what="") -> None:
    """A mutant must be rejected, by an effect of 5 to 15 standard errors: far larger ones prove little.

    Arguments are values over replicates (the first axis). Where all replicates together see far more, so
    many are used as see about ten standard errors.
    """

    def effect(replicates):
        ours, theirs = moments(mutant[:replicates]), moments(reference[:replicates])
        return float(np.abs(z_of(*ours, *theirs)).max())

    z = effect(len(mutant))
    if z > 12:
        z = effect(int(len(mutant) * (10 / z) ** 2))
    assert THRESHOLD < z < 15, f"{what}: the mutant's effect is {z:.1f} standard errors"


def assert_law_rejected(values: np.ndarray, wrong: float) -> None:
    """The mean over replicates rejects a wrong law, by as few replicates as see about ten standard errors."""

    def effect(replicates):
        return float(np.abs(z_of(*moments(values[:replicates]), wrong)))

    z = effect(len(values))
    if z > 12:
        z = effect(int(len(values) * (10 / z) ** 2))
    assert THRESHOLD < z < 15, f"the wrong law is {z:.1f} standard errors away"


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over replicates (the first axis) and its standard error, in float64."""
    values = np.asarray(values, np.float64)
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(values.shape[0])
