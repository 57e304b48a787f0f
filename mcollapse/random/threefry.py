"""The Threefry-2x32 block cipher, twenty rounds, written out so that a compiler sees plain arithmetic."""

import jax
import numpy as np
from jaxtyping import Array, UInt32

Word = UInt32[Array, "..."]

_PARITY = np.uint32(0x1BD11BDA)
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


@jax.jit
def block(k0: Word, k1: Word, x0: Word, x1: Word) -> tuple[Word, Word]:
    """Encrypt the counter (x0, x1) under the key (k0, k1): two words that look independent and uniform.

    The same function as JAX's `threefry2x32`: block(k; 0, i) has the words of `jax.random.fold_in(k, i)`.
    On a CPU JAX keeps the rounds in a loop, which costs several times as much.

    Arguments: four uint32 arrays of any shapes that broadcast. Accuracy: exact (integer arithmetic).
    Source: Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
    """
    schedule = (k0, k1, k0 ^ k1 ^ _PARITY)
    x0, x1 = x0 + k0, x1 + k1
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = _rotate_left(x1, rotation) ^ x0
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + (schedule[(group + 2) % 3] + np.uint32(group + 1))
    return x0, x1


def _rotate_left(word: Word, distance: int) -> Word:
    return (word << np.uint32(distance)) | (word >> np.uint32(32 - distance))
