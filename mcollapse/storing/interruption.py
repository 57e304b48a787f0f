"""Signals to stop: a run that has a store ends its segments, saves and says how to go on."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM came, and all that was computed is in the store.

    `signal` is the signal's number, `code` the exit code that a shell expects.
    """

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.signal, self.code = number, 128 + number


class Terminated(KeyboardInterrupt):
    """SIGTERM came where nothing is waiting for it: what SIGINT is in Python without our doing."""


def signal_of(interrupt: KeyboardInterrupt) -> int:
    """The number of the signal that raised it."""
    return signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Inside it, SIGTERM raises `Terminated`, so that there is an end with a line and an exit code."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


class Signals:
    """While it is entered, SIGINT and SIGTERM are only noted; a second one acts as it always does.

    In a thread that is not the main one nothing is changed: Python gives signals to the main thread alone.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            # a handler that was not set from Python is told as None, and cannot be set again
            self.before = {number: signal.signal(number, self._note) or signal.SIG_DFL for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()

    def _restore(self) -> None:
        while self.before:
            number, handler = self.before.popitem()
            signal.signal(number, handler)
