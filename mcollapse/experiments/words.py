"""How long until a word is forgotten? A unigram model of a text, retrained on its own output.

Generation 0 is the text itself. Each generation draws as many words as the text has from the model
before and counts them; a word that is not drawn is never drawn again. The exact law is the Markov
chain of one word's count, with rows Bin(n, j/n) (Suresh, Thangaraj, Khandavally 2024, arXiv
2412.17646, treat its bounds).
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from mcollapse import estimators, metrics, pools, sources
from mcollapse.datasets import Corpus
from mcollapse.families import AbstractFamily, Categorical, Truth
from mcollapse.predicting import predictions
from mcollapse.process import RecursiveTraining
from mcollapse.progress import AbstractProgress
from mcollapse.recording import HittingEntry, HittingTime, Moments, MomentsEntry, Record
from mcollapse.significance import t_p_value
from mcollapse.simulate import simulate
from mcollapse.trajectories import Trajectories
from mcollapse.verdicts import Report, compare

EDGES = (1, 2, 3, 5, 10, 20, 50, 100)
"""Lowest counts of the frequency bands."""


class LivingWords(eqx.Module):
    """How many of each band's words are still alive: a metric of a categorical model.

    Whole numbers, so that nothing is rounded before the host divides.
    """

    band: Int[np.ndarray, " types"]
    bands: int = eqx.field(static=True)

    def __call__(self, family: AbstractFamily, params: object, truth: Truth) -> Float[Array, " bands"]:
        """Sums over the words of each band."""
        living = metrics.alive(family, params, truth)
        return jax.ops.segment_sum(living, jnp.asarray(self.band), num_segments=self.bands)


@dataclasses.dataclass(frozen=True)
class Band:
    """Words of similar frequency: what became of them, beside the exact law.

    `observed` and `law` are shares alive by generation, `standard_error` that of `observed`.
    """

    label: str
    types: int
    observed: np.ndarray
    standard_error: np.ndarray
    law: np.ndarray
    median: float
    law_median: float
    resolution: float

    @property
    def z(self) -> np.ndarray:
        """Deviations from the law in standard errors, by generation."""
        # where no replicate differs from another, one word in one replicate is the least that could
        spread = np.where(self.standard_error > 0, self.standard_error, self.resolution)
        return (self.observed - self.law) / spread

    def p_value(self, replicates: int) -> float:
        """Two-sided, over all generations of the band together (Bonferroni)."""
        p_values = t_p_value(self.z, replicates, "two")
        return float(min(1.0, p_values.min() * p_values.size))


@dataclasses.dataclass(frozen=True)
class WordsResult:
    """The run, its bands and the verdicts."""

    corpus: Corpus
    run: Trajectories
    bands: tuple[Band, ...]
    report: Report

    def band_violated(self, band: Band) -> bool:
        """Whether a band contradicts the exact law at the report's family-wise level."""
        # bands and laws share the level: each half of it
        return band.p_value(self.run.replicates) < self.report.level / len(self.bands)

    @property
    def violated(self) -> bool:
        """Whether any law or band does."""
        return bool(self.report.violated) or any(self.band_violated(band) for band in self.bands)


def run_words(
    corpus: Corpus,
    *,
    key: PRNGKeyArray,
    generations: int = 50,
    replicates: int = 2000,
    level: float = 1e-3,
    chunk: int | None = None,
    progress: AbstractProgress | bool | None = None,
) -> WordsResult:
    """Replacement from the text on, with every word's time to be forgotten."""
    asked = arguments(corpus, generations, replicates)
    run = simulate(**asked, key=key, chunk=chunk, progress=progress)
    run.attributes["corpus"] = {
        "name": corpus.name,
        "words": list(corpus.words),
        "counts": corpus.counts.tolist(),
    }
    labels, band = bands_of(corpus.counts)
    return WordsResult(corpus, run, _bands(run, labels, band), compare(run, level=level / 2))


def arguments(corpus: Corpus, generations: int = 50, replicates: int = 2000) -> dict[str, Any]:
    """The experiment of `run_words` as arguments of `simulate`."""
    process = RecursiveTraining(
        family=Categorical(),
        estimator=estimators.MaximumLikelihood(),
        sizes=corpus.tokens,
        source=sources.LastModel(),
        pool=pools.Newest(),
    )
    labels, band = bands_of(corpus.counts)
    record = {
        "forgotten": Record(metrics.alive, reduce=HittingTime(below=0.5)),
        "support": Record(metrics.support, reduce=Moments()),
        "alive_by_band": Record(LivingWords(band, len(labels)), reduce=Moments()),
    }
    return {
        "process": process, "truth": corpus.truth(), "generations": generations, "replicates": replicates,
        "start": "truth", "record": record,
    }  # fmt: skip


def bands_of(counts: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Names of the bands that have words, and the band of each word."""
    which = np.searchsorted(EDGES, counts, side="right") - 1
    used = np.unique(which)
    return [_label(i) for i in used], np.searchsorted(used, which).astype(np.int32)


def _label(i: int) -> str:
    low = EDGES[i]
    if i + 1 == len(EDGES):
        return f"{low} or more times"
    high = EDGES[i + 1] - 1
    if low == high:
        return {1: "once", 2: "twice"}[low]
    return f"{low}–{high} times"


def _bands(run: Trajectories, labels: list[str], band: np.ndarray) -> tuple[Band, ...]:
    (law,) = (p for p in predictions(run, "forgotten") if p.law.kind == "exact")
    living, times = run["alive_by_band"], run["forgotten"]
    assert isinstance(living, MomentsEntry) and isinstance(times, HittingEntry)
    bands = []
    for i, label in enumerate(labels):
        words = band == i
        expected = law.values[:, words].mean(axis=1)
        hits = times.hits[words].sum(axis=0)
        forgotten = np.cumsum(hits) / (hits.sum() + times.censored[words].sum())
        bands.append(
            Band(
                label=label,
                types=int(words.sum()),
                observed=living.mean[:, i] / words.sum(),
                standard_error=living.standard_error[:, i] / words.sum(),
                law=expected,
                median=_first_half(forgotten),
                law_median=_first_half(1.0 - expected),
                resolution=1.0 / (int(words.sum()) * run.replicates),
            )
        )
    return tuple(bands)


def _first_half(forgotten: np.ndarray) -> float:
    """The first generation by which half is forgotten, infinite where that lies beyond the run."""
    reached = np.flatnonzero(forgotten >= 0.5)
    return float(reached[0]) if reached.size else float("inf")
