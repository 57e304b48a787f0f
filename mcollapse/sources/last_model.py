"""Only the previous generation's model: the fully synthetic loop."""

import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.draw import Draw
from mcollapse.families.base import Params
from mcollapse.random import Key
from mcollapse.sources.base import AbstractSource, State


class LastModel(AbstractSource):
    r"""All $n_t$ points come from $\hat P_{t-1}$ (Shumailov et al. 2023, arXiv 2305.17493)."""

    def parts(self, sizes: np.ndarray) -> tuple[np.ndarray, ...]:
        """One part, of n_t points."""
        return (sizes,)

    def draw(
        self, key: Key, draw: Draw, state: State, previous: Params, count: Int[Array, ""], t: Int[Array, ""]
    ) -> Batch:
        """A synthetic part and no real one."""
        return Batch(real=None, synthetic=draw.model(key, previous, count))
