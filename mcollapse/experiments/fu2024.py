"""Fu et al.: self-consuming training loops on mixed data, by kernel density estimates."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates

FU = Paper(
    key="fu2024",
    authors="Fu, Zhang, Wang, Tian & Tao",
    year=2024,
    title="Towards theoretical understandings of self-consuming generative models",
    arxiv="2402.11778",
    venue="ICML 2024",
)
REAL, STEPS = 20, 5
SYNTHETIC = (0, 80, 320, 2_560)


def mixed(synthetic: int) -> str:
    """Of one arm."""
    return f"{synthetic:,} synthetic"


def loop(name: str, source, generations: int = STEPS, sizes=REAL, bandwidth="normal-reference") -> Arm:
    """A kernel density estimate of points of the last one, with or without fresh real points beside them."""
    process = mc.RecursiveTraining(mc.families.KernelDensity(bandwidth=bandwidth), sizes=sizes, source=source)
    record = {
        "total_variation": mc.Record(mc.metrics.total_variation, at=(0, 2, STEPS), reduce=mc.Keep()),
        "variance": mc.Record(mc.metrics.variance, reduce=mc.Keep()),
    }
    return Arm(
        name,
        process,
        mc.Truth(mc.families.Gaussian(), mc.families.Gaussian.Params.standard()),
        generations,
        record,
    )


PHASES = Experiment(
    id="fu2024/phase-transition",
    question="Do more synthetic points do harm first and then good?",
    paper=FU,
    where="the corollary on the number of synthetic points",
    replicates=Replicates(quick=64, normal=1_000, full=10_000),
    arms=tuple(loop(mixed(m), mc.sources.Split(REAL, m)) for m in SYNTHETIC),
    checks=(
        *(Reading(arm=mixed(m), record="total_variation", quantity="E total variation", at=(0, 5)) for m in SYNTHETIC),
        *(Reading(arm=mixed(m), record="variance", quantity="variance of the law", at=(0, 5)) for m in SYNTHETIC),
        Less(lower=(mixed(0), "total_variation"), higher=(mixed(320), "total_variation"), at=5,
             quantity="first harm: total variation without synthetic points less than with 320",
             where="the corollary on the number of synthetic points"),
        Less(lower=(mixed(2_560), "total_variation"), higher=(mixed(320), "total_variation"), at=5,
             quantity="then less: total variation with 2,560 less than with 320",
             where="the corollary on the number of synthetic points"),
    ),
    figures=(
        Figure(plots.arms, "Total variation to the truth of a kernel density estimate of twenty fresh real points and so many "
               "of the last estimate: more of them do harm up to some hundreds, and less beyond.",
               options={"name": "total_variation"}, several=True),
    ),
    notes=(
        "The paper's theorem is a bound whose constants and rates we have not verified; a loop of kernel density estimates in one "
        "dimension has no law of its total variation, and the variance's law is beside it.",
        "Sizes are ours; the bandwidth is 1.06 standard deviations times N^−1/5.",
    ),
)  # fmt: skip

EXPERIMENTS = (PHASES,)
