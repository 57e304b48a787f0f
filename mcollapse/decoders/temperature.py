"""Sampling temperature."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from mcollapse.decoders.base import AbstractDecoder, positive_table
from mcollapse.families.base import AbstractFamily, Params, offers
from mcollapse.schedules import AbstractSchedule, as_schedule


class Temperature(AbstractDecoder):
    r"""Points of $p^{1/\tau}/Z$: below 1 sharper than the model, above 1 flatter.

    Without real data a sharp model ends on its likeliest symbol, a flat one on the uniform law of what is
    left of its support.
    Source: Marchi et al. (2024, arXiv 2404.02325).
    """

    temperature: AbstractSchedule = eqx.field(converter=lambda value: as_schedule(value, "number"))

    def planned(self, generations: int) -> "Temperature":
        """Temperatures as a table; one that is not positive is refused."""
        return Temperature(positive_table(self.temperature, generations, "temperature"))

    def decode(self, family: AbstractFamily, params: Params, t: Int[Array, ""]) -> Params:
        """The family's tempered law."""
        return family.temper(params, self.temperature.at(t).astype(jnp.result_type(float)))

    def check(self, family: AbstractFamily) -> None:
        """A power of the law is a law of the family."""
        if not offers(family, "temper"):
            raise ValueError(
                f"decoders.Temperature takes a power of a law, which for {family.name} is not its own: use "
                "it with families.Categorical, NextToken, Bernoulli, or a Gaussian or linear regression"
            )
