"""Points of many past models: of the last K, or of all since generation 0."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import Batch
from mcollapse.decoders import AbstractDecoder, AsIs
from mcollapse.draw import Draw
from mcollapse.families.base import AbstractFamily, Params
from mcollapse.random import Key
from mcollapse.sources.base import AbstractSource, State
from mcollapse.whole_numbers import check_whole, whole

HOW_MANY = 3  # purpose of the numbers of points of each model; Draw has 1 and 2


class PastModels(AbstractSource):
    r"""Each point comes from one of the past models, chosen uniformly.

    `window=K` takes the last K models, among which that of generation 0 stands in for those that are not
    there yet; `window=None` takes all from generation 0 on. With `start="truth"` the truth is generation 0,
    and is among them. With `counts="random"` each point chooses its model; with `counts="fixed"` all models
    give $\lfloor n_t/K \rfloor$ points and the newest the rest.

    With all models the error of a mean stays bounded, by $\pi^2/6$ times that of one fit with the truth
    among them and $1 + \pi^2/6$ times without. Where a mixture of models is a model (Bernoulli, categorical),
    random counts carry its parameters alone; else the models themselves are kept, and each is drawn from.
    Source: Seddik et al. (2024, arXiv 2404.05090); Fu et al. (2024, arXiv 2402.11778).
    """

    window: int | None = eqx.field(static=True, converter=whole, default=None)
    counts: str = eqx.field(static=True, default="random")

    def __check_init__(self):
        """A window holds at least one model; counts are random or fixed."""
        check_whole("window", self.window, of="models", optional=True)
        if self.counts not in ("random", "fixed"):
            raise ValueError(
                f'counts is "random" (each point chooses) or "fixed" (alike), got {self.counts!r}'
            )

    def check(self, family: AbstractFamily, decoder: AbstractDecoder) -> None:
        """What is kept as a mixture can no longer be decoded model by model; a sentence has one author."""
        if family.in_sequence:
            raise ValueError(
                f"PastModels draws point by point, and those of a {family.name} come in sentences: use "
                "sources.LastModel(), Mixture or Split"
            )
        if self._mixes(family) and type(decoder) is not AsIs:
            raise ValueError(
                f"PastModels keeps models of a {family.name} as their mixture, and decoders."
                f'{type(decoder).__name__} is for each of them: use PastModels(counts="fixed")'
            )

    def init(self, family: AbstractFamily, params: Params, generations: int) -> State:
        """A place for each model, all taken by that of generation 0; or their mixture."""
        if self._mixes(family) and self.window is None:
            return params
        places = generations + 1 if self.window is None else self.window
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (places, *jnp.shape(leaf))), params)

    def draw(
        self, key: Key, draw: Draw, state: State, previous: Params, count: Int[Array, ""], t: Int[Array, ""]
    ) -> Batch:
        """A synthetic part and no real one."""
        if not self._mixes(draw.family):
            counts = self._counts(key, _places(state), count, t)
            return Batch(real=None, synthetic=draw.models(key, state, counts))
        mixture = state
        if self.window is not None:
            mixture = jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), state)
        return Batch(real=None, synthetic=draw.model(key, mixture, count))

    def remember(self, family: AbstractFamily, state: State, params: Params, t: Int[Array, ""]) -> State:
        """The model of generation t in its place, or in the mixture."""
        if self._mixes(family) and self.window is None:
            weight = 1.0 / (t + 1).astype(jnp.result_type(float))
            return family.combine(params, state, weight)
        place = t if self.window is None else t % self.window
        return jax.tree.map(lambda all, new: all.at[place].set(new), state, params)

    def _mixes(self, family: AbstractFamily) -> bool:
        return family.average_is_mixture and self.counts == "random"

    def _counts(
        self, key: Key, places: int, count: Int[Array, ""], t: Int[Array, ""]
    ) -> Int[Array, " models"]:
        """Points of each model."""
        position = jnp.arange(places, dtype=jnp.int32)
        if self.window is None:
            present, models, newest = position < t, t, t - 1
        else:
            present, models, newest = jnp.ones(places, bool), jnp.asarray(places, jnp.int32), (t - 1) % places
        if self.counts == "fixed":
            each = jnp.where(present, count // models, 0)
            return jnp.where(position == newest, each + count % models, each).astype(jnp.int32)
        if places == 1:
            return count[None]
        weights: Float[Array, " models"] = present.astype(jnp.result_type(float))
        return random.multinomial(key, HOW_MANY, count, weights)


def _places(state: Any) -> int:
    return jax.tree.leaves(state)[0].shape[0]
