"""Digests of a user's own code, so that a function that was edited is not taken for the one of the same name.

What a function finds in its module under a name, it may find changed: only its own code is looked at, and
what it closes over. Another minor version of Python compiles to other code, and so is another function.
"""

import hashlib
import types
from typing import Any

import equinox as eqx
import numpy as np

OURS = ("mcollapse", "equinox", "jax", "builtins", "abc", "collections", "typing")


def digest(value: Any) -> str | None:
    """Of a function or of the class of a module, if a user wrote it; `None` of what comes with a version."""
    if isinstance(value, types.FunctionType):
        return None if _is_ours(value) else _short(_function(value, set()))
    if isinstance(value, eqx.Module):
        own = [cls for cls in type(value).__mro__ if not _is_ours(cls)]
        parts = [f"{n}:{_function(f, set())}" for cls in own for n, f in sorted(_functions(cls).items())]
        return _short("\n".join(parts)) if parts else None
    return None


def _is_ours(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).split(".")[0] in OURS


def _functions(cls: type) -> dict[str, types.FunctionType]:
    """Methods that the class itself defines, taken out of what equinox wraps them in."""
    found = {}
    for name, attribute in vars(cls).items():
        inner = (
            attribute.fget if isinstance(attribute, property) else getattr(attribute, "__func__", attribute)
        )
        inner = getattr(inner, "method", inner)
        inner = getattr(inner, "__wrapped__", inner)
        if isinstance(inner, types.FunctionType) and not _is_ours(inner):
            found[name] = inner
    return found


def _function(function: types.FunctionType, seen: set[int]) -> str:
    """Its code, defaults and what it closes over, as text that is the same in every process."""
    if id(function) in seen:
        return "again"
    seen.add(id(function))
    cells = [_said(cell.cell_contents, seen) for cell in function.__closure__ or ()]
    defaults = [_said(value, seen) for value in function.__defaults__ or ()]
    return f"{_code(function.__code__, function.__doc__)}{cells}{defaults}"


def _code(code: types.CodeType, doc: str | None) -> str:
    constants = [_constant(c) for c in code.co_consts if c is None or c != doc]
    return f"{code.co_code.hex()}{constants}{code.co_names}"


def _constant(value: Any) -> str:
    if isinstance(value, types.CodeType):
        return _code(value, None)
    # the order of a set differs from process to process
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def _said(value: Any, seen: set[int]) -> str:
    if isinstance(value, types.FunctionType):
        return "ours" if _is_ours(value) else _function(value, seen)
    if isinstance(value, bool | int | float | str | bytes | type(None) | tuple):
        return repr(value)
    if hasattr(value, "dtype"):
        array = np.asarray(value)
        return f"{array.dtype}{array.shape}{_short(array.tobytes().hex())}"
    return type(value).__qualname__  # of other things a text would not be the same in every process


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
