"""Kernel density estimate: the data, each smeared out by a normal kernel."""

import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import Samples
from mcollapse.families.base import Count
from mcollapse.families.parameters import concrete
from mcollapse.families.points import AbstractPoints, check_points, counted, user_points
from mcollapse.products import matrix_product
from mcollapse.random import Key
from mcollapse.status import Status
from mcollapse.summation import row_sum
from mcollapse.triangular import cholesky
from mcollapse.whole_numbers import check_whole, whole

NOISE = 3  # beside the two purposes of choosing rows
RULES = ("scott", "silverman", "normal-reference")
_REACH = 6.2  # standard deviations of a kernel, beyond which 6e-10 of it lies


def bandwidth_factor(rule: str, size: Any, dimension: int) -> Any:
    r"""By what a rule multiplies the standard deviation of n points.

    $n^{-1/(d+4)}$ (Scott), $(n(d+2)/4)^{-1/(d+4)}$ (Silverman), $1.06\, n^{-1/5}$ (normal reference, d = 1).
    """
    if rule == "normal-reference":
        return 1.06 * size**-0.2
    points = size if rule == "scott" else size * ((dimension + 2) / 4)
    return points ** (-1 / (dimension + 4))


def _bandwidth(value: Any) -> Any:
    return value if isinstance(value, str) or not isinstance(value, int | float) else np.asarray(value, float)


class KernelDensityParams(eqx.Module):
    r"""Rows with a weight each, 0 for absent, and the kernel's factor K: a point is $x_i + K z$, z normal."""

    rows: Float[Array, "capacity ..."] = eqx.field(converter=concrete)
    weights: Float[Array, " capacity"] = eqx.field(converter=concrete)
    first: Int[Array, ""] = eqx.field(converter=counted)
    """How many leading rows are present with equal weights, the rest being absent; 0 for other weights."""
    kernel: Float[Array, "dimension dimension"] = eqx.field(converter=concrete)

    def __check_init__(self):
        """As many weights as rows."""
        check_points(self)

    @classmethod
    def from_data(
        cls, values: object, bandwidth: float | str = "silverman", weights: object = None
    ) -> "KernelDensityParams":
        """The estimate from a user's values [n] or rows [n, d], by a rule or with a fixed bandwidth."""
        rows, shares, first = user_points(values, weights, "KernelDensity data")
        dimension = 1 if rows.ndim == 1 else rows.shape[1]
        check_bandwidth(bandwidth, dimension)
        if not isinstance(bandwidth, str):
            return cls(rows, shares, first, float(bandwidth) * np.eye(dimension))
        size = shares.sum() ** 2 / np.sum(shares**2)
        if size < dimension + 1:
            raise ValueError(
                f"the rule {bandwidth!r} needs at least {dimension + 1} points of one weight, got {size:.3g}"
            )
        covariance = np.cov(rows, rowvar=False, aweights=shares, ddof=1).reshape(dimension, dimension)
        if np.linalg.matrix_rank(covariance) < dimension:
            raise ValueError(f"the data have no spread in {dimension} dimension(s): fix a bandwidth")
        factor = bandwidth_factor(bandwidth, size, dimension)
        return cls(rows, shares, first, factor * np.linalg.cholesky(covariance))


def check_bandwidth(bandwidth: Any, dimension: int) -> None:
    """A positive number, or the name of a rule."""
    if isinstance(bandwidth, str):
        if bandwidth not in RULES:
            raise ValueError(f"bandwidth is a number or one of {', '.join(RULES)}, got {bandwidth!r}")
        if bandwidth == "normal-reference" and dimension > 1:
            raise ValueError(
                f'"normal-reference" is of one dimension, and this is {dimension}: use "silverman"'
            )
        return
    if isinstance(bandwidth, bool | None) or np.ndim(bandwidth) != 0:
        raise ValueError(f"bandwidth is one number or the name of a rule, got {bandwidth!r}")
    if isinstance(bandwidth, np.ndarray | float | int) and not 0 < float(bandwidth) < np.inf:
        raise ValueError(
            f"bandwidth is a positive, finite number, got {float(bandwidth):g}; "
            "without a kernel use families.Empirical"
        )


class KernelDensity(AbstractPoints):
    r"""$p(x) = \frac1W \sum_i w_i\, N(x; x_i, K K^\top)$, drawn from as a row and a normal kernel around it.

    A fixed `bandwidth` h is the same along every axis, $K = h I$, and each generation adds $h^2$ to the
    variance. Rules scale with the data: $K K^\top$ is the squared `bandwidth_factor` times the covariance of
    the rows, all of it and not its diagonal, with the divisor n - 1, as in scipy's `gaussian_kde` (in
    scikit-learn "scott" is the factor alone); of weighted rows, their effective number
    $(\sum w)^2 / \sum w^2$. `dimension` is 1, of rows that are numbers, or d, of rows that are vectors.
    Source: Kazdan et al. (2024, arXiv 2410.16713); Fu et al. (2024, arXiv 2402.11778), "normal-reference".
    """

    dimension: int = eqx.field(static=True, converter=whole, default=1)
    bandwidth: Float[Array, ""] | str = eqx.field(converter=_bandwidth, default="silverman")

    Params = KernelDensityParams

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "trace")

    def __check_init__(self):
        """A dimension is a whole number, a bandwidth a number or a rule."""
        check_whole("dimension", self.dimension)
        check_bandwidth(self.bandwidth, self.dimension)

    def sample(self, key: Key, params: KernelDensityParams, count: Count, capacity: int) -> Samples:
        """A row of the model each, moved by a draw of the kernel."""
        rows = self.chosen(key, params, capacity)
        if self.dimension == 1:
            return Samples.first(rows + params.kernel[0, 0] * random.normal(key, NOISE, (capacity,)), count)
        normals = random.normal(key, NOISE, (capacity, self.dimension))
        moved = matrix_product(normals, params.kernel.T)
        return Samples.first(rows + moved, count)

    def maximum_likelihood(
        self, data: Samples, previous: KernelDensityParams, ddof: int = 0
    ) -> tuple[KernelDensityParams, Int[Array, ""]]:
        """The data, and the kernel by the rule; `DEGENERATE` where that is singular."""
        (rows, weights, first), present = self.kept(data, previous)
        fitted = KernelDensityParams(rows, weights, first, previous.kernel)
        kernel = self._kernel(fitted, present)
        kernel = jnp.where(present > 0, kernel, previous.kernel)
        flat = jnp.any(jnp.diagonal(kernel) <= 0)
        finite = jnp.all(jnp.isfinite(kernel))
        status = jnp.where(finite, jnp.where(flat, Status.DEGENERATE, Status.OK), Status.NOT_FINITE)
        status = jnp.where(present > 0, status, Status.TOO_FEW_POINTS)
        return KernelDensityParams(rows, weights, first, kernel), status.astype(jnp.int32)

    def _kernel(self, params: KernelDensityParams, present: Array) -> Float[Array, "dimension dimension"]:
        dtype = params.weights.dtype
        if not isinstance(self.bandwidth, str):
            return jnp.asarray(self.bandwidth, dtype) * jnp.eye(self.dimension, dtype=dtype)
        squares = row_sum(self.shares(params) ** 2)
        scaled, unit = self.spread_in_units(params)
        covariance = scaled / jnp.maximum(1 - squares, jnp.finfo(dtype).tiny)
        root = jnp.sqrt(covariance) if self.dimension == 1 else cholesky(covariance, present - 1)
        return bandwidth_factor(self.bandwidth, 1 / squares, self.dimension) * unit * root

    def blank(self, truth: object, capacity: int | None) -> KernelDensityParams:
        """No rows."""
        return KernelDensityParams(
            *self.no_rows(capacity), jnp.eye(self.dimension, dtype=jnp.result_type(float))
        )

    def fewest(self, ddof: int) -> int:
        """One point, or enough for the covariance that a rule needs."""
        return 1 + self.dimension if isinstance(self.bandwidth, str) else 1

    def total_covariance(self, params: KernelDensityParams) -> Float[Array, "dimension dimension"]:
        r"""That of the rows, with divisor n, and $K K^\top$."""
        kernel = params.kernel
        return self.spread(params) + matrix_product(kernel, kernel.T)

    def log_variance(self, params: KernelDensityParams) -> Float[Array, ""]:
        r"""$\log(\frac1W\sum_i w_i (x_i - \bar x)^2 + h^2)$."""
        if self.dimension > 1:
            raise ValueError(
                f"a KernelDensity of dimension {self.dimension} has no one variance: use metrics.trace"
            )
        return jnp.logaddexp(self.log_spread(params), 2.0 * jnp.log(params.kernel[0, 0]))

    def log_density(
        self, params: KernelDensityParams, rows: Float[Array, "rows ..."]
    ) -> Float[Array, " rows"]:
        r"""$\log \frac1W \sum_i w_i\, N(x; x_i, K K^\top)$; nothing where the kernel is singular."""
        d, kernel = self.dimension, params.kernel
        scales = jnp.diagonal(kernel)
        safe = jnp.where(scales > 0, scales, 1.0)
        unit = kernel + jnp.diag(safe - scales)
        ours = _whitened(unit, params.rows.reshape(-1, d))
        theirs = _whitened(unit, rows.reshape(-1, d))
        square = sum((theirs[j][:, None] - ours[j][None, :]) ** 2 for j in range(d))
        # -inf where a row is absent
        logs = jnp.log(params.weights)[None, :] - 0.5 * jnp.asarray(square)
        highest = jnp.max(logs, axis=1, keepdims=True)
        summed = jnp.log(jnp.sum(jnp.exp(logs - highest), axis=1)) + highest[:, 0]
        size = jnp.log(jnp.sum(params.weights)) + jnp.sum(jnp.log(safe)) + 0.5 * d * math.log(2 * math.pi)
        return jnp.where(jnp.all(scales > 0), summed - size, -jnp.inf)

    def cumulative(self, params: KernelDensityParams, values: Float[Array, "..."]) -> Float[Array, "..."]:
        r"""$\frac1W \sum_i w_i \Phi((x - x_i)/h)$."""
        h = params.kernel[0, 0]
        below = params.weights * ndtr(
            (values[..., None] - params.rows) / jnp.where(h > 0, h, jnp.finfo(h.dtype).tiny)
        )
        return jnp.sum(below, axis=-1) / jnp.sum(params.weights)

    def interval(self, params: KernelDensityParams) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """From the least to the largest row, and 6.2 standard deviations of the kernel beyond."""
        if self.dimension > 1:
            raise ValueError(f"a KernelDensity of dimension {self.dimension} is no law of one dimension")
        here, reach = params.weights > 0, _REACH * params.kernel[0, 0]
        low = jnp.min(jnp.where(here, params.rows, jnp.inf))
        return low - reach, jnp.max(jnp.where(here, params.rows, -jnp.inf)) + reach


def _whitened(factor: Array, rows: Array) -> list[Array]:
    """The columns of rows times the inverse of the transposed factor, one after the other."""
    columns: list[Array] = []
    for j in range(factor.shape[0]):
        rest = rows[:, j] - sum((factor[j, i] * columns[i] for i in range(j)), jnp.zeros(()))
        columns.append(rest / factor[j, j])
    return columns
