"""Co-evolution: a text model reads what the image model draws, which was asked for by the text model."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from mcollapse import random, schedules
from mcollapse.abstract_process import AbstractProcess, measured, traced_truth
from mcollapse.capacities import rounded_up
from mcollapse.checks import Start, check_start
from mcollapse.families import AbstractFamily, LabelledGaussians, Truth
from mcollapse.once import once
from mcollapse.random import Key
from mcollapse.schedules import AbstractSchedule, number
from mcollapse.summation import tree_sum
from mcollapse.triangular import solve
from mcollapse.whole_numbers import check_whole, whole

TEXT, IMAGES, CORPUS, REAL = 1, 2, 3, 4  # purposes of the keys of a generation
TOKEN, NOISE = 1, 2
_SMALLEST = -40.0
"""Logarithm of the standard deviation below which images of a token count as one point."""

Params = LabelledGaussians.Params


class CoevolutionState(eqx.Module):
    """Both models, and the worst status so far."""

    params: Params
    status: Int[Array, ""]


class Coevolution(AbstractProcess):
    r"""Text $p$ and images $N(\mu_i, \Sigma_i)$ of each token, trained on each other's output.

    A text step draws N pairs of token and image and replaces p by the average of the posteriors
    $P(i \mid x) \propto p_i\,\varphi(x; \mu_i, \Sigma_i)$ of the images x. An image step draws images of
    each token and refits its mean and covariance. A generation is `text_steps` of the first, then an
    injection, then `image_steps` of the second; 0 of either freezes that model.

    Arguments: `text_size`, N pairs a text step; `image_size`, images an image step: in all, with
    `counts="random"` (their tokens are drawn from p), or of each token with `"fixed"`; `ddof`, 0 or 1;
    `corpus_probability`, $\alpha$, that a generation sees an injection, $(1-\epsilon)p + \epsilon e_j$ of a
    token j from the truth's text, with `corpus_mass` $\epsilon$; `user_images`, real images of each token in
    each image step. Generation 0 is the truth or, with `start="real"`, the fit to `text_size` real tokens
    and `image_size` real images. The truth is one of `LabelledGaussians`. With both kinds of steps, chunks of
    different sizes agree to rounding, not bit for bit.
    Source: Gao and Li (2025, arXiv 2503.08117).
    """

    text_size: AbstractSchedule = eqx.field(converter=schedules.sizes)
    image_size: AbstractSchedule = eqx.field(converter=schedules.sizes)
    text_steps: int = eqx.field(static=True, converter=whole, default=1)
    image_steps: int = eqx.field(static=True, converter=whole, default=1)
    counts: str = eqx.field(static=True, default="random")
    ddof: int = eqx.field(static=True, converter=whole, default=0)
    corpus_probability: np.ndarray = eqx.field(converter=number, default=0.0)
    corpus_mass: np.ndarray = eqx.field(converter=number, default=0.0)
    user_images: AbstractSchedule = eqx.field(converter=schedules.counts, default=0)
    plan: "CoevolutionPlan | None" = eqx.field(default=None, metadata=schedules.DERIVED)

    recorded: ClassVar[tuple[str, ...]] = LabelledGaussians.recorded
    truths: ClassVar[type[AbstractFamily] | None] = LabelledGaussians

    def __check_init__(self):
        """Steps are whole numbers, of which some are done; shares lie in [0, 1]."""
        for name in ("text_steps", "image_steps"):
            check_whole(name, getattr(self, name), least=0)
        if self.text_steps + self.image_steps == 0:
            raise ValueError("text_steps=0 and image_steps=0 freeze both models: make one of them 1")
        if self.counts not in ("random", "fixed"):
            raise ValueError(
                f'counts is "random" (tokens drawn from the text) or "fixed" (of each token), got '
                f"{self.counts!r}"
            )
        if self.ddof not in (0, 1):
            raise ValueError(f"ddof is 0 or 1, got {self.ddof!r}")
        for name in ("corpus_probability", "corpus_mass"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray) and not 0 <= float(value) <= 1:
                raise ValueError(f"{name} lies in [0, 1], got {float(value):g}")

    def planned(
        self, generations: int, start: Start = "real", truth: Truth | Params | None = None
    ) -> "Coevolution":
        """Host: schedules as tables, and room for the pairs of a text step."""
        text, images = (s.planned(generations, start) for s in (self.text_size, self.image_size))
        user = self.user_images.planned(generations, "truth")
        largest = random.largest_count()
        for name, table in (("text_size", text), ("image_size", images)):
            if np.max(table.values) > largest:
                raise ValueError(
                    f"{name} is {np.max(table.values):,}, more than {largest:,} that this precision counts: "
                    f"use fewer{random.how_to_count_further()}"
                )
        fewest = int(np.min(images.values[(start == "truth") :]))
        if self.counts == "fixed" and fewest <= self.ddof:
            raise ValueError(
                f"image_size is {fewest}, and a fit with ddof={self.ddof} needs at least {self.ddof + 1} "
                "images of each token: use more"
            )
        params = truth.params if isinstance(truth, Truth) else truth
        tokens = 8 if params is None else int(np.size(params.probabilities))
        plan = CoevolutionPlan(
            start=start,
            pairs=rounded_up(int(np.max(text.values[1:], initial=1))) if self.text_steps else 0,
            tokens=tokens,
            users=bool(np.any(user.values[1:] > 0)),
        )
        return dataclasses.replace(self, text_size=text, image_size=images, user_images=user, plan=plan)

    def checked_truth(self, truth: Truth | Params, start: Start) -> Truth:
        """Host: a law of tokens and images."""
        check_start(start)
        truth = as_labelled(truth)
        truth.family.check(truth.params)
        return truth

    @classmethod
    def alike(cls, planned: "list[Coevolution]") -> "list[Coevolution]":
        """Host: room for the pairs of any cell. Draws of pairs depend on it, their law does not."""
        plans = [process._planned() for process in planned]
        pairs, users = max(plan.pairs for plan in plans), any(plan.users for plan in plans)
        plan = dataclasses.replace(plans[0], pairs=pairs, users=users)
        return [dataclasses.replace(process, plan=plan) for process in planned]

    @property
    def rows(self) -> int:
        """A posterior for each pair."""
        return self._planned().pairs * self._planned().tokens

    def init(
        self, key: PRNGKeyArray | Key, truth: Truth | Params, start: Start | None = None
    ) -> CoevolutionState:
        """Generation 0: the truth, or the fit to real tokens and images."""
        plan, law = self._planned(), traced_truth(as_labelled(truth))
        if start is not None and start != plan.start:
            raise ValueError(f'this process was planned with start="{plan.start}", not "{start}"')
        family, params, key = LabelledGaussians(), law.params, Key.of(key, 0)
        if plan.start == "real":
            zero, blank = jnp.asarray(0, jnp.int32), family.blank(law.params, None)
            size = self.text_size.at(zero)
            tokens = once(lambda: random.multinomial(key.at(TEXT), TOKEN, size, law.params.probabilities))
            text = tokens.astype(blank.mean.dtype) / size.astype(blank.mean.dtype)
            data = family.class_statistics(
                key.at(IMAGES).at(NOISE), law.params, self._counts(key.at(IMAGES), law.params, zero)
            )
            params = dataclasses.replace(family.fitted_images(data, blank, self.ddof), probabilities=text)
        return CoevolutionState(params, family.status(params))

    def step(
        self, key: PRNGKeyArray | Key, state: CoevolutionState, truth: Truth | Params, t: Int[Array, ""] | int
    ) -> CoevolutionState:
        """Text, injection, images."""
        key, law, params = Key.of(key, t), traced_truth(as_labelled(truth)), state.params
        t, plan = key.t.astype(jnp.int32), self._planned()

        def text(i: Array, params: Params) -> Params:
            return dataclasses.replace(params, probabilities=self._read(key.at(TEXT).fold(i), params, t))

        def images(i: Array, params: Params) -> Params:
            return self._drawn(key.at(IMAGES).fold(i), params, law.params if plan.users else None, t)

        params = jax.lax.fori_loop(0, self.text_steps, text, params) if self.text_steps else params
        params = self._injected(key.at(CORPUS), params, law.params)
        params = jax.lax.fori_loop(0, self.image_steps, images, params) if self.image_steps else params
        return CoevolutionState(params, jnp.maximum(state.status, LabelledGaussians().status(params)))

    def measure(
        self,
        key: PRNGKeyArray | Key,
        metric: Any,
        state: CoevolutionState,
        truth: Truth | Params,
        t: Int[Array, ""] | int | None = None,
    ) -> Array:
        """`metric(family, params, truth)`, of the family of both models."""
        return measured(key, metric, LabelledGaussians(), state.params, traced_truth(as_labelled(truth)), t)

    def _read(self, key: Key, params: Params, t: Int[Array, ""]) -> Float[Array, " tokens"]:
        """The average posterior of N pairs."""
        pairs, dimension = self._planned().pairs, params.mean.shape[1]
        asked = random.categorical(key, TOKEN, params.probabilities, (pairs,))
        noise = random.normal(key, NOISE, (pairs, dimension))
        posterior = posteriors(params, asked, noise)
        size = self.text_size.at(t)
        present = (jnp.arange(pairs, dtype=jnp.int32) < size)[:, None]
        return tree_sum(jnp.where(present, posterior, 0.0)) / size.astype(posterior.dtype)

    def _injected(self, key: Key, params: Params, truth: Params) -> Params:
        """With a probability, some mass on a token of the real corpus."""
        dtype, p = params.probabilities.dtype, params.probabilities
        chance, mass = (jnp.asarray(x, dtype) for x in (self.corpus_probability, self.corpus_mass))
        token = random.categorical(key, TOKEN, truth.probabilities)
        some = random.bernoulli(key, NOISE, chance)
        moved = (1.0 - mass) * p + mass * (jnp.arange(p.shape[0], dtype=jnp.int32) == token).astype(dtype)
        return dataclasses.replace(params, probabilities=jnp.where(some, moved, p))

    def _counts(self, key: Key, params: Params, t: Int[Array, ""]) -> Int[Array, " tokens"]:
        size = self.image_size.at(t)
        if self.counts == "fixed":
            return jnp.broadcast_to(size, params.probabilities.shape)
        return once(lambda: random.multinomial(key, TOKEN, size, params.probabilities))

    def _drawn(self, key: Key, params: Params, truth: Params | None, t: Int[Array, ""]) -> Params:
        """Means and covariances of images of each token, of the model and of users."""
        family = LabelledGaussians()
        data = family.class_statistics(key.at(NOISE), params, self._counts(key, params, t))
        if truth is not None:
            real = jnp.broadcast_to(self.user_images.at(t), params.probabilities.shape)
            data = data.merge(family.class_statistics(key.at(REAL), truth, real))
        return family.fitted_images(data, params, self.ddof)

    def _planned(self) -> "CoevolutionPlan":
        if self.plan is None:
            raise ValueError(
                "this process has no tables yet: call process.planned(generations, start, truth) and use the "
                "process that it returns (mcollapse.simulate does so itself)"
            )
        return self.plan


class CoevolutionPlan(eqx.Module):
    """Static numbers of a planned process."""

    start: Start = eqx.field(static=True)
    pairs: int = eqx.field(static=True)
    tokens: int = eqx.field(static=True)
    users: bool = eqx.field(static=True)


def posteriors(
    params: Params, asked: Int[Array, " pairs"], noise: Float[Array, "pairs dimension"]
) -> Float[Array, "pairs tokens"]:
    r"""$P(j \mid \mu_i + L_i z)$ for tokens i that were asked for and normal numbers z.

    Differences of means are taken before the noise is added, and the noise of an image's own token is z
    itself: nothing cancels where classes shrink to points.
    """
    tokens, dimension = params.mean.shape
    logs = jnp.maximum(params.log_diagonal, _SMALLEST)
    # one-hot sums instead of gathers, which are slow in many lanes
    own = (asked[:, None] == jnp.arange(tokens, dtype=jnp.int32)).astype(noise.dtype)
    factor = params.unit * jnp.exp(params.log_diagonal)[:, None, :]
    mean = tree_sum(own[:, :, None] * params.mean, axis=1)
    spread = [
        sum(tree_sum(own * factor[:, r, c], axis=1) * noise[:, c] for c in range(r + 1))
        for r in range(dimension)
    ]
    columns = []
    for j in range(tokens):
        away = mean - params.mean[j] + jnp.stack(spread, axis=1)  # type: ignore[arg-type]
        white = jax.vmap(lambda x, unit=params.unit[j]: solve(unit, x))(away) * jnp.exp(-logs[j])
        white = jnp.where(own[:, j : j + 1] > 0, noise, white)
        columns.append(-0.5 * tree_sum(white**2, axis=1) - tree_sum(logs[j]))
    weights = jnp.log(params.probabilities) + jnp.stack(columns, axis=1)
    powers = jnp.exp(weights - jnp.max(weights, axis=1, keepdims=True))
    return powers / tree_sum(powers, axis=1)[:, None]


def as_labelled(truth: Any) -> Truth:
    """The truth of tokens and images; any other is refused."""
    made = truth if isinstance(truth, Truth) else Truth(LabelledGaussians(), truth)
    if not isinstance(made.family, LabelledGaussians) or not isinstance(made.params, Params):
        raise ValueError(
            "the truth of a Coevolution is a families.LabelledGaussians.Params, such as "
            f"LabelledGaussians.Params.circle(), got {type(made.params).__name__}"
        )
    return made
