"""Decoders: how a model's output differs from its law, one a file."""

from mcollapse.decoders.as_is import AsIs as AsIs
from mcollapse.decoders.base import AbstractDecoder as AbstractDecoder
from mcollapse.decoders.temperature import Temperature as Temperature
from mcollapse.decoders.truncation import Nucleus as Nucleus
from mcollapse.decoders.truncation import Top as Top
from mcollapse.decoders.variance_factor import VarianceFactor as VarianceFactor
