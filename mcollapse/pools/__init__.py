"""Pools: which data so far a model is trained on, one a file."""

from mcollapse.pools.base import AbstractPool as AbstractPool
from mcollapse.pools.everything import All as All
from mcollapse.pools.newest import Newest as Newest
from mcollapse.pools.real_and_newest import RealAndNewest as RealAndNewest
from mcollapse.pools.real_only import RealOnly as RealOnly
from mcollapse.pools.subsample import Subsample as Subsample
from mcollapse.pools.window import Window as Window
