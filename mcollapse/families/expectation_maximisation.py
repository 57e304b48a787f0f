r"""Expectation-maximisation (EM) of a mixture of Gaussians, on weighted rows.

In units of the data: rows are centred and divided by their standard deviations, so that the variance floor is
relative. The squares of a covariance's pivots (variances given the coordinates before) stay at or above the
floor; where one is raised to it, or a component has lost all its points, the fit is degenerate. So it is
where a coordinate is the same in all rows (of spheres, where all are): there are no units then, and the
previous model is kept. It is kept too where no component is left, and the fit is not finite: densities of a
model that is far narrower than its distance from the rows are too small for any number.
Source: Dempster, Laird and Rubin (1977), "Maximum likelihood from incomplete data via the EM algorithm".
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from mcollapse.data import Samples
from mcollapse.families.mixture_parameters import GaussianMixtureParams
from mcollapse.status import Status
from mcollapse.triangular import WRITTEN_OUT, floored_cholesky, solve

Number = Float[Array, ""]
Rows = Float[Array, "count dimension"]
Columns = Float[Array, "dimension count"]


class Mixture(NamedTuple):
    """Parameters on their way, which nobody checks."""

    log_weights: Float[Array, " components"]
    means: Float[Array, "components dimension"]
    units: Float[Array, "components dimension dimension"]
    log_diagonals: Float[Array, "components dimension"]


class Settings(NamedTuple):
    """How long, how exactly, and from where."""

    iterations: Int[Array, ""] | int
    tolerance: Number
    floor: Number
    covariance: str
    from_rows: bool
    """Whether every fit starts from rows far apart, and not from the previous model."""


class _Climb(NamedTuple):
    params: Mixture
    likelihood: Number
    """Mean log-likelihood of the parameters before these, in units of the data."""
    risen: Bool[Array, ""]
    """Whether it still rose by more than the tolerance."""
    floored: Bool[Array, ""]
    step: Array


def expectation_maximisation(
    data: Samples, previous: GaussianMixtureParams, settings: Settings, fewest: int
) -> tuple[GaussianMixtureParams, Int[Array, ""]]:
    """The fit and its status; the previous model where the data cannot be fitted."""
    dtype = jnp.result_type(float)
    rows, weights = data.rows.astype(dtype), data.weights.astype(dtype)
    shares = weights / jnp.maximum(jnp.sum(weights), jnp.finfo(dtype).tiny)
    centre, scale = _centre_and_scale(rows, shares, settings.covariance)
    spread = jnp.all(scale > 0)
    units = jnp.where(scale > 0, scale, 1.0)
    scaled = jnp.where(shares[:, None] > 0, (rows - centre) / units, 0.0).T
    start = _start(scaled, shares, _moved(Mixture(*jax.tree.leaves(previous)), centre, units), settings)
    found, converged = _climbed(scaled, shares, start, settings)
    fitted = _moved_back(found.params, centre, units)
    finite = jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in _numbers(fitted)]))
    # where no density is a number every component seems to have lost its points
    finite = finite & jnp.any(fitted.log_weights > -jnp.inf)
    enough = jnp.sum(data.weights != 0, dtype=jnp.int32) >= fewest
    lost = jnp.any(fitted.log_weights == -jnp.inf)
    status = jnp.where(converged, Status.OK, Status.NOT_CONVERGED)
    status = jnp.where(found.floored | lost | ~spread, Status.DEGENERATE, status)
    status = jnp.where(finite, status, Status.NOT_FINITE)
    status = jnp.where(enough, status, Status.TOO_FEW_POINTS).astype(jnp.int32)
    use = enough & finite & spread
    kept = (
        jnp.where(use, new, jnp.asarray(old))
        for new, old in zip(fitted, jax.tree.leaves(previous), strict=True)
    )
    return GaussianMixtureParams(*kept), status


def log_densities(params: Mixture | GaussianMixtureParams, rows: Rows) -> Float[Array, "components count"]:
    r"""$\log w_k + \log N(x \mid \mu_k, \Sigma_k)$ of every component at every row."""
    return _weighted_log_densities(params, rows.T)


def _weighted_log_densities(params: Mixture | GaussianMixtureParams, columns: Array) -> Array:
    factors = params.units * jnp.exp(params.log_diagonals)[:, None, :]
    squares = _squares(factors, columns - params.means[:, :, None])
    constant = params.log_weights - jnp.sum(params.log_diagonals, axis=1)
    return constant[:, None] - 0.5 * len(columns) * math.log(2.0 * math.pi) - 0.5 * squares


def _squares(
    factors: Float[Array, "components dimension dimension"],
    centred: Float[Array, "components dimension count"],
) -> Float[Array, "components count"]:
    """Squared lengths of the solutions of L z = x; points last, so that a processor takes many together."""
    dimension = factors.shape[1]
    if dimension > WRITTEN_OUT:
        white = jax.vmap(jax.vmap(solve, in_axes=(None, 1)))(factors, centred)
        return jnp.sum(white**2, axis=2)
    white = []
    for i in range(dimension):
        known = sum(factors[:, i, j, None] * white[j] for j in range(i))
        white.append((centred[:, i] - known) / factors[:, i, i, None])
    return sum(z * z for z in white)  # type: ignore[return-value]


def _climbed(
    columns: Columns, shares: Array, start: Mixture, settings: Settings
) -> tuple[_Climb, Bool[Array, ""]]:
    def turn(climb: _Climb) -> _Climb:
        responsibilities, likelihood = _expectation(columns, shares, climb.params)
        params, floored = _maximisation(columns, responsibilities, climb.params, settings)
        risen = likelihood - climb.likelihood > settings.tolerance
        return _Climb(params, likelihood, risen, floored, climb.step + 1)

    limit = jnp.asarray(settings.iterations, jnp.int32)
    first = _Climb(
        start,
        jnp.asarray(-jnp.inf, columns.dtype),
        jnp.asarray(True),
        jnp.asarray(False),
        jnp.asarray(0, jnp.int32),
    )
    found = jax.lax.while_loop(lambda climb: climb.risen & (climb.step < limit), turn, first)
    return found, ~found.risen


def _expectation(columns: Columns, shares: Array, params: Mixture) -> tuple[Array, Number]:
    """Each row's share split among the components, and the mean log-likelihood."""
    logs = _weighted_log_densities(params, columns)
    largest = jnp.max(logs, axis=0)
    ratios = jnp.exp(logs - largest)
    total = jnp.sum(ratios, axis=0)
    return shares * ratios / total, jnp.sum(shares * (largest + jnp.log(total)))


def _maximisation(
    columns: Columns, responsibilities: Array, before: Mixture, settings: Settings
) -> tuple[Mixture, Bool[Array, ""]]:
    """Weighted moments of each component; one without points keeps its own and loses its weight."""
    eps = float(jnp.finfo(columns.dtype).eps)
    weights = jnp.sum(responsibilities, axis=1)
    living = weights > 8.0 * eps
    per_row = responsibilities / jnp.where(living, weights, 1.0)[:, None]
    means = jnp.einsum("kn,dn->kd", per_row, columns, precision=jax.lax.Precision.HIGHEST)
    centred = columns - means[:, :, None]
    covariances = _covariances(centred, per_row, settings.covariance)
    least = jnp.full(len(columns), settings.floor)
    factors = jax.vmap(floored_cholesky, in_axes=(0, None))(covariances, least)
    diagonals = jnp.diagonal(factors, axis1=1, axis2=2)
    floored = living & jnp.any(diagonals**2 <= settings.floor * (1.0 + 8.0 * eps), axis=1)
    units = jnp.where(jnp.eye(len(columns)) > 0, 1.0, factors / diagonals[:, None, :])
    total = jnp.sum(jnp.where(living, weights, 0.0))
    params = Mixture(
        jnp.log(jnp.where(living, weights / total, 0.0)),
        jnp.where(living[:, None], means, before.means),
        jnp.where(living[:, None, None], units, before.units),
        jnp.where(living[:, None], jnp.log(diagonals), before.log_diagonals),
    )
    return params, jnp.any(floored)


def _covariances(centred: Array, per_row: Array, kind: str) -> Float[Array, "components dimension dimension"]:
    dimension = centred.shape[1]
    if kind == "full":
        left = centred * per_row[:, None, :]
        return jnp.einsum("kin,kjn->kij", left, centred, precision=jax.lax.Precision.HIGHEST)
    variances = jnp.einsum("kn,kdn->kd", per_row, centred**2, precision=jax.lax.Precision.HIGHEST)
    if kind == "spherical":
        variances = jnp.broadcast_to(jnp.mean(variances, axis=1, keepdims=True), variances.shape)
    return variances[:, :, None] * jnp.eye(dimension, dtype=variances.dtype)


def _centre_and_scale(rows: Rows, shares: Array, kind: str) -> tuple[Array, Array]:
    """Mean and standard deviation of each coordinate, one for all where components are spheres."""
    present = shares[:, None] > 0
    first = rows[jnp.argmax(shares > 0)]  # exact zeros where all rows are equal
    off = jnp.where(present, rows - first, 0.0)
    shift = jnp.sum(shares[:, None] * off, axis=0)
    apart = jnp.where(present, off - shift, 0.0)
    largest = jnp.max(jnp.abs(apart), axis=0)
    unit = jnp.where(largest > 0, largest, 1.0)
    deviation = unit * jnp.sqrt(jnp.sum(shares[:, None] * (apart / unit) ** 2, axis=0))
    if kind == "spherical":
        deviation = jnp.broadcast_to(jnp.sqrt(jnp.mean(deviation**2)), deviation.shape)
    return first + shift, deviation


def _moved(params: Mixture, centre: Array, scale: Array) -> Mixture:
    """In units of the data."""
    ratios = scale / scale[:, None]
    return Mixture(
        params.log_weights,
        (params.means - centre) / scale,
        params.units * ratios,
        params.log_diagonals - jnp.log(scale),
    )


def _moved_back(params: Mixture, centre: Array, scale: Array) -> Mixture:
    return Mixture(
        params.log_weights,
        params.means * scale + centre,
        params.units / (scale / scale[:, None]),
        params.log_diagonals + jnp.log(scale),
    )


def _start(columns: Columns, shares: Array, previous: Mixture, settings: Settings) -> Mixture:
    """The previous model; rows far apart where that is asked for or all its components are one."""
    seeded = _seeded(columns, shares, previous, settings)
    if settings.from_rows:
        return seeded
    same = [jnp.all(leaf == leaf[:1]) for leaf in (previous.means, previous.units, previous.log_diagonals)]
    one = jnp.all(jnp.array(same)) & (len(previous.log_weights) > 1)
    return jax.tree.map(lambda new, old: jnp.where(one, new, old), seeded, previous)


def _seeded(columns: Columns, shares: Array, like: Mixture, settings: Settings) -> Mixture:
    """Moments of the rows that are nearest to each of K rows far from each other.

    The first is the farthest from the mean, each other the farthest from those before it.
    Source: Gonzalez (1985), "Clustering to minimize the maximum intercluster distance".
    """
    nearest = jnp.where(shares > 0, jnp.sum(columns**2, axis=0), -1.0)
    distances = []
    for k in range(len(like.log_weights)):
        seed = columns[:, jnp.argmax(nearest)]
        distance = jnp.sum((columns - seed[:, None]) ** 2, axis=0)
        nearest = jnp.where(shares > 0, distance if k == 0 else jnp.minimum(nearest, distance), -1.0)
        distances.append(distance)
    stacked = jnp.stack(distances)
    own = jnp.arange(len(distances))[:, None] == jnp.argmin(stacked, axis=0)
    return _maximisation(columns, shares * own.astype(shares.dtype), like, settings)[0]


def _numbers(params: Mixture) -> tuple[Array, ...]:
    return jnp.exp(params.log_weights), params.means, params.units, params.log_diagonals
