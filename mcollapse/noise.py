"""Noise first: splits a step into noise, which keys and the generation alone determine, and update.

XLA on a CPU fuses a producer into each of its consumers: a random draw that feeds a mean, a variance and a
status is drawn three times. Here the step is traced, what does not depend on the state is found, and every
scalar of it that the rest needs becomes the noise of a generation. A program computes the noise one
generation ahead and carries it through its loop, where it is computed once. Numbers are those of the plain
step, and whoever writes a family knows nothing of all this.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array

from mcollapse.packing import pack, pack_tree, packable, unpack, unpack_tree

Words = tuple[Array, Array]
Noise = Callable[[Words, Array], tuple[Array, ...]]
Update = Callable[[tuple[Array, ...], Any, Words, Array], Any]

MOST_NUMBERS = 8
"""Of a generation's noise at most: where there are more they come from loops, which XLA computes once."""

CALLS = (
    "jit",
    "pjit",
    "closed_call",
    "core_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "remat",
    "checkpoint",
)
"""Primitives that only wrap equations; loops and branches are left whole."""


@dataclasses.dataclass(frozen=True)
class Loop:
    """A process as what one lane carries through a loop over generations."""

    begin: Callable[[Words], Any]
    """What is carried at generation 0, from the words of the replicate's key."""
    advance: Callable[[Any, Words, Array], Any]
    """What is carried at generation t, from that of t - 1."""
    state: Callable[[Any], Any]
    """The state in what is carried."""


def plain(start: Callable[[Words], Any], step: Callable[[Any, Words, Array], Any]) -> Loop:
    """The state alone is carried."""
    return Loop(start, step, lambda carried: carried)


def noise_first(start: Callable[[Words], Any], step: Callable[[Any, Words, Array], Any]) -> Loop:
    """The state is carried packed, with the noise of the next generation; `plain` where that would not pay.

    It pays where most of the work is noise, as for a Gaussian, whose draws are done before a model is known.
    A binomial count of a model's own probability is work of the update, and the noise its words alone. Nor
    does it pay for the many numbers of a vector or a matrix, each of which is packed by a kernel of its own.
    """
    word, t = jax.ShapeDtypeStruct((), np.uint32), jax.ShapeDtypeStruct((), np.int32)
    like = jax.eval_shape(start, (word, word))
    noise, update = split(step, like, (word, word), t)
    drawn = jax.eval_shape(noise, (word, word), t)
    if sum(1 + jnp.issubdtype(part.dtype, jnp.complexfloating) for part in drawn) > MOST_NUMBERS:
        return plain(start, step)
    ahead, rest = jax.make_jaxpr(noise)((word, word), t), jax.make_jaxpr(update)(drawn, like, (word, word), t)
    if _work(ahead.jaxpr) < _work(rest.jaxpr):
        return plain(start, step)

    def begin(words: Words) -> Any:
        return pack_tree(start(words)), noise(words, jnp.ones((), np.int32))

    def advance(carried: Any, words: Words, t: Array) -> Any:
        state = update(carried[1], unpack_tree(carried[0], like), words, t)
        return pack_tree(state), noise(words, t + 1)

    return Loop(begin, advance, lambda carried: unpack_tree(carried[0], like))


def split(step: Callable[[Any, Words, Array], Any], state: Any, words: Any, t: Any) -> tuple[Noise, Update]:
    """`step` in two: `step(state, words, t)` is `update(noise(words, t), state, words, t)`.

    `state`, `words` and `t` are shapes and types of the arguments.
    """
    leaves, structure = jax.tree.flatten(state)
    count = len(leaves)

    def flat(*arguments: Array) -> list[Array]:
        *words, t = arguments[count:]
        return jax.tree.leaves(
            step(jax.tree.unflatten(structure, arguments[:count]), (words[0], words[1]), t)
        )

    jaxpr = _inlined(jax.make_jaxpr(flat)(*leaves, *words, t))
    inputs = jaxpr.jaxpr.invars
    drawn = _frontier(jaxpr.jaxpr, set(inputs[:count]), set(inputs[count:-1]))
    result = jax.tree.structure(jax.eval_shape(step, state, words, t))

    def noise(words: Words, t: Array) -> tuple[Array, ...]:
        return pack(_evaluated(jaxpr, dict(zip(inputs[count:], [*words, t], strict=True)), drawn))

    def update(packed: tuple[Array, ...], state: Any, words: Words, t: Array) -> Any:
        known = dict(zip(inputs, [*jax.tree.leaves(state), *words, t], strict=True))
        known |= dict(zip(drawn, unpack(packed, [v.aval for v in drawn]), strict=True))
        return jax.tree.unflatten(result, _evaluated(jaxpr, known, jaxpr.jaxpr.outvars))

    return noise, update


def _inlined(closed: Any) -> Any:
    """The same equations without the calls around them."""
    avals = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in closed.jaxpr.invars]
    return jax.make_jaxpr(lambda *arguments: _flattened(closed.jaxpr, closed.consts, arguments))(*avals)


def _flattened(jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    known = dict(zip(jaxpr.constvars, consts, strict=True)) | dict(zip(jaxpr.invars, arguments, strict=True))
    for equation in jaxpr.eqns:
        inner = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
        if equation.primitive.name in CALLS and inner is not None:
            values = [_value(known, v) for v in equation.invars]
            results = _flattened(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), values)
        else:
            results = _applied(equation, known)
        known.update(zip(equation.outvars, results, strict=True))
    return [_value(known, v) for v in jaxpr.outvars]


def _frontier(jaxpr: Any, state: set[Any], lane: set[Any]) -> list[Any]:
    """The numbers, one for each lane, that what depends on the state needs of what does not; in order.

    Arrays that it needs are computed there again, from numbers. So is what all lanes share, which is cheap.
    """
    late, early, producer = set(state), set(), {}
    for equation in jaxpr.eqns:
        inputs = _variables(equation.invars)
        if inputs & late:
            late.update(equation.outvars)
        elif inputs & (early | lane):
            early.update(equation.outvars)
            producer.update((v, equation) for v in equation.outvars)
    uses = [e.invars for e in jaxpr.eqns if late & set(e.outvars)]
    waiting = [v for variables in [*uses, jaxpr.outvars] for v in _variables(variables) & early]
    found: set[Any] = set()
    while waiting:
        variable = waiting.pop()
        if variable not in found:
            found.add(variable)
            if not packable(variable.aval):
                waiting += _variables(producer[variable].invars) & early
    return [v for e in jaxpr.eqns for v in e.outvars if v in found and packable(v.aval)]


def _work(jaxpr: Any) -> int:
    """How many equations are evaluated: a loop of unknown length once, every branch, but of one platform."""
    return sum(1 + e.params.get("length", 1) * sum(_work(part) for part in _inner(e)) for e in jaxpr.eqns)


def _inner(equation: Any) -> list[Any]:
    if equation.params.get("branches_platforms"):  # as `once` has them
        return [equation.params["branches"][0].jaxpr]
    values = equation.params.values()
    every = [item for value in values for item in (value if isinstance(value, tuple) else (value,))]
    return [part.jaxpr for part in every if hasattr(part, "jaxpr")]


def _variables(atoms: Sequence[Any]) -> set[Any]:
    return {atom for atom in atoms if not isinstance(atom, core.Literal)}


def _evaluated(closed: Any, known: dict[Any, Any], wanted: Sequence[Any]) -> list[Any]:
    """The wanted variables from those that are known, by the equations that are needed and no others."""
    known = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True)) | known
    needed, chosen = _variables(wanted) - set(known), []
    for equation in reversed(closed.jaxpr.eqns):
        if needed & set(equation.outvars):
            chosen.append(equation)
            needed |= _variables(equation.invars) - set(known)
    for equation in reversed(chosen):
        results = zip(equation.outvars, _applied(equation, known), strict=True)
        known.update((v, value) for v, value in results if v not in known)
    return [jnp.asarray(_value(known, v), v.aval.dtype) for v in wanted]  # a constant may be a literal


def _applied(equation: Any, known: dict[Any, Any]) -> list[Any]:
    bound = equation.primitive.get_bind_params(equation.params)
    functions, parameters = bound if isinstance(bound, tuple) else ((), bound)  # older versions of JAX: both
    values = [_value(known, v) for v in equation.invars]
    results = equation.primitive.bind(*functions, *values, **parameters)
    return list(results) if equation.primitive.multiple_results else [results]


def _value(known: dict[Any, Any], variable: Any) -> Any:
    return variable.val if isinstance(variable, core.Literal) else known[variable]
