"""One table of instances: what every test that goes through all combinations goes through."""

import dataclasses
from typing import Any

import mcollapse as mc
from mcollapse.families import (
    Bernoulli,
    Categorical,
    Empirical,
    Gaussian,
    GaussianMixture,
    KernelDensity,
    LabelledGaussians,
    LinearRegression,
    Location,
    LogisticRegression,
    MarkovText,
    MultivariateGaussian,
    NextToken,
    Poisson,
    PoissonRegression,
    SymmetricMixture,
)


@dataclasses.dataclass(frozen=True)
class Instance:
    """A family with an ordinary truth; `refuses` are sources or pools that it has no use for, and says so."""

    family: Any
    truth: Any
    refuses: frozenset[str] = frozenset()


def instance(family, truth, *refuses) -> Instance:
    return Instance(family, truth, frozenset(refuses))


FAMILIES = {
    "bernoulli": instance(Bernoulli(), Bernoulli.Params(0.3)),
    "categorical": instance(Categorical(), Categorical.Params([0.4, 0.3, 0.15, 0.1, 0.05])),
    "poisson": instance(Poisson(), Poisson.Params(0.6)),
    "gaussian": instance(Gaussian(), Gaussian.Params(1.0, 0.5)),
    "gaussian-known": instance(Gaussian("known"), Gaussian.Params(1.0, 0.5)),
    "multivariate": instance(
        MultivariateGaussian(2),
        MultivariateGaussian.Params.of([1.0, 0.0], [[2.0, 0.5], [0.5, 1.0]]),
    ),
    "linear": instance(LinearRegression(3), LinearRegression.Params([0.3, -0.2, 0.5], 0.5)),
    "linear-design": instance(
        LinearRegression(3, design=40),
        LinearRegression.Params([0.3, -0.2, 0.5], 0.5),
        *("mixture", "fixed", "split", "past", "few"),  # a design is labelled as a whole
    ),
}
NORMAL = mc.Truth(Gaussian(), Gaussian.Params(1.0, 0.5))
TEXT = MarkovText.fitted(
    "the cat sat on the mat and the dog sat on the cat and the mat sat".split(), sentence=9
)
FAMILIES |= {
    "next-token": instance(NextToken(3), NextToken.Params.zipf(3, 4), "rows"),
    "next-token-random": instance(NextToken(3, counts="random"), NextToken.Params.zipf(3, 4)),
    "empirical": instance(Empirical(), NORMAL),
    "kernel-density": instance(KernelDensity(bandwidth=0.3), NORMAL),
    "kernel-density-scott": instance(KernelDensity(bandwidth="scott"), NORMAL),
    "location": instance(Location(fit="median"), Location.Params(0.5)),
    "logistic": instance(LogisticRegression(2), LogisticRegression.Params([0.5, -0.3])),
    "poisson-regression": instance(PoissonRegression(2), PoissonRegression.Params([0.3, -0.2])),
    "mixture-model": instance(
        GaussianMixture(2, 1), GaussianMixture.Params.of([0.4, 0.6], [[-2.0], [2.0]], [[[1.0]], [[0.5]]])
    ),
    "symmetric-mixture": instance(SymmetricMixture(), SymmetricMixture.Params.of(2.0, 1.0)),
    "labelled": instance(LabelledGaussians(), LabelledGaussians.Params.circle(3, 0.2)),
    "markov-text": instance(TEXT, TEXT.standard_truth(), "past", "few"),
}
SOURCES = {
    "last": lambda n: mc.sources.LastModel(),
    "mixture": lambda n: mc.sources.Mixture(0.3),
    "fixed": lambda n: mc.sources.Mixture(0.3, counts="fixed"),
    "split": lambda n: mc.sources.Split(n // 4, n - n // 4),
    "past": lambda n: mc.sources.PastModels(),
    "few": lambda n: mc.sources.PastModels(2, counts="fixed"),
}
POOLS = {
    "newest": lambda n: mc.pools.Newest(),
    "all": lambda n: mc.pools.All(),
    "subsample": lambda n: mc.pools.Subsample(n),
    "kept": lambda n: mc.pools.RealAndNewest(),
    "window": lambda n: mc.pools.Window(2),
    "real": lambda n: mc.pools.RealOnly(),
}
SIZE = 40


def process(family: str, source: str, pool: str, size: int = SIZE, **options) -> mc.RecursiveTraining:
    """The combination, unplanned."""
    return mc.RecursiveTraining(
        family=FAMILIES[family].family,
        sizes=size,
        source=SOURCES[source](size),
        pool=POOLS[pool](size),
        **options,
    )
