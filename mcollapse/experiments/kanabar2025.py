"""Kanabar and Gastpar: the minimax risk when it is not known which of the data are real."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates, Slope

KANABAR = Paper(
    key="kanabar2025",
    authors="Kanabar & Gastpar",
    year=2025,
    title="Model non-collapse: Minimax bounds for recursive discrete distribution estimation",
    arxiv="2501.19273",
    venue="IEEE Transactions on Information Theory 72, 2026",
)
N, LAST = 50, 29
TRUTH = mc.families.Categorical.Params([0.4, 0.3, 0.15, 0.1, 0.05])
GINI = 1 - 0.285
SHARES = (0.1, 0.3, 0.6)
TIMES = (0, 1, 5, 29)


def arm(told: str, share: float, last: int = LAST) -> Arm:
    """Fifty points a batch, each real with a probability that is known, or a label that is."""
    estimator = {"debiased": mc.estimators.Debiased(), "oracle": mc.estimators.RealOnly()}.get(told)
    process = mc.RecursiveTraining(
        mc.families.Categorical(),
        estimator or mc.estimators.MaximumLikelihood(),
        sizes=N,
        source=mc.sources.Mixture(share),
        pool=mc.pools.Newest() if told == "debiased" else mc.pools.All(),
    )
    record = {
        "squared_error": mc.Record(
            mc.metrics.squared_error, at=mc.log_spaced(last, 24) + tuple(t for t in TIMES), reduce=mc.Keep()
        )
    }
    return Arm(f"{told}, a = {share:g}", process, TRUTH, last, record)


ESTIMATORS = Experiment(
    id="kanabar2025/provenance",
    question="What is it worth to know which data are real, or how many?",
    paper=KANABAR,
    where="the minimax bounds with provenance known and unknown",
    replicates=Replicates(quick=2_000, normal=50_000, full=500_000),
    arms=tuple(arm(told, share) for share in SHARES for told in ("pooled", "debiased", "oracle")),
    checks=(
        *(
            Reading(arm=f"{told}, a = {share:g}", record="squared_error", quantity="E ‖P̂_t − p‖²", at=TIMES)
            for share in SHARES
            for told in ("pooled", "debiased", "oracle")
        ),
        *(
            Less(lower=(f"oracle, a = {share:g}", "squared_error"), higher=(f"debiased, a = {share:g}", "squared_error"), at=LAST,
                 quantity="oracle less than debiased")
            for share in SHARES
        ),
        *(
            Less(lower=(f"debiased, a = {share:g}", "squared_error"), higher=(f"pooled, a = {share:g}", "squared_error"), at=LAST,
                 quantity="debiased less than pooled")
            for share in (0.1, 0.3)
        ),
    ),
    figures=tuple(
        Figure(plots.arms, f"Squared error of five probabilities, fifty points a batch of which {share:g} are real on average: "
               "all batches pooled, the last model's part taken out, and the real points alone.",
               arms=tuple(f"{told}, a = {share:g}" for told in ("pooled", "debiased", "oracle")),
               options={"name": "squared_error", "scale": "log"}, several=True, name=f"share {share:g}")
        for share in SHARES
    ),
    notes=("The paper bounds a minimax risk; the estimators, their laws and the settings are ours.",),
)  # fmt: skip

LONG = 400
RATE = Experiment(
    id="kanabar2025/rate",
    question="Does the risk fall as 1/Σ n_i a_i², whatever the share?",
    paper=KANABAR,
    where="the minimax bounds with provenance unknown",
    replicates=Replicates(quick=1_000, normal=10_000, full=100_000),
    arms=tuple(arm("debiased", share, LONG) for share in (0.2, 0.5, 0.8)),
    # with batch 0 all real the sum is n (1 + t a²), a line in t of which 1/a² is the start
    checks=(
        *(
            Slope(arm=f"debiased, a = {share:g}", record="squared_error", quantity="slope against Σ n_i a_i²", between=(20, LONG),
                  shift=shift, published=-1.0, accuracy=0.05, where="both bounds are of order 1/Σ n_i a_i²")
            for share, shift in ((0.2, 25), (0.5, 4))
        ),
        *(
            Reading(arm=f"debiased, a = {share:g}", record="squared_error", quantity="risk times Σ n_i a_i² / (1 − Σ p²)",
                    at=(LONG,), scale=N * (1 + LONG * share**2) / GINI)
            for share in (0.2, 0.5, 0.8)
        ),
    ),
    figures=(
        Figure(plots.rate, "Squared error against t + 1/a², to which the sum of n_i a_i² is proportional, for a half of real "
               "points: a line of slope −1.", arms=("debiased, a = 0.5",),
               options={"name": "squared_error", "window": (20, LONG), "shift": 4.0}),
        Figure(plots.arms, "Squared error of the same estimator for three shares of real points.",
               options={"name": "squared_error", "scale": "log"}, several=True, name="shares"),
    ),
    notes=("The paper states bounds of one order; that the risk itself falls so is of the estimator here, whose law is derived.",),
)  # fmt: skip

EXPERIMENTS = (ESTIMATORS, RATE)
