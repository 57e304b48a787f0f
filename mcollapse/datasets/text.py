"""Texts as sequences of words."""

import dataclasses
import pathlib
import re
from collections import Counter

import numpy as np

from mcollapse.families.categorical import CategoricalParams

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The words of a text: each distinct word (a type) and how often it occurs, most frequent first."""

    name: str
    words: tuple[str, ...]
    counts: np.ndarray
    sequence: tuple[str, ...] = ()
    """The text itself, word after word."""

    @classmethod
    def from_text(cls, text: str, name: str = "text", word: re.Pattern[str] = WORD) -> "Corpus":
        r"""Lower-case words of letters and apostrophes, or what else matches `word`, such as `\w+`.

        A text without two different words is refused.
        """
        return cls.of(tuple(found.lower() for found in word.findall(text)), name)

    @classmethod
    def of(cls, sequence: tuple[str, ...], name: str = "text") -> "Corpus":
        """A text that is a sequence of words already."""
        found = Counter(sequence)
        if len(found) < 2:
            raise ValueError(
                f"{name} holds {len(found)} different word(s): a unigram model needs at least two; "
                "is it the right file, in plain text?"
            )
        # ties in alphabetical order, so that the same text gives the same model everywhere
        ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        words, counts = zip(*ordered, strict=True)
        return cls(name, words, np.asarray(counts, np.int64), sequence)

    def first(self, count: int) -> "Corpus":
        """The text's first words; all of it where it has no more."""
        if count >= len(self.sequence):
            return self
        return type(self).of(self.sequence[:count], f"the first {count:,} words of {self.name}")

    @property
    def tokens(self) -> int:
        """How many words, repetitions counted."""
        return int(self.counts.sum())

    @property
    def types(self) -> int:
        """How many different words."""
        return len(self.words)

    def truth(self) -> CategoricalParams:
        """The unigram law of the text."""
        return CategoricalParams.from_counts(self.counts)


def help_topics() -> Corpus:
    """The help topics of the running Python: English prose of about 65,000 words, in every installation."""
    from pydoc_data.topics import topics

    return Corpus.from_text("\n".join(topics[key] for key in sorted(topics)), "Python's help topics")


def read_text(path: str | pathlib.Path, word: re.Pattern[str] = WORD) -> Corpus:
    """The words of a UTF-8 text file, of letters and apostrophes, or what else matches `word`."""
    file = pathlib.Path(path)
    if not file.is_file():
        raise ValueError(f"there is no text file at {file}")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text ({error}): convert it first") from error
    if not text.strip():
        raise ValueError(f"{file} is empty: a model cannot be fitted to no text")
    return Corpus.from_text(text, file.name, word)
