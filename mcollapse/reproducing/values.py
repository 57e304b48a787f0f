"""An experiment of a paper as a value: settings, published numbers, and nothing that runs."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mcollapse.abstract_process import AbstractProcess
from mcollapse.checks import Start
from mcollapse.families import Truth
from mcollapse.families.base import Params
from mcollapse.recording import Record

if TYPE_CHECKING:
    from mcollapse.datasets import Corpus
    from mcollapse.reproducing.checks import AbstractCheck

Size = Literal["quick", "normal", "full"]


@dataclasses.dataclass(frozen=True)
class Paper:
    """Who said it, and where."""

    key: str
    authors: str
    year: int
    title: str
    arxiv: str
    venue: str = ""

    @property
    def citation(self) -> str:
        """One line: authors (year), title, venue, arXiv."""
        venue = f" {self.venue}." if self.venue else ""
        return f"{self.authors} ({self.year}). {self.title}.{venue} arXiv {self.arxiv}."

    @property
    def bibtex(self) -> str:
        """For a bibliography."""
        return (
            f"@misc{{{self.key},\n  author = {{{self.authors}}},\n  title = {{{self.title}}},\n"
            f"  year = {{{self.year}}},\n  eprint = {{{self.arxiv}}},\n  archivePrefix = {{arXiv}}\n}}"
        )


@dataclasses.dataclass(frozen=True)
class Replicates:
    """How many, in a run of each size: quick is seconds, normal resolves what matters, full takes long."""

    quick: int
    normal: int
    full: int

    def of(self, size: Size) -> int:
        """Of one size."""
        return int(getattr(self, size))


@dataclasses.dataclass(frozen=True)
class Arm:
    """One run of an experiment: arguments of `simulate`, or of `sweep` where `over` names axes."""

    name: str
    process: AbstractProcess
    truth: Truth | Params
    generations: int
    record: Mapping[str, Record]
    start: Start = "real"
    over: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict)
    replicates: Replicates | None = None
    """Where they differ from the experiment's."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure: which function of `mcollapse.plots` draws which arms.

    Arguments:
        plot: takes the trajectories of one arm, or of several by name, then `options`; returns the Axes.
        caption: what is seen, in a sentence or two.
        arms: names of arms; left out, the first. Of a `plot` for one arm exactly one.
        options: further arguments of `plot`.
        name: of the file; left out, the record's or the function's.
        several: whether `plot` takes a mapping of arms, even of one.
    """

    plot: Callable[..., Any]
    caption: str
    arms: tuple[str, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    name: str = ""
    several: bool = False


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A question that a paper asks, with what it takes to answer it anew.

    Arguments:
        id: `paper/experiment`, as `suresh2024/bernoulli-bounds`.
        question: what is asked, in a line.
        paper: the source.
        where: figure, table or theorem of it.
        replicates: unless an arm says otherwise.
        arms: the runs.
        checks: what is read off them, beside law and paper: `Reading`, `Slope`, `Lowest`, `Less`.
        figures: what is drawn.
        disagreements: where the paper and the exact law, or the paper and its own code, are known to differ.
        notes: what a reader must know: choices of ours where the paper is silent, for one.
        of_text: makes arms and checks of a text, for experiments that read one.
        word: what the paper calls a word, a regular expression; left out, letters and apostrophes.
    """

    id: str
    question: str
    paper: Paper
    where: str
    replicates: Replicates
    arms: tuple[Arm, ...] = ()
    checks: tuple["AbstractCheck", ...] = ()
    figures: tuple[Figure, ...] = ()
    disagreements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    of_text: "Callable[[Corpus], tuple[tuple[Arm, ...], tuple[AbstractCheck, ...]]] | None" = None
    word: str = ""

    def __post_init__(self):
        """Names are unique, and what checks and figures speak of exists."""
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.id}: two arms have one name: {', '.join(names)}")
        for check in self.checks:
            for arm, record in check.reads():
                self._check_known(arm, record)
        if self.arms:
            for arm in (arm for figure in self.figures for arm in figure.arms):
                self._check_known(arm, None)

    def _check_known(self, name: str, record: str | None) -> None:
        known = {arm.name: arm for arm in self.arms}
        if name not in known:
            raise ValueError(f"{self.id} has no arm {name!r}; its arms are {', '.join(known)}")
        if record is not None and record not in known[name].record:
            raise ValueError(
                f"{self.id}: arm {name!r} records {', '.join(known[name].record)}, not {record!r}"
            )

    def of(self, corpus: "Corpus") -> "Experiment":
        """The same experiment of a text; itself where it reads none."""
        if self.of_text is None:
            return self
        arms, checks = self.of_text(corpus)
        said = f"Text: {corpus.name}, {corpus.tokens:,} words, {corpus.types:,} different."
        return dataclasses.replace(self, arms=arms, checks=checks, notes=(*self.notes, said), of_text=None)
