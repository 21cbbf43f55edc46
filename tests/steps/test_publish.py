"""The gate and the publication: a whole hour or none, provenance, catalogue item, a pointer that never goes back."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pystac
import pytest
import xarray as xr

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.products import layout, provenance
from pipeline.products.weights import as_used
from pipeline.science import amounts
from pipeline.science.pools import single
from pipeline.science.skill import Skill, update, zero
from pipeline.sources import SOURCES
from pipeline.steps import Deployment, collate, publish, skill_store, validate
from pipeline.steps.learn import weights_key
from pipeline.steps.observe import read_parquet, record_key, to_parquet
from pipeline.store import arrays as store_arrays
from tests.steps.stored_inputs import store_run

HOUR = Cycle.parse("2026-01-31T12")
NAMES = ("temperature_2m", "precipitation")
LEVELS = (0.1, 0.5, 0.9)
CONFIG = {
    "store": "memory://", "synthetic": True, "grid_resolution": 30, "last_lead_hours": 6, "tile_rows": 4,
    "sources": {"gfs": {}, "ifs": {}, "gdas": {}},
}  # fmt: skip


def prepared(hour: Cycle = HOUR, store: Deployment | None = None) -> Deployment:
    """A deployment with all that the stages before validate leave, of `gfs` alone: `ifs` has not arrived."""
    deployment = store or Deployment.open(Config.model_validate(CONFIG))
    record = {
        "status": "partial", "parameters": list(NAMES), "leads": [0, 3, 6, 30], "licence": "public domain",
        "missing": [{"parameter": "precipitation", "lead_time": lead, "reason": "not in the file"} for lead in (3, 6)],
        "quarantined": [], "files": [{"key": "gfs.f003", "sha256": "00"}], "attribution": "NOAA", "delay": 5.0,
    }  # fmt: skip
    run = np.full((4, deployment.grid.places[0].size), 5, np.float32)
    store_run(deployment, "gfs", hour - 6, [0, 3, 6, 30], dict.fromkeys(NAMES, run))
    deployment.store.write(paths.input_record("gfs", hour - 6), json.dumps(record).encode())
    networks = {"METAR": {"status": "complete", "stations": 12, "observations": 40, "problems": []}}
    networks["NDBC"] = {"status": "missing", "stations": 0, "observations": 0, "problems": []}
    deployment.store.write(record_key(hour), json.dumps(networks).encode())
    rng = np.random.default_rng(0)
    kind = {"tile_rows": 4, "synthetic": True}
    rows = [parameter(name) for name in NAMES]
    best = layout.best(hour, deployment.grid, range(7), rows, **kind)
    probability = layout.probability(hour, deployment.grid, range(7), rows[:1], LEVELS, **kind)
    layout.create(deployment.store, paths.forecast(hour, "best.zarr"), best)
    layout.create(deployment.store, paths.forecast(hour, "probability.zarr"), probability)
    for tile in (slice(0, 4), slice(4, 7)):
        shape = (7, tile.stop - tile.start, 12)
        fields = {"temperature_2m": rng.uniform(250, 300, shape), "precipitation": rng.uniform(0, 9, shape)}
        write(deployment, hour, "best.zarr", fields, tile)
        corrected = paths.work(hour, f"consistency/row-{tile.start:04d}.json")
        deployment.store.write(corrected, b'{"within bounds": 2}')
        parts = {"quantile": rng.uniform(250, 300, (3, *shape)), "exceedance": rng.uniform(0, 1, (8, *shape))}
        write(deployment, hour, "probability.zarr", {f"temperature_2m_{k}": v for k, v in parts.items()}, tile)
    for name in NAMES:
        store_arrays.write(deployment.store, weights_key(hour, name), fitted(hour, name))
        skill_store.write(deployment, hour, {name: skill_store.nothing(month())}, ())
    return deployment


def write(deployment: Deployment, hour: Cycle, zarr: str, fields: dict[str, np.ndarray], tile: slice) -> None:
    arrays = {name: values.astype(np.float32) for name, values in fields.items()}
    layout.write_tile(deployment.store, paths.forecast(hour, zarr), arrays, tile)


def fitted(hour: Cycle, name: str) -> xr.Dataset:
    dims = ("source", "lead_bin", "place")
    weight = np.broadcast_to(np.array([0.7, 0.3], np.float32)[:, None, None], (2, 2, 84))
    arrays = {"weight": (dims, weight), "bias": (dims, np.ones_like(weight))}
    arrays |= {part: (dims[1:], np.full((2, 84), 4, np.float32)) for part in ("error_variance", "spread_factor")}
    arrays["membership"] = (("cluster", "place"), np.repeat(np.float32([[0.75], [0.25]]), 84, axis=1))
    if name == "precipitation":
        arrays |= amounts.tables(
            amounts.fit(amounts.zero(("gfs", "ifs"), (6.0, 24.0), single(84)), np.ones((2, 84)) / 2)
        )
    return xr.Dataset(arrays, {"source": np.array(["gfs", "ifs"], object), "lead_bin": [6.0, 24.0]})


def month() -> Skill:
    """Ten pairs of `gfs` with errors of 3 and -1 in turn, none of `ifs`, where equal weights would have done best."""
    state, generator = zero(("gfs", "ifs"), (6.0, 24.0), single(84)), np.random.default_rng(0)
    for number in range(20):
        errors = np.full((2, 84), np.nan, np.float32)
        errors[0] = 3 - 4 * (number // 2 % 2)
        rivals = generator.normal(0, np.array([[3], [1], [2]]), (3, 84)).astype(np.float32)
        update(state, number % 2, errors, candidates=rivals)
    return state


def publish_hour(deployment: Deployment, hour: Cycle = HOUR) -> None:
    for tile in validate.shards(deployment, hour):
        validate.run(deployment, hour, tile)
    collate.run(deployment, hour, "hour")
    for shard in publish.shards(deployment, hour):
        publish.run(deployment, hour, shard)


def test_an_hour_without_any_source_is_not_published() -> None:
    deployment = prepared()
    deployment.store.delete(paths.input_record("gfs", HOUR - 6))
    with pytest.raises(ValueError, match="none has arrived of gfs, ifs"):
        publish_hour(deployment)
    assert not deployment.store.exists(paths.LATEST)


def read(deployment: Deployment, key: str) -> dict:
    return json.loads(deployment.store.read(key))


@pytest.fixture(scope="module")
def published() -> Deployment:
    deployment = prepared()
    publish_hour(deployment)
    return deployment


def test_the_pointer_leads_to_the_hour(published: Deployment) -> None:
    assert read(published, paths.LATEST) == {"init_time": "2026-01-31T12:00:00Z", "path": paths.forecast(HOUR)}


def test_the_manifest_tells_where_everything_comes_from(published: Deployment) -> None:
    manifest = read(published, paths.forecast(HOUR, "manifest.json"))
    assert manifest["synthetic"] is True
    assert manifest["title"].startswith("SYNTHETIC")
    assert set(manifest["sources"]) == {"gfs", "ifs"}, "the verifying analysis is no source of the forecast"
    gfs = manifest["sources"]["gfs"]
    assert (gfs["cycle"], gfs["age_hours"], gfs["status"]) == ("20260131T06Z", 6, "partial")
    assert gfs["licence"]
    assert manifest["bill"] == paths.bill(HOUR), "the same whatever it says"
    assert manifest["values_corrected"] == {"within bounds": 4}, "of both tiles"
    assert gfs["attribution"]
    assert manifest["sources"]["ifs"]["status"] == "absent"
    *others, lost = manifest["degradations"]
    assert others == [
        "gfs: precipitation missing at lead 3, 6 h (not in the file)",
        "ifs: no usable cycle had arrived; the others share its weight",
        "NDBC: no observations of the hour had arrived",
    ]
    assert lost.startswith("no global model had dew_point_temperature_2m, ")
    assert not {*NAMES} & {*lost.replace(",", "").replace(":", "").split()}
    assert manifest["observations"]["METAR"] == {"status": "complete", "stations": 12, "observations": 40}
    assert manifest["mean_weights"]["temperature_2m"] == {"gfs": pytest.approx(1)}, "ifs has not arrived"
    assert manifest["parameters"]["best"] == sorted(NAMES)
    low, high = manifest["ranges"]["temperature_2m"]
    assert 250 <= low < 255 < 295 < high <= 300
    assert "store" not in manifest["configuration"]


def test_the_weights_are_published_with_the_skill_behind_them(published: Deployment) -> None:
    data = xr.open_zarr(published.store.zarr(paths.forecast(HOUR, "weights.zarr")))
    assert data["source"].values.tolist() == ["gfs", "ifs"]
    assert data["source_cycle"].values.tolist() == ["20260131T06Z", ""]
    assert data["source_age"].values.tolist() == [6, -1]
    assert data["lead_bin"].values.tolist() == [6, 24]
    np.testing.assert_allclose(data["temperature_2m_weight"].mean(("lead_bin", "latitude", "longitude")), [0.7, 0.3],
                               atol=0.002)  # fmt: skip
    np.testing.assert_array_equal(as_used(data, "temperature_2m")[:, 0, 0, 0], [1, 0])
    assert data["temperature_2m_last_lead"].values.tolist() == [24, -1]
    assert data["precipitation_last_lead"].values.tolist() == [24, -1]
    assert "precipitation_bias" not in data, "amounts are mapped"
    assert not data["precipitation_mapping"].any(), "without history to what they are"
    assert data["precipitation_mapping"].sizes["precipitation_amount"] == len(data["precipitation_amount"])
    assert data["temperature_2m_membership"].sel(temperature_2m_cluster=0, latitude=0, longitude=0) == 0.75
    np.testing.assert_allclose(data["temperature_2m_cluster_rmse"][0], 2, rtol=0.2)
    assert np.isnan(data["temperature_2m_cluster_rmse"][1]).all(), "ifs has no history"
    guarded = data["temperature_2m_cluster_guard"]
    np.testing.assert_allclose(guarded.sum("candidate"), 1, rtol=1e-6)
    assert (guarded.sel(candidate="equal_weights") > guarded.sel(candidate="scheme")).all()
    np.testing.assert_allclose(data["temperature_2m_cluster_sample"][:, 0, 0], [10, 0])
    np.testing.assert_allclose(data["temperature_2m_expected_error"], 2, atol=0.01)


def test_the_item_is_valid_stac(published: Deployment) -> None:
    document = read(published, paths.forecast(HOUR, "item.json"))
    item = pystac.Item.from_dict(document)
    item.validate()
    assert item.properties["title"].startswith("SYNTHETIC")
    assert item.bbox == [-180, -90, 180, 90]
    assert item.common_metadata.end_datetime is not None
    assert set(item.assets) == {"best", "probability", "weights", "manifest"}
    assert item.properties["attribution"]


def test_what_observations_added_is_published_with_its_stations() -> None:
    deployment = prepared()
    field = xr.DataArray(
        np.ones((7, 12), np.float32), dims=("latitude", "longitude"), attrs={"ramp_factor": [1.0, 0.5]}
    )
    key = paths.work(HOUR, "increments/temperature_2m.zarr")
    store_arrays.write(deployment.store, key, field.to_dataset(name="temperature_2m"))
    table = pd.DataFrame({"station": ["A"], "parameter": ["temperature_2m"], "departure": [1.0]})
    deployment.store.write(paths.work(HOUR, "observations/temperature_2m.parquet"), to_parquet(table))
    publish_hour(deployment)
    assert set(read(deployment, paths.forecast(HOUR, "item.json"))["assets"]) >= {"increments", "observations"}
    assert read(deployment, paths.forecast(HOUR, "manifest.json"))["parameters"]["increments"] == ["temperature_2m"]
    published = xr.open_zarr(deployment.store.zarr(paths.forecast(HOUR, "increments.zarr")), consolidated=False)
    assert published["temperature_2m"].attrs["ramp_factor"] == [1.0, 0.5]
    assert read_parquet(deployment.store, paths.forecast(HOUR, "observations.parquet"))["station"].tolist() == ["A"]


def test_publishing_again_gives_the_same_bytes(published: Deployment) -> None:
    keys = [info.key for info in published.store.list("forecast")]
    before = [published.store.read(key) for key in keys]
    publish_hour(published)
    assert [info.key for info in published.store.list("forecast")] == keys
    assert [published.store.read(key) for key in keys] == before


def test_the_pointer_never_goes_back(published: Deployment) -> None:
    prepared(HOUR - 6, published)
    publish_hour(published, HOUR - 6)
    assert published.store.exists(paths.forecast(HOUR - 6, "manifest.json"))
    assert read(published, paths.LATEST)["path"] == paths.forecast(HOUR)


def test_a_missing_value_closes_the_gate() -> None:
    deployment = prepared()
    values = np.full((7, 4, 12), 280.0)
    values[3, 2, 1] = np.nan
    write(deployment, HOUR, "best.zarr", {"temperature_2m": values}, slice(0, 4))
    with pytest.raises(ValueError, match=r"rows 0 to 4: temperature_2m is missing in 1 of 336 values"):
        publish_hour(deployment)
    assert not deployment.store.exists(paths.LATEST)


def test_an_implausible_value_closes_the_gate() -> None:
    deployment = prepared()
    write(deployment, HOUR, "best.zarr", {"temperature_2m": np.full((7, 3, 12), 20.0)}, slice(4, 7))
    with pytest.raises(ValueError, match=r"temperature_2m: expected 170 to 340 K; found 20 to 20"):
        publish_hour(deployment)


def test_an_unwritten_tile_closes_the_gate() -> None:
    deployment = prepared()
    deployment.store.delete(paths.forecast(HOUR, "probability.zarr/temperature_2m_quantile/c/0/0/1/0"))
    with pytest.raises(ValueError, match="temperature_2m_quantile has not been written"):
        publish_hour(deployment)


def test_a_delivered_parameter_that_is_not_there_closes_the_gate() -> None:
    deployment = prepared()
    run = np.full((2, deployment.grid.places[0].size), 5, np.float32)
    store_run(deployment, "gfs", HOUR - 6, [6, 30], dict.fromkeys((*NAMES, "wind_gust"), run))
    with pytest.raises(ValueError, match="found no wind_gust"):
        publish_hour(deployment)
    assert not deployment.store.exists(paths.LATEST)


def test_nothing_is_published_before_every_tile_is_validated() -> None:
    deployment = prepared()
    with pytest.raises(ValueError, match="row-0000 is not: run the stage validate"):
        publish.run(deployment, HOUR, "hour")


def test_coordinates_of_another_configuration_close_the_gate() -> None:
    deployment = prepared()
    other = Deployment(Config.model_validate(CONFIG | {"last_lead_hours": 9}), deployment.store)
    with pytest.raises(ValueError, match=r"best.zarr: expected 10 lead_time values"):
        publish_hour(other)


def test_unfinished_files_are_swept_before_publishing(tmp_path: Path) -> None:
    deployment = prepared(store=Deployment.open(Config.model_validate(CONFIG | {"store": str(tmp_path)})))
    (tmp_path / paths.forecast(HOUR) / "best.zarr" / "temperature_2m" / "c" / "left#1").write_bytes(b"half")
    publish_hour(deployment)
    assert not list(tmp_path.rglob("*#1"))


def told(name: str, record: dict) -> list[str]:
    """What an hour says of the only source that has something to say."""
    return provenance.degradations(provenance.Ingredients({name: record}, {}, {}, {}, {"standard_start": []}, []))


def test_a_member_that_is_left_out_is_told_once_without_a_lead() -> None:
    missing = [{"parameter": "", "lead_time": lead, "reason": "member 5 has no files"} for lead in (6, 12)]
    record = provenance.source_record(SOURCES["gefs"], HOUR - 6, 6, {"status": "partial", "missing": missing})
    assert told("gefs", record) == ["gefs: member 5 has no files"]


def test_a_file_that_did_not_come_is_told_once_for_all_its_parameters() -> None:
    names = ["a", "b", "c", "d", "e"]
    missing = [{"parameter": name, "lead_time": 9, "reason": "no file f009"} for name in names]
    missing += [{"parameter": name, "lead_time": lead, "reason": "cut off"} for name in "ab" for lead in (12, 15)]
    record = provenance.source_record(SOURCES["gfs"], HOUR - 6, 6, {"missing": missing})
    assert told("gfs", record) == [
        "gfs: 5 parameters missing at lead 9 h (no file f009)",
        "gfs: a, b missing at lead 12, 15 h (cut off)",
    ]


def test_who_reads_while_hours_are_published_sees_whole_ones_only(tmp_path: Path) -> None:
    deployment = Deployment.open(Config.model_validate(CONFIG | {"store": f"file://{tmp_path}/store"}))
    hours = [HOUR, HOUR + 1, HOUR + 2]
    publish_hour(prepared(hours[0], deployment))
    done, seen = threading.Event(), list[str]()

    def read_on() -> None:
        while not done.is_set():
            seen.append(look(deployment))

    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(read_on)
        for hour in hours[1:]:
            publish_hour(prepared(hour, deployment), hour)
            looks = len(seen)
            while len(seen) < looks + 2 and not reading.done():  # the second has begun after the swap
                time.sleep(0.01)
        done.set()
        reading.result()
    assert list(dict.fromkeys(seen)) == [f"{hour.init_time.isoformat()}Z" for hour in hours], "each, in this order"
    assert look(deployment) == f"{hours[-1].init_time.isoformat()}Z"


def look(deployment: Deployment) -> str:
    """The init time of what a reader finds, all of which must be of one hour and whole."""
    pointer = json.loads(deployment.store.read(paths.LATEST))
    manifest = json.loads(deployment.store.read(f"{pointer['path']}/manifest.json"))
    assert manifest["init_time"] == pointer["init_time"]
    with xr.open_zarr(deployment.store.zarr(f"{pointer['path']}/best.zarr")) as best:
        assert f"{best.init_time.values.astype('datetime64[s]')}Z" == pointer["init_time"]
        assert all(np.isfinite(best[name].values).all() for name in NAMES)
    return str(pointer["init_time"])
