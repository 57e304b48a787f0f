"""Laws of co-evolving text and images, where one of them can be taken by itself."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .binomial import binomial_law
from .chapter import Asked, Chapter, plain
from .law import Law, Prediction
from .setting import Regime

QUANTITIES = frozenset({"concentration", "probabilities", "class_errors", "class_traces"})
FROZEN_IMAGES = Law(
    "coevolution-frozen-images",
    "Text read from frozen images loses diversity by 1/N a step, less what overlap of the images spares",
    "exact",
    "derived, after Gao & Li, 2025, arXiv 2503.08117",
    "text steps alone from the truth, with or without corpus injections; a bracket where images overlap",
    "truth",
)
READ = Law(
    "coevolution-text",
    "However images evolve and overlap, text loses no more diversity than by 1/N a step",
    "upper bound",
    "derived, after Gao & Li, 2025, arXiv 2503.08117",
    "any text and image steps, with or without corpus injections and user images",
    "truth",
)
MARTINGALE = Law(
    "coevolution-text-mean",
    "The average posterior is a martingale, and injections move its mean towards the corpus",
    "exact",
    "derived, after Gao & Li, 2025, arXiv 2503.08117",
    "any text and image steps, with or without corpus injections and user images",
    "truth",
)
IMAGES = Law(
    "coevolution-images",
    "Images of each token are refitted to their own and to those of users",
    "exact",
    "derived, after Gao & Li, 2025, arXiv 2503.08117",
    "a fixed number of images of each token, or tokens drawn from a frozen text; any ddof",
    "truth",
)


@dataclass(frozen=True, eq=False)
class CoevolutionSetting:
    """Two models as numbers.

    Arguments:
        probabilities: of tokens, [K]; means: of images, [K, d]; covariances: [K, d, d].
        text_sizes: pairs of a text step, int [T+1]; image_sizes: images of an image step, int [T+1].
        text_steps: how many a generation; image_steps: likewise.
        counts: "random", the images' tokens are drawn from the text, or "fixed", so many of each token.
        ddof: the covariance is divided by size - ddof.
        corpus_probability: of an injection in a generation; corpus_mass: how much is moved.
        user_images: real images of each token in an image step, int [T+1].
        start: "real" or "truth".
    """

    probabilities: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    text_sizes: np.ndarray
    image_sizes: np.ndarray
    user_images: np.ndarray
    text_steps: int = 1
    image_steps: int = 1
    counts: Literal["random", "fixed"] = "random"
    ddof: int = 0
    corpus_probability: float = 0.0
    corpus_mass: float = 0.0
    start: Literal["real", "truth"] = "truth"
    regime: Regime = "agnostic"

    @property
    def generations(self) -> int:
        """T: the number of steps after generation 0."""
        return len(self.text_sizes) - 1

    @property
    def injects(self) -> bool:
        """Whether the corpus ever enters the text."""
        return self.corpus_probability > 0 and self.corpus_mass > 0


def overlap(setting: CoevolutionSetting) -> float:
    r"""$\sum_{i<j} \sqrt{p_i p_j}\, BC_{ij}$ with Bhattacharyya coefficients of images, at p of the truth.

    At least $E \sum_j r_j(1-r_j)$ of the posterior r of an image, since $ab/(a+b) \le \sqrt{ab}/2$.
    """
    return float(_overlap(setting, np.asarray(setting.probabilities, dtype=float)))


def _overlap(setting: CoevolutionSetting, p: np.ndarray) -> float:
    covariances, found = np.asarray(setting.covariances, dtype=float), 0.0
    logs = np.linalg.slogdet(covariances)[1]
    for i in range(len(p)):
        for j in range(i):
            middle = (covariances[i] + covariances[j]) / 2
            away = np.asarray(setting.means[i]) - np.asarray(setting.means[j])
            distance = away @ np.linalg.solve(middle, away) / 8
            distance += (np.linalg.slogdet(middle)[1] - (logs[i] + logs[j]) / 2) / 2
            found += np.sqrt(p[i] * p[j]) * np.exp(-distance)
    return found


def text_moments(setting: CoevolutionSetting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Mean of p, [T+1, K], and the least and largest that $E(1 - \sum_i p_i^2)$ can be, each [T+1].

    A step has $E[1-S_+] = (1-\frac1N)(1-S) + \frac1N E\sum_j r_j(1-r_j)$, the last between 0 and `overlap`.
    An injection of mass $\epsilon$, with probability $\alpha$, makes of S
    $(1-\epsilon)^2 S + 2\epsilon(1-\epsilon)\langle q, p\rangle + \epsilon^2$ for a corpus q, the truth.
    The largest holds while images are those of the truth. Source: derived.
    """
    corpus = np.asarray(setting.probabilities, dtype=float)
    mean, least, most = corpus, 1 - np.sum(corpus**2), 1 - np.sum(corpus**2)
    if setting.start == "real":
        least = most = least * (1 - 1 / int(setting.text_sizes[0]))
    means, lower, upper = [mean], [least], [most]
    chance, mass = setting.corpus_probability, setting.corpus_mass
    for t in range(1, setting.generations + 1):
        size = int(setting.text_sizes[t])
        spared = _overlap(setting, mean) / size if setting.text_steps else 0.0
        for _ in range(setting.text_steps):
            least, most = (1 - 1 / size) * least, (1 - 1 / size) * most + spared
        met = float(corpus @ mean)

        def injected(diversity: float, met: float = met) -> float:
            same = (1 - mass) ** 2 * (1 - diversity) + 2 * mass * (1 - mass) * met + mass**2
            return (1 - chance) * diversity + chance * (1 - same)

        least, most = injected(least), injected(most)
        mean = (1 - chance * mass) * mean + chance * mass * corpus
        means.append(mean)
        lower.append(least)
        upper.append(most)
    return np.array(means), np.array(lower), np.array(upper)


def image_moments(setting: CoevolutionSetting) -> tuple[np.ndarray, ...]:
    r"""Mean and variance of $\|\mu_i-\mu_{*i}\|^2$ and of $\mathrm{tr}\,\Sigma_i$, each [T+1, K].

    With n images of the model and m of users, $N = n + m$, error D, trace V, and the truth's trace s,
    $$ D_+ = E\frac{n^2 D + n V + m s}{N^2}, \quad
       V_+ = E\frac{N}{N-\mathrm{ddof}}\Bigl(\frac{n(V+D) + m s}{N} - \frac{n^2 D + nV + ms}{N^2}\Bigr) $$
    over the law of n; with $N \le \mathrm{ddof}$ all stays as it was. Variances are those of a product of
    Wishart matrices, and NaN where users take part. Source: derived.
    """
    traces = np.trace(np.asarray(setting.covariances, dtype=float), axis1=1, axis2=2)
    classes = [_class_moments(setting, i, float(trace)) for i, trace in enumerate(traces)]
    return tuple(np.stack(column, axis=1) for column in zip(*classes, strict=True))


def _class_moments(setting: CoevolutionSetting, token: int, scale: float) -> tuple[np.ndarray, ...]:
    covariance = np.asarray(setting.covariances[token], dtype=float)
    error, trace, fourth, p, q = 0.0, scale, 0.0, 0.0, 0.0
    a, b, rows, known = float(np.sum(covariance**2)), scale**2, [], True
    for t in range(setting.generations + 1):
        users = int(setting.user_images[t]) if t else 0
        known &= users == 0
        for _ in range(setting.image_steps if t else int(setting.start == "real")):
            sizes, chances = _count_law(setting, token, t)
            total = sizes + users
            fit = total > setting.ddof
            n, total, chances = sizes[fit], total[fit], chances[fit]
            kept = 1 - chances.sum() if fit.any() else 1.0
            spread = np.maximum(total - setting.ddof, 1)
            f, nu = (total - 1) / spread, np.maximum(total - 1, 1)
            old = (error, trace, fourth, p, q, a, b)
            shift = (n**2 * error + n * trace + users * scale) / total**2
            new = (
                shift,
                total / spread * ((n * (trace + error) + users * scale) / total - shift),
                fourth + (2 * p + 4 * q) / _at_least_one(n) + (b + 2 * a) / _at_least_one(n) ** 2,
                f * (p + b / _at_least_one(n)),
                f * (q + a / _at_least_one(n)),
                f**2 * ((1 + 1 / nu) * a + b / nu),
                f**2 * (2 * a / nu + b),
            )
            error, trace, fourth, p, q, a, b = (
                float(chances @ np.broadcast_to(then, chances.shape)) + max(kept, 0.0) * before
                for then, before in zip(new, old, strict=True)
            )
        nothing = np.nan
        of_error, of_trace = (fourth - error**2, b - trace**2) if known else (nothing, nothing)
        rows.append((error, of_error, trace, of_trace))
    return tuple(np.array(rows).T)


def _at_least_one(sizes: np.ndarray) -> np.ndarray:
    return np.maximum(sizes, 1)


def _count_law(setting: CoevolutionSetting, token: int, t: int) -> tuple[np.ndarray, np.ndarray]:
    """How many images of a token an image step has: numbers and their probabilities."""
    size = int(setting.image_sizes[t])
    if setting.counts == "fixed":
        return np.array([size]), np.ones(1)
    return binomial_law(size, float(setting.probabilities[token]))


def applies(setting: CoevolutionSetting) -> bool:
    """Something is always known of the text."""
    return True


def predict(setting: CoevolutionSetting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Of the text always, of images where their numbers do not depend on it."""
    mean, least, most = text_moments(setting)
    found = []
    for name in plain(asked):
        if name == "probabilities":
            found.append(Prediction(MARTINGALE, name, "mean", generations, mean[generations]))
        if name == "concentration":
            top, bottom = (1 - least)[generations], (1 - most)[generations]
            if setting.image_steps == 0 and setting.start == "truth":
                bottom = np.minimum(bottom, top)
                found.append(
                    Prediction(FROZEN_IMAGES, name, "mean", generations, top, lower=bottom, upper=top)
                )
            else:
                found.append(Prediction(READ, name, "mean", generations, top))
    frozen = setting.text_steps == 0 and not setting.injects and setting.start == "truth"
    if (setting.counts == "fixed" or frozen) and {"class_errors", "class_traces"} & set(plain(asked)):
        error, of_error, trace, of_trace = image_moments(setting)
        values = {"class_errors": (error, of_error), "class_traces": (trace, of_trace)}
        for name in plain(asked):
            if name in values:
                value, spread = (array[generations] for array in values[name])
                known = None if np.isnan(spread).any() else np.maximum(spread, 0.0)
                found.append(
                    Prediction(
                        IMAGES,
                        name,
                        "mean",
                        generations,
                        value,
                        variance=known,
                        heavy_tailed=known is not None,
                    )
                )
    return found


CHAPTER = Chapter(
    (FROZEN_IMAGES, READ, MARTINGALE, IMAGES), QUANTITIES, applies, predict, settings=CoevolutionSetting
)
"""What `catalogue` asks of two models that train each other."""
