"""What specifications and saved runs call things: our classes by their own names, as `maximum-likelihood`."""

import re
from types import ModuleType

import equinox as eqx

from mcollapse import (
    decoders,
    estimators,
    families,
    pools,
    processes,
    recording,
    schedules,
    sources,
)

SECTIONS: dict[str, ModuleType] = {
    "family": families,
    "estimator": estimators,
    "sizes": schedules,
    "source": sources,
    "decoder": decoders,
    "pool": pools,
}
"""The parts of a recursive training, each with the module that its classes are in."""


def kebab(name: str) -> str:
    """`MaximumLikelihood` as `maximum-likelihood`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def classes(module: ModuleType) -> dict[str, type]:
    """The final classes that a module exports, by their kebab-case names."""
    exported = {
        kebab(name): value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, eqx.Module) and not name.startswith("Abstract")
    }
    return {name: value for name, value in exported.items() if name not in ("truth", "covariance")}


def section_classes(section: str) -> dict[str, type]:
    """The classes that a part of a recursive training may have."""
    return classes(SECTIONS[section])


def other_processes() -> dict[str, type]:
    """Processes that are no recursive training."""
    return classes(processes)


def parameter_classes() -> dict[str, type]:
    """The parameters of our families."""
    found = (getattr(family, "Params", None) for family in classes(families).values())
    return {kebab(params.__name__): params for params in found if params is not None}


def reducers() -> dict[str, type]:
    """What may be kept of a metric."""
    return {n: c for n, c in classes(recording).items() if issubclass(c, recording.AbstractReducer)}
