"""No decoder: points come from the model's own law."""

from jaxtyping import Array, Int

from mcollapse.decoders.base import AbstractDecoder
from mcollapse.families.base import AbstractFamily, Params


class AsIs(AbstractDecoder):
    """The model itself: what theorems mean when they say nothing."""

    def decode(self, family: AbstractFamily, params: Params, t: Int[Array, ""]) -> Params:
        """The same parameters."""
        return params
