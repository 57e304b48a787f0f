"""Specification files: an experiment as TOML, validated before anything runs.

Sections are the arguments of `simulate` and `RecursiveTraining`, `name` picks the class and the rest are
its fields. A misspelled key is answered with the nearest one that exists.
"""

import abc
import dataclasses
import difflib
import inspect
import pathlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import equinox as eqx
import numpy as np
import pydantic
from pydantic import BeforeValidator, ConfigDict, NonNegativeInt, PositiveInt

from mcollapse import decoders, estimators, families, metrics, pools, recording, schedules, sources
from mcollapse.abstract_process import AbstractProcess
from mcollapse.names import classes, other_processes, reducers
from mcollapse.process import RecursiveTraining
from mcollapse.running.until import Until, until

METRICS = tuple(
    name
    for name, value in vars(metrics).items()
    if callable(value) and getattr(value, "__module__", "") == "mcollapse.metrics" and name.islower()
    and not name.startswith("_") and name not in ("number", "standard")
)  # fmt: skip

PROCESSES = {
    name: process
    for name, process in other_processes().items()
    if issubclass(process, AbstractProcess) and process.truths is not None
}
"""The processes whose arguments are numbers and words."""


class SpecificationError(ValueError):
    """A specification that cannot be run, with every fault that was found."""


def check_keys(data: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Refuse unknown keys, with the nearest known one as a suggestion."""
    known = list(allowed)
    for key in data:
        if key in known:
            continue
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known) or 'none'}"
        raise ValueError(f"{where} has no key {key!r}; {hint}")


def pick(name: object, known: Mapping[str, Any] | Iterable[str], what: str) -> str:
    """A known name, or an error that suggests the nearest."""
    names = list(known)
    if isinstance(name, str) and name in names:
        return name
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
    raise ValueError(f"there is no {what} {name!r}; {hint}")


def _component(known: Mapping[str, type], what: str, extra: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """A validator that builds a value of one of the known classes from `{name = …, fields …}`."""

    def build(data: Any) -> Any:
        if isinstance(data, eqx.Module):
            return data
        if isinstance(data, str):
            data = {"name": data}
        if not isinstance(data, Mapping) or "name" not in data:
            raise ValueError(f'a {what} is a section with a name, such as name = "{next(iter(known))}"')
        cls = known[pick(data["name"], known, what)]
        names = [f.name for f in dataclasses.fields(cls) if not f.metadata.get("derived")]
        check_keys(
            {k: v for k, v in data.items() if k not in ("name", *extra)},
            names,
            f"the {what} {data['name']!r}",
        )
        arguments = {k: v for k, v in data.items() if k in names}
        missing = [
            f.name for f in dataclasses.fields(cls)
            if f.name in names and f.name not in data
            and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        ]  # fmt: skip
        if missing:
            raise ValueError(f"the {what} {data['name']!r} needs {missing[0]!r}")
        fields = _model(cls)(**arguments)
        return cls(**{name: getattr(fields, name) for name in arguments})

    return build


def _schedule(value: Any) -> Any:
    return _component(classes(schedules), "schedule")(value) if isinstance(value, Mapping) else value


Schedule = Annotated[Any, BeforeValidator(_schedule)]


def _model(cls: type) -> type[pydantic.BaseModel]:
    """A pydantic model of a component's fields: numbers, words, or schedules."""
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if get_origin(field.type) is Literal or field.type in (int, bool, str, int | None):
            kind: Any = field.type
        elif str in get_args(field.type):
            kind = float | str
        elif "AbstractSchedule" in str(field.type):
            kind = Schedule
        elif "AbstractEstimator" in str(field.type):
            kind = Annotated[Any, BeforeValidator(_component(classes(estimators), "estimator"))]
        else:
            kind = float | list[float] | list[list[float]] | None
        fields[field.name] = (kind, None)
    return pydantic.create_model(cls.__name__, __config__=ConfigDict(arbitrary_types_allowed=True), **fields)


def _record(name: str, data: Any) -> recording.Record:
    if data is True or data == {}:
        data = {}
    if isinstance(data, str):
        data = {"reduce": data}
    if not isinstance(data, Mapping):
        raise ValueError(
            f'record.{name} is a section such as {{ at = "log", reduce = "moments" }}, got {data!r}'
        )
    check_keys(data, ("metric", "at", "reduce", "above"), f"record.{name}")
    metric = getattr(metrics, pick(data.get("metric", name), METRICS, "metric"))
    if "above" in data:
        metric = metrics.Above(metric, data["above"])
    return recording.Record(
        metric, at=_at(data.get("at")), reduce=_reducer(data.get("reduce", "moments"), name)
    )


def _at(value: Any) -> Any:
    if isinstance(value, Mapping):
        check_keys(value, ("every",), "at")
        return recording.every(value["every"])
    return value


def _reducer(value: Any, name: str) -> recording.AbstractReducer:
    data = {"name": value} if isinstance(value, str) else dict(value)
    chosen: Any = reducers()[pick(data.pop("name", None), reducers(), "reducer")]
    check_keys(data, [f.name for f in dataclasses.fields(chosen)], f"record.{name}.reduce")
    return chosen(**data)


def _truth(family: families.AbstractFamily, data: Any, folder: pathlib.Path, holder: str = "family") -> Any:
    params = family.Params  # type: ignore[attr-defined]
    if data is None:
        return family.standard_truth()
    if not isinstance(data, Mapping) or not data:
        raise ValueError(
            f"{holder}.truth is a table such as {{ {next(iter(_constructors(params)))} = … }}, got {data!r}"
        )
    if "text" in data and family.name == "Categorical":
        from mcollapse.datasets import read_text

        check_keys(data, ("text",), f"{holder}.truth")
        return read_text(folder / data["text"]).truth()
    if "csv" in data:
        return _of_table(params, data, folder, f"{holder}.truth")
    fields = [f.name for f in dataclasses.fields(params)]
    constructors = _constructors(params)
    check_keys(data, (*fields, *constructors), f"{holder}.truth")
    chosen = [name for name in data if name in constructors]
    if not chosen:
        return _called(params, data, f"{holder}.truth")
    if len(data) > 1:
        raise ValueError(
            f"{holder}.truth is either {chosen[0]} or {next(k for k in data if k != chosen[0])}, not both"
        )
    arguments = data[chosen[0]]
    if not isinstance(arguments, Mapping):
        first = next(iter(inspect.signature(constructors[chosen[0]]).parameters))
        arguments = {first: arguments}
    return _called(constructors[chosen[0]], arguments, f"{holder}.truth.{chosen[0]}")


def _of_table(params: Any, data: Mapping[str, Any], folder: pathlib.Path, where: str) -> Any:
    """A truth fitted to one or several columns of a user's CSV file."""
    from mcollapse.datasets import read_table

    check_keys(data, ("csv", "column"), where)
    asked = data.get("column")
    columns = [asked] if isinstance(asked, str) else asked
    if not isinstance(columns, list) or not columns or not all(isinstance(name, str) for name in columns):
        raise ValueError(f'{where} needs column = "name", or a list of names, beside csv, got {asked!r}')
    parameters = inspect.signature(getattr(params, "from_data", lambda: None)).parameters.values()
    if sum(parameter.default is parameter.empty for parameter in parameters) != 1:
        raise ValueError(
            f"{where}: {params.__name__} is not fitted to columns of a table; of a regression: mcollapse run "
            "--csv FILE --target NAME"
        )
    values = read_table(folder / data["csv"]).numbers(columns)
    values = values[:, 0] if isinstance(asked, str) else values
    whole = np.all(values == np.floor(values))  # labels of categories are whole numbers
    return params.from_data(values.astype(np.int64) if whole else values)


def _of_text(family: Any, data: Any, folder: pathlib.Path) -> tuple[Any, Any]:
    """A family that is made of a text, and what is then left to be said of its truth."""
    if not isinstance(family, families.MarkovText):
        return family, data
    if not isinstance(data, Mapping) or "text" not in data:
        raise ValueError(f'a markov-text needs family.truth = {{ text = "file.txt" }}, got {data!r}')
    from mcollapse.datasets import read_text

    check_keys(data, ("text",), "family.truth")
    return family.of(read_text(folder / data["text"]).sequence), None


def _called(function: Callable[..., Any], arguments: Mapping[str, Any], where: str) -> Any:
    """A constructor with the arguments of a section, which must be its own, complete, and numbers."""
    parameters = inspect.signature(function).parameters
    check_keys(arguments, parameters, where)
    for name, parameter in parameters.items():
        if name not in arguments and parameter.default is parameter.empty:
            raise ValueError(f"{where} needs {name!r}")
    for name, value in arguments.items():
        if not isinstance(value, int | float | list) or isinstance(value, bool):
            raise ValueError(f"{where}.{name} is a number or a list of numbers, got {value!r}")
    return function(**arguments)


def _constructors(params: type) -> dict[str, Callable[..., Any]]:
    """The class methods of a parameter class, as names of a specification (`from_counts` is `counts`)."""
    declared = {k: v for cls in reversed(params.__mro__) for k, v in vars(cls).items()}
    found = {
        k: getattr(params, k)
        for k, v in declared.items()
        if isinstance(v, classmethod) and not k.startswith("_")
    }
    return {name.removeprefix("from_"): method for name, method in found.items()}


def _replicates(value: Any) -> Any:
    """A number, or `{ until = "squared_error", relative = 0.01, at_most = 1_000_000 }`."""
    if not isinstance(value, Mapping):
        return value
    check_keys(value, ("until", "relative", "at_most"), "replicates")
    missing = [name for name in ("until", "relative", "at_most") if name not in value]
    if missing:
        raise ValueError(f"replicates need {missing[0]!r} where they are until a precision is reached")
    return until(value["until"], relative=value["relative"], at_most=value["at_most"])


Replicates = Annotated[PositiveInt | Until, BeforeValidator(_replicates)]


class AbstractSpecification(pydantic.BaseModel, abc.ABC):
    """What every experiment says, whatever its process."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    generations: PositiveInt
    replicates: Replicates
    seed: NonNegativeInt = 0
    start: Literal["real", "truth"] = "real"
    chunk: PositiveInt | None = None
    draws: Literal["fast", "jax"] = "fast"
    truth: Any = None
    record: dict[str, Any] = {}
    sweep: dict[str, list[float]] = {}

    @pydantic.field_validator("record", mode="after")
    @classmethod
    def _records(cls, value: dict[str, Any]) -> dict[str, recording.Record]:
        return {
            name: item if isinstance(item, recording.Record) else _record(name, item)
            for name, item in value.items()
        }

    @property
    def records(self) -> dict[str, recording.Record]:
        """What is kept: moments of the standard metrics, unless the file says otherwise."""
        return self.record or {
            n: recording.Record(m, reduce=recording.Moments()) for n, m in self._standard().items()
        }

    @abc.abstractmethod
    def _standard(self) -> dict[str, metrics.Metric]:
        """What is recorded where the file says nothing."""


class Specification(AbstractSpecification):
    """A whole experiment; see the README for an example."""

    family: Annotated[Any, BeforeValidator(_component(classes(families), "family", ("truth",)))]
    estimator: Annotated[Any, BeforeValidator(_component(classes(estimators), "estimator"))] = (
        estimators.MaximumLikelihood()
    )
    sizes: Schedule
    source: Annotated[Any, BeforeValidator(_component(classes(sources), "source"))] = sources.LastModel()
    decoder: Annotated[Any, BeforeValidator(_component(classes(decoders), "decoder"))] = decoders.AsIs()
    pool: Annotated[Any, BeforeValidator(_component(classes(pools), "pool"))] = pools.Newest()
    bias: Schedule = None
    path: Literal["auto", "statistics", "rows"] = "auto"

    @property
    def process(self) -> RecursiveTraining:
        """What is repeated."""
        return RecursiveTraining(
            family=self.family, estimator=self.estimator, sizes=self.sizes, source=self.source,
            decoder=self.decoder, pool=self.pool, bias=self.bias, path=self.path,
        )  # fmt: skip

    def _standard(self) -> dict[str, metrics.Metric]:
        return metrics.standard(self.family)

    @staticmethod
    def read(path: str | pathlib.Path) -> "Specification | ProcessSpecification":
        """A specification from a TOML file."""
        file = pathlib.Path(path)
        if not file.is_file():
            raise SpecificationError(f"there is no specification file at {file}")
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SpecificationError(f"{file} is not TOML: {error}") from error
        return Specification.parse(data, file.parent)

    @staticmethod
    def parse(
        data: Mapping[str, Any], folder: pathlib.Path = pathlib.Path()
    ) -> "Specification | ProcessSpecification":
        """A specification from plain data; relative paths in it start at `folder`."""
        cls = ProcessSpecification if "process" in data else Specification
        try:
            known = [name for name in cls.model_fields if name != "truth"]
            check_keys(data, known, "the specification")
            made = cls.model_validate(dict(data))
            holder = "family" if cls is Specification else "process"
            section = data[holder] if isinstance(data[holder], Mapping) else {}
            given = section.get("truth")
            if isinstance(made, Specification):
                made.family, given = _of_text(made.family, given, folder)
                made.truth = _truth(made.family, given, folder)
            else:
                made.truth = _truth(type(made.process).truths(), given, folder, holder)
            made.process  # noqa: B018  (a combination that makes no sense is refused here)
        except pydantic.ValidationError as error:
            raise SpecificationError("\n".join(_lines(error))) from error
        except (ValueError, TypeError) as error:
            raise SpecificationError(str(error)) from error
        return made


class ProcessSpecification(AbstractSpecification):
    """An experiment of another process than recursive training: its section is `[process]`."""

    process: Annotated[Any, BeforeValidator(_component(PROCESSES, "process", ("truth",)))]

    def _standard(self) -> dict[str, metrics.Metric]:
        return {name: getattr(metrics, name) for name in self.process.recorded}


def _lines(error: pydantic.ValidationError) -> list[str]:
    """One line a fault: where, what and how to mend it."""
    lines = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"])
        message = fault["msg"].removeprefix("Value error, ")
        given = "" if fault["type"] in ("missing", "value_error") else f", got {fault['input']!r}"
        lines.append(f"{where}: {message}{given}")
    return lines
