"""What theory says of a run: its process as theory's plain setting, and the laws that apply."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mcollapse import theory
from mcollapse.decoders import AsIs, VarianceFactor
from mcollapse.description import NotRebuilt, kebab
from mcollapse.estimators import (
    ApproximateJointML,
    MaximumLikelihood,
    RealOnly,
    Unbiased,
    Weighted,
    optimal_weight,
)
from mcollapse.families import (
    Bernoulli,
    Empirical,
    Gaussian,
    KernelDensity,
    LinearRegression,
    Location,
    MultivariateGaussian,
    NextToken,
    Poisson,
    SymmetricMixture,
)
from mcollapse.families.base import AbstractFamily, Truth
from mcollapse.families.generalised_linear import AbstractGeneralisedLinear
from mcollapse.metrics import Above
from mcollapse.pools import Newest, Window
from mcollapse.process import RecursiveTraining
from mcollapse.processes import Coevolution, OneShotMixing, WeakSupervision
from mcollapse.recording import Record
from mcollapse.schedules import AbstractAdaptive, Table
from mcollapse.sources import LastModel, Mixture, PastModels, Split
from mcollapse.sweeping import at_cell
from mcollapse.trajectories import Trajectories


def predictions(
    run: Trajectories, name: str, cell: dict[str, float] | None = None
) -> list[theory.Prediction]:
    """What theory says of one record; nothing where no law is known."""
    record = run.records[name]
    quantity, parameters = _quantity(record)
    if quantity is None:
        return []
    try:
        process, truth = at_cell(run.process, run.truth, cell or {})
    except NotRebuilt:
        return []  # a saved run of the user's own classes: theory has no law for it
    describe = SETTINGS.get(type(process))
    if describe is None:
        return []
    described = describe(process, truth, int(run.attributes["generations"]), run.attributes["start"])
    if described is None:
        return []
    generations = np.asarray(run[name].generations, np.int64)
    found = theory.predictions(described, [(quantity, parameters)], generations)
    return [p for p in found if p.quantity == quantity and dict(p.parameters) == parameters]


def absorbing(run: Trajectories) -> bool:
    """Whether each generation is drawn from the last alone, so that what is lost is lost for good."""
    try:
        process = run.process
    except NotRebuilt:
        return False
    return (
        isinstance(process, RecursiveTraining)
        and isinstance(process.source, LastModel)
        and isinstance(process.pool, Newest)
    )


def setting(process: RecursiveTraining, truth: Truth, generations: int, start: str) -> theory.Setting:
    """The plain description of an experiment that theory reads."""
    planned = process.planned(generations, start)  # type: ignore[arg-type]
    source, pool, estimator, family = planned.source, planned.pool, planned.estimator, planned.family
    tables: dict[str, Any] = {}
    if isinstance(source, Mixture):
        tables |= {"shares": np.asarray(source.real_share.values), "counts": source.counts}  # type: ignore[attr-defined]
    if isinstance(source, Split):
        parts = (np.asarray(part.values) for part in (source.real, source.synthetic))  # type: ignore[attr-defined]
        tables |= dict(zip(("real_sizes", "synthetic_sizes"), parts, strict=True))
    if isinstance(planned.decoder, VarianceFactor):
        tables["variance_factors"] = np.asarray(planned.decoder.factor.values)  # type: ignore[attr-defined]
    if planned.bias is not None:
        tables["biases"] = np.asarray(planned.bias.values)  # type: ignore[attr-defined]
    if isinstance(source, PastModels):
        tables |= {"counts": source.counts, "window": source.window}
    if isinstance(pool, Window):
        tables["window"] = pool.batches
    if isinstance(estimator, Weighted):
        tables["weights"] = _weights(planned)
    if hasattr(pool, "budget"):
        tables["budget"] = np.asarray(pool.budget.values)  # type: ignore[attr-defined]
    return theory.Setting(
        family=kebab(type(family).__name__),  # type: ignore[arg-type]
        estimator=kebab(type(estimator).__name__),  # type: ignore[arg-type]
        source=kebab(type(source).__name__),  # type: ignore[arg-type]
        pool=kebab(type(pool).__name__),  # type: ignore[arg-type]
        start=start,  # type: ignore[arg-type]
        sizes=np.asarray(planned.sizes.values, np.int64),  # type: ignore[attr-defined]
        ddof=1 if isinstance(estimator, Unbiased) else getattr(estimator, "ddof", 0),
        known_variance=getattr(family, "variance", "fitted") == "known",
        constant=float(getattr(estimator, "constant", 0.0)),
        design=getattr(family, "design", None),
        combine=getattr(estimator, "combine", "rows"),
        bandwidth=_bandwidth(family),
        fit=str(getattr(family, "fit", "mean")),
        truth=_truth(truth, family),
        same_family=type(truth.family) is type(family),
        contexts=np.asarray(family.shares, np.float64) if isinstance(family, NextToken) else None,
        context_counts=family.counts if isinstance(family, NextToken) else "fixed",  # type: ignore[arg-type]
        **tables,
    )


def _bandwidth(family: AbstractFamily) -> float | str:
    bandwidth = getattr(family, "bandwidth", 0.0)
    return bandwidth if isinstance(bandwidth, str) else float(bandwidth)


def _known_location(family: Location, truth: AbstractFamily) -> bool:
    """Whether the mean or the median is fitted to noise of the truth's law, which has an influence."""
    if not isinstance(truth, Location) or (truth.noise, float(truth.scale)) != (
        family.noise,
        float(family.scale),
    ):
        return False
    return isinstance(family.fit, str) and (family.noise, family.fit) != ("cauchy", "mean")


def _two_moments(truth: Truth) -> dict[str, np.ndarray | float] | None:
    """What rows need of a truth: the trace of its covariance, its dimension, the integral of F(1 - F) dF."""
    family, params = truth.family, truth.params
    if isinstance(family, Gaussian):
        return {"variance": math.exp(float(params.log_variance)), "dimension": 1.0, "spread": 1 / 6}
    if isinstance(family, MultivariateGaussian):
        factor = np.asarray(params.unit, np.float64) * np.exp(np.asarray(params.log_diagonal, np.float64))
        return {"variance": float(np.sum(factor**2)), "dimension": float(family.dimension), "spread": 0.0}
    if isinstance(family, Bernoulli):
        p = float(params.probability)
        return {"variance": p * (1 - p), "dimension": 1.0, "spread": 0.0}
    if isinstance(family, Poisson):
        return {"variance": float(params.rate), "dimension": 1.0, "spread": 0.0}
    return _of_points(family, params) if isinstance(family, Empirical | KernelDensity) else None


def _of_points(family: Empirical | KernelDensity, params: Any) -> dict[str, np.ndarray | float]:
    rows, weights = (np.asarray(leaf, np.float64) for leaf in (params.rows, params.weights))
    shares = weights / weights.sum()
    centred = rows.reshape(len(rows), -1) - shares @ rows.reshape(len(rows), -1)
    variance, spread = float(shares @ np.sum(centred**2, axis=1)), 0.0
    if isinstance(family, KernelDensity):
        variance += float(np.sum(np.asarray(params.kernel, np.float64) ** 2))
        spread = 1 / 6 if family.dimension == 1 else 0.0
    elif family.dimension == 1:
        order = np.argsort(rows)
        ends = np.searchsorted(rows[order], rows, side="right") - 1
        below = np.cumsum(shares[order])[ends]
        spread = float(shares @ (below * (1 - below)))
    return {"variance": variance, "dimension": float(family.dimension), "spread": max(spread, 0.0)}


def _recursive(
    process: RecursiveTraining, truth: Truth, generations: int, start: str
) -> theory.Setting | None:
    if isinstance(process.sizes, AbstractAdaptive):
        return None  # laws take sizes that do not depend on the replicate
    return setting(process, truth, generations, start) if _known_to_theory(process, truth) else None


def _coevolution(
    process: Coevolution, truth: Truth, generations: int, start: str
) -> theory.CoevolutionSetting:
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


def _supervision(
    process: WeakSupervision, truth: Truth, generations: int, start: str
) -> theory.SupervisionSetting:
    planned = process.planned(generations)
    return theory.SupervisionSetting(
        probabilities=np.asarray(truth.params.probabilities, np.float64),
        strengths=np.asarray(planned.strength.values, np.float64),  # type: ignore[attr-defined]
        noise=float(process.noise),
        accuracy=float(process.accuracy),
        sizes=None if planned.sizes is None else np.asarray(planned.sizes.values, np.int64),  # type: ignore[attr-defined]
    )


def _one_shot(
    process: OneShotMixing, truth: Truth, generations: int, start: str
) -> theory.OneShotSetting | None:
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


SETTINGS: dict[type, Callable[..., Any]] = {
    RecursiveTraining: _recursive,
    Coevolution: _coevolution,
    WeakSupervision: _supervision,
    OneShotMixing: _one_shot,
}
"""How each process is told to theory: as plain numbers, or as nothing where theory has no word for it."""


def _weights(planned: RecursiveTraining) -> np.ndarray:
    """The weight of the real points at each generation, as the estimator chooses it."""
    estimator, source = planned.estimator, planned.source
    assert isinstance(estimator, Weighted)
    if isinstance(estimator.weight, Table):
        return np.asarray(estimator.weight.values, np.float64)
    sizes = source.batch_sizes(np.asarray(planned.sizes.values))  # type: ignore[attr-defined]
    parts = source.parts(np.asarray(planned.sizes.values))  # type: ignore[attr-defined]
    real = parts[0] if parts is not None and len(parts) == 2 else np.zeros(len(sizes))
    ratio = np.maximum(real, 1) / np.maximum(sizes - real, 1)
    return np.asarray(optimal_weight(ratio), np.float64)


def _known_to_theory(process: RecursiveTraining, truth: Truth) -> bool:
    """Whether theory has a word for every part; a part of the user's own has none, whatever its name."""
    parts = {name: getattr(process, name) for name in ("family", "estimator", "source", "pool")}
    ours = all(type(part).__module__.startswith("mcollapse.") for part in (*parts.values(), truth.family))
    foreign = type(truth.family) is not type(process.family)
    if foreign and not (isinstance(process.family, Gaussian) and isinstance(truth.family, Bernoulli)):
        if not isinstance(process.family, Empirical | KernelDensity):
            return False
    if isinstance(process.family, Empirical | KernelDensity):
        moments = _two_moments(truth)
        if moments is None or moments["dimension"] != process.family.dimension:
            return False
    if isinstance(process.family, Gaussian) and foreign and not 0 < float(truth.params.probability) < 1:
        return False  # without any variance
    if isinstance(process.family, Location) and not _known_location(process.family, truth.family):
        return False
    if isinstance(process.estimator, RealOnly) and type(process.estimator.estimator) is not MaximumLikelihood:
        return False
    if isinstance(process.estimator, Weighted) and process.estimator.weight == "optimal":
        ours = ours and getattr(process.source, "counts", "fixed") == "fixed"  # else the weight is random
    if isinstance(process.estimator, ApproximateJointML) and float(process.estimator.eta) != 2:
        return False  # the theorem's estimator
    if not isinstance(process.decoder, AsIs | VarianceFactor):
        return False
    if isinstance(process.source, PastModels) and isinstance(process.pool, Window):
        return False  # theory has one window
    return ours and all(kebab(type(part).__name__) in theory.CHOICES[name] for name, part in parts.items())


def _quantity(record: Record) -> tuple[str | None, dict[str, float]]:
    metric, parameters = record.metric, {}
    if isinstance(metric, Above):
        metric, parameters = metric.metric, {"above": float(metric.threshold)}
    own = getattr(metric, "__module__", "") == "mcollapse.metrics"  # a user's may have one of our names
    return (getattr(metric, "__name__", None) if own else None), parameters


def _truth(truth: Truth, family: AbstractFamily) -> dict[str, np.ndarray | float]:
    params = truth.params
    if isinstance(family, Empirical | KernelDensity):
        return _two_moments(truth) or {}
    if isinstance(family, Location):
        fit = str(family.fit)
        return {"point_variance": theory.influence_variance(family.noise, fit, float(family.scale))}
    if isinstance(family, Gaussian) and isinstance(truth.family, Bernoulli):  # two moments are all it takes
        p = float(params.probability)
        return {"mean": p, "variance": p * (1.0 - p)}
    if isinstance(family, LinearRegression):
        covariance = family.covariance
        return {
            "coefficients": np.asarray(params.coefficients, np.float64),
            "noise_variance": float(params.noise_variance),
            "covariance": np.eye(family.dimension) if covariance is None else np.asarray(covariance.matrix),
        }
    if isinstance(family, AbstractGeneralisedLinear):
        covariance = family.covariance
        return {
            "coefficients": np.asarray(params.coefficients, np.float64),
            "covariance": np.eye(family.dimension) if covariance is None else np.asarray(covariance.matrix),
        }
    if isinstance(family, MultivariateGaussian):
        factor = np.asarray(params.unit, np.float64) * np.exp(np.asarray(params.log_diagonal, np.float64))
        return {"mean": np.asarray(params.mean, np.float64), "covariance": factor @ factor.T}
    if isinstance(family, SymmetricMixture):
        return {"location": float(params.location), "variance": math.exp(float(params.log_variance))}
    if hasattr(params, "log_variance"):
        return {"mean": float(params.mean), "variance": math.exp(float(params.log_variance))}
    return {
        name: np.asarray(getattr(params, name), np.float64)
        for name in ("probabilities", "probability", "rate")
        if hasattr(params, name)
    }
