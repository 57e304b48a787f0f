"""Gaussian mixture: K components in d dimensions, fitted by expectation-maximisation."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.expectation_maximisation import Settings, expectation_maximisation, log_densities
from mcollapse.families.mixture_parameters import GaussianMixtureParams
from mcollapse.families.parameters import is_concrete
from mcollapse.families.rows import check_rows
from mcollapse.products import matrix_product
from mcollapse.random import Key
from mcollapse.triangular import log_determinant
from mcollapse.whole_numbers import check_whole, whole

COMPONENT, NOISE = 1, 2
ITERATIONS, TOLERANCE, FLOOR = 200, 1e-5, 1e-6
COVARIANCES = ("full", "diagonal", "spherical")
_ALIKE = 1e-5
"""Of logarithms of standard deviations, and of correlations: float32 rounds a truth."""


class GaussianMixture(AbstractFamily):
    r"""$x \sim \sum_k w_k N(\mu_k, \Sigma_k)$ in d dimensions; rows are vectors.

    Covariances are "full", "diagonal" or "spherical" (a multiple of the identity each). There are no
    sufficient statistics, so that points are kept as rows; `maximum_likelihood` is
    `estimators.ExpectationMaximisation()`, a local maximum near the previous model. At generation 0 that is
    the truth, where it is a mixture of this size, and rows far apart where it is not. Shumailov et al.
    (2023, arXiv 2305.17493) retrain two components.

    Where a coordinate is the same in all rows (of spheres, where all are) no component has a density: the
    status is `DEGENERATE`, and the previous model is kept. Where all components are so narrow and far from
    a row that none has a density there, the status is `NOT_FINITE`, and again the previous model is kept.
    """

    components: int = eqx.field(static=True, converter=whole, default=2)
    dimension: int = eqx.field(static=True, converter=whole, default=2)
    covariance: str = eqx.field(static=True, default="full")

    Params = GaussianMixtureParams

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "trace")

    def __check_init__(self):
        """Whole numbers of components and dimensions, a known kind of covariance."""
        for name in ("components", "dimension"):
            check_whole(name, getattr(self, name))
        if self.covariance not in COVARIANCES:
            raise ValueError(f'covariance is "full", "diagonal" or "spherical", got {self.covariance!r}')

    def sample(self, key: Key, params: GaussianMixtureParams, count: Count, capacity: int) -> Samples:
        """A component for every row, and a normal vector."""
        weights = jnp.exp(params.log_weights)
        labels = random.categorical(key, COMPONENT, weights, (capacity,))
        normals = random.normal(key, NOISE, (capacity, self.dimension))
        factors = params.units * jnp.exp(params.log_diagonals)[:, None, :]
        rows = jnp.zeros_like(normals)
        for k in range(self.components):
            noise = matrix_product(normals, factors[k].T)
            rows = jnp.where((labels == k)[:, None], params.means[k] + noise, rows)
        return Samples.first(rows, count)

    def maximum_likelihood(
        self, data: Any, previous: GaussianMixtureParams, ddof: int = 0
    ) -> tuple[GaussianMixtureParams, Int[Array, ""]]:
        """Expectation-maximisation from the previous model."""
        dtype = jnp.result_type(float)
        tolerance, floor = jnp.asarray(TOLERANCE, dtype), jnp.asarray(FLOOR, dtype)
        return self.expectation_maximisation(data, previous, ITERATIONS, tolerance, floor)

    def expectation_maximisation(
        self,
        data: Samples,
        previous: GaussianMixtureParams,
        iterations: Int[Array, ""] | int,
        tolerance: Float[Array, ""],
        floor: Float[Array, ""],
        from_rows: bool = False,
    ) -> tuple[GaussianMixtureParams, Int[Array, ""]]:
        """Until the mean log-likelihood rises by no more than `tolerance`."""
        check_rows(self, data, (self.dimension,))
        settings = Settings(iterations, tolerance, floor, self.covariance, from_rows)
        return expectation_maximisation(data, previous, settings, self.fewest(0))

    def blank(self, truth: Any, capacity: int | None) -> GaussianMixtureParams:
        """The truth, where it is a mixture of this size; else components that are all one."""
        shape = (self.components, self.dimension)
        if isinstance(truth, GaussianMixtureParams) and np.shape(truth.means) == shape:
            return jax.tree.map(jnp.asarray, truth)
        zeros = jnp.zeros(shape)
        units = jnp.broadcast_to(jnp.eye(self.dimension), (*shape, self.dimension))
        return GaussianMixtureParams(jnp.full(self.components, -np.log(self.components)), zeros, units, zeros)

    def expectation(self, params: GaussianMixtureParams) -> Float[Array, " dimension"]:
        r"""$\sum_k w_k \mu_k$."""
        return jnp.sum(jnp.exp(params.log_weights)[:, None] * params.means, axis=0)

    def log_density(
        self, params: GaussianMixtureParams, rows: Float[Array, "count dimension"] | Float[Array, " count"]
    ) -> Float[Array, " count"]:
        """The logarithm of the density at each row; in one dimension rows may be numbers."""
        if rows.ndim == 1:
            rows = rows[:, None]
        return jax.nn.logsumexp(log_densities(params, rows), axis=0)

    def component_log_densities(
        self, params: GaussianMixtureParams, rows: Float[Array, "count dimension"]
    ) -> Float[Array, "components count"]:
        """The logarithm of weight times density of each component."""
        return log_densities(params, rows)

    def component_means(self, params: GaussianMixtureParams) -> Float[Array, "components dimension"]:
        """The means."""
        return params.means

    def total_covariance(self, params: GaussianMixtureParams) -> Float[Array, "dimension dimension"]:
        r"""$\sum_k w_k (\Sigma_k + (\mu_k - \bar\mu)(\mu_k - \bar\mu)^\top)$."""
        weights = jnp.exp(params.log_weights)
        apart = params.means - self.expectation(params)
        factors = params.units * jnp.exp(params.log_diagonals)[:, None, :]
        columns = jnp.concatenate([factors, apart[:, :, None]], axis=2) * jnp.sqrt(weights)[:, None, None]
        return jnp.einsum("kij,klj->il", columns, columns, precision=jax.lax.Precision.HIGHEST)

    def log_determinant(self, params: GaussianMixtureParams) -> Float[Array, ""]:
        """Of the covariance matrix."""
        return log_determinant(self.total_covariance(params))

    def interval(self, params: GaussianMixtureParams) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """6.2 standard deviations on both sides of each component that still has a weight."""
        if self.dimension > 1:
            raise ValueError(f"a GaussianMixture of dimension {self.dimension} is no law of one dimension")
        living = params.log_weights > -jnp.inf
        means, reach = params.means[:, 0], 6.2 * jnp.exp(params.log_diagonals[:, 0])
        low = jnp.min(jnp.where(living, means - reach, jnp.inf))
        return low, jnp.max(jnp.where(living, means + reach, -jnp.inf))

    def check(self, params: GaussianMixtureParams) -> None:
        """As many components and coordinates as said, and covariances of the kind that is fitted."""
        k, d = np.shape(params.means)
        if (k, d) != (self.components, self.dimension):
            raise ValueError(
                f"GaussianMixture has {self.components} components in {self.dimension} dimensions, but "
                "the truth "
                f"has {k} in {d}: use GaussianMixture(components={k}, dimension={d}), or mc.Truth with "
                "its own "
                "family to fit a mixture of another size"
            )
        if self.covariance == "full" or not (is_concrete(params.units) and is_concrete(params.log_diagonals)):
            return
        logs = np.asarray(params.log_diagonals, np.float64)
        ratios = np.exp(logs[:, None, :] - logs[:, :, None])
        tilted = np.max(np.abs(np.asarray(params.units, np.float64) - np.eye(d)) * ratios) > _ALIKE
        uneven = self.covariance == "spherical" and np.max(np.ptp(logs, axis=1)) > _ALIKE
        if tilted or uneven:
            raise ValueError(
                f"components of GaussianMixture(covariance={self.covariance!r}) are {self.covariance}, and "
                "those of the truth are not: use "
                + ('covariance="full"' if tilted else 'covariance="diagonal"')
                + ", or mc.Truth(GaussianMixture(...), params) with its own family to fit what it is not"
            )

    def standard_truth(self) -> GaussianMixtureParams:
        """Equal weights, identity covariances, 4 apart."""
        return GaussianMixtureParams.separated(self.components, self.dimension)

    def fewest(self, ddof: int) -> int:
        """For each component a point more than its covariance has ranks."""
        return self.components * ((self.dimension if self.covariance == "full" else 1) + 1)
