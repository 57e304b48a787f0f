"""Accumulate, but train on a fixed budget of points drawn from all data so far."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from mcollapse import random
from mcollapse.data import Batch, Counts, Part
from mcollapse.families.base import AbstractFamily
from mcollapse.pools.base import State, starts_of
from mcollapse.pools.growing import AbstractGrowing
from mcollapse.random import Key
from mcollapse.schedules import DERIVED, AbstractSchedule, sizes


class Subsample(AbstractGrowing):
    r"""Each generation sees `budget` points drawn without replacement from all so far, and redrawn.

    Where fewer have been seen than the budget, it sees them all. Counts are subsampled by their exact
    multivariate hypergeometric law; a Gaussian's statistics do not say which points went where, so
    that its rows are kept. Source: Kazdan et al. (2024, arXiv 2410.16713).
    """

    fixes_sizes: ClassVar[bool] = True

    budget: AbstractSchedule = eqx.field(converter=sizes)
    rows: int = eqx.field(static=True, default=0, kw_only=True, metadata=DERIVED)

    def planned(self, batch_sizes: np.ndarray, start: str, as_rows: bool) -> "Subsample":
        """The budget as a table and, where rows are kept, a buffer for the largest subset."""
        budget = self.budget.planned(len(batch_sizes) - 1, "truth" if start == "truth" else "real")
        rows = 1 << (int(budget.values.max()) - 1).bit_length() if as_rows else 0
        return Subsample(budget, starts=starts_of(batch_sizes, start), rows=rows)

    def fitted_sizes(self, batch_sizes: np.ndarray, start: str) -> np.ndarray:
        """The budget, or all points so far where those are fewer."""
        seen = np.asarray(starts_of(batch_sizes, start).values)[1:]
        return np.minimum(self.budget.table(len(batch_sizes) - 1, start), seen)  # type: ignore[arg-type]

    def needs_rows(self, family: AbstractFamily) -> bool:
        """Counts can be subsampled as they are, other statistics cannot."""
        return not family.kept_as_counts

    def absorb(self, key: Key, state: State, batch: Batch, t: Int[Array, ""]) -> tuple[State, Batch]:
        """Everything so far is kept, and a fresh subset of it is trained on."""
        state = self.grown(state, batch, t)
        budget = self.budget.at(t)
        if isinstance(state, Batch):
            return state, _subsampled(key, state, budget)
        assert self.starts is not None
        chosen = random.subset(key, 1, self.starts.at(t + 1), budget, self.rows)
        return state, state.take(chosen, batch.share)


def _subsampled(key: Key, batch: Batch, budget: Int[Array, ""]) -> Batch:
    """Real and synthetic counts are drawn from as one urn, so that provenance survives."""
    parts = [jnp.ravel(part.counts) for part in (batch.real, batch.synthetic) if isinstance(part, Counts)]
    drawn = random.multivariate_hypergeometric(key, 1, budget, jnp.concatenate(parts))
    chosen = iter(jnp.split(drawn, len(parts)))

    def take(part: Part) -> Part:
        return Counts(next(chosen).reshape(part.counts.shape)) if isinstance(part, Counts) else None

    return Batch(take(batch.real), take(batch.synthetic), batch.share)
