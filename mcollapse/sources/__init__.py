"""Sources: where the new points of a generation come from, one a file."""

from mcollapse.sources.base import AbstractSource as AbstractSource
from mcollapse.sources.last_model import LastModel as LastModel
from mcollapse.sources.mixture import Mixture as Mixture
from mcollapse.sources.past_models import PastModels as PastModels
from mcollapse.sources.split import Split as Split
