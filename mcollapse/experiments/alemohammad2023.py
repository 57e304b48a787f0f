"""Alemohammad et al.: self-consuming loops with a sampling bias, on a Gaussian."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates

ALEMOHAMMAD = Paper(
    key="alemohammad2023",
    authors="Alemohammad, Casco-Rodriguez, Luzi, Humayun, Babaei, LeJeune, Siahkoohi & Baraniuk",
    year=2023,
    title="Self-consuming generative models go MAD",
    arxiv="2307.01850",
    venue="ICLR 2024",
)
REPLICATES = Replicates(quick=2_000, normal=50_000, full=500_000)
REAL, STEPS = 100, 200
TIMES = (1, 5, 50, 200)


def loop(
    name: str,
    bias: float,
    synthetic: int = REAL,
    fresh: int = 0,
    same: bool = False,
    steps: int = STEPS,
    **parts,
) -> Arm:
    """A Gaussian fitted to points of N(mean, λ variance), with or without real points beside them."""
    source = mc.sources.Split(fresh, synthetic) if fresh else mc.sources.LastModel()
    process = mc.RecursiveTraining(
        mc.families.Gaussian(),
        mc.estimators.Unbiased(),
        sizes=REAL,
        source=source,
        pool=mc.pools.RealAndNewest() if same else mc.pools.Newest(),
        decoder=mc.decoders.VarianceFactor(bias),
    )
    times = mc.log_spaced(steps, 24) + tuple(t for t in TIMES if t <= steps)
    record = {
        "variance": mc.Record(mc.metrics.variance, at=times, reduce=mc.Keep()),
        "squared_error": mc.Record(mc.metrics.squared_error, at=times, reduce=mc.Keep()),
        "wasserstein2_squared": mc.Record(mc.metrics.wasserstein2_squared, at=times, reduce=mc.Keep()),
    }
    return Arm(name, process, mc.families.Gaussian.Params.standard(), steps, record, **parts)


SYNTHETIC, SAME, FRESH = "synthetic alone", "the same real points", "fresh real points"
LOOPS = Experiment(
    id="alemohammad2023/loops",
    question="Which loop goes mad: on synthetic data alone, with the same real data, or with fresh data?",
    paper=ALEMOHAMMAD,
    where="the three loops",
    replicates=REPLICATES,
    arms=(loop(SYNTHETIC, 1.0), loop(SAME, 1.0, same=True), loop(FRESH, 1.0, fresh=REAL)),
    checks=(
        *(Reading(arm=arm, record="squared_error", quantity="error of the mean", at=TIMES[:3]) for arm in (SYNTHETIC,)),
        *(Reading(arm=arm, record="squared_error", quantity="error of the mean", at=TIMES) for arm in (SAME, FRESH)),
        *(Reading(arm=arm, record="variance", quantity="variance", at=TIMES) for arm in (SAME, FRESH)),
        Less(lower=(SAME, "wasserstein2_squared"), higher=(SYNTHETIC, "wasserstein2_squared"), at=50,
             quantity="the same real points help: W₂² less than without", where="the synthetic augmentation loop"),
        Less(lower=(FRESH, "wasserstein2_squared"), higher=(SAME, "wasserstein2_squared"), at=200,
             quantity="fresh points help more: W₂² less than with the same ones", where="the fresh data loop"),
        Less(lower=(FRESH, "squared_error"), higher=(FRESH, "squared_error"), at=(200, 0),
             quantity="and more than real points alone: the mean's error less than the first fit's", where="the fresh data loop"),
        Less(lower=(SAME, "squared_error"), higher=(SAME, "squared_error"), at=(0, 200),
             quantity="the same ones do not: the first fit's error less than the loop's"),
    ),
    figures=(
        Figure(plots.arms, "Squared Wasserstein distance to the truth in the three loops, a hundred synthetic points a generation "
               "and a hundred real ones beside them: without real points it grows, with the same ones it settles above the first "
               "fit, with fresh ones below it.", options={"name": "wasserstein2_squared", "scale": "log"}, several=True),
    ),
    notes=("One dimension and these sizes are ours.",),
)  # fmt: skip

BIASES = (1.0, 0.9, 0.5)


def biased(bias: float) -> str:
    """Of one arm."""
    return f"λ = {bias:g}"


BIAS = Experiment(
    id="alemohammad2023/sampling-bias",
    question="What does a sampling bias, variety given away for quality, do to a loop without real data?",
    paper=ALEMOHAMMAD,
    where="the fully synthetic loop",
    replicates=REPLICATES,
    arms=tuple(loop(biased(bias), bias, steps=50, start="truth") for bias in BIASES),
    checks=(
        Reading(arm=biased(1.0), record="variance", quantity="variance", at=(1, 5, 50)),
        *(Reading(arm=biased(bias), record="variance", quantity="variance", at=(1, 5)) for bias in BIASES[1:]),
        *(
            Less(lower=(biased(a), "variance"), higher=(biased(b), "variance"), at=5,
                 quantity=f"more bias, less variety: λ = {a:g} below λ = {b:g}", where="the fully synthetic loop")
            for b, a in zip(BIASES, BIASES[1:], strict=False)
        ),
    ),
    figures=(
        Figure(plots.arms, "Variance of a Gaussian fitted to points of the last model that vary by λ less: it falls like λ^t.",
               options={"name": "variance", "scale": "log"}, several=True),
    ),
)  # fmt: skip

SETTINGS = ((1.0, 100), (0.9, 100), (0.9, 1_000), (0.5, 100))


def told(bias: float, synthetic: int) -> str:
    """Of one arm."""
    return f"λ = {bias:g}, {synthetic:,} synthetic"


FRESH_LOOP = Experiment(
    id="alemohammad2023/fresh-loop",
    question="How many biased synthetic points can a loop with fresh real data take?",
    paper=ALEMOHAMMAD,
    where="the fresh data loop",
    replicates=REPLICATES,
    arms=tuple(loop(told(*one), *one, fresh=REAL) for one in SETTINGS),
    checks=(
        *(
            Reading(arm=told(*one), record=record, quantity=quantity, at=TIMES)
            for one in SETTINGS
            for record, quantity in (("variance", "variance"), ("squared_error", "error of the mean"))
        ),
        *(Reading(arm=told(*one), record="wasserstein2_squared", quantity="W₂² of real data", at=(200,), scale=REAL / 1.5)
          for one in SETTINGS),
        Less(lower=(told(0.9, 100), "wasserstein2_squared"), higher=(told(0.9, 1_000), "wasserstein2_squared"), at=200,
             quantity="with a bias, more synthetic points do harm", where="the fresh data loop"),
        Less(lower=(told(1.0, 100), "wasserstein2_squared"), higher=(told(1.0, 100), "wasserstein2_squared"), at=(200, 0),
             quantity="without a bias, some help: W₂² less than the first fit's", where="the fresh data loop"),
    ),
    figures=(
        Figure(plots.arms, "Variance in the loop with a hundred fresh real points a generation: it settles at about "
               "w/(1 − (1 − w) λ), w the share of real points.", options={"name": "variance"}, several=True),
        Figure(plots.arms, "Squared Wasserstein distance to the truth in the same loops: what a hundred real points alone leave is "
               "where the curves begin.", options={"name": "wasserstein2_squared", "scale": "log"}, several=True),
    ),
    notes=(
        "W₂² is told in units of 3/2 over the number of real points, what these alone leave to first order: below 1 the "
        "synthetic points are worth something.",
    ),
)  # fmt: skip

EXPERIMENTS = (LOOPS, BIAS, FRESH_LOOP)
