"""Sizes that read the model: how many points a generation needs, as it stands."""

import abc
import dataclasses
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mcollapse.schedules.base import DERIVED, LARGEST_INT32, AbstractSchedule, Table, number
from mcollapse.whole_numbers import is_whole


class AbstractAdaptive(AbstractSchedule):
    r"""$n_0$ points at generation 0, then as many as a rule says of the model $\hat\theta_{t-1}$.

    What the rule says is rounded up and kept between 1 and `most`, for which buffers have room. Each
    replicate has sizes of its own, so that no law of fixed sizes speaks of it.

    Arguments:
        first: n_0, in points.
        most: the largest size, in points.
    """

    reads_model: ClassVar[bool] = True

    first: np.ndarray = eqx.field(converter=number, kw_only=True)
    most: int = eqx.field(static=True, kw_only=True)

    def __check_init__(self):
        """Room for at least one point, and for the first ones."""
        if not is_whole(self.most) or self.most > LARGEST_INT32:
            raise ValueError(
                f"most is a whole number of points from 1 to {LARGEST_INT32:,}, got {self.most!r}"
            )
        if isinstance(self.first, np.ndarray) and not np.all((self.first >= 1) & (self.first <= self.most)):
            raise ValueError(f"first is a size from 1 to most = {self.most:,}, got {self.first}")

    @abc.abstractmethod
    def size(self, family: Any, params: Any, t: Array) -> Float[Array, ""]:
        """How many points generation `t` should have, before rounding; `params` is the model before it."""

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """The most that a generation may have: what buffers are planned for."""
        return np.where(np.asarray(t) == 0, self.first, self.most)

    def planned(  # pyright: ignore[reportIncompatibleMethodOverride]  (a rule is no table)
        self, generations: int, start: Literal["real", "truth"] = "real"
    ) -> "AbstractAdaptive":
        """The same rule, with schedules of its own tabulated where it has any."""
        del generations, start
        return self

    def with_real_shares(self, shares: np.ndarray | None) -> "AbstractAdaptive":
        """Host: the rule told the real shares by generation; `None` where points toss no coins."""
        del shares
        return self

    def at(self, t: Array, family: Any = None, params: Any = None) -> Array:
        """n_0, or what the rule says of a model."""
        first = jnp.asarray(self.first, jnp.int32)
        if params is None:
            return first
        wanted = jnp.ceil(self.size(family, params, t))
        # what is no number asks for the most
        within = jnp.clip(jnp.where(jnp.isnan(wanted), self.most, wanted), 1, self.most)
        # in float32 the largest may have been rounded up
        return jnp.where(t == 0, first, jnp.minimum(within.astype(jnp.int32), self.most))


class SteadyImprovement(AbstractAdaptive):
    r"""The sizes under which the error of a table of probabilities falls by a factor every generation.

    With a share $\alpha_t$ of fresh real points $R_t = H/n_t + (1 - 1/n_t)(1 - \alpha_t)^2 R_{t-1}$, so that
    $R_t = q R_{t-1}$ takes $n_t = (H/R_{t-1} - (1 - \alpha_t)^2)/(q - (1 - \alpha_t)^2)$ points, where
    $R_{t-1} = R_0 q^{t-1}$ and $H = 1 - \sum_i p_{*i}^2$. The oracle is told H; else it is read from the
    model, $1 - \sum_i \hat p_i^2$. Source: the recursion of Bakshi and Chakraborty (2026, arXiv 2602.10531).

    It is a rule for `families.Categorical`, fitted by maximum likelihood to the newest batch of a
    `sources.Mixture(counts="random")`, whose shares it reads.

    Arguments:
        ratio: q, above $(1 - \alpha_t)^2$ at every generation and below 1.
        error: $R_0$, the expected squared error of generation 0, $H/n_0$ after a fit to $n_0$ real points.
        heterogeneity: H, or None to read it from the model.
    """

    ratio: np.ndarray = eqx.field(converter=number)
    error: np.ndarray = eqx.field(converter=number)
    heterogeneity: np.ndarray | None = eqx.field(
        converter=lambda value: None if value is None else number(value), default=None
    )
    real_shares: Table | None = eqx.field(default=None, kw_only=True, metadata=DERIVED)

    def planned(self, generations: int, start: Literal["real", "truth"] = "real") -> "SteadyImprovement":
        """Numbers out of range are refused."""
        if not np.all((self.ratio > 0) & (self.ratio < 1)) or not np.all(self.error > 0):
            raise ValueError(
                f"SteadyImprovement takes a ratio in (0, 1) and a positive error, got {self.ratio:g} and "
                f"{self.error:g}"
            )
        return self

    def with_real_shares(self, shares: np.ndarray | None) -> "SteadyImprovement":
        """A ratio out of reach is refused, with the generation."""
        assert shares is not None  # the process admits sources alone that have them
        least = (1.0 - shares[1:]) ** 2
        short = np.flatnonzero(self.ratio <= least)
        if short.size:
            t = int(short[0]) + 1
            raise ValueError(
                f"no size makes the error fall by {self.ratio:g} at generation {t}: a real share of "
                f"{shares[t]:g} leaves {least[t - 1]:.4g} of it, so use a larger ratio or share"
            )
        return dataclasses.replace(self, real_shares=Table(shares, role="share"))

    def size(self, family: Any, params: Any, t: Array) -> Float[Array, ""]:
        """The formula, at the error that is aimed at."""
        dtype = jnp.result_type(float)
        ratio, error = jnp.asarray(self.ratio, dtype), jnp.asarray(self.error, dtype)
        assert self.real_shares is not None  # planned
        kept = (1.0 - self.real_shares.at(t).astype(dtype)) ** 2
        if self.heterogeneity is None:
            heterogeneity = 1.0 - jnp.sum(family.probabilities(params) ** 2)
        else:
            heterogeneity = jnp.asarray(self.heterogeneity, dtype)
        before = error * ratio ** (t - 1).astype(dtype)
        return (heterogeneity / before - kept) / (ratio - kept)
