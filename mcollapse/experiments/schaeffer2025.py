"""Schaeffer et al.: eight definitions of model collapse, read off the same runs."""

import numpy as np

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates, Slope

SCHAEFFER = Paper(
    key="schaeffer2025",
    authors="Schaeffer, Kazdan, Arulandu & Koyejo",
    year=2025,
    title="Position: Model collapse does not mean what you think",
    arxiv="2503.03150",
)
REPLACE, ACCUMULATE = "replace", "accumulate"
POOLS = {REPLACE: mc.pools.Newest(), ACCUMULATE: mc.pools.All()}


def both(family, truth, sizes: int, generations: int, metrics, estimator=None, at=()) -> tuple[Arm, ...]:
    """The same model on its newest points alone, and on all so far with the real ones among them."""
    times = mc.log_spaced(generations, 20) + (0, *at)
    record = {metric.__name__: mc.Record(metric, at=times, reduce=mc.Keep()) for metric in metrics}
    estimator = estimator or mc.estimators.MaximumLikelihood()
    return tuple(
        Arm(name, mc.RecursiveTraining(family, estimator, sizes=sizes, pool=pool), truth, generations, record)
        for name, pool in POOLS.items()
    )


def readings(record: str, quantity: str, at: tuple[int, ...], **parts) -> tuple[Reading, ...]:
    """Of both arms."""
    return tuple(Reading(arm=name, record=record, quantity=quantity, at=at, **parts) for name in POOLS)


RISK = Experiment(
    id="schaeffer2025/risk",
    question="Definitions 1 to 3: does the risk explode, rise at all, or diverge?",
    paper=SCHAEFFER,
    where="definitions 1, 2 and 3",
    replicates=Replicates(quick=2_000, normal=20_000, full=200_000),
    arms=both(mc.families.LinearRegression(10, design=100), mc.families.LinearRegression.Params.zeros(10, 1.0), 100, 99,
              (mc.metrics.test_error,), at=(9,)),
    checks=(
        *readings("test_error", "risk", (0, 9, 99)),
        Less(lower=(REPLACE, "test_error"), higher=(REPLACE, "test_error"), at=(9, 99),
             quantity="replace, 1: the risk goes on growing", where="definition 1, of replacing"),
        Less(lower=(ACCUMULATE, "test_error"), higher=(REPLACE, "test_error"), at=99,
             quantity="accumulate, 1: it does not explode", where="definition 1, of accumulating"),
        *(
            Less(lower=(name, "test_error"), higher=(name, "test_error"), at=(0, 99), quantity=f"{name}, 2: any increase",
                 where="definition 2" if name == ACCUMULATE else "")
            for name in POOLS
        ),
        Slope(arm=REPLACE, record="test_error", quantity="3: rate of the risk", between=(9, 99), shift=1),
        Slope(arm=ACCUMULATE, record="test_error", quantity="3: rate of the risk", between=(9, 99), shift=1),
    ),
    figures=(
        Figure(plots.arms, "Test error of least squares on 100 rows of 10 features, one design: replaced it diverges "
               "(definitions 1, 2, 3), accumulated it rises by a factor below π²/6 (definition 2 alone).",
               options={"name": "test_error", "scale": "log"}, several=True),
    ),
    notes=(
        "Definition 5, a changed scaling law, is read off this too: accumulated, the error is a constant times that of real data "
        "at every size, so that the exponent stays.",
        "`mc.collapse_report(run)` gives all eight answers with thresholds for one run.",
    ),
)  # fmt: skip

VARIETY = Experiment(
    id="schaeffer2025/variety",
    question="Definitions 4 and 7: does variety go, and do tails?",
    paper=SCHAEFFER,
    where="definitions 4 and 7",
    replicates=Replicates(quick=1_000, normal=10_000, full=100_000),
    arms=both(mc.families.Categorical(), mc.families.Categorical.Params.zipf(50, 1.0), 100, 400,
              (mc.metrics.concentration, mc.metrics.support), at=(10, 100)),
    checks=(
        *readings("concentration", "E Σ p²", (0, 10, 100, 400)),
        *readings("support", "tokens left", (0, 10, 100, 400)),
        Less(lower=(REPLACE, "concentration"), higher=(REPLACE, "concentration"), at=(0, 400),
             quantity="replace, 4: variety is lost", where="definition 4, of replacing"),
        Less(lower=(ACCUMULATE, "concentration"), higher=(REPLACE, "concentration"), at=400,
             quantity="accumulate, 4: variety stays"),
        Less(lower=(REPLACE, "support"), higher=(REPLACE, "support"), at=(400, 0), quantity="replace, 7: tails are lost",
             where="definition 7"),
    ),
    figures=(
        Figure(plots.arms, "Sum of squared probabilities of fifty tokens of a Zipf law, a hundred points a generation.",
               options={"name": "concentration"}, several=True),
        Figure(plots.arms, "Tokens that can still be drawn: replaced they vanish one by one, accumulated none of those seen does.",
               options={"name": "support"}, several=True),
    ),
    notes=("Accumulated, what the first batch has missed stays missed: tails are cut once, and then no more.",),
)  # fmt: skip

MODES = Experiment(
    id="schaeffer2025/modes",
    question="Definition 6: are modes lost?",
    paper=SCHAEFFER,
    where="definition 6",
    replicates=Replicates(quick=128, normal=1_000, full=10_000),
    arms=both(mc.families.GaussianMixture(), mc.families.GaussianMixture.Params.separated(2, 2, 4.0), 30, 15,
              (mc.metrics.mode_coverage,)),
    checks=(
        *readings("mode_coverage", "share of modes left", (0, 15)),
        Less(lower=(REPLACE, "mode_coverage"), higher=(ACCUMULATE, "mode_coverage"), at=15,
             quantity="modes are lost where data are replaced, more than where they accumulate"),
    ),
    figures=(
        Figure(plots.arms, "Share of the two true modes that a mixture of two Gaussians still has, thirty points a generation.",
               options={"name": "mode_coverage"}, several=True),
    ),
    notes=("No law of it is known. A mode counts as left by thresholds of ours.",),
)  # fmt: skip

# 10 tokens in use and 10 that do not exist, on which a smoothed model puts mass
EXISTING = mc.families.Categorical.Params(np.repeat([0.1, 0.0], 10))
HALLUCINATIONS = Experiment(
    id="schaeffer2025/hallucinations",
    question="Definition 8: does a model come to say what cannot be?",
    paper=SCHAEFFER,
    where="definition 8",
    replicates=Replicates(quick=1_000, normal=10_000, full=100_000),
    arms=both(mc.families.Categorical(), EXISTING, 100, 50, (mc.metrics.probabilities,), mc.estimators.AddConstant(0.5), at=(10,)),
    checks=(
        *readings("probabilities", "chance of a token that does not exist", (0, 10, 50), component=19),
        *readings("probabilities", "chance of a token that does", (0, 10, 50), component=0),
    ),
    figures=(
        Figure(plots.arms, "Chance of one of ten tokens that do not exist, in a model that adds half a point to every count.",
               options={"name": "probabilities", "component": 19}, several=True),
    ),
    notes=("Each fit adds half a point to every count, so that a token that does not exist is drawn, and then learnt.",),
)  # fmt: skip

EXPERIMENTS = (RISK, VARIETY, MODES, HALLUCINATIONS)
