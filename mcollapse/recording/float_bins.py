"""Bins of bounded relative width, read off the bits of a floating-point number."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

MOST_DIGITS = 10


@dataclasses.dataclass(frozen=True)
class FloatBins:
    r"""Every octave $[2^e, 2^{e+1})$ in $2^d$ bins of equal width.

    The number of a bin is the exponent and the first d binary digits of the fraction: a shift of the
    bits, with no logarithm and no rounding, so that every device agrees on it. The numbers keep order.
    Bin 0 holds zero and what is nearer to it than the smallest normal number; infinities and NaN have
    numbers of their own. With $k = 2^d + j$ the bin j of an octave is $[k, k + 1) 2^{e-d}$, and its
    harmonic centre differs from what it holds by at most the share $1/(2k + 1) \le 1/(2^{d+1} + 1)$.

    Arguments:
        digits: d.
        dtype: float32 or float64.
    """

    digits: int
    dtype: np.dtype

    @classmethod
    def within(cls, relative_error: float, dtype: np.dtype) -> "FloatBins":
        """The widest bins whose centres are never further off than `relative_error`."""
        wanted = (1 - 1e-12) / relative_error
        return cls(next(d for d in range(64) if 2 ** (d + 1) + 1 >= wanted), np.dtype(dtype))

    @property
    def relative_error(self) -> float:
        """The largest distance of a value from its bin's centre, as a share of the value."""
        return 1.0 / (2 ** (self.digits + 1) + 1)

    @property
    def last(self) -> int:
        """The number of the last bin; the one above it is infinity, and the next is NaN."""
        limits = np.finfo(self.dtype)
        return int(limits.maxexp - limits.minexp) << self.digits

    def number(self, values: Array) -> Array:
        """Device: the bins of values, as int16 where that is enough."""
        limits = np.finfo(self.dtype)
        kind = np.dtype(f"int{limits.bits}")
        bits = jax.lax.bitcast_convert_type(jnp.asarray(values, self.dtype), kind)
        size = bits & kind.type(np.iinfo(kind).max)
        place = (size >> kind.type(limits.nmant - self.digits)) - kind.type((1 << self.digits) - 1)
        place = jnp.maximum(place, 0)  # zero, and what is below the smallest normal number
        infinity = np.asarray(np.inf, self.dtype).view(kind)
        numbered = jnp.where(size > infinity, self.last + 2, jnp.where(bits < 0, -place, place))
        return numbered.astype(np.int16 if self.last + 2 <= np.iinfo(np.int16).max else np.int32)

    def edges(self, numbers: np.ndarray, whole: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Host: lower and upper edges of bins, in float64; of `whole` numbers, the first and the last."""
        place, limits = np.abs(numbers).astype(np.int64) - 1, np.finfo(self.dtype)
        exponent = limits.minexp + (place >> self.digits)
        near = np.ldexp(1.0 + (place & ((1 << self.digits) - 1)) / 2.0**self.digits, exponent)
        width = np.ldexp(2.0**-self.digits, exponent)
        far = near + np.minimum(width, np.finfo(np.float64).max - near)  # the last bin of all ends there
        if whole:
            near, far = np.ceil(near), np.ceil(far) - 1.0
        smallest = 0.0 if whole else float(limits.smallest_normal)
        lower = np.where(numbers > 0, near, np.where(numbers < 0, -far, -smallest))
        upper = np.where(numbers > 0, far, np.where(numbers < 0, -near, smallest))
        return lower, upper
