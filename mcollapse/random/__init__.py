"""Random draws without rejection: fast, accurate to a stated distance, independent from lane to lane."""

from .chi_squares import log_chi_square as log_chi_square
from .chi_squares import normal_and_log_chi_square as normal_and_log_chi_square
from .key import Key as Key
from .normals import normal as normal
from .normals import normal_pair as normal_pair
from .uniforms import bernoulli as bernoulli
from .uniforms import bits as bits
from .uniforms import uniform as uniform
