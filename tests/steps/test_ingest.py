"""Ingest: from a bucket in a feed's real layout to its input store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import xarray as xr

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, parameter
from pipeline.sources import SOURCES, Source
from pipeline.sources.fetch import Delivery
from pipeline.steps import Deployment, ingest, ingest_members
from pipeline.steps.ensembles import ensemble_variance, held
from pipeline.steps.ingest import ingest_files, ingest_source, past_runs, run, shards
from pipeline.steps.input_reader import InputRun
from pipeline.steps.input_store import InputWriter, rounded
from pipeline.steps.inputs import sources_of
from pipeline.steps.runs import contribution
from pipeline.steps.served import ensembles
from pipeline.store import Store
from tests.grib_samples import COLUMNS, GRID, ROWS, STEP, message, of_parameter, put_ncep
from tests.store.test_store import s3_server  # noqa: F401

GFS = SOURCES["gfs"]
CYCLE = Cycle.parse("2026-01-30T18")
HOUR = Cycle.parse("2026-01-31T00")
LATITUDE = np.repeat(np.linspace(90, -90, ROWS), COLUMNS)
TEMPERATURE, RAIN, U, V = (
    parameter(name) for name in ("temperature_2m", "precipitation", "eastward_wind_10m", "northward_wind_10m")
)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    world = f"file://{tmp_path}/world"
    config = Config(
        store=f"file://{tmp_path}/store",
        synthetic=True,
        grid_resolution=STEP,
        last_lead_hours=12,
        sources={name: {"endpoint": world, "lead_step_hours": 3} for name in ("gfs", "gefs", "gdas")},
        learning={"days": 1, "every_hours": 24, "lead_hours": (6,)},
    )
    return Deployment.open(config)


def bucket_of(deployment: Deployment) -> Store:
    return Store.open(GFS.bucket, endpoint=deployment.config.sources["gfs"].endpoint)


def put_lead(bucket: Store, lead: int, *, cycle: Cycle = CYCLE) -> str:
    """Temperature that is 280 K + lead, wind 3 and 4 m/s, rain of 1 kg m-2 an hour in NCEP's growing buckets."""
    begin, flat, time = (lead - 1) // 6 * 6, np.ones(LATITUDE.shape), f"{lead} hour fcst"
    entries = [
        (
            "TMP:2 m above ground",
            time,
            of_parameter(TEMPERATURE, cycle, lead, lead, 280 + lead + LATITUDE / 90),
        ),
        (
            "UGRD:10 m above ground",
            time,
            of_parameter(U, cycle, lead, lead, 3 * flat),
        ),
        (
            "VGRD:10 m above ground",
            time,
            of_parameter(V, cycle, lead, lead, 4 * flat),
        ),
    ]
    if lead:
        rain = of_parameter(RAIN, cycle, begin, lead, (lead - begin) * flat)
        entries.append(("APCP:surface", f"{begin}-{lead} hour acc fcst", rain))
    return put_ncep(bucket, GFS, cycle, lead, entries)


def put_ecmwf(
    bucket: Store, source: Source, cycle: Cycle, lead: int, of_member: Mapping[int, Mapping[Parameter, float]]
) -> None:
    """A file of members, each parameter the same everywhere, with its index; totals are since the start."""
    lines, data = [], b""
    for number, values in of_member.items():
        for row, value in values.items():
            total = row.kind == "accumulation"
            part = of_parameter(
                row, cycle, 0 if total else lead, lead, np.full(LATITUDE.shape, value),
                productDefinitionTemplateNumber=11 if total else 1, perturbationNumber=number,
            )  # fmt: skip
            name, level = row.ecmwf[0].split(":")
            entry = {"param": name, "levtype": level, "step": str(lead), "number": str(number), "_offset": len(data)}
            lines.append(json.dumps(entry | {"_length": len(part)}))
            data += part
    key = source.key(cycle, lead)
    bucket.write(key, data)
    bucket.write(source.index_key(key), "\n".join(lines).encode())


def opened(deployment: Deployment, source: str = "gfs", cycle: Cycle = CYCLE) -> xr.Dataset:
    return xr.open_zarr(deployment.store.zarr(paths.input_zarr(source, cycle)), consolidated=False, chunks=None)


def record(deployment: Deployment, source: str = "gfs", cycle: Cycle = CYCLE) -> dict[str, Any]:
    return json.loads(deployment.store.read(paths.input_record(source, cycle)))


LEADS = (6, 9, 12, 15, 18, 21, 24)


def test_the_newest_run_becomes_the_input_store(deployment: Deployment) -> None:
    bucket = bucket_of(deployment)
    for lead in LEADS:
        put_lead(bucket, lead)
    run(deployment, HOUR, "gfs")
    store = opened(deployment)
    assert tuple(store["lead_time"].values) == LEADS
    warm = store["forecast"].sel(parameter="temperature_2m")
    np.testing.assert_allclose(warm.sel(latitude=90, longitude=0), 281.0 + np.array(LEADS), atol=0.02)
    np.testing.assert_allclose(store["forecast"].sel(parameter="precipitation"), 1.0, atol=0.01)
    np.testing.assert_array_equal(store["interval_hours"].sel(parameter="precipitation"), [6, *[3] * 6])
    assert (store["coverage"] == 1).all()
    assert store.attrs["synthetic"] is True
    assert record(deployment)["leads"] == list(LEADS)


def test_wind_speed_is_computed_where_the_feed_has_only_components(deployment: Deployment) -> None:
    for lead in LEADS:
        put_lead(bucket_of(deployment), lead)
    run(deployment, HOUR, "gfs")
    speed = opened(deployment)["forecast"].sel(parameter="wind_speed_10m").sel(latitude=slice(60, -60))
    np.testing.assert_allclose(speed, 5.0, atol=0.01)


def test_a_run_that_another_worker_has_ingested_meanwhile_is_whole_or_not_there(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One fetched ahead is begun again by its hour, whose job is killed as it writes."""
    for lead in LEADS:
        put_lead(bucket_of(deployment), lead)
    fetch, write = ingest._fetch_all, InputWriter.write

    def slow(*arguments: Any) -> Delivery:
        monkeypatch.setattr(ingest, "_fetch_all", fetch)
        run(deployment, HOUR, "gfs")
        monkeypatch.setattr(InputWriter, "write", killed)
        return fetch(*arguments)

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest, "_fetch_all", slow)
    with pytest.raises(KeyboardInterrupt):
        run(deployment, HOUR, "gfs")
    assert not deployment.store.exists(paths.input_record("gfs", CYCLE))
    monkeypatch.setattr(InputWriter, "write", write)
    run(deployment, HOUR, "gfs")
    assert (opened(deployment)["forecast"].sel(parameter="temperature_2m") > 270).all()


def test_what_is_missing_is_recorded_and_empty(deployment: Deployment) -> None:
    for lead in LEADS:
        put_lead(bucket_of(deployment), lead)
    bucket_of(deployment).delete(GFS.key(CYCLE, 9))
    run(deployment, HOUR, "gfs")
    missing = record(deployment)["missing"]
    assert record(deployment)["status"] == "partial"
    reason = f"no file {GFS.key(CYCLE, 9)}"
    assert {"parameter": "temperature_2m", "lead_time": 9, "reason": reason} in missing
    assert np.isnan(opened(deployment)["forecast"].sel(parameter="temperature_2m", lead_time=9)).all()
    np.testing.assert_array_equal(
        opened(deployment)["interval_hours"].sel(parameter="precipitation"), [6, 0, 6, *[3] * 4]
    )


def test_a_field_without_any_value_is_recorded_as_missing(deployment: Deployment) -> None:
    bucket = bucket_of(deployment)
    for lead in LEADS:
        put_lead(bucket, lead)
    nothing = of_parameter(TEMPERATURE, CYCLE, 9, 9, np.full(LATITUDE.shape, np.nan))
    key = put_ncep(bucket, GFS, CYCLE, 9, [("TMP:2 m above ground", "9 hour fcst", nothing)])
    run(deployment, HOUR, "gfs")
    reason = f"{key}: temperature_2m has no value anywhere"
    missing = record(deployment)["missing"]
    assert {"parameter": "temperature_2m", "lead_time": 9, "reason": reason} in missing
    assert np.isnan(opened(deployment)["forecast"].sel(parameter="temperature_2m", lead_time=9)).all()


def test_damaged_bytes_are_quarantined_with_their_reason(deployment: Deployment) -> None:
    bucket = bucket_of(deployment)
    for lead in LEADS:
        key = put_lead(bucket, lead)
    good = bucket.read(key)
    bucket.write(key, b"\0" * 50 + good[50:])
    run(deployment, HOUR, "gfs")
    (kept,) = record(deployment)["quarantined"]
    assert deployment.store.read(kept["key"]).startswith(b"\0" * 50)
    assert "expected GRIB messages" in kept["reason"]
    assert np.isnan(opened(deployment)["forecast"].sel(parameter="temperature_2m", lead_time=LEADS[-1])).all()
    assert np.isfinite(opened(deployment)["forecast"].sel(parameter="precipitation", lead_time=LEADS[-1])).all()


def test_a_bucket_of_s3_is_read_without_credentials(
    deployment: Deployment,
    s3_server: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1")
    client.create_bucket(Bucket=GFS.folder)
    writable = Store.open(GFS.bucket, endpoint=s3_server)
    for lead in LEADS:
        put_lead(writable, lead)
        put_lead(bucket_of(deployment), lead)
    for item in writable.list(""):
        client.put_object_acl(Bucket=GFS.folder, Key=item.key, ACL="public-read")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    run(deployment, HOUR, "gfs")
    near = {item.key: deployment.store.read(item.key) for item in deployment.store.list("input")}
    deployment.store.delete("input")
    remote = {"gfs": deployment.config.sources["gfs"].model_copy(update={"endpoint": s3_server})}
    far = Deployment(deployment.config.model_copy(update={"sources": remote}), deployment.store)
    run(far, HOUR, "gfs")
    assert near == {item.key: deployment.store.read(item.key) for item in deployment.store.list("input")}


def test_nothing_is_written_when_nothing_has_arrived(deployment: Deployment) -> None:
    run(deployment, HOUR, "gfs")
    assert not deployment.store.list("")


def test_a_second_run_leaves_the_store_untouched(deployment: Deployment) -> None:
    for lead in LEADS:
        put_lead(bucket_of(deployment), lead)
    run(deployment, HOUR, "gfs")
    before = [(item.key, item.last_modified, deployment.store.read(item.key)) for item in deployment.store.list("")]
    run(deployment, HOUR, "gfs")
    assert before == [
        (item.key, item.last_modified, deployment.store.read(item.key)) for item in deployment.store.list("")
    ]


def test_a_run_without_its_record_is_ingested_again_to_the_same_bytes(deployment: Deployment) -> None:
    for lead in LEADS:
        put_lead(bucket_of(deployment), lead)
    run(deployment, HOUR, "gfs")
    before = {item.key: deployment.store.read(item.key) for item in deployment.store.list("")}
    deployment.store.delete(paths.input_record("gfs", CYCLE))
    deployment.store.delete(paths.input_zarr("gfs", CYCLE) + "/zarr.json")
    run(deployment, HOUR, "gfs")
    assert before == {item.key: deployment.store.read(item.key) for item in deployment.store.list("")}


def test_more_leads_of_a_run_join_those_it_has(deployment: Deployment) -> None:
    for lead in LEADS:
        put_lead(bucket_of(deployment), lead)
    ingest_source(deployment, GFS, CYCLE, [12])
    assert tuple(opened(deployment)["lead_time"].values) == (12,)
    ingest_source(deployment, GFS, CYCLE, [6, 18])
    assert tuple(opened(deployment)["lead_time"].values) == (6, 12, 18)
    np.testing.assert_array_equal(opened(deployment)["interval_hours"].sel(parameter="precipitation"), 6)


def test_a_run_that_had_begun_to_come_is_whole_an_hour_later(deployment: Deployment) -> None:
    bucket = bucket_of(deployment)
    put_lead(bucket, 6)
    run(deployment, HOUR, "gfs")
    before = record(deployment)["files"]
    run(deployment, HOUR, "gfs")
    assert record(deployment)["files"] == before, "nothing more has come"
    for lead in LEADS[1:]:
        put_lead(bucket, lead)
    run(deployment, HOUR + 1, "gfs")
    warm = opened(deployment)["forecast"].sel(parameter="temperature_2m")
    np.testing.assert_allclose(warm.sel(latitude=90, longitude=0), 281.0 + np.array(LEADS), atol=0.02)
    assert {file["key"] for file in record(deployment)["files"]} >= {GFS.key(CYCLE, lead) for lead in LEADS}


def test_what_is_there_of_a_run_stays_where_no_more_can_be_had(deployment: Deployment) -> None:
    put_lead(bucket_of(deployment), 12)
    ingest_source(deployment, GFS, CYCLE, [12])
    bucket_of(deployment).delete(GFS.key(CYCLE, 12))
    ingest_source(deployment, GFS, CYCLE, [6, 12])
    assert record(deployment)["leads"] == [12]
    assert opened(deployment)["forecast"].sel(parameter="temperature_2m").notnull().all()


def test_a_run_that_is_late_does_not_serve_by_the_few_leads_that_are_learnt_from(tmp_path: Path) -> None:
    every = {"days": 1, "every_hours": 6, "lead_hours": (6,)}
    sources = {"gfs": {"endpoint": f"file://{tmp_path}/world"}}
    settings = {"grid_resolution": STEP, "last_lead_hours": 12, "learning": every, "sources": sources}
    deployment = Deployment.open(Config.model_validate({"store": f"file://{tmp_path}/store"} | settings))
    hour, before = HOUR + 1, CYCLE - 6
    for lead in range(12, 26):
        put_lead(bucket_of(deployment), lead, cycle=before)
    put_lead(bucket_of(deployment), 12)  # of the 18 that the hour needs of the run; one that skill is learnt from
    run(deployment, hour, "gfs")
    part = contribution(deployment, "gfs", hour)
    assert part is not None
    assert part.cycle == before
    assert record(deployment, cycle=before)["leads"] == list(range(12, 26))


def test_past_runs_are_those_newest_at_each_start(deployment: Deployment) -> None:
    assert past_runs(deployment, GFS, HOUR) == [(HOUR - 30, (12,))]
    analyses = past_runs(deployment, SOURCES["gdas"], HOUR)
    assert analyses == [(HOUR - 24, (6,)), (HOUR - 18, (0,))]


def test_orography_and_land_come_from_the_analysis(deployment: Deployment) -> None:
    gdas, cycle = SOURCES["gdas"], HOUR - 12
    land = (LATITUDE > 0).astype(float)
    orography = message({"centre": 7, "shortName": "orog"}, 10 * LATITUDE + 1000)
    mask = message({"centre": 7, "shortName": "lsm"}, land)
    put_ncep(bucket_of(deployment), gdas, cycle, 0, [("HGT:surface", "anl", orography), ("LAND:surface", "anl", mask)])
    run(deployment, HOUR, "gdas")
    store = xr.open_zarr(deployment.store.zarr(paths.static_fields()), consolidated=False)
    np.testing.assert_allclose(store["surface_altitude"].sel(latitude=60, longitude=30), 1600, atol=1)
    np.testing.assert_allclose(store["land_area_fraction"].sel(latitude=60, longitude=30), 1)


def put_members(deployment: Deployment, leads: tuple[int, ...], grows: float = 0) -> None:
    """Members 1, 2 and 30 of GEFS: 280 K + their number, times 1 + `grows` an hour of lead."""
    gefs = SOURCES["gefs"]
    bucket = Store.open(gefs.bucket, endpoint=deployment.config.sources["gefs"].endpoint)
    for member in (1, 2, 30):
        for lead in leads:
            data = of_parameter(
                TEMPERATURE, CYCLE, lead, lead, np.full(LATITUDE.shape, 280.0 + member * (1 + grows * lead)),
                productDefinitionTemplateNumber=1, perturbationNumber=member,
            )  # fmt: skip
            key = gefs.key(CYCLE, lead, member=member)
            bucket.write(key, data)
            line = f"1:0:d=2026013018:TMP:2 m above ground:{lead} hour fcst:ENS=+{member}"
            bucket.write(gefs.index_key(key), line.encode())


def test_members_of_an_ensemble_at_the_hour(deployment: Deployment) -> None:
    put_members(deployment, LEADS)
    run(deployment, HOUR, "gefs")
    assert ensembles(deployment, HOUR) == ["gefs"]
    store = xr.open_zarr(deployment.store.zarr(paths.ensemble(HOUR, "gefs")), consolidated=False)
    assert tuple(store["number"].values) == (1, 2, 30)
    assert tuple(store["lead_time"].values) == (0, 3, 6, 9, 12)
    np.testing.assert_allclose(store["temperature_2m"].sel(number=30), 310.0, atol=0.01)
    missing = record(deployment, "gefs", HOUR)["missing"]
    assert {"parameter": "", "lead_time": 6, "reason": "member 5 has no files"} in missing


def test_an_ensemble_of_which_members_are_still_to_come_serves_no_hour(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_members(deployment, LEADS)
    fetch = ingest_members._fetch_member

    def killed(bucket: Store, *arguments: Any) -> Delivery:
        if arguments[-1] == 2:
            raise KeyboardInterrupt
        return fetch(bucket, *arguments)

    monkeypatch.setattr(ingest_members, "_fetch_member", killed)
    with pytest.raises(KeyboardInterrupt):
        run(deployment, HOUR, "gefs")
    monkeypatch.undo()
    assert (ensembles(deployment, HOUR), held(deployment, HOUR)) == ([], set())
    run(deployment, HOUR, "gefs")
    assert ensembles(deployment, HOUR) == ["gefs"]


def test_where_a_short_run_of_an_ensemble_ends_the_members_of_the_long_one_before_go_on(
    deployment: Deployment,
) -> None:
    """At 03 UTC the newest run is that of 18 UTC, which ends after 144 hours; rain is a total since the start."""
    ens, hour, long = SOURCES["ifs_ens"], HOUR + 3, CYCLE - 6
    world = deployment.config.sources["gefs"].model_copy(update={"lead_step_hours": 48})
    sources = {"ifs_ens": world, "gdas": deployment.config.sources["gdas"]}
    changes = {"last_lead_hours": 225, "sources": sources}
    deployment = replace(deployment, config=deployment.config.model_copy(update=changes))
    bucket = Store.open(ens.bucket, endpoint=world.endpoint)
    for cycle, warm, rate, last in ((CYCLE, 280.0, 1.0, 144), (long, 270.0, 3.0, 240)):
        for lead in range(0, last + 1, 6):
            of_member = {
                number: {TEMPERATURE: warm + number} | ({RAIN: rate * lead} if lead else {}) for number in (1, 50)
            }
            put_ecmwf(bucket, ens, cycle, lead, of_member)
    run(deployment, hour, "ifs_ens")
    store = xr.open_zarr(deployment.store.zarr(paths.ensemble(hour, "ifs_ens")), consolidated=False)
    assert store["lead_time"].values.tolist() == [-9, 39, 87, 135, 177, 225]
    warm, rain = store["temperature_2m"].sel(number=50), store["precipitation"].sel(number=1)
    np.testing.assert_allclose(warm.isel(latitude=1, longitude=1), [*[330.0] * 4, *[320.0] * 2], atol=0.01)
    np.testing.assert_allclose(rain.isel(latitude=1, longitude=1)[1:], [1, 1, 1, 3, 3], atol=0.01)
    assert store.attrs["longer_init_time"] == long.init_time.isoformat()


def test_members_differ_by_what_they_do_around_a_lead_where_the_run_has_none_of_its_own(
    deployment: Deployment,
) -> None:
    put_members(deployment, LEADS, grows=0.02)
    run(deployment, HOUR + 1, "gefs")
    store = xr.open_zarr(deployment.store.zarr(paths.ensemble(HOUR + 1, "gefs")), consolidated=False)
    assert tuple(store["lead_time"].values) == (-1, 2, 5, 8, 11, 14)
    found = ensemble_variance(deployment, TEMPERATURE, HOUR + 1, 6, 0)
    assert found is not None
    at_5, at_8 = (np.var(np.array([1, 2, 30]) * (1 + 0.02 * lead), ddof=1) for lead in (12, 15))
    np.testing.assert_allclose(found, (2 * at_5 + at_8) / 3, rtol=0.01)
    assert ensemble_variance(deployment, TEMPERATURE, HOUR + 1, 24, 0) is None, "beyond its end nobody knows"


def test_an_ensemble_that_ends_before_the_first_lead_that_is_learnt_at_differs_by_nothing_known(
    deployment: Deployment,
) -> None:
    learning = deployment.config.learning.model_copy(update={"lead_hours": (24,)})
    later = replace(deployment, config=deployment.config.model_copy(update={"learning": learning}))
    put_members(later, LEADS)
    run(later, HOUR, "gefs")
    assert ensemble_variance(later, TEMPERATURE, HOUR, 24, 0) is None


def test_files_are_filed_under_a_source_by_their_start(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "some.grib2"
    file.write_bytes(
        of_parameter(TEMPERATURE, CYCLE, 6, 6, 280 + LATITUDE / 90) + of_parameter(U, CYCLE, 6, 6, LATITUDE)
    )
    lines = list(ingest_files(deployment, "ifs", [file]))
    assert lines == [f"{file}: 2 fields of 2 parameters", "input/ifs/20260130T18Z.zarr: 2 parameters at 6 h"]
    np.testing.assert_allclose(
        opened(deployment, "ifs")["forecast"].sel(parameter="temperature_2m", latitude=90), 281, atol=0.02
    )


def test_a_regional_file_counts_only_where_it_lies(deployment: Deployment, tmp_path: Path) -> None:
    part = {**GRID, "Ni": 5, "Nj": 5, "latitudeOfFirstGridPointInDegrees": 60, "latitudeOfLastGridPointInDegrees": -60,
            "longitudeOfFirstGridPointInDegrees": 60, "longitudeOfLastGridPointInDegrees": 180}  # fmt: skip
    file = tmp_path / "part.grib2"
    file.write_bytes(
        message({"shortName": "2t", "dataDate": 20260130, "dataTime": 1800}, np.full(25, 280.0), grid=part)
    )
    list(ingest_files(deployment, "hrrr", [file]))
    store = opened(deployment, "hrrr")
    assert float(store["coverage"].sel(latitude=0, longitude=120)) == 1
    assert float(store["coverage"].sel(latitude=0, longitude=300)) == 0
    assert np.isnan(store["forecast"].sel(parameter="temperature_2m", latitude=0, longitude=300)).all()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "an empty file"),
        (b"PK\3\4 some archive", "a zip archive"),
        (b"\x1f\x8bgarbage", "cannot be read"),
        (None, "No such file"),
    ],
)
def test_a_file_of_another_kind_is_told_in_one_line(
    deployment: Deployment, tmp_path: Path, data: bytes | None, told: str
) -> None:
    file = tmp_path / "some.grib2"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(ValueError, match=told) as caught:
        list(ingest_files(deployment, "gfs", [file]))
    assert "\n" not in str(caught.value)


def test_what_a_deployment_goes_without_is_not_taken(deployment: Deployment) -> None:
    for lead in (0, 3, 6):
        put_lead(bucket_of(deployment), lead)
    sources = deployment.config.sources
    taken = {"gfs": sources["gfs"].model_copy(update={"without": ("*hpa", "precipitation")})}
    other = replace(deployment, config=deployment.config.model_copy(update={"sources": sources | taken}))
    ingest_source(other, other.source("gfs"), CYCLE, [3, 6])
    names = InputRun(other.store.child(paths.input_zarr("gfs", CYCLE))).rows
    assert "temperature_2m" in names
    assert not {"precipitation", "temperature_850hpa"} & set(names)
    assert [sources_of(one, parameter("precipitation")) for one in (deployment, other)] == [("gfs",), ()]


def test_an_unknown_source_is_named_with_the_nearest(deployment: Deployment) -> None:
    with pytest.raises(ValueError, match="did you mean gfs"):
        list(ingest_files(deployment, "gsf", []))
    assert shards(deployment, HOUR) == ["gefs", "gfs", "gdas"], "ensembles first"


def test_rounding_stays_within_the_precision_and_clears_bits() -> None:
    values = np.random.default_rng(0).normal(280, 10, 1000).astype(np.float32)
    result = rounded(values, 0.01)
    assert np.abs(result - values).max() <= 0.01
    assert (result.view(np.uint32) & 0xFF == 0).all()
