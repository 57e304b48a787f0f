"""Trajectories: labels, saving and loading, sweeps, and paired differences."""

import json

import jax
import numpy as np
import pytest
import xarray

import mcollapse as mc
from mcollapse.recording import KeptEntry
from tests.helpers import GAUSSIAN, ZIPF, categorical, gaussian

OVER = {"source.real_share": [0.0, 0.5], "sizes.value": [20, 40, 80]}


@pytest.fixture(scope="module")
def swept():
    record = {
        "error": mc.Record(mc.metrics.squared_error),
        "moments": mc.Record(mc.metrics.squared_error, at=[1, 3], reduce=mc.Moments()),
        "quantiles": mc.Record(mc.metrics.squared_error, at=[1, 3], reduce=mc.Quantiles(0.02)),
        "histogram": mc.Record(mc.metrics.squared_error, reduce=mc.Histogram(low=0, high=0.1, bins=5)),
        "symbols": mc.Record(mc.metrics.probabilities, at=[3]),
        "sketched": mc.Record(mc.metrics.probabilities, at=[3], reduce=mc.Quantiles()),
        "shares": mc.Record(mc.metrics.probabilities, at=[3], reduce=mc.Histogram(edges=[0, 0.05, 1])),
        "fixed": mc.Record(mc.metrics.single_symbol, reduce=mc.HittingTime(above=0.5)),
    }
    process = categorical(sizes=10, source=mc.sources.Mixture(0.1))
    return mc.sweep(
        process, ZIPF, over=OVER, key=jax.random.key(0), generations=3, replicates=200, record=record
    )


def test_a_sweep_is_one_program_with_an_axis_a_parameter(swept):
    assert swept.stats.programs_compiled == 1
    assert swept["error"].values.shape == (200, 2, 3, 4)
    data = swept.to_xarray()
    assert data["error"].dims == ("replicate", "source.real_share", "sizes.value", "generation_error")
    assert data["sizes.value"].values.tolist() == [20, 40, 80]
    assert data["moments.mean"].dims == ("source.real_share", "sizes.value", "generation_moments")
    assert data["generation_moments"].values.tolist() == [1, 3]
    assert data["fixed.hits"].dims == ("source.real_share", "sizes.value", "time")
    assert data["status"].dims == ("replicate", "source.real_share", "sizes.value")


def test_sketches_and_histograms_of_every_cell_and_component_are_those_of_the_trajectories(swept):
    shares = [0.0, 0.3, 0.5, 0.99]
    for sketch, whole, a in (
        (swept["quantiles"], swept["error"].values[..., [1, 3]], 0.02),
        (swept["sketched"], swept["symbols"].values, 0.01),
    ):
        expected = np.quantile(whole.astype(np.float64), shares, axis=0)
        np.testing.assert_allclose(sketch.quantile(shares), expected, rtol=a, atol=1e-30)
        assert np.all(sketch.count == 200) and sketch.median.shape == whole.shape[1:]
    for histogram, whole in (
        (swept["histogram"], swept["error"].values), (swept["shares"], swept["symbols"].values)
    ):  # fmt: skip
        for place in np.ndindex(whole.shape[1:]):
            counts = np.histogram(whole[:, *place].astype(np.float64), histogram.edges)[0]
            np.testing.assert_array_equal(histogram.counts[place], counts)
    one = swept["sketched"].at((1, 2), 7)
    np.testing.assert_array_equal(one.median, swept["sketched"].median[1, 2, :, 7])
    data = swept.to_xarray()
    assert data["sketched.median"].dims == (*OVER, "generation_sketched", "component_sketched")
    assert data["shares.counts"].dims[-1] == "bin_shares" and data["shares.edges"].dims == ("edge_shares",)


def test_a_cell_of_a_sweep_is_the_run_of_its_numbers(swept):
    process = categorical(sizes=40, source=mc.sources.Mixture(0.5))
    record = {"error": mc.Record(mc.metrics.squared_error)}
    alone = mc.simulate(process, ZIPF, key=jax.random.key(0), generations=3, replicates=200, record=record)
    np.testing.assert_allclose(swept["error"].values[:, 1, 1], alone["error"].values, rtol=1e-5, atol=1e-9)


def test_cells_share_keys_so_differences_are_paired(swept):
    paired = swept["error"].values[:, 0, 0] - swept["error"].values[:, 0, 1]
    independent = swept["error"].values[:, 0, 0] - np.roll(swept["error"].values[:, 0, 1], 1, axis=0)
    assert paired[:, 0].std() < independent[:, 0].std()


def test_saving_and_loading(swept, tmp_path):
    path = swept.save(tmp_path / "run.zarr")
    loaded = mc.Trajectories.load(path)
    np.testing.assert_array_equal(loaded["error"].values, swept["error"].values)
    np.testing.assert_array_equal(loaded["moments"].standard_error, swept["moments"].standard_error)
    np.testing.assert_array_equal(loaded["fixed"].hits, swept["fixed"].hits)
    for name, entry in swept.items():
        assert type(loaded[name]) is type(entry)
        found = loaded[name].variables(name)
        for variable, (dims, array) in entry.variables(name).items():
            assert found[variable][0] == dims
            np.testing.assert_array_equal(found[variable][1], array, strict=True)
    assert loaded.records["quantiles"].reduce == mc.Quantiles(0.02)
    assert loaded.records["histogram"].reduce == mc.Histogram(low=0, high=0.1, bins=5)
    assert loaded.records["shares"].reduce == mc.Histogram(edges=[0, 0.05, 1])
    np.testing.assert_array_equal(loaded.status, swept.status)
    np.testing.assert_array_equal(loaded.truth.probabilities, ZIPF.probabilities)
    assert loaded.attributes == json.loads(json.dumps(swept.attributes))
    assert loaded.process.source.counts == "random" and loaded.process.sizes.value == 10
    assert [v.row() for v in loaded.compare()] == [v.row() for v in swept.compare()]
    with pytest.raises(ValueError, match="exists"):
        swept.save(path)
    swept.save(path, overwrite=True)


def test_attributes_say_all(swept):
    attributes = swept.attributes
    for name in (
        "process",
        "truth_family",
        "records",
        "generations",
        "replicates",
        "start",
        "key",
        "sweep",
        "dtype",
    ):
        assert name in attributes
    for name in ("devices", "platform", "mcollapse", "jax", "jaxlib", "numpy"):
        assert attributes[name]
    assert attributes["process"]["source"]["real_share"] == {"name": "constant", "value": 0.1}


def test_a_store_is_plain_zarr(swept, tmp_path):
    swept.save(tmp_path / "run.zarr")
    with xarray.open_zarr(tmp_path / "run.zarr", consolidated=False, chunks=None) as data:
        assert float(data["moments.mean"].sel({"source.real_share": 0.5, "sizes.value": 40}).max()) > 0


def test_a_truth_can_be_swept():
    run = mc.sweep(
        gaussian(sizes=30), GAUSSIAN, over={"truth.mean": [0.0, 2.0]}, key=jax.random.key(0), generations=1,
        replicates=100, record={"mean": mc.Record(mc.metrics.mean)},
    )  # fmt: skip
    np.testing.assert_allclose(run["mean"].values[:, 1] - run["mean"].values[:, 0], 2.0, atol=1e-5)


def test_differences_are_paired_by_replicate():
    def go(share):
        process = gaussian(sizes=30, source=mc.sources.Mixture(share))
        record = {"x": mc.Record(mc.metrics.squared_error)}
        return mc.simulate(
            process, GAUSSIAN, key=jax.random.key(0), generations=3, replicates=400, record=record
        )

    with_real, without = go(0.5), go(0.0)
    difference = mc.difference(without, with_real)
    entry = difference["x"]
    assert isinstance(entry, KeptEntry)
    np.testing.assert_array_equal(entry.values, without["x"].values - with_real["x"].values)
    assert entry.values[:, 0].any() == False  # noqa: E712  (generation 0 is the same)
    assert entry.mean[-1] > 3 * entry.standard_error[-1] > 0
    with pytest.raises(ValueError, match="no law of its own"):
        difference.compare()


def test_looking_something_up():
    run = mc.Trajectories({}, np.zeros(1, np.int8), {"replicates": 1, "generations": 1, "sweep": {}}, None)
    assert len(run) == 0 and "Trajectories(" in repr(run)


def test_collapse_is_a_status_not_an_error():
    process = mc.RecursiveTraining(family=mc.families.Bernoulli(), sizes=3)
    truth = mc.families.Bernoulli.Params(0.01)
    run = mc.simulate(process, truth, key=jax.random.key(0), generations=3, replicates=300)
    counts = run.status_counts()
    assert counts["degenerate"] > 250 and sum(counts.values()) == 300
    assert np.all(np.isfinite(run["squared_error"].values))
