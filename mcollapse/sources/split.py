"""So many real points and so many synthetic ones, each generation."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from mcollapse.data import Batch
from mcollapse.draw import Draw
from mcollapse.families.base import Params
from mcollapse.random import Key
from mcollapse.schedules import AbstractSchedule, counts
from mcollapse.sources.base import AbstractSource, State


class Split(AbstractSource):
    r"""$r_t$ fresh real points and $s_t$ of $\hat P_{t-1}$; the process's sizes say only $n_0$.

    The fresh-data loop of Alemohammad et al. (2023, arXiv 2307.01850) and of He, Xu and Cheng (2025,
    arXiv 2502.18049).
    """

    real: AbstractSchedule = eqx.field(converter=counts)
    synthetic: AbstractSchedule = eqx.field(converter=counts)

    def planned(self, generations: int, sizes: np.ndarray) -> "Split":
        """Both counts as tables; an empty generation is refused."""
        # entry 0 is not used: generation 0 has n_0 real points
        real, synthetic = (part.planned(generations, "truth") for part in (self.real, self.synthetic))
        empty = np.flatnonzero((real.values + synthetic.values)[1:] < 1) + 1
        if empty.size:
            raise ValueError(
                f"Split gives neither real nor synthetic points at generation {empty[0]}: "
                "make one of its two counts positive"
            )
        return type(self)(real, synthetic)

    def batch_sizes(self, sizes: np.ndarray) -> np.ndarray:
        """The sum of both parts; generation 0 has n_0."""
        real, synthetic = self.parts(sizes)
        return real + synthetic

    def parts(self, sizes: np.ndarray) -> tuple[np.ndarray, ...]:
        """Both counts; generation 0 has n_0 real points."""
        generations = len(sizes) - 1
        real, synthetic = (part.table(generations, "truth") for part in (self.real, self.synthetic))
        return np.concatenate([sizes[:1], real[1:]]), np.concatenate([[0], synthetic[1:]])

    @property
    def fixes_sizes(self) -> bool:
        """It has sizes of its own."""
        return True

    def draw(
        self, key: Key, draw: Draw, state: State, previous: Params, count: Int[Array, ""], t: Int[Array, ""]
    ) -> Batch:
        """Both parts, of the sizes that the schedules say."""
        real, synthetic = self.real.at(t), self.synthetic.at(t)
        share = real / jnp.maximum(real + synthetic, 1)
        return draw.both(key, previous, real, synthetic, share.astype(jnp.result_type(float)))
