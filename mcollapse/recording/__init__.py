"""Recording: what of a run is kept, as values that say what, when and how reduced."""

from mcollapse.recording.base import BLOCK as BLOCK
from mcollapse.recording.base import TAIL as TAIL
from mcollapse.recording.base import AbstractReducer as AbstractReducer
from mcollapse.recording.base import Allocate as Allocate
from mcollapse.recording.base import Collector as Collector
from mcollapse.recording.base import Record as Record
from mcollapse.recording.entries import Entry as Entry
from mcollapse.recording.entries import HittingEntry as HittingEntry
from mcollapse.recording.entries import KeptEntry as KeptEntry
from mcollapse.recording.entries import MeanEntry as MeanEntry
from mcollapse.recording.entries import MomentsEntry as MomentsEntry
from mcollapse.recording.generations import Every as Every
from mcollapse.recording.generations import every as every
from mcollapse.recording.generations import log_spaced as log_spaced
from mcollapse.recording.generations import resolve as resolve
from mcollapse.recording.hitting_time import HittingTime as HittingTime
from mcollapse.recording.keep import Keep as Keep
from mcollapse.recording.moments import Moments as Moments
