"""The command line and specification files, as a user meets them."""

import json
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

import mcollapse as mc
from mcollapse.cli import main
from mcollapse.experiments.words import bands_of
from mcollapse.spec import Specification

SPECIFICATION = """
generations = 20
replicates = 300
start = "real"
[family]
name = "categorical"
truth = { zipf = { categories = 50, exponent = 1.0 } }
[estimator]
name = "maximum-likelihood"
[sizes]
name = "power"
scale = 500
exponent = 1.0
shift = 1
[source]
name = "mixture"
real_share = 0.1
[pool]
name = "newest"
[record]
squared_error = { at = "log", reduce = "moments" }
"""


def command(*arguments) -> int:
    """The exit code of a command."""
    codes = []
    try:
        main([str(a) for a in arguments], codes.append)
    except SystemExit as stop:
        codes.append(stop.code)
    return codes[0] if codes else 0


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "experiment.toml"
    file.write_text(SPECIFICATION)
    return file


def test_a_specification_is_the_process_that_it_says(spec):
    made = Specification.read(spec)
    process = made.process
    assert isinstance(process.source, mc.sources.Mixture) and process.source.real_share.value == 0.1
    assert process.sizes.table(2).tolist() == [500, 1000, 1500]
    np.testing.assert_allclose(
        made.truth.probabilities, mc.families.Categorical.Params.zipf(50).probabilities
    )
    assert made.records["squared_error"].at == "log"


def test_what_is_left_out_has_its_default():
    made = Specification.parse(
        {"generations": 1, "replicates": 1, "family": {"name": "gaussian"}, "sizes": 10}
    )
    assert isinstance(made.process.estimator, mc.estimators.MaximumLikelihood)
    assert isinstance(made.process.source, mc.sources.LastModel) and isinstance(
        made.process.pool, mc.pools.Newest
    )
    assert made.truth.log_variance == 0.0 and set(made.records) >= {"squared_error", "log_variance"}


def test_schedules_and_truths_may_be_given_in_full(tmp_path):
    (tmp_path / "mine.txt").write_text("a a a b b c")
    made = Specification.parse(
        {
            "generations": 2, "replicates": 3, "sizes": [5, 6, 7],
            "family": {"name": "categorical", "truth": {"text": "mine.txt"}},
            "source": {"name": "mixture", "real_share": {"name": "power", "scale": 0.5, "exponent": -0.5}},
            "record": {
                "support": {"reduce": {"name": "hitting-time", "below": 2}}, "alive": {"above": 0.5},
                "entropy": {"reduce": "quantiles"},
                "squared_error": {"reduce": {"name": "quantiles", "relative_error": 0.1}, "at": "log"},
                "chi_square": {"reduce": {"name": "histogram", "edges": [0, 0.5, 2]}},
                "hellinger": {"reduce": {"name": "histogram", "low": 0, "high": 1.5, "bins": 3}},
            },
        },
        tmp_path,
    )  # fmt: skip
    np.testing.assert_allclose(made.truth.probabilities, [1 / 2, 1 / 3, 1 / 6])
    assert isinstance(made.process.source.real_share, mc.schedules.Power)
    assert made.records["support"].reduce.below == 2
    assert made.records["entropy"].reduce == mc.Quantiles()
    assert made.records["squared_error"].reduce == mc.Quantiles(relative_error=0.1)
    assert made.records["chi_square"].reduce == mc.Histogram(edges=[0, 0.5, 2])
    assert made.records["hellinger"].reduce.all_edges.tolist() == [0.0, 0.5, 1.0, 1.5]


@pytest.mark.parametrize(
    "section, truth",
    [
        (
            'name = "weak-supervision"\nstrength = { name = "power", scale = 0.5, exponent = -0.5 }',
            "uniform = 30",
        ),
        (
            'name = "coevolution"\ntext_size = 9\nimage_size = 20\nuser_images = 2',
            "circle = { tokens = 3, variance = 0.2 }",
        ),
    ],
)
def test_a_specification_of_another_process(tmp_path, section, truth):
    file = tmp_path / "spec.toml"
    file.write_text(f"generations = 2\nreplicates = 9\n[process]\n{section}\ntruth = {{ {truth} }}\n")
    made = Specification.read(file)
    made.process.planned(2, "real", made.truth)
    assert made.process.checked_truth(made.truth, "real").params is made.truth
    assert set(made.records) == set(made.process.recorded)


def test_another_process_from_the_shell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    section = '[process]\nname = "weak-supervision"\nstrength = 0.1\ntruth = { uniform = 20 }'
    (tmp_path / "spec.toml").write_text(f"generations = 60\nreplicates = 20_000\n{section}\n")
    assert command("run", "spec.toml", "--out", "result") == 0
    assert "weak-supervision" in capsys.readouterr().out
    assert command("compare", "result") == 0


def test_a_specification_of_biased_data():
    bias = {"name": "power", "scale": 0.5, "exponent": -0.3, "shift": 1}
    data = {"generations": 2, "replicates": 9, "family": {"name": "gaussian"}, "sizes": 9, "bias": bias}
    found = Specification.parse(data).process.bias.table(2)
    np.testing.assert_allclose(found, 0.5 * np.arange(1.0, 4.0) ** -0.3)


def test_run_and_compare(spec, capsys):
    assert command("run", spec, "--out", "result") == 0
    shown = capsys.readouterr().out
    assert "multinomial-recursion-iid" in shown and "consistent" in shown
    assert pathlib.Path("result/squared_error.png").stat().st_size > 5000
    assert mc.Trajectories.load("result/run.zarr").replicates == 300
    assert command("compare", "result", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["verdicts"][0]["outcome"] == "consistent"
    assert command("run", spec, "--out", "result") == 2
    assert "--overwrite" in capsys.readouterr().err


def test_json_is_one_object_and_nothing_else(spec, capsys):
    assert command("run", spec, "--json", "--generations", 5) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["run"]["generations"] == 5 and data["store"] == "mcollapse-experiment/run.zarr"


def test_a_violated_law_is_exit_code_1(spec, capsys):
    assert command("run", spec, "--out", "result") == 0
    store = pathlib.Path("result/run.zarr/zarr.json")
    described = json.loads(store.read_text())
    attributes = json.loads(described["attributes"]["mcollapse"])
    attributes["process"]["source"]["real_share"]["value"] = 0.5  # another process than the one that ran
    described["attributes"]["mcollapse"] = json.dumps(attributes)
    store.write_text(json.dumps(described))
    assert command("compare", "result") == 1
    assert "violated" in capsys.readouterr().out


def test_bad_input_is_exit_code_2_and_one_line(spec, capsys):
    spec.write_text(SPECIFICATION.replace("real_share", "real_shar"))
    assert command("run", spec) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "did you mean 'real_share'" in error
    assert command("run", "none.toml") == 2
    assert command("compare", "none.zarr") == 2
    assert command("rum") == 2


def test_every_fault_of_a_specification_is_named(spec, capsys):
    spec.write_text(SPECIFICATION.replace("replicates = 300", 'replicates = "many"').replace("0.1", "1.5"))
    assert command("run", spec) == 2
    error = capsys.readouterr().err
    assert "replicates" in error and "'many'" in error and "[0, 1]" in error


def test_the_main_job_on_a_users_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = " ".join(f"w{chr(97 + i // 26)}{chr(97 + i % 26)} " * (1 + 400 // (i + 1)) for i in range(150))
    (tmp_path / "mine.txt").write_text(words)
    assert command("run", "--text", "mine.txt", "--replicates", 400, "--generations", 12) == 0
    shown = capsys.readouterr().out
    assert "mine.txt" in shown and "forgotten" in shown and "violated" not in shown
    assert (tmp_path / "mcollapse-words" / "figure.png").stat().st_size > 5000
    run = mc.Trajectories.load(tmp_path / "mcollapse-words" / "run.zarr")
    assert run.attributes["corpus"]["name"] == "mine.txt" and run["forgotten"].hits.shape == (150, 13)
    assert command("compare", "mcollapse-words") == 0
    assert command("run", "--text", "none.txt") == 2


def test_bands_cover_all_words():
    labels, band = bands_of(np.asarray([500, 99, 50, 3, 2, 1, 1]))
    assert labels == ["once", "twice", "3–4 times", "50–99 times", "100 or more times"]
    assert band.tolist() == [4, 3, 3, 2, 1, 0, 0]


def test_version(capsys):
    assert command("--version") == 0 and capsys.readouterr().out.strip() == mc.__version__


def test_an_interrupt_ends_with_a_line_and_130(tmp_path):
    """As Ctrl-C does: at once, without a traceback, with what became of the results."""
    # a shell's background job ignores interrupts, and so would whatever it starts
    heard = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    started = subprocess.Popen(
        [
            sys.executable, "-c", heard + "runpy.run_module('mcollapse', run_name='__main__', alter_sys=True)",
            "run", "--out", str(tmp_path / "out"),
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdout is not None and "words" in started.stdout.readline()
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 130
    assert errors.strip() == "interrupted: no complete result was saved"
    assert not (tmp_path / "out").exists()
