"""Amin et al.: a filter and a weak labeller escape collapse."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates

AMIN = Paper(
    key="amin2025",
    authors="Amin, Babakniya, Bie, Kong, Syed & Vassilvitskii",
    year=2025,
    title="Escaping collapse: The strength of weak data for large language model training",
    arxiv="2502.08924",
)
PROMPTS = mc.families.Categorical.Params.uniform(200)
STEPS = 60
STRENGTHS = (0.0, 0.1, 0.5)


def told(strength: float) -> str:
    """Of one arm."""
    return f"β = {strength:g}"


def supervised(strength: float) -> Arm:
    """A fifth of the answers are right at first; the filter does not err."""
    process = mc.processes.WeakSupervision(strength=strength, accuracy=0.2)
    record = {"unsolved": mc.Record(mc.metrics.unsolved, reduce=mc.Keep())}
    return Arm(told(strength), process, PROMPTS, STEPS, record)


WEAK = Experiment(
    id="amin2025/weak-labels",
    question="How weak may a labeller be for a model to escape collapse?",
    paper=AMIN,
    where="the theorem on O(log(1/ε)/β) rounds",
    replicates=Replicates(quick=500, normal=10_000, full=100_000),
    arms=tuple(supervised(strength) for strength in STRENGTHS),
    checks=(
        *(Reading(arm=told(b), record="unsolved", quantity="share of unsolved prompts", at=(0, 1, 10, 44)) for b in STRENGTHS),
        Less(lower=(told(0.1), "unsolved"), higher=(told(0.0), "unsolved"), at=10,
             quantity="a weak labeller solves more than a filter alone", where="the theorem on O(log(1/ε)/β) rounds"),
        Less(lower=(told(0.1), "unsolved"), higher=(told(0.1), "unsolved"), at=(44, 10),
             quantity="and goes on to do so: unsolved at 44 less than at 10", where="the theorem on O(log(1/ε)/β) rounds"),
        Less(lower=(told(0.5), "unsolved"), higher=(told(0.1), "unsolved"), at=10, quantity="a stronger one is faster",
             where="the theorem on O(log(1/ε)/β) rounds"),
    ),
    figures=(
        Figure(plots.arms, "Share of prompts that are not solved, with a filter that does not err and a labeller that is right with "
               "probability β: (1 − β)^t of what was unsolved at first.", options={"name": "unsolved"}, several=True),
    ),
    notes=(
        "The labeller's answers are independent here, and two hundred prompts are all asked in every round; the constants of the "
        "theorem are not known to us.",
    ),
)  # fmt: skip

EXPERIMENTS = (WEAK,)
