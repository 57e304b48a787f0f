r"""The contract of a family: what is a model, $p(x \mid \theta)$?

A family is written for one replicate and knows nothing of batches, devices or generations. The
smallest is three methods, `sample`, `statistics` and `maximum_likelihood`; `Bernoulli` is the
shortest complete example.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse.data import AbstractStatistics, Samples
from mcollapse.random import Key

Params = Any
Count = Int[Array, ""] | int
Numbers = Int[Array, "..."] | int
"""A number of points, or one for each place that a family has for them."""


class AbstractFamily(eqx.Module):
    """A parametric model: how it is sampled, summarised and fitted."""

    has_dispersion: ClassVar[bool] = False
    """Whether the fit estimates a variance, so that `ddof` means something."""
    recorded: ClassVar[tuple[str, ...]] = ("squared_error",)
    """Names in `mcollapse.metrics`: what is recorded of this family when nothing is said."""
    in_sequence: ClassVar[bool] = False
    """Whether points are drawn one after the other, each depending on the last, as the words of a text."""
    average_is_mixture: ClassVar[bool] = False
    """Whether `combine` of two models is the model that draws from one or the other."""

    @abc.abstractmethod
    def sample(self, key: Key, params: Params, count: Count, capacity: int) -> Samples:
        """`count` points (traced, 0 legal) in a buffer of `capacity` rows (static)."""

    def statistics(self, samples: Samples, like: Params) -> AbstractStatistics:
        """Sufficient statistics of rows; `like` is any parameter value, read for its shapes only.

        Optional: a family without sufficient statistics is fitted to its rows.
        """
        raise TypeError(f"{self.name} has no sufficient statistics")

    def sample_statistics(self, key: Key, params: Params, count: Count) -> AbstractStatistics:
        """Statistics of `count` points, drawn from their own law instead of from points.

        Optional, but it is what makes a generation cost the same at any sample size.
        """
        raise TypeError(f"{self.name} has no direct law of its sufficient statistics")

    @abc.abstractmethod
    def maximum_likelihood(self, data: Any, previous: Params, ddof: int = 0) -> tuple[Params, Int[Array, ""]]:
        """The estimate and its status; `previous` is kept where the data cannot be fitted."""

    def scattered(self, key: Key, real: Int[Array, ""], synthetic: Int[Array, ""]) -> tuple[Numbers, Numbers]:
        """How many of both are drawn where, if points have places and each is real or not by itself.

        It is given to `sample_statistics`; most families have one place for all points.
        """
        del key
        return real, synthetic

    @property
    def drawn_as_rows(self) -> bool:
        """Whether points can be drawn one by one, with `sample`."""
        return True

    @property
    def kept_as_counts(self) -> bool:
        """Whether counts of categories are all that a fit needs of its points."""
        return offers(self, "probabilities") and offers(self, "statistics")

    def settle(self, key: Key, capacity: int | None) -> "AbstractFamily":
        """The family with everything that a replicate draws only once (a design, say)."""
        del key, capacity
        return self

    def unsettled(self) -> "AbstractFamily":
        """The family for points that are not a replicate's own batches: with fresh draws of all."""
        return self

    def blank(self, truth: Params, capacity: int | None) -> Params:
        """Parameters of the right shapes before any fit; `truth` may be of another family."""
        del capacity
        return jax.tree.map(jnp.zeros_like, truth)

    def accepted(self, samples: Samples) -> Samples:
        """Rows of any truth as rows that this family is fitted to; refused where that cannot be."""
        return samples

    def first_model(self, truth: Params, blank: Params) -> Params:
        """The truth as the model of generation 0, in the shapes of all models; `blank` has those of a fit."""
        del blank
        return truth

    def resampled(self, truth: Params, most: int) -> "AbstractFamily | None":
        """Host: the same models kept as the samples that they are fitted to, where that is faster.

        Asked where a model is nothing but the maximum-likelihood fit to at most `most` points of the model
        before it, and only ever sampled; `truth` is of this family. `None`: there is no such form.
        """
        del truth, most
        return None

    def seen(self, resampled: Any, kept: Any, truth: Params) -> Params:
        """The parameters of a model that is kept as a sample: the truth's, where none was drawn yet."""
        raise TypeError(f"{self.name} keeps no samples")

    def expectation(self, params: Params) -> Float[Array, "..."]:
        r"""The mean parameter $E_\theta x$, whose squared error the theorems speak of."""
        raise ValueError(f"{self.name} states no mean parameter, so it has no squared_error")

    def log_variance(self, params: Params) -> Float[Array, ""]:
        r"""The logarithm of $\mathrm{Var}_\theta x$."""
        raise ValueError(f"{self.name} has no one variance")

    def kl_divergence(self, params: Params, truth: Params) -> Float[Array, ""]:
        r"""$\mathrm{KL}(P_\theta \,\|\, P_*)$ in nats, where both are laws of the family."""
        raise ValueError(f"{self.name} states no Kullback-Leibler divergence")

    def wasserstein2_squared(self, params: Params, truth: Params) -> Float[Array, ""]:
        r"""$W_2^2(P_\theta, P_*)$, where both are laws of the family."""
        raise ValueError(f"{self.name} states no Wasserstein distance")

    def log_density(self, params: Params, rows: Float[Array, "rows ..."]) -> Float[Array, " rows"]:
        r"""$\log p_\theta(x)$ of each row, where the law has a density."""
        raise ValueError(f"{self.name} has no density")

    def cumulative(self, params: Params, values: Float[Array, "..."]) -> Float[Array, "..."]:
        r"""$P_\theta(x \le v)$ of each value, in one dimension."""
        raise ValueError(f"{self.name} has no distribution function")

    def interval(self, params: Params) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Two ends between which all but 1e-9 of a law with a density lies, in one dimension."""
        raise ValueError(f"{self.name} has no density in one dimension")

    def atoms(self, params: Params) -> tuple[Float[Array, "rows ..."], Float[Array, " rows"]]:
        """The points that a model is made of, and their weights, of any sum."""
        raise ValueError(f"{self.name} consists of no points")

    def probabilities(self, params: Params) -> Float[Array, "*contexts categories"]:
        """The table of the probabilities of categories, with several contexts a row for each."""
        raise ValueError(f"{self.name} has no table of probabilities")

    def with_probabilities(self, table: Float[Array, "*contexts categories"]) -> Params:
        """The model with another table."""
        raise ValueError(f"{self.name} cannot be given a table of probabilities")

    def context_shares(self, dtype: Any = None) -> Float[Array, " contexts"]:
        """How often each context occurs: the weights of the rows of a table."""
        raise ValueError(f"{self.name} has no contexts")

    def total_covariance(self, params: Params) -> Float[Array, "dimension dimension"]:
        """The covariance matrix of a point; of a mixture, between its components too."""
        raise ValueError(f"{self.name} states no covariance matrix")

    def log_determinant(self, params: Params) -> Float[Array, ""]:
        """The logarithm of the determinant of the covariance matrix."""
        raise ValueError(f"{self.name} states no determinant of a covariance matrix")

    def component_means(self, params: Params) -> Float[Array, "components dimension"]:
        """The means of the components of a mixture."""
        raise ValueError(f"{self.name} has no components")

    def class_errors(self, params: Params, truth: Params) -> Float[Array, " classes"]:
        """The squared error of the mean of each class."""
        raise ValueError(f"{self.name} has no classes")

    def class_traces(self, params: Params) -> Float[Array, " classes"]:
        """The total variance of each class."""
        raise ValueError(f"{self.name} has no classes")

    def test_error(self, params: Params, truth: Params) -> Float[Array, ""]:
        """The mean squared error of a regression's predictions, without the labels' noise."""
        raise ValueError(f"{self.name} predicts no labels")

    def distinct_words(self, params: Params) -> Float[Array, ""]:
        """The share of a text's different words that can still be written."""
        raise ValueError(f"{self.name} writes no words")

    def ridge(self, data: Any, previous: Params, penalty: Float[Array, ""]) -> tuple[Params, Int[Array, ""]]:
        """The estimate with a penalty on the length of coefficients, and its status."""
        raise ValueError(f"{self.name} has no coefficients to penalise")

    def minimum_norm(self, data: Any, previous: Params) -> tuple[Params, Int[Array, ""]]:
        """Of all least-squares solutions the shortest, and its status."""
        raise ValueError(f"{self.name} has no least-squares solutions")

    def alive(self, params: Params) -> Float[Array, "..."]:
        """1 for what can still be drawn, 0 for what is forgotten for good."""
        raise ValueError(f"a {self.name} has nothing to forget")

    def combine(self, first: Params, second: Params, weight: Float[Array, ""]) -> Params:
        """The average of two models' parameters, with `weight` on the first and the rest on the second."""
        raise ValueError(f"{self.name} has no average of two models")

    def temper(self, params: Params, temperature: Float[Array, ""]) -> Params:
        r"""The law $p^{1/\tau}/Z$, where it is one of the family."""
        raise ValueError(f"a power of the law of a {self.name} is not one")

    def with_variance_times(self, params: Params, factor: Float[Array, ""]) -> Params:
        """The law with its variance multiplied, where that is a parameter."""
        raise ValueError(f"the variance of a {self.name} is no parameter of its own")

    def shifted(self, params: Params, length: Float[Array, ""]) -> Params:
        """The law with its mean parameter moved by so much: what biased data come from."""
        raise ValueError(f"a {self.name} whose mean is moved is not one")

    def check(self, params: Params) -> None:
        """Raise `ValueError` where concrete `params` are no point of the model."""

    def check_truth(self, family: "AbstractFamily") -> None:
        """Raise `ValueError` where a truth's family, of the same class, does not go with this one."""

    def check_batches(self, parts: tuple[np.ndarray, ...] | None) -> None:
        """Host: raise `ValueError` for numbers of points that cannot be drawn.

        `parts` has an array for each part of a batch, by generation, and is `None` where they are random.
        """

    def standard_truth(self) -> Params:
        """The parameters of the truth where a specification says nothing."""
        return self.Params.standard()  # type: ignore[attr-defined]

    def largest_count(self, truth: Params | None) -> int | None:
        """Host: how many points of `truth` can be counted exactly; `None` where nothing is counted."""
        del truth
        return None

    def fewest(self, ddof: int) -> int:
        """The fewest points that a fit can do with."""
        return 1 + ddof if self.has_dispersion else 1

    @property
    def name(self) -> str:
        """The class name, for messages."""
        return type(self).__name__


class Truth(eqx.Module):
    r"""The law $P_*$ that real data come from: a family and its parameters $\theta_*$.

    Attributes of the parameters can be read straight from it: `truth.mean` is `truth.params.mean`.
    """

    family: AbstractFamily
    params: Params

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("family", "params"):
            raise AttributeError(name)
        return getattr(self.params, name)


def offers(family: AbstractFamily, method: str) -> bool:
    """Whether a family implements an optional method of the contract."""
    return getattr(type(family), method) is not getattr(AbstractFamily, method)


def require(family: AbstractFamily, method: str, wanted: str, remedy: str, lacks: str = "has none") -> None:
    """Refuse a family that does not implement an optional method, which `wanted` says the use of."""
    if not offers(family, method):
        raise ValueError(
            f"{wanted}, and {family.name} {lacks}: {remedy}, or write a method `{method}` if the family is "
            "your own"
        )
