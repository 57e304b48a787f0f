"""The law of features, and host-side checks of matrices and rows that users give."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mcollapse.families.parameters import check_finite, concrete, finite_numbers, is_concrete
from mcollapse.products import matrix_product
from mcollapse.schedules import DERIVED
from mcollapse.whole_numbers import check_whole


class Covariance(eqx.Module):
    r"""$\Sigma = R R^\top$ with what programs need of it, computed once on the host in float64."""

    matrix: Float[Array, "dimension dimension"] = eqx.field(converter=concrete)
    factors: tuple | None = eqx.field(default=None, metadata=DERIVED)
    """R, lower triangular, and its inverse."""

    @classmethod
    def of(cls, value: Any) -> "Covariance | None":
        """A covariance from a matrix; `None` stands for the identity."""
        if value is None or isinstance(value, Covariance) and value.factors is not None:
            return value
        matrix = np.asarray(value.matrix if isinstance(value, Covariance) else value, np.float64)
        root = np.linalg.cholesky(checked_covariance(matrix))
        return cls(matrix, (root, np.linalg.inv(root)))

    @property
    def root(self) -> Float[Array, "dimension dimension"]:
        """R."""
        return self._factor(0)

    @property
    def inverse_root(self) -> Float[Array, "dimension dimension"]:
        r"""$R^{-1}$."""
        return self._factor(1)

    @property
    def inverse_gram(self) -> Float[Array, "dimension dimension"]:
        r"""$(R^\top R)^{-1}$: the length of coefficients as a function of $R^\top w$."""
        inverse = self.inverse_root
        return matrix_product(inverse, inverse.T)

    def _factor(self, which: int) -> Float[Array, "dimension dimension"]:
        assert self.factors is not None  # `of` fills them in
        return jnp.asarray(self.factors[which], jnp.result_type(float))


def checked_covariance(covariance: np.ndarray) -> np.ndarray:
    """A covariance matrix is square, symmetric and positive definite."""
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1]:
        raise ValueError(f"covariance is a square matrix, one row a dimension, got shape {covariance.shape}")
    if not np.all(np.isfinite(covariance)):
        raise ValueError("covariance must be finite, got NaN or infinity")
    if not np.allclose(covariance, covariance.T, rtol=1e-6, atol=1e-12 * np.abs(covariance).max()):
        raise ValueError("covariance must be symmetric: use (C + C.T) / 2")
    variances = np.diagonal(covariance)
    if np.any(variances <= 0):
        raise ValueError(
            f"variances must be positive, the smallest of this covariance is {variances.min():.3g}"
        )
    # of correlations, so that units do not matter; what rounding cannot tell from singular is refused
    deviations = np.sqrt(variances)
    least = float(np.linalg.eigvalsh(covariance / np.outer(deviations, deviations))[0])
    limit = 64 * len(covariance) * float(jnp.finfo(jnp.result_type(float)).eps)
    if least <= limit:
        raise ValueError(
            f"covariance must be positive definite, the least eigenvalue of its correlations is {least:.3g} "
            f"(at least {limit:.1g} in this precision): leave out dimensions that others determine"
        )
    return covariance


def check_features(family: Any) -> None:
    """A dimension is a whole number, and the covariance of a regression's features has it."""
    check_whole("dimension", family.dimension)
    if family.covariance is not None and np.shape(family.covariance.matrix)[0] != family.dimension:
        raise ValueError(
            f"{family.name} has dimension {family.dimension}, but its covariance is a matrix "
            f"{list(np.shape(family.covariance.matrix))}"
        )


def same_features(ours: Any, theirs: Any) -> bool:
    """Whether two regressions have features of one law."""
    first, second = (
        np.eye(f.dimension) if f.covariance is None else f.covariance.matrix for f in (ours, theirs)
    )
    return np.array_equal(np.asarray(first), np.asarray(second))


def check_size(family: Any, params: Any) -> None:
    """A regression has as many coefficients as dimensions."""
    size = np.shape(params.coefficients)[0]
    if size != family.dimension:
        raise ValueError(
            f"{family.name} has dimension {family.dimension}, but the truth has {size} coefficients: "
            f"use {family.name}(dimension={size})"
        )


def check_coefficients(values: Any) -> None:
    """Coefficients are a vector of finite numbers."""
    if not is_concrete(values):
        return
    if np.ndim(values) != 1 or np.size(values) == 0:
        raise ValueError(f"coefficients are a vector, one a feature, got shape {np.shape(values)}")
    check_finite("coefficients", values)


def real_rows(values: object, what: str) -> np.ndarray:
    """A user's rows [n, d] in float64, refused where they are empty, no numbers or not finite."""
    rows = np.asarray(values)
    if rows.ndim != 2 or rows.size == 0:
        raise ValueError(f"{what} are rows [n, d], got shape {rows.shape}")
    return finite_numbers(rows, what)


def column_units(x: np.ndarray) -> np.ndarray:
    """The largest size in each column: in these units columns can be compared."""
    largest = np.max(np.abs(x), axis=0)
    return np.where(largest > 0, largest, 1.0)


def regression_data(
    features: object, labels: object, with_variance: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """A user's rows [n, d] and labels [n] in float64, refused where no regression can be fitted to them.

    With a variance of labels to be fitted too, a row more than coefficients is needed.
    """
    x, y = np.asarray(features), np.asarray(labels)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(
            f"features are rows [n, d] and labels a vector [n], got shapes {x.shape} and {y.shape}"
        )
    if x.dtype.kind not in "biuf" or y.dtype.kind not in "biuf":
        raise ValueError(f"features and labels must be numbers, got dtypes {x.dtype} and {y.dtype}")
    x, y = x.astype(np.float64), y.astype(np.float64)
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise ValueError("features and labels must be finite: drop or fill missing values first")
    needed, fitted = x.shape[1] + with_variance, "and a variance " if with_variance else ""
    if len(y) < needed:
        raise ValueError(f"{x.shape[1]} coefficients {fitted}need at least {needed} rows, got {len(y)}")
    # least squares with a variance are solved in the units that are given, the others in those of each column
    rank = int(np.linalg.matrix_rank(x if with_variance else x / column_units(x)))
    if rank < x.shape[1]:
        raise ValueError(
            f"the features are singular: {x.shape[1]} columns of rank {rank}; leave out columns that others "
            "determine"
        )
    return x, y
