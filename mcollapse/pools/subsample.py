"""Accumulate, but train on a fixed budget of points drawn from all data so far."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from mcollapse import random
from mcollapse.data import Batch, Counts, Part
from mcollapse.families.base import AbstractFamily, offers
from mcollapse.pools.base import AbstractPool, State
from mcollapse.pools.everything import All
from mcollapse.pools.rows import Rows
from mcollapse.random import Key
from mcollapse.schedules import AbstractSchedule, sizes


class Subsample(AbstractPool):
    r"""Each generation sees `budget` points drawn without replacement from all so far, and redrawn.

    Where fewer have been seen than the budget, it sees them all. Counts are subsampled by their exact
    multivariate hypergeometric law; a Gaussian's statistics do not say which points went where, so
    that its rows are kept. Source: Kazdan et al. (2024, arXiv 2410.16713).
    """

    budget: AbstractSchedule = eqx.field(converter=sizes)

    def planned(self, generations: int, start: str) -> "Subsample":
        """The budget as a table."""
        return type(self)(self.budget.planned(generations, "truth" if start == "truth" else "real"))

    def needs_rows(self, family: AbstractFamily) -> bool:
        """Counts can be subsampled as they are, other statistics cannot."""
        return not (hasattr(family, "probabilities") and offers(family, "statistics"))

    def capacity(self, batch: int, generations: int) -> int:
        """A slot for each generation."""
        return All().capacity(batch, generations)

    def init(self, batch: Batch, capacity: int) -> State:
        """No data yet."""
        return All().init(batch, capacity)

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """Everything so far is kept, and a fresh subset of it is trained on."""
        state, everything = All().absorb(key, state, batch, t)
        budget = self.budget.at(t)
        if isinstance(state, Rows):
            return state, state.batch(batch.share, keep=random.subsample_mask(key, 1, state.present, budget))
        return state, _subsampled(key, everything, budget)


def _subsampled(key: Key, batch: Batch, budget: Int[Array, ""]) -> Batch:
    """Real and synthetic counts are drawn from as one urn, so that provenance survives."""
    parts = [part.counts for part in (batch.real, batch.synthetic) if isinstance(part, Counts)]
    drawn = random.multivariate_hypergeometric(key, 1, budget, jnp.concatenate(parts))
    chosen = iter(jnp.split(drawn, len(parts)))

    def take(part: Part) -> Part:
        return None if part is None else Counts(next(chosen))

    return Batch(take(batch.real), take(batch.synthetic), batch.share)
