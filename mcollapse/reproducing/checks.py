"""What is read off runs, and held against law and paper.

`Reading` is a number at some generations, `Slope` a rate, `Lowest` where on an axis the least lies, `Less`
an order of two curves, `Time` the mean of a hitting time. They are settings: what they do is `findings`.
"""

import abc
import dataclasses
from collections.abc import Mapping

import numpy as np

from mcollapse.recording import HittingEntry, KeptEntry
from mcollapse.reproducing.curves import Curve, Results, jackknife
from mcollapse.reproducing.findings import TOLD, Against, Finding, Relation, Said, shown
from mcollapse.significance import critical_value
from mcollapse.verdicts import Verdict

OF_KIND: dict[str, Relation] = {"exact": "=", "upper bound": "≤", "lower bound": "≥"}


class AbstractCheck(abc.ABC):
    """Something that is read off the runs of an experiment."""

    @abc.abstractmethod
    def reads(self) -> tuple[tuple[str, str], ...]:
        """Arms and records that it needs."""

    @abc.abstractmethod
    def tested(self) -> int:
        """How many published numbers it tests, which share a level."""

    @abc.abstractmethod
    def findings(self, results: Results, level: float) -> list[Finding]:
        """Rows of the table; each published number is tested at `level`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading(AbstractCheck):
    """A quantity at some generations.

    Arguments:
        arm: which run.
        record: which of its records.
        quantity: what the table calls it.
        at: generations of the engine; those of `published` as well.
        published: generation -> the number that the paper prints or draws.
        where: figure or table, where it is not the experiment's.
        accuracy: how exactly published numbers can be read: half a unit of the last digit, or of the eye.
        published_error: their Monte Carlo standard error, where the paper says how many runs it took.
        relation: whether they are values or bounds.
        erratum: why they are known to be wrong.
        stated: laws that the paper itself states: their numbers stand under "published", and no others do.
        scale: ours and the law's are multiplied by it, as to divide by a known first error.
        cell: of a sweep, the value of each axis.
        component: of a metric with several values.
        window: generations first to last, averaged, in place of `at`.
        counter: the paper's name of a generation, and `shift` its number at generation 0.
        statistic: "mean", or "variance" over replicates.
    """

    arm: str
    record: str
    quantity: str
    at: tuple[int, ...] = ()
    published: Mapping[int, float] = dataclasses.field(default_factory=dict)
    where: str = ""
    accuracy: float = 0.0
    published_error: float = 0.0
    relation: Relation = "="
    erratum: str = ""
    stated: tuple[str, ...] = ()
    scale: float = 1.0
    cell: Mapping[str, float] = dataclasses.field(default_factory=dict)
    component: int | None = None
    window: tuple[int, int] | None = None
    counter: str = "t"
    shift: int = 0
    statistic: str = "mean"

    def reads(self) -> tuple[tuple[str, str], ...]:
        """One."""
        return ((self.arm, self.record),)

    def tested(self) -> int:
        """Numbers alone: what the paper states as a law is tested with the laws."""
        return len(self.published)

    def findings(self, results: Results, level: float) -> list[Finding]:
        """A row a generation, or one for the window."""
        curve = results.curve(self.arm, self.record, self.cell, self.component, self.statistic)
        if self.window is not None:
            first, last = self.window
            positions = curve.positions(range(first, last + 1))
            told = f"mean of {self.counter} = {first + self.shift} … {last + self.shift}"
            return [self._finding(results, curve, positions, told, self.published.get(last), level)]
        rows = []
        for t in sorted({*self.at, *self.published}):
            told = f"{self.counter} = {t + self.shift}"
            position = curve.positions((t,))
            rows.append(self._finding(results, curve, position, told, self.published.get(t), level))
        return rows

    def _finding(
        self,
        results: Results,
        curve: Curve,
        positions: np.ndarray,
        told: str,
        number: float | None,
        level: float,
    ) -> Finding:
        ours, error = _average(curve, positions)
        ours, error = self.scale * ours, abs(self.scale) * error
        main, law = curve.main, float("nan")
        if curve.law is not None:
            law = self.scale * float(curve.law[positions].mean())
        published, against, notes = "", "", [_remark(curve)]
        if number is not None:
            said = Said(number, self.relation, self.accuracy, self.published_error, self.erratum)
            published = str(said)
            against, note = said.against(ours, error, results.runs[self.arm].replicates, level)
            notes += [note, said.against_law(law) if main is not None and main.law.kind == "exact" else ""]
        elif self.stated:
            verdicts = [curve.of(name) for name in self.stated]
            published = self._stated(curve, verdicts, positions)
            against = _agreement(verdicts)
        return Finding(
            arm=self.arm,
            quantity=self.quantity + _told_cell(self.cell),
            at=told,
            ours=ours,
            standard_error=error,
            law=law,
            law_name=main.law.name if main else "",
            law_kind=main.law.kind if main else "",
            published=published,
            where=(self.where or "; ".join(dict.fromkeys(curve.of(n).law.source for n in self.stated)))
            if published
            else "",
            against_law=main.outcome if main else "",
            power=main.power if main else float("nan"),
            against_paper=against,  # type: ignore[arg-type]
            note="; ".join(note for note in notes if note),
        )

    def _stated(self, curve: Curve, verdicts: list[Verdict], positions: np.ndarray) -> str:
        kinds = [verdict.law.kind for verdict in verdicts]
        numbers = [shown(self.scale * float(curve.own(v.predicted)[positions].mean()), 4) for v in verdicts]
        if kinds == ["lower bound", "upper bound"]:
            return f"{numbers[0]} … {numbers[1]}"
        told = [TOLD[OF_KIND[kind]] if kind in OF_KIND else "≈ " for kind in kinds]
        return ", ".join(a + b for a, b in zip(told, numbers, strict=True))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slope(AbstractCheck):
    """The slope of log mean against log generation, by least squares between two generations.

    Its standard error is a jackknife over groups of replicates, so that whole trajectories must be kept.
    `shift` is added to generations first; `published` within `accuracy`.
    """

    arm: str
    record: str
    quantity: str
    between: tuple[int, int]
    published: float | None = None
    where: str = ""
    accuracy: float = 0.0
    erratum: str = ""
    cell: Mapping[str, float] = dataclasses.field(default_factory=dict)
    shift: int = 0
    root: bool = False
    """Of the square root of the mean: a rate of root mean squares."""

    def reads(self) -> tuple[tuple[str, str], ...]:
        """One."""
        return ((self.arm, self.record),)

    def tested(self) -> int:
        """One, where there is one."""
        return int(self.published is not None)

    def findings(self, results: Results, level: float) -> list[Finding]:
        """One row."""
        curve = results.curve(self.arm, self.record, self.cell)
        first, last = self.between
        use = (curve.generations >= first) & (curve.generations <= last)
        x = np.log(curve.generations[use] + self.shift)

        def slope(means: np.ndarray) -> float:
            y = np.log(means[use]) * (0.5 if self.root else 1.0)
            return float(np.polyfit(x, y, 1)[0])

        values = _kept(curve, self.arm, self.record)
        ours, error = jackknife(values, slope)
        law = float("nan") if curve.law is None else slope(curve.law)
        said = None if self.published is None else Said(self.published, "=", self.accuracy, 0.0, self.erratum)
        against, note = ("", "") if said is None else said.against(ours, error, len(values), level)
        return [
            Finding(
                arm=self.arm,
                quantity=self.quantity + _told_cell(self.cell),
                at=f"t = {first} … {last}",
                ours=ours,
                standard_error=error,
                law=law,
                **_law_of(curve),
                published="" if said is None else str(said),
                where=self.where,
                against_paper=against,
                note=note,
            )
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lowest(AbstractCheck):
    """Where on the axis of a sweep the mean is least, by a polynomial of fourth degree through its lowest.

    `neighbours` cells on each side of the lowest are fitted: a parabola would be off, since errors rise
    faster on one side. Of He et al.'s curve at steps of 0.05 this is right to 0.001, which `accuracy` has to
    cover. Whole trajectories must be kept.
    """

    arm: str
    record: str
    quantity: str
    over: str
    window: tuple[int, int]
    published: float | None = None
    where: str = ""
    accuracy: float = 0.0
    erratum: str = ""
    neighbours: int = 4

    def reads(self) -> tuple[tuple[str, str], ...]:
        """One."""
        return ((self.arm, self.record),)

    def tested(self) -> int:
        """One, where there is one."""
        return int(self.published is not None)

    def findings(self, results: Results, level: float) -> list[Finding]:
        """One row."""
        axis = np.asarray(results.runs[self.arm].attributes["sweep"][self.over], np.float64)
        curves = [results.curve(self.arm, self.record, {self.over: float(x)}) for x in axis]
        first, last = self.window
        positions = curves[0].positions(range(first, last + 1))
        values = [_kept(curve, self.arm, self.record)[:, positions].mean(axis=1) for curve in curves]
        ours, error = jackknife(np.stack(values, axis=1), lambda means: self._lowest(axis, means))
        laws = [curve.law for curve in curves]
        law = float("nan")
        if all(one is not None for one in laws):
            law = self._lowest(axis, np.array([one[positions].mean() for one in laws if one is not None]))
        said = None if self.published is None else Said(self.published, "=", self.accuracy, 0.0, self.erratum)
        against, note = ("", "") if said is None else said.against(ours, error, len(values[0]), level)
        return [
            Finding(
                arm=self.arm,
                quantity=self.quantity,
                at=f"mean of t = {first} … {last}",
                ours=ours,
                standard_error=error,
                law=law,
                **_law_of(curves[int(np.argmin(np.abs(axis - ours)))]),
                published="" if said is None else str(said),
                where=self.where,
                against_paper=against,
                note=note,
            )
        ]

    def _lowest(self, axis: np.ndarray, means: np.ndarray) -> float:
        lowest = int(np.argmin(means))
        near = slice(max(lowest - self.neighbours, 0), lowest + self.neighbours + 1)
        degree = min(4, len(axis[near]) - 1)
        fitted = np.polynomial.Polynomial.fit(axis[near], means[near], degree)
        fine = np.linspace(axis[near][0], axis[near][-1], 4001)
        return float(fine[np.argmin(fitted(fine))])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Time(AbstractCheck):
    """The mean of a hitting time, in generations.

    `exact` is the law's number where one is known, `between` the paper's bounds. A run that ends before some
    replicates do has no mean, and nothing is tested.
    """

    arm: str
    record: str
    quantity: str
    exact: float | None = None
    law: str = "derived"
    between: tuple[float, float] | None = None
    where: str = ""

    def reads(self) -> tuple[tuple[str, str], ...]:
        """One."""
        return ((self.arm, self.record),)

    def tested(self) -> int:
        """The exact number and the bounds."""
        return int(self.exact is not None) + 2 * int(self.between is not None)

    def findings(self, results: Results, level: float) -> list[Finding]:
        """One row."""
        entry = results.runs[self.arm][self.record]
        if not isinstance(entry, HittingEntry) or entry.hits.ndim != 1:
            raise ValueError(f"{self.record!r} of {self.arm!r} is no hitting time of one number")
        count, censored = int(entry.hits.sum()), int(entry.censored)
        times, ours, error = entry.generations, float("nan"), float("nan")
        if count:
            ours = float(entry.hits @ times / count)
            error = float(np.sqrt(entry.hits @ (times - ours) ** 2 / max(count - 1, 1) / count))
        against, against_law, notes = "", "", []
        if censored:
            notes.append(
                f"{censored} of {count + censored} had not ended: of the others alone, and not tested"
            )
        elif self.exact is not None:
            found, _ = Said(self.exact).against(ours, error, count, level)
            against_law = "consistent" if found == "agrees" else "violated"
        if self.between is not None and not censored:
            sides = (Said(self.between[0], "≥"), Said(self.between[1], "≤"))
            judged = [side.against(ours, error, count, level) for side in sides]
            against = "differs" if any(one == "differs" for one, _ in judged) else "agrees"
            notes += [note for _, note in judged]
        return [
            Finding(
                arm=self.arm,
                quantity=self.quantity,
                at="until it ends",
                ours=ours,
                standard_error=error,
                law=float("nan") if self.exact is None else self.exact,
                law_name=self.law if self.exact is not None else "",
                law_kind="exact" if self.exact is not None else "",
                published="" if self.between is None else " … ".join(shown(x, 4) for x in self.between),
                where=self.where,
                against_law=against_law,
                power=(critical_value(level, max(count, 2)) + 1.2816) * error / ours
                if count
                else float("nan"),
                against_paper=against,  # type: ignore[arg-type]
                note="; ".join(note for note in notes if note),
            )
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Less(AbstractCheck):
    """That one curve lies below another at a generation, as a paper says it does.

    Each of `lower` and `higher` is (arm, record), at generation `at` or at two; the difference is of pairs
    where whole trajectories with common keys are kept. Without `where`, no paper says so: the difference is
    shown beside its law, and nothing stands under "published".
    """

    lower: tuple[str, str]
    higher: tuple[str, str]
    quantity: str
    at: int | tuple[int, int]
    where: str = ""
    erratum: str = ""
    lower_cell: Mapping[str, float] = dataclasses.field(default_factory=dict)
    higher_cell: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def reads(self) -> tuple[tuple[str, str], ...]:
        """Two."""
        return (self.lower, self.higher)

    def tested(self) -> int:
        """One, where a paper says so."""
        return int(bool(self.where))

    def findings(self, results: Results, level: float) -> list[Finding]:
        """One row: lower minus higher."""
        first, second = (self.at, self.at) if isinstance(self.at, int) else self.at
        curves = (
            results.curve(*self.lower, self.lower_cell),
            results.curve(*self.higher, self.higher_cell),
        )
        places = [int(c.positions((t,))[0]) for c, t in zip(curves, (first, second), strict=True)]
        ours, error, replicates = _difference(curves, places)
        laws = [None if c.law is None else float(c.law[i]) for c, i in zip(curves, places, strict=True)]
        law = laws[0] - laws[1] if laws[0] is not None and laws[1] is not None else float("nan")
        refuted, note = Said(0.0, "≤", erratum=self.erratum).against(ours, error, replicates, level)
        shown_less, _ = Said(0.0, "≥").against(ours, error, replicates, level)
        against: Against = (
            refuted if refuted != "agrees" else ("agrees" if shown_less == "differs" else "undecided")
        )
        return [
            Finding(
                arm=self.lower[0]
                if self.lower[0] == self.higher[0]
                else f"{self.lower[0]} − {self.higher[0]}",
                quantity=self.quantity,
                at=f"t = {first}" if first == second else f"t = {first} and {second}",
                ours=ours,
                standard_error=error,
                law=law,
                **_law_of(curves[0]),
                published="< 0" if self.where else "",
                where=self.where,
                against_paper=against if self.where else "",
                note=note if self.where else "",
            )
        ]


def _law_of(curve: Curve) -> dict:
    main = curve.main
    if main is None:
        return {}
    return {
        "law_name": main.law.name, "law_kind": main.law.kind, "against_law": main.outcome, "power": main.power
    }  # fmt: skip


def _kept(curve: Curve, arm: str, record: str) -> np.ndarray:
    if curve.values is None:
        raise ValueError(f"{record!r} of {arm!r} is not kept whole: record it with reduce=mc.Keep()")
    return curve.values


def _average(curve: Curve, positions: np.ndarray) -> tuple[float, float]:
    """Over generations, with the error of the average; without trajectories the most that it can be."""
    ours = float(curve.seen[positions].mean())
    if len(positions) > 1 and isinstance(curve.entry, KeptEntry):
        each = curve.entry.values[:, positions].mean(axis=1, dtype=np.float64)
        return ours, float(each.std(ddof=1) / np.sqrt(len(each)))
    return ours, float(curve.error[positions].mean())


def _difference(curves: tuple[Curve, Curve], places: list[int]) -> tuple[float, float, int]:
    first, second = (c.values for c in curves)
    if first is not None and second is not None and len(first) == len(second):
        gaps = np.asarray(first[:, places[0]], np.float64) - second[:, places[1]]
        return float(gaps.mean()), float(gaps.std(ddof=1) / np.sqrt(len(gaps))), len(gaps)
    means = [float(c.seen[i]) for c, i in zip(curves, places, strict=True)]
    # of common keys, so that the errors may add up: their sum is the most that it can be
    error = sum(float(c.error[i]) for c, i in zip(curves, places, strict=True))
    return means[0] - means[1], error, 1000


def _remark(curve: Curve) -> str:
    main = curve.main
    return main.note if main is not None and main.outcome == "not testable" else ""


def _agreement(verdicts: list[Verdict]) -> Against:
    """Of the laws that a paper states."""
    if any(verdict.outcome == "violated" for verdict in verdicts):
        return "differs"
    return "agrees" if any(verdict.outcome == "consistent" for verdict in verdicts) else "undecided"


def _told_cell(cell: Mapping[str, float]) -> str:
    if not cell:
        return ""
    return ", " + ", ".join(f"{path.split('.')[-1].replace('_', ' ')} = {x:g}" for path, x in cell.items())
