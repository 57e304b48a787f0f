"""Suresh, Thangaraj and Khandavally: rates of collapse when each model replaces the last."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.datasets import Corpus
from mcollapse.metrics import Above
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates

SURESH = Paper(
    key="suresh2024",
    authors="Suresh, Thangaraj & Khandavally",
    year=2024,
    title="Rate of model collapse in recursive training",
    arxiv="2412.17646",
    venue="AISTATS 2025, PMLR 258:1396–1404",
)
MANY = Replicates(quick=2_000, normal=100_000, full=1_000_000)
SLOW = Replicates(quick=512, normal=10_000, full=100_000)
ALIVE = {"alive": mc.Record(mc.metrics.alive, reduce=mc.HittingTime(below=0.5))}
WITHIN = ("replacement-survival-lower-bound", "replacement-survival-upper-bound")


def chain(family, sizes, estimator=None) -> mc.RecursiveTraining:
    """Pure replacement, the paper's source of data throughout."""
    return mc.RecursiveTraining(family, estimator or mc.estimators.MaximumLikelihood(), sizes=sizes)


def coin(p: float, n: int, generations: int, **parts) -> Arm:
    """A Bernoulli chain from the truth on."""
    record = ALIVE | {"single_symbol": mc.Record(mc.metrics.single_symbol, reduce=mc.HittingTime(above=0.5))}
    truth = mc.families.Bernoulli.Params(p)
    process = chain(mc.families.Bernoulli(), n)
    return Arm(f"p₀ = {p:g}, n = {n:,}", process, truth, generations, record | parts, start="truth")


GAUSSIAN_PATHS = Experiment(
    id="suresh2024/gaussian-paths",
    question="What does a Gaussian chain look like, path by path?",
    paper=SURESH,
    where="Figure of Gaussian paths",
    replicates=Replicates(quick=2_000, normal=20_000, full=200_000),
    arms=(
        Arm(
            "n = 100",
            chain(mc.families.Gaussian(), 100, mc.estimators.Unbiased()),
            mc.families.Gaussian.Params.standard(),
            2500,
            {
                "log_variance": mc.Record(mc.metrics.log_variance, at=mc.every(50), reduce=mc.Keep()),
                "standard_deviation": mc.Record(mc.metrics.standard_deviation, at=mc.every(50), reduce=mc.Moments()),
                "paths": mc.Record(mc.metrics.standard_deviation, at=mc.every(10), reduce=mc.Keep(first=25)),
            },
            start="truth",
        ),
    ),
    checks=(
        Reading(arm="n = 100", record="log_variance", quantity="E log variance", at=(100, 500, 1000, 2500), counter="k"),
        Reading(arm="n = 100", record="standard_deviation", quantity="E standard deviation", at=(100, 500), counter="k"),
    ),
    figures=(
        Figure(plots.paths, "Standard deviations of 25 chains, as the paper draws them: most are near zero after 500 to 1,300 "
               "generations, with rare excursions.", options={"name": "paths", "scale": "linear"}),
        Figure(plots.trajectory, "Log variance of 100 points a generation: it falls like a random walk with a drift "
               "of about −1/(n − 1), and its spread grows.", options={"name": "log_variance"}),
    ),
    disagreements=("25 paths, as drawn, cannot estimate the mean standard deviation: rare paths carry it.",),
    notes=("Variances are fitted with divisor n − 1, as in the paper.",),
)  # fmt: skip

BERNOULLI_PATHS = Experiment(
    id="suresh2024/bernoulli-paths",
    question="Where do the paths of a Bernoulli chain end?",
    paper=SURESH,
    where="Figure of Bernoulli paths",
    replicates=MANY,
    arms=(
        coin(
            0.2,
            100,
            600,
            probability=mc.Record(mc.metrics.mean, at=mc.every(10), reduce=mc.Keep(first=25)),
        ),
    ),
    checks=(
        Reading(arm="p₀ = 0.2, n = 100", record="alive", quantity="P(not 0)", at=(100, 350, 600), counter="k"),
        Reading(arm="p₀ = 0.2, n = 100", record="single_symbol", quantity="P(absorbed)", at=(100, 350, 600), counter="k"),
    ),
    figures=(
        Figure(plots.paths, "Estimates of 25 chains, as the paper draws them: four in five end at 0, the others at 1.",
               options={"name": "probability"}),
        Figure(plots.trajectory, "Probability that the chain has not yet been absorbed at 0, with the exact law: it "
               "tends to p₀ = 0.2, the chance to end at 1.", options={"name": "alive"}),
    ),
)  # fmt: skip

BOUNDS_AT = (1, 6, 11, 22, 50)
BERNOULLI_BOUNDS = Experiment(
    id="suresh2024/bernoulli-bounds",
    question="How likely is a rare event to be remembered after k generations?",
    paper=SURESH,
    where="Theorem 1 and its figure",
    replicates=MANY,
    arms=(coin(0.001, 10_000, 50), coin(0.01, 100, 50)),
    checks=tuple(
        Reading(arm=arm, record="alive", quantity="P(P_k ≠ 0)", at=BOUNDS_AT, stated=WITHIN, counter="k")
        for arm in ("p₀ = 0.001, n = 10,000", "p₀ = 0.01, n = 100")
    ),
    figures=tuple(
        Figure(plots.trajectory, f"Probability that a symbol of {arm} is still alive, the exact law and the bounds of "
               "Theorem 1.", arms=(arm,), options={"name": "alive"}, name=f"alive-{arm}")
        for arm in ("p₀ = 0.001, n = 10,000", "p₀ = 0.01, n = 100")
    ),
    disagreements=(
        "The upper bound is not monotone in k and is 1, saying nothing, once n p₀² or k p₀ is no longer small.",
    ),
)  # fmt: skip

POISSON_AT = (56, 111, 222, 500)
POISSON = Experiment(
    id="suresh2024/poisson",
    question="When does a Poisson model stop expecting anything?",
    paper=SURESH,
    where="Theorem 2 and its figure",
    replicates=MANY,
    arms=tuple(
        Arm(
            f"λ₀ = {rate:g}",
            chain(mc.families.Poisson(), 10),
            mc.families.Poisson.Params(rate),
            500,
            ALIVE | {"squared_error": mc.Record(mc.metrics.squared_error, at="log", reduce=mc.Moments())},
            start="truth",
        )
        for rate in (1.0, 10.0)
    ),
    checks=tuple(
        Reading(arm=arm, record="alive", quantity="P(Λ_k ≠ 0)", at=POISSON_AT, stated=("poisson-survival",), counter="k")
        for arm in ("λ₀ = 1", "λ₀ = 10")
    ),
    figures=(
        Figure(plots.arms, "Probability that the rate is not zero yet, ten points a generation, with the exact law of "
               "Theorem 2.", options={"name": "alive"}, several=True),
    ),
    disagreements=("The upper bound of Theorem 2 holds with 2 in place of its 3; ours is drawn with 2.",),
)  # fmt: skip

GAUSSIAN_AT = (23, 45, 67, 89, 111, 133, 155, 177, 200)
GAUSSIAN_BOUND = Experiment(
    id="suresh2024/gaussian-bound",
    question="How likely is the standard deviation to stay above a tenth of the truth's?",
    paper=SURESH,
    where="Theorem 3 and its figure",
    replicates=MANY,
    arms=(
        Arm(
            "n = 10",
            chain(mc.families.Gaussian(), 10, mc.estimators.Unbiased()),
            mc.families.Gaussian.Params.standard(),
            200,
            {"above": mc.Record(Above(mc.metrics.standard_deviation, 0.1), reduce=mc.Moments())},
            start="truth",
        ),
    ),
    checks=(
        Reading(arm="n = 10", record="above", quantity="P(σ_k > 0.1)", at=GAUSSIAN_AT, counter="k",
                stated=("gaussian-replacement-tail-theorem-3",)),
        Reading(arm="n = 10", record="above", quantity="P(σ_k > 0.1)", counter="k", relation="≤", accuracy=0.0005,
                published={67: 0.907, 111: 0.295, 200: 0.0305}, where="the bound as the figure draws it"),
    ),
    figures=(
        Figure(plots.trajectory, "Probability that the standard deviation exceeds 0.1, ten points a generation, with "
               "the exact product law and the bound of Theorem 3.", options={"name": "above"}),
    ),
    disagreements=(
        "The curve drawn as “our bound” is not Theorem 3 but the Markov bound with exponent 0.7, which is lower from "
        "about k = 70 on: 0.295 against 0.581 at k = 111.",
        "Bertrand's Markov bound with exponent 1 is tighter than Theorem 3 everywhere.",
    ),
)  # fmt: skip


def unigram(corpus: Corpus):
    """The text resampled to as many words as it has; the paper's numbers are of its own text alone."""
    own = "wiki" in corpus.name.lower() and corpus.tokens >= 500_000
    text = corpus.first(500_000)
    drawn = dict(enumerate((1, 0.813, 0.707, 0.632, 0.577, 0.534, 0.50, 0.47, 0.446, 0.424, 0.404)))
    record = {"support": mc.Record(mc.metrics.support, reduce=mc.Keep())}
    arm = Arm(
        text.name, chain(mc.families.Categorical(), text.tokens), text.truth(), 10, record, start="truth"
    )
    check = Reading(
        arm=text.name, record="support", quantity="share of the words alive", at=tuple(range(1, 11)), counter="k",
        scale=1 / text.types, published=drawn if own else {}, accuracy=0.02, stated=() if own else WITHIN,
    )  # fmt: skip
    return (arm,), (check,)


UNIGRAM = Experiment(
    id="suresh2024/unigram",
    question="What share of a text's words is left after ten generations?",
    paper=SURESH,
    where="Corollary 1 and the figure of unigrams",
    replicates=Replicates(quick=64, normal=512, full=4_096),
    figures=(
        Figure(plots.trajectory, "Different words that the model still knows, with the exact law and the bounds of "
               "Corollary 1.", options={"name": "support"}),
    ),
    notes=(
        "The paper reads the first 500,000 words of WikiText-2 (raw, train): give that file with --text. Numbers read "
        "off its figure are compared with no other text.",
    ),
    of_text=unigram,
    word=r"\w+",
)  # fmt: skip

ZIPF = Experiment(
    id="suresh2024/zipf-mandelbrot",
    question="How many symbols of a Zipf–Mandelbrot law survive?",
    paper=SURESH,
    where="Corollary 1 and the figure of Zipf–Mandelbrot laws",
    replicates=Replicates(quick=512, normal=20_000, full=200_000),
    arms=tuple(
        Arm(
            f"exponent {exponent:g}, shift {shift:g}",
            chain(mc.families.Categorical(), 1000),
            mc.families.Categorical.Params.zipf(1000, exponent, shift),
            10,
            {"support": mc.Record(mc.metrics.support, reduce=mc.Moments())},
            start="truth",
        )
        for exponent, shift in ((1.0, 2.7), (2.0, 5.0))
    ),
    checks=tuple(
        Reading(arm=arm, record="support", quantity="different symbols", at=(1, 2, 5, 10), stated=WITHIN, counter="k")
        for arm in ("exponent 1, shift 2.7", "exponent 2, shift 5")
    ),
    figures=(
        Figure(plots.arms, "Symbols alive of a thousand, a thousand draws a generation, with the exact law.",
               options={"name": "support"}, several=True),
    ),
    disagreements=(
        "The text writes 1/(i + a)^b where the code has exponent a and shift b; the code's reading is run here.",
    ),
    notes=("The paper divides by the number of different symbols in one initial sample; counts stand here as they are.",),
)  # fmt: skip


def bigram(corpus: Corpus):
    """A bigram model of the text, whose sentences are what it is trained on next."""
    family = mc.families.MarkovText.fitted(corpus.sequence, order=1)
    record = {"distinct_words": mc.Record(mc.metrics.distinct_words, reduce=mc.Keep())}
    arm = Arm("bigrams", mc.RecursiveTraining(family=family, sizes=corpus.tokens), family.standard_truth(), 10, record,
              start="truth")  # fmt: skip
    falls = tuple(
        Less(lower=("bigrams", "distinct_words"), higher=("bigrams", "distinct_words"), at=(late, early),
             quantity=f"share of words alive, k = {late} less than k = {early}", where="Figure of n-grams")
        for early, late in ((1, 5), (5, 10))
    )  # fmt: skip
    reading = Reading(
        arm="bigrams",
        record="distinct_words",
        quantity="share of the words alive",
        at=(1, 2, 5, 10),
        counter="k",
    )
    return (arm,), (reading, *falls)


BIGRAM = Experiment(
    id="suresh2024/bigram",
    question="Does a bigram model forget words as a unigram model does?",
    paper=SURESH,
    where="Figure of n-gram language models",
    replicates=Replicates(quick=4, normal=32, full=128),
    figures=(
        Figure(plots.trajectory, "Share of the text's different words that a bigram model still knows.",
               options={"name": "distinct_words"}),
    ),
    notes=("Sentences of at most 50 words that start in a context drawn evenly; no law of it is known.",),
    of_text=bigram,
)  # fmt: skip


def components(location: float, generations: int, fit, name: str, record=None) -> Arm:
    """Two Gaussians at ±location with a common variance of one, ten points a generation."""
    above = {"above": mc.Record(Above(mc.metrics.standard_deviation, 0.1), reduce=mc.Moments())}
    return Arm(
        name,
        chain(mc.families.SymmetricMixture(), 10, fit),
        mc.families.SymmetricMixture.Params(location, 0.0),
        generations,
        record or above,
        start="truth",
    )


CLOSED, EXACT = mc.estimators.ApproximateJointML(), mc.estimators.MaximumLikelihood()
FITTED = {"standard_deviation": mc.Record(mc.metrics.standard_deviation, reduce=mc.Keep())}
MIXTURE_SCATTER = Experiment(
    id="suresh2024/mixture-scatter",
    question="Is the closed form for two components close to maximum likelihood?",
    paper=SURESH,
    where="Figure of approximate against exact fits",
    replicates=SLOW,
    arms=(
        components(2.0, 1, CLOSED, "closed form", FITTED),
        components(2.0, 1, EXACT, "maximum likelihood", FITTED),
    ),
    checks=tuple(
        Reading(arm=arm, record="standard_deviation", quantity="E σ̂ after one generation", at=(1,), counter="k")
        for arm in ("closed form", "maximum likelihood")
    ),
    figures=(
        Figure(plots.scatter, "Both fits of the same ten points, drawn from components at ±2 of variance 1: where they "
               "agree they lie on the diagonal.", options={"name": "standard_deviation", "at": 1}, several=True),
    ),
    disagreements=(
        "The paper's solver sometimes returns the trivial root, which lies off its diagonal; ours brackets the root.",
    ),
)  # fmt: skip

MIXTURE_BOUND = Experiment(
    id="suresh2024/mixture-bound",
    question="How likely are two components to keep a tenth of their spread?",
    paper=SURESH,
    where="Theorem 4 and its figure",
    replicates=SLOW,
    arms=(
        components(1.0, 200, CLOSED, "closed form"),
        components(1.0, 200, EXACT, "maximum likelihood"),
    ),
    checks=(
        Reading(arm="closed form", record="above", quantity="P(s_k > 0.1)", at=(20, 40, 60, 100, 140, 180), counter="k",
                stated=("symmetric-mixture-tail-theorem-4",)),
        Reading(arm="maximum likelihood", record="above", quantity="P(s_k > 0.1)", counter="k", published={20: 0.57, 40: 0.20},
                accuracy=0.01, published_error=0.02, where="the figure's “MLE”",
                erratum="the figure's solver sometimes lands on the root at zero, which keeps the whole spread"),
    ),
    figures=(
        Figure(plots.arms, "Probability that the components' standard deviation exceeds 0.1, ten points a generation; "
               "Theorem 4 bounds the closed form.", options={"name": "above"}, several=True),
    ),
    disagreements=(
        "The figure's “MLE” is too high (0.57 at k = 20, where a safe solver gives 0.44): its root finder sometimes "
        "lands on zero.",
        "The bound's array starts at k = 1 and its axis at 0.",
    ),
)  # fmt: skip

EXPERIMENTS = (
    GAUSSIAN_PATHS, BERNOULLI_PATHS, BERNOULLI_BOUNDS, POISSON, GAUSSIAN_BOUND, UNIGRAM, ZIPF, BIGRAM, MIXTURE_SCATTER,
    MIXTURE_BOUND,
)  # fmt: skip
