"""Training on synthetic data alone, or with the same real data: laws and bounds of one paper, corrected."""

import numpy as np

from mcollapse import theory
from mcollapse.theory import Setting, predictions

TABLE = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
ZIPF = (1 / np.arange(1, 21)) / np.sum(1 / np.arange(1, 21))


def partial(real, synthetic, generations):
    setting = Setting(
        family="categorical", estimator="maximum-likelihood", source="last-model", pool="real-and-newest",
        start="real", sizes=np.array([real] + [synthetic] * generations), truth={"probabilities": ZIPF},
    )  # fmt: skip
    (prediction,) = predictions(setting, [("concentration", {})])
    return prediction.values


def test_the_corrected_closed_form_is_the_recursion():
    start, fits = float(np.sum(ZIPF**2)), np.arange(1, 31)
    for real, synthetic in ((100, 10), (10, 40), (1, 3), (7, 1)):
        closed = theory.partly_synthetic_concentration(start, real, synthetic, fits)
        recursion = partial(real, synthetic, 29)
        np.testing.assert_allclose(closed, recursion, rtol=1e-12)
        # as printed, with a minus before the last term, the first fit would be another one
        share = synthetic / (real + synthetic)
        printed = closed[0] - 2 * (1 - 1 / real) * start * share / real / (1 + (1 + 1 / real) * share)
        assert real == 1 or abs(printed - recursion[0]) > 1e-4
    assert theory.partly_synthetic_concentration(start, 9, 9, np.zeros(1, int)) == start


def test_expected_time_lies_between_its_bounds():
    lower, upper = theory.collapse_time_bounds(TABLE, 20)
    exact = theory.expected_collapse_time(TABLE, 20)
    assert abs(exact - 31.90) < 5e-3 and abs(lower - 17.98) < 5e-3 and abs(upper - 272.7) < 5e-2
    for size in (2, 3, 50, 400):  # the true order is that of the lower bound
        lower, upper = theory.collapse_time_bounds(TABLE, size)
        exact = theory.expected_collapse_time(TABLE, size)
        assert lower <= exact * (1 + 1e-12) and exact <= upper * (1 + 1e-12) and exact < 2 * lower
    assert theory.collapse_time_bounds(np.array([1.0, 0.0]), 20) == (0.0, 0.0)


def test_the_sharper_lower_bound_still_holds():
    fits, sizes = np.arange(1, 151), np.full(150, 20)
    plain, upper = theory.collapse_bounds(TABLE, sizes, fits)
    sharp, same = theory.collapse_bounds(TABLE, sizes, fits, sharp=True)
    setting = Setting(
        family="categorical", estimator="maximum-likelihood", source="last-model", pool="newest",
        start="truth", sizes=np.full(151, 20), truth={"probabilities": TABLE},
    )  # fmt: skip
    exact = next(p for p in predictions(setting, [("single_symbol", {})]) if p.law.kind == "exact").values[1:]
    assert np.all(plain <= sharp) and np.all(sharp <= exact + 1e-12) and np.all(exact <= same + 1e-12)
    assert np.array_equal(upper, same) and np.max(sharp - plain) > 0.3
    # half the sharper factor is too little
    assert np.any(1 - (1 - sharp) / 2 > exact)


def test_drift_from_the_first_fit_by_simulation():
    """Twenty symbols, a hundred real points: the squared drift is exact, its length below both bounds."""
    generator, replicates = np.random.default_rng(3), 4000
    for synthetic, bound in ((10, 0.126), (100, 0.252)):
        table = np.full(20, 0.05)
        real = generator.multinomial(100, table, size=replicates)
        model = first = real / 100
        for _ in range(6):
            drawn = np.array([generator.multinomial(synthetic, row / row.sum()) for row in model])
            model = (real + drawn) / (100 + synthetic)
        squares, lengths = np.sum((model - first) ** 2, axis=1), np.sum(np.abs(model - first), axis=1)
        law = theory.partly_synthetic_drift(0.05, 100, synthetic, np.array([1, 7]))
        error = squares.std() / np.sqrt(replicates)
        assert law[0] == 0 and abs(squares.mean() - law[1]) < 5 * error
        assert abs(squares.mean() - law[1] * 1.15) > 5 * error  # what one would see
        tight, loose = theory.partly_synthetic_drift_bounds(20, 100, synthetic)
        assert abs(tight - bound) < 5e-4 and lengths.mean() < tight < loose
        assert lengths.mean() > 0.6 * tight
