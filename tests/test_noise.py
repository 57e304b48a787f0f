"""Noise first: a step in two halves is the step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.noise import noise_first, split
from mcollapse.packing import pack, pack_tree, unpack, unpack_tree
from mcollapse.random import Key
from tests.helpers import COIN, GAUSSIAN, ZIPF, bernoulli, categorical, gaussian
from tests.test_extending import EachOther

LANES = 128
CASES = {
    "gaussian": (gaussian(), GAUSSIAN, 2),
    "gaussian-mixture-all": (gaussian(source=mc.sources.Mixture(0.3), pool=mc.pools.All()), GAUSSIAN, None),
    "gaussian-rows": (gaussian(sizes=8, path="rows"), GAUSSIAN, None),
    "categorical": (categorical(), ZIPF, 2),
    "categorical-mixture": (categorical(source=mc.sources.Mixture(0.3)), ZIPF, None),
    "bernoulli": (bernoulli(), COIN, None),
    "each other": (EachOther(12), mc.Truth(mc.families.Gaussian(), GAUSSIAN), 4),
}
ROWS = {
    "gaussian-known-rows": (
        mc.RecursiveTraining(family=mc.families.Gaussian("known"), sizes=8, path="rows"),
        GAUSSIAN,
        None,
    )
}
MANY = {  # features' factor and labels' noise: 2 numbers, and 9
    f"regression-{d}": (
        mc.RecursiveTraining(family=mc.families.LinearRegression(d), sizes=20),
        mc.families.LinearRegression.Params.zeros(d), None,
    ) for d in (1, 3)
}  # fmt: skip


LONG = ("categorical-mixture", "gaussian-mixture-all", "categorical")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in CASES])
def test_noise_and_update_are_the_step(name):
    process, truth, numbers = CASES[name]
    process = process.planned(5)
    words = tuple(jnp.asarray(w) for w in np.random.default_rng(0).integers(0, 2**32, (2, LANES), np.uint32))

    def key(words):
        return Key((words[0], words[1]), jnp.uint32(0), 0)

    def step(state, words, t):
        return process.step(key(words), state, truth, t)

    state = jax.jit(jax.vmap(lambda w: process.init(key(w), truth)))(words)
    lane = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), (state, words))
    noise, update = split(step, *lane, jax.ShapeDtypeStruct((), jnp.int32))
    drawn = jax.jit(jax.vmap(noise, in_axes=(0, None)))(words, 3)
    whole = jax.jit(jax.vmap(step, in_axes=(0, 0, None)))(state, words, 3)
    parts = jax.jit(jax.vmap(update, in_axes=(0, 0, 0, None)))(drawn, state, words, 3)
    for ours, theirs in zip(jax.tree.leaves(parts), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    other = jax.jit(jax.vmap(noise, in_axes=(0, None)))(words, 4)
    assert any((a != b).all() for a, b in zip(drawn, other, strict=True))
    # scalars alone are carried: no lane keeps an array of words
    assert all(part.shape == (LANES,) for part in drawn)
    if numbers is not None:
        assert sum(2 if part.dtype == jnp.complex64 else 1 for part in drawn) == numbers


def test_what_the_update_needs_is_no_draw():
    """The cipher is in the noise and nowhere else: the update has no rotation of bits."""
    process = gaussian().planned(5)
    words = (jax.ShapeDtypeStruct((), jnp.uint32),) * 2
    t = jax.ShapeDtypeStruct((), jnp.int32)

    def key(words):
        return Key((words[0], words[1]), jnp.uint32(0), 0)

    def step(state, words, t):
        return process.step(key(words), state, GAUSSIAN, t)

    state = jax.eval_shape(lambda w: process.init(key(w), GAUSSIAN), words)
    noise, update = split(step, state, words, t)
    drawn = jax.eval_shape(noise, words, t)
    assert "shift_left" in str(jax.make_jaxpr(noise)(words, t))
    assert "shift_left" not in str(jax.make_jaxpr(update)(drawn, state, words, t))
    assert "shift_left" in str(jax.make_jaxpr(step)(state, words, t))


def test_a_step_that_needs_no_noise():
    words = (jax.ShapeDtypeStruct((), jnp.uint32),) * 2
    shape = jax.ShapeDtypeStruct((), jnp.float32)
    noise, update = split(lambda s, w, t: (s[0] + 1, jnp.float32(2)), (shape, shape), words, shape)
    assert noise((jnp.uint32(1), jnp.uint32(2)), jnp.float32(0)) == ()
    made = update((), (jnp.float32(1), jnp.float32(0)), (jnp.uint32(1), jnp.uint32(2)), jnp.float32(0))
    assert [float(part) for part in made] == [2.0, 2.0]


def test_packing_keeps_every_bit():
    words = np.array([0, 1, 0x7F800001, 0xFFC12345, 0x80000000, 0xFFFFFFFF], np.uint32)  # NaNs among them
    values = [
        jnp.asarray(words), jnp.asarray(words.view(np.int32)), jnp.asarray(words % 2 == 1),
        jnp.asarray(np.linspace(-1, 1, 6, dtype=np.float32)), jnp.asarray(words[::-1]),
    ]  # fmt: skip
    packed = jax.jit(jax.vmap(lambda *v: pack(v)))(*values)
    assert [part.dtype for part in packed] == [jnp.complex64, jnp.complex64, jnp.float32]
    found = jax.jit(jax.vmap(lambda *p: unpack(p, [v[0] for v in values])))(*packed)
    for ours, theirs in zip(found, values, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(np.asarray(ours).view(np.uint8), np.asarray(theirs).view(np.uint8))


def test_trees_are_packed_with_their_arrays_apart():
    tree = {"a": jnp.float32(1), "b": jnp.arange(3), "c": jnp.int32(5), "d": jnp.asarray(True)}
    packed = pack_tree(tree)
    assert [part.dtype for part in packed[0]] == [jnp.complex64, jnp.float32] and len(packed[1]) == 1
    found = unpack_tree(packed, tree)
    assert jax.tree.all(jax.tree.map(lambda x, y: bool((x == y).all()), found, tree))


@pytest.mark.parametrize(
    "name, ahead",
    [
        ("gaussian", True),
        ("categorical", False),
        ("categorical-mixture", False),
        ("bernoulli", False),
        (
            "gaussian-known-rows",
            False,
        ),  # its noise is the key of its rows, of which one platform's work counts
        ("regression-1", True),
        ("regression-3", False),  # it comes from loops
    ],
)
def test_noise_is_drawn_ahead_where_most_of_the_work_is_noise(name, ahead):
    process, truth, _ = (CASES | ROWS | MANY)[name]
    process = process.planned(5)

    def key(words):
        return Key((words[0], words[1]), jnp.uint32(0), 0)

    loop = noise_first(
        lambda w: process.init(key(w), truth), lambda s, w, t: process.step(key(w), s, truth, t)
    )
    carried = jax.eval_shape(loop.begin, (jax.ShapeDtypeStruct((), jnp.uint32),) * 2)
    assert isinstance(carried, tuple) == ahead
