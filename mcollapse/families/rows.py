"""Rows that a family is fitted to: of the right shape, and floating-point numbers."""

import jax.numpy as jnp

from mcollapse.data import Samples
from mcollapse.families.base import AbstractFamily


def check_rows(family: AbstractFamily, samples: Samples, shape: tuple[int, ...], remedy: str = "") -> None:
    """Refuse rows that are not of a shape: `()` for numbers, `(d,)` for vectors."""
    got = samples.rows.shape[1:]
    if got == shape:
        return
    dimension = f" of dimension {family.dimension}" if hasattr(family, "dimension") else ""  # type: ignore[attr-defined]
    wanted = f"rows of {shape[0]} numbers" if shape else "numbers"
    raise ValueError(
        f"a {family.name}{dimension} is fitted to {wanted}, and these rows have shape {list(got)}{remedy}"
    )


def floating(samples: Samples) -> Samples:
    """Numbers as floating-point ones, counts of another truth among them."""
    return Samples(samples.rows.astype(jnp.result_type(float)), samples.weights)
