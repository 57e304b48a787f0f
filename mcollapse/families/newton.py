r"""Newton's iteration for models with one linear predictor: weighted rows, no line search.

Minimised is $F(b) = \sum_i w_i (A(\eta_i) - y_i \eta_i) + \frac\rho2 \|b\|^2$, $\eta = x^\top b$, with
$|A'''| \le A''$, as in logistic and Poisson regression. Along a Newton direction $\delta$ with
$M = \max |x_i^\top \delta|$ over rows whose curvature may grow, that of F grows by at most $e^{tM}$, so that
a step of $\log(1 + M)/M$, or of 1 where $M \le 1$, makes $F$ smaller whatever the data: a finite minimum is
found from anywhere.
Source: Bach (2010, arXiv 0910.4627); Sun and Tran-Dinh (2019, arXiv 1703.04599).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from mcollapse.products import matrix_product
from mcollapse.status import Status
from mcollapse.triangular import cholesky, solve, solve_transposed

MOST = 60
"""Steps. Some four find a minimum from the last model, some thirty one that is hardly there."""
RUNNING, CONVERGED, SEPARATED, SINGULAR, LOST, BROKEN = range(6)

Rows = Float[Array, " rows"]
Vector = Float[Array, " dimension"]


class Link(NamedTuple):
    r"""What a family says of rows with predictors $\eta$: each function is elementwise.

    Arguments:
        moments: eta -> ($A'(\eta)$, $A''(\eta)$), the mean of a label and its variance.
        outward: (labels, direction) -> how far a predictor has gone where the likelihood has its supremum, or
            a step goes there; minus infinity where that is nowhere.
        steepens: (eta, step) -> whether the curvature of a row can grow on the way.
        moderate: predictors of this size have curvatures that any precision can add up.
    """

    moments: Callable[[Rows], tuple[Rows, Rows]]
    outward: Callable[[Rows, Rows], Rows]
    steepens: Callable[[Rows, Rows], Bool[Array, " rows"]]
    moderate: float


class Data(NamedTuple):
    """Rows in columns: features [d, n], labels [n], weights [n] of which 0 means absent."""

    features: Float[Array, "dimension rows"]
    labels: Rows
    weights: Rows


class _Carry(NamedTuple):
    coefficients: Vector
    kind: Int[Array, ""]
    turn: Int[Array, ""]
    far: Bool[Array, ""]


def minimise(
    data: Data, link: Link, start: Vector, penalty: Float[Array, ""] | None = None
) -> tuple[Vector, Int[Array, ""]]:
    r"""The coefficients where F is least, and a status; with a status above 1 they mean nothing.

    Arguments:
        data: rows, of which those with weight 0 are never looked at.
        link: the family's.
        start: coefficients near by, if there are some; scaled down where predictors are not moderate.
        penalty: $\rho$ in total, above 0; `None` for none.

    Returns:
        coefficients [d] and a status: `SEPARATED` where no finite coefficients are best, `TOO_FEW_POINTS`
        where the features do not span the space, `NOT_FINITE` where a row is not finite, `NOT_CONVERGED`
        after `MOST` steps or where rounding hides a direction.
    """
    epsilon = float(jnp.finfo(data.features.dtype).eps)
    # predictors are moderate at first, so that a direction without curvature has no features
    largest = _most(jnp.abs(_along(data, start)), data.weights != 0)
    limit = min(link.moderate, -0.5 * math.log(epsilon))
    start = start * jnp.where(largest > limit, limit / largest, 1.0)
    start = jnp.where(jnp.all(jnp.isfinite(start)), start, 0.0)
    noise = _sum(data.weights, 1.0 + jnp.abs(data.labels))
    # below the first a quadratic iteration is at the end; the second is what sums are rounded to
    enough = epsilon * jnp.minimum(noise, 1.0) + (8 * epsilon) ** 2 * noise

    def turn(carry: _Carry) -> _Carry:
        return _turn(carry, data, link, penalty, enough)

    zero = jnp.asarray(0, jnp.int32)
    first = _Carry(start, zero + RUNNING, zero, zero > 0)
    found = jax.lax.while_loop(lambda carry: (carry.kind == RUNNING) & (carry.turn < MOST), turn, first)
    # what is not found, with odds against a label that are next to nothing, is not there
    lost = jnp.where(found.far, Status.SEPARATED, Status.NOT_CONVERGED)
    codes = [lost, Status.OK, Status.SEPARATED, Status.TOO_FEW_POINTS, lost, Status.NOT_FINITE]
    return found.coefficients, jnp.stack([jnp.asarray(code, jnp.int32) for code in codes])[found.kind]


def _turn(carry: _Carry, data: Data, link: Link, penalty: Array | None, enough: Array) -> _Carry:
    """One step, and whether it was the last."""
    present = data.weights != 0
    predictors = _along(data, carry.coefficients)
    mean, curvature = link.moments(predictors)
    residuals = jnp.where(present, data.weights * (data.labels - mean), 0.0)
    gradient = matrix_product(data.features, residuals)
    weighted = data.features * jnp.where(present, data.weights * curvature, 0.0)
    hessian = matrix_product(weighted, data.features.T)
    size = len(carry.coefficients)
    if penalty is not None:
        gradient, hessian = gradient - penalty * carry.coefficients, hessian + penalty * jnp.eye(size)
    factor = cholesky(hessian, size)
    half = solve(factor, gradient)
    direction = solve_transposed(factor, half)
    step = _along(data, direction)
    largest = _most(jnp.abs(step), present)
    steepening = _most(jnp.abs(step), present & link.steepens(predictors, step))
    length = jnp.where(steepening <= 1.0, 1.0, jnp.log1p(steepening) / steepening)

    broken = ~jnp.isfinite(jnp.sum(gradient))
    singular = jnp.any(jnp.diagonal(factor) == 0)
    separated, far = _separated(data, link, predictors, step, largest)
    if penalty is not None:
        separated, far = jnp.asarray(False), jnp.asarray(False)
    nowhere = jnp.where(carry.turn == 0, SINGULAR if penalty is None else LOST, LOST)
    converged = (jnp.sum(half * half) <= enough) & (largest <= 0.1)
    kind = jnp.where(converged, CONVERGED, RUNNING)
    kind = jnp.where(singular, nowhere, kind)
    kind = jnp.where(separated & ~(singular & (carry.turn == 0)), SEPARATED, kind)
    kind = jnp.where(broken, BROKEN, kind).astype(jnp.int32)
    return _Carry(carry.coefficients + length * direction, kind, carry.turn + 1, far)


def _separated(
    data: Data, link: Link, predictors: Rows, step: Rows, largest: Array
) -> tuple[Bool[Array, ""], Bool[Array, ""]]:
    r"""Whether no finite coefficients are best, and whether a predictor has gone far.

    Either all predictors are on their own side: the coefficients themselves are a direction without end. Or
    a step of a size that does not shrink moves only predictors that are far out on their own side, with odds
    of $\epsilon^{0.55}$ against their labels, and those outwards, while no other predictor moves at all.
    """
    epsilon = float(jnp.finfo(predictors.dtype).eps)
    bound = -0.55 * math.log(epsilon)
    present = data.weights != 0
    outward = link.outward(data.labels, predictors)
    inside = _any(present & (outward <= 0))
    still = largest * epsilon**0.45
    moving = jnp.abs(step) > still
    outbound = (outward >= bound) & (link.outward(data.labels, step) > 0)
    stuck = _any(present & moving & ~outbound)
    return ~inside | (~stuck & (largest >= 0.5)), _any(present & (outward >= 0.5 * bound))


def _along(data: Data, coefficients: Vector) -> Rows:
    return matrix_product(coefficients, data.features)


def _sum(first: Rows, second: Rows) -> Float[Array, ""]:
    return matrix_product(first, second)


def _any(found: Bool[Array, " rows"]) -> Bool[Array, ""]:
    # a product with ones is added up several rows at once, a reduction one after the other
    return _sum(found.astype(jnp.result_type(float)), jnp.ones(found.shape)) > 0


def _most(values: Rows, present: Bool[Array, " rows"]) -> Float[Array, ""]:
    return jnp.max(jnp.where(present, values, 0.0))
