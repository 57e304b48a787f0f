"""Exact laws of linear regression whose labels are made anew by the last model."""

import numpy as np

from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .setting import Setting

QUANTITIES = frozenset({"test_error", "squared_error", "squared_norm"})
_DOMAIN = "least squares, normal features of any covariance"


def _law(name: str, title: str, source: str, domain: str) -> Law:
    return Law(name, title, "exact", source, f"{_DOMAIN}, {domain}", "fit to real")


REPLACE = _law(
    "ols-replacement",
    "Every fit adds the same error: linear growth",
    "Gerstgrasser et al., 2024, arXiv 2404.01413; Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712",
    "newest batch, last model, fresh features or one design, any sizes",
)
ACCUMULATE_DESIGN = _law(
    "ols-accumulate-design",
    "With all labels of one design the j-th fit adds 1/j^2: a bound of pi^2/6",
    "Gerstgrasser et al., 2024, arXiv 2404.01413; sum derived",
    "all batches, last model, one design",
)
ACCUMULATE = _law(
    "ols-accumulate",
    "With all rows so far a fit adds the less the more there are",
    "derived, after Gerstgrasser et al., 2024, arXiv 2404.01413",
    "all batches, last model, fresh features, any sizes",
)
MIXED = _law(
    "ols-real-share",
    "One fit to real and synthetic rows passes on part of the last model's error",
    "derived, after Dohmatob et al., 2024, arXiv 2410.04840",
    "newest batch, real and synthetic rows, fresh features",
)
MIXED_DESIGN = _law(
    "ols-real-share-design",
    "One fit to real and synthetic labels of one design",
    "derived, after He, Xu & Cheng, 2025, arXiv 2502.18049",
    "newest batch or all, real and synthetic labels, one design",
)
SHORTEST = Law(
    "minimum-norm",
    "With fewer rows than coefficients what the features do not span is lost",
    "exact",
    "Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712, Theorem 4.6; with noise derived",
    "minimum norm, uncorrelated normal features of variance 1, newest batch, last model",
    "fit to real",
)


ORACLE = _law(
    "ols-real-only",
    "Error of the fit to all real rows so far",
    "derived",
    "real rows alone, all batches, fixed counts",
)
TWO_FITS = _law(
    "ols-weighted-fits",
    "The average of a fit to real rows and one to synthetic rows",
    "He, Xu & Cheng, 2025, arXiv 2502.18049; finite sizes derived",
    "newest batch, fixed counts, fresh features or one design",
)
SAME_REAL = _law(
    "ols-same-real",
    "The same real rows in every fit keep a share of their own error, and of the last model's",
    "derived, after Alemohammad et al., 2023, arXiv 2307.01850; He, Xu & Cheng, 2025, arXiv 2502.18049",
    "real and newest, last model; the average of two fits, or any fit to one design",
)


def law_of(setting: Setting) -> Law | None:
    """The law whose domain holds the setting, if one does."""
    if setting.family != "linear-regression":
        return None
    # from the truth two parts of the first batch have one law, but on one design the same rows
    twice = setting.design is not None and bool(np.any(setting.fit_sizes != setting.design))
    if setting.estimator == "minimum-norm":
        covariance = np.asarray(setting.truth["covariance"])
        isotropic = np.array_equal(covariance, np.eye(len(covariance)))
        return SHORTEST if setting.replaces and isotropic and not twice else None
    if setting.informed:
        return _informed_law(setting)
    if setting.estimator != "maximum-likelihood" or setting.pool not in ("newest", "all"):
        return None
    if setting.replaces and not twice:
        return REPLACE
    if setting.design is not None:
        return ACCUMULATE_DESIGN if setting.source == "last-model" else MIXED_DESIGN
    if setting.pool == "all":
        return ACCUMULATE if setting.source == "last-model" else None
    return MIXED


def _informed_law(setting: Setting) -> Law | None:
    fixed = not setting.batches.random
    filtered = setting.estimator == "maximum-likelihood" and setting.pool == "real-only"
    if filtered or (setting.estimator == "real-only" and setting.pool == "all"):
        return ORACLE if fixed and setting.design is None and setting.start == "real" else None
    if setting.pool == "real-and-newest":
        return SAME_REAL if _same_real_applies(setting) else None
    parts = np.stack(setting.parts)
    fitted = bool(np.all((parts == 0) | (parts >= _dimension(setting))))
    two_fits = (
        fitted and setting.estimator == "weighted" and setting.combine == "fits" and setting.pool == "newest"
    )
    return TWO_FITS if two_fits and fixed else None


def _same_real_applies(setting: Setting) -> bool:
    two_fits = setting.estimator == "weighted" and setting.combine == "fits"
    one_fit = setting.design is not None and setting.estimator in ("maximum-likelihood", "weighted")
    enough = bool(np.all(setting.fit_sizes >= _dimension(setting)))
    return setting.start == "real" and setting.source == "last-model" and enough and (two_fits or one_fit)


def fit_error(dimension: int, rows: np.ndarray | int) -> np.ndarray:
    r"""$E\,\mathrm{tr}\,\Sigma (X^\top X)^{-1} = d/(n-d-1)$: the error of one fit to labels of unit noise.

    Infinite for n = d and n = d + 1. Source: Gerstgrasser et al., 2024, arXiv 2404.01413.
    """
    spare = np.asarray(rows, dtype=float) - dimension - 1
    return np.where(spare > 0, dimension / np.where(spare > 0, spare, 1), np.inf)


def passed_on(dimension: int, rows: int, mean: float, pairs: float) -> float:
    r"""$E\|(X^\top X)^{-1} X_m^\top X_m u\|^2$ for a unit vector u, where m of n rows are in $X_m$.

    What one fit to all rows keeps of the error of the model that labelled m of them; m may be random, with
    `mean` $E\,m$ and `pairs` $E\,m(m-1)$. Infinite for n = d and n = d + 1 where m is neither 0 nor n.
    Source: derived, after Dohmatob et al., 2024, arXiv 2410.04840.
    """
    n, d = rows, dimension
    if pairs >= n * (n - 1) and mean >= n:
        return 1.0
    if mean == 0:
        return 0.0
    if n <= d + 1:
        return np.inf
    # entries of the Gram matrix of m rows in units of that of all
    square, other = (pairs + 3 * mean) / (n * (n + 2)), pairs / (n * (n - 1))
    y = (square - other) / 3
    return other + 2 * y + y * (n * d - 2) / (n - d - 1)


def risk(setting: Setting) -> np.ndarray:
    r"""Test error $E\|w_t - w_*\|_\Sigma^2$ by generation, [T+1]; 0 for the truth itself.

    Arguments:
        setting: one of linear regression that `law_of` knows, fitted by least squares.
    """
    law, noise, d = law_of(setting), float(setting.truth["noise_variance"]), _dimension(setting)
    error, total, values = 0.0, 0, []
    for t in range(setting.generations + 1):
        n = int(setting.batches.sizes[t])
        if t >= setting.first:
            total = total + n if setting.pool == "all" else n
            kept = _kept(setting, law, d, t, total)
            before = kept * error if kept > 0 and error > 0 else 0.0  # none of an infinite error is none
            error = before + (noise * _added(setting, law, d, n, total) if noise > 0 else 0.0)
        values.append(error)
    return np.array(values)


def informed_risk(setting: Setting) -> np.ndarray:
    r"""Test error where real rows are known, [T+1].

    $R_t = w^2 e(n) + (1-w)^2 (R_{t-1} + e(m))$ with the error e of one fit, for fresh features and on one
    design alike. Where the same n rows come back $1 - (1-w)^2$ stands in place of $w^2$, since the covariance
    of any error with theirs stays $e(n)$; of one fit to one design $w = n/(n+m)$.
    Source: He, Xu & Cheng, 2025, arXiv 2502.18049; the same rows derived.
    """
    noise, d, error, values = float(setting.truth["noise_variance"]), _dimension(setting), 0.0, []
    real = np.rint(setting.batches.sizes * setting.batches.shares)
    synthetic = setting.batches.sizes - real
    if law_of(setting) is SAME_REAL:
        return noise * _same_real(setting) if noise > 0 else np.zeros(len(real))
    if law_of(setting) is ORACLE:
        return noise * fit_error(d, np.cumsum(real)) if noise > 0 else np.zeros(len(real))
    for t in range(setting.generations + 1):
        if t >= setting.first:
            n, m = int(real[t]), int(synthetic[t])
            weight = 1.0 if m == 0 else 0.0 if n == 0 else float(np.asarray(setting.weights)[t])
            ours = noise * float(fit_error(d, n)) if weight > 0 and noise > 0 else 0.0
            theirs = noise * float(fit_error(d, m)) if weight < 1 and noise > 0 else 0.0
            passed = (1 - weight) ** 2 * (error + theirs) if weight < 1 else 0.0
            error = weight**2 * ours + passed
        values.append(error)
    return np.array(values)


def _same_real(setting: Setting) -> np.ndarray:
    """In units of the noise; m labels of one design of n rows err as m/n fits to it do."""
    d, sizes = _dimension(setting), setting.batches.sizes
    fits = fit_error(d, sizes)
    if setting.design is not None:
        fits = fit_error(d, setting.design) * setting.design / sizes
    values = [float(fits[0])]
    for t in range(1, len(sizes)):
        w = float(sizes[0]) / float(sizes[0] + sizes[t])
        if setting.estimator == "weighted":
            w = float(np.asarray(setting.weights)[t])
        made = (1 - w) ** 2 * (values[-1] + float(fits[t])) if w < 1 else 0.0
        values.append((1 - (1 - w) ** 2) * float(fits[0]) + made)
    return np.array(values)


def _added(setting: Setting, law: Law | None, d: int, n: int, total: int) -> float:
    if law in (ACCUMULATE_DESIGN, MIXED_DESIGN):
        assert setting.design is not None
        return float(fit_error(d, setting.design)) * setting.design * n / total**2
    return float(fit_error(d, total)) * n / total


def _kept(setting: Setting, law: Law | None, d: int, t: int, total: int) -> float:
    n, share = int(setting.batches.sizes[t]), float(setting.batches.shares[t])
    if law is MIXED_DESIGN:
        return (1 - share * n / total) ** 2
    if law is MIXED and t > 0:
        if setting.batches.random:
            return passed_on(d, n, n * (1 - share), n * (n - 1) * (1 - share) ** 2)
        m = n - round(share * n)
        return passed_on(d, n, m, m * (m - 1))
    return 1.0


def error_variance(setting: Setting) -> np.ndarray | None:
    r"""Variance over replicates of the test error under replacement, [T+1]; infinite for $n \le d + 3$.

    One fit's error is a ratio of chi-squares, $s^2 \chi^2_d / \chi^2_{n-d+1}$ (Hotelling). With fresh
    features errors are independent and spherical, $E\|e+a\|^4 = E\|e\|^4 + E\|a\|^4
    + (2 + 4/d) E\|e\|^2 E\|a\|^2$; on one design all have its covariance. Source: derived.
    """
    if law_of(setting) is not REPLACE:
        return None
    noise, d = float(setting.truth["noise_variance"]), _dimension(setting)
    mean, fourth, fits, values = 0.0, 0.0, 0, []
    for t in range(setting.generations + 1):
        if t >= setting.first and noise > 0:
            n, fits = int(setting.batches.sizes[t]), fits + 1
            one = noise * float(fit_error(d, n))
            square = noise**2 * d * (d + 2) / ((n - d - 1) * (n - d - 3)) if n > d + 3 else np.inf
            if setting.design is not None:
                mean, fourth = fits * one, fits**2 * square
            else:
                cross = (2 + 4 / d) * mean * one if mean > 0 else 0.0
                mean, fourth = mean + one, fourth + square + cross
        values.append(fourth - mean**2 if np.isfinite(fourth) else np.inf)
    return np.array(values)


def shortest(setting: Setting) -> dict[str, np.ndarray]:
    r"""$E\|w_t\|^2$ and $E\|w_t - w_*\|^2$ of minimum-norm fits, each [T+1].

    A fit to n < d rows projects on a random subspace: lengths shrink by n/d, with the truth too; on one
    design only the first does. Noise adds $s^2 n/(d-n-1)$ or $s^2 d/(n-d-1)$, infinite between.
    Source: Dohmatob, Feng & Kempe, 2024, arXiv 2402.07712; with noise derived.
    """
    noise, d = float(setting.truth["noise_variance"]), _dimension(setting)
    length = float(np.sum(np.asarray(setting.truth["coefficients"]) ** 2))
    norm, along, rows = length, length, []
    for t in range(setting.generations + 1):
        if t >= setting.first:
            n = int(setting.batches.sizes[t])
            kept = 1.0 if setting.design is not None and t > setting.first else min(n / d, 1.0)
            few, many = min(n, d), max(n, d)
            added = noise * float(fit_error(few, many)) if noise > 0 else 0.0
            norm, along = kept * norm + added, kept * along
        rows.append((norm, norm - 2 * along + length))
    norms, errors = np.array(rows).T
    return {"squared_norm": norms, "squared_error": errors, "test_error": errors}


def _dimension(setting: Setting) -> int:
    return len(np.asarray(setting.truth["coefficients"]))


def applies(setting: Setting) -> bool:
    """Whether a law is known."""
    return setting.same_family and law_of(setting) is not None


def means(setting: Setting) -> dict[str, np.ndarray]:
    """What is known of a setting that `law_of` knows, by metric, each [T+1].

    Coefficients err with the inverse covariance. Source: that of the law.
    """
    if law_of(setting) is SHORTEST:
        return shortest(setting)
    error = informed_risk(setting) if setting.informed else risk(setting)
    inverse = np.linalg.inv(np.asarray(setting.truth["covariance"], dtype=float))
    return {"test_error": error, "squared_error": error * float(np.trace(inverse)) / len(inverse)}


def heavy_tailed(setting: Setting) -> bool:
    """Whether a fit has so few rows that its error has no variance: one has from d + 4 rows on."""
    d, sizes = _dimension(setting), setting.fit_sizes
    return bool(np.any((sizes < d + 4) & (sizes > d - 4)))


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Test error, and squared error of the coefficients."""
    law, values, variance = law_of(setting), means(setting), error_variance(setting)
    assert law is not None
    return [
        Prediction(
            law,
            name,
            "mean",
            generations,
            values[name][generations],
            variance=variance[generations] if variance is not None and name == "test_error" else None,
            heavy_tailed=heavy_tailed(setting),
        )
        for name in plain(asked)
        # an error that is 0 without noise is rounding's in any program
        if name in values and (float(setting.truth["noise_variance"]) > 0 or np.any(values[name] > 0))
    ]


CHAPTER = Chapter(
    (REPLACE, ACCUMULATE_DESIGN, ACCUMULATE, MIXED, MIXED_DESIGN, SHORTEST), QUANTITIES, applies, predict
)
"""What `catalogue` asks."""
INFORMED = Chapter((ORACLE, TWO_FITS, SAME_REAL), QUANTITIES, applies, predict, regime="informed")
"""What it asks where the estimator knows which rows are real."""
