"""Reproducing a paper: an experiment as a value, its run, and its report."""

from mcollapse.reproducing.checks import AbstractCheck as AbstractCheck
from mcollapse.reproducing.checks import Less as Less
from mcollapse.reproducing.checks import Lowest as Lowest
from mcollapse.reproducing.checks import Reading as Reading
from mcollapse.reproducing.checks import Slope as Slope
from mcollapse.reproducing.checks import Time as Time
from mcollapse.reproducing.curves import Results as Results
from mcollapse.reproducing.findings import Finding as Finding
from mcollapse.reproducing.running import Reproduction as Reproduction
from mcollapse.reproducing.running import reproduce as reproduce
from mcollapse.reproducing.values import Arm as Arm
from mcollapse.reproducing.values import Experiment as Experiment
from mcollapse.reproducing.values import Figure as Figure
from mcollapse.reproducing.values import Paper as Paper
from mcollapse.reproducing.values import Replicates as Replicates
