"""Sizes that read the model: how many points a generation needs, as it stands."""

import abc
import dataclasses
from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mcollapse.schedules.base import LARGEST_INT32, AbstractSchedule, Table, number
from mcollapse.schedules.converters import shares


class AbstractAdaptive(AbstractSchedule):
    r"""$n_0$ points at generation 0, then as many as a rule says of the model $\hat\theta_{t-1}$.

    What the rule says is rounded up and kept between 1 and `most`, for which buffers have room. Each
    replicate has sizes of its own, so that no law of fixed sizes speaks of it.

    Arguments:
        first: n_0, in points.
        most: the largest size, in points.
    """

    first: np.ndarray = eqx.field(converter=number, kw_only=True)
    most: int = eqx.field(static=True, kw_only=True)

    def __check_init__(self):
        """Room for at least one point, and for the first ones."""
        if (
            isinstance(self.most, bool)
            or not isinstance(self.most, int)
            or not 1 <= self.most <= LARGEST_INT32
        ):
            raise ValueError(
                f"most is a whole number of points from 1 to {LARGEST_INT32:,}, got {self.most!r}"
            )
        if isinstance(self.first, np.ndarray) and not np.all((self.first >= 1) & (self.first <= self.most)):
            raise ValueError(f"first is a size from 1 to most = {self.most:,}, got {self.first}")

    def check(self, family: Any) -> None:
        """Raise `ValueError` where the rule cannot read models of the family."""

    @abc.abstractmethod
    def size(self, family: Any, params: Any, t: Array) -> Float[Array, ""]:
        """How many points generation `t` should have, before rounding; `params` is the model before it."""

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """The most that a generation may have: what buffers are planned for."""
        return np.where(np.asarray(t) == 0, self.first, self.most)

    def planned(  # pyright: ignore[reportIncompatibleMethodOverride]  (a rule is no table)
        self, generations: int, start: Literal["real", "truth"] = "real"
    ) -> "AbstractAdaptive":
        """The same rule, its own schedules tabulated."""
        del generations, start
        return self

    def at(self, t: Array, family: Any = None, params: Any = None) -> Array:
        """n_0, or what the rule says of a model."""
        first = jnp.asarray(self.first, jnp.int32)
        if params is None:
            return first
        wanted = jnp.ceil(self.size(family, params, t))
        # what is no number asks for the most
        within = jnp.clip(jnp.where(jnp.isnan(wanted), self.most, wanted), 1, self.most)
        return jnp.where(t == 0, first, within.astype(jnp.int32))


class SteadyImprovement(AbstractAdaptive):
    r"""The sizes under which the error of a table of probabilities falls by a factor every generation.

    With a share $\alpha_t$ of fresh real points $R_t = H/n_t + (1 - 1/n_t)(1 - \alpha_t)^2 R_{t-1}$, so that
    $R_t = q R_{t-1}$ takes $n_t = (H/R_{t-1} - (1 - \alpha_t)^2)/(q - (1 - \alpha_t)^2)$ points, where
    $R_{t-1} = R_0 q^{t-1}$ and $H = 1 - \sum_i p_{*i}^2$. The oracle is told H; else it is read from the
    model, $1 - \sum_i \hat p_i^2$. Source: the recursion of Bakshi and Chakraborty (2026, arXiv 2602.10531).

    Arguments:
        ratio: q, above $(1 - \alpha_t)^2$ at every generation and below 1.
        real_share: $\alpha_t$, that of the process's `sources.Mixture`.
        error: $R_0$, the expected squared error of generation 0, $H/n_0$ after a fit to $n_0$ real points.
        heterogeneity: H, or None to read it from the model.
    """

    ratio: np.ndarray = eqx.field(converter=number)
    real_share: AbstractSchedule = eqx.field(converter=shares)
    error: np.ndarray = eqx.field(converter=number)
    heterogeneity: np.ndarray | None = eqx.field(
        converter=lambda value: None if value is None else number(value), default=None
    )

    def planned(self, generations: int, start: Literal["real", "truth"] = "real") -> "SteadyImprovement":
        """Shares as a table; a ratio out of reach is refused, with the generation."""
        share = self.real_share.planned(generations, start)
        if not np.all((self.ratio > 0) & (self.ratio < 1)) or not np.all(self.error > 0):
            raise ValueError(
                f"SteadyImprovement takes a ratio in (0, 1) and a positive error, got {self.ratio:g} and "
                f"{self.error:g}"
            )
        least = (1.0 - np.asarray(share.values)[1:]) ** 2
        short = np.flatnonzero(self.ratio <= least)
        if short.size:
            t = int(short[0]) + 1
            raise ValueError(
                f"no size makes the error fall by {self.ratio:g} at generation {t}: a real share of "
                f"{share.values[t]:g} leaves {least[t - 1]:.4g} of it, so use a larger ratio or share"
            )
        return dataclasses.replace(self, real_share=share)

    def size(self, family: Any, params: Any, t: Array) -> Float[Array, ""]:
        """The formula, at the error that is aimed at."""
        dtype = jnp.result_type(float)
        ratio, error = jnp.asarray(self.ratio, dtype), jnp.asarray(self.error, dtype)
        assert isinstance(self.real_share, Table)  # planned
        kept = (1.0 - self.real_share.at(t).astype(dtype)) ** 2
        if self.heterogeneity is None:
            heterogeneity = 1.0 - jnp.sum(family.probabilities(params) ** 2)
        else:
            heterogeneity = jnp.asarray(self.heterogeneity, dtype)
        before = error * ratio ** (t - 1).astype(dtype)
        return (heterogeneity / before - kept) / (ratio - kept)

    def check(self, family: Any) -> None:
        """Only a table has this recursion."""
        if not hasattr(family, "probabilities"):
            raise ValueError(
                f"schedules.SteadyImprovement reads a table of probabilities, and {family.name} has none: "
                "write a rule of your own, a schedules.AbstractAdaptive"
            )
