"""What theory offers as a whole: one entry, honest cards, no NaN, no engine."""

import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import mcollapse
from mcollapse import theory
from mcollapse.theory import LAWS, Law, Prediction, Setting, predictions
from mcollapse.theory.catalogue import CHAPTERS

EVERY = [
    *((name, {}) for name in sorted(set().union(*(chapter.quantities for chapter in CHAPTERS)))),
    ("standard_deviation", {"above": 0.5}),
]
SYMBOLS = {"family": "categorical", "truth": {"probabilities": np.array([0.5, 0.3, 0.2, 0.0])}}
NORMAL = {"family": "gaussian", "truth": {"mean": 0.0, "variance": 4.0}}


def setting(**changes) -> Setting:
    parts = {"estimator": "maximum-likelihood", "source": "last-model", "pool": "newest", "start": "real"}
    return Setting(**(parts | {"sizes": np.array([8, 9, 7])} | changes))


def test_names_are_unique_and_kebab_case():
    names = [law.name for law in LAWS]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name and "_" not in name for name in names)
    assert all(law.title and law.source and law.domain for law in LAWS)


REGRESSION = {
    "family": "linear-regression",
    "truth": {
        "coefficients": np.array([0.5, -1.0]),
        "noise_variance": 0.3,
        "covariance": np.array([[2.0, 0.5], [0.5, 1.0]]),
    },
}
ISOTROPIC = REGRESSION | {"truth": REGRESSION["truth"] | {"covariance": np.eye(2)}}
NORMALS = {
    "family": "multivariate-gaussian",
    "truth": {"mean": np.zeros(2), "covariance": np.array([[2.0, 0.5], [0.5, 1.0]])},
}
TOKENS = {"family": "next-token", "truth": {"probabilities": np.array([[0.5, 0.3, 0.2], [0.0, 0.0, 1.0]])}}
RANDOM_TOKENS = TOKENS | {"context_counts": "random", "contexts": np.array([0.2, 0.8])}
LOGISTIC = {"family": "logistic-regression", "truth": {"coefficients": np.ones(2), "covariance": np.eye(2)}}
RATES = {"family": "poisson-regression", "truth": {"coefficients": np.zeros(2), "covariance": np.eye(2)}}
COUNTS = {"family": "poisson", "truth": {"rate": 2.5}}
ROWS = {"variance": 2.0, "dimension": 1.0, "spread": 1 / 6}
POINTS = {"family": "empirical", "truth": ROWS}
KERNELS = {"family": "kernel-density", "truth": ROWS, "bandwidth": 0.5}
PLACE = {"family": "location", "truth": {"point_variance": 1.5}}
SYMMETRIC = {"family": "symmetric-mixture", "truth": {"location": 1.0, "variance": 0.5}}
TEXT = {
    "family": "markov-text",
    "truth": {
        "weights": np.array([2.0, 1.0, 0.0, 3.0, 1.0]),
        "context": np.array([0, 0, 0, 1, 2]),
        "following": np.array([1, 2, -1, 0, -1]),
        "words": np.array([[0, 1], [0, 2], [0, 3], [1, 0], [2, 3]]),
        "sentence": 3.0,
    },
}
TINY = {
    "one point": np.ones(4, int),
    "two": np.full(4, 2),
    "mixed": np.array([1, 5, 1, 3]),
    "huge": np.full(4, 10**7),
}
TRUTHS = (
    SYMBOLS,
    NORMAL,
    {"family": "categorical", "truth": {"probabilities": np.array([1.0])}},
    {"family": "categorical", "truth": {"probabilities": np.array([0.0, 1.0])}},
    {"family": "bernoulli", "truth": {"probability": 0.0}},
    {"family": "bernoulli", "truth": {"probability": 1.0}},
    {"family": "bernoulli", "truth": {"probability": 0.4}},
    COUNTS,
    {"family": "poisson", "truth": {"rate": 0.0}},
    REGRESSION,
    REGRESSION | {"design": 5},
    ISOTROPIC,
    NORMALS,
    TOKENS,
    RANDOM_TOKENS,
    POINTS,
    POINTS | {"truth": {"variance": 0.0, "dimension": 2.0, "spread": 0.0}},
    KERNELS | {"bandwidth": "scott"},
    PLACE | {"fit": "median"},
    LOGISTIC,
    RATES,
    SYMMETRIC,
    TEXT,
)
PAIR = {
    "probabilities": np.array([0.7, 0.3]),
    "means": np.array([[0.0, 0.0], [1.0, 0.0]]),
    "covariances": np.array([np.eye(2), 0.2 * np.eye(2)]),
    "text_sizes": np.array([5, 1, 9]),
    "image_sizes": np.array([6, 1, 3]),
    "user_images": np.array([0, 0, 2]),
}
CHAIN = {"family": "linear-regression", "truth": ISOTROPIC["truth"], "source": "last-model", "pool": "newest"}
CHAINS = (
    theory.Setting(**CHAIN, estimator="maximum-likelihood", start="truth", sizes=np.array([3, 2, 9])),
    theory.Setting(**CHAIN, estimator="minimum-norm", start="real", sizes=np.array([1, 2, 9])),
)
ROWS_OF_TWO = {"difference": np.array([1.0, 0.5]), "covariance": np.eye(2)}
OTHERS = (
    theory.CoevolutionSetting(**PAIR),
    theory.CoevolutionSetting(**PAIR, image_steps=0),
    theory.CoevolutionSetting(**PAIR, counts="fixed", ddof=1, start="real"),
    theory.CoevolutionSetting(**PAIR, text_steps=0, ddof=1, corpus_probability=0.5),
    theory.CoevolutionSetting(**PAIR, text_steps=3, image_steps=0, corpus_probability=1.0, corpus_mass=1.0),
    theory.SupervisionSetting(np.array([0.5, 0.5]), np.array([0.0, 1.0, 0.0])),
    theory.SupervisionSetting(np.array([1.0, 0.0]), np.array([0.5, 0.1, 0.0]), 1.0, 0.5, np.array([1, 2, 1])),
    *(
        theory.OneShotSetting(**ROWS_OF_TWO, real=a, synthetic=b, noise_variance=noise)
        for a, b, noise in ((0, 2, 0.0), (3, 0, 1.0), (2, 1, 1.0), (9, 9, 0.0))
    ),
    theory.PopulationSetting(
        np.array([0.7, 0.3, 0.0]),
        np.array([0.2, 0.8, 0.0]),
        np.array([0.0, 0.0, 1.0]),
        np.array([1.0, 0.5, 2.0]),
    ),
    *(theory.DownstreamSetting(chain, rows, 0.2) for chain in CHAINS for rows in (2, 3, 9)),
    theory.DownstreamSetting(CHAINS[0], 1, 0.0, 0.3),
    theory.DownstreamSetting(CHAINS[0], 9, 0.5, 0.3),
)
SOURCES = (
    {"source": "last-model"},
    {"source": "mixture", "shares": np.array([0.0, 1.0, 0.0, 0.3])},
    {"source": "mixture", "shares": np.array([0.0, 1.0, 0.0, 0.3]), "counts": "fixed"},
    {"source": "split", "real_sizes": np.array([1, 1, 0, 2]), "synthetic_sizes": np.array([1, 0, 1, 2])},
)
MEMORIES = (
    {"source": "past-models"},
    {"source": "past-models", "window": 2, "counts": "fixed"},
    {"source": "past-models", "window": 1},
)
FITS = (
    {},
    {"estimator": "unbiased", "ddof": 1},
    {"known_variance": True},
    {"estimator": "add-constant", "constant": 0.5},
    {"estimator": "add-constant", "constant": 0.0},
    {"estimator": "real-only"},
    {"estimator": "debiased"},
    {"estimator": "weighted", "weights": np.array([0.5, 0.2, 1.0, 0.6])},
    {"estimator": "weighted", "weights": np.array([0.5, 0.2, 1.0, 0.6]), "combine": "fits"},
    {"estimator": "minimum-norm"},
    {"estimator": "approximate-joint-ml"},
    {"estimator": "ridge", "penalty": 0.2},
    {"variance_factors": np.array([1.0, 0.5, 1.2, 0.9])},
    {"variance_factors": np.array([1.0, 0.5, 1.2, 0.9]), "known_variance": True},
    {"biases": np.array([0.5, -0.1, 0.0, 0.2])},
    {"biases": np.array([0.5, -0.1, 0.0, 0.2]), "known_variance": True},
)
POOLS = ("newest", "all", "subsample", "real-and-newest", "real-only", "window")


def parts_of(pool, source) -> dict:
    """A window of batches has a number; past models have their own."""
    return {"pool": pool} | ({"window": 2} if pool == "window" else {}) | source


@pytest.mark.parametrize("sizes", TINY)
@pytest.mark.parametrize("start", ("real", "truth"))
@pytest.mark.parametrize("pool", POOLS)
def test_no_legal_setting_gives_nan(sizes, start, pool):
    sources = SOURCES if pool == "window" else (*SOURCES, *MEMORIES)
    for truth, source, fit in product(TRUTHS, sources, FITS):
        parts = parts_of(pool, source) | truth | fit
        made = setting(sizes=TINY[sizes], start=start, budget=np.array([1, 2, 1, 3]), **parts)
        found = predictions(made, EVERY)  # a Prediction refuses NaN itself
        for p in found:
            assert np.array_equal(p.generations, np.arange(4)), p.law.name
            if p.quantity == "single_symbol":
                assert np.all((p.values >= 0) & (p.values <= 1)), p.law.name
            assert p.standard_error(100) is None or np.all(p.standard_error(100) >= 0)


@pytest.mark.parametrize("made", OTHERS)
def test_other_processes_give_no_nan_and_one_exact_law_each(made):
    found = predictions(made, EVERY)
    exact = [p.quantity for p in found if p.law.kind == "exact"]
    assert found and len(set(exact)) == len(exact)
    assert all(np.array_equal(p.generations, np.arange(made.generations + 1)) for p in found)


def test_only_what_is_asked_is_computed():
    made = setting(sizes=np.full(6, 50), **SYMBOLS)
    assert {p.quantity for p in predictions(made)} == {"squared_error", "chi_square", "concentration"}
    assert {p.quantity for p in predictions(made, [("support", {})])} == {"support"}
    assert predictions(made, [("entropy", {}), ("support", {"above": 2})]) == []
    at = np.array([5, 0, 2])
    some, every = predictions(made, [("alive", {})], at)[0], predictions(made, [("alive", {})])[0]
    assert np.allclose(some.values, every.values[at], atol=1e-12) and some.values.shape == (3, 4)
    with pytest.raises(ValueError, match="from 0 to 5"):
        predictions(made, None, np.array([6]))


def test_every_law_has_its_say():
    said = set()
    fits, families = FITS, (True, False)
    truths = (SYMBOLS, NORMAL, NORMALS, COUNTS, REGRESSION, REGRESSION | {"design": 40}, ISOTROPIC, LOGISTIC)
    truths += (ISOTROPIC | {"design": 40},)
    truths = (*truths, TOKENS, RANDOM_TOKENS, TOKENS | {"truth": {"probabilities": np.array([[0.5, 0.5]])}})
    truths += (POINTS, KERNELS, PLACE, PLACE | {"fit": "median"}, SYMMETRIC, TEXT)
    for truth, source, pool, fit, own in product(truths, (*SOURCES, *MEMORIES), POOLS, fits, families):
        if pool == "window" and source in MEMORIES:
            continue
        parts = {"sizes": np.full(4, 40), "budget": np.full(4, 9), "same_family": own}
        made = setting(**(parts | parts_of(pool, source) | truth | fit))
        said |= {p.law.name for p in predictions(made, EVERY)}
    for made in OTHERS:
        said |= {p.law.name for p in predictions(made, EVERY)}
    assert said == {law.name for law in LAWS}


def test_other_families_have_only_the_laws_of_two_moments():
    assert predictions(setting(same_family=False, **SYMBOLS), EVERY) == []
    found = predictions(setting(same_family=False, **NORMAL), EVERY)
    assert {p.law.name for p in found} == {"gaussian-replacement-two-moments"}
    same = predictions(setting(**NORMAL), EVERY)
    assert np.allclose(found[0].values, next(p for p in same if p.quantity == "squared_error").values)


def test_one_exact_law_speaks_of_each_quantity():
    for truth, source, pool, start in product(TRUTHS, SOURCES, POOLS, ("real", "truth")):
        parts = parts_of(pool, source) | truth
        made = setting(sizes=np.full(4, 5), start=start, budget=np.full(4, 4), **parts)
        exact = [
            (p.quantity, p.statistic, str(p.parameters))
            for p in predictions(made, EVERY)
            if p.law.kind == "exact"
        ]
        assert len(set(exact)) == len(exact)


@pytest.mark.parametrize(
    ("changes", "word"),
    (
        ({"family": "cauchy"}, "family"),
        ({"source": "mixture"}, "shares"),
        ({"source": "split", "real_sizes": np.ones(3)}, "synthetic_sizes"),
        ({"pool": "subsample", "budget": np.ones(2)}, "budget"),
        ({"sizes": np.array([8, 0, 7])}, "at least one point"),
        ({"source": "mixture", "shares": np.array([0, 2.0, 0])}, "lie in"),
        ({"truth": {"probabilities": np.array([0.5, 0.6])}}, "sum to 1"),
        ({"family": "gaussian", "truth": {"mean": 0.0, "variance": 0.0}}, "positive variance"),
        ({"family": "poisson", "truth": {"rate": -1.0}}, "rate of at least 0"),
        (REGRESSION | {"truth": REGRESSION["truth"] | {"covariance": np.eye(3)}}, "covariance"),
        (REGRESSION | {"truth": REGRESSION["truth"] | {"noise_variance": -1.0}}, "noise variance"),
        (NORMALS | {"truth": {"mean": np.zeros(3), "covariance": np.eye(2)}}, "positive definite"),
        (KERNELS | {"bandwidth": "scot"}, "a rule"),
        (POINTS | {"truth": ROWS | {"variance": -1.0}}, "finite variance"),
        (POINTS | {"truth": ROWS | {"spread": 0.5}}, "between 0 and 1/4"),
        (PLACE | {"truth": {"point_variance": 0.0}}, "point_variance"),
        (SYMMETRIC | {"truth": {"location": -1.0, "variance": 1.0}}, "location of at least 0"),
        (SYMMETRIC | {"truth": {"location": 1.0, "variance": 0.0}}, "positive variance"),
        (TEXT | {"truth": TEXT["truth"] | {"weights": np.ones(4)}}, "for each n-gram"),
        (TEXT | {"truth": TEXT["truth"] | {"weights": -np.ones(5)}}, "not negative"),
        ({"combine": "both"}, "combine"),
        (REGRESSION | {"estimator": "ridge"}, "penalty above 0"),
        (REGRESSION | {"penalty": 0.1}, "no other estimator"),
        ({"variance_factors": np.array([1.0, 0.0, 1.0])}, "positive numbers"),
        ({"pool": "window"}, "at least one batch"),
        ({"pool": "window", "window": 2, "source": "past-models"}, "no law is known"),
    ),
)
def test_what_is_no_experiment_is_refused(changes, word):
    with pytest.raises(ValueError, match=word):
        setting(**(SYMBOLS | changes))


def test_cards_and_predictions_are_checked():
    law = Law("some-law", "title", "exact", "derived", "anywhere", "truth")
    with pytest.raises(ValueError, match="kind"):
        Law("some-law", "title", "true", "derived", "anywhere", "truth")  # type: ignore[arg-type]
    at, one = np.arange(3), np.ones(3)
    with pytest.raises(ValueError, match="generations"):
        Prediction(law, "alive", "mean", at, np.ones(2))
    with pytest.raises(ValueError, match="two sides"):
        Prediction(law, "alive", "mean", at, one, lower=one)
    with pytest.raises(ValueError, match="NaN"):
        Prediction(law, "alive", "mean", at, one * np.nan)
    with pytest.raises(ValueError, match="statistic"):
        Prediction(law, "alive", "median", at, one)  # type: ignore[arg-type]


def test_heavy_tails_are_owned_up_to():
    """n = 100, ddof 1: after 500 generations rare replicates carry the mean variance, never its log."""
    made = setting(sizes=np.full(501, 100), estimator="unbiased", ddof=1, start="truth", **NORMAL)
    found = {(p.quantity, p.statistic): p for p in predictions(made)}
    variance = found["variance", "mean"].trustworthy(10_000)
    assert variance[:50].all() and not variance[300:].any()
    assert np.all(np.diff(variance.astype(int)) <= 0)
    assert found["log_variance", "mean"].trustworthy(10).all()
    error = found["variance", "mean"].standard_error(10_000)
    assert np.isclose(error[500], 4 * np.sqrt(((1 + 2 / 99) ** 500 - 1) / 10_000))
    unknown = Prediction(LAWS[0], "variance", "mean", np.arange(2), np.ones(2), heavy_tailed=True)
    assert not unknown.trustworthy(10**9).any()


def test_a_share_at_the_first_step_from_the_truth_changes_nothing():
    shares = np.array([0.0, 0.7, 0.0])
    made = setting(start="truth", source="mixture", shares=shares, **SYMBOLS)
    assert made.replaces and not setting(start="real", source="mixture", shares=shares, **SYMBOLS).replaces


def test_theory_needs_no_engine():
    """Imported under an empty parent, so that nothing of the engine can help."""
    folder = Path(mcollapse.__file__ or "").parent
    program = (
        "import sys, types; parent = types.ModuleType('mcollapse'); "
        f"parent.__path__ = [{str(folder)!r}]; sys.modules['mcollapse'] = parent; "
        "import mcollapse.theory; "
        "own = [m for m in sys.modules if m.split('.')[0] == 'mcollapse' and '.theory' not in m][1:]; "
        "assert not own, own; assert 'jax' not in sys.modules and 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
