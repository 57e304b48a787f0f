"""Bakshi and Chakraborty: contaminated recursive training with a share of fresh real data."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates
from mcollapse.schedules import Geometric, Power

BAKSHI = Paper(
    key="bakshi2026",
    authors="Bakshi & Chakraborty",
    year=2026,
    title="From collapse to improvement: Statistical perspectives on the evolutionary dynamics of iterative training on "
    "contaminated sources",
    arxiv="2602.10531",
)
REPLICATES = Replicates(quick=500, normal=10_000, full=100_000)
TIMES = (1, 10, 50, 200)
N0, GINI = 500, 1 - 1 / 50  # first size; 1 − ‖θ*‖² of the uniform law on 50 tokens
UNIFORM = mc.families.Categorical.Params.uniform(50)
RISK = {
    "squared_error": mc.Record(mc.metrics.squared_error, at=mc.log_spaced(200, 30) + TIMES, reduce=mc.Keep())
}
THEOREM = ("multinomial-recursion-iid",)
SHARES = {
    "α = 0": 0.0,
    "α = 0.1": 0.1,
    "α = t^−1/2": Power(1.0, -0.5),
    "α = 1/t": Power(1.0, -1.0),
    "α = 0.1 t^−1/2": Power(0.1, -0.5),
}
SIZES = {
    "n fixed": N0,
    "n ∝ t": Power(N0, 1.0, shift=1),
    "n ∝ √t": Power(N0, 0.5, shift=1),
    "n ∝ 1.02^t": Geometric(N0, 1.02),
}


def tokens(name: str, share, sizes, record=RISK, **parts) -> Arm:
    """Fifty equally likely tokens; each point is real with probability α_t, unless said otherwise."""
    source = parts.pop("source", None) or mc.sources.Mixture(share)
    return Arm(
        name,
        mc.RecursiveTraining(mc.families.Categorical(), sizes=sizes, source=source, **parts),
        UNIFORM,
        200,
        record,
    )


MULTINOMIAL = Experiment(
    id="bakshi2026/multinomial",
    question="When does a share of fresh data stop collapse, and when does growing data improve the model?",
    paper=BAKSHI,
    where="Theorem 3.1 and the multinomial experiments",
    replicates=REPLICATES,
    arms=tuple(
        tokens(f"{told}, {growth}", share, sizes)
        for told, share in SHARES.items()
        for growth, sizes in SIZES.items()
    ),
    checks=(
        *(
            Reading(arm=f"{told}, {growth}", record="squared_error", quantity="R_t / R_0", at=TIMES, stated=THEOREM,
                    scale=N0 / GINI)
            for told in SHARES
            for growth in SIZES
        ),
        Less(lower=("α = 0.1, n fixed", "squared_error"), higher=("α = 0.1, n fixed", "squared_error"), at=(0, 200),
             quantity="without growth no improvement: R_0 less than R_200"),
        Less(lower=("α = 0.1, n ∝ t", "squared_error"), higher=("α = 0.1, n ∝ t", "squared_error"), at=(200, 0),
             quantity="with growth improvement: R_200 less than R_0", where="the multinomial experiments"),
        Less(lower=("α = t^−1/2, n ∝ t", "squared_error"), higher=("α = t^−1/2, n ∝ t", "squared_error"), at=(200, 0),
             quantity="even as α_t falls to 0: R_200 less than R_0", where="the result on shares that fall to zero"),
    ),
    figures=tuple(
        Figure(plots.arms, f"Squared error of fifty token probabilities with {told}, for sizes that stay and that grow.",
               arms=tuple(f"{told}, {growth}" for growth in SIZES), options={"name": "squared_error", "scale": "log"},
               several=True, name=f"risk {told}")
        for told in SHARES
    ),
    notes=(
        "Fifty tokens and 200 generations are the paper's; its θ*, n_0 and growth laws are not known. Here θ* is uniform and "
        "n_0 = 500; R_t / R_0 hardly depends on either.",
    ),
)  # fmt: skip

SMALL = {
    "squared_error": RISK["squared_error"],
    "chi_square": mc.Record(mc.metrics.chi_square, at="log", reduce=mc.Moments()),
}
AGGREGATION = Experiment(
    id="bakshi2026/aggregation",
    question="Replace, aggregate or filter: what is a share of real data worth?",
    paper=BAKSHI,
    where="the sections on aggregation and filtration",
    replicates=REPLICATES,
    arms=(
        tokens("replace", 0.1, N0, SMALL),
        tokens("replace, fixed counts", 0.1, N0, SMALL, source=mc.sources.Mixture(0.1, counts="fixed")),
        tokens("aggregate", 0.1, N0, SMALL, pool=mc.pools.All()),
        tokens("aggregate, no real data", 0.0, N0, SMALL, pool=mc.pools.All()),
        tokens("filter", 0.1, N0, SMALL, pool=mc.pools.RealOnly()),
    ),
    checks=(
        Reading(arm="replace", record="squared_error", quantity="R_t / R_0", at=TIMES, stated=THEOREM, scale=N0 / GINI),
        *(
            Reading(arm=arm, record="squared_error", quantity="R_t / R_0", at=TIMES, scale=N0 / GINI)
            for arm in ("replace, fixed counts", "aggregate", "aggregate, no real data", "filter")
        ),
        Less(lower=("aggregate", "squared_error"), higher=("replace", "squared_error"), at=200,
             quantity="aggregate less than replace"),
        Less(lower=("filter", "squared_error"), higher=("aggregate", "squared_error"), at=200,
             quantity="filter less than aggregate"),
    ),
    figures=(
        Figure(plots.arms, "Squared error with a tenth of real data, by what is trained on: the newest batch, all batches, or "
               "the real points of all batches.", options={"name": "squared_error", "scale": "log"}, several=True),
    ),
    notes=("The paper's own wording of these results has not been compared; the laws here are derived.",),
)  # fmt: skip

CONTEXTS = Experiment(
    id="bakshi2026/next-token",
    question="Does the recursion hold for next tokens in many contexts?",
    paper=BAKSHI,
    where="Theorem 3.1, context by context",
    replicates=REPLICATES,
    arms=tuple(
        Arm(
            f"{counts} counts of contexts",
            mc.RecursiveTraining(
                mc.families.NextToken(20, counts=counts), sizes=2_000, source=mc.sources.Mixture(0.1)
            ),
            mc.families.NextToken.Params.zipf(20, 10),
            50,
            {"squared_error": mc.Record(mc.metrics.squared_error, at=mc.every(5), reduce=mc.Moments())},
        )
        for counts in ("fixed", "random")
    ),
    checks=(
        Reading(arm="fixed counts of contexts", record="squared_error", quantity="sum of risks", at=(0, 5, 50),
                stated=("contexts-multinomial-recursion-iid",)),
        Reading(arm="random counts of contexts", record="squared_error", quantity="sum of risks", at=(0, 5, 50)),
    ),
    figures=(
        Figure(plots.arms, "Sum of squared errors over twenty contexts of ten tokens, a hundred points a context.",
               options={"name": "squared_error"}, several=True),
    ),
    notes=("Twenty contexts, Zipf's law in each; the theorem is of one context, and adds up over fixed counts.",),
)  # fmt: skip

BOTH = {
    "squared_error": mc.Record(mc.metrics.squared_error, reduce=mc.Keep()),
    "variance": mc.Record(mc.metrics.variance, reduce=mc.Moments()),
}


def gaussian(name: str, family, estimator, sizes: int | Power = 20) -> Arm:
    """A fifth of the points is real."""
    process = mc.RecursiveTraining(family, estimator, sizes=sizes, source=mc.sources.Mixture(0.2))
    record = {"squared_error": BOTH["squared_error"]} if family.variance == "known" else BOTH
    return Arm(name, process, mc.families.Gaussian.Params.standard(), 40, record)


FITTED, KNOWN = mc.families.Gaussian(), mc.families.Gaussian(variance="known")
GAUSSIAN = Experiment(
    id="bakshi2026/gaussian",
    question="Does a Gaussian behave as the multinomial model does?",
    paper=BAKSHI,
    where="the experiments with other models",
    replicates=Replicates(quick=4_000, normal=100_000, full=1_000_000),
    arms=(
        gaussian("variance known", KNOWN, mc.estimators.MaximumLikelihood()),
        gaussian("divisor n − 1", FITTED, mc.estimators.Unbiased()),
        gaussian("divisor n", FITTED, mc.estimators.MaximumLikelihood()),
        gaussian("divisor n − 1, n ∝ t", FITTED, mc.estimators.Unbiased(), Power(20, 1.0, shift=1)),
    ),
    checks=(
        *(
            Reading(arm=arm, record="squared_error", quantity="E (μ̂ − μ*)²", at=(0, 5, 40))
            for arm in ("variance known", "divisor n − 1", "divisor n", "divisor n − 1, n ∝ t")
        ),
        *(
            Reading(arm=arm, record="variance", quantity="E σ̂²", at=(0, 5, 40))
            for arm in ("divisor n − 1", "divisor n", "divisor n − 1, n ∝ t")
        ),
        Less(lower=("divisor n − 1, n ∝ t", "squared_error"), higher=("divisor n − 1, n ∝ t", "squared_error"), at=(40, 0),
             quantity="with growth improvement: fit 40 less than fit 0", where="the experiments with other models"),
    ),
    figures=(
        Figure(plots.arms, "Squared error of the mean, twenty points of which a fifth is real: a plateau at a fixed size, "
               "improvement where sizes grow.", options={"name": "squared_error", "scale": "log"}, several=True),
    ),
    notes=("The paper's numbers are not known; sizes and shares are ours.",),
)  # fmt: skip

TRUE_MIXTURE = mc.families.GaussianMixture.Params.of(
    [0.5, 0.5], [[-2.0, 0.0], [2.0, 0.0]], [[[1.0, 0.0], [0.0, 1.0]]] * 2
)
MIXTURE = Experiment(
    id="bakshi2026/gaussian-mixture",
    question="Does a Gaussian mixture fitted by expectation-maximisation behave so too?",
    paper=BAKSHI,
    where="the experiments with other models",
    replicates=Replicates(quick=128, normal=2_000, full=20_000),
    arms=tuple(
        Arm(
            name,
            mc.RecursiveTraining(mc.families.GaussianMixture(), sizes=sizes, source=mc.sources.Mixture(0.2)),
            TRUE_MIXTURE,
            10,
            {"matched": mc.Record(mc.metrics.matched_squared_error, reduce=mc.Keep())},
        )
        for name, sizes in (("n fixed", 100), ("n ∝ t", Power(100, 1.0, shift=1)))
    ),
    checks=(
        *(Reading(arm=arm, record="matched", quantity="error of the means", at=(0, 1, 5, 10)) for arm in ("n fixed", "n ∝ t")),
        Less(lower=("n fixed", "matched"), higher=("n fixed", "matched"), at=(0, 10),
             quantity="fixed size: fit 0 less than fit 10", where="the experiments with other models"),
        Less(lower=("n ∝ t", "matched"), higher=("n ∝ t", "matched"), at=(10, 0),
             quantity="growing size: fit 10 less than fit 0", where="the experiments with other models"),
    ),
    figures=(
        Figure(plots.arms, "Squared error of the means of two components, a fifth of the points real.",
               options={"name": "matched", "scale": "log"}, several=True),
    ),
    notes=("No law of it is known. The paper's numbers are not known; sizes and shares are ours.",),
)  # fmt: skip

LOGISTIC = Experiment(
    id="bakshi2026/logistic",
    question="Does logistic regression behave so too?",
    paper=BAKSHI,
    where="the experiments with other models",
    replicates=Replicates(quick=256, normal=4_000, full=40_000),
    arms=tuple(
        Arm(
            name,
            mc.RecursiveTraining(mc.families.LogisticRegression(3), sizes=sizes, source=mc.sources.Mixture(0.2)),
            mc.families.LogisticRegression.Params.ones(3),
            10,
            {"squared_error": mc.Record(mc.metrics.squared_error, reduce=mc.Keep())},
        )
        for name, sizes in (("n fixed", 800), ("n ∝ t", Power(800, 1.0, shift=1)))
    ),
    checks=(
        *(
            Reading(arm=arm, record="squared_error", quantity="E ‖β̂ − β*‖²", at=(0, 1, 5, 10))
            for arm in ("n fixed", "n ∝ t")
        ),
        Less(lower=("n fixed", "squared_error"), higher=("n fixed", "squared_error"), at=(0, 10),
             quantity="fixed size: fit 0 less than fit 10", where="the experiments with other models"),
        Less(lower=("n ∝ t", "squared_error"), higher=("n ∝ t", "squared_error"), at=(10, 0),
             quantity="growing size: fit 10 less than fit 0", where="the experiments with other models"),
    ),
    figures=(
        Figure(plots.arms, "Squared error of three coefficients, a fifth of the rows real, beside the inverse Fisher "
               "information times the risk of a mean.", options={"name": "squared_error", "scale": "log"}, several=True),
    ),
    notes=("The law is asymptotic in 1/n. The paper's numbers are not known; sizes and shares are ours.",),
)  # fmt: skip

EXPERIMENTS = (MULTINOMIAL, AGGREGATION, CONTEXTS, GAUSSIAN, MIXTURE, LOGISTIC)
