"""Schedules by a formula, or by a value for each stretch of generations."""

import equinox as eqx
import numpy as np

from mcollapse.schedules.base import AbstractSchedule, number


class Constant(AbstractSchedule):
    """The same value at every generation."""

    value: np.ndarray = eqx.field(converter=number)

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """`value` at every t."""
        return np.full(np.shape(t), self.value)


class Power(AbstractSchedule):
    r"""$\text{scale} \cdot (t + \text{shift})^{\text{exponent}}$; with shift 1, scale is the value at 0."""

    scale: np.ndarray = eqx.field(converter=number)
    exponent: np.ndarray = eqx.field(converter=number)
    shift: np.ndarray = eqx.field(converter=number, default=0.0)

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """The power law at t."""
        return self.scale * (np.asarray(t, np.float64) + self.shift) ** self.exponent


class Geometric(AbstractSchedule):
    r"""$\text{scale} \cdot \text{ratio}^t$."""

    scale: np.ndarray = eqx.field(converter=number)
    ratio: np.ndarray = eqx.field(converter=number)

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """The geometric law at t."""
        return self.scale * self.ratio ** np.asarray(t, np.float64)


class Arithmetic(AbstractSchedule):
    r"""$\text{first} + \text{step} \cdot t$."""

    first: np.ndarray = eqx.field(converter=number)
    step: np.ndarray = eqx.field(converter=number)

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """The straight line at t."""
        return self.first + self.step * np.asarray(t, np.float64)


class Piecewise(AbstractSchedule):
    """Value i from generation `starts[i]` on, until the next begins; `starts[0]` is 0."""

    starts: np.ndarray = eqx.field(converter=number)
    values: np.ndarray = eqx.field(converter=number)

    def __check_init__(self):
        """As many values as starts, which rise from 0 on and are whole."""
        starts, values = self.starts, self.values
        if not isinstance(starts, np.ndarray) or not isinstance(values, np.ndarray):
            return
        if starts.ndim != 1 or starts.shape != values.shape or starts.size == 0:
            raise ValueError(
                f"Piecewise needs a value for each start, got {starts.size} starts and {values.size} values"
            )
        if starts[0] != 0 or np.any(starts % 1) or np.any(np.diff(starts) <= 0):
            raise ValueError(f"Piecewise starts at generations that rise from 0 on, got {starts.tolist()}")

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """The value of the piece that t lies in."""
        return self.values[np.searchsorted(self.starts, np.asarray(t), side="right") - 1]
