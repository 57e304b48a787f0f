"""A share of each batch is fresh real data."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from mcollapse import random
from mcollapse.data import Batch
from mcollapse.draw import Draw
from mcollapse.families.base import Params
from mcollapse.once import once
from mcollapse.random import Key
from mcollapse.schedules import DERIVED, AbstractSchedule, Table, shares
from mcollapse.sources.base import AbstractSource, State

HOW_MANY = 3  # purpose of the number of real points; Draw has 1 and 2


class Mixture(AbstractSource):
    r"""Each point is real with probability $\alpha_t$, else from $\hat P_{t-1}$.

    With `counts="random"` each point tosses its own coin, so that the number of real points is
    $\mathrm{Bin}(n_t, \alpha_t)$; with `counts="fixed"` it is $\lfloor \alpha_t n_t \rfloor$, which has a
    smaller variance. $\alpha_0$ is never read. Source: Bakshi and Chakraborty (2026, arXiv 2602.10531).
    """

    real_share: AbstractSchedule = eqx.field(converter=shares)
    counts: str = eqx.field(static=True, default="random")
    real_counts: Table | None = eqx.field(default=None, metadata=DERIVED)
    """What `planned` fills in where the counts are fixed."""

    def __check_init__(self):
        """Counts are random or fixed."""
        if self.counts not in ("random", "fixed"):
            raise ValueError(
                f'counts is "random" (a coin a point) or "fixed" (rounded down), got {self.counts!r}'
            )

    def planned(self, generations: int, sizes: np.ndarray) -> "Mixture":
        """Shares as a table, and where the counts are fixed these too."""
        share = self.real_share.planned(generations)
        whole = np.floor(share.values * sizes * (1 + 1e-12)).astype(np.int32)
        fixed = Table(whole, role="count") if self.counts == "fixed" else None
        return type(self)(share, self.counts, fixed)

    def parts(self, sizes: np.ndarray) -> tuple[np.ndarray, ...] | None:
        """Real and synthetic points, where their numbers are fixed; generation 0 has n_0 real ones."""
        if self.real_counts is None:
            return None
        real = np.concatenate([sizes[:1], np.asarray(self.real_counts.values)[1:]])
        return real, sizes - real

    def real_shares(self, generations: int) -> np.ndarray | None:
        """Those of the coins."""
        return self.real_share.table(generations) if self.counts == "random" else None

    @property
    def fixes_sizes(self) -> bool:
        """Where the counts are fixed."""
        return self.counts == "fixed"

    def draw(
        self, key: Key, draw: Draw, state: State, previous: Params, count: Int[Array, ""], t: Int[Array, ""]
    ) -> Batch:
        """Both parts, of random or fixed sizes."""
        share = self.real_share.at(t).astype(jnp.result_type(float))
        if self.real_counts is None:
            real = once(lambda: random.binomial(key, HOW_MANY, count, share))
        else:
            real = self.real_counts.at(t)
        return draw.both(key, previous, real, count - real, share, scattered=self.real_counts is None)
