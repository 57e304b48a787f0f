"""Meters of a running simulation: they live on the host and never touch a result.

A meter that fails is put aside with a warning in the log "mcollapse": the run goes on without it.
"""

import abc
import dataclasses
import html
import logging
import math
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

logger = logging.getLogger("mcollapse")

LOG_SECONDS = 60.0
REDRAWN = 0.2
"""Seconds between two states of a bar in a notebook, each of which is a message to its page."""


class AbstractProgress(abc.ABC):
    """Told how much work there is and, segment by segment, how much is done."""

    @abc.abstractmethod
    def start(self, replicates: int, generations: int, done: float = 0.0) -> None:
        """The run begins; `replicates` counts those of every cell of a sweep, `done` those done before."""

    @abc.abstractmethod
    def advance(self, replicates: float) -> None:
        """So many more replicates are done; those that have gone half of the way count half."""

    @abc.abstractmethod
    def stop(self) -> None:
        """The run has ended, well or not."""

    def compiled(self, seconds: float) -> None:  # noqa: B027 - not every meter wants to know
        """So much of the time since the start has gone into compiling."""


class NoProgress(AbstractProgress):
    """Says nothing."""

    def start(self, replicates: int, generations: int, done: float = 0.0) -> None:
        """Nothing."""

    def advance(self, replicates: float) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


@dataclasses.dataclass
class Pace:
    """How fast a run goes and how long it will take: of what it has computed itself, compiling left out."""

    replicates: int
    generations: int
    before: float = 0.0
    done: float = 0.0
    compiling: float = 0.0

    def __post_init__(self) -> None:
        self.since = self.last = time.perf_counter()

    def advance(self, replicates: float) -> None:
        """So many more are done."""
        self.done, self.last = self.done + replicates, time.perf_counter()

    @property
    def share(self) -> float:
        """Of all replicates, those that are done now."""
        return (self.before + self.done) / self.replicates

    @property
    def rate(self) -> float:
        """Replicate-generations per second."""
        return self.done * self.generations / max(self.last - self.since - self.compiling, 1e-9)

    @property
    def left(self) -> float:
        """Seconds until all is done, infinite before anything is."""
        if not self.done:
            return math.inf
        left = (self.replicates - self.before - self.done) * self.generations / self.rate
        return max(0.0, left - (time.perf_counter() - self.last))

    @property
    def told(self) -> str:
        """All of it in words."""
        done = f"{self.before + self.done:,.0f} of {self.replicates:,} replicates"
        return f"{done}, {self.told_speed}" if self.done else f"{done}, compiling"

    @property
    def told_speed(self) -> str:
        """Speed and time left in words."""
        left = math.ceil(self.left)
        hours, minutes, seconds = left // 3600, left // 60 % 60, left % 60
        return f"{self.rate:.2e} replicate-generations/s, {hours}:{minutes:02}:{seconds:02} left"


class AbstractPacedProgress(AbstractProgress):
    """A meter that shows a `Pace`."""

    def start(self, replicates: int, generations: int, done: float = 0.0) -> None:
        """Begin to count, and show that."""
        self.pace = Pace(replicates, generations, done)
        self.open()

    def advance(self, replicates: float) -> None:
        """Count, and show it."""
        self.pace.advance(replicates)
        self.show()

    def compiled(self, seconds: float) -> None:
        """Take it out of the speed."""
        self.pace.compiling = seconds

    @abc.abstractmethod
    def open(self) -> None:
        """Show that the run begins."""

    @abc.abstractmethod
    def show(self) -> None:
        """Show how far it is."""


class TerminalProgress(AbstractPacedProgress):
    """A bar with replicate-generations per second and the time left, on a terminal's standard error."""

    def open(self) -> None:
        """Show the bar."""
        from rich import progress
        from rich.console import Console
        from rich.text import Text

        pace = self.pace

        class Told(progress.ProgressColumn):
            def render(self, task: Any) -> Text:
                return Text(pace.told)

        self.bar = progress.Progress(
            progress.BarColumn(), Told(), console=Console(stderr=True), transient=True, refresh_per_second=4
        )
        self.task = self.bar.add_task("", total=1.0)
        self.show()
        self.bar.start()

    def show(self) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=self.pace.share)

    def stop(self) -> None:
        """Take the bar away."""
        self.bar.stop()


class NotebookProgress(AbstractPacedProgress):
    """The same bar below a notebook's cell, of plain HTML; it stays there when the run has ended."""

    def open(self) -> None:
        """Show the bar."""
        from IPython.display import DisplayHandle  # pyright: ignore[reportMissingImports]

        self.handle = DisplayHandle()
        self.handle.display(self._page(self.pace.told), raw=True)
        self.shown = time.perf_counter()

    def show(self) -> None:
        """Move the bar."""
        if time.perf_counter() - self.shown >= REDRAWN:
            self.handle.update(self._page(self.pace.told), raw=True)
            self.shown = time.perf_counter()

    def stop(self) -> None:
        """Leave how far it came."""
        pace = self.pace
        done = f"{pace.before + pace.done:,.0f} of {pace.replicates:,} replicates"
        self.handle.update(self._page(f"{done}, {pace.rate:.2e} replicate-generations/s"), raw=True)

    def _page(self, told: str) -> dict[str, str]:
        bar = f'<progress max="1" value="{self.pace.share:.4f}"></progress>'
        return {
            "text/html": f"<div>{bar} {html.escape(told)}</div>",
            "text/plain": f"{self.pace.share:.1%}: {told}",
        }


class LogProgress(AbstractPacedProgress):
    """A plain line every `seconds`, for a file that somebody looks at; a short run leaves none.

    The lines go to `file`, or to standard error.
    """

    def __init__(self, seconds: float = LOG_SECONDS, file: TextIO | None = None):
        if not seconds > 0:
            raise ValueError(f"LogProgress writes a line every so many seconds, more than 0: got {seconds!r}")
        self.seconds, self.file = seconds, file

    def open(self) -> None:
        """Say nothing yet."""
        self.written = time.perf_counter()

    def show(self) -> None:
        """Write a line where it is time."""
        if time.perf_counter() - self.written >= self.seconds:
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            print(f"{now} {self.pace.share:.1%}: {self.pace.told}", file=self.file or sys.stderr, flush=True)
            self.written = time.perf_counter()

    def stop(self) -> None:
        """Nothing: what became of the run is told elsewhere."""


class Guarded(AbstractProgress):
    """A meter whose faults do not end the run: the first is logged, and it is asked for nothing more."""

    def __init__(self, meter: AbstractProgress):
        self.meter = meter

    def start(self, replicates: int, generations: int, done: float = 0.0) -> None:
        """As the meter does."""
        self._ask(lambda: self.meter.start(replicates, generations, done))

    def advance(self, replicates: float) -> None:
        """As the meter does."""
        self._ask(lambda: self.meter.advance(replicates))

    def compiled(self, seconds: float) -> None:
        """As the meter does."""
        self._ask(lambda: self.meter.compiled(seconds))

    def stop(self) -> None:
        """As the meter does."""
        self._ask(lambda: self.meter.stop())

    def _ask(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # whatever it is, hours of computing are worth more than a meter
            logger.warning("the progress meter failed, and the run goes on without it", exc_info=True)
            self.meter = NoProgress()


def meter(progress: AbstractProgress | bool | None) -> AbstractProgress:
    """What a run shows itself on: a meter, `True` for the one that fits, or nothing."""
    if progress is None or isinstance(progress, bool):
        return Guarded(default()) if progress else NoProgress()
    if not isinstance(progress, AbstractProgress):
        raise ValueError(
            f"progress is True or a meter such as mcollapse.progress.TerminalProgress(), got {progress!r}"
        )
    return Guarded(progress)


def default() -> AbstractProgress:
    """A bar in a notebook or on a terminal; where standard error is a file, a line a minute."""
    if _in_notebook():
        return NotebookProgress()
    return TerminalProgress() if sys.stderr is not None and sys.stderr.isatty() else LogProgress()


def _in_notebook() -> bool:
    """Whether a kernel shows what is displayed: IPython in a terminal does not."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return "IPKernelApp" in getattr(shell, "config", ())
