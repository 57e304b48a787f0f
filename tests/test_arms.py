"""Figures of several runs: arms of an experiment, paths, and one run against another."""

import jax
import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

import mcollapse as mc
from mcollapse import plots

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def arm_runs(**options):
    process = mc.RecursiveTraining(mc.families.Bernoulli(), sizes=20)
    record = {"x": mc.Record(mc.metrics.squared_error, reduce=mc.Keep())}
    arguments = {"generations": 4, "replicates": 128, "start": "truth", "record": record} | options
    return {
        f"p = {p}": mc.simulate(process, mc.families.Bernoulli.Params(p), key=jax.random.key(0), **arguments)
        for p in (0.2, 0.4)
    }


def test_arms_are_lines_with_their_laws_and_published_numbers():
    runs = arm_runs()
    ax = plots.arms(runs, "x", published={3: 0.02})
    names = ax.figure.legends[0].get_texts()
    assert {"p = 0.2", "p = 0.4", "published"} <= {text.get_text() for text in names}
    ours = [line for line in ax.get_lines() if line.get_label() in runs]
    for line, run in zip(ours, runs.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), run["x"].mean)
    laws = [line for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert len(laws) == 2 and ax.get_xlabel().startswith("generation")
    with pytest.raises(ValueError, match="no runs"):
        plots.arms({}, "x")


def test_paths_and_scatters_are_of_whole_trajectories():
    runs = arm_runs()
    run = runs["p = 0.2"]
    drawn = plots.paths(run, "x", most=3).get_lines()
    assert len(drawn) == 3
    np.testing.assert_array_equal(drawn[2].get_ydata(), run["x"].values[2])
    ax = plots.scatter(runs, "x", at=2, most=50)
    points = ax.get_lines()[-1]
    np.testing.assert_array_equal(points.get_xdata(), run["x"].values[:50, 2])
    np.testing.assert_array_equal(points.get_ydata(), runs["p = 0.4"]["x"].values[:50, 2])
    with pytest.raises(ValueError, match="two runs"):
        plots.scatter({"one": run}, "x", at=2)
    with pytest.raises(ValueError, match="not recorded generation 9"):
        plots.scatter(runs, "x", at=9)
    moments = arm_runs(record={"x": mc.Record(mc.metrics.squared_error, reduce=mc.Moments())})
    with pytest.raises(ValueError, match="mc.Keep"):
        plots.paths(moments["p = 0.2"], "x")
    with pytest.raises(ValueError, match="mc.Keep"):
        plots.scatter(moments, "x", at=2)
