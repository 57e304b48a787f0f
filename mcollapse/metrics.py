"""Metrics: how far is the model from the truth, and what is left of it?

A metric is a function `(family, params, truth) -> array` of one replicate. Your own works the same
way, in a record or by hand; it may return a scalar or an array (one value a category, say). `truth`
is a `Truth`: its parameters' attributes can be read from it directly (`truth.mean`). A metric that draws
(`Downstream`) is an `AbstractMetric`, which is given a key first.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mcollapse.downstream import Downstream as Downstream
from mcollapse.families.base import AbstractFamily, Params, Truth, offers, require
from mcollapse.held_out import HeldOut as HeldOut
from mcollapse.measuring import AbstractMetric as AbstractMetric
from mcollapse.modes import ComponentMass as ComponentMass
from mcollapse.modes import covered, matched_means
from mcollapse.schedules import number
from mcollapse.summation import total, tree_sum

_DENSITY_POINTS = 2049

Metric = Callable[[AbstractFamily, Params, Truth], Array]


def squared_error(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\|E_{\hat\theta} x - E_{\theta_*} x\|_2^2$: of probabilities, of a mean, of coefficients.

    Of probabilities in several contexts, the sum over contexts.
    """
    return _sum((family.expectation(params) - truth.family.expectation(truth.params)) ** 2)


def test_error(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""Of a regression: $E_x (\hat y(x) - y_*(x))^2$ over the features' law, without the labels' noise."""
    wanted = "metrics.test_error is that of a regression"
    require(family, "test_error", wanted, "use squared_error", "is none")
    return family.test_error(params, truth.params)


def squared_norm(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\|E_{\hat\theta} x\|_2^2$: of a regression's coefficients, or of any mean parameter."""
    return _sum(family.expectation(params) ** 2)


def probabilities(
    family: AbstractFamily, params: Params, truth: Truth
) -> Float[Array, "*contexts categories"]:
    """The probability of every category."""
    return _table(family, params, "probabilities")


def chi_square(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\chi^2 = \sum_i (\hat p_i - p_{*i})^2 / p_{*i}$: infinite where only $\hat p$ has mass."""
    p, q = _tables(family, params, truth, "chi_square")
    impossible = jnp.where(p > 0, jnp.inf, 0.0)
    return _mean(family, jnp.where(q > 0, (p - q) ** 2 / jnp.where(q > 0, q, 1.0), impossible))


def total_variation(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\frac12 \sum_i |\hat p_i - p_{*i}|$, and $\frac12 \int |\hat p - p_*|$ of densities in one dimension.

    The integral is a sum over 2,049 points between the ends of both laws (`AbstractFamily.interval`): right
    to 1e-4 while the narrowest normal part of a density is at least four steps wide.
    """
    if offers(family, "log_density") and offers(truth.family, "log_density"):
        gap, step = _density_gap(family, params, truth, "total_variation")
        return 0.5 * step * tree_sum(jnp.abs(gap))
    p, q = _tables(family, params, truth, "total_variation")
    return 0.5 * _mean(family, jnp.abs(p - q))


def integrated_squared_error(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\int (\hat p - p_*)^2$ of densities in one dimension, on the points of `total_variation`."""
    gap, step = _density_gap(family, params, truth, "integrated_squared_error")
    return step * tree_sum(gap**2)


def cramer_von_mises(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\int (\hat F - F_*)^2\, dF_*$ of a model that consists of weighted points, in one dimension.

    Under a continuous truth, the points in order, shares $q_i$ and $m_i = q_1 + \dots + q_{i-1} + q_i/2$,
    $\sum_i q_i \bigl[(F_*(x_i) - m_i)^2 + q_i^2/12\bigr]$: a sum of what is not negative. Where the truth is
    data, the sum over these. n times it is the statistic of the goodness-of-fit test.
    """
    wanted = "metrics.cramer_von_mises is of models that consist of points (families.Empirical)"
    require(family, "atoms", wanted, "use metrics.total_variation or squared_error", "is none")
    if not offers(truth.family, "cumulative") or getattr(family, "dimension", 1) > 1:
        raise ValueError(
            f"metrics.cramer_von_mises needs a distribution function in one dimension, and a "
            f"{truth.family.name} truth has none: use metrics.squared_error or trace"
        )
    rows, weights = family.atoms(params)
    if offers(truth.family, "atoms"):
        atoms, masses = truth.family.atoms(truth.params)
        gaps = family.cumulative(params, atoms) - truth.family.cumulative(truth.params, atoms)
        return _sum(masses * gaps**2) / _sum(masses)
    shares = weights / _sum(weights)
    places, shares = jax.lax.sort((truth.family.cumulative(truth.params, rows), shares), num_keys=1)
    middles = jnp.cumsum(shares) - 0.5 * shares
    return _sum(shares * ((places - middles) ** 2 + shares**2 / 12.0))


def hellinger(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$H(\hat p, p_*) = \bigl(1 - \sum_i \sqrt{\hat p_i p_{*i}}\bigr)^{1/2}$."""
    p, q = _tables(family, params, truth, "hellinger")
    return jnp.sqrt(0.5 * _mean(family, (jnp.sqrt(p) - jnp.sqrt(q)) ** 2))


def kl_divergence(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\mathrm{KL}(\hat P \,\|\, P_*)$ in nats: finite however much the model has forgotten."""
    if offers(family, "kl_divergence") and type(truth.family) is type(family):
        return family.kl_divergence(params, truth.params)
    if offers(family, "probabilities"):
        p, q = _tables(family, params, truth, "kl_divergence")
        ratio = jnp.log(jnp.where(p > 0, p, 1.0)) - jnp.log(jnp.where(p > 0, q, 1.0))
        return _mean(family, p * ratio)
    raise ValueError(
        f"no Kullback-Leibler divergence of a {family.name} from a {truth.family.name} is known: use "
        "metrics.squared_error"
    )


def entropy(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    """Shannon entropy of a categorical model, in nats."""
    p = _table(family, params, "entropy")
    return -_mean(family, p * jnp.log(jnp.where(p > 0, p, 1.0)))


def concentration(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\sum_i \hat p_i^2$: the probability that two draws agree, 1 once a single symbol is left."""
    return _mean(family, _table(family, params, "concentration") ** 2)


def alive(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, "..."]:
    """1 for every category that can still be drawn, 0 for the forgotten; for Bernoulli the success alone.

    For a Poisson model 1 while its rate is positive.
    """
    if offers(family, "alive"):
        return family.alive(params)
    p = _table(family, params, "alive")
    living = (p > 0).astype(p.dtype)
    return living[1] if family.expectation(params).ndim == 0 else living


def support(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    """How many categories can still be drawn; with several contexts, how many pairs."""
    p = _table(family, params, "support")
    return _sum((p > 0).astype(p.dtype))


def distinct_words(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    """The share of a text's different words that its model still knows."""
    wanted = "metrics.distinct_words counts words of a text"
    require(family, "distinct_words", wanted, "use metrics.support")
    return family.distinct_words(params)


def single_symbol(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    """1 once one category has all the mass (total collapse), in every context, else 0."""
    p = _table(family, params, "single_symbol")
    alive = jnp.ravel((p > 0).astype(jnp.int32))
    return (total(alive) == p.size // p.shape[-1]).astype(p.dtype)


def log_variance(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\log\hat\sigma^2$, whose law is exact and light-tailed where that of $\hat\sigma^2$ is not."""
    return _log_variance(family, params, "log_variance")


def variance(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\hat\sigma^2$. Its mean lives in rare replicates after many generations; prefer `log_variance`."""
    return jnp.exp(_log_variance(family, params, "variance"))


def standard_deviation(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\hat\sigma$."""
    return jnp.exp(0.5 * _log_variance(family, params, "standard_deviation"))


def mean(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, "..."]:
    r"""$E_{\hat\theta} x$: the mean of the model."""
    return family.expectation(params)


def wasserstein2_squared(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$W_2^2$ of Gaussians: $(\hat\mu - \mu_*)^2 + (\hat\sigma - \sigma_*)^2$ in one dimension."""
    if not offers(family, "wasserstein2_squared") or type(truth.family) is not type(family):
        raise ValueError(
            f"metrics.wasserstein2_squared is that of two Gaussians, and here are a {family.name} and a "
            f"{truth.family.name}: use metrics.squared_error, or matched_squared_error of mixtures"
        )
    return family.wasserstein2_squared(params, truth.params)


def trace(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\mathrm{tr}\,\hat\Sigma$, the total variance, in any number of dimensions."""
    return _sum(jnp.diagonal(_covariance(family, params, "trace")))


def log_determinant(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\log\det\hat\Sigma$, whose law is exact and light-tailed."""
    if offers(family, "log_determinant"):
        return family.log_determinant(params)
    return _log_variance(family, params, "log_determinant")


def frobenius_squared(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\|\hat\Sigma - \Sigma_*\|_F^2$."""
    ours = _covariance(family, params, "frobenius_squared")
    theirs = _covariance(truth.family, truth.params, "frobenius_squared")
    # what rounding makes of equal numbers is no distance
    equal = jnp.abs(ours - theirs) <= 4 * jnp.finfo(ours.dtype).eps * jnp.abs(theirs)
    return _sum(jnp.where(equal, 0.0, ours - theirs) ** 2)


def matched_squared_error(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\min_\pi \sum_k \|\hat\mu_{\pi(k)} - \mu_{*k}\|^2$ over all matchings of up to six components.

    The labels of components mean nothing, and may be exchanged from one generation to the next.
    """
    return matched_means(family, params, truth)


def mode_coverage(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""The share of the truth's components that the model still has.

    A component of the model belongs to the mode of least Mahalanobis distance in the truth's covariances, and
    counts within 2; a mode is covered where those that belong to it have a tenth of its weight. One that lies
    between two modes covers one at most. Definition 6 of Schaeffer et al. (2025, arXiv 2503.03150), whose
    thresholds are ours.
    """
    found = covered(family, params, truth)
    return _sum(found) / len(found)


def class_errors(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, " classes"]:
    r"""$\|\hat\mu_i - \mu_{*i}\|^2$ of each class: how far images of a token are from what it means."""
    _check_classes(family, "class_errors")
    return family.class_errors(params, truth.params)


def class_traces(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, " classes"]:
    r"""$\mathrm{tr}\,\hat\Sigma_i$ of each class: the variety of the images of a token."""
    _check_classes(family, "class_traces")
    return family.class_traces(params)


def unsolved(family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, ""]:
    r"""$\sum_k p_{*k} 1\{\text{the answer to k is wrong}\}$: of a table of answers (`WeakSupervision`)."""
    if not hasattr(params, "correct"):
        raise ValueError(
            f"metrics.unsolved reads a table of answers, and {family.name} has none: it goes with "
            "processes.WeakSupervision"
        )
    return _sum(truth.family.probabilities(truth.params) * (1.0 - params.correct))  # type: ignore[attr-defined]


class Above(eqx.Module):
    """The indicator that a metric exceeds a threshold, whose mean is a probability."""

    metric: Metric
    threshold: np.ndarray = eqx.field(converter=number)

    def __check_init__(self):
        """A metric that draws would need a key."""
        if isinstance(self.metric, AbstractMetric):
            raise ValueError(
                f"Above takes a metric that draws nothing, and {type(self.metric).__name__} draws: record it "
                "whole (reduce=mc.Keep()) and compare its values"
            )

    def __call__(self, family: AbstractFamily, params: Params, truth: Truth) -> Float[Array, "..."]:
        """1 where the metric is above the threshold, else 0."""
        value = self.metric(family, params, truth)
        return (value > jnp.asarray(self.threshold, value.dtype)).astype(value.dtype)


def standard(family: AbstractFamily) -> dict[str, Metric]:
    """What is recorded of a family when nothing is said."""
    known = {name: globals()[name] for name in family.recorded}
    return (
        known if offers(family, "expectation") else {n: m for n, m in known.items() if m is not squared_error}
    )


def _density_gap(
    family: AbstractFamily, params: Params, truth: Truth, metric: str
) -> tuple[Float[Array, " points"], Float[Array, ""]]:
    """The difference of two densities at equal steps between the ends of both, and the step."""
    for one in (family, truth.family):
        if not offers(one, "interval") or getattr(one, "dimension", 1) > 1:
            raise ValueError(
                f"metrics.{metric} compares densities in one dimension, and {one.name} has none: use "
                "metrics.squared_error, or metrics.HeldOut for a likelihood in any dimension"
            )
    ours, theirs = family.interval(params), truth.family.interval(truth.params)
    low, high = jnp.minimum(ours[0], theirs[0]), jnp.maximum(ours[1], theirs[1])
    step = (high - low) / (_DENSITY_POINTS - 1)
    points = low + step * jnp.arange(_DENSITY_POINTS).astype(step.dtype)
    gap = jnp.exp(family.log_density(params, points)) - jnp.exp(
        truth.family.log_density(truth.params, points)
    )
    return gap, step


def _sum(terms: Array) -> Float[Array, ""]:
    return tree_sum(jnp.ravel(terms))


def _mean(family: AbstractFamily, terms: Array) -> Float[Array, ""]:
    """The sum over categories, averaged over contexts where there are several."""
    if terms.ndim == 1:
        return _sum(terms)
    return _sum(tree_sum(terms, axis=-1) * family.context_shares(terms.dtype))


def _table(family: AbstractFamily, params: Params, metric: str) -> Float[Array, "*contexts categories"]:
    wanted = f"metrics.{metric} reads a table of probabilities"
    remedy = "use metrics.squared_error, log_variance or wasserstein2_squared"
    require(family, "probabilities", wanted, remedy)
    return family.probabilities(params)


def _tables(
    family: AbstractFamily, params: Params, truth: Truth, metric: str
) -> tuple[Float[Array, "*contexts categories"], Float[Array, "*contexts categories"]]:
    return _table(family, params, metric), _table(truth.family, truth.params, metric)


def _check_classes(family: AbstractFamily, metric: str) -> None:
    require(family, metric, f"metrics.{metric} reads classes", "it goes with families.LabelledGaussians")


def _covariance(family: AbstractFamily, params: Params, metric: str) -> Float[Array, "dimension dimension"]:
    if offers(family, "total_covariance"):
        return family.total_covariance(params)
    return jnp.exp(_log_variance(family, params, metric)).reshape(1, 1)


def _log_variance(family: AbstractFamily, params: Params, metric: str) -> Float[Array, ""]:
    wanted = f"metrics.{metric} reads a variance"
    require(family, "log_variance", wanted, "use metrics.squared_error, total_variation or kl_divergence")
    return family.log_variance(params)
