"""Components of mixtures side by side: matched whatever their labels, near a mode or not, and their mass."""

import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mcollapse.families.base import AbstractFamily, Params, Truth, require
from mcollapse.families.gaussian_mixture import GaussianMixture
from mcollapse.measuring import AbstractMetric
from mcollapse.random import Key
from mcollapse.triangular import solve
from mcollapse.whole_numbers import check_whole

MOST_MATCHED = 6
"""Components of which all matchings are tried: 720."""
NEAR, ENOUGH = 2.0, 0.1
"""A mode is covered from within so many of its standard deviations, by so large a share of its weight."""


def matched_means(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    """The least sum of squared distances between means, over all matchings of components."""
    ours, theirs = _means(family, params), _means(truth.family, truth.params)
    if ours.shape != theirs.shape:
        raise ValueError(
            f"components are matched one to one, and the model's means are {ours.shape}, the truth's "
            f"{theirs.shape}: use a mixture of the truth's size, or metrics.mode_coverage"
        )
    count = len(ours)
    if count > MOST_MATCHED:
        raise ValueError(
            f"all matchings of {count} components are too many to try (at most {MOST_MATCHED}): use "
            "metrics.mode_coverage"
        )
    costs = jnp.sum((ours[:, None, :] - theirs) ** 2, axis=2)
    matchings = np.array(list(itertools.permutations(range(count))), np.int32)
    return jnp.min(jnp.sum(costs[matchings, np.arange(count)], axis=1))


def covered(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, " modes"]:
    """1 for every component of the truth near which there is enough of the model's weight, else 0."""
    if not isinstance(family, GaussianMixture) or not isinstance(truth.family, GaussianMixture):
        raise ValueError(
            "metrics.mode_coverage compares a GaussianMixture with a GaussianMixture, and these are a "
            f"{family.name} and a {truth.family.name}: use metrics.ComponentMass for models of another family"
        )
    if family.dimension != truth.family.dimension:
        raise ValueError(
            f"the model has {family.dimension} dimensions and the truth {truth.family.dimension}: use one "
            "number"
        )
    factors = truth.params.units * jnp.exp(truth.params.log_diagonals)[:, None, :]

    def distances(factor: Array, mean: Array) -> Array:
        return jnp.sum(jax.vmap(solve, in_axes=(None, 0))(factor, params.means - mean) ** 2, axis=1)

    squares = jax.vmap(distances)(factors, truth.params.means)  # [modes, components]
    modes = jnp.arange(squares.shape[0])[:, None]
    near = (modes == jnp.argmin(squares, axis=0)) & (squares <= NEAR**2)
    weight = jnp.sum(jnp.where(near, jnp.exp(params.log_weights), 0.0), axis=1)
    return (weight >= ENOUGH * jnp.exp(truth.params.log_weights)).astype(squares.dtype)


class ComponentMass(AbstractMetric):
    r"""How much of the model's mass lies where each component of the truth is the likeliest, [K].

    Of `size` points drawn from the model, the share whose largest $w_{*k} N(x \mid \mu_{*k}, \Sigma_{*k})$
    is the k-th: a partition of space by the truth, so that labels do not matter and the model may be of any
    family whose rows are vectors. An average over replicates; of one replicate it has the binomial error of
    its size.
    """

    size: int = eqx.field(static=True, default=1000)

    def __check_init__(self):
        """A size is a whole number of points."""
        check_whole("size of ComponentMass", self.size, of="points")

    def __call__(
        self, key: Key, family: AbstractFamily, params: Params, truth: Truth
    ) -> Float[Array, " components"]:
        """The share of each part of the truth's partition."""
        if not isinstance(truth.family, GaussianMixture):
            raise ValueError(
                "ComponentMass divides space by the components of a GaussianMixture truth, and this "
                "truth is a "
                f"{truth.family.name}: use metrics.probabilities or alive"
            )
        rows: Any = family.unsettled().sample(key, params, self.size, self.size).rows
        if rows.ndim != 2 or rows.shape[1] != truth.family.dimension:
            raise ValueError(
                f"ComponentMass needs rows of {truth.family.dimension} numbers, like the truth's, and a "
                f"{family.name} gives shape {rows.shape[1:]}"
            )
        logs = truth.family.component_log_densities(truth.params, rows)
        own = jnp.arange(logs.shape[0])[:, None] == jnp.argmax(logs, axis=0)
        return jnp.sum(own, axis=1, dtype=jnp.int32).astype(logs.dtype) / self.size


def _means(family: AbstractFamily, params: Params) -> Float[Array, "components dimension"]:
    wanted = "metrics.matched_squared_error compares components of mixtures"
    require(family, "component_means", wanted, "use metrics.squared_error")
    return family.component_means(params)
