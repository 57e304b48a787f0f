"""A family of a user's own: uniform with a far bump, for which maximum likelihood on all data collapses at once.

Barzilai and Shamir (2025, arXiv 2505.19046), Theorem 5.1: the truth is uniform on 0 ... 1. A model with a small
alpha is close to it, yet one of its own points falls into the bump with a chance that does not vanish.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy import integrate

import mcollapse as mc
from mcollapse import random
from mcollapse.data import Samples
from mcollapse.families import AbstractFamily
from mcollapse.once import once
from tests.statistical import assert_law_rejected
from tests.targets import ROWS


class FarBumpParams(eqx.Module):
    alpha: jax.Array | np.ndarray
    seen: jax.Array | np.ndarray  # 1 where a point that it was fitted to lies in the bump


class FarBump(AbstractFamily):
    r"""$(1-\alpha)\,U[0, 1-2\alpha] + \alpha\,U[2, 2+\alpha^9]$; the real points alone fix alpha."""

    Params = FarBumpParams

    def sample(self, key, params, count, capacity):
        # both draws in one fusion take XLA:CPU of jax 0.12 minutes to compile
        far = once(lambda: random.bernoulli(key, 1, params.alpha, (capacity,)))
        place = once(lambda: random.uniform(key, 2, (capacity,)))
        near = (1.0 - 2.0 * params.alpha) * place
        return Samples.first(jnp.where(far, 2.0 + params.alpha**9 * place, near), count)

    def maximum_likelihood(self, data, previous, ddof=0):
        # where none lies in the bump the likelihood rises with alpha, up to where the uniform part ends
        near = (data.weights > 0) & (data.rows <= 1)
        alpha = 0.5 * (1.0 - jnp.max(jnp.where(near, data.rows, 0.0)))
        seen = jnp.any((data.weights > 0) & (data.rows > 1)).astype(alpha.dtype)
        return FarBumpParams(alpha, seen), jnp.zeros((), jnp.int32)


def test_a_point_in_the_bump():
    row = ROWS["pub-far-bump-n1000"]
    n, wanted = row["settings"]["n"], row["values"][0]
    missed = integrate.quad(lambda u: n * (1 - u) ** (n - 1) * (1 - u / 2) ** n, 0, 1, points=[5 / n])[0]
    assert np.isclose(1 - missed, wanted, rtol=1e-9)
    process = mc.RecursiveTraining(family=FarBump(), sizes=n, pool=mc.pools.All())
    record = {
        "seen": mc.Record(lambda family, params, truth: params.seen, reduce=mc.Keep()),
        "alpha": mc.Record(lambda family, params, truth: params.alpha, reduce=mc.Keep()),
    }
    run = mc.simulate(
        process, FarBumpParams(np.asarray(0.0), np.asarray(0.0)), key=jax.random.key(0), generations=1,
        replicates=3000, record=record,
    )  # fmt: skip
    first, later = run["seen"].values.T
    assert not first.any()
    assert abs(later.mean() - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / len(later))
    assert_law_rejected(later, 0.5)  # were alpha the whole gap above the largest point
    alpha = run["alpha"].values[:, 0].astype(float)
    assert abs(alpha.mean() * 2 * (n + 1) - 1) < 4 * alpha.std() / alpha.mean() / np.sqrt(len(alpha))
