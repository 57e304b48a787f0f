"""What a check found: our number, the exact law's, the paper's, and what they say to each other."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Literal

import numpy as np

from mcollapse.significance import critical_value, t_p_value

Against = Literal["agrees", "differs", "differs, as known", "undecided", ""]
Relation = Literal["=", "≤", "≥"]
TOLD = {"=": "", "≤": "≤ ", "≥": "≥ "}


@dataclasses.dataclass(frozen=True)
class Finding:
    """One row of the table of an experiment.

    `against_law` is the verdict on the whole record that the number is read from, with its `power`: the
    smallest relative deviation that the test would have seen. `against_paper` is the published number's.
    """

    arm: str
    quantity: str
    at: str
    ours: float
    standard_error: float
    law: float = math.nan
    law_name: str = ""
    law_kind: str = ""
    published: str = ""
    where: str = ""
    against_law: str = ""
    power: float = math.nan
    against_paper: Against = ""
    note: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether the published number is contradicted, and nobody knew."""
        return self.against_paper == "differs"


@dataclasses.dataclass(frozen=True)
class Group:
    """Rows of one quantity of one run, with what they have in common."""

    arm: str
    quantity: str
    findings: tuple[Finding, ...]

    @property
    def sees(self) -> str:
        """The smallest relative deviation from the law that the test would have seen; empty without a law."""
        powers = {percent(f.power) for f in self.findings if math.isfinite(f.power)}
        return powers.pop() if len(powers) == 1 else ""

    @property
    def where(self) -> str:
        """Where the published numbers stand."""
        return "; ".join(dict.fromkeys(f.where for f in self.findings if f.where))


def grouped(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """Findings by run and quantity, in the order of their first."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        found.setdefault((finding.arm, finding.quantity), []).append(finding)
    return tuple(Group(arm, quantity, tuple(rows)) for (arm, quantity), rows in found.items())


@dataclasses.dataclass(frozen=True)
class Said:
    """A number that a paper prints or draws.

    `accuracy` is how exactly it can be read, `standard_error` its own Monte Carlo error where it has one,
    `erratum` why it is known to be wrong.
    """

    value: float
    relation: Relation = "="
    accuracy: float = 0.0
    standard_error: float = 0.0
    erratum: str = ""

    def __str__(self) -> str:
        around = f" ± {shown(self.accuracy, 2)}" if self.accuracy else ""
        return f"{TOLD[self.relation]}{shown(self.value)}{around}"

    def against(
        self, ours: float, standard_error: float, replicates: int, level: float
    ) -> tuple[Against, str]:
        """Whether a number of ours contradicts it at this level, and by how much."""
        error = math.hypot(standard_error, self.standard_error)
        deviation = ours - self.value
        if not math.isfinite(deviation):
            return "undecided", "no number of ours to compare"
        beyond = {"=": abs(deviation), "≤": deviation, "≥": -deviation}[self.relation] - self.accuracy
        beyond -= 8 * float(np.finfo(np.float32).eps) * abs(self.value)
        if beyond <= 0 or _p_value(beyond, error, replicates, self.relation) >= level:
            return "agrees", ""
        least = beyond - critical_value(level, replicates) * error
        by = f"off by {shown(deviation)}" + (
            f", {shown(max(least, 0.0), 2)} or more for certain" if error else ""
        )
        return ("differs, as known", f"{by}: {self.erratum}") if self.erratum else ("differs", by)

    def against_law(self, law: float) -> str:
        """By how much it is off an exact law, where that is more than can be misread."""
        deviation = self.value - law
        if self.relation != "=" or not math.isfinite(law):
            return ""
        if abs(deviation) <= self.accuracy + 4 * self.standard_error + 1e-6 * abs(law):
            return ""
        share = f" ({100 * deviation / law:+.2g} %)" if law else ""
        return f"the published number is off the exact law by {shown(deviation)}{share}"


def _p_value(beyond: float, error: float, replicates: int, relation: Relation) -> float:
    if error == 0:
        return 0.0
    return float(t_p_value(np.asarray(beyond / error), replicates, "two" if relation == "=" else "above"))


def percent(power: float) -> str:
    """The smallest relative deviation that a test sees."""
    return f"{shown(100 * power, 2)} %" if math.isfinite(power) else "–"


def with_error(value: float, error: float) -> str:
    """A number to the second digit of its standard error: `0.9290 ± 0.0057`."""
    if not (math.isfinite(value) and 0 < error < math.inf):
        return f"{shown(value)} ± {shown(error, 2)}"
    decimals = max(1 - math.floor(math.log10(error)), 0)
    if decimals > 7:
        return f"{shown(value)} ± {shown(error, 2)}"
    return f"{value:.{decimals}f} ± {error:.{decimals}f}".replace("-", "−")


def shown(value: float, digits: int = 5) -> str:
    """A number for a reader: five digits, no exponent where none is needed."""
    if value != value:
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    if "e" in text and 1e-5 < abs(value) < 1e7:
        text = f"{value:.0f}" if abs(value) >= 1 else f"{value:.{digits + 4}f}".rstrip("0")
    return text.replace("-", "−")
