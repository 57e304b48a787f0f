"""Laws without sampling error: published numbers, and what must hold whatever the law."""

import json
from pathlib import Path

import numpy as np
import pytest

from mcollapse import theory

NAMES = ("pub-heat-death", "pub-mix-identity", "pub-tail-cut", "pub-weak-label-.1", "pub-bertrand-mean")
ROWS = {
    row["id"]: row for row in json.loads((Path(__file__).parent / "population.json").read_text())
}  # fmt: skip


def test_heat_death():
    row = ROWS["pub-heat-death"]
    for (tau, share), value in zip(row["settings"]["cases_tau_alpha"], row["values"], strict=True):
        law = theory.tempered_fixed_point(row["settings"]["p0"], tau, share)
        assert np.isclose(law.max(), value, rtol=1e-9)
        assert not np.isclose(
            theory.tempered_fixed_point(row["settings"]["p0"], tau, share * 1.01).max(), value, rtol=1e-4
        )


def test_without_real_data_a_path_is_a_power():
    truth = np.array([0.4, 0.3, 0.2, 0.0, 0.1])
    for tau in (0.7, 1.0, 1.4):
        path = theory.tempered_path(truth, tau, 6)
        powers = np.where(truth > 0, truth ** (tau**-6.0), 0.0)
        np.testing.assert_allclose(path[-1], powers / powers.sum(), rtol=1e-12)
    np.testing.assert_allclose(theory.tempered_path(truth, 0.5, 40)[-1], [1, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(theory.tempered_path(truth, 2.0, 60)[-1], (truth > 0) / 4, atol=1e-12)


def test_mixing():
    row = ROWS["pub-mix-identity"]
    given = row["settings"]
    p, q, a = np.array(given["p_hat"]), np.array(given["p0"]), given["alpha"]
    plain, mixed = theory.mixed_distances(q, p, 0.0), theory.mixed_distances(q, p, a)
    np.testing.assert_allclose([plain[0], mixed[0], plain[1], mixed[1]], row["values"], rtol=1e-9)
    blend = a * q + (1 - a) * p
    np.testing.assert_allclose(mixed, [np.sum((blend - q) ** 2 / q), np.abs(blend - q).sum() / 2])
    assert theory.mixed_distances(np.array([1.0, 0.0]), np.array([0.5, 0.5]), 0.1)[0] == np.inf


def test_truncated_tails():
    row = ROWS["pub-tail-cut"]
    given = row["settings"]
    law = np.arange(1.0, given["K"] + 1) ** -given["exponent"]
    law /= law.sum()
    cut = np.where(np.arange(given["K"]) < given["truncation_rank"], law, 0.0)
    found = [theory.memorised_error(law, cut / cut.sum(), size) for size in given["T"]]
    np.testing.assert_allclose(found, row["values"], rtol=1e-9)
    assert theory.memorised_error([1.0], [1.0], 3) == 0.0


def test_weak_labels_and_retraining():
    row = ROWS["pub-weak-label-.1"]
    np.testing.assert_allclose(theory.unsolved(0.1, np.array(row["generations"])), row["values"], rtol=1e-9)
    row = ROWS["pub-bertrand-mean"]
    found = [theory.retraining_factor(weight) for weight in row["settings"]["lambda_"]]
    np.testing.assert_allclose(found, row["values"], rtol=1e-9)


def test_errors_are_discounted():
    errors = np.array([0.2, 0.0, 0.1, 0.05])
    a = 0.3
    expected = sum(errors[s] * (1 - a) ** (2 * (3 - s)) for s in range(4))
    assert np.isclose(theory.propagated(errors, a)[-1], expected)
    steady = theory.propagated(np.full(400, 0.1), a)[-1]
    assert np.isclose(steady, 0.1 / (a * (2 - a)))


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda: theory.tempered([0.5, 0.5], 0.0), "above 0"),
        (lambda: theory.tempered_fixed_point([0.5, 0.5], 0.9, 0.0), "real share"),
        (lambda: theory.unsolved(1.5, np.arange(3)), "1.5"),
        (lambda: theory.retraining_factor(-1.0), "-1"),
    ],
)
def test_what_makes_no_sense_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()


def test_every_row_is_tested():
    assert set(ROWS) == set(NAMES)
