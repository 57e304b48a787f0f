"""Figures: what a run recorded, with its spread, beside what theory says of the same quantity.

Matplotlib is imported when something is drawn and not before.
"""

from mcollapse.plots.generations import trajectory as trajectory
from mcollapse.plots.groups import bands as bands
