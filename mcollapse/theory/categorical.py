"""Exact risks of empirical proportions, smoothed or not, for every source and pool of a setting."""

import numpy as np

from .chapter import Asked, Chapter, plain
from .coordinates import coordinate_moments
from .law import Law, Prediction
from .setting import Setting

QUANTITIES = frozenset({"squared_error", "chi_square", "concentration"})


def _law(name: str, title: str, source: str, domain: str) -> Law:
    return Law(name, title, "exact", source, domain, "fit to real")


_DERIVED = "derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531"
MIXTURE = _law(
    "multinomial-recursion-iid",
    "Risk of proportions when each point is real with probability alpha_t",
    "Bakshi & Chakraborty, 2026, arXiv 2602.10531, Theorem 3.1",
    "Bernoulli or categorical, maximum likelihood, newest batch, random counts or last model",
)
FIXED = _law(
    "multinomial-recursion-fixed-counts",
    "Risk of proportions when the number of real points is fixed",
    _DERIVED,
    "Bernoulli or categorical, maximum likelihood, newest batch, fixed counts or split",
)
ACCUMULATE = _law(
    "multinomial-accumulate-iid",
    "Risk of pooled proportions when each new point is real with probability alpha_t",
    _DERIVED,
    "Bernoulli or categorical, maximum likelihood, all batches, random counts or last model",
)
ACCUMULATE_FIXED = _law(
    "multinomial-accumulate-fixed-counts",
    "Risk of pooled proportions when the number of real points is fixed",
    _DERIVED,
    "Bernoulli or categorical, maximum likelihood, all batches, fixed counts or split",
)
SUBSAMPLE = _law(
    "multinomial-accumulate-subsample",
    "Risk of proportions of a subsample of everything so far",
    "derived, after Kazdan et al., 2024, arXiv 2410.16713",
    "Bernoulli or categorical, maximum likelihood, subsample of all batches, any source",
)
ADD_CONSTANT = _law(
    "multinomial-add-constant",
    "Bias and risk of smoothed proportions",
    "derived",
    "Bernoulli or categorical, a constant added to every count, any source and pool",
)


def law_of(setting: Setting) -> Law:
    """The law whose domain holds the setting."""
    if setting.estimator == "add-constant" and setting.constant:
        return ADD_CONSTANT
    fixed = setting.source == "split" or (setting.source == "mixture" and setting.counts == "fixed")
    by_pool = {
        "newest": FIXED if fixed else MIXTURE,
        "all": ACCUMULATE_FIXED if fixed else ACCUMULATE,
        "subsample": SUBSAMPLE,
    }
    return by_pool[setting.pool]


def risks(setting: Setting, generations: np.ndarray) -> dict[str, np.ndarray]:
    r"""Squared error, chi-square risk and concentration of the fitted law.

    $E\|\hat p - p^*\|_2^2$ (one coordinate of a Bernoulli), $E\sum_i (\hat p_i - p_i^*)^2/p_i^*$ over the
    support of the truth, and $E \sum_i \hat p_i^2$, from `coordinate_moments`.

    Arguments:
        setting: Bernoulli or categorical.
        generations: engine generations, int [G].

    Returns:
        quantity -> [G].

    Source: as `law_of` says.
    """
    chances, copies = np.unique(setting.probabilities, return_counts=True)
    followed = chances
    if law_of(setting) is not ADD_CONSTANT:
        # Without bias every mean square is p(1-p) times one and the same number: follow one coordinate.
        followed = np.full(1, 0.5)
    wanted, rows = set(np.asarray(generations).tolist()), {}
    for generation, moments in enumerate(coordinate_moments(setting, followed, len(setting.probabilities))):
        if generation in wanted:
            bias, square = moments
            if followed is not chances:
                bias, square = np.zeros(1), 4 * square * chances * (1 - chances)
            rows[generation] = _summary(chances, copies, bias, square)
    table = np.array([rows[generation] for generation in np.asarray(generations).tolist()]).reshape(-1, 3)
    table[:, 0] *= 0.5 if setting.family == "bernoulli" else 1.0
    return dict(zip(("squared_error", "chi_square", "concentration"), table.T, strict=True))


def _summary(chances, copies, bias, square) -> tuple[float, float, float]:
    ratio = np.divide(square, chances, out=np.zeros_like(square), where=chances > 0)
    return (
        float(copies @ square),
        float(copies @ ratio),
        float(copies @ (square + 2 * chances * bias + chances**2)),
    )


def applies(setting: Setting) -> bool:
    """Bernoulli or categorical, fitted by proportions, with the truth in the family."""
    return setting.of_symbols and setting.same_family


def predict(setting: Setting, asked: Asked, generations: np.ndarray) -> list[Prediction]:
    """Mean of each quantity asked for, at the generations asked for."""
    values, law = risks(setting, generations), law_of(setting)
    return [Prediction(law, name, "mean", generations, values[name]) for name in plain(asked)]


CHAPTER = Chapter(
    (MIXTURE, FIXED, ACCUMULATE, ACCUMULATE_FIXED, SUBSAMPLE, ADD_CONSTANT), QUANTITIES, applies, predict
)
