r"""Schedules: numbers that depend on the generation, $n_t$, $\alpha_t$, $w_t$.

A schedule is evaluated on the host in float64 and reaches the compiled program as a traced table of
$T + 1$ entries, so that another value never recompiles. What a schedule stands for (its `role`) says
how its values are used: sizes are rounded down and at least 1, counts are rounded down and at least 0,
shares are clipped to [0, 1]. Sizes may also read the model (`AbstractAdaptive`).
"""

from mcollapse.schedules.adaptive import AbstractAdaptive as AbstractAdaptive
from mcollapse.schedules.adaptive import SteadyImprovement as SteadyImprovement
from mcollapse.schedules.base import DERIVED as DERIVED
from mcollapse.schedules.base import LARGEST_INT32 as LARGEST_INT32
from mcollapse.schedules.base import AbstractSchedule as AbstractSchedule
from mcollapse.schedules.base import Role as Role
from mcollapse.schedules.base import Table as Table
from mcollapse.schedules.base import number as number
from mcollapse.schedules.converters import as_schedule as as_schedule
from mcollapse.schedules.converters import counts as counts
from mcollapse.schedules.converters import numbers as numbers
from mcollapse.schedules.converters import shares as shares
from mcollapse.schedules.converters import sizes as sizes
from mcollapse.schedules.converters import sizes_or_rule as sizes_or_rule
from mcollapse.schedules.formulas import Arithmetic as Arithmetic
from mcollapse.schedules.formulas import Constant as Constant
from mcollapse.schedules.formulas import Geometric as Geometric
from mcollapse.schedules.formulas import Piecewise as Piecewise
from mcollapse.schedules.formulas import Power as Power
