"""mcollapse: what happens to a model that is trained, generation after generation, on models' data?

A process says what is repeated, `simulate` runs thousands of replicates of it, `compare` holds them
against exact theory.
"""

from mcollapse import decoders as decoders
from mcollapse import estimators as estimators
from mcollapse import families as families
from mcollapse import metrics as metrics
from mcollapse import pools as pools
from mcollapse import processes as processes
from mcollapse import random as random
from mcollapse import schedules as schedules
from mcollapse import sources as sources
from mcollapse.abstract_process import AbstractProcess as AbstractProcess
from mcollapse.compilation import compiler_options as compiler_options
from mcollapse.data import Batch as Batch
from mcollapse.data import Samples as Samples
from mcollapse.dry_run import Plan as Plan
from mcollapse.dry_run import plan as plan
from mcollapse.families import Truth as Truth
from mcollapse.process import RecursiveTraining as RecursiveTraining
from mcollapse.recording import Histogram as Histogram
from mcollapse.recording import HittingTime as HittingTime
from mcollapse.recording import Keep as Keep
from mcollapse.recording import Moments as Moments
from mcollapse.recording import Quantiles as Quantiles
from mcollapse.recording import Record as Record
from mcollapse.recording import every as every
from mcollapse.recording import log_spaced as log_spaced
from mcollapse.running.until import until as until
from mcollapse.simulate import simulate as simulate
from mcollapse.simulate import sweep as sweep
from mcollapse.status import Status as Status
from mcollapse.storing import Interrupted as Interrupted
from mcollapse.storing import resume as resume
from mcollapse.trajectories import Trajectories as Trajectories
from mcollapse.trajectories import difference as difference
from mcollapse.version import __version__ as __version__
