"""Figures: what a run recorded, with its spread, beside what theory says of the same quantity.

Matplotlib is imported when something is drawn and not before.
"""

from mcollapse.plots.arms import arms as arms
from mcollapse.plots.arms import paths as paths
from mcollapse.plots.arms import scatter as scatter
from mcollapse.plots.fans import fan as fan
from mcollapse.plots.generations import trajectory as trajectory
from mcollapse.plots.groups import bands as bands
from mcollapse.plots.kinds import KINDS as KINDS
from mcollapse.plots.kinds import draw as draw
from mcollapse.plots.optima import optimum as optimum
from mcollapse.plots.phases import phases as phases
from mcollapse.plots.rates import rate as rate
from mcollapse.plots.style import paper as paper
from mcollapse.plots.survival import collapse_times as collapse_times
from mcollapse.plots.survival import survival as survival
