"""Papers reproduced: what is read off runs, what is held against law and paper, and the report."""

import base64
import csv
import dataclasses
import html.parser
import json
import pathlib
import shutil
import subprocess
import types
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import mcollapse as mc
from mcollapse import plots, theory
from mcollapse.cli.reproduce import _corpus, reproduce_all
from mcollapse.datasets import Corpus
from mcollapse.experiments import every, find
from mcollapse.recording import KeptEntry, resolve
from mcollapse.recording.hitting_time import HittingEntry
from mcollapse.reproducing import (
    Arm,
    Experiment,
    Figure,
    Less,
    Lowest,
    Paper,
    Reading,
    Replicates,
    Results,
    Slope,
    Time,
    reproduce,
)
from mcollapse.reproducing.curves import jackknife
from mcollapse.reproducing.findings import Said, percent, shown, with_error
from mcollapse.reproducing.running import slug
from mcollapse.reproducing.writing import write
from tests.test_command_line import command

LEVEL = 1e-3
PAPER = Paper("nobody2026", "Nobody & <Somebody>", 2026, "A title with <tags> & signs", "2601.00001")
CORPUS = Corpus.from_text("the cat sat on the mat and the dog sat on the cat " * 20, "a test's text")
LAWS = {law.name: law for law in theory.LAWS}


# ---- the experiments that are shipped


def all_experiments() -> list[Experiment]:
    return [one.of(CORPUS) for one in every()]


def test_every_experiment_has_a_name_of_its_paper_a_question_and_a_source():
    found = every()
    assert len({one.id for one in found}) == len(found) >= 20
    for one in found:
        assert one.id.startswith(f"{one.paper.key}/") and one.question.endswith("?") and one.where
        assert str(one.paper.year) in one.paper.citation and one.paper.arxiv in one.paper.bibtex
        sizes = [one.replicates.quick, one.replicates.normal, one.replicates.full]
        assert sizes == sorted(sizes) and sizes[0] > 1
        assert one.figures or one.of_text or one.checks


@pytest.mark.parametrize("experiment", all_experiments(), ids=lambda one: one.id)
def test_every_check_reads_what_its_run_records(experiment):
    arms = {arm.name: arm for arm in experiment.arms}
    assert len({slug(name) for name in arms}) == len(arms), "two arms would share a store"
    for check in experiment.checks:
        for arm, record in check.reads():
            kept = arms[arm].record[record]
            times = set(resolve(kept.at, arms[arm].generations).tolist())
            if isinstance(check, Reading):
                assert {*check.at, *(() if check.window else check.published)} <= times, (arm, record)
                assert set(check.cell) == set(arms[arm].over)
            if isinstance(check, Slope | Lowest | Less):
                assert isinstance(kept.reduce, mc.Keep), f"{record} of {arm} is not kept whole"
            if isinstance(check, Less):
                asked = {check.at} if isinstance(check.at, int) else set(check.at)
                assert asked & times, (arm, record)


@pytest.mark.parametrize("experiment", all_experiments(), ids=lambda one: one.id)
def test_only_laws_that_a_paper_states_stand_under_published(experiment):
    for check in experiment.checks:
        for name in getattr(check, "stated", ()):
            law = LAWS[name]
            assert not law.source.startswith("derived"), f"{name} is derived, and no paper's"
            author = experiment.paper.authors.split(",")[0].split(" &")[0]
            assert author in law.source or check.where, f"{name} is of another paper: say where it stands"


def test_experiments_are_found_by_name_and_by_paper():
    assert [one.id for one in find("suresh2024/poisson")] == ["suresh2024/poisson"]
    assert len(find("suresh2024")) == 10
    with pytest.raises(ValueError, match="did you mean 'suresh2024/poisson'"):
        find("suresh2024/poison")


def test_an_experiment_names_what_it_has():
    arm = small_arm()
    with pytest.raises(ValueError, match="no arm 'b'"):
        experiment(arm, Reading(arm="b", record="alive", quantity="x"))
    with pytest.raises(ValueError, match="records alive, not 'risk'"):
        experiment(arm, Reading(arm="coin", record="risk", quantity="x"))
    with pytest.raises(ValueError, match="reads a text"):
        reproduce(find("suresh2024/unigram")[0], "quick")


def test_a_text_is_read_as_its_paper_reads_it(tmp_path, monkeypatch):
    """The paper's numbers are of the first 500,000 words of its own text, and of no other."""
    rng = np.random.default_rng(0)
    file = tmp_path / "wiki.train.raw"
    file.write_text(" ".join(f"w{i}" for i in rng.zipf(1.3, 600_000) % 40_000), "utf-8")
    own = find("suresh2024/unigram")[0].of(_corpus(file, r"\w+"))
    (arm,), (check,) = own.arms, own.checks
    assert int(arm.process.sizes.table(1)[1]) == 500_000 and check.published[10] == 0.404
    other = find("suresh2024/unigram")[0].of(CORPUS)
    assert not other.checks[0].published and CORPUS.name in other.notes[-1]


# ---- numbers that papers print


@pytest.mark.parametrize(
    "said, ours, outcome",
    [
        (Said(1.0), 1.02, "agrees"),
        (Said(1.0), 1.2, "differs"),
        (Said(1.0, accuracy=0.15), 1.16, "agrees"),
        (Said(1.0, accuracy=0.15), 1.2, "differs"),
        (Said(1.0, standard_error=0.1), 1.2, "agrees"),
        (Said(1.0, erratum="a misprint"), 1.2, "differs, as known"),
        (Said(1.0, "≤"), 0.2, "agrees"),
        (Said(1.0, "≤"), 1.2, "differs"),
        (Said(1.0, "≥"), 1.2, "agrees"),
        (Said(1.0, "≥"), 0.8, "differs"),
        (Said(1.0), float("nan"), "undecided"),
    ],
)
def test_a_published_number_is_contradicted_beyond_chance_and_reading(said, ours, outcome):
    found, note = said.against(ours, 0.01, 10_000, LEVEL)
    assert found == outcome
    assert ("a misprint" in note) == bool(said.erratum)


def test_a_published_number_off_the_exact_law_is_told_by_how_much():
    assert "0.13 (+30 %)" in Said(0.57, accuracy=0.01).against_law(0.44).replace("\u2212", "-")
    assert Said(0.45, accuracy=0.02).against_law(0.44) == ""
    assert Said(0.57, "≤").against_law(0.44) == "", "a bound may lie far away"


def test_numbers_are_told_to_the_digit_that_is_known():
    assert with_error(0.929, 0.0057) == "0.9290 ± 0.0057"
    assert with_error(-12.345, 1.2) == "−12.3 ± 1.2"
    assert with_error(3.0, 0.0) == "3 ± 0"
    assert percent(0.0123) == "1.2 %" and percent(1.24) == "124 %" and percent(float("nan")) == "–"
    assert shown(float("inf")) == "∞" and shown(123456.0) == "123456" and shown(float("nan")) == "–"
    assert slug("p₀ = 0.01, n = 10,000") == "p0-0.01-n-10000"


# ---- checks, on arrays of which all is known


def results(**values) -> Results:
    """Runs without laws, from arrays `[replicate, *sweep, generation]` of one record."""
    runs = {}
    for arm, array in values.items():
        sweep = {"estimator.weight": np.linspace(0.3, 0.9, 13).tolist()} if array.ndim == 3 else {}
        entry = KeptEntry(array, np.arange(1, array.shape[-1] + 1), tuple(sweep))
        runs[arm] = types.SimpleNamespace(
            attributes={"sweep": sweep}, replicates=len(array), __getitem__=None, entry=entry, records={}
        )
    return Results({n: _Run(r) for n, r in runs.items()}, {n: () for n in runs})


class _Run:
    def __init__(self, made):
        self.attributes, self.replicates, self.entry, self.records = (
            made.attributes, made.replicates, made.entry, made.records,
        )  # fmt: skip

    def __getitem__(self, name):
        return self.entry


def noise(*shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = noise(5_000)[:, None]
    mean, error = jackknife(values, lambda means: means[0])
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(values.std() / np.sqrt(5_000), rel=0.3)


@pytest.mark.parametrize("published, outcome", [(-0.5, "agrees"), (-0.4, "differs")])
def test_a_slope_has_its_exponent_and_an_honest_error(published, outcome):
    t = np.arange(1, 41)
    values = t**-0.5 * np.exp(0.3 * noise(2_000, 40) - 0.045)
    check = Slope(arm="a", record="x", quantity="slope", between=(2, 40), published=published, accuracy=0.01)
    (row,) = check.findings(results(a=values), LEVEL)
    assert row.against_paper == outcome and abs(row.ours + 0.5) < 5 * row.standard_error
    assert 0.0005 < row.standard_error < 0.005


@pytest.mark.parametrize("published, outcome", [(0.61803, "agrees"), (0.5, "differs")])
def test_the_lowest_of_a_sweep_is_where_its_curve_says(published, outcome):
    axis = np.linspace(0.3, 0.9, 13)
    curve = (axis**2 + (1 - axis) ** 2) / (axis * (2 - axis))  # of He et al., not symmetric around 0.618
    values = curve[None, :, None] * (1 + 0.1 * noise(4_000, 1, 3))
    check = Lowest(
        arm="a",
        record="x",
        quantity="w",
        over="estimator.weight",
        window=(1, 3),
        published=published,
        accuracy=2e-3,
    )
    (row,) = check.findings(results(a=values), LEVEL)
    assert check._lowest(axis, curve) == pytest.approx(0.618034, abs=1e-3)
    apart = values * (1 + 0.02 * noise(4_000, 13, 3, seed=1))  # cells that differ by chance
    (loose,) = check.findings(results(a=apart), LEVEL)
    assert abs(loose.ours - 0.618) < 5 * loose.standard_error < 0.05
    assert loose.against_paper == row.against_paper == outcome


@pytest.mark.parametrize("gap, outcome", [(-0.01, "agrees"), (0.01, "differs"), (-0.0001, "undecided")])
def test_an_order_is_of_pairs_where_keys_are_common(gap, outcome):
    common = noise(3_000, 2)
    runs = results(low=common + gap + 0.02 * noise(3_000, 2, seed=1), high=common)
    check = Less(lower=("low", "x"), higher=("high", "x"), at=2, quantity="order", where="Figure 1")
    (row,) = check.findings(runs, LEVEL)
    (ours,) = dataclasses.replace(check, where="").findings(runs, LEVEL)
    assert row.against_paper == outcome and (ours.against_paper, ours.published) == ("", "")
    assert row.standard_error == pytest.approx(0.02 / np.sqrt(3_000), rel=0.1), "not of pairs"


@pytest.mark.parametrize(
    "exact, between, law, paper",
    [
        (10.0, (5, 20), "consistent", "agrees"),
        (12.0, (5, 20), "violated", "agrees"),
        (10.0, (5, 8), "consistent", "differs"),
    ],
)
def test_a_mean_time_is_held_against_its_law_and_its_bounds(exact, between, law, paper):
    times = np.random.default_rng(0).geometric(0.1, size=5_000)  # of mean 10
    runs = results(a=noise(2, 2))
    runs.runs["a"].entry = HittingEntry(np.bincount(times, minlength=200), np.zeros((), int))
    (row,) = Time(arm="a", record="x", quantity="T", exact=exact, between=between).findings(runs, LEVEL)
    assert (row.against_law, row.against_paper) == (law, paper)
    runs.runs["a"].entry = HittingEntry(np.bincount(times, minlength=200), np.ones((), int))
    (row,) = Time(arm="a", record="x", quantity="T", exact=exact, between=between).findings(runs, LEVEL)
    assert row.against_law == "" and "not tested" in row.note


# ---- a run from end to end


def small_arm(p=0.2) -> Arm:
    process = mc.RecursiveTraining(mc.families.Bernoulli(), sizes=20)
    record = {"alive": mc.Record(mc.metrics.alive, reduce=mc.HittingTime(below=0.5))}
    return Arm("coin", process, mc.families.Bernoulli.Params(p), 10, record, start="truth")


def experiment(arm: Arm, *checks) -> Experiment:
    figure = Figure(plots.arms, "A caption with <tags> & signs.", options={"name": "alive"}, several=True)
    return Experiment(
        "nobody2026/coin", "Is it a <coin>?", PAPER, "Figure 1", Replicates(4_000, 4_000, 4_000), (arm,), checks, (figure,),
        disagreements=("Nothing & everything.",),
    )  # fmt: skip


def survival(generation: int, n=20, p=0.2) -> float:
    """Independent of our theory: powers of the chain's matrix."""
    from scipy.stats import binom

    counts = np.arange(n + 1)
    matrix = binom.pmf(counts[None, :], n, counts[:, None] / n)
    return 1 - float((binom.pmf(counts, n, p) @ np.linalg.matrix_power(matrix, generation - 1))[0])


@pytest.fixture(scope="module")
def made():
    """Readings with right numbers, wrong ones, and ones that are known to be wrong."""
    right, wrong = survival(5), survival(5) + 0.08
    of = {"arm": "coin", "record": "alive"}
    return reproduce(
        experiment(
            small_arm(),
            Reading(**of, quantity="right", at=(10,), published={5: right}, accuracy=1e-3),
            Reading(**of, quantity="wrong", published={5: wrong}, where="Table 1"),
            Reading(**of, quantity="known", published={5: wrong}, erratum="a misprint"),
            Reading(**of, quantity="stated", at=(5,), stated=("replacement-survival-lower-bound",)),
            Reading(**of, quantity="twice", at=(5,), scale=2.0, counter="k", shift=3),
        ),
        "quick",
    )


def test_rows_have_our_number_the_laws_and_the_papers(made):
    rows = {row.quantity: row for row in made.findings if row.at == "t = 5"}
    right = rows["right"]
    assert (
        right.law == pytest.approx(survival(5), abs=1e-4)
        and abs(right.ours - right.law) < 5 * right.standard_error
    )
    assert right.law_name == "replacement-survival" and right.against_law == "consistent"
    assert right.against_paper == "agrees" and 0 < right.power < 0.3
    assert rows["wrong"].against_paper == "differs" and "off the exact law by 0.08" in rows["wrong"].note
    assert rows["known"].against_paper == "differs, as known" and "a misprint" in rows["known"].note
    assert rows["stated"].published.startswith("≥ ") and rows["stated"].against_paper == "agrees"
    (twice,) = (row for row in made.findings if row.quantity == "twice")
    assert twice.at == "k = 8" and twice.law == pytest.approx(2 * survival(5), abs=2e-4)
    assert twice.published == "", "what we derive is not published"


def test_only_what_nobody_knew_to_be_wrong_is_a_contradiction(made):
    assert [row.quantity for row in made.contradicted] == ["wrong"] and not made.violated and not made.fine


def test_a_run_that_breaks_its_law_is_not_fine(made, monkeypatch):
    run = made.results.runs["coin"]
    wrong = mc.RecursiveTraining(mc.families.Bernoulli(), sizes=25)  # the law of another process
    monkeypatch.setattr(type(run), "process", property(lambda self: wrong))
    monkeypatch.setattr("mcollapse.reproducing.running.simulate", lambda **_: run)
    again = reproduce(experiment(small_arm()), "quick")
    assert again.violated and not again.fine


@pytest.fixture(scope="module")
def written(made, tmp_path_factory):
    return write(made, tmp_path_factory.mktemp("report"))


def test_tables_and_data_lie_beside_the_report(made, written):
    with (written.directory / "table.csv").open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["quantity"] for row in rows] == [row.quantity for row in made.findings]
    with (written.directory / "curves-coin.csv").open(newline="", encoding="utf-8") as opened:
        curve = [row for row in csv.DictReader(opened) if row["generation"] == "5"]
    ours = next(row.ours for row in made.findings if row.at == "t = 5")
    assert 1 - float(curve[0]["mean"]) == pytest.approx(ours)
    told = json.loads((written.directory / "result.json").read_text("utf-8"))
    assert told["fine"] is False and told["verdicts"]["coin"] and told["versions"]["mcollapse"]
    (figure,) = written.figures
    assert figure.png.read_bytes().startswith(b"\x89PNG")
    assert ElementTree.fromstring(figure.svg.read_bytes()).tag.endswith("svg")
    assert "1 at generation 0" in figure.alternative and "where the law says" in figure.alternative


# ---- the report as a page


VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(html.parser.HTMLParser):
    """Faults of a page that should stand alone and be readable by anybody."""

    def __init__(self, text: str):
        super().__init__()
        self.faults, self.open, self.headings, self.images, self.text = [], [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append(f"never closed: {self.open}")
        levels = [0, *self.headings]
        if self.headings.count(1) != 1 or any(b > a + 1 for a, b in zip(levels, levels[1:], strict=False)):
            self.faults.append(f"headings {self.headings}")
        if "://" in text.replace("http://www.w3.org", ""):
            self.faults.append("an external address")

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("script", "link", "iframe", "object", "base"):
            self.faults.append(f"needs more than itself: {tag}")
        for name in ("src", "srcset", "poster"):
            if name in given and not given[name].startswith("data:"):
                self.faults.append(f"loads {given[name]}")
        if tag == "img":
            self.images.append(given)
            if not (given.get("alt") or "").strip():
                self.faults.append("an image without words")
        if tag == "th" and given.get("scope") not in ("col", "row"):
            self.faults.append("a header of nothing")
        if tag == "html" and not given.get("lang"):
            self.faults.append("no language")
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append(int(tag[1:]))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"wrongly closed: {tag}")

    def handle_data(self, data):
        self.text.append(data)


def test_the_report_stands_alone_and_is_told_in_words(written):
    page = Page(written.report.read_text("utf-8"))
    assert not page.faults and len(page.images) == len(written.figures) == 1
    picture = base64.b64decode(page.images[0]["src"].split(",", 1)[1])
    tree = ElementTree.fromstring(picture)
    loaded = [
        v for e in tree.iter() for k, v in e.attrib.items() if k.endswith("href") and not v.startswith("#")
    ]
    assert tree.tag.endswith("svg") and not loaded
    text = " ".join(page.text)
    for told in (
        "Is it a <coin>?",
        "Nobody & <Somebody>",
        "2601.00001",
        "a misprint",
        "Nothing & everything.",
        "jax",
    ):
        assert told in text
    assert 'name="viewport"' in written.report.read_text("utf-8")


@pytest.mark.parametrize(
    "change, fault",
    [
        (("<main>", '<main><img src="https://somewhere/x.png" alt="x">'), "an external address"),
        (("<main>", '<main><img src="x.png" alt="x">'), "loads x.png"),
        (("alt=", "data-alt="), "an image without words"),
        (("<h2>Numbers</h2>", "<h4>Numbers</h4>"), "headings"),
        (("</main>", ""), "closed"),
        (('scope="col"', ""), "a header of nothing"),
        (("</body>", "<script></script></body>"), "script"),
    ],
)
def test_faults_of_a_page_are_seen(written, change, fault):
    page = Page(written.report.read_text("utf-8").replace(*change))
    assert any(fault in told for told in page.faults)


# ---- the command


def test_without_a_name_experiments_are_listed_with_what_disagrees(capsys):
    assert command("reproduce") == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert all(f"{one.id}:" in listed for one in every()) and "≠" in listed
    assert command("reproduce", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["id"] for row in rows} == {one.id for one in every()}
    assert any(row["disagreements"] for row in rows)


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["suresh2024/poisson", "--quick", "--full"], "not both"),
        (["suresh2024/poisson", "--all"], "names or --all"),
        (["suresh24"], "did you mean 'suresh2024'"),
        (["suresh2024/poisson", "--level", "2"], "--level is a probability"),
        (["suresh2024/unigram", "--text", "nowhere.txt"], "no text file"),
    ],
)
def test_what_cannot_be_reproduced_is_said(arguments, told, capsys, tmp_path):
    assert command("reproduce", *arguments, "--out", tmp_path / "x") == 2
    assert told in capsys.readouterr().err


def test_an_experiment_is_reproduced_and_comes_back_from_its_store(tmp_path, capsys, monkeypatch):
    name = "suresh2024/gaussian-bound"
    assert command("reproduce", name, "--quick", "--out", tmp_path, "--no-cache") == 0
    shown_first = capsys.readouterr().out
    assert "P(σ_k > 0.1)" in shown_first and "0.907" in shown_first and "known to disagree" in shown_first
    assert (tmp_path / name / "report.html").exists() and not (tmp_path / "index.html").exists()

    from mcollapse.running import execution

    monkeypatch.setattr(execution, "execute", None)  # nothing is computed a second time
    assert command("reproduce", name, "--quick", "--out", tmp_path, "--no-cache", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fine"] and told["experiment"] == name and told["size"] == "quick"
    assert not Page(pathlib.Path(told["report"]).read_text("utf-8")).faults


def test_several_experiments_have_a_page_that_leads_to_them(made, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mcollapse.reproducing.reproduce", lambda *_, **__: made)
    both = [made.experiment, made.experiment]
    options = {"size": "quick", "seed": 0, "level": LEVEL, "text": None, "overwrite": False, "as_json": False}
    assert reproduce_all(both, target=tmp_path, **options)
    page = Page((tmp_path / "index.html").read_text("utf-8"))
    assert not page.faults and "1 published numbers contradicted" in " ".join(page.text)
    assert "a misprint" in capsys.readouterr().out


def test_a_run_that_is_stopped_says_how_it_goes_on(tmp_path, monkeypatch):
    import signal

    def stop(*_, **__):
        raise mc.Interrupted("saved", signal.SIGINT)

    monkeypatch.setattr("mcollapse.reproducing.reproduce", stop)
    options = {"size": "quick", "seed": 3, "level": LEVEL, "text": None, "overwrite": False, "as_json": True}
    with pytest.raises(
        mc.Interrupted, match="reproduce suresh2024/poisson --quick --seed 3 --out"
    ) as stopped:
        reproduce_all(find("suresh2024/poisson"), target=tmp_path / "a b", **options)
    assert stopped.value.code == 130 and "'" in str(stopped.value)


# ---- in a browser

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
MEASURED = """<script>addEventListener("load", () => {
  const images = [...document.images].map(i => i.complete && i.naturalWidth > 0 && i.getBoundingClientRect().width > 99);
  parent.postMessage(JSON.stringify({wide: document.documentElement.scrollWidth, window: innerWidth, images,
    text: document.body.innerText.length}), "*"); })</script>"""
FRAME = """<body><script>addEventListener("message", (e) => { document.body.innerHTML = "<pre>" + e.data + "</pre>"; })
</script><iframe src="measured.html" width="{width}" height="900" style="border:0"></iframe></body>"""
"""A window is no narrower than 500 pixels; a frame may be as narrow as a phone."""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on PATH")
@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("which", ["report", "index"])
def test_a_page_opens_in_a_browser_without_a_network(made, written, which, width, tmp_path):
    from mcollapse.reproducing.writing import index

    file = written.report if which == "report" else index([made], tmp_path)
    copy = tmp_path / "measured.html"
    copy.write_text(file.read_text("utf-8").replace("</body>", MEASURED + "</body>"), "utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.replace("{width}", str(width)), "utf-8")
    options = [
        "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1300,1000", "--virtual-time-budget=5000", "--dump-dom",
    ]  # fmt: skip
    done = subprocess.run([CHROMIUM, *options, frame.as_uri()], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.split("<pre>")[1].split("</pre>")[0])
    assert seen["window"] <= width and seen["wide"] <= width, "the page is wider than its window"
    assert all(seen["images"]) and len(seen["images"]) == (1 if which == "report" else 0)
    assert seen["text"] > 100
