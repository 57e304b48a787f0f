"""Barzilai and Shamir: when maximum likelihood on everything so far does not collapse, and when it does."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import mcollapse as mc
from mcollapse import plots, random, theory
from mcollapse.data import Samples
from mcollapse.families import AbstractFamily, Truth
from mcollapse.once import once
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates

BARZILAI = Paper(
    key="barzilai2025",
    authors="Barzilai & Shamir",
    year=2025,
    title="When models don't collapse: On the consistency of iterative MLE",
    arxiv="2505.19046",
)
STEPS = 400
TIMES = (0, 1, 10, 100, 400)


def size(n: int) -> str:
    """Of one arm."""
    return f"n = {n:,}"


def smooth(n: int) -> Arm:
    """Maximum likelihood of a Gaussian on all points so far."""
    times = mc.log_spaced(STEPS, 24) + TIMES
    record = {
        "squared_error": mc.Record(mc.metrics.squared_error, at=times, reduce=mc.Keep()),
        "variance": mc.Record(mc.metrics.variance, at=times, reduce=mc.Keep()),
    }
    process = mc.RecursiveTraining(mc.families.Gaussian(), sizes=n, pool=mc.pools.All())
    return Arm(size(n), process, mc.families.Gaussian.Params.standard(), STEPS, record)


SMOOTH = Experiment(
    id="barzilai2025/smooth",
    question="Does maximum likelihood on everything so far stay near the truth, for as long as one likes?",
    paper=BARZILAI,
    where="Theorem 4.1",
    replicates=Replicates(quick=2_000, normal=20_000, full=200_000),
    arms=(smooth(10), smooth(100), smooth(1_000)),
    checks=(
        *(Reading(arm=size(n), record="squared_error", quantity="error of the mean, times n", at=TIMES, scale=n)
          for n in (10, 100, 1_000)),
        *(Reading(arm=size(n), record="variance", quantity="variance", at=TIMES) for n in (10, 100, 1_000)),
        Less(lower=(size(1_000), "squared_error"), higher=(size(100), "squared_error"), at=400,
             quantity="more points, less error, after many generations too", where="Theorem 4.1"),
    ),
    figures=(
        Figure(plots.arms, "Error of the mean of a Gaussian fitted to all points so far: it rises by a factor of about π²/6 and "
               "stays, at every size.", options={"name": "squared_error", "scale": "log"}, several=True),
    ),
    notes=("The theorem's constants are not known to us: what is read is that n times the error has a bound that t does not enter.",),
)  # fmt: skip


class FarBumpParams(eqx.Module):
    """Alpha, and whether a point that the model was fitted to lies in the bump."""

    alpha: Float[Array, ""] | np.ndarray
    seen: Float[Array, ""] | np.ndarray


class FarBump(AbstractFamily):
    r"""$(1-\alpha)\,U[0, 1-2\alpha] + \alpha\,U[2, 2+\alpha^9]$; the points below 1 alone fix alpha.

    Of one fit to real points and the model's first points only. Source: Theorem 5.1, with a power for its f.
    """

    Params = FarBumpParams

    def sample(self, key, params, count, capacity):
        """Points of both parts."""
        # both draws in one fusion take XLA:CPU of jax 0.12 minutes to compile
        far = once(lambda: random.bernoulli(key, 1, params.alpha, (capacity,)))
        place = once(lambda: random.uniform(key, 2, (capacity,)))
        near = (1.0 - 2.0 * params.alpha) * place
        return Samples.first(jnp.where(far, 2.0 + params.alpha**9 * place, near), count)

    def maximum_likelihood(self, data, previous, ddof=0):
        """Where no point lies in the bump the likelihood rises with alpha, up to where the uniform part ends."""
        near = (data.weights > 0) & (data.rows <= 1)
        alpha = 0.5 * (1.0 - jnp.max(jnp.where(near, data.rows, 0.0)))
        seen = jnp.any((data.weights > 0) & (data.rows > 1)).astype(alpha.dtype)
        return FarBumpParams(alpha, seen), jnp.zeros((), jnp.int32)


def distance(family: AbstractFamily, params, truth: Truth):
    """Total variation to U[0, 1]: the truth's mass beyond 1 - 2 alpha."""
    return 2.0 * params.alpha


def in_the_bump(family: AbstractFamily, params, truth: Truth):
    """Whether a point of the data lies where the truth has none."""
    return params.seen


def bump(n: int) -> Arm:
    """Two fits: to real points, and to these and as many of the first model."""
    record = {
        "distance": mc.Record(distance, reduce=mc.Keep()),
        "seen": mc.Record(in_the_bump, reduce=mc.Keep()),
    }
    process = mc.RecursiveTraining(FarBump(), sizes=n, pool=mc.pools.All())
    return Arm(size(n), process, FarBumpParams(np.asarray(0.0), np.asarray(0.0)), 1, record)


COUNTEREXAMPLE = Experiment(
    id="barzilai2025/counterexample",
    question="Can a model that is close to the truth still draw a point where the truth has none?",
    paper=BARZILAI,
    where="Theorem 5.1",
    replicates=Replicates(quick=3_000, normal=30_000, full=300_000),
    arms=(bump(100), bump(1_000)),
    checks=(
        *(
            Reading(arm=size(n), record="distance", quantity="total variation of the first fit", relation="≤",
                    published={0: math.log(n) / n}, where="Theorem 5.1: at most log n / n")
            for n in (100, 1_000)
        ),
        *(Reading(arm=size(n), record="seen", quantity="P(a point of the first model in the bump)", at=(0, 1)) for n in (100, 1_000)),
        *(
            Less(lower=(size(n), "seen"), higher=(size(n), "seen"), at=(0, 1),
                 quantity="the chance of a point in the bump does not vanish")
            for n in (100, 1_000)
        ),
    ),
    notes=(
        f"The exact chance of a point in the bump, a formula of ours, is {theory.escape_probability(100):.4f} at a hundred points "
        f"and {theory.escape_probability(1_000):.4f} at a thousand; it tends to 1/3.",
        "What the second fit makes of such a point is not simulated: it would need the paper's f, which we have not verified.",
    ),
)  # fmt: skip

EXPERIMENTS = (SMOOTH, COUNTEREXAMPLE)
