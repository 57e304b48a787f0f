"""Expectation-maximisation of a mixture: a local maximum of the likelihood, from a stated start."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch, Samples
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.families.base import AbstractFamily, Params
from mcollapse.families.gaussian_mixture import FLOOR, ITERATIONS, TOLERANCE, GaussianMixture
from mcollapse.random import Key
from mcollapse.schedules import number
from mcollapse.whole_numbers import check_whole, whole


class ExpectationMaximisation(AbstractEstimator):
    r"""EM until the mean log-likelihood of a point rises by at most `tolerance`, in `iterations` at most.

    It starts from the previous model, or with `start="rows"` at every generation from rows far apart. No
    variance of a component, given the coordinates before, falls below `floor` times that of the data: there
    the likelihood is unbounded, and the fit is degenerate (a status), as it is where a component has no
    points left. One that is stopped early is not converged. Where a coordinate is the same in all rows (of
    spheres, where all are) the fit is degenerate and the previous model is kept.
    Source: Dempster, Laird and Rubin (1977); Shumailov et al. (2023, arXiv 2305.17493).
    """

    reads: ClassVar[type] = Samples

    iterations: int = eqx.field(static=True, converter=whole, default=ITERATIONS)
    tolerance: np.ndarray = eqx.field(converter=number, default=TOLERANCE)
    floor: np.ndarray = eqx.field(converter=number, default=FLOOR)
    start: str = eqx.field(static=True, default="previous")

    def __check_init__(self):
        """Iterations are counted, a tolerance is not negative, a floor is a share of the data's variance."""
        check_whole("iterations", self.iterations)
        if isinstance(self.tolerance, np.ndarray) and (self.tolerance.ndim or not self.tolerance >= 0):
            raise ValueError(f"tolerance is a number of at least 0, in nats a point, got {self.tolerance}")
        if isinstance(self.floor, np.ndarray) and (self.floor.ndim or not 0 < self.floor < 1):
            raise ValueError(
                f"floor is a share of the data's variance between 0 and 1, got {self.floor}: without one the "
                "likelihood of a component on a single point has no upper bound"
            )
        if self.start not in ("previous", "rows"):
            raise ValueError(f'start is "previous" or "rows", got {self.start!r}')

    def fit(
        self,
        key: Key,
        family: AbstractFamily,
        batch: Batch,
        previous: Params,
        carry: Carry,
        t: Int[Array, ""],
    ) -> tuple[Params, Carry, Int[Array, ""]]:
        """A climb from the start."""
        data = batch.all
        assert isinstance(family, GaussianMixture) and isinstance(data, Samples)
        dtype = jnp.result_type(float)
        tolerance, floor = jnp.asarray(self.tolerance, dtype), jnp.asarray(self.floor, dtype)
        from_rows = self.start == "rows"
        fitted = family.expectation_maximisation(data, previous, self.iterations, tolerance, floor, from_rows)
        return fitted[0], carry, fitted[1]

    def check(self, family: AbstractFamily) -> None:
        """Only mixtures have components."""
        if not isinstance(family, GaussianMixture):
            raise ValueError(
                "estimators.ExpectationMaximisation fits the components of families.GaussianMixture, and "
                "this "
                f"is a {family.name}: use estimators.MaximumLikelihood()"
            )
