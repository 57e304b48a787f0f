"""Laws of the other processes, against enumeration, integrals and simulations in numpy."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from mcollapse import theory

SETTING = {
    "probabilities": np.array([0.7, 0.3]),
    "means": np.array([[0.0], [1.0]]),
    "covariances": np.array([[[0.5]], [[2.0]]]),
    "text_sizes": np.full(4, 3),
    "image_sizes": np.full(4, 5),
    "user_images": np.zeros(4, int),
}


def enumerated(size, steps, chance, mass, corpus):
    """E p and E(1 - S) of two tokens that are told apart, by all paths of counts, [generation]."""
    law, rows = {float(corpus[0]): 1.0}, []
    for _ in range(4):
        rows.append((sum(w * p for p, w in law.items()), sum(w * 2 * p * (1 - p) for p, w in law.items())))
        for _ in range(steps):
            after = {}
            for p, w in law.items():
                for k in range(size + 1):
                    weight = w * math.comb(size, k) * p**k * (1 - p) ** (size - k)
                    after[k / size] = after.get(k / size, 0.0) + weight
            law = after
        after = {}
        for p, w in law.items():
            outcomes = (
                (1 - chance, p),
                (chance * corpus[0], (1 - mass) * p + mass),
                (chance * corpus[1], (1 - mass) * p),
            )
            for weight, then in outcomes:
                after[then] = after.get(then, 0.0) + w * weight
        law = after
    return np.array(rows).T


@pytest.mark.parametrize("steps, chance, mass", [(1, 0.0, 0.0), (2, 0.4, 0.3), (0, 0.4, 0.3)])
def test_text_of_separated_images_by_enumeration(steps, chance, mass):
    apart = SETTING | {"means": np.array([[0.0], [100.0]])}
    setting = theory.CoevolutionSetting(
        **apart, text_steps=steps, image_steps=0, corpus_probability=chance, corpus_mass=mass
    )
    mean, least, most = theory.text_moments(setting)
    expected = enumerated(3, steps, chance, mass, apart["probabilities"])
    np.testing.assert_allclose(mean[:, 0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(least, expected[1], rtol=1e-12)
    np.testing.assert_allclose(most, expected[1], rtol=1e-12)
    if steps:
        wrong = enumerated(4, steps, chance, mass, apart["probabilities"])
        assert not np.allclose(least, wrong[1], rtol=1e-2)


def test_overlap_bounds_what_posteriors_leave_open():
    """One step: the exact diversity by an integral lies in the bracket."""
    for means in ([[0.0], [1.0]], [[0.0], [0.1]], [[0.0], [4.0]]):
        setting = theory.CoevolutionSetting(**(SETTING | {"means": np.array(means)}), image_steps=0)
        p = setting.probabilities

        def left_open(x, setting=setting, p=p):
            parts = p * stats.norm.pdf(x, setting.means[:, 0], np.sqrt(setting.covariances[:, 0, 0]))
            return 2 * parts[0] * parts[1] / parts.sum()

        spared = integrate.quad(left_open, -20, 20, limit=200)[0]
        assert 0 < spared < theory.overlap(setting)
        _, least, most = theory.text_moments(setting)
        exact = (1 - 1 / 3) * 0.42 + spared / 3
        assert least[1] < exact < most[1]


@pytest.mark.parametrize("users, ddof", [(0, 0), (0, 1), (2, 0), (2, 1)])
def test_ragged_images_by_simulation(users, ddof):
    """Counts that are random and small, in numpy; means and, without users, variances over replicates."""
    setting = theory.CoevolutionSetting(
        **(SETTING | {"user_images": np.full(4, users)}), text_steps=0, ddof=ddof
    )
    error, of_error, trace, of_trace = theory.image_moments(setting)
    generator, replicates = np.random.default_rng(users + 10 * ddof), 60_000
    mean, variance = np.full(replicates, 1.0), np.full(replicates, 2.0)  # the rarer token
    for _ in range(2):
        n = generator.binomial(5, 0.3, replicates)
        images = mean[:, None] + np.sqrt(variance)[:, None] * generator.normal(size=(replicates, 5))
        real = 1.0 + np.sqrt(2.0) * generator.normal(size=(replicates, users))
        rows = np.concatenate([images, real], axis=1)
        weights = np.concatenate([np.arange(5) < n[:, None], np.ones((replicates, users), bool)], axis=1)
        total = weights.sum(axis=1)
        centre = (weights * rows).sum(axis=1) / np.maximum(total, 1)
        squares = (weights * (rows - centre[:, None]) ** 2).sum(axis=1)
        fits = total > ddof
        mean = np.where(fits, centre, mean)
        variance = np.where(fits, squares / np.maximum(total - ddof, 1), variance)
    for found, law, spread in (((mean - 1) ** 2, error, of_error), (variance, trace, of_trace)):
        standard_error = found.std() / np.sqrt(replicates)
        assert abs(found.mean() - law[2, 1]) < 4.5 * standard_error
        assert abs(found.mean() - 1.1 * law[2, 1]) > 4.5 * standard_error
        if users == 0:
            assert np.isclose(found.var(), spread[2, 1], rtol=0.15)
        else:
            assert np.isnan(spread[2, 1])


def test_images_of_rarer_tokens_lose_their_variety_faster():
    setting = theory.CoevolutionSetting(
        np.array([0.6, 0.3, 0.1]), np.zeros((3, 1)), np.ones((3, 1, 1)), np.ones(11), np.full(11, 30), np.zeros(11),
        text_steps=0,
    )  # fmt: skip
    assert np.all(np.diff(theory.image_moments(setting)[2][10]) < 0)


def test_images_of_a_fixed_number_are_those_of_replacement():
    """In any dimension, with any divisor: the chapter on Gaussians says the same."""
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    for ddof in (0, 1):
        other = theory.CoevolutionSetting(
            np.array([0.5, 0.5]), np.zeros((2, 2)), np.stack([covariance] * 2), np.ones(5), np.full(5, 7),
            np.zeros(5), counts="fixed", ddof=ddof,
        )  # fmt: skip
        plain = theory.Setting(
            "multivariate-gaussian", "unbiased" if ddof else "maximum-likelihood", "last-model", "newest", "truth",
            np.full(5, 7), {"mean": np.zeros(2), "covariance": covariance}, ddof=ddof,
        )  # fmt: skip
        found = {p.quantity: p for p in theory.predictions(plain)}
        error, of_error, trace, of_trace = theory.image_moments(other)
        for ours, spread, name in ((error, of_error, "squared_error"), (trace, of_trace, "trace")):
            np.testing.assert_allclose(ours[:, 0], found[name].values, rtol=1e-12)
            np.testing.assert_allclose(spread[:, 0], found[name].variance, rtol=1e-9, atol=1e-12)


def test_weak_supervision():
    plain = theory.SupervisionSetting(np.full(7, 1 / 7), np.full(61, 0.1))
    mean, variance = theory.unsolved_law(plain)
    np.testing.assert_allclose(mean, theory.unsolved(0.1, np.arange(61)), rtol=1e-12)
    np.testing.assert_allclose(variance, mean * (1 - mean) / 7, rtol=1e-12, atol=1e-15)
    noisy = theory.SupervisionSetting(np.full(7, 1 / 7), np.full(400, 0.2), noise=0.1, accuracy=1.0)
    lost, gained = 0.1 * 0.8, 0.9 * 0.2
    assert np.isclose(theory.unsolved_law(noisy)[0][-1], lost / (lost + gained))
    assert (
        theory.unsolved_law(theory.SupervisionSetting(np.ones(1), np.zeros(50)))[0][-1] == 1
    )  # filter alone
    rounds = theory.required_rounds(0.01, 0.1)
    assert 43 < rounds < 44 < math.log(100) / 0.1
    assert mean[math.ceil(rounds)] < 0.01 < mean[math.floor(rounds)]


def test_prompts_that_are_drawn_by_enumeration():
    p, beta, gamma = np.array([0.5, 0.3, 0.2]), 0.4, 0.25
    setting = theory.SupervisionSetting(p, np.full(3, beta), gamma, 0.3, np.array([1, 2, 2]))
    state = np.full(3, 0.7)
    for _ in range(2):
        after = np.zeros(3)
        for pair in itertools.product(range(3), repeat=2):
            moved = state.copy()
            for k in set(pair):
                moved[k] = state[k] * (gamma + (1 - gamma) * (1 - beta)) + (1 - state[k]) * gamma * (1 - beta)
            after += p[pair[0]] * p[pair[1]] * moved
        state = after
    np.testing.assert_allclose(theory.unsolved_law(setting)[0][2], p @ state, rtol=1e-12)


def test_strong_collapse():
    """The published limits, a floor that no number of rows removes, and noise against numpy."""
    for (d, real, made), value in {(40, 60, 60): 0.3750, (40, 20, 100): 0.7639}.items():
        size = real + made
        assert np.isclose(theory.strong_collapse_limit(made / size, d / size), value, atol=5e-5)
        many = theory.strong_collapse(1000 * d, 1000 * real, 1000 * made)
        assert np.isclose(many, theory.strong_collapse_limit(made / size, d / size), rtol=1e-4)
    assert np.isclose(theory.strong_collapse(5, 99 * 10**6, 10**6, 2.0), 2.0 * 0.01**2, rtol=1e-3)
    assert np.isinf(theory.strong_collapse(3, 2, 2)) and theory.strong_collapse(3, 9, 0) == 0

    generator, replicates = np.random.default_rng(0), 40_000
    x = generator.normal(size=(replicates, 12, 3))
    y = np.where(np.arange(12) < 8, 0.0, x @ np.array([1.0, 0.0, -1.0]))
    y = y + generator.normal(size=y.shape) * np.where(np.arange(12) < 8, 0.5, 1.5)
    w = np.linalg.solve(np.swapaxes(x, 1, 2) @ x, np.swapaxes(x, 1, 2) @ y[..., None])[..., 0]
    errors = np.sum(w**2, axis=1)
    law = theory.strong_collapse(3, 8, 4, 2.0, 0.25, 2.25)
    assert abs(errors.mean() - law) < 4.5 * errors.std() / np.sqrt(replicates)
    assert abs(
        errors.mean() - theory.strong_collapse(3, 8, 4, 2.0, 0.25, 2.0)
    ) > 4.5 * errors.std() / np.sqrt(replicates)


@pytest.mark.parametrize(
    "share, decay, scale",
    [(0.2, 0.9, 1.0), (0.8, 0.2, 1.0), (0.9, 0.35, 1.0), (0.8, 0.9, 0.02), (0.3, np.inf, 1.0)],
)
def test_slopes_of_biased_real_data(share, decay, scale):
    """Root mean squared error on everything so far falls like t to the power - min(1/2, a, q)."""
    t = np.arange(60_001)
    setting = theory.Setting(
        "gaussian", "maximum-likelihood", "mixture", "all", "real", np.full(len(t), 50),
        {"mean": 0.0, "variance": 1.0}, shares=np.full(len(t), share), counts="fixed", known_variance=True,
        biases=scale * (t + 1.0) ** -decay,
    )  # fmt: skip
    at = np.unique(np.geomspace(6_000, 60_000, 20).astype(int))
    (found,) = theory.predictions(setting, [("squared_error", {})], at)
    slope = np.polyfit(np.log(at), np.log(found.values) / 2, 1)[0]
    expected = theory.contaminated_exponent(0.5, share, decay)
    # parts that fall nearly as fast are still seen
    assert abs(slope + expected) < 0.04 and expected == min(0.5, share, decay)
    others = [e for e in (0.5, share, decay) if e != expected]
    assert all(abs(slope + e) > abs(slope + expected) for e in others)


def test_a_bias_that_is_all_there_is():
    """Nearly no noise: pooled means of what the batches were off by."""
    biases, shares = np.array([0.3, 1.0, -2.0, 0.5]), np.array([1.0, 0.5, 0.2, 0.9])
    setting = theory.Setting(
        "gaussian", "maximum-likelihood", "mixture", "all", "real", np.array([10, 20, 10, 40]),
        {"mean": 0.0, "variance": 1e-14}, shares=shares, counts="fixed", known_variance=True, biases=biases,
    )  # fmt: skip
    mean, total, expected = 0.0, 0, []
    for size, share, bias in zip(setting.sizes, shares, biases, strict=True):
        mean = (total * mean + size * (share * bias + (1 - share) * mean)) / (total + size)
        total += size
        expected.append(mean**2)
    (found,) = theory.predictions(setting, [("squared_error", {})])
    np.testing.assert_allclose(found.values, expected, rtol=1e-9)


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda: theory.required_rounds(0.0, 0.1), "got 0.0"),
        (lambda: theory.strong_collapse_limit(0.5, 1.0), "1.0"),
        (lambda: theory.contaminated_exponent(0.5, 1.5), "1.5"),
        (lambda: theory.contaminated_exponent(0.0, 0.5), "0.0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()
