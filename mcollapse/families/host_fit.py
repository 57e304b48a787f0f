"""Host: the same fit to a user's rows, in float64, refused where it does not exist."""

from collections.abc import Callable

import numpy as np

from mcollapse.families.features import column_units

_MOST = 200


def fitted(
    x: np.ndarray,
    y: np.ndarray,
    sides: np.ndarray,
    moments: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    r"""Maximum likelihood by the steps of `newton`, whose source says why they are safe.

    Arguments:
        x: features of full rank, [n, d].
        y: labels, [n].
        sides: [n], the sign of the predictors at which the likelihood of a row has its supremum, or 0 where
            it has a maximum.
        moments: predictors -> means and variances of labels.

    Raises:
        ValueError: no finite coefficients are best.
    """
    units = column_units(x)
    x = x / units
    if endless(x, sides):
        raise ValueError(
            "these labels have no finite fit: a plane through the origin separates them, or all counts off "
            "one plane are zero; use more rows or fewer features"
        )
    coefficients = np.zeros(x.shape[1])
    for _ in range(_MOST):
        mean, curvature = moments(x @ coefficients)
        direction = np.linalg.solve((x * curvature[:, None]).T @ x, x.T @ (y - mean))
        largest = float(np.max(np.abs(x @ direction)))
        coefficients = coefficients + direction * (1.0 if largest <= 1 else np.log1p(largest) / largest)
        if largest < 1e-9:
            return coefficients / units
    raise ValueError(f"the fit did not converge in {_MOST} steps: these labels are all but separated")


def endless(x: np.ndarray, sides: np.ndarray) -> bool:
    """Whether coefficients exist that no row loses by and some row gains by: a linear program.

    Source: Albert and Anderson (1984), "On the existence of maximum likelihood estimates in logistic
    regression models".
    """
    from scipy.optimize import linprog

    # a column in small units would be lost among others in the tolerance of the program
    x = x / column_units(x)
    rows = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(float).tiny)
    gains, fixed = sides[sides != 0, None] * rows[sides != 0], rows[sides == 0]
    found = linprog(
        -gains.sum(axis=0),
        A_ub=-gains if len(gains) else None,
        b_ub=np.zeros(len(gains)) if len(gains) else None,
        A_eq=fixed if len(fixed) else None,
        b_eq=np.zeros(len(fixed)) if len(fixed) else None,
        bounds=(-1.0, 1.0),
    )
    if found.x is None:
        raise ValueError(f"the linear program of separation was not solved: {found.message}")
    return float(-found.fun) > 1e-6 * len(x)
