"""Figures for papers hold the numbers that they are said to hold. Runs are made up: nothing is simulated here."""

import matplotlib

matplotlib.use("Agg")
import dataclasses
import math

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from scipy import stats

import mcollapse as mc
from mcollapse import plots, rates
from mcollapse.definitions import Thresholds
from mcollapse.fates import OUTCOMES, fates
from mcollapse.plots.optima import _told
from mcollapse.plots.phases import LOOKS
from mcollapse.plots.survival import share_interval
from mcollapse.predicting import predictions
from mcollapse.recording import HittingEntry, KeptEntry, MomentsEntry
from tests.helpers import GAUSSIAN, categorical, gaussian
from tests.test_plots import (
    EVERY,
    REPLICATES,
    UNIFORM,
    edges,
    hitting,
    kept,
    legend,
    lines,
    log_variances,
    moments,
    sketch,
    swept,
)
from tests.test_plots import made as made_of

SHARES = (0.1, 0.5, 0.9)
WEIGHTS = np.linspace(0.2, 1.0, 17)
RNG = np.random.default_rng(1)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def test_a_fan_has_the_bands_that_are_asked_for():
    run = log_variances(kept())
    ax = plots.fan(run, levels=(0.8, 0.2), paths=3)
    for band, level in zip(ax.collections, (0.2, 0.8), strict=False):
        low, high = edges(band)
        np.testing.assert_allclose(low, np.quantile(run["x"].values, (1 - level) / 2, axis=0))
        np.testing.assert_allclose(high, np.quantile(run["x"].values, (1 + level) / 2, axis=0))
    median, *single, mean = lines(ax, "-")
    np.testing.assert_allclose(median.get_ydata(), np.median(run["x"].values, axis=0))
    np.testing.assert_array_equal([line.get_ydata() for line in single], run["x"].values[:3])
    np.testing.assert_array_equal(mean.get_ydata(), run["x"].mean)
    assert len(lines(ax, "--")) == 1 and ax.get_title() == ""
    # the inner band is the darker one, in front, and opaque: its key in the legend has its colour
    inner, outer = ax.collections[:2]
    assert sum(to_rgb(inner.get_facecolor()[0])) < sum(to_rgb(outer.get_facecolor()[0]))
    assert inner.get_zorder() > outer.get_zorder() and inner.get_alpha() is None
    of_sketch = log_variances(sketch(), reduce=mc.Quantiles())
    ax = of_sketch.plot(kind="fan", levels=[0.5])
    np.testing.assert_allclose(edges(ax.collections[0]), of_sketch["x"].quantile([0.25, 0.75]))


def survivors(metric, process, truth, hits, **threshold):
    entry = HittingEntry(hits, np.asarray(REPLICATES - hits.sum(axis=-1)))
    return made_of(process, truth, {"x": entry}, metric, reduce=mc.HittingTime(**threshold))


def some_hits():
    return np.bincount(RNG.integers(1, 45, REPLICATES), minlength=45)[: len(EVERY)]


def test_survival_has_exact_binomial_intervals():
    count = np.array([0, 1, 100, 200])
    for k, low, high in zip(count, *share_interval(count, 200, 0.9), strict=True):
        exact = stats.binomtest(int(k), 200).proportion_ci(0.9)
        np.testing.assert_allclose((low, high), exact, atol=1e-12)
    hits = some_hits()
    ax = plots.survival(survivors(mc.metrics.log_variance, gaussian(), GAUSSIAN, hits, below=-9), law=False)
    alive = REPLICATES - np.cumsum(hits)
    np.testing.assert_allclose(lines(ax, "-")[0].get_ydata(), alive / REPLICATES)
    low, high = share_interval(alive, REPLICATES, 0.95)
    corners = ax.collections[0].get_paths()[0].vertices
    assert np.isclose(corners[:, 1].min(), low.min()) and np.isclose(corners[:, 1].max(), high.max())
    assert ax.get_ylabel().replace("\n", " ") == "share not yet hit (log variance below −9)"


@pytest.mark.parametrize(
    ("metric", "below"),
    [
        (mc.metrics.standard_deviation, 0.5),
        (mc.metrics.variance, 0.25),
        (mc.metrics.log_variance, math.log(0.25)),
    ],
)
def test_the_chance_to_be_above_bounds_the_chance_not_to_have_been_below(metric, below):
    run = survivors(metric, gaussian(), GAUSSIAN, some_hits(), below=below)
    above = mc.metrics.Above(mc.metrics.standard_deviation, 0.5)
    exact = next(p for p in predictions(run, "x", {}, above) if p.law.kind == "exact")
    ax = run.plot(kind="survival")
    bounds = [line for line in lines(ax, ":") if not str(line.get_label()).startswith("_")]
    assert len(bounds) == 3 and len({line.get_marker() for line in bounds}) == 3
    drawn = next(line for line in bounds if line.get_label().split("\n")[0].endswith("replacement-tail"))
    np.testing.assert_allclose(drawn.get_ydata()[1:], exact.values[1:], rtol=1e-6)
    assert drawn.get_ydata()[0] == 1.0 and drawn.get_label().startswith("upper bound")
    other = survivors(metric, gaussian(), GAUSSIAN, some_hits(), above=below)
    assert not lines(other.plot(kind="survival"), ":")


@pytest.mark.slow
def test_the_bound_holds_what_is_simulated():
    """And a mutant, the bound of a threshold lower by half, is crossed."""
    import jax

    def run(below, seed):
        record = {"x": mc.Record(mc.metrics.log_variance, reduce=mc.HittingTime(below=below))}
        return mc.simulate(gaussian(), GAUSSIAN, key=jax.random.key(seed), generations=60, replicates=1024,
                           start="truth", record=record)  # fmt: skip

    def excess(of, bound):
        share = 1.0 - of["x"].probability
        drawn = next(line for line in lines(bound.plot(kind="survival"), ":") if "tail\n" in line.get_label())
        return np.max((share - drawn.get_ydata()) / np.maximum(of["x"].standard_error, 1 / 1024))

    observed = run(-2.0, 0)
    assert excess(observed, observed) < 5 < excess(observed, run(-1.0, 0))


def test_a_single_symbol_has_the_opposite_bounds():
    hits = some_hits()
    run = survivors(mc.metrics.single_symbol, categorical(30), UNIFORM, hits, above=0.5)
    ax = run.plot(kind="survival")
    exact = next(p for p in predictions(run, "x") if p.law.kind == "exact")
    np.testing.assert_allclose(lines(ax, "--")[0].get_ydata(), 1 - exact.values)
    drawn = {line.get_label().split("\n")[0]: line.get_ydata() for line in lines(ax, ":")}
    for p in predictions(run, "x"):
        if p.law.kind in ("upper bound", "lower bound"):
            other = "lower bound" if p.law.kind == "upper bound" else "upper bound"
            np.testing.assert_allclose(drawn[f"{other}: 1 − {p.law.name}"], 1 - p.values)


def test_times_are_bars_with_the_law_summed_over_them():
    run = hitting(mc.metrics.alive, categorical(), UNIFORM, (3,), below=0.5)
    entry = run["x"].at((), 1)
    ax = plots.collapse_times(run, component=1, bars=10)
    last = np.flatnonzero(entry.hits)[-1]
    width = math.ceil((last + 1) / 10)
    total = int(entry.replicates)
    exact = next(p for p in predictions(run, "x") if p.law.kind == "exact").values[:, 1]
    left = np.concatenate([[1.0], exact])
    (law,) = lines(ax, "--")
    for i, bar in enumerate(ax.patches):
        first, beyond = i * width, min((i + 1) * width, len(entry.hits))
        assert bar.get_x() == pytest.approx(first - 0.5) and bar.get_width() == beyond - first
        expected = entry.hits[first:beyond].sum() / total / (beyond - first)
        assert bar.get_height() == pytest.approx(expected)
        chance = (left[first] - left[beyond]) / (beyond - first)
        np.testing.assert_allclose(law.get_ydata()[2 * i : 2 * i + 2], chance)
    area = sum(bar.get_height() * bar.get_width() for bar in ax.patches)
    assert area == pytest.approx(1 - int(entry.censored) / total)
    texts = legend(ax)[0]
    assert f"median: generation {int(entry.median)}" in texts
    assert any(f"{100 * int(entry.censored) / total:.3g} % not crossed by generation 30" in t for t in texts)
    assert ax.get_xlabel() == "generation of the first crossing (category lost)"


def test_times_of_several_are_distribution_functions():
    run = hitting(mc.metrics.alive, categorical(), UNIFORM, (3,), below=0.5)
    with pytest.raises(ValueError, match="cumulative=True draws several"):
        plots.collapse_times(run)
    ax = plots.collapse_times(run, cumulative=True)
    for line, expected in zip(lines(ax, "-"), run["x"].probability, strict=False):
        np.testing.assert_allclose(line.get_ydata(), expected)
    assert len({line.get_marker() for line in lines(ax, "-")[:3]}) == 3


def powers(exponents=(-1.0,), replicates=320):
    noise = RNG.lognormal(0, 0.1, (replicates, len(exponents), len(EVERY)))
    return noise * np.maximum(EVERY, 1.0) ** np.asarray(exponents)[:, None]


def test_a_rate_is_a_line_over_its_window():
    values = powers()[:, 0]
    run = log_variances(KeptEntry(values, EVERY), mc.metrics.squared_error)
    ax = run.plot(kind="rate", window=(5, 25))
    found = rates.rate(run, "x", window=(5, 25))
    fit = next(line for line in lines(ax, "-") if len(line.get_xdata()) == 2)
    assert fit.get_xdata().tolist() == [5, 25]
    np.testing.assert_allclose(fit.get_ydata(), found.values(np.array([5, 25])))
    marks = ax.containers[0][0]
    np.testing.assert_array_equal(marks.get_ydata(), run["x"].mean[marks.get_xdata().astype(int)])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log") and marks.get_xdata()[0] == 1
    exact = predictions(run, "x")[0].values
    drawn = lines(ax, "--")[0]
    np.testing.assert_array_equal(drawn.get_ydata(), exact[drawn.get_xdata().astype(int)])
    told = next(text for text in legend(ax)[0] if text.startswith("slope"))
    low, high = found.interval
    numbers = [float(part.replace("−", "-")) for part in told.replace("(", "").split()[1:3]]
    assert numbers[0] == pytest.approx(found.slope, abs=0.01) and numbers[1] == pytest.approx(low, abs=0.01)
    assert low < found.slope < high and "generations 5 to 25" in legend(ax)[1]


def test_rates_of_a_sweep_are_a_line_each():
    sweep = {"source.real_share": list(SHARES)}
    process = categorical(source=mc.sources.Mixture(real_share=0.1))
    entry = KeptEntry(powers((-1.0, -0.5, 0.3)), EVERY, ("source.real_share",))
    run = made_of(process, UNIFORM, {"x": entry}, mc.metrics.squared_error, start="real", sweep=sweep)
    ax = plots.rate(run, shift=1)
    texts = [text.split("\n")[0] for text in legend(ax)[0][:3]]
    assert [text.split(":")[0] for text in texts] == [f"real share = {share:g}" for share in SHARES]
    assert ax.get_xlabel() == "generation + 1" and len(lines(ax, "--")) == 3
    fits = [line for line in lines(ax, "-") if len(line.get_xdata()) == 2]
    assert {line.get_xdata()[1] for line in fits} == {31} and len(fits) == 3


def weights(entry=None, reduce=None, centre=0.6, extra=None):
    """Errors that are least at `centre`, of a mean that is fitted with weight w on real points."""
    process = mc.RecursiveTraining(
        family=mc.families.Gaussian("known"), estimator=mc.estimators.Weighted(0.5), sizes=100,
        source=mc.sources.Split(50, 50),
    )  # fmt: skip
    sweep = {"estimator.weight.value": WEIGHTS.tolist()} | (extra or {})
    at = np.array([0, 10, 30])
    shape = tuple(len(values) for values in sweep.values())
    curve = np.exp(3 * (WEIGHTS - centre) ** 2).reshape(len(WEIGHTS), *(1,) * (len(shape) - 1), 1)
    if entry is None:
        values = RNG.lognormal(0, 0.05, (640, *shape, 3)) * curve
        entry = KeptEntry(values, at, tuple(sweep))
    run = made_of(process, GAUSSIAN, {"x": entry}, mc.metrics.squared_error, start="real", sweep=sweep)
    return run


def test_an_optimum_is_marked_with_its_error_and_the_laws():
    run = weights()
    ax = run.plot(kind="optimum")
    star = next(line for line in ax.get_lines() if line.get_marker() == "*")
    best, error = rates.jackknife(
        run["x"].values[..., -1][:, rates.near_lowest(run["x"].mean[:, -1])],
        lambda means: rates.lowest(WEIGHTS[rates.near_lowest(run["x"].mean[:, -1])], means),
    )
    assert star.get_xdata()[0] == pytest.approx(best) and abs(best - 0.6) < 5 * error < 0.2
    (band,) = ax.patches
    assert band.get_x() == pytest.approx(best - 2 * error) and band.get_width() == pytest.approx(4 * error)
    marks = ax.containers[0][0]
    np.testing.assert_array_equal(marks.get_ydata(), run["x"].mean[:, -1])
    told = legend(ax)[0][0]
    # half of the points are real: the weight is that of the golden ratio
    assert told.startswith("least at weight 0.") and "±" in told and told.endswith("law 0.618")
    assert (ax.get_xlabel(), ax.get_title()) == ("weight w on real points", "")
    assert ax.get_ylabel().replace("\n", " ") == "squared error of the estimate at generation 30"


def test_an_optimum_of_moments_has_no_interval_and_one_at_an_end_is_said_to_be_there():
    mean = np.exp(3 * (WEIGHTS[:, None] - 0.6) ** 2) * np.ones(3)
    entry = MomentsEntry(
        mean, 0.01 * mean, np.full(mean.shape, 9), np.zeros(mean.shape), np.array([0, 10, 30])
    )
    entry.sweep_axes = ("estimator.weight.value",)
    ax = plots.optimum(weights(entry), at=10)
    assert not ax.patches and "±" not in legend(ax)[0][0] and "0.6," in legend(ax)[0][0]
    ax = plots.optimum(weights(centre=2.0), law=False)
    assert "least at the end of what was swept, weight 1" in legend(ax)[0][0]
    assert not [line for line in ax.get_lines() if line.get_marker() == "*"]


def test_of_three_axes_the_free_one_names_the_lines():
    run = weights(extra={"source.real.value": [30, 50], "source.synthetic.value": [40, 60]})
    ax = plots.optimum(run, cell={"source.synthetic.value": 60}, law=False)
    assert [text.split(":")[0] for text in legend(ax)[0][:2]] == ["real = 30", "real = 50"]


def test_where_no_cubic_tells_the_least_of_the_values_is_named():
    x = np.arange(1.0, 4.0)
    told = [_told("w", x, np.array(mean), math.nan, None) for mean in ([2, 1, 3], [1, 2, 3], [3, 2, 1])]
    assert [text.split(",")[0] for text in told] == [
        "least of the values swept",
        *["least at the end of what was swept"] * 2,
    ]


def test_optima_along_one_axis_for_each_value_of_another():
    ax = plots.optimum(weights(extra={"source.real.value": [30, 50]}))
    assert len([line for line in ax.get_lines() if line.get_marker() == "*"]) == 2
    assert [text.split(":")[0] for text in legend(ax)[0][:2]] == ["real = 30", "real = 50"]
    assert len(lines(ax, "--")) >= 4  # two laws and their least


def mapped(slopes, replicates=320, spread=0.02, grown=1.0):
    """A sweep of two axes whose risks are powers of t."""
    sweep = {"source.real_share": [0.1, 0.2], "sizes.value": [100.0, 200.0, 400.0]}
    at = np.array([0, 5, 10, 20])
    t = np.maximum(at, 1.0)
    values = RNG.lognormal(0, spread, (replicates, 2, 3, 4)) * t ** np.asarray(slopes)[..., None]
    values[..., 1:] *= grown
    process = categorical(source=mc.sources.Mixture(real_share=0.1))
    entry = KeptEntry(values, at, tuple(sweep))
    return made_of(process, UNIFORM, {"x": entry}, mc.metrics.squared_error, start="real", sweep=sweep)


SLOPES = [[-1.0, 0.0, 0.5], [-0.3, -0.02, 0.02]]


def test_fates_are_read_off_the_end_of_a_run():
    run = mapped(SLOPES)
    found = fates(run, law=False)
    np.testing.assert_allclose(found.slope, SLOPES, atol=0.02)
    assert found.words().tolist() == [
        ["improves", "plateaus", "collapses"],
        ["improves", "plateaus", "plateaus"],
    ]
    assert found.generations == (0, 10, 20) and found.law is None
    # paired by replicate: the standard deviation of a logarithm of a ratio, over log 2 and the root of R
    expected = 0.02 * math.sqrt(2) / math.log(2) / math.sqrt(320)
    np.testing.assert_allclose(found.slope_error, expected, rtol=0.3)
    wild = fates(mapped(SLOPES, replicates=40, spread=1.0), law=False)
    assert wild.words()[0, 1] == "undecided"
    far = fates(mapped(SLOPES, grown=20.0), law=False)
    assert far.words().tolist() == [
        ["improves", "collapses", "collapses"],
        ["improves", "collapses", "collapses"],
    ]
    strict = fates(run, thresholds=Thresholds(slope=0.4), law=False)
    assert strict.words()[1, 0] == "plateaus"


def test_means_that_rare_replicates_carry_or_nobody_knows_decide_nothing():
    run = mapped(SLOPES)
    entry = run["x"]
    share, mean = np.zeros(entry.mean.shape), entry.mean.copy()
    share[0, 0, -1] = share[0, 1, 1] = 0.5  # the second is not where a fate is looked at
    mean[1, 0, -1] = np.nan
    parts = (mean, entry.variance, entry.count, share)
    run.entries["x"] = MomentsEntry(*parts, entry.generations, entry.sweep_axes)
    assert fates(run, law=False).words().tolist() == [
        ["undecided", "plateaus", "collapses"],
        ["undecided", "plateaus", "plateaus"],
    ]


@pytest.mark.parametrize("width", [0.0, 0.1])
def test_a_bracket_decides_no_fate_and_has_no_optimum(monkeypatch, width):
    def wide(*given):
        return [
            dataclasses.replace(p, lower=p.values * (1 - width), upper=p.values)
            for p in predictions(*given)
            if p.law.kind == "exact"
        ]

    for module in ("mcollapse.fates", "mcollapse.plots.optima"):
        monkeypatch.setattr(f"{module}.predictions", wide)
    assert np.all(fates(mapped(SLOPES)).law == -1) == (width > 0)
    assert bool(lines(plots.optimum(weights()), "--")) == (width == 0)


def test_moments_have_fates_too():
    kept_run = mapped(SLOPES)
    entry = kept_run["x"]
    parts = (entry.mean, entry.variance, entry.count, np.zeros(entry.mean.shape))
    reduced = MomentsEntry(*parts, entry.generations, entry.sweep_axes)
    kept_run.entries["x"] = reduced
    found = fates(kept_run)
    assert found.words()[0].tolist() == ["improves", "plateaus", "collapses"]
    exact = predictions(kept_run, "x", {"source.real_share": 0.2, "sizes.value": 400.0})[0].values
    slope = math.log(exact[3] / exact[2]) / math.log(2)
    assert abs(slope) < 0.1 and exact[3] / exact[0] < 10 and found.law[1, 2] == OUTCOMES.index("plateaus")


def test_a_phase_map_has_a_cell_for_each_and_the_borders_of_the_law():
    run = mapped(SLOPES)
    ax = run.plot(kind="phases")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("sample size n (points)", "real share α")
    mesh = ax.collections[0]
    np.testing.assert_array_equal(mesh.get_array(), fates(run, law=False).outcome)
    marks = {line.get_marker(): len(line.get_xdata()) for line in ax.get_lines() if len(line.get_xdata())}
    assert (marks["v"], marks["s"], marks["^"]) == (2, 3, 1)
    turned = plots.phases(run, x="source.real_share", law=False)
    np.testing.assert_array_equal(turned.collections[0].get_array(), fates(run, law=False).outcome.T)
    assert [text.get_text() for text in turned.get_xticklabels()] == ["0.1", "0.2"]
    # from light to dark in grey, as a printer sees them, far enough to be told apart
    grey = [
        np.dot(to_rgb(LOOKS[word][0]), (0.299, 0.587, 0.114))
        for word in ("improves", "plateaus", "collapses")
    ]
    assert grey[0] - grey[1] > 0.15 and grey[1] - grey[2] > 0.15


@pytest.mark.parametrize("kind", ["survival", "times"])
def test_on_paper_figures_are_as_wide_as_a_column(kind):
    with plots.paper(85):
        run = hitting(mc.metrics.alive, categorical(), UNIFORM, (3,), below=0.5)
        ax = run.plot(kind=kind, component=1)
        assert ax.figure.get_figwidth() == pytest.approx(85 / 25.4) and ax.xaxis.label.get_fontsize() == 8
        ax.figure.canvas.draw()
        frame, height = ax.figure.bbox, ax.figure.bbox.height
        for text in (ax.xaxis.label, ax.yaxis.label, *ax.figure.legends[0].get_texts()):
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= frame.width and box.y0 >= 0 and box.y1 <= height
        labels = [tick.get_window_extent() for tick in ax.get_xticklabels()]
        assert all(a.x1 <= b.x0 for a, b in zip(labels, labels[1:], strict=False))
    assert log_variances(kept()).plot().figure.get_figwidth() == pytest.approx(6.8)
    with pytest.raises(ValueError, match="50 mm"), plots.paper(20):
        pass


@pytest.mark.parametrize(
    ("run", "kind", "options", "message"),
    [
        (log_variances(moments(EVERY.shape)), "fan", {}, r"no such record.*Keep\(\) or mc.Quantiles"),
        (log_variances(moments(EVERY.shape)), "fan", {"name": "x"}, "'x' was kept as moments"),
        (log_variances(kept()), "fan", {"levels": (50, 90)}, "shares of the replicates"),
        (log_variances(sketch(), reduce=mc.Quantiles()), "fan", {"paths": 3}, "kept no single replicates"),
        (hitting(mc.metrics.alive, categorical(), UNIFORM, (3,), below=0.5), "survival", {"level": 2}, "probability"),
        (log_variances(kept()), "survival", {}, r"mc.HittingTime\(below"),
        (log_variances(kept()), "times", {"name": "x"}, "'x' was kept as keep"),
        (hitting(mc.metrics.alive, categorical(), UNIFORM, (3,), below=0.5), "times",
         {"component": 0, "bars": 0}, "at least one bar"),
        (swept(), "rate", {}, r"reduce=mc.Keep\(\)"),
        (log_variances(kept()), "optimum", {}, "this run is no sweep"),
        (swept(), "optimum", {"along": "sizes"}, "free .source.real_share."),
        (swept(), "optimum", {"at": 99}, "the nearest is at=30"),
        (swept(), "phases", {}, "two axes, and free are source.real_share"),
        (mapped(SLOPES), "phases", {"x": "sizes"}, "no free axis"),
        (mapped(-np.asarray(SLOPES) * 0, grown=-1.0), "phases", {}, "is not positive"),
        (log_variances(kept()), "fun", {}, "did you mean 'fan'"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_with_the_cure(run, kind, options, message):
    with pytest.raises(ValueError, match=message):
        run.plot(kind=kind, **options)


def test_an_unknown_record_is_named_with_those_there_are():
    for kind in plots.KINDS:
        with pytest.raises(KeyError, match="recorded are x"):
            mapped(SLOPES).plot("squared", kind=kind)
