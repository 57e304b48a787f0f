"""Bertrand et al.: stability of iterative retraining on real data and the model's own."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates
from mcollapse.schedules import Piecewise

BERTRAND = Paper(
    key="bertrand2023",
    authors="Bertrand, Bose, Duplessis, Jiralerspong & Gidel",
    year=2023,
    title="On the stability of iterative retraining of generative models on their own data",
    arxiv="2310.00429",
    venue="ICLR 2024",
)
N, STEPS = 20, 200
TIMES = (0, 1, 5, 20, 200)
WEIGHTS = (0.25, 0.5, 1.0, 4.0)


def own(weight: float) -> str:
    """λ synthetic points to a real one."""
    return f"λ = {weight:g}"


def retrained(name: str, synthetic: int, pool) -> Arm:
    """Real data as at first in every fit, or never again, and points of the last model."""
    times = mc.log_spaced(STEPS, 24) + TIMES
    process = mc.RecursiveTraining(
        mc.families.Gaussian(),
        mc.estimators.Unbiased(),
        sizes=Piecewise(starts=[0, 1], values=[N, synthetic]),
        pool=pool,
    )
    record = {
        "standard_deviation": mc.Record(mc.metrics.standard_deviation, at=times, reduce=mc.Keep()),
        "squared_error": mc.Record(mc.metrics.squared_error, at=times, reduce=mc.Keep()),
        "variance": mc.Record(mc.metrics.variance, at=times, reduce=mc.Keep()),
    }
    return Arm(name, process, mc.families.Gaussian.Params.standard(), STEPS, record)


ALONE = "no real data"
GAUSSIAN = Experiment(
    id="bertrand2023/gaussian",
    question="Is retraining stable when real data stay, and is it not when they are left out?",
    paper=BERTRAND,
    where="the proposition on the Gaussian, and the theorem on stability",
    replicates=Replicates(quick=2_000, normal=50_000, full=500_000),
    arms=(
        retrained(ALONE, N, mc.pools.Newest()),
        *(retrained(own(weight), round(weight * N), mc.pools.RealAndNewest()) for weight in WEIGHTS),
    ),
    checks=(
        Reading(arm=ALONE, record="standard_deviation", quantity="E σ", at=(0, 1, 5, 20)),
        Less(lower=(ALONE, "standard_deviation"), higher=(ALONE, "standard_deviation"), at=(200, 1),
             quantity="without real data the standard deviation is lost", where="the proposition on the Gaussian"),
        *(Reading(arm=own(weight), record="squared_error", quantity="error of the mean", at=TIMES) for weight in WEIGHTS),
        *(Reading(arm=own(weight), record="variance", quantity="variance", at=TIMES) for weight in WEIGHTS),
        *(
            Less(lower=(ALONE, "standard_deviation"), higher=(own(weight), "standard_deviation"), at=200,
                 quantity="with real data the standard deviation stays",
                 where="the theorem on stability" if weight < 0.5 else "")
            for weight in WEIGHTS
        ),
    ),
    figures=(
        Figure(plots.arms, "Mean standard deviation of a Gaussian refitted to twenty real points and λ synthetic ones to each, and "
               "without real points.", options={"name": "standard_deviation"}, several=True),
        Figure(plots.arms, "Error of the mean in the same loops: it stays bounded for every λ, and grows with it.",
               options={"name": "squared_error", "scale": "log"}, several=True),
    ),
    disagreements=(
        "The condition for stability, λ below 1/2 at the least, is sufficient and not necessary: a Gaussian is stable at λ = 1 and "
        "at λ = 4 too.",
    ),
    notes=("Twenty points and these λ are ours; variances are fitted with divisor n − 1.",),
)  # fmt: skip

ELSEWHERE = mc.families.Categorical.Params([0.7, 0.1, 0.1, 0.1])
TRUTH = mc.families.Categorical.Params([0.1, 0.2, 0.3, 0.4])


def drawn_back(weight: float) -> Arm:
    """Without sampling error, from a model that is far off."""
    process = mc.processes.PopulationLimit(real_share=1 / (1 + weight), model=ELSEWHERE)
    record = {
        "squared_error": mc.Record(mc.metrics.squared_error, reduce=mc.Keep()),
        "chi_square": mc.Record(mc.metrics.chi_square, reduce=mc.Keep()),
    }
    return Arm(own(weight), process, TRUTH, 4, record)


CONTRACTION = Experiment(
    id="bertrand2023/contraction",
    question="How fast does a model that starts far off come back to the data, for each share of its own?",
    paper=BERTRAND,
    where="the theorem on stability",
    replicates=Replicates(quick=16, normal=32, full=64),
    arms=tuple(drawn_back(weight) for weight in WEIGHTS),
    checks=(
        *(Reading(arm=own(weight), record="chi_square", quantity="χ² to the truth", at=(1, 2, 4)) for weight in WEIGHTS),
        *(
            Less(lower=(own(weight), "chi_square"), higher=(own(weight), "chi_square"), at=(4, 1),
                 quantity="it comes back: χ² at 4 less than at 1", where="the theorem on stability" if weight < 0.5 else "")
            for weight in WEIGHTS
        ),
    ),
    figures=(
        Figure(plots.arms, "χ² of a model that starts elsewhere, without sampling error: it shrinks by λ²/(1 + λ)² a generation.",
               options={"name": "chi_square", "scale": "log"}, several=True),
    ),
    disagreements=("Here the loop is stable for every λ; the condition asks for λ below 1/2.",),
    notes=("An exponential family's mean, here of a table, is drawn back by λ/(1 + λ) a generation. All replicates are alike.",),
)  # fmt: skip

EXPERIMENTS = (GAUSSIAN, CONTRACTION)
