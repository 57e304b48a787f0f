import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mcollapse.random import Key, bits
from mcollapse.random.threefry import block

DATA = jax.random.key_data


def words(*values):
    return tuple(int(word) for word in block(*(jnp.asarray(np.uint32(value)) for value in values)))


@pytest.mark.parametrize(
    "key, counter, answer",
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers_of_random123(key, counter, answer):
    assert words(*key, *counter) == answer


def test_block_is_the_cipher_of_jax(key):
    k0, k1 = DATA(key)
    index = jnp.arange(1000, dtype=np.uint32)
    ours = jnp.stack(block(k0, k1, jnp.zeros_like(index), index), axis=-1)
    assert (ours == DATA(jax.random.split(key, 1000))).all()
    assert (ours == DATA(jax.vmap(lambda i: jax.random.fold_in(key, i))(index))).all()
    assert (ours[:, 0] ^ ours[:, 1] == jax.random.bits(key, (1000,))).all()


@pytest.mark.parametrize("t", [0, 1, 77, 2**31 + 5, 2**32 - 1])
@pytest.mark.parametrize("path", [(), (1,), (15, 3), (1, 2, 3, 4, 5, 6, 7)])
def test_typed_is_two_folds_bit_for_bit(key, t, path):
    address, site = Key.of(key, t), 0
    for purpose in path:
        address, site = address.at(purpose), 16 * site + purpose
    expected = jax.random.fold_in(jax.random.fold_in(key, np.uint32(t)), site)
    assert (DATA(address.typed) == DATA(expected)).all()
    assert address.typed.dtype == key.dtype


def test_of_takes_typed_raw_and_own_keys(key):
    typed, raw = Key.of(key, 3), Key.of(DATA(key), 3)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, typed, raw))
    inner = typed.at(2)
    assert Key.of(inner) is inner
    moved = Key.of(inner, 9)
    assert moved.site == inner.site and int(moved.t) == 9
    assert jax.jit(lambda k, t: Key.of(k, t).at(1).typed)(key, 3) == typed.at(1).typed


@pytest.mark.parametrize("wrong", ["rbg", "unsafe_rbg"])
def test_another_generator_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=re.escape(f"{wrong}: use jax.random.key(seed, impl=")):
        Key.of(jax.random.key(0, impl=wrong))


def test_many_keys_at_once_are_refused(key):
    with pytest.raises(ValueError, match="vmap over many"):
        Key.of(jax.random.split(key, 3))
    with pytest.raises(ValueError, match="expected one key"):
        Key.of(jnp.zeros(2))


@pytest.mark.parametrize("purpose", [0, -1, 16])
def test_purposes_have_a_range(key, purpose):
    with pytest.raises(ValueError, match="1 to 15"):
        Key.of(key).at(purpose)


def test_purposes_nest_seven_deep(key):
    address = Key.of(key)
    for _ in range(7):
        address = address.at(15)
    with pytest.raises(ValueError, match="seven levels"):
        address.at(1)
    assert address.site < 2**28


def test_paths_of_purposes_never_share_a_site(key):
    sites, level = set(), [Key.of(key)]
    for _ in range(3):
        level = [address.at(purpose) for address in level for purpose in range(1, 16)]
        sites |= {address.site for address in level}
    assert len(sites) == 15 + 15**2 + 15**3 and 0 not in sites


def test_draws_and_folds_never_meet_each_other_or_jax(key):
    """By construction their first counter words differ; here the words that come out."""
    address = Key.of(key)
    seen = [np.asarray(DATA(jax.random.split(key, 500)))]
    seen.append(np.asarray(DATA(jax.vmap(lambda i: jax.random.fold_in(key, i))(np.arange(500, 1000)))))
    for path in [(), (1,), (1, 1), (2,)]:
        inner = address
        for purpose in path:
            inner = inner.at(purpose)
        fold = jax.vmap(lambda t, inner=inner: Key.of(inner, t).fold(0).words)
        seen.append(np.stack(fold(np.arange(200)), axis=-1))
        for site in (1, 2, 15):
            draw = jax.vmap(lambda t, inner=inner, site=site: bits(Key.of(inner, t), site))
            seen.append(np.stack(draw(np.arange(200)), axis=-1))
    seen = np.concatenate([np.asarray(part) for part in seen])
    assert len({tuple(pair) for pair in seen.tolist()}) == len(seen)


def test_folds_are_fresh_addresses(key):
    address = Key.of(key, 4).at(3)
    first, second = address.fold(0), address.fold(1)
    assert (first.site, int(first.t), int(second.t)) == (0, 0, 1)
    assert bits(first, 1) != bits(second, 1)
    traced = jax.lax.map(lambda i: bits(address.fold(i), 1)[0], jnp.arange(5))
    assert (traced == jnp.stack([bits(address.fold(i), 1)[0] for i in range(5)])).all()
    assert bits(address.fold(1), 1) != bits(Key.of(key, 5).at(3).fold(1), 1)


def test_an_array_counts_under_the_words_of_its_site(key):
    address = Key.of(key, 2)
    child = bits(address, 5)
    high, low = bits(address, 5, (3, 4))
    index = jnp.arange(12, dtype=np.uint32).reshape(3, 4)
    expected = block(*child, jnp.zeros_like(index), index)
    assert (high == expected[0]).all() and (low == expected[1]).all()
    assert bits(address, 5, (0,))[0].shape == (0,)
