"""Other processes, and models downstream, as theory's plain settings."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mcollapse import theory
from mcollapse.decoders import AsIs, Temperature
from mcollapse.estimators import (
    MaximumLikelihood,
    Ridge,
)
from mcollapse.families import (
    LinearRegression,
)
from mcollapse.families.base import Truth
from mcollapse.metrics import Downstream
from mcollapse.processes import Coevolution, OneShotMixing, PopulationLimit, WeakSupervision
from mcollapse.sources import Mixture


def downstream(metric: Downstream, chain: Any, truth: Truth) -> theory.DownstreamSetting | None:
    """Least squares or ridge on fresh rows of a linear regression, with noise that may be its own."""
    known = isinstance(chain, theory.Setting) and chain.family == "linear-regression" and chain.same_family
    if not known or metric.family is not None or type(metric.estimator) not in (MaximumLikelihood, Ridge):
        return None
    params = truth.params
    if metric.change is not None:
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), params)
        if not _changes_noise_alone(metric.change, params):
            return None
        params = metric.change(params)
    return theory.DownstreamSetting(
        chain=chain,
        rows=metric.size,
        noise_variance=float(params.noise_variance),
        penalty=float(metric.estimator.penalty) if isinstance(metric.estimator, Ridge) else 0.0,
    )


def _changes_noise_alone(change: Callable[[Any], Any], params: LinearRegression.Params) -> bool:
    """Whether coefficients, the truth's and others, pass through a function that gives them one noise."""
    others = dataclasses.replace(params, coefficients=2.0 * params.coefficients + 1.0)
    ours, theirs = change(params), change(others)
    kept = all(
        np.array_equal(after.coefficients, before.coefficients)
        for after, before in ((ours, params), (theirs, others))
    )
    return kept and np.array_equal(ours.noise_variance, theirs.noise_variance)


def coevolution(
    process: Coevolution, truth: Truth, generations: int, start: str
) -> theory.CoevolutionSetting:
    """Text and image steps, sizes and the law that both start from."""
    planned, params = process.planned(generations, start, truth), truth.params  # type: ignore[arg-type]
    factors = np.asarray(params.unit, np.float64) * np.exp(np.asarray(params.log_diagonal))[:, None, :]
    return theory.CoevolutionSetting(
        probabilities=np.asarray(params.probabilities, np.float64),
        means=np.asarray(params.mean, np.float64),
        covariances=factors @ np.swapaxes(factors, 1, 2),
        text_sizes=np.asarray(planned.text_size.values, np.int64),  # type: ignore[attr-defined]
        image_sizes=np.asarray(planned.image_size.values, np.int64),  # type: ignore[attr-defined]
        user_images=np.asarray(planned.user_images.values, np.int64),  # type: ignore[attr-defined]
        text_steps=process.text_steps,
        image_steps=process.image_steps,
        counts=process.counts,  # type: ignore[arg-type]
        ddof=process.ddof,
        corpus_probability=float(process.corpus_probability),
        corpus_mass=float(process.corpus_mass),
        start=start,  # type: ignore[arg-type]
    )


def supervision(
    process: WeakSupervision, truth: Truth, generations: int, start: str
) -> theory.SupervisionSetting:
    """Strengths, noise and sizes."""
    planned = process.planned(generations)
    return theory.SupervisionSetting(
        probabilities=np.asarray(truth.params.probabilities, np.float64),
        strengths=np.asarray(planned.strength.values, np.float64),  # type: ignore[attr-defined]
        noise=float(process.noise),
        accuracy=float(process.accuracy),
        sizes=None if planned.sizes is None else np.asarray(planned.sizes.values, np.int64),  # type: ignore[attr-defined]
    )


def one_shot(
    process: OneShotMixing, truth: Truth, generations: int, start: str
) -> theory.OneShotSetting | None:
    """Least squares on fresh rows of a linear regression; nothing of other fits."""
    family, model = process.family, process.model
    if not isinstance(family, LinearRegression) or type(process.estimator) is not MaximumLikelihood:
        return None
    if family.design is not None:
        return None
    source, size = Mixture(1.0 - float(process.synthetic_share), counts="fixed"), np.array([1, process.size])
    real, synthetic = (int(part[1]) for part in source.planned(1, size).parts(size) or ())
    covariance = (
        np.eye(family.dimension) if family.covariance is None else np.asarray(family.covariance.matrix)
    )
    return theory.OneShotSetting(
        difference=np.asarray(model.coefficients, np.float64)
        - np.asarray(truth.params.coefficients, np.float64),
        covariance=covariance,
        real=real,
        synthetic=synthetic,
        noise_variance=float(truth.params.noise_variance),
        model_noise_variance=float(model.noise_variance),
    )


def population(
    process: PopulationLimit, truth: Truth, generations: int, start: str
) -> theory.PopulationSetting | None:
    """Shares and temperatures; nothing of other decoders."""
    if not isinstance(process.decoder, AsIs | Temperature):
        return None
    planned = process.planned(generations)
    shares = np.asarray(planned.real_share.values, np.float64)  # type: ignore[attr-defined]
    temperatures = np.ones(len(shares))
    if isinstance(planned.decoder, Temperature):
        temperatures = np.asarray(planned.decoder.temperature.values, np.float64)  # type: ignore[attr-defined]
    first = truth.params if process.model is None else process.model
    return theory.PopulationSetting(
        probabilities=np.asarray(truth.params.probabilities, np.float64),
        first=np.asarray(first.probabilities, np.float64),
        shares=shares,
        temperatures=temperatures,
    )
