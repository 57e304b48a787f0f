"""A chosen total weight on the real points, the rest on the synthetic ones."""

from typing import Any, Literal, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Num

from mcollapse.data import Batch, Samples
from mcollapse.estimators.base import AbstractEstimator, Carry
from mcollapse.families.base import AbstractFamily, Params, offers
from mcollapse.random import Key
from mcollapse.schedules import AbstractSchedule, Constant, shares


def optimal_weight(ratio: Num[ArrayLike, "..."]) -> Float[Array, "..."]:
    r"""$w^*(k) = (\sqrt{k^2 + 4k} - k)/2$ at k real points a synthetic one: 1/golden ratio at k = 1.

    Source: He, Xu and Cheng (2025, arXiv 2502.18049).
    """
    k = jnp.asarray(ratio, jnp.result_type(float))
    return 2.0 * k / (jnp.sqrt(k * k + 4.0 * k) + k)  # the same, without cancellation


class Weighted(AbstractEstimator):
    r"""Maximum likelihood with weight $w/n$ on each real point and $(1 - w)/m$ on each synthetic one.

    $w_t$ is a schedule of shares in (0, 1], or `"optimal"`: $w^*(n/m)$ of the numbers at hand, under which
    the long-run error of a mean is least. A part that is empty has no weight. With `combine="fits"` each part
    is fitted by itself, variances divided by its size - `ddof`, and the parameters are averaged with
    weights w and 1 - w.
    Source: He, Xu and Cheng (2025, arXiv 2502.18049).
    """

    weight: AbstractSchedule | Literal["optimal"] = eqx.field(converter=lambda w: _weight(w))
    combine: str = eqx.field(static=True, default="rows")
    ddof: int = eqx.field(static=True, default=0)

    def __check_init__(self):
        """A constant weight is refused at once where it makes no sense."""
        if self.combine not in ("rows", "fits"):
            raise ValueError(f'Weighted combines "rows" (one fit) or "fits" (two), got {self.combine!r}')
        if self.ddof not in (0, 1) or (self.ddof and self.combine == "rows"):
            raise ValueError(
                f'ddof is 0, or 1 with combine="fits", of which each has its divisor, got {self.ddof}'
            )
        if isinstance(self.weight, Constant) and isinstance(self.weight.value, np.ndarray):
            _check(np.atleast_1d(self.weight.value), "")

    def planned(self, generations: int) -> "Weighted":
        """Host: the weights as a table."""
        if not isinstance(self.weight, AbstractSchedule):
            return self
        weights = np.broadcast_to(self.weight(np.arange(1, generations + 1)), generations)
        for t in np.flatnonzero(~((weights > 0) & (weights <= 1)))[:1]:
            _check(weights[t : t + 1], f" at generation {t + 1}")
        return Weighted(self.weight.planned(generations), self.combine, self.ddof)

    def fit(
        self,
        key: Key,
        family: AbstractFamily,
        batch: Batch,
        previous: Params,
        carry: Carry,
        t: Int[Array, ""],
    ) -> tuple[Params, Carry, Int[Array, ""]]:
        """One fit to both parts, each scaled, or the average of two fits."""
        if self.combine == "fits" and batch.real is not None and batch.synthetic is not None:
            params, status = self._average(family, batch, previous, t)
            return params, carry, status
        params, status = family.maximum_likelihood(self._data(batch, t), previous, self.ddof)
        return params, carry, status

    def check(self, family: AbstractFamily) -> None:
        """Parameters that can be averaged, a variance that has a divisor."""
        if self.combine == "fits" and not offers(family, "combine"):
            raise ValueError(f'{family.name} has no average of two models: use Weighted(…, combine="rows")')
        if self.ddof and (not family.has_dispersion or getattr(family, "variance", "fitted") == "known"):
            raise ValueError(f"ddof is of a fitted variance, and this {family.name} fits none: use ddof=0")

    def check_parts(self, family: AbstractFamily, parts: tuple[np.ndarray, ...] | None) -> None:
        """Two fits need points for each."""
        if self.combine == "rows" or parts is None:
            return
        least = family.fewest(self.ddof)
        for part in parts:
            few = part[(part > 0) & (part < least)]
            if few.size:
                raise ValueError(
                    f'combine="fits" fits each part alone and needs {least} points of a {family.name}, but '
                    f'a part has {few[0]}: make it larger, or use combine="rows"'
                )

    def fewest(self, family: AbstractFamily) -> int:
        """What one fit needs."""
        return family.fewest(self.ddof)

    def _average(
        self, family: AbstractFamily, batch: Batch, previous: Params, t: Int[Array, ""]
    ) -> tuple[Params, Int[Array, ""]]:
        ours, theirs = (
            family.maximum_likelihood(part, previous, self.ddof) for part in (batch.real, batch.synthetic)
        )
        weight = self._weight(*_numbers(batch), t)
        # where one part is empty its fit is the previous model, and weighs nothing
        worse = jnp.where(
            weight == 1, ours[1], jnp.where(weight == 0, theirs[1], jnp.maximum(ours[1], theirs[1]))
        )
        mean = family.combine(ours[0], theirs[0], weight)
        chosen = jax.tree.map(
            lambda a, b, c: jnp.where(weight == 1, a, jnp.where(weight == 0, b, c)), ours[0], theirs[0], mean
        )
        return chosen, worse

    def _data(self, batch: Batch, t: Int[Array, ""]) -> Any:
        if batch.real is None or batch.synthetic is None:
            return batch.all
        dtype = jnp.result_type(float)
        real, synthetic = cast(Any, batch.real), cast(Any, batch.synthetic)
        n, m = _numbers(batch)
        of_real, of_model = jnp.maximum(n, 1), jnp.maximum(m, 1)
        weight = self._weight(n, m, t)
        # of n + m points in all, so that a number of points stays one
        if batch.one_buffer:
            return Samples(
                real.rows,
                weight * (n + m) / of_real * real.weights.astype(dtype)
                + (1.0 - weight) * (n + m) / of_model * synthetic.weights.astype(dtype),
            )
        scaled = real.scale(weight * (n + m) / of_real)
        return scaled.merge(synthetic.scale((1.0 - weight) * (n + m) / of_model))

    def _weight(self, n: Array, m: Array, t: Int[Array, ""]) -> Array:
        """Of the real points; 0 or 1 where a part is empty."""
        if isinstance(self.weight, AbstractSchedule):
            weight = self.weight.at(t).astype(n.dtype)
        else:
            weight = optimal_weight(jnp.maximum(n, 1) / jnp.maximum(m, 1))
        return jnp.where(n > 0, jnp.where(m > 0, weight, 1.0), 0.0)


def _numbers(batch: Batch) -> tuple[Array, Array]:
    """How many real and synthetic points there are."""
    dtype = jnp.result_type(float)
    return cast(Any, batch.real).count.astype(dtype), cast(Any, batch.synthetic).count.astype(dtype)


def _weight(value: object) -> AbstractSchedule | Literal["optimal"]:
    return "optimal" if isinstance(value, str) and value == "optimal" else shares(value)


def _check(weights: np.ndarray, where: str) -> None:
    """A weight of 0 would forget the truth."""
    if not np.all((weights > 0) & (weights <= 1)):
        raise ValueError(
            f"Weighted puts a weight in (0, 1] on the real points, got {weights[0]:g}{where}; "
            'weight="optimal" chooses one'
        )
