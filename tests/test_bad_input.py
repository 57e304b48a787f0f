"""Bad input is answered before anything is compiled: what was wrong, and how to mend it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import processes
from mcollapse.datasets import Corpus, read_text
from mcollapse.families import (
    Bernoulli,
    Categorical,
    Empirical,
    Gaussian,
    GaussianMixture,
    LinearRegression,
    Location,
    LogisticRegression,
    MarkovText,
    NextToken,
    PoissonRegression,
    SymmetricMixture,
)
from mcollapse.families import KernelDensity as Kernel
from mcollapse.families import MultivariateGaussian as Multivariate
from mcollapse.recording import KeptEntry
from mcollapse.spec import Specification
from tests.helpers import (
    COIN,
    GAUSSIAN,
    ZIPF,
    bernoulli,
    categorical,
    gaussian,
    keep,
    nothing_compiled,
    values,
)

NORMAL = mc.Truth(Gaussian(), GAUSSIAN)
Labelled = mc.families.LabelledGaussians.Params
SPEC = {"generations": 2, "replicates": 4, "family": {"name": "gaussian"}, "sizes": 10}


def run(process, truth, **options):
    return values(process, truth, **{"generations": 2, "replicates": 4} | options)


def spec(**changes):
    return Specification.parse(SPEC | changes)


def sketched():
    return mc.Quantiles().collector((1,), np.float32, np.arange(1), 1).finish()


def regression(family=None, sizes=9, **parts):
    return mc.RecursiveTraining(family=family or LinearRegression(3), sizes=sizes, **parts)


def tokens(contexts, **parts):
    return mc.RecursiveTraining(family=NextToken(contexts), sizes=8, **parts)


def text_model():
    return mc.RecursiveTraining(family=MarkovText.fitted("a b a c a b".split()), sizes=8)


def process_spec(name="weak-supervision", family=None, **fields):
    other = {} if family is None else {"family": family}
    return Specification.parse(
        {"generations": 2, "replicates": 4, "process": {"name": name} | fields} | other
    )


def one_shot(model=None, **changes):
    arguments = {"size": 9, "synthetic_share": 0.5} | changes
    return processes.OneShotMixing(
        LinearRegression(3), model or LinearRegression.Params.zeros(3), **arguments
    )


def store(tmp_path):
    entry = {"x": KeptEntry(np.zeros((4, 3)), np.arange(3))}
    attributes = {"process": {}, "truth_family": {"name": "gaussian"}, "records": {}, "sweep": {}}
    return mc.Trajectories(entry, np.zeros(4, np.int8), attributes, mc.Truth(Gaussian(), GAUSSIAN))


def difference_of_other_keys(tmp_path):
    mine = store(tmp_path)
    mine.attributes |= {"key": [0, 0], "replicates": 4, "generations": 2, "dtype": "float32"}
    other = store(tmp_path)
    other.attributes |= {"key": [0, 1], "replicates": 4, "generations": 2, "dtype": "float32"}
    return mc.difference(mine, other)


# name: (what is done, the offending value in the message, the way out in the message)
CAUSES = {
    "probabilities do not sum to one": (
        lambda p: Categorical.Params([0.5, 0.6]), "sum to 1.1", "divide them by their sum"),
    "a negative probability": (lambda p: Categorical.Params([1.5, -0.5]), "-0.5", "not be negative"),
    "NaN among probabilities": (lambda p: Categorical.Params([0.5, np.nan]), "nan", "must be finite"),
    "a single category": (lambda p: Categorical.Params([1.0]), "(1,)", "at least two categories"),
    "a probability above one": (lambda p: Bernoulli.Params(1.5), "1.5", "lie in [0, 1]"),
    "an infinite mean": (lambda p: Gaussian.Params(np.inf, 0.0), "inf", "must be finite"),
    "a shift that leaves no weight": (lambda p: Categorical.Params.zipf(5, shift=-2.0), "-2.0", "above -1"),
    "counts that are all zero": (lambda p: Categorical.Params.from_counts([0, 0]), "all zero", "counts must"),
    "too few categories for the labels": (
        lambda p: Categorical.Params.from_data([0, 7], categories=3), "label 7", "at least 8 categories"),
    "labels that are not whole": (lambda p: Categorical.Params.from_data([0, 1.5]), "1.5", "whole numbers"),
    "NaN in data": (lambda p: Gaussian.Params.from_data([1.0, np.nan]), "nan at position 1", "drop or fill"),
    "no data": (lambda p: Gaussian.Params.from_data([]), "empty", "fitted to no data"),
    "constant data": (lambda p: Gaussian.Params.from_data([2.0, 2.0]), "equal 2", "variance is zero"),
    "data that are not zeros and ones": (lambda p: Bernoulli.Params.from_data([0, 1, 2]), "2", "zeros and ones"),
    "text that is data": (lambda p: Gaussian.Params.from_data(["a"]), "<U1", "must be numbers"),
    "empty text": (lambda p: _text(p, "  "), "empty", "no text"),
    "text of one word": (lambda p: Corpus.from_text("word word", "mine"), "1 different word", "at least two"),
    "no such text": (lambda p: read_text(p / "none.txt"), "none.txt", "no text file"),
    "bytes that are no text": (lambda p: _bytes(p), "not UTF-8", "convert it"),
    "contexts without a table": (lambda p: NextToken.Params([0.5, 0.5]), "(2,)", "one row a context"),
    "an empty context": (
        lambda p: NextToken.Params.from_counts([[1, 2], [0, 0]]), "context 1 is empty", "leave them out"),
    "a context whose row does not sum to one": (
        lambda p: NextToken.Params([[0.5, 0.5], [0.5, 0.6]]), "context 1", "sum to 1.1"),
    "no contexts": (lambda p: NextToken(0), "0", "at least one context"),
    "too few weights of contexts": (lambda p: NextToken(3, weights=[0.5, 0.5]), "got 2", "3 contexts"),
    "a context that never comes": (
        lambda p: NextToken(2, weights=[1.0, 0.0]), "at least 0", "leave out contexts"),
    "counts of contexts that are neither": (lambda p: NextToken(2, "some"), "'some'", '"random"'),
    "a truth with other contexts": (
        lambda p: run(tokens(3), NextToken.Params.zipf(2, 3)), "2 rows", "3 contexts"),
    "fewer points than contexts": (
        lambda p: run(tokens(9), NextToken.Params.zipf(9, 3)), "at least 9 points", "make the sizes larger"),
    "rows of fixed contexts": (
        lambda p: run(tokens(3, path="rows"), NextToken.Params.zipf(3, 3)), "never as rows", 'counts="random"'),
    "a context as long as the text": (
        lambda p: NextToken.Params.from_data([0, 1, 1], length=3), "length 3", "shorter than the text"),
    "a text model of order 0": (lambda p: MarkovText(0), "got 0", "it is a Categorical"),
    "sentences that are all context": (lambda p: MarkovText(4, sentence=4), "4 words", "at least 5"),
    "a text that is shorter than the order": (
        lambda p: MarkovText.fitted(["a", "b", "a"], 2), "3 words", "at least 4"),
    "a text that is not split": (lambda p: MarkovText.fitted("a b c d", 1), "one string", "split it"),
    "a text of one word for n-grams": (lambda p: MarkovText.fitted(["a"] * 5), "one different word", "at least two"),
    "a text model without a text": (lambda p: MarkovText().standard_truth(), "knows no text", "MarkovText.fitted"),
    "weights of another text": (
        lambda p: run(text_model(), MarkovText.Params([1.0, 2.0])), "2 weights", "standard_truth"),
    "sentences of many authors": (
        lambda p: mc.RecursiveTraining(family=MarkovText(), sizes=9, source=mc.sources.PastModels()),
        "MarkovText", "sources.LastModel()"),
    "a text without independent points": (
        lambda p: mc.RecursiveTraining(family=MarkovText(), sizes=9, estimator=mc.estimators.Debiased()),
        "MarkovText", "Categorical"),
    "n-grams that never occur": (lambda p: MarkovText.Params([0.0, 0.0]), "all n-grams", "no text"),
    "words of a model without any": (
        lambda p: run(categorical(), ZIPF, record=keep(mc.metrics.distinct_words)), "Categorical", "metrics.support"),
    "a text file without a key": (
        lambda p: spec(family={"name": "markov-text", "truth": {"book": "x.txt"}}), "x.txt", "text ="),
    "a share above one": (lambda p: mc.sources.Mixture(1.5), "1.5", "lies in [0, 1]"),
    "a mixture of unknown counts": (lambda p: mc.sources.Mixture(0.5, counts="some"), "'some'", '"fixed"'),
    "a schedule that is no number": (lambda p: gaussian(sizes="many"), "'many'", "schedules.Constant"),
    "a schedule that is not finite": (lambda p: mc.schedules.Power(np.inf, 1.0), "inf", "finite numbers"),
    "sizes that round to zero": (
        lambda p: run(gaussian(sizes=mc.schedules.Geometric(100, 0.1)), GAUSSIAN, generations=5),
        "at generation 3", "at least 1"),
    "a power that starts at zero": (
        lambda p: run(gaussian(sizes=mc.schedules.Power(10, 1.0)), GAUSSIAN), "generation 0", "shift=1"),
    "a table that is too short": (
        lambda p: run(gaussian(sizes=[10, 20]), GAUSSIAN, generations=4), "2 values", "fewer generations"),
    "an empty table": (lambda p: mc.schedules.Table([]), "sequence of values", "Constant"),
    "one point for a variance": (lambda p: run(gaussian(sizes=1), GAUSSIAN), "has 1", "at least 2 points"),
    "sizes beyond int32": (lambda p: run(gaussian(sizes=3e9), GAUSSIAN), "3e+09", "int32"),
    "counts beyond float32": (
        lambda p: run(categorical(sizes=2**24 + 1), ZIPF), "generation 0 counts 16,777,217", "JAX_ENABLE_X64=1"),
    "accumulated counts beyond float32": (
        lambda p: run(categorical(sizes=10**7, pool=mc.pools.All()), ZIPF), "generation 1 counts 20,000,000 points", "JAX_ENABLE_X64=1"),
    "prompts beyond float32": (
        lambda p: run(processes.WeakSupervision(0.1, sizes=2**24 + 1), ZIPF), "16,777,217", "JAX_ENABLE_X64=1"),
    "images beyond float32": (
        lambda p: processes.Coevolution(9, 2**24 + 1).planned(1), "16,777,217", "JAX_ENABLE_X64=1"),
    "an empty split": (
        lambda p: run(gaussian(source=mc.sources.Split(0, 0)), GAUSSIAN), "generation 1", "positive"),
    "unbiased for a categorical": (
        lambda p: categorical(estimator=mc.estimators.Unbiased()), "Categorical", "MaximumLikelihood()"),
    "unbiased for a known variance": (
        lambda p: mc.RecursiveTraining(family=Gaussian("known"), estimator=mc.estimators.Unbiased(), sizes=9),
        "known", "MaximumLikelihood()"),
    "smoothing a Gaussian": (
        lambda p: gaussian(estimator=mc.estimators.AddConstant(1.0)), "Gaussian", "families.Categorical"),
    "a negative constant": (lambda p: mc.estimators.AddConstant(-1.0), "-1", "at least 0"),
    "an unknown variance option": (lambda p: Gaussian("given"), "'given'", '"fitted" or "known"'),
    "statistics where rows are needed": (
        lambda p: gaussian(pool=mc.pools.Subsample(5), path="statistics"), "Subsample", 'path="auto"'),
    "a class instead of a value": (lambda p: gaussian(pool=mc.pools.All), "class All", "All()"),
    "a pool in place of a source": (lambda p: gaussian(source=mc.pools.All()), "All", "mcollapse.sources"),
    "a truth of another family": (
        lambda p: run(gaussian(), ZIPF), "CategoricalParams", "mc.Truth(family, params)"),
    "a foreign truth as first model": (
        lambda p: run(gaussian(), mc.Truth(Bernoulli(), COIN), start="truth"), "Bernoulli", 'start="real"'),
    "an unknown start": (lambda p: run(gaussian(), GAUSSIAN, start="middle"), "'middle'", '"truth"'),
    "zero replicates": (lambda p: run(gaussian(), GAUSSIAN, replicates=0), "0", "at least 1"),
    "zero generations": (lambda p: run(gaussian(), GAUSSIAN, generations=0), "0", "at least 1"),
    "half a replicate": (lambda p: run(gaussian(), GAUSSIAN, replicates=2.5), "2.5", "whole number"),
    "a chunk of nothing": (lambda p: run(gaussian(), GAUSSIAN, chunk=0), "0", "at least 1"),
    "a seed instead of a key": (
        lambda p: mc.simulate(gaussian(), GAUSSIAN, key=7, generations=1, replicates=1), "seed", "jax.random.key(7)"),
    "a key of another generator": (
        lambda p: mc.simulate(
            gaussian(), GAUSSIAN, key=jax.random.key(0, impl="rbg"), generations=1, replicates=1),
        "rbg", "threefry2x32"),
    "more devices than there are": (lambda p: run(gaussian(), GAUSSIAN, devices=999), "999", "this process has"),
    "a record that is a metric": (
        lambda p: run(gaussian(), GAUSSIAN, record={"x": mc.metrics.mean}), "record['x']", "mc.Record("),
    "a metric that is no function": (lambda p: mc.Record("mean"), "'mean'", "mcollapse.metrics"),
    "a metric of another family": (
        lambda p: run(gaussian(), GAUSSIAN, record=keep(mc.metrics.support)), "Gaussian", "log_variance"),
    "a metric that asks for a method": (
        lambda p: run(gaussian(), GAUSSIAN, record=keep(mc.metrics.support)), "Gaussian has none", "method `probabilities`"),
    "one determinant of several classes": (
        lambda p: run(mc.RecursiveTraining(family=mc.families.LabelledGaussians(), sizes=40), Labelled.circle(3),
                      record=keep(mc.metrics.log_determinant)), "LabelledGaussians has none", "squared_error"),
    "a variance of a coin": (
        lambda p: run(bernoulli(), COIN, record=keep(mc.metrics.log_variance)), "Bernoulli", "squared_error"),
    "a generation beyond the run": (
        lambda p: run(gaussian(), GAUSSIAN, record=keep(mc.metrics.mean, at=[9])), "generation 9", "raise generations"),
    "an event of a metric that draws": (
        lambda p: mc.metrics.Above(mc.metrics.HeldOut(9), 1.0), "HeldOut draws", "mc.Keep()"),
    "an unknown set of generations": (lambda p: mc.Record(mc.metrics.mean, at="some"), "'some'", "mc.every"),
    "every zeroth generation": (lambda p: mc.every(0), "0", "at least 1"),
    "a hitting time without threshold": (lambda p: mc.HittingTime(), "one threshold", "below="),
    "quantiles without error": (lambda p: mc.Quantiles(0.0), "0.0005 to 0.5", "got 0.0"),
    "quantiles of no number": (lambda p: mc.Quantiles("1 %"), "0.0005 to 0.5", "got '1 %'"),
    "quantiles of a truth value": (lambda p: mc.Quantiles(True), "0.0005 to 0.5", "got True"),
    "a quantile of 95": (lambda p: sketched().quantile([0.5, 95.0]), "shares from 0 to 1", "95"),
    "an interval of level 95": (lambda p: sketched().interval(0.5, 95.0), "between 0 and 1", "level=95.0"),
    "a histogram without edges": (lambda p: mc.Histogram(), "edges=[…]", "low=…, high=… and bins=…"),
    "a histogram without bins": (lambda p: mc.Histogram(low=0.0, high=1.0), "edges=[…]", "bins=…"),
    "a histogram of edges and bins": (lambda p: mc.Histogram(edges=[0, 1], bins=3), "edges=[…]", "bins=…"),
    "a histogram of one edge": (lambda p: mc.Histogram(edges=[1.0]), "at least two", "[1.0]"),
    "a histogram of equal edges": (lambda p: mc.Histogram(edges=[0, 1, 1]), "larger than the one before", "[0, 1, 1]"),
    "a histogram of edges that fall": (lambda p: mc.Histogram(edges=[2, 1]), "larger than the one before", "[2, 1]"),
    "a histogram without end": (lambda p: mc.Histogram(edges=[0, np.inf]), "finite", "inf"),
    "a histogram of words": (lambda p: mc.Histogram(edges="abc"), "numbers", "'abc'"),
    "a histogram of a number": (lambda p: mc.Histogram(edges=3.0), "at least two", "3.0"),
    "a histogram that is upside down": (lambda p: mc.Histogram(low=1.0, high=0.0, bins=3), "low below its high", "1.0 and 0.0"),
    "a histogram of low words": (lambda p: mc.Histogram(low="a", high=1, bins=3), "finite numbers", "'a'"),
    "a histogram of half a bin": (lambda p: mc.Histogram(low=0, high=1, bins=0.5), "whole number", "0.5"),
    "a histogram of bins too narrow": (lambda p: mc.Histogram(low=1.0, high=1.0 + 1e-15, bins=9), "fewer numbers", "9 bins"),
    "a misspelled argument of a reducer": (
        lambda p: spec(record={"mean": {"reduce": {"name": "quantiles", "relativ_error": 0.1}}}),
        "'relativ_error'", "did you mean 'relative_error'"),
    "a misspelled reducer": (
        lambda p: spec(record={"mean": {"reduce": "quantile"}}), "'quantile'", "did you mean 'quantiles'"),
    "every yes": (lambda p: mc.every(True), "got True", "at least 1"),
    "keeping nothing": (lambda p: mc.Keep(first=0), "0", "at least one"),
    "a record that does not fit": (
        lambda p: run(categorical(), ZIPF, replicates=10**9, generations=10**4), "GiB", "mc.Moments()"),
    "a meter that is none": (lambda p: run(gaussian(), GAUSSIAN, progress="bar"), "'bar'", "TerminalProgress()"),
    "a log without pauses": (lambda p: mc.progress.LogProgress(seconds=0), "more than 0", "0"),
    "a sweep of nothing": (
        lambda p: mc.sweep(gaussian(), GAUSSIAN, over={}, key=jax.random.key(0), generations=1, replicates=1),
        "at least one parameter", "over="),
    "a sweep over a misspelled field": (
        lambda p: _sweep({"source.real_shar": [0.1]}), "real_shar", "did you mean 'real_share'"),
    "a sweep over no number": (lambda p: _sweep({"source.counts": [1.0]}), "source.counts", "number"),
    "a sweep out of range": (lambda p: _sweep({"source.real_share": [0.1, 2.0]}), "2", "[0, 1]"),
    "stepping an unplanned process": (
        lambda p: gaussian().init(jax.random.key(0), GAUSSIAN), "no tables yet", "process.planned(generations)"),
    "an entry that was not recorded": (
        lambda p: store(p)["y"], "'y'", "recorded are x"),
    "a difference of other keys": (difference_of_other_keys, "[0, 1]", "same key"),
    "a store that exists": (lambda p: store(p).save(p), "exists", "overwrite=True"),
    "an unwritable place": (lambda p: store(p).save("/proc/none/run.zarr"), "/proc", "choose another path"),
    "no such store": (lambda p: mc.Trajectories.load(p / "none.zarr"), "none.zarr", "run.save"),
    "a store of something else": (lambda p: mc.Trajectories.load(p), "not a store", "mcollapse"),
    "a specification with a misspelled section": (
        lambda p: spec(souce={"name": "mixture"}), "'souce'", "did you mean 'source'"),
    "a specification with a misspelled name": (
        lambda p: spec(source={"name": "mixtur"}), "'mixtur'", "did you mean 'mixture'"),
    "a specification with a misspelled field": (
        lambda p: spec(sizes={"name": "power", "scale": 5, "exponet": 1}), "'exponet'", "did you mean 'exponent'"),
    "a specification with a missing field": (
        lambda p: spec(sizes={"name": "power", "scale": 5}), "'power'", "'exponent'"),
    "a specification without sizes": (
        lambda p: Specification.parse({k: v for k, v in SPEC.items() if k != "sizes"}), "sizes", "required"),
    "a specification with an unknown metric": (
        lambda p: spec(record={"log_varance": {}}), "'log_varance'", "did you mean 'log_variance'"),
    "a specification with an unknown reducer": (
        lambda p: spec(record={"mean": {"reduce": "momets"}}), "'momets'", "did you mean 'moments'"),
    "a specification with words for numbers": (
        lambda p: spec(generations="ten"), "'ten'", "generations"),
    "draws of nobody": (lambda p: run(gaussian(), GAUSSIAN, draws="numpy"), "'numpy'", '"jax" (jax.random)'),
    "a truth with a misspelled argument": (
        lambda p: spec(family=truth_of(zipf={"categorys": 5})), "'categorys'", "did you mean 'categories'"),
    "a truth without an argument": (
        lambda p: spec(family=truth_of(uniform={})), "family.truth.uniform", "needs 'categories'"),
    "a truth of half a category": (
        lambda p: spec(family=truth_of(zipf=3.5)), "3.5", "whole number of at least two"),
    "a truth of words": (
        lambda p: spec(family=truth_of(probabilities="half")), "'half'", "a list of numbers"),
    "two truths": (
        lambda p: spec(family=truth_of(uniform=3, zipf=3)), "either uniform or zipf", "not both"),
    "a weight of nothing": (lambda p: mc.estimators.Weighted(0.0), "got 0", "(0, 1]"),
    "a weight above one": (lambda p: mc.estimators.Weighted(1.5), "1.5", "[0, 1]"),
    "a weight that vanishes": (
        lambda p: run(gaussian(estimator=mc.estimators.Weighted([0.5, 0.5, 0.0]), source=mc.sources.Split(5, 5)),
                      GAUSSIAN, generations=2),
        "generation 2", "(0, 1]"),
    "debiased moments": (lambda p: gaussian(estimator=mc.estimators.Debiased()), "Gaussian", "Categorical"),
    "no real points to be fitted": (
        lambda p: run(gaussian(estimator=mc.estimators.RealOnly()), GAUSSIAN), "no real points", "pools.All()"),
    "real points kept where there are none": (
        lambda p: run(gaussian(pool=mc.pools.RealAndNewest()), GAUSSIAN, start="truth"),
        "RealAndNewest", 'start="real"'),
    "a memory of all batches and a pool of them": (
        lambda p: categorical(estimator=mc.estimators.Debiased(), pool=mc.pools.All()), "Debiased", "pools.Newest()"),
    "a memory that begins with real points": (
        lambda p: run(categorical(estimator=mc.estimators.Debiased(), source=mc.sources.Mixture(0.2)), ZIPF,
                      start="truth"), "Debiased", 'start="real"'),
    "real points for one that remembers": (
        lambda p: categorical(estimator=mc.estimators.RealOnly(mc.estimators.Debiased())), "Debiased", "AddConstant()"),
    "a rate of real numbers": (
        lambda p: run(mc.RecursiveTraining(family=mc.families.Poisson(), sizes=9),
                      mc.Truth(mc.families.Gaussian(), GAUSSIAN)), "gives float", "families.Bernoulli"),
    "a negative rate": (lambda p: mc.families.Poisson.Params(-1.0), "-1", "at least 0"),
    "halves of Poisson counts": (
        lambda p: mc.families.Poisson.Params.from_data([1, 2.5]), "2.5", "whole numbers from 0 on"),
    "more than an int32 counts": (
        lambda p: run(mc.RecursiveTraining(family=mc.families.Poisson(), sizes=10**6), mc.families.Poisson.Params(2e3)),
        "1,000,000 points", "use smaller sizes"),
    "smoothing of a rate": (
        lambda p: mc.RecursiveTraining(
            family=mc.families.Poisson(), sizes=9, estimator=mc.estimators.AddConstant()),
        "Poisson", "Categorical"),
    "a parameter that is a word": (
        lambda p: mc.families.Bernoulli.Params("half"), "'half'", "a number or an array"),
    "a bandwidth of zero": (lambda p: Kernel(bandwidth=0.0), "got 0", "families.Empirical"),
    "a negative bandwidth": (lambda p: Kernel.Params.from_data([1.0, 2.0], -0.5), "-0.5", "positive, finite"),
    "an unknown rule": (lambda p: Kernel(bandwidth="scot"), "'scot'", "silverman"),
    "a rule of one dimension in two": (
        lambda p: Kernel(2, "normal-reference"), "this is 2", 'use "silverman"'),
    "a rule for one point": (lambda p: Kernel.Params.from_data([1.0]), "got 1", "at least 2 points"),
    "a rule for points without spread": (
        lambda p: Kernel.Params.from_data([2.0, 2.0, 2.0]), "no spread", "fix a bandwidth"),
    "one point for a rule": (
        lambda p: run(mc.RecursiveTraining(family=Kernel(), sizes=1), NORMAL), "has 1", "at least 2 points"),
    "an empirical law of no data": (lambda p: Empirical.Params.from_data([]), "shape (0,)", "needs data"),
    "words as data": (lambda p: Empirical.Params.from_data(["a"]), "<U1", "must be numbers"),
    "weights of nothing": (lambda p: Empirical.Params.from_data([1.0, 2.0], [0.0, 0.0]), "0 to 0", "one is positive"),
    "too few weights": (lambda p: Empirical.Params.from_data([1.0, 2.0], [1.0]), "shape (1,)", "as many weights"),
    "rows of another dimension": (
        lambda p: run(mc.RecursiveTraining(family=Empirical(2), sizes=9), NORMAL), "shape []", "families.Empirical(1)"),
    "data of another dimension": (
        lambda p: run(mc.RecursiveTraining(family=Empirical(2), sizes=9), Empirical.Params.from_data([1.0, 2.0])),
        "dimension=2", "families.Empirical(1)"),
    "half a dimension": (lambda p: Empirical(1.5), "1.5", "whole number"),
    "a distance of distribution functions of counts": (
        lambda p: run(mc.RecursiveTraining(family=Empirical(), sizes=9),
                      mc.Truth(mc.families.Poisson(), mc.families.Poisson.Params(2.0)),
                      record=keep(mc.metrics.cramer_von_mises)), "Poisson truth", "squared_error or trace"),
    "a distance of distribution functions of a Gaussian": (
        lambda p: run(gaussian(), GAUSSIAN, record=keep(mc.metrics.cramer_von_mises)), "Gaussian is none", "Empirical"),
    "an integral in two dimensions": (
        lambda p: run(mc.RecursiveTraining(family=Kernel(2), sizes=9), Kernel(2).standard_truth(),
                      record=keep(mc.metrics.total_variation)), "KernelDensity has none", "HeldOut"),
    "a density of points": (
        lambda p: run(mc.RecursiveTraining(family=Empirical(), sizes=9), NORMAL,
                      record=keep(mc.metrics.HeldOut())), "Empirical has none", "cramer_von_mises"),
    "half a point held out": (lambda p: mc.metrics.HeldOut(0.5), "0.5", "whole number of points"),
    "an average of two empirical laws": (
        lambda p: mc.RecursiveTraining(family=Empirical(), sizes=9,
                                       estimator=mc.estimators.Weighted(0.5, combine="fits")), "Empirical", "rows"),
    "an unknown noise": (lambda p: Location("gauss"), "'gauss'", "laplace"),
    "a scale of zero": (lambda p: Location(scale=0.0), "0.0", "positive, finite"),
    "an unknown fit of a location": (lambda p: Location(fit="mode"), "'mode'", "a function (rows, weights)"),
    "vectors for a location": (
        lambda p: run(mc.RecursiveTraining(family=Location(), sizes=9), Kernel(2).standard_truth()), "[2]", "numbers"),
    "a mean and a covariance of two dimensions": (
        lambda p: Multivariate.Params(np.zeros(2), np.eye(3), np.zeros(3)), "(3, 3)", "go together"),
    "a factor that is not triangular": (
        lambda p: Multivariate.Params(np.zeros(2), [[1.0, 5.0], [7.0, -1.0]], np.zeros(2)), "triangular", "Params.of("),
    "no dimension at all": (lambda p: Multivariate.Params.isotropic(0), "got 0", "at least 1 dimension"),
    "a variance of zero in a matrix": (
        lambda p: Multivariate.Params.of([0.0, 0.0], np.diag([1.0, 0.0])), "is 0", "must be positive"),
    "two noise variances": (lambda p: LinearRegression.Params([1.0], [1.0, 2.0]), "(2,)", "one number"),
    "a part too small for a fit of its own": (
        lambda p: run(regression(source=mc.sources.Split(2, 18), estimator=mc.estimators.Weighted(0.5, "fits")),
                      LinearRegression.Params.zeros(3)), "has 2", 'combine="rows"'),
    "a learner of another dimension": (
        lambda p: run(regression(), LinearRegression.Params.zeros(3), record=keep(
            mc.metrics.Downstream(mc.metrics.squared_error, 9, family=LinearRegression(4)))), "rows of 5", "dimension 4"),
    "several penalties": (lambda p: mc.estimators.Ridge([0.1, 0.2]), "(2,)", "mc.sweep"),
    "a covariance that is singular": (
        lambda p: Multivariate.Params.of([0.0, 0.0], np.ones((2, 2))), "positive definite", "leave out dimensions"),
    "fewer rows than dimensions": (
        lambda p: Multivariate.Params.from_data(np.ones((2, 2))), "got 2", "at least 3 rows"),
    "rows that are no rows": (lambda p: Multivariate.Params.from_data([1.0, 2.0]), "(2,)", "rows [n, d]"),
    "a truth of other dimensions": (
        lambda p: run(mc.RecursiveTraining(family=Multivariate(2), sizes=9), Multivariate.Params.isotropic(3)),
        "3 coordinates", "dimension=3"),
    "as many points as dimensions": (
        lambda p: run(mc.RecursiveTraining(family=Multivariate(3), sizes=3), Multivariate.Params.isotropic(3)),
        "has 3", "at least 4 points"),
    "a dimension of none": (lambda p: Multivariate(0), "got 0", "at least 1"),
    "a temperature of zero": (
        lambda p: run(categorical(decoder=mc.decoders.Temperature([1.0, 1.0, 0.0])), ZIPF), "at generation 2", "above 0"),
    "a variance factor below zero": (
        lambda p: run(gaussian(decoder=mc.decoders.VarianceFactor(-1.0)), GAUSSIAN), "got -1", "above 0"),
    "a tempered Poisson": (
        lambda p: mc.RecursiveTraining(
            family=mc.families.Poisson(), sizes=9, decoder=mc.decoders.Temperature(0.9)), "Poisson", "families.Categorical"),
    "a variance factor of counts": (
        lambda p: categorical(decoder=mc.decoders.VarianceFactor(0.9)), "Categorical", "families.Gaussian"),
    "the top of a Gaussian": (
        lambda p: gaussian(decoder=mc.decoders.Top(3)), "Gaussian", "decoders.Temperature"),
    "the top of nothing": (lambda p: mc.decoders.Top(0), "got 0", "at least 1"),
    "a nucleus of more than all": (lambda p: mc.decoders.Nucleus(1.5), "1.5", "in (0, 1]"),
    "a mixture that is to be decoded": (
        lambda p: categorical(source=mc.sources.PastModels(), decoder=mc.decoders.Top(3)), "mixture", '"fixed"'),
    "a decoder that is a source": (
        lambda p: gaussian(decoder=mc.sources.LastModel()), "LastModel", "mcollapse.decoders"),
    "no past models": (lambda p: mc.sources.PastModels(0), "got 0", "at least 1, or None"),
    "past models of unknown counts": (
        lambda p: mc.sources.PastModels(counts="some"), "'some'", '"fixed"'),
    "a window of nothing": (lambda p: mc.pools.Window(0), "got 0", "pools.All()"),
    "filtered points of the truth itself": (
        lambda p: run(gaussian(pool=mc.pools.RealOnly()), GAUSSIAN, start="truth"), "RealOnly", 'start="real"'),
    "coefficients that are no vector": (
        lambda p: LinearRegression.Params([[1.0, 2.0]]), "(1, 2)", "a vector, one a feature"),
    "NaN among coefficients": (lambda p: LinearRegression.Params([1.0, np.nan]), "nan at position 1", "finite"),
    "a negative noise variance": (lambda p: LinearRegression.Params([1.0], -2.0), "-2", "at least 0"),
    "a design of no rows": (lambda p: LinearRegression(3, design=0), "got 0", "at least 1"),
    "a covariance of another dimension": (
        lambda p: LinearRegression(3, np.eye(2)), "dimension 3", "[2, 2]"),
    "a covariance that is no square": (lambda p: LinearRegression(2, [[1.0, 0.0]]), "(1, 2)", "square matrix"),
    "a covariance that is not symmetric": (
        lambda p: LinearRegression(2, [[1.0, 0.5], [0.0, 1.0]]), "symmetric", "(C + C.T) / 2"),
    "a singular covariance": (
        lambda p: LinearRegression(2, [[1.0, 1.0], [1.0, 1.0]]), "least eigenvalue", "leave out dimensions"),
    "a truth of another dimension": (
        lambda p: run(regression(), LinearRegression.Params.zeros(4)), "4 coefficients", "dimension=4"),
    "a truth of another covariance": (
        lambda p: run(regression(), mc.Truth(LinearRegression(3, 2 * np.eye(3)), LinearRegression.Params.zeros(3))),
        "one covariance", "the parameters alone"),
    "fewer rows than coefficients": (
        lambda p: run(regression(sizes=2), LinearRegression.Params.zeros(3)), "has 2", "at least 3 points"),
    "a size that is not the design's": (
        lambda p: run(regression(LinearRegression(3, design=9), sizes=[9, 9, 8]), LinearRegression.Params.zeros(3)),
        "8 points", "use sizes=9"),
    "a design and a random number of points": (
        lambda p: run(regression(LinearRegression(3, design=9), source=mc.sources.Mixture(0.5)),
                      LinearRegression.Params.zeros(3)), "random number", "sources.Split"),
    "singular features": (
        lambda p: LinearRegression.Params.from_data(np.ones((9, 2)), np.ones(9)), "rank 1", "leave out columns"),
    "fewer rows than a fit needs": (
        lambda p: LinearRegression.Params.from_data(np.ones((2, 2)), np.ones(2)), "got 2", "at least 3 rows"),
    "labels of another length": (
        lambda p: LinearRegression.Params.from_data(np.ones((9, 2)), np.ones(8)), "(8,)", "rows [n, d]"),
    "missing labels": (
        lambda p: LinearRegression.Params.from_data(np.eye(9)[:, :2], [np.nan] * 9), "finite", "missing values"),
    "a ridge without a penalty": (lambda p: mc.estimators.Ridge(0.0), "got 0", "MinimumNorm()"),
    "a ridge of a coin": (
        lambda p: bernoulli(estimator=mc.estimators.Ridge(1.0)), "Bernoulli", "families.LinearRegression"),
    "a logistic regression of no features": (lambda p: LogisticRegression(0), "got 0", "at least 1"),
    "coefficients that are a table": (lambda p: LogisticRegression.Params([[1.0]]), "(1, 1)", "a vector, one a feature"),
    "an infinite coefficient": (lambda p: PoissonRegression.Params([np.inf]), "inf", "finite"),
    "a covariance of other features": (lambda p: PoissonRegression(3, np.eye(2)), "dimension 3", "[2, 2]"),
    "a truth of more features": (
        lambda p: run(regression(LogisticRegression(2)), LogisticRegression.Params.ones(3)), "3 coefficients", "dimension=3"),
    "other features of a logistic truth": (
        lambda p: run(regression(LogisticRegression(2)),
                      mc.Truth(LogisticRegression(2, 2 * np.eye(2)), LogisticRegression.Params.ones())),
        "one covariance", "same LogisticRegression"),
    "rates that cannot be drawn": (
        lambda p: run(regression(PoissonRegression(2)), PoissonRegression.Params([3.0, 3.0])), "4.24", "scale coefficients"),
    "labels that are no classes": (
        lambda p: LogisticRegression.Params.from_data(np.eye(9)[:, :2], np.arange(9)), "got 2", "0 and 1"),
    "labels that are no counts": (
        lambda p: PoissonRegression.Params.from_data(np.eye(9)[:, :2], np.full(9, -1)), "got -1", "whole numbers"),
    "labels that a plane separates": (
        lambda p: LogisticRegression.Params.from_data(np.arange(1.0, 10)[:, None], np.ones(9)), "separates", "more rows"),
    "counts that are all zero on one side": (
        lambda p: PoissonRegression.Params.from_data(np.arange(1.0, 10)[:, None], np.zeros(9)), "are zero", "fewer features"),
    "singular features of a logistic truth": (
        lambda p: LogisticRegression.Params.from_data(np.ones((9, 2)), np.ones(9)), "rank 1", "leave out columns"),
    "too few rows for a logistic regression": (
        lambda p: run(regression(LogisticRegression(3), sizes=2), LogisticRegression.Params.ones(3)), "has 2", "at least 3 points"),
    "the shortest of coins": (
        lambda p: bernoulli(estimator=mc.estimators.MinimumNorm()), "Bernoulli", "families.LinearRegression"),
    "a weighting of neither rows nor fits": (
        lambda p: mc.estimators.Weighted(0.5, combine="both"), "'both'", '"fits"'),
    "a divisor of rows of two sources": (
        lambda p: mc.estimators.Weighted(0.5, ddof=1), "got 1", 'combine="fits"'),
    "a divisor of a coin": (
        lambda p: bernoulli(estimator=mc.estimators.Weighted(0.5, "fits", 1)), "Bernoulli", "ddof=0"),
    "a test error of a coin": (
        lambda p: run(bernoulli(), COIN, record=keep(mc.metrics.test_error)), "Bernoulli", "squared_error"),
    "a mixture with a zero weight": (
        lambda p: GaussianMixture.Params.of([1.0, 0.0], [[0.0], [1.0]], np.ones((2, 1, 1))), "component 1", "leave it out"),
    "weights of a mixture that do not sum to one": (
        lambda p: GaussianMixture.Params.of([0.5, 0.6], [0.0, 1.0], [1.0, 1.0]), "1.1", "divide them by their sum"),
    "a mixture with a singular covariance": (
        lambda p: GaussianMixture.Params.of([0.5, 0.5], np.eye(2), [np.eye(2), np.ones((2, 2))]),
        "positive definite", "leave out dimensions"),
    "a mixture with too few covariances": (
        lambda p: GaussianMixture.Params.of([0.5, 0.5], np.eye(2), [np.eye(2)]), "(1, 2, 2)", "(2, 2, 2)"),
    "a mixture that is not a number": (
        lambda p: GaussianMixture.Params.of([0.5, 0.5], [np.nan, 1.0], [1.0, 1.0]), "nan", "must be finite"),
    "a mixture with no components": (lambda p: GaussianMixture(0), "got 0", "at least 1"),
    "covariances of no known kind": (lambda p: GaussianMixture(covariance="tied"), "'tied'", '"spherical"'),
    "a truth with more components": (
        lambda p: run(mixture(), GaussianMixture.Params.separated(3)), "3 in 2", "components=3"),
    "a mixture from too few points": (
        lambda p: run(mixture(5), GaussianMixture.Params.separated()), "at least 6 points", "make the sizes larger"),
    "an average of two mixtures": (
        lambda p: mixture(estimator=mc.estimators.Weighted(0.5, "fits")), "no average", 'combine="rows"'),
    "a divisor of a mixture": (lambda p: mixture(estimator=mc.estimators.Unbiased()), "GaussianMixture", "variance"),
    "a floor of zero": (
        lambda p: mc.estimators.ExpectationMaximisation(floor=0.0), "got 0.0", "between 0 and 1"),
    "no iterations": (lambda p: mc.estimators.ExpectationMaximisation(0), "got 0", "at least 1"),
    "a start from nowhere": (
        lambda p: mc.estimators.ExpectationMaximisation(start="random"), "'random'", '"previous"'),
    "expectation-maximisation of a coin": (
        lambda p: bernoulli(estimator=mc.estimators.ExpectationMaximisation()), "Bernoulli", "MaximumLikelihood()"),
    "a closed form of another mixture": (
        lambda p: mixture(estimator=mc.estimators.ApproximateJointML()), "GaussianMixture", "SymmetricMixture"),
    "an eta of one": (lambda p: mc.estimators.ApproximateJointML(1.0), "got 1.0", "is 2"),
    "a location on the left": (lambda p: SymmetricMixture.Params(-1.0, 0.0), "got -1", "absolute value"),
    "a component of no variance": (lambda p: SymmetricMixture.Params.of(1.0, 0.0), "got 0", "above 0"),
    "rows of numbers that are one": (lambda p: SymmetricMixture.Params.from_data([2.0, -2.0]), "2 of size 2", "differ"),
    "components of no variance": (
        lambda p: run(symmetric(), SymmetricMixture.Params(1.0, -np.inf)), "exp(-inf)", "Params.of(location, variance)"),
    "components of a variance that is no number": (
        lambda p: run(symmetric(), SymmetricMixture.Params(1.0, -800.0)), "exp(-800)", "other units"),
    "a mixture of tilted spheres": (
        lambda p: run(mixture(40, GaussianMixture(covariance="spherical")), GaussianMixture.Params.of(
            [0.5, 0.5], [[0, 0], [5, 0]], [[[1, 0.9], [0.9, 1]]] * 2), start="truth"), "'spherical'", 'covariance="full"'),
    "a first model of tilted spheres": (
        lambda p: run(mixture(40, GaussianMixture(covariance="spherical")), mc.Truth(GaussianMixture(), TILTED), start="truth"),
        "'spherical'", 'start="real"'),
    "a first model of uneven axes": (
        lambda p: run(mixture(40, GaussianMixture(covariance="diagonal")), mc.Truth(GaussianMixture(), TILTED), start="truth"),
        "'diagonal'", 'start="real"'),
    "a first model of three components": (
        lambda p: run(mixture(40), mc.Truth(GaussianMixture(3), GaussianMixture.Params.separated(3)), start="truth"),
        "no law of GaussianMixture()", "the family of the truth, GaussianMixture(components=3)"),
    "a divisor of a symmetric mixture": (
        lambda p: mc.RecursiveTraining(family=SymmetricMixture(), sizes=9, estimator=mc.estimators.Unbiased()),
        "has no divisor to correct", "MaximumLikelihood()"),
    "a matching of coins": (
        lambda p: run(bernoulli(), COIN, record=keep(mc.metrics.matched_squared_error)), "Bernoulli", "squared_error"),
    "a matching of too many": (
        lambda p: run(mixture(40, GaussianMixture(7)), GaussianMixture.Params.separated(7),
                      record=keep(mc.metrics.matched_squared_error)), "7 components", "mode_coverage"),
    "modes of a coin": (
        lambda p: run(bernoulli(), COIN, record=keep(mc.metrics.mode_coverage)), "Bernoulli", "ComponentMass"),
    "a distance between mixtures": (
        lambda p: run(symmetric(), SymmetricMixture.Params.standard(), record=keep(mc.metrics.wasserstein2_squared)),
        "SymmetricMixture", "matched_squared_error"),
    "masses of a coin": (
        lambda p: run(bernoulli(), COIN, record=keep(mc.metrics.ComponentMass())), "Bernoulli", "probabilities"),
    "a mass of no points": (lambda p: mc.metrics.ComponentMass(0), "got 0", "at least 1"),
    "a bias of proportions": (
        lambda p: run(categorical(bias=0.1), ZIPF), "Categorical", "families.Gaussian"),
    "a bias without end": (
        lambda p: run(gaussian(bias=mc.schedules.Power(1.0, -0.5)), GAUSSIAN), "inf at generation 0", "shift=1"),
    "two frozen models": (
        lambda p: processes.Coevolution(9, 9, text_steps=0, image_steps=0), "text_steps=0", "make one of them 1"),
    "half a step": (lambda p: processes.Coevolution(9, 9, text_steps=0.5), "got 0.5", "whole number"),
    "images of unknown counts": (lambda p: processes.Coevolution(9, 9, counts="some"), "'some'", '"fixed"'),
    "a divisor of two less": (lambda p: processes.Coevolution(9, 9, ddof=2), "got 2", "0 or 1"),
    "one image for a variance": (
        lambda p: run(processes.Coevolution(9, 1, counts="fixed", ddof=1), Labelled.circle()), "is 1", "at least 2"),
    "more than the whole corpus": (
        lambda p: processes.Coevolution(9, 9, corpus_mass=1.5), "corpus_mass", "[0, 1], got 1.5"),
    "a truth without images": (
        lambda p: run(processes.Coevolution(9, 9), ZIPF), "CategoricalParams", "LabelledGaussians.Params.circle()"),
    "a circle of one": (lambda p: Labelled.circle(1), "got 1", "at least two tokens"),
    "images of other tokens": (
        lambda p: Labelled.of([0.5, 0.5], np.zeros((3, 2)), [np.eye(2)] * 3), "(3, 2)", "[2, d]"),
    "a label of a few images": (
        lambda p: Labelled.from_data([0, 0, 0, 1], np.eye(4)[:, :2]), "label 1 has 1", "at least 3"),
    "classes of a coin": (
        lambda p: run(bernoulli(), COIN, record=keep(mc.metrics.class_traces)), "Bernoulli", "LabelledGaussians"),
    "answers of a coin": (
        lambda p: run(bernoulli(), COIN, record=keep(mc.metrics.unsolved)), "Bernoulli", "WeakSupervision"),
    "a limit of a Gaussian": (
        lambda p: run(processes.PopulationLimit(0.1), GAUSSIAN), "GaussianParams", "Categorical.Params.zipf"),
    "a limit of two lengths": (
        lambda p: run(processes.PopulationLimit(0.1, model=mc.families.Categorical.Params.uniform(3)),
                      mc.families.Categorical.Params.uniform(4)), "3 symbols", "give both as many"),
    "a limit of narrower tables": (
        lambda p: processes.PopulationLimit(0.1, mc.decoders.VarianceFactor(0.5)), "Categorical", "families.Gaussian"),
    "a labeller better than right": (lambda p: processes.WeakSupervision(1.5), "1.5", "[0, 1]"),
    "a filter of many errors": (lambda p: processes.WeakSupervision(0.1, noise=-0.1), "-0.1", "in [0, 1]"),
    "a base model that knows all": (
        lambda p: run(processes.WeakSupervision(0.1), ZIPF, start="truth"), "base model", 'start="real"'),
    "prompts of no law": (
        lambda p: run(processes.WeakSupervision(0.1), GAUSSIAN), "GaussianParams", "Categorical.Params.uniform"),
    "two fits of one": (
        lambda p: run(one_shot(), LinearRegression.Params.zeros(3), generations=2), "generations=2", "sources.Split"),
    "a share of more than all": (lambda p: one_shot(synthetic_share=1.2), "1.2", "[0, 1]"),
    "another model of another family": (
        lambda p: one_shot(model=GAUSSIAN), "GaussianParams", "LinearRegression.Params"),
    "another model of another dimension": (
        lambda p: one_shot(model=LinearRegression.Params.zeros(4)), "4 coefficients", "dimension=4"),
    "one shot at a truth of another family": (
        lambda p: run(one_shot(), mc.Truth(Gaussian(), GAUSSIAN), generations=1), "Gaussian", "of one family"),
    "a step without a plan": (
        lambda p: one_shot().init(jax.random.key(0), LinearRegression.Params.zeros(3)), "no tables yet", "planned(1"),
    "a process that is misspelled": (
        lambda p: process_spec(name="weak-supervison"), "'weak-supervison'", "did you mean 'weak-supervision'"),
    "a process with a misspelled field": (
        lambda p: process_spec(strenght=0.1), "'strenght'", "did you mean 'strength'"),
    "a process and a family": (
        lambda p: process_spec(strength=0.1, family={"name": "gaussian"}), "'family'", "known are"),
    "a process of a truth with a misspelled argument": (
        lambda p: process_spec(strength=0.1, truth={"zipf": {"categorys": 5}}), "process.truth.zipf", "'categories'"),
    "no such specification": (lambda p: Specification.read(p / "none.toml"), "none.toml", "no specification file"),
    "a specification that is no TOML": (lambda p: _not_toml(p), "not TOML", "line 1"),
}  # fmt: skip


TILTED = GaussianMixture.Params.of([0.5, 0.5], [[0, 0], [5, 0]], [[[1, 0.9], [0.9, 2]]] * 2)


def mixture(sizes=20, family=None, **parts):
    return mc.RecursiveTraining(family=family or GaussianMixture(), sizes=sizes, **parts)


def symmetric():
    return mc.RecursiveTraining(family=SymmetricMixture(), sizes=20)


def truth_of(**truth):
    return {"name": "categorical", "truth": truth}


def _sweep(over):
    process = categorical(source=mc.sources.Mixture(0.1))
    return mc.sweep(process, ZIPF, over=over, key=jax.random.key(0), generations=1, replicates=1)


def _text(path, text):
    (path / "text.txt").write_text(text)
    return read_text(path / "text.txt")


def _bytes(path):
    (path / "text.txt").write_bytes(b"\xff\xfe\x00word")
    return read_text(path / "text.txt")


def _not_toml(path):
    (path / "spec.toml").write_text("generations: 5")
    return Specification.read(path / "spec.toml")


@pytest.mark.parametrize("cause", CAUSES)
def test_bad_input_is_answered(cause, tmp_path):
    action, offending, cure = CAUSES[cause]
    if "beyond float32" in cause and jnp.result_type(float) == jnp.float64:
        pytest.skip("none is in float64, see test_float64")
    with nothing_compiled(), pytest.raises((ValueError, KeyError)) as caught:
        action(tmp_path)
    message = str(caught.value)
    assert offending in message and cure in message, message


def test_errors_in_a_users_metric_come_before_compilation():
    def broken(family, params, truth):
        return params.mean + jnp.ones(3) @ jnp.ones(2)

    with nothing_compiled(), pytest.raises(TypeError):
        run(gaussian(), GAUSSIAN, record=keep(broken))
