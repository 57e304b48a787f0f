"""A plain description of an experiment: all that the laws need to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

CHOICES = {
    "family": (
        "bernoulli", "categorical", "poisson", "gaussian", "multivariate-gaussian", "linear-regression",
        "next-token", "empirical", "kernel-density", "location", "logistic-regression", "poisson-regression",
        "symmetric-mixture", "markov-text",
    ),
    "estimator": (
        "maximum-likelihood", "unbiased", "add-constant", "real-only", "debiased", "weighted", "minimum-norm",
        "approximate-joint-ml", "ridge",
    ),
    "source": ("last-model", "mixture", "split", "past-models"),
    "pool": ("newest", "all", "subsample", "real-and-newest", "real-only", "window"),
    "start": ("real", "truth"),
    "counts": ("random", "fixed"),
    "combine": ("rows", "fits"),
    "context_counts": ("fixed", "random"),
}  # fmt: skip


Regime = Literal["agnostic", "informed", "remembering", "decoded", "biased", "beyond"]


@dataclass(frozen=True)
class Batches:
    """What is drawn at each generation, whatever the source.

    Arguments:
        sizes: points drawn, int [T+1]; entry 0 is n_0, all of it real.
        shares: real share of each batch, [T+1]; entry 0 is 1.
        random: the number of real points is binomial, not fixed.
    """

    sizes: np.ndarray
    shares: np.ndarray
    random: bool


@dataclass(frozen=True, eq=False)
class Setting:
    """A recursive training experiment as numbers.

    Arguments:
        family: "bernoulli", "categorical", "poisson", "gaussian" (one-dimensional), "multivariate-gaussian",
            "linear-regression", "logistic-regression", "poisson-regression", "next-token" (many contexts at
            once), "empirical", "kernel-density" (needs bandwidth), "location", "symmetric-mixture" or
            "markov-text".
        estimator: "maximum-likelihood", "unbiased", "add-constant", "real-only" (maximum likelihood of the
            real points), "debiased", "weighted" (needs weights), "approximate-joint-ml" (eta = 2) or "ridge"
            (needs a penalty).
        source: "last-model", "mixture" (needs shares), "split" (needs real_sizes and synthetic_sizes) or
            "past-models".
        pool: "newest", "all", "subsample" (needs budget), "real-and-newest", "real-only" or "window" (needs
            window).
        start: "real", where generation 0 is fitted to n_0 real points, or "truth", where it is the truth.
        sizes: n_0 ... n_T in points, int [T+1]; of "split" only n_0 is read.
        truth: {"probabilities": [K]} or, of next tokens, [C, K], {"probability": scalar}, {"rate": scalar},
            {"mean": scalar, "variance": scalar}, {"location": scalar, "variance": scalar of a component},
            {"mean": [d], "covariance": [d, d]} or {"coefficients": [d],
            "noise_variance": scalar, "covariance": [d, d] of the features}, where regressions other than the
            linear one have no noise; of rows, in d dimensions, {"variance": the trace of the covariance,
            "dimension": d, "spread": the integral of F(1 - F) dF, or 0 where there is no one distribution
            function}; of a location, {"point_variance": that of the influence of a point}; of
            a text, for each of its n-grams, {"weights": [G], "context": [G], a number, "following": [G], the
            context that it ends with or -1, "words": [G, k + 1]} and {"sentence": n-grams of one}.
        shares: alpha_t, [T+1]; entry 0 is never read.
        real_sizes: real points of each generation of "split", int [T+1]; entry 0 is never read.
        synthetic_sizes: its synthetic points, int [T+1]; entry 0 is never read.
        counts: of a mixture, "random" (every draw is real with probability alpha_t) or "fixed" (exactly
            alpha_t n_t real draws, rounded down); of past models, whether every draw chooses its model.
        budget: points of the subsample, int [T+1]; the whole pool where that is smaller.
        window: how many past models points come from, None for all; or how many batches the pool holds.
        weights: of "weighted", the total weight w_t of the real points, [T+1]; entry 0 is never read.
        variance_factors: by how much a model's points vary more than it says, [T+1]; entry 0 is never read.
        biases: by how much the mean of the real points of each generation is off, [T+1].
        combine: of "weighted", one fit to weighted "rows", or the average of two "fits".
        contexts: weights of the contexts of next tokens, [C]; all alike where left out.
        context_counts: "fixed" where each context has its share of the points, else "random".
        design: of a regression, rows that are labelled anew in every batch; None where features are fresh.
        ddof: the variance is divided by size - ddof.
        known_variance: only the mean of the Gaussian is fitted.
        bandwidth: of a kernel density, the kernel's standard deviation along each axis, or its rule: "scott",
            "silverman" or "normal-reference".
        fit: of a location, "mean", whose laws are exact, or "median".
        constant: what "add-constant" adds to every count.
        same_family: the truth is a law of the family.

    Raises:
        ValueError: a choice is unknown, an array is missing or has the wrong length, a size is below
            1, a share is outside [0, 1], or the truth is no law.
    """

    family: str
    estimator: Literal[
        "maximum-likelihood",
        "unbiased",
        "add-constant",
        "real-only",
        "debiased",
        "weighted",
        "minimum-norm",
        "approximate-joint-ml",
        "ridge",
    ]
    source: Literal["last-model", "mixture", "split", "past-models"]
    pool: Literal["newest", "all", "subsample", "real-and-newest", "real-only", "window"]
    start: Literal["real", "truth"]
    sizes: np.ndarray
    truth: Mapping[str, np.ndarray | float]
    shares: np.ndarray | None = None
    real_sizes: np.ndarray | None = None
    synthetic_sizes: np.ndarray | None = None
    counts: Literal["random", "fixed"] = "random"
    budget: np.ndarray | None = None
    window: int | None = None
    weights: np.ndarray | None = None
    variance_factors: np.ndarray | None = None
    biases: np.ndarray | None = None
    combine: Literal["rows", "fits"] = "rows"
    design: int | None = None
    ddof: int = 0
    known_variance: bool = False
    bandwidth: float | str = 0.0
    fit: str = "mean"
    constant: float = 0.0
    penalty: float = 0.0
    same_family: bool = True
    contexts: np.ndarray | None = None
    context_counts: Literal["fixed", "random"] = "fixed"

    def __post_init__(self):
        """Reject what is no experiment."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; use one of {choices}")
        for name in _needed(self):
            array = getattr(self, name)
            if array is None or np.shape(array) != np.shape(self.sizes):
                raise ValueError(f"this setting needs {name}, an array of the length of sizes")
        budget = np.ones(1) if self.budget is None else np.asarray(self.budget)[self.first :]
        if self.window is not None and self.window < 1 or (self.pool == "window" and self.window is None):
            raise ValueError("a window holds at least one batch or model")
        if self.source == "past-models" and self.pool == "window":
            raise ValueError("past models and a window of batches have one number for both: no law is known")
        if np.any(self.fit_sizes < 1) or np.any(budget < 1):
            raise ValueError("every generation needs at least one point, and so does a budget")
        if self.constant < 0:
            raise ValueError("a constant that is added to counts is not negative")
        if (self.estimator == "ridge") != (self.penalty > 0) or not 0 <= self.penalty < np.inf:
            raise ValueError("ridge has a penalty above 0, and no other estimator has one")
        weights = np.ones(1) if self.weights is None else np.asarray(self.weights)[1:]
        if np.any((weights <= 0) | (weights > 1)):
            raise ValueError("weights of the real points lie in (0, 1]")
        factors = np.ones(1) if self.variance_factors is None else np.asarray(self.variance_factors)
        if self.variance_factors is not None and (
            factors.shape != np.shape(self.sizes) or np.any(factors[1:] <= 0)
        ):
            raise ValueError("variance factors are positive numbers, as many as sizes")
        if self.biases is not None and np.shape(self.biases) != np.shape(self.sizes):
            raise ValueError("biases are numbers, as many as sizes")
        if np.any((self.batches.shares < 0) | (self.batches.shares > 1)):
            raise ValueError("real shares lie in [0, 1]")
        _check_truth(self)

    @property
    def generations(self) -> int:
        """T: the number of steps after generation 0."""
        return len(self.sizes) - 1

    @property
    def first(self) -> int:
        """The generation of the first fit: 0 for start "real", 1 for start "truth"."""
        return 0 if self.start == "real" else 1

    @property
    def batches(self) -> Batches:
        """Sizes and real shares of what is drawn, one description for the three sources."""
        if self.source == "split":
            real, synthetic = np.asarray(self.real_sizes), np.asarray(self.synthetic_sizes)
            sizes = real + synthetic
            sizes = np.concatenate([np.asarray(self.sizes)[:1], sizes[1:]])
            return Batches(sizes, _headed(real / np.maximum(sizes, 1)), random=False)
        sizes = np.asarray(self.sizes)
        if self.source in ("last-model", "past-models"):
            return Batches(sizes, _headed(np.zeros(len(sizes))), random=False)
        shares = _headed(np.asarray(self.shares, dtype=float))
        if self.counts == "fixed":
            # 0.29 of 100 points are 29, whatever the last bit of 0.29 * 100 says.
            return Batches(sizes, np.floor(shares * sizes * (1 + 1e-12)) / sizes, random=False)
        return Batches(sizes, shares, random=True)

    @property
    def fit_sizes(self) -> np.ndarray:
        """Sizes of the batches that are fitted, from the first fit on, int [T + 1 - first]."""
        return self.batches.sizes[self.first :]

    @property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Real and synthetic points of each fitted batch, [T + 1 - first], where their numbers are fixed."""
        real = np.rint(self.batches.sizes * self.batches.shares)[self.first :]
        return real, self.fit_sizes - real

    @property
    def replaces(self) -> bool:
        """Whether every generation is trained on draws of the last model and on nothing else."""
        # A real share at the first step from the truth changes nothing: its two parts have one law.
        last_alone = self.source != "past-models" or self.window == 1
        return self.pool == "newest" and last_alone and not np.any(self.batches.shares[1 + self.first :])

    @property
    def informed(self) -> bool:
        """Whether provenance matters to the estimator, or the pool keeps real points."""
        keeps = self.pool in ("real-and-newest", "real-only")
        return self.estimator in ("real-only", "debiased", "weighted") or keeps

    @property
    def regime(self) -> "Regime":
        """Which laws can speak of it.

        "informed" where provenance matters, "remembering" where several past models or a window of batches
        do, "decoded" where points are not drawn from the model as it is, "biased" where real ones are not
        drawn from the truth as it is, "beyond" where two of these are, of which no law is known; else
        "agnostic".
        """
        decoded = self.variance_factors is not None
        plain = self.estimator in ("maximum-likelihood", "unbiased")
        augmented = decoded and plain and self.pool == "real-and-newest"  # of which a law is known
        regimes: dict[Regime, bool] = {
            "informed": self.informed and not augmented,
            "remembering": self.pool == "window" or (self.source == "past-models" and self.window != 1),
            "decoded": decoded,
            "biased": self.biases is not None,
        }
        found: list[Regime] = [regime for regime, holds in regimes.items() if holds]
        return "agnostic" if not found else found[0] if len(found) == 1 else "beyond"

    @property
    def constant_size(self) -> bool:
        """Whether all fitted batches are of one size."""
        return bool(np.all(self.fit_sizes == self.fit_sizes[:1]))

    @property
    def of_symbols(self) -> bool:
        """Whether the model is a table of probabilities: Bernoulli or categorical."""
        return self.family in ("bernoulli", "categorical")

    @property
    def context_weights(self) -> np.ndarray:
        """Shares of the contexts of next tokens, [C]."""
        contexts = len(np.asarray(self.truth["probabilities"]))
        return np.full(contexts, 1 / contexts) if self.contexts is None else np.asarray(self.contexts, float)

    @property
    def probabilities(self) -> np.ndarray:
        """The truth's probabilities, [K]; a Bernoulli truth is (1 - p, p)."""
        if self.family == "bernoulli":
            chance = float(self.truth["probability"])
            return np.array([1 - chance, chance])
        return np.asarray(self.truth["probabilities"], dtype=float)


def fits_at(setting: Setting, generations: np.ndarray) -> np.ndarray:
    """Number of fits made by each engine generation, int [G]: t + 1 after a real start, t after the truth."""
    return np.asarray(generations) + 1 - setting.first


def _headed(shares: np.ndarray) -> np.ndarray:
    # Generation 0, where there is one to fit, is all real, whatever the caller left in entry 0.
    return np.concatenate([np.ones(1), shares[1:]])


def _needed(setting: Setting) -> list[str]:
    needed = []
    if setting.source == "mixture":
        needed += ["shares"]
    if setting.source == "split":
        needed += ["real_sizes", "synthetic_sizes"]
    if setting.pool == "subsample":
        needed += ["budget"]
    if setting.estimator == "weighted":
        needed += ["weights"]
    return needed


def _check_truth(setting: Setting) -> None:
    if setting.family == "gaussian":
        if not (np.isfinite(setting.truth["mean"]) and 0 < float(setting.truth["variance"]) < np.inf):
            raise ValueError("a Gaussian truth needs a finite mean and a finite, positive variance")
        return
    if setting.family == "poisson":
        if not 0 <= float(setting.truth["rate"]) < np.inf:
            raise ValueError("a Poisson truth needs a finite rate of at least 0")
        return
    if setting.family == "symmetric-mixture":
        location, variance = float(setting.truth["location"]), float(setting.truth["variance"])
        if not (0 <= location < np.inf and 0 < variance < np.inf):
            raise ValueError(
                "a symmetric mixture needs a finite location of at least 0 and a finite, positive variance"
            )
        return
    if setting.family == "multivariate-gaussian":
        covariance = np.asarray(setting.truth["covariance"], dtype=float)
        if np.shape(setting.truth["mean"]) != covariance.shape[:1] or np.linalg.eigvalsh(covariance)[0] <= 0:
            raise ValueError("a Gaussian truth needs a mean [d] and a positive definite covariance [d, d]")
        return
    if setting.family in ("empirical", "kernel-density"):
        _check_rows(setting.truth, setting.bandwidth)
        return
    if setting.family == "markov-text":
        _check_text(setting.truth)
        return
    if setting.family == "location":
        if not 0 < float(setting.truth["point_variance"]) < np.inf or setting.fit not in ("mean", "median"):
            raise ValueError("a location needs a positive, finite point_variance and the fit mean or median")
        return
    if setting.family.endswith("-regression"):
        _check_regression(setting.truth)
        return
    chances = setting.probabilities
    if setting.family == "next-token":
        if chances.ndim != 2 or np.any(chances < 0) or np.any(np.abs(chances.sum(axis=1) - 1) > 1e-4):
            raise ValueError(
                "the truth of next tokens is a row of probabilities that sum to 1 for each context"
            )
        weights = setting.context_weights
        if weights.shape != chances.shape[:1] or np.any(weights <= 0) or abs(weights.sum() - 1) > 1e-4:
            raise ValueError("weights of contexts are positive and sum to 1, one for each context")
        return
    if chances.ndim != 1 or np.any(chances < 0) or abs(chances.sum() - 1) > 1e-4:
        raise ValueError("the truth's probabilities are one row of non-negative numbers that sum to 1")


def _check_regression(truth: Mapping[str, np.ndarray | float]) -> None:
    coefficients, covariance = np.asarray(truth["coefficients"]), np.asarray(truth["covariance"])
    if coefficients.ndim != 1 or covariance.shape != (len(coefficients), len(coefficients)):
        raise ValueError("a regression needs coefficients [d] and a covariance [d, d]")
    if not 0 <= float(truth.get("noise_variance", 0.0)) < np.inf or np.linalg.eigvalsh(covariance)[0] <= 0:
        raise ValueError(
            "a regression needs a noise variance of at least 0 and a positive definite covariance"
        )


def _check_text(truth: Mapping[str, np.ndarray | float]) -> None:
    weights, words = np.asarray(truth["weights"]), np.asarray(truth["words"])
    same = {np.shape(truth[name]) for name in ("context", "following")} == {weights.shape}
    if not same or words.ndim != 2 or len(words) != len(weights) or not float(truth["sentence"]) >= 1:
        raise ValueError(
            "a text has weights, contexts and words for each n-gram, and sentences of one at least"
        )
    if np.any(weights < 0) or not np.any(weights > 0):
        raise ValueError("weights of n-grams are not negative, and one is positive")


def _check_rows(truth: Mapping[str, np.ndarray | float], bandwidth: float | str) -> None:
    known = bandwidth in ("scott", "silverman", "normal-reference")
    if isinstance(bandwidth, str) and not known or not isinstance(bandwidth, str) and bandwidth < 0:
        raise ValueError(f"a bandwidth is a number of at least 0 or a rule, got {bandwidth!r}")
    if not 0 <= float(truth["variance"]) < np.inf or float(truth["dimension"]) < 1:
        raise ValueError("rows need a truth of finite variance, in at least one dimension")
    if not 0 <= float(truth["spread"]) <= 0.25:
        raise ValueError("the integral of F(1 - F) dF lies between 0 and 1/4; it is 1/6 of a continuous law")
