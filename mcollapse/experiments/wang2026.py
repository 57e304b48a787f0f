"""Wang, Niu and Li: contaminated recursive training on everything so far."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates, Slope

WANG = Paper(
    key="wang2026",
    authors="Wang, Niu & Li",
    year=2026,
    title="Contaminated recursive training",
    arxiv="2602.16065",
)
N, STEPS = 50, 1_000
TIMES = (0, 1, 10, 100, 1_000)
RATES = {0.2: 0.2, 0.5: 0.5, 0.8: 0.5}  # min(1/2, share): the mean of N points learns at the rate 1/2


def share(a: float) -> str:
    """Of one arm."""
    return f"{a:.0%} real"


def pooled(a: float) -> Arm:
    """A mean, fitted to all points so far; of each generation's fifty a share is real."""
    real = round(a * N)
    process = mc.RecursiveTraining(
        mc.families.Gaussian("known"),
        sizes=N,
        source=mc.sources.Split(real, N - real) if real else mc.sources.LastModel(),
        pool=mc.pools.All(),
    )
    record = {
        "squared_error": mc.Record(
            mc.metrics.squared_error, at=mc.log_spaced(STEPS, 40) + TIMES, reduce=mc.Keep()
        )
    }
    return Arm(share(a), process, mc.families.Gaussian.Params.standard(), STEPS, record)


RATE = Experiment(
    id="wang2026/rates",
    question="At what rate does a mean improve when a share of every batch is real?",
    paper=WANG,
    where="the theorem on the rate t^−min(p, α)",
    replicates=Replicates(quick=2_000, normal=20_000, full=200_000),
    arms=(pooled(0.0), *(pooled(a) for a in RATES)),
    checks=(
        *(Reading(arm=share(a), record="squared_error", quantity="error of the mean", at=TIMES) for a in (0.0, *RATES)),
        *(
            Slope(arm=share(a), record="squared_error", quantity="rate of the root mean squared error", between=(100, 1_000),
                  published=-rate, accuracy=0.09 if a == 0.5 else 0.02, root=True,
                  where="the rate t^−min(p, α), p = 1/2" + (", up to log t" if a == 0.5 else ""))
            for a, rate in RATES.items()
        ),
        Less(lower=(share(0.2), "squared_error"), higher=(share(0.2), "squared_error"), at=(1_000, 0),
             quantity="a fifth of real points improves on the first fit", where="the theorem on the rate"),
        Less(lower=(share(0.0), "squared_error"), higher=(share(0.0), "squared_error"), at=(0, 1_000),
             quantity="without real points the error does not fall"),
    ),
    figures=tuple(
        Figure(plots.rate, f"Error of a mean of all points so far, {share(a)}: its square root falls like t^−{told}.",
               arms=(share(a),), options={"name": "squared_error", "window": (100, 1_000), "shift": 1}, name=f"rate-{a:g}")
        for a, told in ((0.2, "0.2"), (0.8, "½"))
    ) + (
        Figure(plots.arms, "Error of a mean of all points so far, by the share of real points in every generation.",
               options={"name": "squared_error", "scale": "log"}, several=True),
    ),
    disagreements=(
        "At a share of one half the rate has the factor log t, so that its slope up to t = 1,000 is −0.42 and not yet −1/2.",
        "The proof applies the rate of independent points to pooled data, which depend on each other; for the mean the rate holds.",
    ),
    notes=("Fifty points a generation, a mean of known variance: ours.",),
)  # fmt: skip

EXPERIMENTS = (RATE,)
