"""Published numbers as settings: the rows of targets.json in the vocabulary of `mcollapse.theory`."""

import re
from typing import Any

import numpy as np

from mcollapse import theory
from tests.theory.rows import (
    ROWS,
    design_of,
    dimension_of,
    is_logistic,
    is_mixture,
    is_multivariate,
    is_regression,
    noise_of,
)

OWN = {"pub-far-bump-n1000"}
"""Rows of a family that is not ours: tests/test_far_bump.py."""
LAWFUL = [row for row in ROWS if not is_mixture(row) and row["id"] not in OWN]
"""Of mixtures there are bounds alone: their numbers are hit by simulation."""
SIMULATED = [row for row in LAWFUL if all(isinstance(at, int) for at in row["generations"])]
LIMITS = {row["id"]: row for row in LAWFUL if row not in SIMULATED}

PAST = {"window of models": "fixed", "uniform over models": "random"}
"""How points choose among past models."""

QUANTITIES = {
    "E ||theta_t - theta*||_2^2": "squared_error",
    "E ||P_t - p||_2^2": "squared_error",
    "E chi2(theta_t || theta*)": "chi_square",
    "S_k = E sum_i p_i^2": "concentration",
    "P(P_k != 0)": "alive",
    "P(Lambda_k != 0)": "alive",
    "Var Lambda_k": "squared_error",
    "P(P_k not in {0,1})": "interior",
    "E number of distinct surviving symbols": "support",
    "P(one symbol has all mass by generation k)": "single_symbol",
    "E log var_k": "log_variance",
    "Var log var_k": "log_variance",
    "E sd_k": "standard_deviation",
    "P(sd_k > eps)": "standard_deviation",
    "E mean_k^2": "squared_error",
    "E mean_t^2": "squared_error",
    "E mean_t^2 per coordinate": "squared_error",
    "E var_k": "variance",
    "E var_t": "variance",
    "E var_t (= E trace ratio)": "variance",
    "E ||mean_k||^2": "squared_error",
    "E ||mean_t||^2": "squared_error",
    "long-run E ||mean_t||^2, one value per w": "squared_error",
    "E tr(Sigma_k)/d": "trace",
    "E tr Sigma_k / d": "trace",
    "E log det Sigma_k": "log_determinant",
    "Var log det Sigma_k": "log_determinant",
    "E ||Sigma_k - I||_F^2": "frobenius_squared",
    "long-run E ||Sigma_t - I||_F^2, one value per w": "frobenius_squared",
    "E ||w_k - w*||^2 after k fits (k=1: real data)": "squared_error",
    "E ||w_down - w*||^2 after k synthetic generations (k=0: real labels)": "squared_error",
    "E ||w_k||^2": "squared_norm",
    "long-run E ||b_t - b*||^2, one value per w": "squared_error",
    "E W2^2(N(mean_k,var_k), N(0,1))": "wasserstein2_squared",
    "E int (F_t - F)^2 dF": "cramer_von_mises",
    "long-run E int (F_t - F)^2 dF, one value per w": "cramer_von_mises",
    "E variance of the fitted law": "variance",
}


def sizes_of(rule: dict[str, Any] | int, generations: int) -> np.ndarray:
    t = np.arange(generations + 1)
    if isinstance(rule, int):
        return np.full(generations + 1, rule)
    growth = {
        "constant": np.ones(generations + 1),
        "linear": 1.0 + t,
        "sqrt": np.sqrt(1.0 + t),
        "geometric": rule.get("ratio", 1.0) ** t.astype(float),
    }[rule["schedule"]]
    return np.floor(rule["n0"] * growth * (1 + 1e-12)).astype(int)


def shares_of(rule: dict[str, Any] | float, generations: int) -> np.ndarray:
    if not isinstance(rule, dict):
        return np.full(generations + 1, float(rule))
    t = np.maximum(np.arange(generations + 1), 1).astype(float)
    return np.minimum(1, rule["a"] * t ** -rule.get("power", 0.0))


def law_of(truth: dict[str, Any]) -> np.ndarray:
    if truth["law"] == "explicit":
        return np.array(truth["p"])
    ranks = np.arange(1.0, truth["K"] + 1)
    weights = (ranks + truth.get("shift", 0.0)) ** -truth.get("exponent", 0.0)
    return weights / weights.sum()


def setting_of(row: dict[str, Any], **changes: Any) -> theory.Setting:
    """The experiment of a row; changes make a mutant of it."""
    given, generations = row["settings"], int(max(row["generations"]))
    parts = {"family": "gaussian", "estimator": "maximum-likelihood", "truth": {"mean": 0.0, "variance": 1.0}}
    parts["start"] = "truth" if row["generation_zero"] == "truth" else "real"
    pools = {"latest_only": "newest", "accumulate": "all", "accumulate_subsample": "subsample"}
    parts["pool"] = pools.get(row["pool"], "newest")  # past models are another source
    if row["family"] == "bernoulli":
        parts |= {"family": "bernoulli", "truth": {"probability": given["p0"]}}
    if row["family"] == "categorical":
        parts |= {"family": "categorical", "truth": {"probabilities": law_of(given["truth"])}}
    if row["family"] == "poisson":
        parts |= {"family": "poisson", "truth": {"rate": given["lambda0"]}}
    if row["family"] in ("ecdf", "kde"):
        return theory.Setting(**(parts | _points(row, generations) | changes))
    if is_regression(row) or is_logistic(row):
        return theory.Setting(**(parts | _regression(row, generations) | changes))
    if is_multivariate(row):
        return theory.Setting(**(parts | _multivariate(row, generations) | changes))
    if "N_real_fixed" in given or "same real sample" in row["source_of_data"]:
        return theory.Setting(**(parts | _partial(row, generations) | changes))
    if row["id"].startswith("pub-kg"):
        informed = {"oracle": "real-only", "debiased": "debiased"}.get(
            row["id"].split("-")[-1], parts["estimator"]
        )
        parts |= {"estimator": informed, "pool": "newest" if informed == "debiased" else "all"}
    names = ("n_t", "n", "n_per_generation", "n_per_batch", "n_real")
    parts["sizes"] = sizes_of(next(given[name] for name in names if name in given), generations)
    if row["pool"] == "accumulate_subsample":
        parts["budget"] = np.full(generations + 1, given["fit_size"])
    if "alpha" in given or "alpha_t" in given:
        shares = shares_of(given.get("alpha_t", given.get("alpha")), generations)
        fixed = "split" in row["source_of_data"] or "fixed counts" in row["source_of_data"]
        parts |= {"source": "mixture", "shares": shares, "counts": "fixed" if fixed else "random"}
    elif row["pool"] in PAST:
        parts |= {"source": "past-models", "window": given.get("K"), "counts": PAST[row["pool"]]}
    elif "n_synthetic" in given:
        split = {
            name: np.full(generations + 1, given[f"n_{name[:-6]}"])
            for name in ("real_sizes", "synthetic_sizes")
        }
        parts |= {"source": "split"} | split
    else:
        parts["source"] = "last-model"
    if "sampling_variance_factor" in given:
        parts["variance_factors"] = np.full(generations + 1, given["sampling_variance_factor"])
    ddof = re.search(r"ddof=(\d)", row["estimator"])
    parts["known_variance"] = "variance known" in row["estimator"]
    parts["ddof"] = int(ddof.group(1)) if ddof else 0
    return theory.Setting(**(parts | changes))


def _points(row: dict[str, Any], generations: int) -> dict[str, Any]:
    given = row["settings"]
    size = np.full(generations + 1, given.get("n", given.get("n_per_generation")))
    parts = {
        "family": "kernel-density" if "h" in given else "empirical",
        "truth": {"variance": 1.0, "dimension": 1.0, "spread": 1 / 6},
        "bandwidth": given.get("h", 0.0),
        "sizes": size,
        "source": "last-model",
    }
    if "m" in given:
        split = {"real_sizes": size, "synthetic_sizes": np.full(generations + 1, given["m"])}
        weights = np.full(generations + 1, given["w"])
        parts |= {"source": "split", "estimator": "weighted", "weights": weights} | split
    return parts


def _regression(row: dict[str, Any], generations: int) -> dict[str, Any]:
    given, d = row["settings"], dimension_of(row)
    rows = np.full(generations + 1, given.get("T0", given.get("T", given.get("n"))))
    coefficients = np.eye(d)[0] if "w_norm_sq" in given else np.zeros(d)
    parts = {
        "family": "linear-regression",
        "truth": {"coefficients": coefficients, "noise_variance": noise_of(row), "covariance": np.eye(d)},
        "sizes": rows * np.arange(generations + 1) if "iT rows" in row["source_of_data"] else rows,
        "source": "last-model",
        "design": design_of(row),
    }
    if is_logistic(row):
        truth = {"coefficients": np.ones(d), "covariance": np.eye(d)}
        parts |= {"family": "logistic-regression", "truth": truth}
    if "minimum-norm" in row["estimator"]:
        parts["estimator"] = "minimum-norm"
    if "m" in given:
        split = {"real_sizes": rows, "synthetic_sizes": np.full(generations + 1, given["m"])}
        weights = np.full(generations + 1, given["w"])
        parts |= {"source": "split", "estimator": "weighted", "combine": "fits", "weights": weights} | split
    return parts


def _multivariate(row: dict[str, Any], generations: int) -> dict[str, Any]:
    given, d = row["settings"], dimension_of(row)
    ddof = re.search(r"ddof=(\d)", row["estimator"])
    size = np.full(generations + 1, given.get("n", given.get("n_i")))
    parts = {
        "family": "multivariate-gaussian",
        "truth": {"mean": np.zeros(d), "covariance": np.eye(d)},
        "sizes": size,
        "source": "last-model",
        "ddof": int(ddof.group(1)) if ddof else 0,
    }
    if "m" in given:
        split = {"real_sizes": size, "synthetic_sizes": np.full(generations + 1, given["m"])}
        weights = np.full(generations + 1, given["w"])
        parts |= {"source": "split", "estimator": "weighted", "combine": "fits", "weights": weights} | split
        parts["known_variance"] = "or known" in row["estimator"]
    return parts


def _partial(row: dict[str, Any], generations: int) -> dict[str, Any]:
    """The same real sample in every generation; rows that count from the truth speak of fits, ours from 0."""
    given = row["settings"]
    real = given.get("N_real_fixed", given.get("n_real"))
    last = generations - 1 if row["generation_zero"] == "truth" else generations
    sizes = np.concatenate([[real], np.full(last, given["n_synthetic"])])
    parts = {"pool": "real-and-newest", "start": "real", "source": "last-model", "sizes": sizes}
    unbiased = "ddof=1" in row["estimator"]
    return parts | ({"estimator": "unbiased", "ddof": 1} if unbiased else {})


def engine_generations(row: dict[str, Any]) -> np.ndarray:
    """Generations of ours: the fit to the fixed real sample is our generation 0, and theirs 1."""
    at = np.array(row["generations"])
    return at - 1 if "N_real_fixed" in row["settings"] else at


def exact(
    setting: theory.Setting | theory.DownstreamSetting,
    name: str,
    generations: Any,
    statistic: str = "mean",
    **parameters: float,
):
    """The one exact prediction of a quantity."""
    found = theory.predictions(setting, [(name, parameters)], np.asarray(generations))
    found = [p for p in found if p.law.kind == "exact" and p.statistic == statistic]
    assert len(found) == 1, [p.law.name for p in found]
    return found[0]


def predicted(row: dict[str, Any], **changes: Any) -> np.ndarray:
    """What theory says of a row."""
    setting, at, name = setting_of(row, **changes), engine_generations(row), QUANTITIES[row["quantity"]]
    if name == "interior":
        return 1 - exact(setting, "single_symbol", at).values
    if row["id"] == "pub-ols-chain":  # a downstream model with rows and noise of its own
        downstream = theory.DownstreamSetting(setting, row["settings"]["T"], row["settings"]["noise_var"])
        return exact(downstream, name, at).values
    if row["quantity"].startswith("P(sd"):
        return exact(setting, name, at, "probability", above=row["settings"]["eps"]).values
    statistic = "variance" if row["quantity"].startswith("Var log") else "mean"
    scale = dimension_of(row) if name == "trace" else 1
    return exact(setting, name, at, statistic).values / scale
