"""The laws of the counts, found from the words that give them, are as near to the true ones as is said."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from . import count_laws
from .count_laws import CASES, LARGE_CASES, binomial, hypergeometric, poisson

# Total variation; mean in standard deviations; variance and P(X = 0), relative.
BOUNDS = (1.3e-6, 8e-7, 3e-6, 1e-6)


def name(case):
    return f"{case[0].__name__} {case[1]}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_laws(case):
    draw, law = case
    found = draw(*law)
    assert found.within(*BOUNDS), found


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE_CASES, ids=name)
def test_large_laws(case):
    """Fewer low words can be asked, so that the bound on the total variation is that of the method."""
    draw, law = case
    found = draw(*law)
    assert found.within(1e-5, *BOUNDS[1:]), found


@pytest.mark.parametrize(
    "draw, law, wrong",
    [
        *[(poisson, (rate,), 1e-5) for rate in (3, 8.001)],
        *[(binomial, law, 1e-5) for law in ((10, 0.3), (1000, 0.0081))],
        (hypergeometric, (10**5, 10**6, 10**4), 1),
    ],
)
def test_a_slightly_wrong_law_would_be_seen(draw, law, wrong):
    """A rate or a share off by 1e-5 of itself."""
    found = draw(*law, wrong=wrong)
    assert not found.within(*BOUNDS), found
    assert found.within(1e-3, 1e-3, 1e-3, 1e-3), found


@pytest.mark.slow
@pytest.mark.parametrize(
    "categories, n, asked, bound",
    [(50, 10**4, 400, 4e-6), (50, 1000, 400, 1.3e-5), (20_000, 436_577, 40, 2e-4)],
)
def test_vectors(categories, n, asked, bound):
    """What the docstring of multinomial says of Zipf's law, of 20,000 categories interpolated between some."""
    found = count_laws.multinomial(n, 1 / np.arange(1, categories + 1), asked)
    assert bound / 2 < found < bound


@pytest.mark.slow
def test_float64():
    code = f"import count_laws\nfor draw, law in count_laws.CASES: assert draw(*law).within(*{BOUNDS}), law"
    environment = os.environ | {"JAX_ENABLE_X64": "1", "PYTHONPATH": str(Path(count_laws.__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
