"""A recursive training as theory's plain setting, where theory has a word for every part."""

from typing import Any

import numpy as np

from mcollapse import theory
from mcollapse.decoders import AsIs, VarianceFactor
from mcollapse.estimators import (
    ApproximateJointML,
    MaximumLikelihood,
    RealOnly,
    Ridge,
    Unbiased,
    Weighted,
    optimal_weight,
)
from mcollapse.families import (
    Bernoulli,
    Empirical,
    Gaussian,
    KernelDensity,
    Location,
    NextToken,
)
from mcollapse.families.base import AbstractFamily, Truth
from mcollapse.names import kebab
from mcollapse.pools import RealAndNewest, Window
from mcollapse.predicting.truths import known_location, truth_numbers, two_moments
from mcollapse.process import RecursiveTraining
from mcollapse.schedules import AbstractAdaptive, Table
from mcollapse.sources import LastModel, Mixture, PastModels, Split


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
        penalty=float(estimator.penalty) if isinstance(estimator, Ridge) else 0.0,
        design=getattr(family, "design", None),
        combine=getattr(estimator, "combine", "rows"),
        bandwidth=_bandwidth(family),
        fit=str(getattr(family, "fit", "mean")),
        truth=truth_numbers(truth, family),
        same_family=type(truth.family) is type(family),
        contexts=np.asarray(family.shares, np.float64) if isinstance(family, NextToken) else None,
        context_counts=family.counts if isinstance(family, NextToken) else "fixed",  # type: ignore[arg-type]
        **tables,
    )


def _bandwidth(family: AbstractFamily) -> float | str:
    bandwidth = getattr(family, "bandwidth", 0.0)
    return bandwidth if isinstance(bandwidth, str) else float(bandwidth)


def recursive(
    process: RecursiveTraining, truth: Truth, generations: int, start: str
) -> theory.Setting | None:
    """The setting, unless theory has no word for a part of it."""
    if isinstance(process.sizes, AbstractAdaptive):
        return None  # laws take sizes that do not depend on the replicate
    return setting(process, truth, generations, start) if known_to_theory(process, truth) else None


def _weights(planned: RecursiveTraining) -> np.ndarray:
    """The weight of the real points at each generation, as the estimator chooses it."""
    estimator, source = planned.estimator, planned.source
    assert isinstance(estimator, Weighted)
    if isinstance(estimator.weight, Table):
        return np.asarray(estimator.weight.values, np.float64)
    sizes = source.batch_sizes(np.asarray(planned.sizes.values))  # type: ignore[attr-defined]
    parts = source.parts(np.asarray(planned.sizes.values))  # type: ignore[attr-defined]
    if isinstance(planned.pool, RealAndNewest) and isinstance(source, LastModel):
        return np.asarray(optimal_weight(sizes[0] / sizes), np.float64)
    real = parts[0] if parts is not None and len(parts) == 2 else np.zeros(len(sizes))
    ratio = np.maximum(real, 1) / np.maximum(sizes - real, 1)
    return np.asarray(optimal_weight(ratio), np.float64)


def known_to_theory(process: RecursiveTraining, truth: Truth) -> bool:
    """Whether theory has a word for every part; a part of the user's own has none, whatever its name."""
    parts = {name: getattr(process, name) for name in ("family", "estimator", "source", "pool")}
    ours = all(type(part).__module__.startswith("mcollapse.") for part in (*parts.values(), truth.family))
    foreign = type(truth.family) is not type(process.family)
    if foreign and not (isinstance(process.family, Gaussian) and isinstance(truth.family, Bernoulli)):
        if not isinstance(process.family, Empirical | KernelDensity):
            return False
    if isinstance(process.family, Empirical | KernelDensity):
        moments = two_moments(truth)
        if moments is None or moments["dimension"] != process.family.dimension:
            return False
    if isinstance(process.family, Gaussian) and foreign and not 0 < float(truth.params.probability) < 1:
        return False  # without any variance
    if isinstance(process.family, Location) and not known_location(process.family, truth.family):
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
