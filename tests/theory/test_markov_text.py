"""The first fit of an n-gram model of a text, by enumeration of all texts that can be written."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from mcollapse import theory
from tests.theory.test_catalogue import TEXT, setting

GRAMS = [("a", "b"), ("a", "c"), ("a", "d"), ("b", "a"), ("c", "d")]
TRUTH = TEXT["truth"]


def texts(size: int, sentence: int):
    """Every text of so many n-grams, with its probability, from the words of the family's docstring."""
    weights = dict(zip(GRAMS, TRUTH["weights"], strict=True))
    living = sorted({gram[0] for gram, weight in weights.items() if weight > 0})
    for choice in product(range(len(GRAMS)), repeat=size):
        chance, word = 1.0, None
        for place, gram in enumerate(GRAMS[i] for i in choice):
            if place % sentence == 0 or word not in living:
                chance *= (gram[0] in living) / len(living)
            else:
                chance *= gram[0] == word
            total = sum(weight for other, weight in weights.items() if other[0] == gram[0])
            chance *= weights[gram] / total
            word = gram[1]
            if chance == 0:
                break
        if chance > 0:
            yield {GRAMS[i] for i in choice}, chance


@pytest.mark.parametrize("size, sentence", [(1, 3), (3, 3), (5, 2), (6, 3), (4, 7)])
def test_the_first_fit_by_enumeration(size, sentence):
    made = setting(**TEXT | {"truth": TRUTH | {"sentence": float(sentence)}, "sizes": np.array([size, 4, 4])})
    asked = [(name, {}) for name in ("alive", "support", "distinct_words")]
    found = {p.quantity: p for p in theory.predictions(made, asked)}
    every = list(texts(size, sentence))
    assert np.isclose(sum(chance for _, chance in every), 1)
    alive = [sum(chance for grams, chance in every if gram in grams) for gram in GRAMS]
    words = sum(chance * len({word for gram in grams for word in gram}) for grams, chance in every) / 4
    np.testing.assert_allclose(found["alive"].values[0], alive, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found["support"].values[0], sum(alive), rtol=1e-12)
    np.testing.assert_allclose(found["distinct_words"].values[0], words, rtol=1e-12)
    for p in found.values():
        assert np.all(p.lower[1:] <= p.upper[1:]) and np.allclose(p.upper[1:], p.values[0])
    other = replace(made, truth=made.truth | {"sentence": sentence + 1.0})
    (wrong,) = theory.predictions(other, [("alive", {})])
    assert np.allclose(wrong.values[0], alive, rtol=1e-3) == (size <= sentence)


def test_from_the_truth_generation_0_has_every_ngram():
    made = setting(**TEXT, start="truth", sizes=np.full(3, 10**5))
    support, words = theory.predictions(made, [("support", {}), ("distinct_words", {})])
    np.testing.assert_allclose(support.values[:2], [4, 4], rtol=1e-6)  # one has weight 0
    np.testing.assert_allclose(words.values[:2], [1, 1], rtol=1e-6)
    assert support.lower[2] == 1 and words.lower[2] == 0.25


def test_no_law_of_texts_where_none_is_known():
    mixture = {"source": "mixture", "shares": np.zeros(3)}
    for changes in ({"pool": "all"}, mixture, {"estimator": "add-constant", "constant": 1.0}):
        assert theory.predictions(setting(**TEXT | changes), [("support", {})]) == []
    long = TRUTH | {"sentence": 1e8}
    assert theory.predictions(setting(**TEXT | {"truth": long}), [("support", {})]) == []
