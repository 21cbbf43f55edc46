"""The export stage: whole files of the hour, announced when complete, each customer on their own."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import parameter
from pipeline.products import layout
from pipeline.products.layout import read_area
from pipeline.sources.decode import decode
from pipeline.steps import Deployment, export
from pipeline.store import Store

HOUR = Cycle.parse("2026-01-31T06")
GRID = Grid(30)
LAST_LEAD = 49
NAMES = ("temperature_2m", "precipitation", "wind_gust")
REGION = {"north": 60, "south": -60, "west": 150, "east": -90}
ORDERS: dict[str, Any] = {
    "acme": {
        "parameters": ["temperature_2m", "precipitation", "k_index"], "region": REGION, "leads": {"step": 12},
        "formats": ["grib2", "netcdf", "geotiff", "geoparquet", "csv"],
        "places": [{"name": "Apia", "latitude": -13.8, "longitude": -171.8}],
    },
    "beta": {"parameters": ["wind_gust"], "formats": ["netcdf"], "leads": {"last": 6}},
}  # fmt: skip


def deployment(folder: Path, **changes: Any) -> Deployment:
    settings = {
        "store": f"file://{folder}/store", "synthetic": True, "grid_resolution": 30, "last_lead_hours": LAST_LEAD,
        "sources": {"gfs": {}}, "subscriptions": ORDERS | changes,
    }  # fmt: skip
    return Deployment.open(Config.model_validate(settings))


def field(name: str) -> np.ndarray:
    """(lead, latitude, longitude), whole steps of any precision."""
    rng = np.random.default_rng(len(name))
    return (200 + rng.integers(0, 100, (LAST_LEAD + 1, *GRID.shape))).astype(np.float32)


def publish(store: Store, hour: Cycle = HOUR) -> None:
    """An hour as the stage finds it."""
    key = paths.forecast(hour, "best.zarr")
    rows = [parameter(name) for name in NAMES]
    layout.create(store, key, layout.best(hour, GRID, range(LAST_LEAD + 1), rows, tile_rows=4, synthetic=True))
    for tile in (slice(0, 4), slice(4, 7)):
        layout.write_tile(store, key, {name: field(name)[:, tile] for name in NAMES}, tile)
    source = {"cycle": str(hour), "licence": "CC0", "attribution": "ours", "age_hours": 0}
    sources = {"gfs": source, "ifs": source | {"cycle": None}}
    manifest = {"title": "SYNTHETIC", "synthetic": True, "lead_hours": [*range(LAST_LEAD + 1)], "sources": sources}
    store.write(paths.forecast(hour, "manifest.json"), json.dumps(manifest).encode())


@pytest.fixture
def here(tmp_path: Path) -> Deployment:
    found = deployment(tmp_path)
    publish(found.store)
    return found


def run_all(here: Deployment) -> None:
    for shard in export.shards(here, HOUR):
        export.run(here, HOUR, shard)


def files(store: Store) -> dict[str, bytes]:
    return {info.key: store.read(info.key) for info in store.list("exports")}


def test_a_shard_is_a_customers_day(here: Deployment) -> None:
    assert export.shards(here, HOUR) == ["acme.000", "acme.024", "acme.048", "beta.000"]


def test_many_fields_make_more_and_smaller_shards(tmp_path: Path) -> None:
    everything = {"parameters": ["*"], "formats": ["grib2"], "leads": {"last": 23}}
    here = deployment(tmp_path, acme=everything)
    firsts = [int(shard.rpartition(".")[2]) for shard in export.shards(here, HOUR) if shard.startswith("acme")]
    fields = (firsts[1] - firsts[0]) * len(here.config.subscriptions["acme"].names)
    assert 1000 < fields <= 4000
    assert firsts == [*range(0, 24, firsts[1])]


def test_the_manifest_lists_every_file_with_size_and_checksum(here: Deployment) -> None:
    run_all(here)
    folder = here.store.child(f"exports/acme/{HOUR}")
    manifest = json.loads(folder.read("manifest.json"))
    listed = {entry["path"]: entry for entry in manifest["files"]}
    assert {info.key for info in folder.list("")} == {*listed, "manifest.json"}
    for path, entry in listed.items():
        data = folder.read(path)
        assert (entry["bytes"], entry["sha256"]) == (len(data), sha256(data).hexdigest())
    kinds = [entry["format"] for entry in manifest["files"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "grib2": 10, "netcdf": 3, "geotiff": 10, "geoparquet": 3, "csv": 3,
    }  # fmt: skip
    assert manifest["missing"] == ["k_index"]
    assert manifest["lead_hours"] == [0, 12, 24, 36, 48]
    assert manifest["parameters"]["precipitation"]["grib2"]["code"] == "0.1.52"
    assert manifest["sources"] == {"gfs": {"licence": "CC0", "attribution": "ours"}}
    assert json.loads(here.store.read("exports/acme/latest.json"))["path"] == f"{HOUR}/manifest.json"


def test_every_format_holds_the_published_values(here: Deployment) -> None:
    run_all(here)
    folder = here.store.child(f"exports/acme/{HOUR}")
    box = GRID.area(**REGION)
    expected = field("temperature_2m")[24][np.ix_(box.rows, box.columns)]
    message = next(decode(folder.read(f"grib2/{HOUR}_f024.grib2")))
    np.testing.assert_array_equal(message.values.reshape(box.shape), expected)
    with xr.open_dataset(io.BytesIO(folder.read(f"netcdf/{HOUR}_f024-036.nc")), engine="h5netcdf") as data:
        np.testing.assert_array_equal(data["temperature_2m"][0], expected)
        np.testing.assert_array_equal(data["longitude"], [150, 180, 210, 240, 270])
    table = pd.read_csv(io.BytesIO(folder.read(f"csv/{HOUR}_f024-036.csv")))
    assert table["temperature_2m"][0] == field("temperature_2m")[24, 3, 6]


def test_nothing_is_announced_before_the_last_shard_in_any_order(tmp_path: Path) -> None:
    seen, table = set(), ORDERS["acme"] | {"formats": ["csv"]}
    for number, order in enumerate(permutations(["acme.000", "acme.024", "acme.048"])):
        here = deployment(tmp_path / str(number), acme=table)
        publish(here.store)
        for shard in order:
            assert not here.store.exists(f"exports/acme/{HOUR}/manifest.json")
            export.run(here, HOUR, shard)
        seen.add(here.store.read(f"exports/acme/{HOUR}/manifest.json"))
    assert len(seen) == 1


def test_a_shard_that_runs_again_changes_nothing(here: Deployment) -> None:
    run_all(here)
    before = files(here.store)
    run_all(here)
    assert files(here.store) == before


def test_a_shard_that_died_before_its_record_is_not_announced(here: Deployment) -> None:
    run_all(here)
    here.store.delete(f"exports/acme/{HOUR}/manifest.json")
    here.store.delete(paths.export_record(HOUR, "acme.024"))
    export.run(here, HOUR, "acme.000")
    assert not here.store.exists(f"exports/acme/{HOUR}/manifest.json")
    export.run(here, HOUR, "acme.024")
    assert here.store.exists(f"exports/acme/{HOUR}/manifest.json")


def test_the_pointer_does_not_go_back_in_time(here: Deployment) -> None:
    publish(here.store, HOUR - 1)
    for hour in (HOUR, HOUR - 1):
        export.run(here, hour, "beta.000")
    assert json.loads(here.store.read("exports/beta/latest.json"))["init_time"] == "2026-01-31T06:00:00Z"


def test_a_customer_may_have_a_place_of_their_own(tmp_path: Path) -> None:
    own = tmp_path / "theirs"
    here = deployment(tmp_path, beta=ORDERS["beta"] | {"destination": f"file://{own}"})
    publish(here.store)
    export.run(here, HOUR, "beta.000")
    assert (own / str(HOUR) / "manifest.json").exists()
    assert (own / str(HOUR) / "netcdf" / f"{HOUR}_f000-006.nc").exists()
    assert here.store.list("exports") == []


def test_an_hour_without_anything_ordered_is_an_announced_lack(tmp_path: Path) -> None:
    here = deployment(tmp_path, beta=ORDERS["beta"] | {"parameters": ["k_index"]})
    publish(here.store)
    export.run(here, HOUR, "beta.000")
    manifest = json.loads(here.store.read(f"exports/beta/{HOUR}/manifest.json"))
    assert (manifest["files"], manifest["missing"]) == ([], ["k_index"])


@pytest.mark.parametrize("leads", [(0,), (24, 36), (3, 4, 49)])
def test_an_area_is_read_as_it_was_written(here: Deployment, leads: tuple[int, ...]) -> None:
    box = GRID.area(north=30, south=-60, west=-60, east=60)
    found = read_area(here.store, paths.forecast(HOUR, "best.zarr"), "wind_gust", leads, box)
    np.testing.assert_array_equal(found, field("wind_gust")[np.ix_(leads, box.rows, box.columns)])
