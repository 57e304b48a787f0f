"""Compute something once, where a compiler would compute it again for each result that needs it.

XLA on a CPU fuses a producer into every one of its consumers, so that a random draw that feeds three
results is drawn three times, and compiled three times. At a branch its fusions end: one that is always taken,
which the compiler cannot know, is computed once. On other backends, which fuse several results into one
kernel, it is left as it is.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def once(function: Callable[..., Any], *arguments: Any) -> Any:
    """`function(*arguments)`, computed once on a CPU however many results use it."""
    return jax.lax.platform_dependent(
        *arguments, cpu=lambda *args: _in_a_branch(function, *args), default=lambda *args: function(*args)
    )


def _in_a_branch(function: Callable[..., Any], *arguments: Any) -> Any:
    shapes = jax.eval_shape(function, *arguments)
    always = jax.lax.optimization_barrier(jnp.asarray(True))
    return jax.lax.cond(
        always,
        lambda: function(*arguments),
        lambda: jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes),
    )
