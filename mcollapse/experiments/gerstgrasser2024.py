"""Gerstgrasser, Schaeffer et al.: replacing data collapses, accumulating data does not. Linear regression."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates

GERSTGRASSER = Paper(
    key="gerstgrasser2024",
    authors="Gerstgrasser, Schaeffer, Dey, Rafailov, Sleight, Hughes, Korbak, Agrawal, Pai, Gromov, Roberts, Yang, "
    "Donoho & Koyejo",
    year=2024,
    title="Is model collapse inevitable? Breaking the curse of recursion by accumulating real and synthetic data",
    arxiv="2404.01413",
    venue="COLM 2024",
)
REPLICATES = Replicates(quick=1_000, normal=20_000, full=200_000)
REPLACE, ACCUMULATE = mc.pools.Newest(), mc.pools.All()
LIMIT = 1.6449340668482264  # π²/6
FITS = (0, 4, 9, 19, 99)


def regression(name: str, pool, rows: int = 100, dimension: int = 10, noise: float = 1.0, **parts) -> Arm:
    """Labels alone are the model's; `design=None` draws new features for every batch, the default keeps one design."""
    family = mc.families.LinearRegression(dimension, design=parts.get("design", rows))
    process = mc.RecursiveTraining(family, sizes=parts.get("sizes", rows), pool=pool)
    truth = mc.families.LinearRegression.Params.zeros(dimension, noise)
    record = {
        "test_error": mc.Record(mc.metrics.test_error, at=mc.log_spaced(99, 24) + FITS, reduce=mc.Keep())
    }
    return Arm(name, process, truth, 99, record)


def error(arm: str, base: float, stated=(), **parts) -> tuple[Reading, ...]:
    """Readings of the test error after j fits; accumulated, the paper bounds it by π²/6 of the first."""
    reading = Reading(
        arm=arm, record="test_error", quantity="test error", at=FITS, counter="j", shift=1, stated=stated
    )
    bound = Reading(
        arm=arm, record="test_error", quantity="test error", published={99: LIMIT * base}, relation="≤", counter="j",
        shift=1, where="the theorem on accumulation: π²/6 times the first error",
    )  # fmt: skip
    return (reading,) if stated else (reading, bound)


BASE = 10 / (100 - 10 - 1)
STATED = ("ols-replacement",)
REPLACE_OR_ACCUMULATE = Experiment(
    id="gerstgrasser2024/replace-or-accumulate",
    question="Does the error of a regression stay bounded when data accumulate?",
    paper=GERSTGRASSER,
    where="the laws of replacement and accumulation, and the figure of linear regression",
    replicates=REPLICATES,
    arms=(regression("replace", REPLACE), regression("accumulate", ACCUMULATE)),
    checks=(*error("replace", BASE, STATED), *error("accumulate", BASE)),
    figures=(
        Figure(plots.arms, "Test error of least squares on 100 rows of 10 features with noise of variance 1, one design for "
               "all generations: replaced it grows by the same amount at every fit, accumulated it stays below π²/6 of the "
               "first.", options={"name": "test_error", "scale": "log"}, several=True),
    ),
    notes=("The paper's own dimensions, sizes and noise are not known; these are of the same group's later code.",),
)  # fmt: skip

GRID = ((1, 10), (3, 32), (10, 100), (32, 316))
SETTINGS = Experiment(
    id="gerstgrasser2024/settings",
    question="Do the two laws hold over dimensions, sizes and noise?",
    paper=GERSTGRASSER,
    where="the laws of replacement and accumulation, over settings",
    replicates=Replicates(quick=256, normal=5_000, full=50_000),
    arms=tuple(
        regression(f"{told}, d = {d}, T = {rows}, s² = {noise:g}", pool, rows, d, noise)
        for (d, rows), noise in zip(GRID, (0.1, 1.0, 10.0, 1.0), strict=True)
        for told, pool in (("replace", REPLACE), ("accumulate", ACCUMULATE))
    ),
    checks=tuple(
        reading
        for (d, rows), noise in zip(GRID, (0.1, 1.0, 10.0, 1.0), strict=True)
        for told in ("replace", "accumulate")
        for reading in error(
            f"{told}, d = {d}, T = {rows}, s² = {noise:g}",
            noise * d / (rows - d - 1),
            STATED if told == "replace" else (),
        )
    ),
    notes=(
        "Dimensions, sizes and noise are those of the same group's later code (Kazdan et al., arXiv 2410.16713).",
    ),
)

FRESH = Experiment(
    id="gerstgrasser2024/fresh-design",
    question="What changes when every generation has features of its own?",
    paper=GERSTGRASSER,
    where="the laws of replacement and accumulation, with new features",
    replicates=REPLICATES,
    arms=(
        regression("replace", REPLACE, design=None),
        regression("accumulate", ACCUMULATE, design=None),
        regression("accumulate, one design", ACCUMULATE),
    ),
    checks=(
        *error("replace", BASE, STATED),
        *error("accumulate", BASE)[:1],
        Less(lower=("accumulate", "test_error"), higher=("accumulate, one design", "test_error"), at=99,
             quantity="new features less than one design"),
    ),
    figures=(
        Figure(plots.arms, "Test error of accumulated regressions with new features in every generation and with one "
               "design: new features are worth a little.",
               arms=("accumulate", "accumulate, one design"), options={"name": "test_error"}, several=True),
    ),
    notes=("The paper's laws are of one design for all generations, as the same group's later code has it.",),
)  # fmt: skip

GROWING = Experiment(
    id="gerstgrasser2024/growing-replaced-sets",
    question="Is it the data or their number: does a replaced set as large as the accumulated one still degrade?",
    paper=GERSTGRASSER,
    where="Ablation of sample sizes (of language models; here linear regression)",
    replicates=REPLICATES,
    arms=(
        regression("replace", REPLACE, design=None),
        regression("replace, growing", REPLACE, design=None, sizes=mc.schedules.Power(100, 1.0, shift=1)),
        regression("accumulate", ACCUMULATE, design=None),
    ),
    checks=(
        Reading(arm="replace, growing", record="test_error", quantity="test error", at=FITS, counter="j", shift=1),
        *(
            Less(lower=(low, "test_error"), higher=(high, "test_error"), at=99, quantity=f"{low} less than {high}",
                 where="Ablation of sample sizes")
            for low, high in (("accumulate", "replace, growing"), ("replace, growing", "replace"))
        ),
        Less(lower=("replace, growing", "test_error"), higher=("replace, growing", "test_error"), at=(9, 99),
             quantity="growing sets still degrade: fit 10 less than fit 100", where="Ablation of sample sizes"),
    ),
    figures=(
        Figure(plots.arms, "Test error where the set is replaced, replaced by one that grows as the accumulated one does, and "
               "accumulated: growth slows the rise to that of a logarithm and does not end it.",
               options={"name": "test_error", "scale": "log"}, several=True),
    ),
)  # fmt: skip

EXPERIMENTS = (REPLACE_OR_ACCUMULATE, SETTINGS, FRESH, GROWING)
