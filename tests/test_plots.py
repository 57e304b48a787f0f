"""Figures hold the numbers that they are said to hold. Runs are made up: nothing is simulated here."""

import subprocess
import sys

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pytest
from matplotlib import pyplot

import mcollapse as mc
from mcollapse import plots
from mcollapse.plots.lines import Curve
from mcollapse.plots.marks import draw_law
from mcollapse.predicting import predictions
from mcollapse.recording import HistogramEntry, HittingEntry, KeptEntry, MomentsEntry, QuantilesEntry
from mcollapse.theory import Prediction
from tests.helpers import GAUSSIAN, categorical, gaussian

REPLICATES, GENERATIONS = 200, 30
UNIFORM = mc.families.Categorical.Params.uniform(3)
WIDE = mc.families.Categorical.Params.uniform(20)
EVERY = np.arange(GENERATIONS + 1)
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def made(process, truth, entries, metric, reduce=None, start="truth", sweep=None):
    """A run whose entries are given, all of one metric."""
    record = mc.Record(metric, reduce=reduce or mc.Keep())
    attributes = {"generations": GENERATIONS, "replicates": REPLICATES, "start": start, "sweep": sweep or {}}
    truth = mc.Truth(process.family, truth)
    status = np.zeros(REPLICATES, np.int8)
    return mc.Trajectories(entries, status, attributes, truth, process, dict.fromkeys(entries, record))


def moments(shape, generations=EVERY, low=0.5, heavy=False, sweep_axes=()):
    mean = low + RNG.random(shape)
    share = np.full(shape, 0.5 if heavy else 0.0)
    return MomentsEntry(mean, 0.01 * np.abs(mean), np.full(shape, REPLICATES), share, generations, sweep_axes)


def kept(values=None):
    return KeptEntry(RNG.normal(size=(REPLICATES, GENERATIONS + 1)) if values is None else values, EVERY)


def log_variances(entry, metric=mc.metrics.log_variance, process=None, **options):
    return made(process or gaussian(), GAUSSIAN, {"x": entry}, metric, **options)


def hitting(metric, process, truth, shape=(), **threshold):
    hits = RNG.integers(0, 5, (*shape, GENERATIONS + 1))
    entry = HittingEntry(hits, np.full(shape, 40))
    return made(process, truth, {"x": entry}, metric, reduce=mc.HittingTime(**threshold))


def swept(paths=("source.real_share",), values=(0.0, 0.1, 0.5), **options):
    sweep = {path: list(values) for path in paths}
    process = categorical(source=mc.sources.Mixture(real_share=0.1))
    entry = moments((len(values),) * len(paths) + (len(EVERY),), low=0.5, sweep_axes=tuple(paths))
    return made(
        process, UNIFORM, {"x": entry}, mc.metrics.squared_error, start="real", sweep=sweep, **options
    )


def lines(ax, style):
    return [line for line in ax.get_lines() if line.get_linestyle() == style]


def legend(ax):
    found = ax.figure.legends or [ax.get_legend()]
    return [text.get_text() for text in found[0].get_texts()], found[0].get_title().get_text()


def edges(band):
    """Lower and upper edge of a filled band, by generation."""
    points = band.get_paths()[0].vertices
    return [np.array([f(points[points[:, 0] == t, 1]) for t in EVERY]) for f in (np.min, np.max)]


def test_moments_are_a_mean_with_two_standard_errors_and_the_exact_law():
    run = log_variances(moments(EVERY.shape))
    ax = run.plot()
    (law,) = lines(ax, "--")
    (expected,) = (p for p in predictions(run, "x") if p.statistic == "mean")
    np.testing.assert_array_equal(law.get_ydata(), expected.values)
    np.testing.assert_array_equal(law.get_xdata(), expected.generations)
    np.testing.assert_array_equal(lines(ax, "-")[0].get_ydata(), run["x"].mean)
    low, high = edges(ax.collections[0])
    np.testing.assert_allclose(high - low, 4 * run["x"].standard_error)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("generation", "log variance", "")
    assert legend(ax)[0] == [
        "mean of 200 replicates ± 2 s.e.",
        "exact law: gaussian-replacement-product\n(after Suresh et al. 2024)",
    ]


def test_trajectories_are_quantiles_and_a_law_of_the_mean_brings_the_mean():
    run = log_variances(kept())
    ax = run.plot("x")
    for band, (lower, upper) in zip(ax.collections, ((0.25, 0.75), (0.05, 0.95)), strict=False):
        low, high = edges(band)
        np.testing.assert_allclose(low, np.quantile(run["x"].values, lower, axis=0))
        np.testing.assert_allclose(high, np.quantile(run["x"].values, upper, axis=0))
    median, mean = lines(ax, "-")
    np.testing.assert_allclose(median.get_ydata(), np.median(run["x"].values, axis=0))
    np.testing.assert_array_equal(mean.get_ydata(), run["x"].mean)
    assert len(lines(ax, "--")) == 1
    ax = run.plot("x", law=False)
    assert len(lines(ax, "-")) == 1 and not lines(ax, "--")


def sketch(shape=(), sweep_axes=()):
    counts = RNG.integers(0, 9, (*shape, len(EVERY), 40))
    nothing = np.zeros(counts.shape[:-1], np.int64)
    lower = np.linspace(-2, 1.9, 40)
    return QuantilesEntry(counts, lower, lower + 0.1, nothing, nothing, nothing, EVERY, sweep_axes)


def test_quantiles_are_bands_without_a_law_of_the_mean():
    entry = sketch()
    ax = log_variances(entry, reduce=mc.Quantiles()).plot()
    low, lower, median, upper, high = entry.quantile([0.05, 0.25, 0.5, 0.75, 0.95])
    np.testing.assert_allclose(lines(ax, "-")[0].get_ydata(), median)
    for band, (below, above) in zip(ax.collections, ((lower, upper), (low, high)), strict=True):
        np.testing.assert_allclose(edges(band), (below, above))
    assert not lines(ax, "--") and "median" in legend(ax)[0][0] and "finite" in legend(ax)[0][0]


def test_quantiles_of_a_sweep_are_medians_with_intervals():
    process = categorical(source=mc.sources.Mixture(real_share=0.1))
    entry, sweep = sketch((3,), ("source.real_share",)), {"source.real_share": [0.0, 0.1, 0.5]}
    ax = made(
        process, UNIFORM, {"x": entry}, mc.metrics.squared_error, sweep=sweep, reduce=mc.Quantiles()
    ).plot()
    for i, (line, band) in enumerate(zip(lines(ax, "-"), ax.collections, strict=True)):
        np.testing.assert_allclose(line.get_ydata(), entry.median[i])
        np.testing.assert_allclose(edges(band), [limit[i] for limit in entry.interval(0.5)])
    assert "95 % interval" in legend(ax)[1]


def test_a_histogram_is_shades_of_its_density():
    sides, nothing = np.asarray([0.5, 1.0, 3.0, 4.0]), np.zeros((2, len(EVERY)), np.int64)
    counts = RNG.integers(1, 9, (2, len(EVERY), 3))
    entry = HistogramEntry(counts, sides, nothing, nothing, nothing, EVERY, ("source.real_share",))
    process = categorical(source=mc.sources.Mixture(real_share=0.1))
    run = made(process, UNIFORM, {"x": entry}, mc.metrics.squared_error, reduce=mc.Histogram(edges=sides),
               sweep={"source.real_share": [0.0, 0.1]})  # fmt: skip
    with pytest.raises(ValueError, match="cell="):
        run.plot()
    ax = run.plot(cell={"source.real_share": 0.1})
    (mesh,) = ax.collections
    np.testing.assert_allclose(mesh.get_array(), entry.density[1].T)
    assert mesh.get_coordinates()[0, :, 0].tolist() == [-0.5, *(EVERY[:-1] + 0.5), EVERY[-1] + 0.5]
    assert run.plot(cell={"source.real_share": 0.1}, scale="log").get_yscale() == "log"


def test_of_a_bracket_only_what_is_known_is_a_line():
    (law,) = [p.law for p in predictions(log_variances(kept()), "x") if p.law.kind == "exact"][:1]
    values, lower = np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.5, 3.0])
    assert Prediction(law, "x", "mean", EVERY[:3], values).sharp.all()
    said = Prediction(law, "x", "mean", EVERY[:3], values, lower=lower, upper=values)
    assert said.sharp.tolist() == [True, False, True]
    _, ax = pyplot.subplots()
    draw_law(ax, Curve(law, EVERY[:3], values, lower, values, False, 1.0))
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), [1.0, np.nan, 3.0])
    assert len(ax.collections) == 1


def test_a_crossing_of_a_metric_that_has_no_hash_is_drawn():
    run = hitting(mc.metrics.Above(mc.metrics.standard_deviation, 0.5), gaussian(), GAUSSIAN, below=0.5)
    assert lines(run.plot(), "-")


def test_a_law_is_drawn_only_of_what_is_drawn():
    survival = hitting(mc.metrics.alive, categorical(), UNIFORM, (3,), below=0.5)
    ax = survival.plot(component=1)
    np.testing.assert_allclose(lines(ax, "-")[0].get_ydata(), 1 - survival["x"].probability[1])
    exact = next(p for p in predictions(survival, "x") if p.law.kind == "exact")
    np.testing.assert_array_equal(lines(ax, "--")[0].get_ydata(), exact.values[:, 1])
    assert len(lines(ax, ":")) == sum("bound" in p.law.kind for p in predictions(survival, "x"))
    revived = hitting(
        mc.metrics.alive, categorical(source=mc.sources.Mixture(real_share=0.1)), UNIFORM, (3,), below=0.5
    )
    assert not lines(revived.plot(component=1), "--")
    tail = hitting(mc.metrics.log_variance, gaussian(), GAUSSIAN, below=-9)
    ax = tail.plot()
    assert not lines(ax, "--") and ax.get_ylabel() == "share not yet hit (log variance below −9)"
    compared = log_variances(moments(EVERY.shape))
    compared.attributes["difference_of"] = [{}, {}]
    ax = compared.plot()
    assert not lines(ax, "--") and ax.get_ylabel() == "difference in log variance"


def test_a_sweep_is_a_line_a_value_each_with_its_law():
    run = swept()
    ax = run.plot()
    for i, line in enumerate(lines(ax, "-")):
        np.testing.assert_array_equal(line.get_ydata(), run["x"].mean[i])
    laws = [predictions(run, "x", {"source.real_share": a})[0].values for a in (0.0, 0.1, 0.5)]
    for line, law in zip(lines(ax, "--"), laws, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), law)
    texts, title = legend(ax)
    assert title == "mean of 200 replicates ± 2 s.e."
    assert texts == [
        "real share = 0",
        "real share = 0.1",
        "real share = 0.5",
        "exact law: multinomial-recursion-iid\n(Bakshi, Chakraborty 2026)",
    ]
    alone = run.plot(cell={"source.real_share": 0.1})
    np.testing.assert_array_equal(lines(alone, "-")[0].get_ydata(), run["x"].mean[1])


def test_one_axis_of_a_larger_sweep_may_stay_free():
    run = swept(("source.real_share", "sizes.value"), (10.0, 20.0))
    ax = run.plot(cell={"source.real_share": 10.0}, law=False)
    np.testing.assert_array_equal([line.get_ydata() for line in lines(ax, "-")], run["x"].mean[0])
    assert legend(ax)[0] == ["sizes = 10", "sizes = 20"]


def test_components_are_picked_and_their_laws_with_them():
    entry = moments((len(EVERY), 20))
    run = made(categorical(), WIDE, {"x": entry}, mc.metrics.alive)
    ax = run.plot(component=[3, 17])
    np.testing.assert_array_equal([line.get_ydata() for line in lines(ax, "-")], entry.mean[:, [3, 17]].T)
    assert legend(ax)[0][:2] == ["component 3", "component 17"]
    assert len(lines(ax, "--")) == 2 and not lines(ax, ":")


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [
        (
            made(categorical(), WIDE, {"x": moments((31, 20))}, mc.metrics.alive),
            {},
            r"component=\[0, 10, 19\]",
        ),
        (made(categorical(), WIDE, {"x": moments((31, 20))}, mc.metrics.alive), {"component": 20}, "0 … 19"),
        (log_variances(kept()), {"component": 0}, "no components"),
        (log_variances(kept()), {"cell": {"sizes.value": 3}}, "no axis of this run"),
        (log_variances(kept()), {"scale": "semilog"}, '"linear" or "log"'),
        (log_variances(kept(-np.ones((9, 31)))), {"scale": "log"}, "positive"),
        (swept(), {"cell": {"source.real_share": 0.2}}, "the sweep has 0, 0.1, 0.5"),
        (
            swept(("source.real_share", "sizes.value")),
            {},
            r"fix all but one, such as cell=\{'sizes.value': 0.0\}",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(run, options, message):
    with pytest.raises(ValueError, match=message):
        run.plot("x", **options)


def test_a_record_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="recorded are x"):
        log_variances(kept()).plot("squared")


def test_values_over_decades_have_logarithmic_axes_on_which_generation_0_has_a_place():
    entry = moments(EVERY.shape)
    entry.mean = np.geomspace(1e-4, 1.0, len(EVERY))
    run = log_variances(entry, mc.metrics.squared_error)
    ax = run.plot(law=False)
    assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "log")
    assert ax.get_xlim()[0] < 0 and np.isfinite(ax.transData.transform((0, 1e-4))).all()
    entry.mean[0] = 0.0
    ax = run.plot(law=False)
    assert ax.get_yscale() == "log" and ax.get_xlabel() == "generation (values of 0 are not shown)"
    assert run.plot(scale="linear").get_yscale() == "linear"
    assert log_variances(kept()).plot().get_xscale() == "linear"


def test_log_spaced_generations_have_a_logarithmic_axis():
    at = np.asarray(mc.log_spaced(GENERATIONS, 10))
    ax = log_variances(moments(at.shape, at, low=-1)).plot()
    assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "linear")
    ax = log_variances(moments(at[1:].shape, at[1:], low=-1)).plot()
    assert ax.get_xscale() == "log"


def test_means_that_rare_replicates_carry_are_marked():
    run = log_variances(moments(EVERY.shape, heavy=True))
    assert "carried by rare replicates: do not trust" in legend(run.plot())[0]
    above = mc.metrics.Above(mc.metrics.standard_deviation, 0.1)
    ax = log_variances(moments(EVERY.shape, heavy=True), above).plot()
    assert not any("rare" in text for text in legend(ax)[0])
    assert ax.get_ylabel() == "probability that standard deviation > 0.1"
    assert len(lines(ax, ":")) >= 1  # the bounds of Suresh et al. and of Bertrand et al.


def test_replicates_without_a_finite_value_are_counted():
    values = RNG.normal(size=(REPLICATES, len(EVERY)))
    values[:50, 3:], values[:, -1] = -np.inf, -np.inf
    ax = log_variances(kept(values)).plot()
    assert "mean of 0 to 200 finite replicates ± 2 s.e." in legend(ax)[0]
    assert np.isnan(lines(ax, "-")[1].get_ydata()[-1])


def test_given_axes_are_used_and_keep_their_layout():
    figure, ax = pyplot.subplots()
    assert log_variances(kept()).plot(ax=ax) is ax
    assert ax.get_legend() is not None and not figure.legends


def test_bands_are_markers_with_errors_beside_lines():
    observed, law, error = RNG.random((2, 31)), RNG.random((2, 31)), np.full((2, 31), 0.01)
    ax = plots.bands(EVERY, observed, error, law, ["once (3 words)", "twice (1 word)"])
    for i, line in enumerate(lines(ax, "--")[:2]):
        np.testing.assert_array_equal(line.get_ydata(), law[i])
        marks, _, (bars,) = ax.containers[i]
        at = marks.get_xdata()
        np.testing.assert_array_equal(marks.get_ydata(), observed[i, at])
        heights = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
        np.testing.assert_allclose(heights, 4 * error[i, at])
    assert legend(ax) == (["exact law", "once (3 words)", "twice (1 word)"], "observed ± 2 s.e.")
    assert ax.get_ylabel() == "share of words still alive"
    with pytest.raises(ValueError, match=r"law is \(2, 30\)"):
        plots.bands(EVERY, observed, error, law[:, 1:], ["a", "b"])


def test_matplotlib_is_imported_only_where_something_is_drawn():
    code = "import sys, mcollapse.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
