"""The population limit: a loop of so many points that nothing is left to chance."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from mcollapse import schedules
from mcollapse.abstract_process import AbstractProcess, measured, traced_truth
from mcollapse.checks import Start, check_start
from mcollapse.decoders import AsIs
from mcollapse.decoders.base import AbstractDecoder
from mcollapse.families import Categorical, Truth
from mcollapse.families.categorical import CategoricalParams
from mcollapse.random import Key
from mcollapse.schedules import AbstractSchedule
from mcollapse.status import Status


class PopulationState(eqx.Module):
    """The model, and that nothing went wrong."""

    params: CategoricalParams
    status: Int[Array, ""]


class PopulationLimit(AbstractProcess):
    r"""$p_t = \alpha_t\, p_* + (1 - \alpha_t)\, D(p_{t-1})$: recursive training without sampling error.

    D is a decoder, such as a `Temperature` $\tau$, $D(p) \propto p^{1/\tau}$: without real data all mass goes
    to the likeliest symbol below 1, and spreads evenly above. As it is, D(p) = p, a model that starts
    elsewhere comes back with $\chi^2$ shrinking by $(1-\alpha_t)^2$ and total variation by $1-\alpha_t$. All
    replicates are alike; `compare` takes for an error what one of them could hide, so that it is sharper with
    many.

    Arguments: `real_share`, $\alpha_t$; `decoder`; `model`, the law of generation 0, where left out the
    truth. The truth is a `Categorical`.
    Source: Marchi et al. (2024, arXiv 2404.02325); error propagation in diffusion models (2026, arXiv
    2602.16601).
    """

    real_share: AbstractSchedule = eqx.field(converter=schedules.shares, default=0.0)
    decoder: AbstractDecoder = eqx.field(default_factory=AsIs)
    model: CategoricalParams | None = None

    recorded: ClassVar[tuple[str, ...]] = ("squared_error", "chi_square", "concentration")

    def __check_init__(self):
        """A decoder that tables have."""
        if not isinstance(self.decoder, AbstractDecoder):
            raise ValueError(f"decoder must be one of mcollapse.decoders, got {type(self.decoder).__name__}")
        self.decoder.check(Categorical())

    def planned(self, generations: int, start: Start = "real", truth: Any = None) -> "PopulationLimit":
        """Host: schedules as tables."""
        decoder, shares = self.decoder.planned(generations), self.real_share.planned(generations)
        return dataclasses.replace(self, real_share=shares, decoder=decoder)

    def checked_truth(self, truth: Any, start: Start) -> Truth:
        """Host: a table, and a model of its length."""
        check_start(start)
        law = _as_table(truth)
        wanted = np.size(law.params.probabilities)
        given = wanted if self.model is None else np.size(self.model.probabilities)
        if given != wanted:
            raise ValueError(
                f"the model of a PopulationLimit has {given} symbols, its truth {wanted}: give both as many"
            )
        return law

    def init(self, key: PRNGKeyArray | Key, truth: Any, start: Start | None = None) -> PopulationState:
        """The truth, or the model that was given."""
        table = traced_truth(_as_table(truth)).params.probabilities
        if self.model is not None:
            table = jnp.asarray(self.model.probabilities, table.dtype)
        return PopulationState(CategoricalParams(table), jnp.asarray(Status.OK, jnp.int32))

    def step(
        self, key: PRNGKeyArray | Key, state: PopulationState, truth: Any, t: Int[Array, ""] | int
    ) -> PopulationState:
        """Decode the model, and mix in the truth."""
        law, t = traced_truth(_as_table(truth)), Key.of(key, t).t.astype(jnp.int32)
        made = self.decoder.decode(law.family, state.params, t).probabilities
        share = self.real_share.at(t).astype(made.dtype)
        mixed = share * law.params.probabilities + (1 - share) * made
        return PopulationState(CategoricalParams(mixed), state.status)

    def measure(
        self,
        key: PRNGKeyArray | Key,
        metric: Any,
        state: PopulationState,
        truth: Any,
        t: Int[Array, ""] | int | None = None,
    ) -> Array:
        """`metric(family, params, truth)` of the table."""
        law = traced_truth(_as_table(truth))
        return measured(key, metric, law.family, state.params, law, t)


def _as_table(truth: Any) -> Truth:
    made = truth if isinstance(truth, Truth) else Truth(Categorical(), truth)
    if not isinstance(made.family, Categorical) or not isinstance(made.params, CategoricalParams):
        raise ValueError(
            "the truth of a PopulationLimit is a table, such as Categorical.Params.zipf(50), got "
            f"{type(made.params).__name__}"
        )
    return made
