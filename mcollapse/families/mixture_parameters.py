"""Parameters of a mixture of Gaussians: weights and scales in logarithms."""

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from mcollapse.families.features import checked_covariance
from mcollapse.families.parameters import check_finite, check_probabilities, concrete, is_concrete


class GaussianMixtureParams(eqx.Module):
    r"""Weights $w_k$ in logarithms, means, and covariances $U_k D_k^2 U_k^\top$, D by its logarithms.

    Each U is lower triangular with ones on its diagonal. A component that a fit has lost has the weight
    $-\infty$ in logarithms, and is never drawn again.
    """

    log_weights: Float[Array, " components"] = eqx.field(converter=concrete)
    means: Float[Array, "components dimension"] = eqx.field(converter=concrete)
    units: Float[Array, "components dimension dimension"] = eqx.field(converter=concrete)
    log_diagonals: Float[Array, "components dimension"] = eqx.field(converter=concrete)

    def __check_init__(self):
        """Concrete parameters are finite, fit together and have no weight of zero."""
        leaves = (self.log_weights, self.means, self.units, self.log_diagonals)
        if not all(is_concrete(leaf) for leaf in leaves):
            return
        shapes = tuple(np.shape(leaf) for leaf in leaves)
        k, d = shapes[1] if len(shapes[1]) == 2 else (0, 0)
        if k == 0 or d == 0 or shapes != ((k,), (k, d), (k, d, d), (k, d)):
            raise ValueError(
                "weights [K], means [K, d], factors [K, d, d] and logarithms [K, d] go together, got shapes "
                f"{shapes}; from covariance matrices use GaussianMixture.Params.of"
            )
        for name in ("means", "units", "log_diagonals"):
            check_finite(name, getattr(self, name))
        total = float(np.sum(np.exp(np.asarray(self.log_weights, np.float64))))
        if not abs(total - 1.0) < 1e-5:
            raise ValueError(
                f"the weights of a mixture sum to one, these to {total:.6g}: divide them by their sum, or "
                "use "
                "GaussianMixture.Params.of"
            )
        units = np.asarray(self.units)
        if np.any(np.triu(units, 1) != 0) or np.any(abs(np.diagonal(units, axis1=1, axis2=2) - 1) > 1e-5):
            raise ValueError(
                "units are lower triangular with ones on their diagonals; from covariance matrices use "
                "GaussianMixture.Params.of(weights, means, covariances)"
            )

    @classmethod
    def of(cls, weights: object, means: object, covariances: object) -> "GaussianMixtureParams":
        """From weights [K], means [K, d] (or [K]) and covariance matrices [K, d, d] (or variances [K])."""
        shares, centres = np.asarray(weights, np.float64), np.asarray(means, np.float64)
        matrices = np.asarray(covariances, np.float64)
        centres = centres[:, None] if centres.ndim == 1 else centres
        matrices = matrices[:, None, None] if matrices.ndim == 1 else matrices
        if centres.ndim != 2 or shares.shape != centres.shape[:1]:
            raise ValueError(
                f"weights are a vector [K] and means [K, d], got shapes {shares.shape} and {centres.shape}"
            )
        if matrices.shape != (*centres.shape, centres.shape[1]):
            raise ValueError(
                f"{len(centres)} components in {centres.shape[1]} dimensions need covariances "
                f"{(*centres.shape, centres.shape[1])}, got {matrices.shape}"
            )
        if np.any(shares == 0):
            raise ValueError(
                f"component {int(np.argmin(shares))} of the mixture has the weight 0 and would never be "
                "drawn: "
                "leave it out"
            )
        if len(shares) > 1:
            check_probabilities(shares)
        roots = np.array([np.linalg.cholesky(checked_covariance(matrix)) for matrix in matrices])
        diagonals = np.diagonal(roots, axis1=1, axis2=2)
        return cls(np.log(shares), centres, roots / diagonals[:, None, :], np.log(diagonals))

    @classmethod
    def separated(
        cls, components: int = 2, dimension: int = 2, distance: float | int = 4.0
    ) -> "GaussianMixtureParams":
        """Equal weights and identity covariances, means `distance` apart on the first axis, around zero."""
        k, d = int(components), int(dimension)
        if k < 1 or d < 1 or not 0 < distance < np.inf:
            raise ValueError(
                "separated takes at least 1 component, 1 dimension and a positive distance, got "
                f"{components}, "
                f"{dimension}, {distance}"
            )
        means = np.zeros((k, d))
        means[:, 0] = distance * (np.arange(k) - 0.5 * (k - 1))
        return cls.of(np.full(k, 1.0 / k), means, np.broadcast_to(np.eye(d), (k, d, d)))

    @classmethod
    def standard(cls) -> "GaussianMixtureParams":
        """Two components in two dimensions, of unit variance, 4 apart."""
        return cls.separated()
