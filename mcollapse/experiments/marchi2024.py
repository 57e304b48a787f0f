"""Marchi et al.: heat death, what a sampling temperature does in a closed loop."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates

MARCHI = Paper(
    key="marchi2024",
    authors="Marchi, Soatto, Chaudhari & Tabuada",
    year=2024,
    title="Heat death of generative models in closed-loop learning",
    arxiv="2404.02325",
)
TRUTH = mc.families.Categorical.Params([0.4, 0.3, 0.2, 0.1])
STEPS = 60
TEMPERATURES = (0.5, 0.9, 1.0, 1.1)
SHARES = (0.02, 0.1, 0.3, 0.6)


def told(temperature: float, share: float = 0.0) -> str:
    """Of one arm."""
    return f"τ = {temperature:g}" + (f", {share:.0%} real" if share else "")


def closed(temperature: float, share: float = 0.0) -> Arm:
    """Without sampling error."""
    process = mc.processes.PopulationLimit(real_share=share, decoder=mc.decoders.Temperature(temperature))
    record = {"concentration": mc.Record(mc.metrics.concentration, reduce=mc.Keep())}
    if share:  # without real data the error at temperature 1 is zero, and what is left of it rounding
        record["squared_error"] = mc.Record(mc.metrics.squared_error, reduce=mc.Keep())
    return Arm(told(temperature, share), process, TRUTH, STEPS, record)


HEAT_DEATH = Experiment(
    id="marchi2024/temperature",
    question="Where does a closed loop end whose points are drawn at another temperature?",
    paper=MARCHI,
    where="the theorems on closed loops",
    replicates=Replicates(quick=16, normal=32, full=64),
    arms=(*(closed(tau) for tau in TEMPERATURES), *(closed(0.9, a) for a in SHARES)),
    checks=(
        *(Reading(arm=told(tau), record="concentration", quantity="Σ p²", at=(0, 1, 10, 60)) for tau in TEMPERATURES),
        *(Reading(arm=told(0.9, a), record="concentration", quantity="Σ p²", at=(1, 10, 60)) for a in SHARES),
        Less(lower=(told(0.9), "concentration"), higher=(told(0.9), "concentration"), at=(0, 60),
             quantity="below 1 one output is left: Σ p² grows", where="the abstract"),
        Less(lower=(told(1.1), "concentration"), higher=(told(1.1), "concentration"), at=(60, 0),
             quantity="above 1 all outputs become alike: Σ p² falls", where="the abstract"),
        *(
            Less(lower=(told(0.9, b), "squared_error"), higher=(told(0.9, a), "squared_error"), at=60,
                 quantity=f"real data hold it: error with {b:.0%} less than with {a:.0%}")
            for a, b in zip(SHARES, SHARES[1:], strict=False)
        ),
    ),
    figures=(
        Figure(plots.arms, "Sum of squared probabilities of four outputs, drawn at temperature τ in every generation: below 1 it "
               "goes to one, above 1 to a quarter.", arms=tuple(told(tau) for tau in TEMPERATURES),
               options={"name": "concentration"}, several=True, name="temperatures"),
        Figure(plots.arms, "The same at τ = 0.9 with a share of real data.", arms=tuple(told(0.9, a) for a in SHARES),
               options={"name": "concentration"}, several=True, name="shares"),
    ),
    notes=(
        "Four outputs and these numbers are ours. All replicates are alike: there is no sampling error.",
        "A share of two per cent does not hold a loop at τ = 0.9: its largest output tends to 97 per cent.",
    ),
)  # fmt: skip

EXPERIMENTS = (HEAT_DEATH,)
