"""What a host refuses before anything runs: parts, truths and sizes that make no sense together."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from mcollapse import random
from mcollapse.decoders import AsIs
from mcollapse.estimators import MaximumLikelihood
from mcollapse.families import Categorical
from mcollapse.families.base import Truth, offers
from mcollapse.pools import Newest, RealAndNewest
from mcollapse.schedules import AbstractAdaptive, SteadyImprovement
from mcollapse.sources import Mixture

if TYPE_CHECKING:
    from mcollapse.process import RecursiveTraining

Start = Literal["real", "truth"]


def check_start(start: Start) -> None:
    """A run starts from a fit to real points or from the truth."""
    if start not in ("real", "truth"):
        raise ValueError(f'start is "real" (a fit to n_0 real points) or "truth", got {start!r}')


def check_truth(process: "RecursiveTraining", truth: Truth, start: Start) -> None:
    """The truth is a point of its family, and can be what the process starts from."""
    expected = getattr(truth.family, "Params", None)
    if expected is not None and not isinstance(truth.params, expected):
        raise ValueError(
            f"the truth of a {truth.family.name} is a {truth.family.name}.Params, got "
            f"{type(truth.params).__name__}; a truth of another family is mc.Truth(family, params)"
        )
    if type(truth.family) is type(process.family):
        process.family.check_truth(truth.family)
    if start == "truth" and type(truth.family) is not type(process.family):
        raise ValueError(
            f'start="truth" makes the truth the first model, but a {truth.family.name} truth is no '
            f'{process.family.name}; use start="real"'
        )
    if start == "truth":
        _check_first_model(process, truth)
    if start == "truth" and process.estimator.remembers:
        raise ValueError(
            f"estimators.{type(process.estimator).__name__} builds on the real points of generation 0, and "
            'start="truth" has none; use start="real"'
        )
    if start == "truth" and process.pool.keeps_real:
        raise ValueError(
            f'pools.{type(process.pool).__name__} keeps the real points of generation 0, and start="truth" '
            'has none; use start="real"'
        )
    if process.bias is not None and not offers(truth.family, "shifted"):
        raise ValueError(
            f"bias moves the mean of real points, and a {truth.family.name} whose mean is moved is not one: "
            "use families.Gaussian, MultivariateGaussian or LinearRegression"
        )
    truth.family.check(truth.params)


def _check_first_model(process: "RecursiveTraining", truth: Truth) -> None:
    """A truth with a family of its own is a point of the one that is fitted, too."""
    try:
        process.family.check(truth.params)
    except ValueError as error:
        if truth.family is process.family:
            raise
        raise ValueError(
            f'start="truth" makes the truth the first model, but it is no law of {process.family}: use '
            f'start="real", which fits what the truth is not, or the family of the truth, {truth.family}'
        ) from error


def check_type(name: str, value: object, contract: type) -> None:
    """A part of a process is a value of its contract."""
    if isinstance(value, contract):
        return
    plural = {"family": "families"}.get(name, f"{name}s")
    if isinstance(value, type) and issubclass(value, contract):
        raise ValueError(f"{name} is the class {value.__name__}, not a value of it: write {value.__name__}()")
    raise ValueError(f"{name} must be one of mcollapse.{plural}, got {type(value).__name__}: {value!r}")


def check_adaptive(process: "RecursiveTraining") -> None:
    """Sizes that read the model are known to nobody before the run."""
    sizes = process.sizes
    if not isinstance(sizes, AbstractAdaptive):
        return
    if isinstance(sizes, SteadyImprovement):
        _check_improvement(process)
    for part in (process.source, process.pool):
        if part.fixes_sizes:
            raise ValueError(
                f"schedules.{type(sizes).__name__} chooses sizes as it goes, but {type(part).__name__} needs "
                'them before the run: use sources.Mixture(counts="random"), LastModel() or PastModels(), '
                "with a pool other than Subsample"
            )


def _check_improvement(process: "RecursiveTraining") -> None:
    """The recursion that the rule inverts holds of one regime."""
    named = {"family": Categorical, "estimator": MaximumLikelihood, "source": Mixture, "pool": Newest}
    for name, one in (named | {"decoder": AsIs}).items():
        if type(getattr(process, name)) is not one:
            raise ValueError(
                "schedules.SteadyImprovement inverts the risk of proportions of the newest batch with fresh "
                f"real points: its {name} is {one.__name__}, got {type(getattr(process, name)).__name__}; "
                "for others write a rule of your own, a schedules.AbstractAdaptive"
            )


def check_sizes(
    process: "RecursiveTraining", batches: np.ndarray, fitted: np.ndarray, start: Start, truth: Truth | None
) -> None:
    """No fit has too few points, and no count too many for the precision."""
    least = process.estimator.fewest(process.family)
    first = 0 if start == "real" else 1
    few = np.flatnonzero(fitted[first:] < least) + first
    if few.size:
        raise ValueError(
            f"{type(process.estimator).__name__} of a {process.family.name} needs at least {least} points, "
            f"but the fit of generation {few[0]} has {fitted[few[0]]}: make the sizes larger"
        )
    largest = process.family.largest_count(None if truth is None else truth.params)
    if largest is None:
        return
    # a subsample is drawn from all points so far, and a pool of the user's own may keep them all
    of_one_batch = isinstance(process.pool, Newest | RealAndNewest)
    counted = fitted[first:] if of_one_batch else np.cumsum(batches[first:], dtype=np.int64)
    over = np.flatnonzero(counted > largest)
    if over.size:
        of_counts = largest == random.largest_count()
        reason = "this precision counts exactly" if of_counts else "their sum can be drawn"
        raise ValueError(
            f"generation {over[0] + first} counts {int(counted[over[0]]):,} points, "
            f"and {reason} up to {largest:,}: "
            "use smaller sizes" + (random.how_to_count_further() if of_counts else "")
        )
