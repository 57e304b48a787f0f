"""A run on a disk: results while it goes on, checkpoints, and how it stops and goes on."""

from mcollapse.storing.interruption import Interrupted as Interrupted
from mcollapse.storing.interruption import signal_of as signal_of
from mcollapse.storing.interruption import terminable as terminable
from mcollapse.storing.resuming import resume as resume
from mcollapse.storing.store import Store as Store
