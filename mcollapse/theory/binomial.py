"""The binomial law where it is not negligible."""

import numpy as np
from scipy import special


def binomial_law(size: int, chance: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of successes, int [N], and their probabilities, [N], which sum to one.

    Beyond twelve standard deviations, and some more numbers where these are small, there is nothing to sum.

    Arguments:
        size: of trials, at least 0.
        chance: of each, in [0, 1].
    """
    centre, reach = size * chance, 12 * np.sqrt(size * chance * (1 - chance)) + 60
    points = np.arange(max(0, int(centre - reach)), min(size, int(centre + reach)) + 1)
    logs = special.gammaln(size + 1) - special.gammaln(points + 1) - special.gammaln(size - points + 1)
    chances = np.exp(logs + special.xlogy(points, chance) + special.xlog1py(size - points, -chance))
    return points, chances / chances.sum()
