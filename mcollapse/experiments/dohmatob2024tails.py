"""Dohmatob et al.: a tale of tails, how lost tails change scaling laws."""

import jax.numpy as jnp

import mcollapse as mc
from mcollapse import plots
from mcollapse.families import AbstractFamily, Truth
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Replicates, Slope

TAILS = Paper(
    key="dohmatob2024tails",
    authors="Dohmatob, Feng, Yang, Charton & Kempe",
    year=2024,
    title="A tale of tails: Model collapse as a change of scaling laws",
    arxiv="2402.07043",
    venue="ICML 2024",
)
SYMBOLS, BATCH, STEPS = 10_000, 20, 99


def test_error_of_a_table(family: AbstractFamily, params, truth: Truth):
    """Chance of a symbol that was never seen: a table is right on the others."""
    p = truth.family.probabilities(truth.params)
    seen = family.probabilities(params) > 0
    return jnp.sum(jnp.where(seen, 0.0, p))


def table(name: str, exponent: float, source, **parts) -> Arm:
    """All points so far are memorised, twenty more in every generation."""
    process = mc.RecursiveTraining(
        mc.families.Categorical(), sizes=BATCH, source=source, pool=mc.pools.All(), **parts
    )
    record = {
        "chance_of_an_unseen_symbol": mc.Record(
            test_error_of_a_table, at=mc.log_spaced(STEPS, 16) + (0, 9, STEPS), reduce=mc.Keep()
        )
    }
    return Arm(name, process, mc.families.Categorical.Params.zipf(SYMBOLS, exponent), STEPS, record)


REAL = mc.sources.Split(BATCH, 0)
OWN, HALF = "own output", "half real"
SCALING = Experiment(
    id="dohmatob2024tails/scaling",
    question="How does the test error of a memorised table fall with its data, real, cut or its own?",
    paper=TAILS,
    where="the scaling law of the table with its tail cut",
    replicates=Replicates(quick=32, normal=500, full=5_000),
    arms=(
        table("real, β = 1.5", 1.5, REAL),
        table("real, β = 2", 2.0, REAL),
        table(OWN, 1.5, mc.sources.LastModel()),
        table(HALF, 1.5, mc.sources.Split(BATCH // 2, BATCH // 2)),
    ),
    checks=(
        Slope(arm="real, β = 1.5", record="chance_of_an_unseen_symbol", quantity="exponent of the test error", between=(9, STEPS), shift=1,
              published=-1 / 3, accuracy=0.04, where="T^−(β − 1)/β"),
        Slope(arm="real, β = 2", record="chance_of_an_unseen_symbol", quantity="exponent of the test error", between=(9, STEPS), shift=1,
              published=-1 / 2, accuracy=0.04, where="T^−(β − 1)/β"),
        Slope(arm=OWN, record="chance_of_an_unseen_symbol", quantity="exponent of the test error", between=(9, STEPS), shift=1),
        Slope(arm=HALF, record="chance_of_an_unseen_symbol", quantity="exponent of the test error", between=(9, STEPS), shift=1),
        Less(lower=("real, β = 1.5", "chance_of_an_unseen_symbol"), higher=(OWN, "chance_of_an_unseen_symbol"), at=STEPS,
             quantity="synthetic data stop the law: error with real data less than with its own",
             where="the scaling law of the table with its tail cut"),
        Less(lower=(HALF, "chance_of_an_unseen_symbol"), higher=(OWN, "chance_of_an_unseen_symbol"), at=STEPS,
             quantity="real data mixed in bring it back", where="the result on mixing with real data"),
    ),
    figures=(
        Figure(plots.arms, "Chance of a symbol that a table has never seen, against the number of batches of twenty points: real "
               "points of a Zipf law, the table's own output, and half of each.", options={"name": "chance_of_an_unseen_symbol", "scale": "log"},
               several=True),
        Figure(plots.rate, "The same on real points of exponent 1.5: the law predicts a slope of −1/3.", arms=("real, β = 1.5",),
               options={"name": "chance_of_an_unseen_symbol", "window": (9, STEPS), "shift": 1}),
    ),
    notes=(
        f"{SYMBOLS:,} symbols and {BATCH} points a generation are ours; T is {BATCH} (t + 1). Finitely many symbols make the "
        "slope of β = 1.5 a little steeper than that of infinitely many: −0.36.",
        "A table that is fed by its own output alone sees no symbol that it has not seen in its first batch.",
    ),
)  # fmt: skip

EXPERIMENTS = (SCALING,)
