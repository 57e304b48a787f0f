"""Signals to stop: a run that has a store ends its segments, saves and says how to go on."""

import signal
import threading
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
