"""Processes that are no chain of fits of one model; all are run, recorded, swept and compared alike."""

from mcollapse.processes.coevolution import Coevolution as Coevolution
from mcollapse.processes.one_shot_mixing import OneShotMixing as OneShotMixing
from mcollapse.processes.population_limit import PopulationLimit as PopulationLimit
from mcollapse.processes.weak_supervision import WeakSupervision as WeakSupervision
