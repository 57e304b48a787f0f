"""Seddik, Chen, Hayou, Youssef and Debbah: next-token models on synthetic and partly synthetic data."""

import numpy as np

import mcollapse as mc
from mcollapse import plots, theory
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates, Time
from mcollapse.schedules import Piecewise

SEDDIK = Paper(
    key="seddik2024",
    authors="Seddik, Chen, Hayou, Youssef & Debbah",
    year=2024,
    title="How bad is training on synthetic data? A statistical analysis of language model collapse",
    arxiv="2404.05090",
    venue="COLM 2024",
)
COLLAPSED = {"single_symbol": mc.Record(mc.metrics.single_symbol, reduce=mc.HittingTime(above=0.5))}
SQUARES = {"concentration": mc.Record(mc.metrics.concentration, at=mc.every(5), reduce=mc.Keep())}
BOUNDS = ("collapse-lower-bound", "collapse-upper-bound")
TOKENS = mc.families.Categorical.Params.uniform(600)
CHANCES = np.full(600, 1 / 600)


def synthetic(n: int, generations: int, truth=TOKENS, record=COLLAPSED, **parts) -> Arm:
    """Every generation is fitted to n tokens of the last model alone, from the truth on."""
    name = parts.pop("name", f"n = {n}")
    process = mc.RecursiveTraining(mc.families.Categorical(), sizes=n, **parts)
    return Arm(name, process, truth, generations, record, start="truth")


SIZES = (10, 50, 100, 200, 400)
TIME = Experiment(
    id="seddik2024/collapse-time",
    question="After how many generations is a single token left?",
    paper=SEDDIK,
    where="Theorem 1 and Figure 2",
    replicates=Replicates(quick=128, normal=2_000, full=20_000),
    arms=tuple(synthetic(n, 20 * n) for n in SIZES),
    checks=(
        *(
            Time(arm=f"n = {n}", record="single_symbol", quantity="generations until one token is left",
                 exact=theory.expected_collapse_time(CHANCES, n), law="expected collapse time (derived)",
                 between=theory.collapse_time_bounds(CHANCES, n), where="Theorem 1")
            for n in SIZES
        ),
        *(
            Reading(arm=f"n = {n}", record="single_symbol", quantity="P(collapsed)", at=(n, 2 * n, 4 * n), counter="m",
                    stated=BOUNDS, where="Theorem 1")
            for n in SIZES
        ),
    ),
    figures=(
        Figure(plots.arms, "Share of chains in which at least two of six hundred tokens are left, by the size of a generation.",
               options={"name": "single_symbol", "law": False}, several=True),
    ),
    disagreements=(
        "The upper bound on the expected time is of order n², the truth of order n: 400 tokens a generation take about 800 "
        "generations, and the bound is 160,000.",
    ),
    notes=("Six hundred tokens and the sizes are the paper's; its first law is not known, here all tokens are equally likely.",),
)  # fmt: skip

# 52 of 600 tokens in use, with a sum of squares of 0.1, as the paper says of its own
USED = mc.families.Categorical.Params.zipf(52, 1.1007934473675711)
REAL, STEPS = 100, 50


def partly(n: int) -> Arm:
    """The same hundred real tokens in every generation, and n of the last model."""
    sizes = Piecewise(starts=[0, 1], values=[REAL, n])
    process = mc.RecursiveTraining(mc.families.Categorical(), sizes=sizes, pool=mc.pools.RealAndNewest())
    return Arm(f"100 real, n = {n}", process, USED, STEPS, SQUARES)


PARTLY = Experiment(
    id="seddik2024/partly-synthetic",
    question="Do the same real data, kept in every generation, prevent collapse?",
    paper=SEDDIK,
    where="Theorem 2 and Figures 3 and 4",
    replicates=Replicates(quick=1_000, normal=20_000, full=200_000),
    arms=(
        partly(10),
        partly(100),
        partly(1_000),
        synthetic(100, STEPS + 1, USED, SQUARES, name="no real, n = 100"),
    ),
    checks=(
        *(
            Reading(arm=f"100 real, n = {n:g}", record="concentration", quantity="S_m = E Σ p²", at=(0, 5, 50), counter="m",
                    shift=1, stated=("same-real-and-newest",), where="Theorem 2, with its sign mended")
            for n in (10, 100, 1_000)
        ),
        Reading(arm="no real, n = 100", record="concentration", quantity="S_m = E Σ p²", at=(0, 5, 50), counter="m",
                stated=("multinomial-recursion-iid",), where="Theorem 1"),
        Less(lower=("100 real, n = 100", "concentration"), higher=("no real, n = 100", "concentration"), at=50,
             quantity="real data keep the sum of squares lower", where="Figure 3"),
    ),
    figures=(
        Figure(plots.arms, "Expected sum of squared probabilities, with the same hundred real tokens in every generation and "
               "without: with real data it stays where the first fit has put it.",
               options={"name": "concentration"}, several=True),
    ),
    disagreements=(
        "The bracket of S_0 in Theorem 2 must carry +(b/N)β^m: with the minus that is printed, m = 0 does not give S_1.",
        "For n far above N the limit is S_1 itself, and not the smaller value that the paper states.",
    ),
    notes=("52 tokens in use and S_0 = 0.1 are the paper's; the law itself is Zipf's with the exponent that has them.",),
)  # fmt: skip

WINDOWS = (1, 2, 5, 10)
BOTH = {
    "concentration": mc.Record(mc.metrics.concentration, at=mc.every(20), reduce=mc.Keep()),
    "single_symbol": mc.Record(mc.metrics.single_symbol, at=mc.every(20), reduce=mc.Keep()),
}
WINDOW = Experiment(
    id="seddik2024/window",
    question="Does drawing from the last K models prevent collapse, or delay it?",
    paper=SEDDIK,
    where="Figure 6",
    replicates=Replicates(quick=500, normal=5_000, full=50_000),
    arms=(
        *(
            synthetic(10, 500, USED, BOTH, name=f"last {k}" if k > 1 else "the last",
                      source=mc.sources.PastModels(k, counts="fixed"))
            for k in WINDOWS
        ),
        synthetic(10, 500, USED, BOTH, name="all", source=mc.sources.PastModels()),
    ),
    checks=(
        *(
            Reading(arm=arm, record="concentration", quantity="S_m = E Σ p²", at=(20, 100, 500), counter="m")
            for arm in ("the last", "last 2", "last 5", "last 10", "all")
        ),
        *(
            Less(lower=(low, "single_symbol"), higher=(high, "single_symbol"), at=20,
                 quantity=f"P(collapsed): {low} less than {high}", where="Figure 6")
            for low, high in (("last 2", "the last"), ("last 5", "last 2"))
        ),
        Less(lower=("last 5", "single_symbol"), higher=("last 5", "single_symbol"), at=(20, 500),
             quantity="not prevented: P(collapsed) of the last 5 grows", where="Figure 6"),
    ),
    figures=(
        Figure(plots.arms, "Expected sum of squared probabilities when ten tokens a generation come from the last K models: 1 "
               "is collapse. With all models, the truth among them, it stays below.",
               options={"name": "concentration"}, several=True),
    ),
    notes=("Ten tokens a generation, 500 generations and the windows are the paper's.",),
)  # fmt: skip

CONTEXTS = Experiment(
    id="seddik2024/contexts",
    question="What happens in 81 contexts of three tokens at once?",
    paper=SEDDIK,
    where="Theorem 1 and Figure 1",
    replicates=Replicates(quick=500, normal=10_000, full=100_000),
    arms=(
        Arm(
            "n = 1,000",
            mc.RecursiveTraining(mc.families.NextToken(81), sizes=1_000),
            mc.families.NextToken.Params.standard(),
            50,
            {"concentration": mc.Record(mc.metrics.concentration, at=mc.every(5), reduce=mc.Moments())},
            start="truth",
        ),
    ),
    checks=(
        Reading(arm="n = 1,000", record="concentration", quantity="mean over contexts of Σ p²", at=(5, 10, 20, 50), counter="m",
                stated=("contexts-multinomial-recursion-iid",), where="Theorem 1, context by context"),
    ),
    figures=(
        Figure(plots.trajectory, "Sum of squared probabilities, averaged over 81 contexts that share a thousand tokens.",
               options={"name": "concentration"}),
    ),
)  # fmt: skip

EXPERIMENTS = (TIME, PARTLY, WINDOW, CONTEXTS)
