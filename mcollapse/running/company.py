"""What processes that share a run tell each other: that they live, that they stop, and why they leave.

They tell it to the store of words that process 0 of `jax.distributed` keeps, and each has a thread that
listens. JAX itself ends a process at once, wherever it is, when another has died; here it hears of it
before, and has the time to save what it has computed.
"""

import collections
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

BEAT = 2.0
"""Seconds between two signs of life."""
SILENCE = 60.0
"""Seconds after which a process that gives none is taken for dead."""
PARTING = 60.0
"""Seconds that process 0, with whom all of them would end, waits for the others to end first."""
WAIT = 0.05


class OtherEnded(Exception):
    """Another process of this run failed or died, and what this one has computed is saved."""


class Company:
    """The processes of a run, as one of them sees them."""

    def __init__(self, client: Any, me: int, count: int):
        self.client, self.me, self.count = client, me, count
        self.places = itertools.count()
        self.left = self.together = False
        """Whether the others are on their way: false before the first place and once all is done."""
        self.silence: collections.Counter[int] = collections.Counter()
        self.heard: dict[int, str] = {}
        self.said: dict[str, str] = {}
        self._say("host", socket.gethostname())
        threading.Thread(target=self._listen, name="mcollapse-company", daemon=True).start()

    # what is told

    def tell_stop(self, number: int) -> None:
        """That this process was told to stop, by a signal, and the others are to stop as well."""
        self._say("stop", str(number))

    def leave(self, error: BaseException) -> None:
        """That this process ends, and what it ends with: the first time that counts."""
        if self.left:
            return
        self.left, said = True, " ".join(str(error).split())
        with contextlib.suppress(Exception):  # it has an error of its own, which is what is wrong
            self._say("left", f"{type(error).__name__}: {said}" if said else type(error).__name__)

    def part(self) -> None:
        """To be called last: process 0 waits for the others, who would be ended in the midst of saving."""
        with contextlib.suppress(Exception):  # there is nobody left to tell
            self._say("gone", "")
            until = time.monotonic() + PARTING
            while self.me == 0 and time.monotonic() < until:
                gone = {int(key.split("/")[1]) for key in self._words("said") if key.startswith("gone/")}
                if len(gone | set(self.lost())) >= self.count:
                    break
                time.sleep(WAIT)

    # what is heard

    def stop(self) -> int | None:
        """The signal that some process has received."""
        return next((int(word) for key, word in self.said.items() if key.startswith("stop/")), None)

    def lost(self) -> list[int]:
        """Processes that give no sign of life."""
        return [i for i, beats in self.silence.items() if beats * BEAT >= SILENCE]

    def ended(self) -> str | None:
        """Which process has left or died, and why; `None` where all are on their way."""
        for i in range(self.count):
            host = self.said.get(f"host/{i}")
            who = f"process {i} of {self.count}" + (f" on {host}" if host else "")
            if i != self.me and (why := self.said.get(f"left/{i}")) is not None:
                return f"{who} has ended: {why}"
            if i in self.lost():
                return f"{who} has given no sign of life for {SILENCE:g} seconds: it has died, or was cut off"
        return None

    def meet(self, place: str, word: str, stopping: Callable[[], bool]) -> list[str] | None:
        """Wait for all at a place and give what each has said; `None` where they were told to stop.

        Raises:
            OtherEnded: one that is waited for has failed or died.
        """
        self.together = True
        name = f"place/{next(self.places)}"
        self.client.key_value_set(f"mcollapse/{name}/{self.me}", f"{place}\n{word}")
        while True:
            words = self._words(name)
            if len(words) == self.count:
                told = [words[str(i)].split("\n", 1) for i in range(self.count)]
                if len({there for there, _ in told}) > 1:
                    listed = ", ".join(f"process {i} would {there}" for i, (there, _) in enumerate(told))
                    raise ValueError(f"the processes were not given the same arguments: {listed}")
                return [said for _, said in told]
            missing = [i for i in range(self.count) if str(i) not in words]
            gone = any(f"left/{i}" in self.said for i in missing)
            if stopping() or (gone and self.stop() is not None):
                return None
            if (why := self.ended()) is not None:
                raise OtherEnded(why)
            time.sleep(WAIT)

    def _say(self, kind: str, word: str) -> None:
        self.client.key_value_set(f"mcollapse/said/{kind}/{self.me}", word, allow_overwrite=True)

    def _words(self, directory: str) -> dict[str, str]:
        prefix = f"mcollapse/{directory}/"
        return {key.removeprefix(prefix): word for key, word in self.client.key_value_dir_get(prefix)}

    def _listen(self) -> None:
        for beat in itertools.count():
            try:
                self.client.key_value_set(f"mcollapse/alive/{self.me}", str(beat), allow_overwrite=True)
                alive, self.said = self._words("alive"), self._words("said")
            except Exception:  # whatever it is called: there is nobody who answers
                alive = {}
            # own beats are counted, and not seconds: who was put to sleep has heard nobody
            for i in (i for i in range(self.count) if i != self.me):
                word = alive.get(str(i), "")
                self.silence[i] = self.silence[i] + 1 if word == self.heard.get(i, "") else 0
                self.heard[i] = word
            time.sleep(BEAT)
