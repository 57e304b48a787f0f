"""Labelled Gaussians: a token, and an image whose law depends on it."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mcollapse import random
from mcollapse.data import AbstractStatistics, MeanCovariance, Samples
from mcollapse.families.base import AbstractFamily, Count
from mcollapse.families.features import real_rows
from mcollapse.families.multivariate_gaussian import MultivariateGaussian
from mcollapse.families.parameters import check_finite, check_probabilities, concrete, is_concrete
from mcollapse.random import Key
from mcollapse.status import Status
from mcollapse.summation import total, tree_sum
from mcollapse.triangular import gram

TOKEN, IMAGE = 1, 2


class ClassStatistics(AbstractStatistics):
    """Count, mean and covariance of the images of each class."""

    classes: MeanCovariance
    """Each leaf has a leading axis of classes."""

    @property
    def count(self) -> Array:
        """Points of all classes."""
        return total(self.classes.count)

    def merge(self, other: "ClassStatistics") -> "ClassStatistics":
        """Class by class."""
        return ClassStatistics(jax.vmap(lambda a, b: a.merge(b))(self.classes, other.classes))

    def scale(self, weight: Array) -> "ClassStatistics":
        """All classes alike."""
        return ClassStatistics(jax.vmap(lambda a: a.scale(weight))(self.classes))

    def zero(self) -> "ClassStatistics":
        """No points of any class."""
        return ClassStatistics(jax.vmap(lambda a: a.zero())(self.classes))


class LabelledGaussiansParams(eqx.Module):
    r"""Probabilities of K tokens, and of each the mean and covariance $U_i D_i^2 U_i^\top$ of its images."""

    probabilities: Float[Array, " tokens"] = eqx.field(converter=concrete)
    mean: Float[Array, "tokens dimension"] = eqx.field(converter=concrete)
    unit: Float[Array, "tokens dimension dimension"] = eqx.field(converter=concrete)
    log_diagonal: Float[Array, "tokens dimension"] = eqx.field(converter=concrete)

    def __check_init__(self):
        """Concrete parameters are finite, fit together and have a distribution of tokens."""
        if not all(is_concrete(leaf) for leaf in jax.tree.leaves(self)):
            return
        check_probabilities(self.probabilities)
        check_finite("mean", self.mean)
        check_finite("unit", self.unit)
        tokens, shape = np.size(self.probabilities), np.shape(self.mean)
        expected = (shape, (*shape, shape[-1]), shape) if len(shape) == 2 and shape[0] == tokens else None
        found = tuple(np.shape(leaf) for leaf in (self.mean, self.unit, self.log_diagonal))
        if found != expected:
            raise ValueError(
                f"{tokens} tokens go with means [{tokens}, d], factors [{tokens}, d, d] and logarithms "
                f"[{tokens}, d], got shapes {found}"
            )

    @classmethod
    def of(cls, probabilities: object, means: object, covariances: object) -> "LabelledGaussiansParams":
        """From probabilities [K], means [K, d] and covariance matrices [K, d, d], positive definite."""
        centres, matrices = np.asarray(means, np.float64), np.asarray(covariances, np.float64)
        if centres.ndim != 2 or matrices.shape != (*centres.shape, centres.shape[1]):
            raise ValueError(
                f"means [K, d] go with covariances [K, d, d], got shapes {centres.shape}, {matrices.shape}"
            )
        parts = [
            MultivariateGaussian.Params.of(mean, matrix)
            for mean, matrix in zip(centres, matrices, strict=True)
        ]
        units, logs = (np.stack([getattr(part, name) for part in parts]) for name in ("unit", "log_diagonal"))
        return cls(np.asarray(probabilities, np.float64), centres, units, logs)

    @classmethod
    def circle(
        cls, tokens: int | float = 5, variance: float | int = 0.1, radius: float | int = 1.0
    ) -> "LabelledGaussiansParams":
        """Equally likely tokens, two-dimensional images, the means evenly on a circle."""
        if tokens != int(tokens) or tokens < 2 or not 0 < variance < np.inf:
            raise ValueError(
                "a circle takes a whole number of at least two tokens and a positive variance, "
                f"got {tokens}, {variance}"
            )
        angles = 2 * np.pi * np.arange(int(tokens)) / int(tokens)
        means = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        uniform = np.full(int(tokens), 1.0 / int(tokens))
        return cls.of(uniform, means, np.broadcast_to(variance * np.eye(2), (int(tokens), 2, 2)))

    @classmethod
    def standard(cls) -> "LabelledGaussiansParams":
        """Five tokens, means on the unit circle, variance 0.1."""
        return cls.circle()

    @classmethod
    def from_data(cls, labels: object, images: object, ddof: int = 0) -> "LabelledGaussiansParams":
        """Proportions of labels 0 … K-1 [n], and mean and covariance of the rows [n, d] of each."""
        rows, given = real_rows(images, "images"), np.asarray(labels)
        if given.shape != rows.shape[:1] or np.any(given < 0) or np.any(given % 1):
            raise ValueError(f"labels are whole numbers from 0 on, one for each of {len(rows)} images")
        groups = [rows[given == label] for label in range(int(given.max()) + 1)]
        few = [i for i, group in enumerate(groups) if len(group) <= rows.shape[1]]
        if few:
            raise ValueError(
                f"label {few[0]} has {len(groups[few[0]])} images, and a covariance in {rows.shape[1]} "
                f"dimensions needs at least {rows.shape[1] + 1}"
            )
        shape = (rows.shape[1], rows.shape[1])
        covariances = [np.cov(group, rowvar=False, ddof=ddof).reshape(shape) for group in groups]
        counts = np.array([len(group) for group in groups])
        return cls.of(counts / counts.sum(), [group.mean(axis=0) for group in groups], covariances)


class LabelledGaussians(AbstractFamily):
    r"""$P(\text{token} = i) = p_i$, image given token i $\sim N(\mu_i, \Sigma_i)$.

    The statistics are count, mean and covariance of each class: a multinomial number of each, and then the
    laws of `MultivariateGaussian`. Rows are (token, image), d + 1 numbers. A class without points, or with no
    more than ddof, stays as it was. Total variation, entropy and other distances of tables are those of the
    tokens. Source: Gao and Li (2025, arXiv 2503.08117).
    """

    Params = LabelledGaussiansParams

    has_dispersion: ClassVar[bool] = True
    recorded: ClassVar[tuple[str, ...]] = ("concentration", "class_errors", "class_traces")

    @property
    def kept_as_counts(self) -> bool:
        """Images have means and covariances, too."""
        return False

    def sample(self, key: Key, params: LabelledGaussiansParams, count: Count, capacity: int) -> Samples:
        """Rows (token, image)."""
        tokens = random.categorical(key, TOKEN, params.probabilities, (capacity,))
        noise = random.normal(key, IMAGE, (capacity, params.mean.shape[1]))
        factor = (params.unit * jnp.exp(params.log_diagonal)[:, None, :])[tokens]
        images = params.mean[tokens] + tree_sum(factor * noise[:, None, :], axis=2)
        return Samples.first(jnp.concatenate([tokens.astype(images.dtype)[:, None], images], axis=1), count)

    def statistics(self, samples: Samples, like: LabelledGaussiansParams) -> ClassStatistics:
        """Those of the images under each label."""
        tokens, dimension = like.mean.shape
        gaussian = MultivariateGaussian(dimension)
        first = gaussian.Params(like.mean[0], like.unit[0], like.log_diagonal[0])

        def one(label: Array) -> MeanCovariance:
            own = jnp.where(samples.rows[:, 0] == label, samples.weights, jnp.zeros_like(samples.weights))
            return gaussian.statistics(Samples(samples.rows[:, 1:], own), first)

        return ClassStatistics(jax.vmap(one)(jnp.arange(tokens, dtype=samples.rows.dtype)))

    def sample_statistics(self, key: Key, params: LabelledGaussiansParams, count: Count) -> ClassStatistics:
        """A multinomial number of points of each class, and their statistics."""
        counts = random.multinomial(key, TOKEN, count, params.probabilities)
        return self.class_statistics(key.at(IMAGE), params, counts)

    def class_statistics(
        self, key: Key, params: LabelledGaussiansParams, counts: Int[Array, " tokens"]
    ) -> ClassStatistics:
        """Statistics of so many images of each class."""
        gaussian = MultivariateGaussian(params.mean.shape[1])

        def one(label: Array, count: Array, mean: Array, unit: Array, logs: Array) -> MeanCovariance:
            return gaussian.sample_statistics(key.fold(label), gaussian.Params(mean, unit, logs), count)

        labels = jnp.arange(params.mean.shape[0], dtype=jnp.int32)
        drawn = jax.vmap(one)(labels, counts, params.mean, params.unit, params.log_diagonal)
        return ClassStatistics(drawn)

    def maximum_likelihood(
        self, data: ClassStatistics, previous: LabelledGaussiansParams, ddof: int = 0
    ) -> tuple[LabelledGaussiansParams, Int[Array, ""]]:
        """Proportions, and mean and covariance of each class."""
        count = data.count.astype(previous.probabilities.dtype)
        proportions = data.classes.count.astype(count.dtype) / jnp.where(count > 0, count, 1.0)
        probabilities = jnp.where(count > 0, proportions, previous.probabilities)
        images = self.fitted_images(data, previous, ddof)
        params = LabelledGaussiansParams(probabilities, images.mean, images.unit, images.log_diagonal)
        return params, jnp.where(count > ddof, self.status(params), Status.TOO_FEW_POINTS).astype(jnp.int32)

    def fitted_images(
        self, data: ClassStatistics, previous: LabelledGaussiansParams, ddof: int
    ) -> LabelledGaussiansParams:
        """Mean and covariance of each class that has enough points; the tokens as they were."""
        gaussian = MultivariateGaussian(previous.mean.shape[1])

        def one(statistics: MeanCovariance, mean: Array, unit: Array, logs: Array) -> Any:
            return gaussian.maximum_likelihood(statistics, gaussian.Params(mean, unit, logs), ddof)[0]

        fitted = jax.vmap(one)(data.classes, previous.mean, previous.unit, previous.log_diagonal)
        return LabelledGaussiansParams(previous.probabilities, fitted.mean, fitted.unit, fitted.log_diagonal)

    def status(self, params: LabelledGaussiansParams) -> Int[Array, ""]:
        """Degenerate with a single token left, or where the images of one that is left have no volume."""
        alive = params.probabilities > 0
        finite = jnp.all(jnp.isfinite(params.mean)) & jnp.all(params.log_diagonal < jnp.inf)
        flat = jnp.any(alive[:, None] & (params.log_diagonal == -jnp.inf))
        single = total(alive.astype(jnp.int32)) <= 1
        degenerate = jnp.where(flat | single, Status.DEGENERATE, Status.OK)
        return jnp.where(finite, degenerate, Status.NOT_FINITE).astype(jnp.int32)

    def blank(self, truth: Any, capacity: int | None) -> LabelledGaussiansParams:
        """No token, means 0, covariances the identity."""
        if not isinstance(truth, LabelledGaussiansParams):
            raise ValueError(
                "how many tokens LabelledGaussians have is read off their truth, and this one has none: give "
                "a LabelledGaussians truth"
            )
        zeros = jax.tree.map(jnp.zeros_like, truth)
        unit = zeros.unit + jnp.eye(truth.mean.shape[1], dtype=zeros.unit.dtype)
        return LabelledGaussiansParams(zeros.probabilities, zeros.mean, unit, zeros.log_diagonal)

    def expectation(self, params: LabelledGaussiansParams) -> Float[Array, " tokens"]:
        """The probabilities of tokens."""
        return params.probabilities

    def probabilities(self, params: LabelledGaussiansParams) -> Float[Array, " tokens"]:
        """The probabilities of tokens."""
        return params.probabilities

    def kl_divergence(
        self, params: LabelledGaussiansParams, truth: LabelledGaussiansParams
    ) -> Float[Array, ""]:
        """Of token and image together: that of the tokens, and the mean over tokens of that of the images."""
        p, q = params.probabilities, truth.probabilities
        ratio = jnp.log(jnp.where(p > 0, p, 1.0)) - jnp.log(jnp.where(p > 0, q, 1.0))
        gaussian = MultivariateGaussian(params.mean.shape[1])

        def image(ours: Any, theirs: Any) -> Array:
            return gaussian.kl_divergence(gaussian.Params(*ours), gaussian.Params(*theirs))

        parts = ((law.mean, law.unit, law.log_diagonal) for law in (params, truth))
        images = jax.vmap(image)(*parts)
        return tree_sum(p * ratio) + tree_sum(jnp.where(p > 0, p * images, 0.0))

    def class_errors(
        self, params: LabelledGaussiansParams, truth: LabelledGaussiansParams
    ) -> Float[Array, " tokens"]:
        r"""$\|\mu_i - \mu_{*i}\|^2$."""
        return tree_sum((params.mean - truth.mean) ** 2, axis=1)

    def class_traces(self, params: LabelledGaussiansParams) -> Float[Array, " tokens"]:
        r"""$\mathrm{tr}\,\Sigma_i$."""
        factors = params.unit * jnp.exp(params.log_diagonal)[:, None, :]
        return tree_sum(jax.vmap(lambda factor: jnp.diagonal(gram(factor)))(factors), axis=1)

    def largest_count(self, truth: object) -> int:
        """That of the draws."""
        return random.largest_count()
