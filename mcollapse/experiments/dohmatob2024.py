"""Dohmatob, Feng and Kempe: a regression on labels of a chain of regressions."""

import dataclasses

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates, Slope

DOHMATOB = Paper(
    key="dohmatob2024",
    authors="Dohmatob, Feng & Kempe",
    year=2024,
    title="Model collapse demystified: The case of regression",
    arxiv="2402.07712",
    venue="NeurIPS 2024",
)
D, ROWS = 20, 50  # features, rows of the downstream fit
NOISE, GENERATOR_NOISE = 0.09, 0.49
LAST = 20
TIMES = (1, 2, 5, 20)
KEPT = (0, 1, 2, 3, 5, 7, 10, 14, 20)
FINITE = "a limit of many rows and features: at these sizes d/(T − d − 1) stands for its d/(T − d)"
UNIT = mc.families.LinearRegression.Params([D**-0.5] * D, GENERATOR_NOISE)


def limit(times, rows: int, downstream: float = 0.0) -> dict[int, float]:
    """Theorem 4.1: what a downstream fit adds to n times the error of a generator."""
    return {t: downstream + t * GENERATOR_NOISE * D / (rows - D) for t in times}


def quieter(params):
    """Labels of the downstream fit have noise of their own."""
    return dataclasses.replace(params, noise_variance=NOISE)


def chain(name: str, rows: int, estimator=None, truth=UNIT) -> Arm:
    """Each generator labels new rows for the next one, and for a downstream fit that feeds nothing back."""
    fitted = mc.metrics.Downstream(
        mc.metrics.test_error, ROWS, estimator or mc.estimators.MaximumLikelihood(), change=quieter
    )
    process = mc.RecursiveTraining(mc.families.LinearRegression(D), sizes=rows)
    record = {"downstream_test_error": mc.Record(fitted, at=KEPT, reduce=mc.Keep())}
    return Arm(name, process, truth, LAST, record, start="truth")


GENERATORS = (60, 100, 400)
CHAIN = Experiment(
    id="dohmatob2024/least-squares",
    question="How does the error of least squares grow with the generations behind its labels?",
    paper=DOHMATOB,
    where="Theorem 4.1",
    replicates=Replicates(quick=1_000, normal=20_000, full=200_000),
    arms=tuple(chain(f"T₀ = {rows}", rows) for rows in GENERATORS),
    checks=(
        *(
            Reading(arm=f"T₀ = {rows}", record="downstream_test_error", quantity="test error downstream", counter="n",
                    published=limit((0, *TIMES), rows, NOISE * D / (ROWS - D)), erratum=FINITE)
            for rows in GENERATORS
        ),
        *(
            Less(lower=(f"T₀ = {more}", "downstream_test_error"), higher=(f"T₀ = {less}", "downstream_test_error"), at=LAST,
                 quantity=f"T₀ = {more} less than T₀ = {less}", where="Theorem 4.1")
            for less, more in ((60, 100), (100, 400))
        ),
    ),
    figures=(
        Figure(plots.arms, "Test error of a downstream fit to fifty rows of twenty features, by the number of generations behind "
               "its labels and by the rows of each generator: straight lines.",
               options={"name": "downstream_test_error", "scale": "linear"}, several=True),
    ),
    disagreements=(
        "Theorem 4.1 is a limit of many rows and features: at these sizes d/(T − d − 1) stands where it has d/(T − d), and the "
        "slope is a fortieth more at T₀ = 60.",
        "Corollary 5.2 has n ~ T^b where n σ₀² ~ T^a is meant, and b ≥ a + 1 − c where b < a + 1 − c is.",
    ),
    notes=("Twenty features and the numbers of rows are ours; noise has variance 0.09 downstream and 0.49 in the chain.",),
)  # fmt: skip

PENALTIES = (0.01, 0.1, 1.0)
RIDGE = Experiment(
    id="dohmatob2024/ridge",
    question="What does a penalty downstream do to the error that is passed on?",
    paper=DOHMATOB,
    where="Section 4, ridge regression",
    replicates=Replicates(quick=1_000, normal=20_000, full=200_000),
    arms=tuple(
        chain(f"λ = {penalty:g}", 60, mc.estimators.Ridge(penalty)) for penalty in PENALTIES
    ) + (chain("no penalty", 60),),
    checks=(
        *(Reading(arm=f"λ = {penalty:g}", record="downstream_test_error", quantity="test error downstream", at=(0, 1, 5, 20), counter="n")
          for penalty in PENALTIES),
        Less(lower=("λ = 0.1", "downstream_test_error"), higher=("no penalty", "downstream_test_error"), at=LAST,
             quantity="λ = 0.1 less than no penalty"),
        Less(lower=("λ = 1", "downstream_test_error"), higher=("λ = 0.1", "downstream_test_error"), at=LAST,
             quantity="after many generations a larger penalty is better: λ = 1 less than λ = 0.1",
             where="Section 5: the best penalty grows with the error of the labels"),
        Less(lower=("λ = 0.1", "downstream_test_error"), higher=("λ = 1", "downstream_test_error"), at=0,
             quantity="of real labels a small one is: λ = 0.1 less than λ = 1"),
    ),
    figures=(
        Figure(plots.arms, "Test error of a downstream ridge with three penalties and with none: a large penalty costs bias on "
               "real labels and is worth it on labels of late generations.",
               options={"name": "downstream_test_error"}, several=True),
    ),
    notes=("Twenty features; the law is that of many rows and features at one ratio.",),
)  # fmt: skip

WIDE, SHORT = 60, 40
SILENT = mc.families.LinearRegression.Params([WIDE**-0.5] * WIDE, 0.0)


def shortest(name: str, design: int | None, generations: int = 8) -> Arm:
    """Forty rows without noise and sixty coefficients."""
    process = mc.RecursiveTraining(
        mc.families.LinearRegression(WIDE, design=design), mc.estimators.MinimumNorm(), sizes=SHORT
    )
    record = {"squared_norm": mc.Record(mc.metrics.squared_norm, reduce=mc.Keep())}
    return Arm(name, process, SILENT, generations, record, start="truth")


OVERPARAMETRISED = Experiment(
    id="dohmatob2024/minimum-norm",
    question="What is left of the signal when each generator has fewer rows than coefficients?",
    paper=DOHMATOB,
    where="Theorem 4.6",
    replicates=Replicates(quick=500, normal=5_000, full=50_000),
    arms=(shortest("new features", None), shortest("one design", SHORT)),
    checks=(
        Reading(arm="new features", record="squared_norm", quantity="E ‖ŵ_n‖² / ‖w‖²", at=(1, 2, 4, 8), counter="n",
                stated=("minimum-norm",)),
        Reading(arm="one design", record="squared_norm", quantity="E ‖ŵ_n‖² / ‖w‖²", counter="n",
                published={t: SHORT / WIDE for t in (1, 2, 4, 8)}),
        Less(lower=("new features", "squared_norm"), higher=("one design", "squared_norm"), at=8,
             quantity="new features keep less than one design", where="Theorem 4.6"),
    ),
    figures=(
        Figure(plots.arms, "Squared length of the coefficients, forty rows without noise and sixty coefficients: with new "
               "features a third of what is left is lost in every generation, with one design a third once.",
               options={"name": "squared_norm", "scale": "linear"}, several=True),
    ),
    disagreements=("Before its equation 5 the paper writes w_n = w_0 where the first fit, ŵ_0, is meant.",),
)  # fmt: skip

PURE = Experiment(
    id="dohmatob2024/slope",
    question="Is the error of late generations proportional to their number?",
    paper=DOHMATOB,
    where="Theorem 4.1",
    replicates=Replicates(quick=1_000, normal=20_000, full=200_000),
    arms=(
        Arm("T₀ = 60", mc.RecursiveTraining(mc.families.LinearRegression(D), sizes=60), UNIT, 100,
            {"test_error": mc.Record(mc.metrics.test_error, at=mc.log_spaced(100, 20) + (1, 10, 100), reduce=mc.Keep())}, start="truth"),
    ),
    checks=(
        Slope(arm="T₀ = 60", record="test_error", quantity="slope of the generator's error", between=(1, 100), published=1.0,
              accuracy=0.02),
        Reading(arm="T₀ = 60", record="test_error", quantity="test error of the generator", counter="n",
                published=limit((1, 10, 100), 60), erratum=FINITE),
    ),
    figures=(
        Figure(plots.rate, "Test error of the generators themselves, each fitted to sixty rows of the last one's labels.",
               options={"name": "test_error", "window": (1, 100)}),
    ),
)  # fmt: skip

EXPERIMENTS = (CHAIN, RIDGE, OVERPARAMETRISED, PURE)
