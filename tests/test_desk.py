"""What a researcher asks for at the shell beside running: lists, figures of saved runs, tables of their own."""

import json
import pathlib
import re

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pytest
from matplotlib import pyplot
from typer.testing import CliRunner

import mcollapse as mc
from mcollapse import theory
from mcollapse.cli import app, output
from mcollapse.cli.listing import first_line
from mcollapse.datasets import read_table
from mcollapse.description import describe
from mcollapse.experiments import table
from mcollapse.recording import HistogramEntry, HittingEntry, KeptEntry, MomentsEntry
from mcollapse.spec import Specification, SpecificationError
from tests.helpers import GAUSSIAN, ZIPF, categorical, gaussian
from tests.test_command_line import command
from tests.test_plots import made, sketch, swept

RNG = np.random.default_rng(0)


def shell(*arguments):
    """What a command prints; its exit code is 0."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_all_parts_are_listed_with_a_line_each():
    found = json.loads(shell("list", "--json"))
    assert set(found) >= {
        "families",
        "estimators",
        "sources",
        "pools",
        "schedules",
        "metrics",
        "laws",
        "processes",
    }
    for rows in found.values():
        assert all(row["name"] and row["line"] and "\\" not in row["line"] for row in rows)
    assert {row["name"] for row in found["laws"]} == {law.name for law in theory.LAWS}
    assert "gaussian-mixture" in {row["name"] for row in found["families"]}
    assert {row["name"] for row in found["pools"]} >= {"all", "newest", "window"}
    assert "linear regression" not in shell("list", "pool") and "newest" in shell("list", "pool")
    assert list(json.loads(shell("list", "sizes", "--json"))) == ["schedules"]


def test_a_kind_of_part_that_is_misspelled_is_answered(capsys):
    assert command("list", "estimator", "--json") == 0
    capsys.readouterr()
    assert command("list", "metrix") == 2
    assert "did you mean 'metrics'" in capsys.readouterr().err


def test_docstrings_lose_their_latex():
    assert first_line(r"$x \sim N(\mu, \sigma^2)$.") == "x ~ N(μ, σ^2)"
    assert first_line(r"$\frac{1}{R-1}\sum_{i} (x_i - \bar x)^2$. And more.") == "1/(R-1)Σ_i (x_i - x̄)^2"
    assert (
        first_line(r"$\min\{t : x_t < \text{below}\}$, `at` last." + "\n\nMore.")
        == "min{t : x_t < below}, at last"
    )


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A run of whole trajectories and hitting times, saved."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pyplot, "close", lambda *a: None)
    at = np.arange(21)
    record = {
        "squared_error": mc.Record(mc.metrics.squared_error),
        "collapsed": mc.Record(mc.metrics.log_variance, reduce=mc.HittingTime(below=-2)),
    }
    hits = RNG.integers(0, 9, 21)
    entries = {
        "squared_error": KeptEntry(np.maximum(at, 1.0) ** RNG.normal(-1, 0.1, (64, 1)), at),
        "collapsed": HittingEntry(hits, np.asarray(64 - 0 * hits.sum())),
    }
    run = made(gaussian(), GAUSSIAN, entries, mc.metrics.squared_error)
    run._records = record
    run.attributes |= {
        "process": describe(run.process), "truth_family": describe(run.truth.family),
        "records": {name: describe(one) for name, one in record.items()},
    }  # fmt: skip
    run.save("run.zarr")
    yield run
    monkeypatch.undo()
    pyplot.close("all")


def test_figures_of_a_saved_run(saved, tmp_path):
    assert shell("plot", "run.zarr", "--kind", "survival").strip().endswith("survival.png")
    assert pyplot.gcf().axes[0].get_ylabel() == "share not yet hit (log variance below −2)"
    assert (tmp_path / "survival.png").stat().st_size > 5000
    shell("plot", "run.zarr", "--record", "squared_error", "--kind", "rate", "--window", "2:20", "--width", 85,
          "--out", "deep/slope.pdf")  # fmt: skip
    assert (tmp_path / "deep" / "slope.pdf").read_bytes().startswith(b"%PDF")
    assert pyplot.gcf().get_figwidth() == pytest.approx(85 / 25.4)
    assert "generations 2 to 20" in pyplot.gcf().legends[0].get_title().get_text()
    shell("plot", "run.zarr", "--no-law", "--scale", "linear")
    (axes,) = pyplot.gcf().axes
    assert not [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert (tmp_path / "trajectory.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--record", "squared_eror"], "did you mean 'squared_error'"),
        (["--kind", "rates"], "did you mean 'rate'"),
        (["--kind", "phases"], "a phase map has two axes"),
        (["--kind", "fan", "--window", "1:9"], "--window is an option of --kind rate"),
        (["--kind", "rate", "--window", "9"], "FIRST:LAST"),
        (["--kind", "rate", "--record", "collapsed"], "'collapsed' was kept as hitting_time"),
        (["--cell", "sizes"], "PATH=NUMBER"),
        (["--out", "figure.doc"], "FILE.png"),
        (["--width", "10"], "50 mm"),
    ],
)
def test_what_cannot_be_drawn_is_exit_code_2(saved, capsys, arguments, message):
    assert command("plot", "run.zarr", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize("width", [85, None])
def test_a_figure_for_a_page_is_as_wide_as_it_says(saved, tmp_path, width):
    shell("plot", "run.zarr", "--out", "page.svg", *(["--width", width] if width else []))
    inches = float(re.search(r'<svg[^>]* width="([0-9.]+)pt"', (tmp_path / "page.svg").read_text())[1]) / 72
    assert (inches == pytest.approx(85 / 25.4, rel=1e-3)) == (width == 85)


def test_histograms_of_a_sweep_are_no_figure_and_no_error(tmp_path, capsys):
    edges, counts = np.linspace(0.0, 1.0, 4), RNG.integers(1, 9, (2, 3, 3))
    sweep = {"source.real_share": [0.1, 0.2]}
    run = swept(values=(0.1, 0.2))
    run.entries["spread"] = HistogramEntry(
        counts, edges, *np.zeros((3, 2, 3), int), np.arange(3), tuple(sweep)
    )
    assert [pathlib.Path(file).name for file in output.figures(run, tmp_path)] == ["x.png"]


def test_verdicts_are_told_before_a_figure_is_tried(tmp_path, capsys, monkeypatch):
    def refuse(*_):
        raise ValueError("no such figure")

    run = swept(values=(0.1, 0.2))
    run.attributes["dtype"] = "float32"
    monkeypatch.setattr(output, "figures", refuse)
    with pytest.raises(ValueError, match="no such figure"):
        output.tell_result(run, tmp_path, 0.001, False)
    assert "against theory" in capsys.readouterr().out


def test_there_is_no_figure_of_nothing(tmp_path, capsys):
    assert command("plot", tmp_path / "none") == 2
    assert "there is no store" in capsys.readouterr().err


@pytest.fixture
def csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="mine.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def rows(*columns):
    return "\n".join(",".join(f"{value!r}" for value in row) for row in zip(*columns, strict=True))


def test_a_gaussian_of_ones_own_column(csv):
    values = RNG.normal(170.0, 10.0, 40).tolist()
    csv("\ufeffheight;note\n" + "\n".join(f"{v};a" for v in values) + "\n")  # as spreadsheets save it
    data = json.loads(shell("run", "--csv", "mine.csv", "--column", "height", "--generations", 3, "--replicates", 256,
                            "--json"))  # fmt: skip
    assert data["store"] == "mcollapse-mine/run.zarr" and data["run"]["start"] == "truth"
    run = mc.Trajectories.load("mcollapse-mine")
    assert run.process.sizes.value == 40 and isinstance(run.process.family, mc.families.Gaussian)
    assert float(run.truth.params.mean) == pytest.approx(np.mean(values))
    assert float(run.truth.params.log_variance) == pytest.approx(np.log(np.var(values)))
    assert all(verdict["outcome"] == "consistent" for verdict in data["verdicts"])


def test_a_regression_of_ones_own_columns(csv):
    """By another hand: with an intercept, as the columns are centred."""
    x = RNG.normal(5.0, 2.0, (30, 2)) @ np.array([[1.0, 0.5], [0.0, 1.0]])
    y = 3.0 + x @ np.array([2.0, -1.0]) + RNG.normal(0, 0.5, 30)
    read = read_table(csv("a,b,y\n" + rows(*x.T.tolist(), y.tolist())))
    found = table.arguments(read, (), "y")
    design = np.column_stack([np.ones(30), x])
    expected, (squares,), *_ = np.linalg.lstsq(design, y, rcond=None)
    params, family = found["truth"].params, found["truth"].family
    np.testing.assert_allclose(params.coefficients, expected[1:])
    assert float(params.noise_variance) == pytest.approx(squares / (30 - 3))
    np.testing.assert_allclose(family.covariance.matrix, np.cov(x.T, ddof=0))
    assert found["process"].sizes.value == 30 and "y by least squares on a, b" in table.told(
        read, (), "y", found["truth"]
    )
    one = table.arguments(read, ("b",), "y")["truth"].params.coefficients
    np.testing.assert_allclose(one, np.cov(x[:, 1], y)[0, 1] / np.var(x[:, 1], ddof=1))


def test_several_columns_are_a_gaussian_in_as_many_dimensions(csv):
    x = RNG.normal(size=(20, 2)).tolist()
    read = read_table(csv("a\tb\n" + "\n".join("\t".join(map(repr, row)) for row in x)))
    truth = table.arguments(read, ("a", "b"))["truth"]
    np.testing.assert_allclose(truth.params.mean, np.mean(x, axis=0))
    factor = np.asarray(truth.params.unit) * np.exp(np.asarray(truth.params.log_diagonal))
    np.testing.assert_allclose(factor @ factor.T, np.cov(np.transpose(x), ddof=0), rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("height\n1\n2\n", ["--column", "heigth"], "no column 'heigth'; did you mean 'height'?"),
        ("height\n1\n2\n", [], "say which column with --column NAME; mine.csv has height"),
        ("a,b\n1,2\n3,4\n", ["--column", "a", "--column", "a"], "'a' is asked for twice"),
        ("height\n1\ntall\n", ["--column", "height"], "line 3, column 'height' is no number but 'tall'"),
        ("height;b\n1,5;2\n", ["--column", "height"], "'1,5': write decimals with a point"),
        ("a,b\n1,2\n,3\n", ["--column", "a"], "line 3, column 'a' is empty"),
        ("a\n1\nnan\n", ["--column", "a"], "line 3, column 'a' is nan: drop or fill"),
        ("a,b\n1,2\n3\n", ["--column", "a"], "line 3 has 1 cells, and there are 2 columns"),
        ("1,2\n3,4\n", ["--column", "a"], "must name the columns"),
        ("a,a\n3,4\n", ["--column", "a"], "two columns 'a'"),
        ("a\n", ["--column", "a"], "no rows of numbers"),
        ("", ["--column", "a"], "is empty"),
        ('a\n"1\n', ["--column", "a"], "is not CSV"),
        ("a\n1\n", ["--column", "a"], "mine.csv, a: a variance needs at least 2 values, got 1"),
        ("a\n4\n4\n", ["--column", "a"], "variance is zero"),
        ("a,y\n1,2\n2,3\n", ["--target", "y"], "mine.csv has 2 rows: 1 coefficients, a mean and a variance need at least 3"),
        ("a,y\n1,2\n2,3\n3,3\n", ["--target", "z"], "no column 'z'"),
        ("a,y\n1,2\n2,3\n3,3\n", ["--target", "y", "--column", "y"], "cannot be a feature too"),
        ("y\n1\n2\n3\n", ["--target", "y"], "no column besides 'y'"),
        (",a,y\n0,1,2\n1,2,3\n2,3,5\n3,5,1\n", ["--target", "y"], "a column without a name, which may be an index: say with --column"),
        ("a,b,y\n1,2,1\n2,4,3\n3,6,3\n4,8,1\n5,10,2\n", ["--target", "y"], "rank 1"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused(csv, capsys, text, arguments, message):
    csv(text)
    assert command("run", "--csv", "mine.csv", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--csv", "none.csv", "--column", "a"], "there is no CSV file at none.csv"),
        (["--column", "a"], "say --csv FILE"),
        (["--target", "a"], "--target is a column of a table"),
        (["spec.toml", "--csv", "none.csv"], "in a specification the file is family.truth.csv"),
        (["--text", "a.txt", "--csv", "none.csv"], "--text or --csv, not both"),
    ],
)
def test_one_input_is_run(capsys, arguments, message):
    assert command("run", *arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_table_is_planned_too(csv):
    csv("a\n1\n2\n3\n")
    plan = json.loads(shell("run", "--csv", "mine.csv", "--column", "a", "--dry-run", "--json"))
    assert plan["replicates"] == 2000


def test_a_specification_reads_a_table(csv, tmp_path):
    csv("a,b\n1,2\n4,8\n7,2\n")
    data = {"generations": 1, "replicates": 1, "sizes": 9}

    def truth(name, **fields):
        return Specification.parse(
            data | {"family": {"name": name, "truth": {"csv": "mine.csv"} | fields}}, tmp_path
        )

    assert float(truth("gaussian", column="a").truth.mean) == 4.0
    assert float(truth("poisson", column="b").truth.rate) == 4.0
    assert truth("multivariate-gaussian", column=["a", "b"]).truth.mean.tolist() == [4.0, 4.0]
    for name, fields, message in (
        ("gaussian", {}, 'needs column = "name"'),
        ("gaussian", {"column": "c"}, "no column 'c'"),
        ("gaussian", {"colum": "a"}, "did you mean 'column'"),
        ("linear-regression", {"column": "a"}, "mcollapse run --csv FILE --target NAME"),
    ):
        with pytest.raises(SpecificationError, match=message):
            truth(name, **fields)


def test_records_are_tables(tmp_path):
    at, sweep = np.array([0, 3, 9]), {"source.real_share": [0.1, 0.5]}
    process = categorical(source=mc.sources.Mixture(real_share=0.1))
    values = RNG.normal(size=(50, 2, 3))
    kept = made(
        process, ZIPF, {"x": KeptEntry(values, at, tuple(sweep))}, mc.metrics.squared_error, sweep=sweep
    )
    frame = kept.to_dataframe("x")
    assert list(frame.columns) == ["source.real_share", "generation", "mean", "standard_error", "count"]
    row = frame[(frame["source.real_share"] == 0.5) & (frame["generation"] == 9)].iloc[0]
    assert row["mean"] == pytest.approx(values[:, 1, 2].mean()) and row["count"] == 50 and len(frame) == 6
    whole = kept.to_dataframe("x", replicates=True)
    assert len(whole) == 300 and list(whole.columns) == [
        "replicate",
        "source.real_share",
        "generation",
        "value",
    ]
    whole.to_csv(tmp_path / "x.csv", index=False)
    again = read_table(tmp_path / "x.csv").numbers(["replicate", "generation", "value"])
    np.testing.assert_allclose(again[again[:, 1] == 3.0][0, 2], values[0, 0, 1])
    parts = {
        "moments": MomentsEntry(np.ones((3, 2)), np.ones((3, 2)), np.full((3, 2), 4), np.zeros((3, 2)), at),
        "quantiles": sketch(),
        "hits": HittingEntry(np.array([1, 2, 0]), np.asarray(1)),
        "histogram": HistogramEntry(
            np.ones((3, 2), int), np.array([0.0, 1.0, 3.0]), *np.zeros((3, 3), int), at
        ),
    }
    run = made(process, ZIPF, parts, mc.metrics.squared_error)
    moments = run.to_dataframe("moments")
    assert (
        list(moments.columns[:2]) == ["generation", "component"] and moments["standard_error"].eq(0.5).all()
    )
    assert run.to_dataframe("hits")["probability"].tolist() == [0.25, 0.75, 0.75]
    quantiles = run.to_dataframe("quantiles")
    np.testing.assert_allclose(quantiles["q0.5"], run["quantiles"].median)
    histogram = run.to_dataframe("histogram")
    assert set(zip(histogram["lower"], histogram["upper"], strict=True)) == {(0.0, 1.0), (1.0, 3.0)}
    assert histogram["probability"].eq(0.5).all() and len(histogram) == 6
    with pytest.raises(ValueError, match=r"reduce=mc.Keep\(\)"):
        run.to_dataframe("moments", replicates=True)
    with pytest.raises(KeyError, match="did you mean 'hits'"):
        run.to_dataframe("hit")
