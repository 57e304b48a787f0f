"""Sampling bias: points that vary less, or more, than the model says."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from mcollapse.decoders.base import AbstractDecoder, positive_table
from mcollapse.families.base import AbstractFamily, Params, offers
from mcollapse.schedules import AbstractSchedule, as_schedule


class VarianceFactor(AbstractDecoder):
    r"""Points of $N(\hat\mu, \lambda \hat\Sigma)$: with $\lambda < 1$ quality is bought with variety.

    Alone it shrinks the variance by $\lambda$ in every generation; with fresh real data it lowers the
    variance that is reached. Of a regression the variance of the labels' noise.
    Source: Alemohammad et al. (2023, arXiv 2307.01850).
    """

    factor: AbstractSchedule = eqx.field(converter=lambda value: as_schedule(value, "number"))

    def planned(self, generations: int) -> "VarianceFactor":
        """Factors as a table; one that is not positive is refused."""
        return VarianceFactor(positive_table(self.factor, generations, "variance factor"))

    def decode(self, family: AbstractFamily, params: Params, t: Int[Array, ""]) -> Params:
        """The family's law with its variance multiplied."""
        return family.with_variance_times(params, self.factor.at(t).astype(jnp.result_type(float)))

    def check(self, family: AbstractFamily) -> None:
        """There is a variance of its own to multiply."""
        if not offers(family, "with_variance_times"):
            raise ValueError(
                f"decoders.VarianceFactor multiplies a variance, and that of {family.name} is not its own "
                "parameter: use it with families.Gaussian, MultivariateGaussian or LinearRegression"
            )
