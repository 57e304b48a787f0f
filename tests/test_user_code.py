"""A user's own function or class that was edited is not taken for the one of the same name."""

import subprocess
import sys

import equinox as eqx
import jax
import numpy as np
import pytest

import mcollapse as mc
from mcollapse.storing.code import digest
from tests.helpers import GAUSSIAN, gaussian
from tests.stored import assert_equal

SOURCE = '''
def distance(family, params, truth):
    """How far."""
    return abs(params.mean - truth.mean)
'''


def written(source, **known):
    names = {"__name__": "script", **known}
    exec(source, names)
    return names


def closing_over(value):
    def metric(family, params, truth):
        return params.mean * value

    return metric


def test_a_digest_is_that_of_the_code():
    first, again = (digest(written(SOURCE)["distance"]) for _ in range(2))
    assert first is not None and first == again
    assert digest(written(SOURCE.replace("How far.", "A distance."))["distance"]) == first
    for edited in ("abs(params.mean + truth.mean)", "2 * abs(params.mean - truth.mean)", "params.mean"):
        other = SOURCE.replace("abs(params.mean - truth.mean)", edited)
        assert digest(written(other)["distance"]) != first
    assert digest(closing_over(1.0)) == digest(closing_over(1.0)) != digest(closing_over(2.0))
    assert digest(closing_over(np.ones(3))) != digest(closing_over(np.zeros(3)))
    assert digest(mc.metrics.squared_error) is None and digest(mc.families.Gaussian()) is None


def test_a_class_is_known_by_its_methods():
    def made(scale):
        source = f"""
class Family(base):
    def helper(self, x):
        return x in {{"b", "a", "c"}} or {scale} * x
"""
        return written(source, base=eqx.Module)["Family"]()

    assert digest(made(1)) == digest(made(1)) != digest(made(2))


def test_a_digest_is_the_same_in_another_process():
    code = (
        "from mcollapse.storing.code import digest\n"
        "names = {'__name__': 'script'}\n"
        'exec(\'def f(x):\\n    return x in {"b", "a", "c", "d"}\', names)\n'
        "print(digest(names['f']))"
    )
    found = {subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)}
    assert len(found) == 1


def test_a_run_is_not_gone_on_with_by_an_edited_metric(tmp_path):
    def simulated(metric, replicates=50):
        return mc.simulate(
            gaussian(), GAUSSIAN, key=jax.random.key(0), generations=2, replicates=replicates,
            record={"far": mc.Record(metric)}, store=tmp_path / "run",
        )  # fmt: skip

    run = simulated(written(SOURCE)["distance"])
    with pytest.raises(ValueError, match=r"code\.records\.far\.metric: \w+ in the store, \w+ asked for"):
        simulated(written(SOURCE.replace("abs", "2 * abs"))["distance"], 60)
    assert_equal(simulated(written(SOURCE)["distance"]), run)
