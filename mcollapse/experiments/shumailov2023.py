"""Shumailov et al.: the curse of recursion, in one Gaussian and in a mixture of two."""

import mcollapse as mc
from mcollapse import plots
from mcollapse.families import AbstractFamily, Truth
from mcollapse.reproducing import Arm, Experiment, Figure, Less, Paper, Reading, Replicates
from mcollapse.schedules import Power

SHUMAILOV = Paper(
    key="shumailov2023",
    authors="Shumailov, Shumaylov, Zhao, Gal, Papernot & Anderson",
    year=2023,
    title="The curse of recursion: Training on generated data makes models forget",
    arxiv="2305.17493",
    venue="Nature 631:755–759 (2024)",
)
N, STEPS = 50, 1_000
TIMES = (1, 5, 20, 100, 1_000)


def variance_of_a_point(family: AbstractFamily, params, truth: Truth):
    """Of a point of generation t about the true mean, once the run's own fits are averaged over."""
    return mc.metrics.variance(family, params, truth) + mc.metrics.squared_error(family, params, truth)


def gaussian(name: str, sizes, estimator) -> Arm:
    """Each Gaussian is fitted to points of the last one alone."""
    times = mc.log_spaced(STEPS, 30) + TIMES
    record = {
        "point": mc.Record(variance_of_a_point, at=times, reduce=mc.Moments()),
        "wasserstein2_squared": mc.Record(mc.metrics.wasserstein2_squared, at=times, reduce=mc.Keep()),
        "log_variance": mc.Record(mc.metrics.log_variance, at=times, reduce=mc.Keep()),
        "tenth": mc.Record(mc.metrics.standard_deviation, reduce=mc.HittingTime(below=0.1)),
    }
    process = mc.RecursiveTraining(mc.families.Gaussian(), estimator, sizes=sizes)
    return Arm(name, process, mc.families.Gaussian.Params.standard(), STEPS, record, start="truth")


FIXED, BIASED, GROWING = "M = 50", "M = 50, divisor M", "M = 50 t^1.5"
GAUSSIAN = Experiment(
    id="shumailov2023/gaussian",
    question="Where does a Gaussian go that is fitted to its own points, again and again?",
    paper=SHUMAILOV,
    where="the section on the one-dimensional Gaussian",
    replicates=Replicates(quick=2_000, normal=50_000, full=500_000),
    arms=(
        gaussian(FIXED, N, mc.estimators.Unbiased()),
        gaussian(BIASED, N, mc.estimators.MaximumLikelihood()),
        gaussian(GROWING, Power(N, 1.5), mc.estimators.Unbiased()),
    ),
    checks=(
        Reading(arm=FIXED, record="point", quantity="Var X_t", published={t: 1 + t / N for t in (1, 5, 20)}, accuracy=1e-9,
                where="the variance of a point, σ²(1 + t/M)"),
        *(
            Reading(arm=arm, record="wasserstein2_squared", quantity="E W₂²", at=TIMES if arm == BIASED else TIMES[:4])
            for arm in (FIXED, BIASED, GROWING)
        ),
        *(Reading(arm=arm, record="log_variance", quantity="E log variance", at=TIMES) for arm in (FIXED, BIASED, GROWING)),
        Less(lower=(FIXED, "log_variance"), higher=(FIXED, "log_variance"), at=(1_000, 100),
             quantity="the variance goes to zero: log variance at 1,000 less than at 100", where="the theorem: Σ_t → 0"),
        Less(lower=(GROWING, "wasserstein2_squared"), higher=(FIXED, "wasserstein2_squared"), at=100,
             quantity="sizes that grow faster than t keep W₂² small", where="the remark on growing sizes"),
    ),
    figures=(
        Figure(plots.arms, "Squared Wasserstein distance to the truth of a Gaussian fitted to points of the last one: with a fixed "
               "size it grows, with the divisor M it stays bounded although the variance is lost, with growing sizes it stays small.",
               options={"name": "wasserstein2_squared", "scale": "log"}, several=True),
        Figure(plots.fan, "Log variance of fifty points a generation: the median and the middle half and nine tenths of all chains.",
               arms=(FIXED,), options={"name": "log_variance"}),
        Figure(plots.survival, "Share of chains whose standard deviation has not yet been below a tenth of the truth's.",
               arms=(FIXED,), options={"name": "tenth"}),
    ),
    disagreements=(
        "The theorem says that E W₂² goes to infinity. With the divisor M, maximum likelihood, it does not: it stays below 2 σ², "
        "while the variance is lost all the same. Of the divisor M − 1 both hold.",
        "The theory section says α = γ = 0 for replacement where it means β = γ = 0.",
        "The public code runs one chain for each size, of a quantity whose mean is carried by rare chains.",
    ),
    notes=(
        "Sizes are ours; the sizes that grow are M t^1.5, of which the sum of 1/M_t is finite.",
        "At small t, E W₂² is about 3/2 the sum of 1/M; it is heavy-tailed at large t, so it is read where the error can be trusted.",
    ),
)  # fmt: skip

MIXTURE_STEPS = 20
TRUE_MIXTURE = mc.families.GaussianMixture.Params.separated(2, 2, 4.0)


def mixture(n: int) -> Arm:
    """Two components in two dimensions, fitted by expectation-maximisation to points of the last model alone."""
    times = mc.every(2)
    record = {
        "matched": mc.Record(mc.metrics.matched_squared_error, at=times, reduce=mc.Keep()),
        "total_variance": mc.Record(mc.metrics.trace, at=times, reduce=mc.Keep()),
        "modes": mc.Record(mc.metrics.mode_coverage, at=times, reduce=mc.Keep()),
    }
    return Arm(
        f"n = {n}",
        mc.RecursiveTraining(mc.families.GaussianMixture(), sizes=n),
        TRUE_MIXTURE,
        MIXTURE_STEPS,
        record,
        start="truth",
    )


MIXTURE = Experiment(
    id="shumailov2023/gaussian-mixture",
    question="Does a mixture of two Gaussians forget that it has two modes?",
    paper=SHUMAILOV,
    where="the experiment with a mixture of two Gaussians",
    replicates=Replicates(quick=256, normal=2_000, full=20_000),
    arms=(mixture(50), mixture(200)),
    checks=(
        *(Reading(arm=arm, record="matched", quantity="error of the means", at=(2, 10, 20)) for arm in ("n = 50", "n = 200")),
        *(Reading(arm=arm, record="modes", quantity="share of modes left", at=(2, 20)) for arm in ("n = 50", "n = 200")),
        *(
            Less(lower=(arm, "matched"), higher=(arm, "matched"), at=(2, 20),
                 quantity="the error grows: fit 2 less than fit 20", where="the experiment with a mixture of two Gaussians")
            for arm in ("n = 50", "n = 200")
        ),
        Less(lower=("n = 200", "matched"), higher=("n = 50", "matched"), at=20, quantity="more points, less error"),
    ),
    figures=(
        Figure(plots.arms, "Squared error of the means of two components, matched to the truth's, every model fitted to "
               "points of the last one.", options={"name": "matched", "scale": "log"}, several=True),
        Figure(plots.arms, "Share of the two true modes that the model still has.", options={"name": "modes"}, several=True),
    ),
    notes=(
        "No law of it is known. The paper's data and sizes are not known to us: here two round components four standard "
        "deviations apart, and each fit starts at the last model.",
    ),
)  # fmt: skip

EXPERIMENTS = (GAUSSIAN, MIXTURE)
