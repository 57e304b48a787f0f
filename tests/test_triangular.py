"""Triangular least squares against numpy: many lanes, few rows, and no rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mcollapse import triangular
from mcollapse.data import LeastSquares, Samples
from mcollapse.families import LinearRegression

SIZES = (
    1, 3, pytest.param(triangular.WRITTEN_OUT, marks=pytest.mark.slow), triangular.WRITTEN_OUT + 1,
)  # fmt: skip
LANES = 5


def rows(size, count, seed=0):
    return np.random.default_rng(seed).normal(size=(LANES, count, size + 1))


def lanes(function, *arguments):
    return jax.jit(jax.vmap(function))(*(jnp.asarray(a, jnp.float32) for a in arguments))


def assert_is_fit_of(factor, solution, data, tolerance=1e-4):
    x, y = data[..., :-1], data[..., -1]
    factor, solution = np.asarray(factor, float), np.asarray(solution, float)
    assert (np.triu(factor, 1) == 0).all()
    gram, moment = np.swapaxes(x, 1, 2) @ x, np.einsum("lni,ln->li", x, y)
    tolerance = tolerance * max(data.shape[1] / 10, 1)
    np.testing.assert_allclose(factor @ np.swapaxes(factor, 1, 2), gram, atol=tolerance)
    np.testing.assert_allclose(np.einsum("lij,lj->li", gram, solution), moment, atol=tolerance)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [0, 1, 2, 60])
def test_rows_and_their_join(size, count):
    first, second = rows(size, count), rows(size, 40, seed=1)
    one = lanes(lambda data: triangular.triangular(data, count), first)
    other = lanes(lambda data: triangular.triangular(data, 40), second)
    loss = 5e-3 if count == 2 else 1e-4  # two rows may be close to parallel in their first two columns
    assert_is_fit_of(*one, first, loss)
    if count < size:
        assert (np.asarray(one[0])[:, :, count:] == 0).all() and (np.asarray(one[1])[:, count:] == 0).all()
    joined = lanes(lambda *parts: triangular.join(parts[:2], parts[2:], count + 40), *one, *other)
    assert_is_fit_of(*joined, np.concatenate([first, second], axis=1), loss)


@pytest.mark.parametrize("size", SIZES)
def test_solutions(size):
    factor = np.tril(np.random.default_rng(2).normal(size=(LANES, size, size))) + 3 * np.eye(size)
    right = np.random.default_rng(3).normal(size=(LANES, size))
    for function, matrix in (
        (triangular.solve, factor),
        (triangular.solve_transposed, np.swapaxes(factor, 1, 2)),
    ):
        expected = np.linalg.solve(matrix, right[..., None])[..., 0]
        np.testing.assert_allclose(lanes(function, factor, right), expected, rtol=2e-4, atol=2e-5)
    product = np.einsum("lij,li->lj", factor, right)
    np.testing.assert_allclose(
        lanes(triangular.transposed_product, factor, right), product, rtol=1e-4, atol=1e-5
    )
    spd = factor @ np.swapaxes(factor, 1, 2)
    np.testing.assert_allclose(
        lanes(lambda matrix: triangular.cholesky(matrix, size), spd),
        np.linalg.cholesky(spd),
        rtol=1e-3,
        atol=1e-4,
    )


def test_a_zero_pivot_leaves_a_zero():
    factor = jnp.asarray([[2.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(triangular.solve_transposed(factor, jnp.asarray([4.0, 0.0])), [2.0, 0.0])
    singular = jnp.asarray([[4.0, 2.0], [2.0, 1.0]])
    for rank in (1, 2):
        np.testing.assert_array_equal(triangular.cholesky(singular, rank), [[2.0, 0.0], [1.0, 0.0]])


def statistics(data) -> LeastSquares:
    samples = Samples.first(jnp.asarray(data, jnp.float32), data.shape[0])
    return LinearRegression(3).statistics(samples, LinearRegression.Params.zeros(3))


def test_statistics_merge_and_scale_like_rows():
    first, second = rows(3, 6)[0], rows(3, 2, seed=1)[0]
    merged = statistics(first).scale(jnp.asarray(1.0)).merge(statistics(second).scale(jnp.asarray(3.0)))
    thrice = np.concatenate([first, np.repeat(second, 3, axis=0)])
    assert_is_fit_of(merged.factor[None], merged.solution[None], thrice[None])
    assert float(merged.count) == 12
    same = statistics(first).merge(statistics(first).zero())
    assert_is_fit_of(same.factor[None], same.solution[None], first[None])
    assert int(same.count) == 6
