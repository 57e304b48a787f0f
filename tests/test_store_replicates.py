"""One bad replicate is a status and spoils no other, on a disk as in memory and after a stop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mcollapse as mc
from mcollapse import planning
from mcollapse.storing.resuming import resume
from tests.helpers import GAUSSIAN
from tests.stored import Breaking, Broken, assert_equal, broken_off


class Fragile(mc.families.Gaussian):
    """A user's own, whose fit fails in several ways where a mean is far off."""

    def maximum_likelihood(self, data, previous, ddof=0):
        fitted, status = super().maximum_likelihood(data, previous, ddof)
        size = jnp.abs(fitted.mean)
        broken = (size > 1.3) | jnp.isnan(previous.mean)
        mean = jnp.where(broken, jnp.nan, fitted.mean)
        status = jnp.where(broken, mc.Status.NOT_FINITE, status)
        status = jnp.where((size > 1.2) & (size <= 1.3), mc.Status.NOT_CONVERGED, status)
        collapsed = (fitted.mean > 1.1) & (size <= 1.2)
        status = jnp.where(collapsed, mc.Status.DEGENERATE, status)
        return type(fitted)(mean, fitted.log_variance), status.astype(jnp.int32)


RECORD = {
    "mean": mc.Record(mc.metrics.mean),
    "moments": mc.Record(mc.metrics.mean, reduce=mc.Moments()),
    "hitting": mc.Record(mc.metrics.mean, reduce=mc.HittingTime(above=1.0)),
}


def run(family, **options):
    process = mc.RecursiveTraining(family=family, estimator=mc.estimators.Unbiased(), sizes=20)
    return mc.simulate(
        process, GAUSSIAN, key=jax.random.key(3), generations=20, replicates=300, record=RECORD, **options
    )


def test_a_bad_replicate_spoils_no_other_and_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "SEGMENT_SECONDS", 1e9)
    monkeypatch.setattr(planning, "SEGMENT_STOPS", 4)
    store = tmp_path / "store"
    plain, fragile = run(mc.families.Gaussian()), run(Fragile(), store=tmp_path / "whole", chunk=128)
    counts = fragile.status_counts()
    assert all(counts[name] for name in ("ok", "not_finite", "not_converged", "degenerate")), counts
    good = fragile.status != mc.Status.NOT_FINITE
    np.testing.assert_array_equal(fragile["mean"].values[good], plain["mean"].values[good])
    bad = fragile["mean"].values[~good]
    assert np.isnan(bad[:, -1]).all() and np.isfinite(bad[:, 0]).all()
    assert fragile.stats is not None and fragile.stats.statuses == counts
    # values that are no numbers are left out and counted as missing
    assert fragile["moments"].count[-1] == good.sum() and np.isfinite(fragile["moments"].mean).all()
    with pytest.raises(Broken):
        run(Fragile(), store=store, chunk=128, checkpoint_every=1e-9, progress=Breaking(9, broken_off))
    again = run(Fragile(), store=store)
    assert_equal(again, fragile)
    assert again.stats is not None and again.stats.statuses == counts
    assert mc.Trajectories.load(store).status_counts() == counts
    with pytest.raises(ValueError, match="call simulate with the arguments of that run and store="):
        resume(store, replicates=400)
