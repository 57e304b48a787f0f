"""What decides the numbers of a run: a stored run is gone on with by the same alone."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np

from mcollapse.abstract_process import AbstractProcess
from mcollapse.families.base import Truth
from mcollapse.recording import Record
from mcollapse.storing.code import digest

DECIDE = (
    "process", "truth_family", "records", "generations", "start", "key", "sweep", "dtype", "platform",
    "draws", "mcollapse", "jax", "jaxlib",
)  # fmt: skip
"""Attributes of a run; not its replicates, of which there may be more, nor chunks, devices and processes."""


def fingerprint(
    attributes: dict[str, Any], process: AbstractProcess, truth: Truth, records: Mapping[str, Record]
) -> dict[str, Any]:
    """Plain data that are equal where the numbers of two runs are."""
    filled_in = {"process": _filled_in(process), "truth_family": _filled_in(truth.family)}
    parts = {"process": process, "truth_family": truth.family, "records": dict(records)}
    found = {name: attributes[name] for name in DECIDE} | {"truth": _digests(truth.params)}
    found["axes"] = list(attributes["sweep"])  # cells are named by their values in this order
    return json.loads(json.dumps(found | {"filled_in": filled_in, "code": _code(parts)}))


def _code(value: Any) -> Any:
    """Digests of functions and classes of a user's own, by where they are; `None` where there are none."""
    fields = dataclasses.fields(value) if isinstance(value, eqx.Module) else ()
    inner = value if isinstance(value, dict) else {field.name: getattr(value, field.name) for field in fields}
    found = {name: said for name, part in inner.items() if (said := _code(part))}
    own = digest(value)
    return found | ({"class": own} if own else {}) if found else own


def _filled_in(value: Any) -> dict[str, Any]:
    """Digests of fields that no description names, such as the n-grams of a text."""
    found: dict[str, Any] = {}
    if isinstance(value, eqx.Module):
        for field in dataclasses.fields(value):
            inner = getattr(value, field.name)
            parts = _digests(inner) if field.metadata.get("derived") else _filled_in(inner)
            found |= {field.name: parts} if parts else {}
    return found


def _digests(params: Any) -> dict[str, str]:
    found = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        if isinstance(leaf, str):
            continue
        name = jax.tree_util.keystr(path, simple=True, separator=".") or "params"
        array = np.asarray(leaf)
        small = array.size <= 4 and array.dtype != object
        digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
        found[name] = str(array.tolist()) if small else f"{array.dtype}{list(array.shape)} {digest}"
    return found


def differences(stored: Any, asked: Any, path: str = "") -> Iterator[str]:
    """Where two fingerprints differ, as `process.sizes.scale: 500 in the store, 600 asked for`."""
    if isinstance(stored, dict) and isinstance(asked, dict):
        for name in [*stored, *(n for n in asked if n not in stored)]:
            inner = f"{path}.{name}" if path else str(name)
            yield from differences(stored.get(name), asked.get(name), inner)
    elif stored != asked:
        yield f"{path}: {_said(stored)} in the store, {_said(asked)} asked for"


def _said(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + "…"
