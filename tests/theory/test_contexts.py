"""Many contexts: one is a categorical model, several are sums of them, random counts by enumeration."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import special

from mcollapse import theory
from mcollapse.theory import Setting, contexts

TABLE = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
BASE = {
    "estimator": "maximum-likelihood", "source": "last-model", "pool": "newest", "start": "real",
    "sizes": np.array([10, 14, 12, 10]),
}  # fmt: skip
WAYS = (
    {},
    {"start": "truth"},
    {"source": "mixture", "shares": np.array([0, 0.3, 0.5, 0.1])},
    {"source": "mixture", "shares": np.array([0, 0.5, 0.5, 0.5]), "counts": "fixed"},
    {"source": "split", "real_sizes": np.array([1, 4, 0, 2]), "synthetic_sizes": np.array([1, 6, 10, 8])},
    {"pool": "all"},
    {"pool": "window", "window": 2},
    {"pool": "real-and-newest"},
    {"estimator": "add-constant", "constant": 0.5},
    {"estimator": "weighted", "weights": np.full(4, 0.6), "source": "split",
     "real_sizes": np.full(4, 4), "synthetic_sizes": np.full(4, 6)},
    {"source": "past-models"},
)  # fmt: skip
ASKED = [(name, {}) for name in ("squared_error", "chi_square", "concentration", "support", "single_symbol")]


def setting(table, **changes) -> Setting:
    return Setting(**(BASE | {"family": "next-token", "truth": {"probabilities": table}} | changes))


def of_one(row, **changes) -> Setting:
    return Setting(**(BASE | {"family": "categorical", "truth": {"probabilities": row}} | changes))


def by_law(found) -> dict:
    return {(p.law.name.removeprefix("contexts-"), p.quantity): p for p in found}


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_one_context_is_a_categorical_model(way):
    asked = [*ASKED, ("alive", {})]
    one = by_law(theory.predictions(of_one(TABLE[0], **WAYS[way]), asked))
    many = by_law(theory.predictions(setting(TABLE[:1], **WAYS[way]), asked))
    assert one and set(one) == set(many)
    for name, law in one.items():
        values = law.values[:, None] if name[1] == "alive" else law.values
        np.testing.assert_allclose(many[name].values, values, rtol=1e-12, err_msg=str(name))


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_several_contexts_add_up(way):
    """Twice the points in two contexts: of each quantity the sum, the mean or the product."""
    changes = dict(WAYS[way])
    for name in ("real_sizes", "synthetic_sizes"):
        if name in changes:
            changes[name] = 2 * changes[name]
    both = by_law(theory.predictions(setting(TABLE, **changes, sizes=2 * BASE["sizes"]), ASKED))
    rows = [by_law(theory.predictions(of_one(row, **WAYS[way]), ASKED)) for row in TABLE]
    assert both
    for name, law in both.items():
        one, other = (row[name].values for row in rows)
        expected = {"squared_error": one + other, "support": one + other, "single_symbol": one * other}
        np.testing.assert_allclose(law.values, expected.get(name[1], (one + other) / 2), rtol=1e-9)
        assert law.law.kind == rows[0][name].law.kind


def test_random_counts_by_enumeration():
    """Three points, two contexts of two tokens: every sample of two generations, and rows that stay."""
    table, weights = np.array([[0.7, 0.3], [0.2, 0.8]]), np.array([0.3, 0.7])
    for share, constant in ((0.0, 0.0), (0.4, 0.0), (0.4, 0.5), (1.0, 0.0)):
        shares = np.array([0.0, share])
        made = setting(
            table, sizes=np.full(2, 3), contexts=weights, context_counts="random", source="mixture",
            shares=shares, estimator="add-constant" if constant else "maximum-likelihood", constant=constant,
        )  # fmt: skip
        laws = {np.full((2, 2), 0.5).tobytes(): 1.0}
        expected = []
        for real in (1.0, share):
            laws = _next(laws, table, weights, real, constant)
            models = {np.frombuffer(k).reshape(2, 2).tobytes(): p for k, p in laws.items()}
            expected.append(
                sum(p * np.sum((np.frombuffer(k).reshape(2, 2) - table) ** 2) for k, p in models.items())
            )
        (found,) = theory.predictions(made, [("squared_error", {})])
        assert found.law is contexts.RANDOM
        np.testing.assert_allclose(found.values, expected, rtol=1e-10)


@pytest.mark.parametrize("start", ["real", "truth"])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_random_counts_pooled_by_enumeration(share, start):
    """All samples of two points at three generations, two contexts of two tokens, with their pools."""
    table, weights, size = np.array([[0.7, 0.3], [0.2, 0.8]]), np.array([0.3, 0.7]), 2
    made = setting(
        table, sizes=np.full(3, size), contexts=weights, context_counts="random", source="mixture",
        shares=np.full(3, share), pool="all", start=start,
    )  # fmt: skip
    first = np.full((2, 2), 0.5) if start == "real" else table
    laws, expected = {(np.zeros((2, 2)).tobytes(), first.tobytes()): 1.0}, [] if start == "real" else [0.0]
    for t in range(start == "truth", 3):
        real, new = (1.0 if t == 0 else share), {}
        for (pool, model), chance in laws.items():
            counts, last = np.frombuffer(pool).reshape(2, 2), np.frombuffer(model).reshape(2, 2)
            joint = (weights[:, None] * (real * table + (1 - real) * last)).ravel()
            for points in product(range(4), repeat=size):
                kept = counts + np.bincount(points, minlength=4).reshape(2, 2)
                totals = kept.sum(axis=1, keepdims=True)
                fitted = np.where(totals > 0, kept / np.where(totals > 0, totals, 1), last)
                key = kept.tobytes(), fitted.tobytes()
                new[key] = new.get(key, 0.0) + chance * float(np.prod(joint[list(points)]))
        laws = new
        expected.append(
            sum(p * np.sum((np.frombuffer(m).reshape(2, 2) - table) ** 2) for (_, m), p in laws.items())
        )
    (found,) = theory.predictions(made, [("squared_error", {})])
    assert found.law is contexts.POOLED
    np.testing.assert_allclose(found.values, expected, rtol=1e-10)
    other = theory.predictions(replace(made, contexts=np.array([0.4, 0.6])), [("squared_error", {})])[0]
    assert not np.allclose(other.values, expected, rtol=1e-2)


def test_one_context_of_random_counts_is_a_categorical_model():
    for start in ("real", "truth"):
        one = theory.predictions(of_one(TABLE[0], pool="all", start=start), [("squared_error", {})])[0]
        parts = {"pool": "all", "start": start, "context_counts": "random"}
        many = theory.predictions(setting(TABLE[:1], **parts), [("squared_error", {})])[0]
        np.testing.assert_allclose(many.values, one.values, rtol=1e-10)


def _next(laws, table, weights, real, constant) -> dict[bytes, float]:
    """The law of the next model from that of the last, point by point."""
    result: dict[bytes, float] = {}
    for key, chance in laws.items():
        model = np.frombuffer(key).reshape(2, 2)
        joint = (weights[:, None] * (real * table + (1 - real) * model)).ravel()
        for points in product(range(4), repeat=3):
            counts = np.bincount(points, minlength=4).reshape(2, 2).astype(float) + constant
            totals = counts.sum(axis=1, keepdims=True)
            fitted = np.where(totals > 0, counts / np.where(totals > 0, totals, 1), model)
            name = fitted.tobytes()
            result[name] = result.get(name, 0.0) + chance * float(np.prod(joint[list(points)]))
    return result


def test_many_points_make_counts_of_contexts_certain():
    """With many points a context, the published formula: sums with q = E[1/N | N > 0]."""
    table, weights, share, n = TABLE, np.array([0.25, 0.75]), 0.2, 40
    made = setting(
        table, sizes=np.full(4, n), contexts=weights, context_counts="random", source="mixture",
        shares=np.full(4, share), start="truth",
    )  # fmt: skip
    (found,) = theory.predictions(made, [("squared_error", {})])
    points = np.arange(1, n + 1)
    risk = np.zeros(2)
    for t in range(1, 4):
        chances = (
            special.binom(n, points) * weights[:, None] ** points * (1 - weights[:, None]) ** (n - points)
        )
        some = chances.sum(axis=1)
        q = (chances / points).sum(axis=1) / some
        of_truth = 1 - (table**2).sum(axis=1)
        risk = some * (of_truth * q + (1 - q) * (1 - share) ** 2 * risk) + (1 - some) * risk
        np.testing.assert_allclose(found.values[t], risk.sum(), rtol=1e-10)


@pytest.mark.parametrize(
    "changes",
    [
        {"pool": "subsample", "budget": np.full(4, 6)},
        {"source": "past-models", "counts": "fixed"},
        {"context_counts": "random", "pool": "window", "window": 2},
        {"context_counts": "random", "pool": "all", "sizes": np.full(4, 10**7)},
        {
            "context_counts": "random",
            "source": "split",
            "real_sizes": np.full(4, 5),
            "synthetic_sizes": np.full(4, 5),
        },
        {"contexts": np.array([0.01, 0.99])},  # a context without points
    ],
)
def test_where_no_law_is_known_none_is_given(changes):
    assert not theory.predictions(setting(TABLE, **changes), ASKED)


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"truth": {"probabilities": np.array([0.5, 0.5])}}, "a row of probabilities"),
        ({"truth": {"probabilities": TABLE * 2}}, "sum to 1"),
        ({"contexts": np.array([0.5, 0.6])}, "weights of contexts"),
        ({"contexts": np.array([1.0])}, "one for each context"),
        ({"context_counts": "some"}, "context_counts"),
    ],
)
def test_what_is_no_experiment_is_refused(changes, word):
    with pytest.raises(ValueError, match=word):
        setting(**({"table": TABLE} | changes))
