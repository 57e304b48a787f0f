"""Values as plain data and back: what a saved run says of its process.

A value of one of our classes becomes `{"name": "mixture", "real_share": 0.1, ...}`: the same words as in
a specification file. A class of the user's own is described too, by its module, but not rebuilt.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import numpy as np

from mcollapse import families, metrics, recording
from mcollapse.abstract_process import AbstractProcess
from mcollapse.names import (
    SECTIONS,
    kebab,
    other_processes,
    parameter_classes,
    reducers,
    section_classes,
)
from mcollapse.process import RecursiveTraining


class NotRebuilt(ValueError):
    """A class of the user's own, which a saved run names but does not hold."""


def describe(value: Any) -> Any:
    """Plain data (numbers, lists, dictionaries) that say what a value is."""
    if isinstance(value, eqx.Module):
        if isinstance(value, families.Covariance):
            return describe(value.matrix)
        fields = {
            field.name: describe(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not field.metadata.get("derived")
        }
        own = type(value).__module__.split(".")[0] == "mcollapse"
        name = kebab(type(value).__name__) if own else f"{type(value).__module__}:{type(value).__qualname__}"
        return {"name": name} | {key: item for key, item in fields.items() if item is not None}
    if isinstance(value, dict):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, recording.Every):
        return {"every": value.step}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if callable(value):
        name = getattr(value, "__qualname__", type(value).__name__)
        module = getattr(value, "__module__", "")
        return name if module == "mcollapse.metrics" else f"{module}:{name}"
    return np.asarray(value).tolist()


def rebuild(section: str, data: dict[str, Any]) -> Any:
    """The value that `describe` described, for a section of a process."""
    return _made(section_classes(section), section, data)


def _made(known: Mapping[str, type], what: str, data: dict[str, Any]) -> Any:
    name = data["name"]
    if name not in known:
        raise NotRebuilt(
            f"the {what} {name!r} is not one of mcollapse's, so it cannot be rebuilt from a saved run: "
            "compare in the session that ran it"
        )
    arguments = {key: _rebuilt(item) for key, item in data.items() if key != "name"}
    foreign = [own for item in arguments.values() if (own := _own(item)) is not None]
    if foreign:
        raise NotRebuilt(
            f"the {what} {name!r} has a class or a function of the user's, {foreign[0]!r}, and cannot be "
            "rebuilt from a saved run: compare in the session that ran it"
        )
    return known[name](**arguments)


def _own(item: Any) -> str | None:
    """What a user's own function or class is called in a description: `module:name`."""
    name = item.get("name") if isinstance(item, dict) else item
    return name if isinstance(name, str) and ":" in name else None


def _rebuilt(item: Any) -> Any:
    """A schedule, or an estimator inside another, is a value of its own class; so are parameters."""
    if not isinstance(item, dict):
        return item
    name, params = item.get("name"), parameter_classes()
    if name in params:
        return params[name](**{key: value for key, value in item.items() if key != "name"})
    section = next((section for section in SECTIONS if name in section_classes(section)), None)
    return item if section is None else rebuild(section, item)


def rebuild_process(data: dict[str, Any]) -> AbstractProcess:
    """A process from its description."""
    if data["name"] != "recursive-training":
        return _made(other_processes(), "process", data)
    parts = {section: rebuild(section, data[section]) for section in SECTIONS if section in data}
    bias = {"bias": rebuild("sizes", data["bias"])} if "bias" in data else {}
    return RecursiveTraining(**parts, **bias, path=data.get("path", "auto"))


def rebuild_record(data: dict[str, Any]) -> recording.Record:
    """A record from its description; a user's own metric comes back as a name that cannot be called."""
    described = data["metric"]
    name = described["name"] if isinstance(described, dict) else described
    if name == "above":
        metric = metrics.Above(_metric(described["metric"]), described["threshold"])
    elif name == "downstream" and not {"family", "change"} & set(described):
        metric = _downstream(described)
    else:
        metric = _metric(name)
    reduce = dict(data["reduce"])
    at = data.get("at")
    at = recording.every(at["every"]) if isinstance(at, dict) else at
    return recording.Record(metric, at=at, reduce=reducers()[reduce.pop("name")](**reduce))


def _downstream(described: dict[str, Any]) -> Any:
    try:
        estimator = rebuild("estimator", described["estimator"])
    except NotRebuilt:
        return _metric(described)
    return metrics.Downstream(_metric(described["metric"]), described["size"], estimator)


def _metric(described: Any) -> Any:
    name = described["name"] if isinstance(described, dict) else described
    found = vars(metrics).get(name)
    if getattr(found, "__module__", None) == metrics.__name__ and not name.startswith("_"):
        return found

    def unknown(*_: Any) -> Any:
        raise ValueError(f"the metric {name} is not one of mcollapse's and was not saved with the run")

    return unknown
