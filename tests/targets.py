"""Published and derived numbers as experiments of ours: how to run a row of targets.json."""

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np

import mcollapse as mc
from mcollapse import metrics
from mcollapse.families import (
    Bernoulli,
    Categorical,
    Empirical,
    Gaussian,
    KernelDensity,
    LinearRegression,
    LogisticRegression,
    MultivariateGaussian,
    Poisson,
    SymmetricMixture,
)
from tests.theory import rows
from tests.theory.reference import PAST
from tests.theory.rows import (
    design_of,
    dimension_of,
    is_logistic,
    is_mixture,
    is_multivariate,
    is_regression,
    noise_of,
    weighted_how,
)

ROWS = {row["id"]: row for row in rows.ROWS}
NOT_BY_SIMULATION = {
    # limits that are reached like a power of t: a statement on the recursion, tested in tests/theory
    "pub-mn-borderline-c10",
    "pub-mn-agg-a0-limit-n20",
    "pub-mn-agg-a0-limit-n100",
    # one shot, from a model that is not the truth: tested in tests/test_processes.py
    "pub-strong-ols",
    # formulas alone, tested in tests/theory
    "pub-aal-subsample-ratio",
    "pub-golden-opt",
    # a family of the user's own, tested in tests/test_far_bump.py
    "pub-far-bump-n1000",
}
NOT_TESTABLE = {
    # the law's own variance: at 10^6 replicates the standard error is above 2 % of the value
    ("pub-g-n100-d1-esd", 2500),
    ("pub-g-n10-d0-evar", 50),
}
MOST, CHUNK = 10**6, 4096
LIMIT = 400
"""Generations that stand for a long run: (1 - 1/n)^t (1 - a)^2t is below 1e-3 for every row of the kind."""

METRICS = {
    "E ||theta_t - theta*||_2^2": metrics.squared_error,
    "E ||P_t - p||_2^2": metrics.squared_error,
    "E chi2(theta_t || theta*)": metrics.chi_square,
    "lim R_t / R_0": metrics.squared_error,
    "P(P_k != 0)": metrics.alive,
    "P(Lambda_k != 0)": metrics.alive,
    "Var Lambda_k": metrics.squared_error,
    "P(P_k not in {0,1})": metrics.single_symbol,
    "E number of distinct surviving symbols": metrics.support,
    "P(one symbol has all mass by generation k)": metrics.single_symbol,
    "E first generation with all mass on one symbol": metrics.single_symbol,
    "S_k = E sum_i p_i^2": metrics.concentration,
    "E log var_k": metrics.log_variance,
    "Var log var_k": metrics.log_variance,
    "E sd_k": metrics.standard_deviation,
    "E mean_k^2": metrics.squared_error,
    "E mean_t^2": metrics.squared_error,
    "E mean_t^2 per coordinate": metrics.squared_error,
    "E var_k": metrics.variance,
    "E var_t": metrics.variance,
    "E var_t (= E trace ratio)": metrics.variance,
    "E ||mean_k||^2": metrics.squared_error,
    "E ||mean_t||^2": metrics.squared_error,
    "long-run E ||mean_t||^2, one value per w": metrics.squared_error,
    "E tr(Sigma_k)/d": metrics.trace,
    "E tr Sigma_k / d": metrics.trace,
    "E log det Sigma_k": metrics.log_determinant,
    "Var log det Sigma_k": metrics.log_determinant,
    "E ||Sigma_k - I||_F^2": metrics.frobenius_squared,
    "long-run E ||Sigma_t - I||_F^2, one value per w": metrics.frobenius_squared,
    "E ||w_k - w*||^2 after k fits (k=1: real data)": metrics.squared_error,
    "E ||w_k||^2": metrics.squared_norm,
    "long-run E ||b_t - b*||^2, one value per w": metrics.squared_error,
    "E ||b_t - b*||^2 averaged over the late window": metrics.squared_error,
    "E W2^2(N(mean_k,var_k), N(0,1))": metrics.wasserstein2_squared,
    "P(sd_k > eps)": metrics.standard_deviation,
    "E int (F_t - F)^2 dF": metrics.cramer_von_mises,
    "long-run E int (F_t - F)^2 dF, one value per w": metrics.cramer_von_mises,
    "E variance of the fitted law": metrics.variance,
    "P(s_k > eps)": metrics.standard_deviation,
    "E s_hat / s, one value per ratio": metrics.standard_deviation,
}


@dataclasses.dataclass(frozen=True)
class Measured:
    value: float
    standard_error: float
    published: float = 0.0
    """The standard error of the row itself, where it is a simulation."""


def process(row) -> mc.RecursiveTraining:
    s = row["settings"]
    if is_regression(row) or is_logistic(row):
        return _regression(row)
    if is_multivariate(row):
        return _multivariate(row)
    if row["family"] in ("ecdf", "kde"):
        return _points(row)
    if is_mixture(row):
        return _mixture(row)
    known = "variance known" in row["estimator"]
    families = {"bernoulli": Bernoulli(), "categorical": Categorical(), "poisson": Poisson()}
    family = families.get(row["family"], Gaussian("known" if known else "fitted"))
    unbiased = "ddof=1" in row["estimator"]
    size = s.get("n") or s.get("n_per_generation") or s.get("n_per_batch") or s.get("n_real") or 0
    sizes = _sizes(s["n_t"]) if "n_t" in s else size
    estimator = mc.estimators.Unbiased() if unbiased else mc.estimators.MaximumLikelihood()
    pool = {
        "latest_only": mc.pools.Newest(),
        "accumulate": mc.pools.All(),
        "accumulate_subsample": mc.pools.Subsample(size or 1),
    }.get(row["pool"], mc.pools.Newest())  # past models are another source
    if _keeps_real(row):
        real, made = s.get("N_real_fixed", s.get("n_real")), s["n_synthetic"]
        return mc.RecursiveTraining(
            family=family, estimator=estimator, pool=mc.pools.RealAndNewest(),
            sizes=[real, *[made] * max(generations(row))],
        )  # fmt: skip
    if row["id"].endswith("-oracle"):
        estimator = mc.estimators.RealOnly()
    if row["id"].endswith("-debiased"):
        estimator, pool = mc.estimators.Debiased(), mc.pools.Newest()  # it remembers all batches itself
    factor = s.get("sampling_variance_factor")
    decoder = mc.decoders.AsIs() if factor in (None, 1, 1.0) else mc.decoders.VarianceFactor(factor)
    return mc.RecursiveTraining(
        family=family,
        estimator=estimator,
        sizes=sizes,
        source=_source(row, s, size),
        decoder=decoder,
        pool=pool,
    )


def _regression(row) -> mc.RecursiveTraining:
    s = row["settings"]
    logistic = is_logistic(row)
    family = LinearRegression(dimension_of(row), design=design_of(row))
    family = LogisticRegression(dimension_of(row)) if logistic else family
    size = s.get("T0", s.get("T", s.get("n")))
    estimator = mc.estimators.MaximumLikelihood()
    if "minimum-norm" in row["estimator"]:
        estimator = mc.estimators.MinimumNorm()
    if "w" in s:
        estimator = mc.estimators.Weighted(s["w"], weighted_how(row))
    return mc.RecursiveTraining(
        family=family,
        estimator=estimator,
        sizes=mc.schedules.Power(size, 1.0) if "iT rows" in row["source_of_data"] else size,
        source=mc.sources.Split(size, s["m"]) if "m" in s else mc.sources.LastModel(),
        pool=mc.pools.All() if row["pool"] == "accumulate" else mc.pools.Newest(),
    )


def _multivariate(row) -> mc.RecursiveTraining:
    s = row["settings"]
    unbiased = "ddof=1" in row["estimator"]
    estimator = mc.estimators.Unbiased() if unbiased else mc.estimators.MaximumLikelihood()
    known = "or known" in row["estimator"]
    if "w" in s:
        estimator = mc.estimators.Weighted(s["w"], weighted_how(row), 0 if known else 1)
    size = s.get("n", s.get("n_i"))
    return mc.RecursiveTraining(
        family=MultivariateGaussian(dimension_of(row), "known" if known else "fitted"),
        estimator=estimator,
        sizes=size,
        source=mc.sources.Split(size, s["m"]) if "m" in s else mc.sources.LastModel(),
    )


def _points(row) -> mc.RecursiveTraining:
    s = row["settings"]
    size = s.get("n", s.get("n_per_generation"))
    return mc.RecursiveTraining(
        family=KernelDensity(bandwidth=s["h"]) if "h" in s else Empirical(),
        estimator=mc.estimators.Weighted(s["w"]) if "w" in s else mc.estimators.MaximumLikelihood(),
        sizes=size,
        source=mc.sources.Split(size, s["m"]) if "m" in s else mc.sources.LastModel(),
        pool=mc.pools.All() if row["pool"] == "accumulate" else mc.pools.Newest(),
    )


def _mixture(row) -> mc.RecursiveTraining:
    closed = row["estimator"].startswith("approximate")
    estimator = mc.estimators.ApproximateJointML() if closed else mc.estimators.MaximumLikelihood()
    return mc.RecursiveTraining(family=SymmetricMixture(), estimator=estimator, sizes=row["settings"]["n"])


def _downstream(row):
    """The metric of the row's downstream model, with rows and noise of its own."""
    s = row["settings"]
    return metrics.Downstream(
        metrics.squared_error,
        s["T"],
        change=lambda params: dataclasses.replace(params, noise_variance=jnp.asarray(s["noise_var"])),
    )


def _keeps_real(row) -> bool:
    return "N_real_fixed" in row["settings"] or "same real sample" in row["source_of_data"]


def truth(row):
    s = row["settings"]
    if row["family"] == "bernoulli":
        return Bernoulli.Params(s["p0"])
    if is_logistic(row):
        return LogisticRegression.Params.ones(dimension_of(row))
    if is_regression(row):
        d = dimension_of(row)
        return LinearRegression.Params(np.eye(d)[0] if "w_norm_sq" in s else np.zeros(d), noise_of(row))
    if is_multivariate(row):
        return MultivariateGaussian.Params.isotropic(dimension_of(row))
    if row["family"] in ("ecdf", "kde"):
        return mc.Truth(Gaussian(), Gaussian.Params(0.0, 0.0))
    if is_mixture(row):
        return SymmetricMixture.Params.of(s.get("mu_over_sigma", s.get("mu0")), s.get("sigma0", 1.0) ** 2)
    if row["family"] == "poisson":
        return Poisson.Params(s["lambda0"])
    if row["family"] != "categorical":
        return Gaussian.Params(0.0, 0.0)
    law = s["truth"]
    if isinstance(law, str):  # any law will do
        return Categorical.Params.zipf(5)
    if law["law"] == "uniform":
        return Categorical.Params.uniform(law["K"])
    if law["law"] == "explicit":
        return Categorical.Params(law["p"])
    return Categorical.Params.zipf(law["K"], float(law["exponent"]), float(law["shift"]))


def _sizes(law):
    scale = law["n0"]
    return {
        "constant": lambda: mc.schedules.Constant(scale),
        "linear": lambda: mc.schedules.Power(scale, 1.0, 1.0),
        "sqrt": lambda: mc.schedules.Power(scale, 0.5, 1.0),
        "geometric": lambda: mc.schedules.Geometric(scale, law["ratio"]),
    }[law["schedule"]]()


def _source(row, s, size):
    kind = row["source_of_data"]
    if "n_synthetic" in s:
        return mc.sources.Split(s["n_real"], s["n_synthetic"])
    if row["pool"] in PAST:
        return mc.sources.PastModels(s.get("K"), PAST[row["pool"]])
    if kind.startswith("previous_model"):
        return mc.sources.LastModel()
    share = s.get("alpha", s.get("alpha_t"))
    if isinstance(share, dict):
        share = mc.schedules.Power(share["a"], -share["power"]) if "power" in share else share["a"]
    fixed = "split" in kind or "fixed counts" in kind
    return mc.sources.Mixture(share, counts="fixed" if fixed else "random")


def generations(row) -> list[int]:
    if row["generations"] == ["limit"]:
        return [LIMIT]
    if row["generations"] == ["hitting time"]:
        return [2000]
    if averaged(row):
        first, last = (int(t) for t in re.findall(r"\d+", row["generations"][0]))
        return list(range(first, last + 1))
    # of a fixed real sample the first fit is our generation 0, whoever counts
    return [int(t) - ("N_real_fixed" in row["settings"]) for t in row["generations"]]


def simulate(row, replicates: int, change=lambda process: process, seed: int = 2024):
    """What the row's experiment recorded; `change` makes a mutant of its process.

    Chunks are of one size and nothing is reduced on the device, so that all runs of a row share a program.
    """
    start = "truth" if row["generation_zero"] == "truth" and not _keeps_real(row) else "real"
    metric = _downstream(row) if "w_down" in row["quantity"] else METRICS[row["quantity"]]
    if row["quantity"] in ("P(sd_k > eps)", "P(s_k > eps)"):
        metric = metrics.Above(metric, row["settings"]["eps"])
    record = mc.Record(metric, at=generations(row), reduce=mc.Keep())
    if hits(row):
        record = mc.Record(metric, reduce=mc.HittingTime(above=0.5))
    run = mc.simulate(
        change(process(row)), truth(row), key=jax.random.key(seed), generations=max(generations(row)),
        replicates=replicates, start=start, record={"x": record}, chunk=CHUNK,
    )  # fmt: skip
    return run["x"]


def times(row) -> list[int]:
    """The generation of each number, the last one of a window."""
    return generations(row)[-1:] if averaged(row) else generations(row)


def averaged(row) -> bool:
    """Whether the number is a mean over a window of generations."""
    return str(row["generations"][0]).startswith("mean of")


def hits(row) -> bool:
    """Whether the number is a mean time and not a mean at a generation."""
    return row["generations"] == ["hitting time"]


def measured(row, entry) -> list[Measured]:
    """The row's numbers as an entry shows them."""
    replicates = entry.replicates if hits(row) else int(np.max(entry.count))
    if hits(row):
        assert entry.censored == 0
        times, weight = entry.generations, entry.hits / entry.replicates
        spread = np.sqrt((weight * times**2).sum() - entry.mean**2)
        return [Measured(float(entry.mean), float(spread / np.sqrt(replicates)))]
    mean, error = entry.mean, entry.standard_error
    if averaged(row):  # of each replicate; the row is a simulation itself
        each = entry.values.mean(axis=1, dtype=np.float64)
        return [Measured(float(each.mean()), float(each.std() / np.sqrt(replicates)), *row["standard_error"])]
    if METRICS.get(row["quantity"]) is metrics.trace:
        mean, error = mean / dimension_of(row), error / dimension_of(row)
    if row["quantity"].startswith("Var log"):
        # log variance is close to normal: the variance of its sample variance is 2 v^2 / R
        mean, error = entry.variance, entry.variance * np.sqrt(2 / replicates)
    if row["quantity"] == "P(P_k not in {0,1})":
        mean = 1 - mean
    if row["quantity"] == "lim R_t / R_0":
        first = _gini(row) / row["settings"]["n"]
        mean, error = mean / first, error / first
    if row["quantity"].startswith("P("):
        value = np.asarray(row["values"])
        error = np.sqrt(value * (1 - value) / replicates)
    published = row["standard_error"] if is_mixture(row) else np.zeros(len(mean))  # simulations themselves
    return [Measured(float(m), float(e), p) for m, e, p in zip(mean, error, published, strict=True)]


@functools.cache
def _gini_of(probabilities: bytes) -> float:
    return 1 - float(np.sum(np.frombuffer(probabilities) ** 2))


def _gini(row) -> float:
    return _gini_of(np.asarray(truth(row).probabilities).tobytes())


def wanted(value: float, quantity: str) -> float:
    """The largest standard error that still means something."""
    return (0.05 if quantity.startswith("P(") and value < 0.01 else 0.02) * abs(value)
