"""Meters of a running simulation: they live on the host and never touch a result."""

import abc
import sys
import time


class AbstractProgress(abc.ABC):
    """Told how much work there is and, chunk by chunk, how much is done."""

    @abc.abstractmethod
    def start(self, replicates: int, generations: int) -> None:
        """The run begins; `replicates` counts those of every cell of a sweep."""

    @abc.abstractmethod
    def advance(self, replicates: float) -> None:
        """So many more replicates are done; those that have gone half of the way count half."""

    @abc.abstractmethod
    def stop(self) -> None:
        """The run has ended, well or not."""


class NoProgress(AbstractProgress):
    """Says nothing."""

    def start(self, replicates: int, generations: int) -> None:
        """Nothing."""

    def advance(self, replicates: float) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


class TerminalProgress(AbstractProgress):
    """A bar with replicate-generations per second and the time left, on a terminal's standard error."""

    def start(self, replicates: int, generations: int) -> None:
        """Show the bar."""
        from rich import progress
        from rich.console import Console

        self.generations, self.done, self.since = generations, 0.0, time.perf_counter()
        self.bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.completed:,.0f}/{task.total:,.0f} replicates"),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.bar.add_task("compiling", total=replicates, rate="")
        self.bar.start()

    def advance(self, replicates: float) -> None:
        """Move the bar."""
        self.done += replicates
        rate = self.done * self.generations / (time.perf_counter() - self.since)
        self.bar.update(
            self.task,
            advance=replicates,
            description="simulating",
            rate=f"{rate:.2e} replicate-generations/s",
        )

    def stop(self) -> None:
        """Take the bar away."""
        self.bar.stop()


def default(on_terminal: bool = True) -> AbstractProgress:
    """A bar where standard error is a terminal, otherwise silence."""
    return TerminalProgress() if on_terminal and sys.stderr.isatty() else NoProgress()
