"""Recording: what of a run is kept, as values that say what, when and how reduced."""

from mcollapse.recording.base import BLOCK as BLOCK
from mcollapse.recording.base import TAIL as TAIL
from mcollapse.recording.base import AbstractReducer as AbstractReducer
from mcollapse.recording.base import Allocate as Allocate
from mcollapse.recording.base import Collector as Collector
from mcollapse.recording.base import Record as Record
from mcollapse.recording.entries import Entry as Entry
from mcollapse.recording.entries import MeanEntry as MeanEntry
from mcollapse.recording.generations import Every as Every
from mcollapse.recording.generations import every as every
from mcollapse.recording.generations import log_spaced as log_spaced
from mcollapse.recording.generations import resolve as resolve
from mcollapse.recording.histogram import Histogram as Histogram
from mcollapse.recording.histogram import HistogramEntry as HistogramEntry
from mcollapse.recording.hitting_time import HittingEntry as HittingEntry
from mcollapse.recording.hitting_time import HittingTime as HittingTime
from mcollapse.recording.keep import Keep as Keep
from mcollapse.recording.keep import KeptEntry as KeptEntry
from mcollapse.recording.moments import Moments as Moments
from mcollapse.recording.moments import MomentsEntry as MomentsEntry
from mcollapse.recording.quantiles import Quantiles as Quantiles
from mcollapse.recording.quantiles_entry import QuantilesEntry as QuantilesEntry

KINDS = (KeptEntry, MomentsEntry, QuantilesEntry, HistogramEntry, HittingEntry)
ENTRIES: dict[str, type[Entry]] = {entry.kind: entry for entry in KINDS}
"""What reducers make, by the kind that a saved run names."""
