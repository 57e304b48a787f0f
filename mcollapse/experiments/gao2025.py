"""Gao and Li: a text model and an image model that learn from each other."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.families import AbstractFamily, Truth
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates

GAO = Paper(
    key="gao2025",
    authors="Gao & Li",
    year=2025,
    title="Convergence dynamics and stabilization strategies of co-evolving generative models",
    arxiv="2503.08117",
)
CIRCLE = mc.families.LabelledGaussians.Params.circle
TIMES = (1, 10, 30)
VARIANCES = (0.01, 0.1, 0.5)
REPLICATES = Replicates(quick=500, normal=5_000, full=50_000)


def kept(*metrics) -> dict[str, mc.Record]:
    """Whole trajectories of these."""
    return {metric.__name__: mc.Record(metric, reduce=mc.Keep()) for metric in metrics}


def diversity(family: AbstractFamily, params, truth: Truth):
    """The chance that two tokens differ."""
    return 1.0 - mc.metrics.concentration(family, params, truth)


def text(variance: float) -> str:
    """Of one arm."""
    return f"images of variance {variance:g}"


TEXT = Experiment(
    id="gao2025/frozen-images",
    question="How fast does a text model lose its variety that is read off frozen images?",
    paper=GAO,
    where="the theorem on the text model",
    replicates=REPLICATES,
    arms=tuple(
        Arm(text(variance), mc.processes.Coevolution(50, 1, image_steps=0), CIRCLE(5, variance), 30,
            kept(mc.metrics.concentration, diversity), start="truth")
        for variance in VARIANCES
    ),
    checks=(
        Reading(arm=text(0.01), record="concentration", quantity="E Σ p²", at=TIMES),
        *(Reading(arm=text(v), record="diversity", quantity="E (1 − Σ p²)", at=TIMES) for v in VARIANCES),
        Less(lower=(text(0.01), "diversity"), higher=(text(0.01), "diversity"), at=(30, 1),
             quantity="variety is lost: 1 − Σ p² falls", where="the theorem on the text model"),
        Less(lower=(text(0.01), "diversity"), higher=(text(0.5), "diversity"), at=30,
             quantity="images that overlap slow it: variety with variance 0.01 less than with 0.5"),
    ),
    figures=(
        Figure(plots.arms, "Chance that two tokens of five differ, fifty pairs a step, by the variance of their images: the more "
               "these overlap the slower is variety lost.", options={"name": "diversity"}, several=True),
    ),
    notes=("Five tokens and images on the unit circle are the paper's; fifty pairs and the variances are ours. The exact law is of images that do not overlap, and a bound otherwise.",),
)  # fmt: skip

BIASED, UNBIASED = "divisor n", "divisor n − 1"
IMAGES = Experiment(
    id="gao2025/frozen-text",
    question="Do images lose their variety and stay faithful when the text model is frozen?",
    paper=GAO,
    where="the theorem on the image model",
    replicates=REPLICATES,
    arms=tuple(
        Arm(name, mc.processes.Coevolution(50, 20, text_steps=0, counts="fixed", ddof=ddof), CIRCLE(5, 0.1), 60,
            kept(mc.metrics.class_traces, mc.metrics.class_errors), start="truth")
        for name, ddof in ((BIASED, 0), (UNBIASED, 1))
    ),
    checks=(
        *(Reading(arm=BIASED, record="class_traces", quantity="E tr Σ of a token", component=0, at=(1, 20, 60)),),
        *(Reading(arm=UNBIASED, record="class_traces", quantity="E tr Σ of a token", component=0, at=(1, 10)),),
        *(Reading(arm=BIASED, record="class_errors", quantity="E ‖μ − μ₀‖² of a token", component=0, at=(1, 20, 60)),),
        *(Reading(arm=UNBIASED, record="class_errors", quantity="E ‖μ − μ₀‖² of a token", component=0, at=(1, 10)),),
    ),
    figures=(
        Figure(plots.trajectory, "Expected variance of the images of a token, twenty a step, divisor n: it falls like (1 − 1/n)^t.",
               arms=(BIASED,), options={"name": "class_traces"}),
        Figure(plots.trajectory, "How far the mean image of a token is from where it was, divisor n: it stays bounded.",
               arms=(BIASED,), options={"name": "class_errors"}),
    ),
    disagreements=(
        "That images contract exponentially while they stay faithful holds of the divisor n. With n − 1, as in a public "
        "implementation, their expected variance stays and the squared error of their means grows without bound.",
    ),
    notes=("Twenty images of each token a step are ours.",),
)  # fmt: skip

EXPERIMENTS = (TEXT, IMAGES)
