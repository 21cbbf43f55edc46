"""The files of a world are real GRIB2 with real indexes, and say what the fields say."""

from __future__ import annotations

import bz2
import itertools
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import eccodes
import numpy as np
import pytest

from pipeline.cycle import Cycle
from pipeline.parameters import blended
from pipeline.sources import SOURCES
from pipeline.sources.decode import Field, decode
from pipeline.sources.index import parse_ecmwf, parse_ncep
from pipeline.sources.messages import split
from pipeline.sources.naming import name
from pipeline.sources.unpack import unpack
from pipeline.world import templates
from pipeline.world.encode import Step, message
from pipeline.world.feeds import FEEDS
from pipeline.world.files import Writer, write_coordinates, write_job
from pipeline.world.forecasts import Run, hourly, instant
from pipeline.world.grids import native_grid
from pipeline.world.schedule import Job
from pipeline.world.state import World

DAY = date(2025, 8, 7)


@pytest.mark.parametrize("source", FEEDS)
def test_every_message_is_named_timed_and_valued_as_it_should(source: str) -> None:
    generator = np.random.default_rng(3)
    for row in FEEDS[source].parameters():
        form = templates.template(source, row.name, "forecast", 5 if source == "gefs" else None)
        values = (generator.random(native_grid(source).size) * 8).astype(np.float32)
        statistic = templates.statistic_of(source, row)
        data = message(form, datetime(2025, 8, 31, 18), Step(6, 12) if statistic else Step(12, 12), values)
        (only,) = split(data)
        named = name(only)
        assert (named.parameter, named.statistic) == (row.name, statistic), f"{source} {row.name}: {named.reason}"
        handle = eccodes.codes_new_from_message(data)
        try:
            assert eccodes.codes_get(handle, "validityDate") == 20250901
            assert eccodes.codes_get(handle, "validityTime") == 600
            assert eccodes.codes_get(handle, "stepRange") == ("6-12" if statistic else "12")
            decoded = eccodes.codes_get_values(handle) * named.factor
        finally:
            eccodes.codes_release(handle)
        present = slice(None) if form.present is None else form.present
        np.testing.assert_allclose(decoded[present], values[present], atol=8 / 4095 + 1e-5)


def test_packing_survives_a_constant_field_and_negative_exponents() -> None:
    form = templates.template("gfs", "precipitation")
    size = native_grid("gfs").size
    ramp = np.linspace(0, 1e-6, size, dtype=np.float32)
    for values in (np.zeros(size, np.float32), np.full(size, -3.7, np.float32), ramp):
        handle = eccodes.codes_new_from_message(message(form, datetime(2025, 8, 31), Step(0, 6), values))
        np.testing.assert_allclose(eccodes.codes_get_values(handle), values, atol=1e-6)
        eccodes.codes_release(handle)


def fields_of(source: str, folder: Path, cycle: Cycle, lead: int, **which: object) -> dict[str, Field]:
    """Decode what lies in a source's folder through its own key, index and names."""
    feed = FEEDS[source]
    if feed.index == "none":
        found = {}
        coordinates = None
        if feed.coordinate_files:
            keys = [feed.key(cycle, 0, parameter=part) for part in ("clat", "clon")]
            read = (bz2.decompress((folder / feed.folder / key).read_bytes()) for key in keys)
            latitude, longitude = (unpack(next(split(data))).astype(np.float64) for data in read)
            coordinates = latitude, longitude
        for row in feed.parameters():
            path = folder / feed.folder / feed.key(cycle, lead, parameter=row.name)
            if path.exists():
                data = path.read_bytes()
                data = bz2.decompress(data) if feed.compression else data
                (found[row.name],) = decode(data, coordinates=coordinates)
        return found
    key = feed.key(cycle, lead, **which)  # type: ignore[arg-type]
    data = (folder / feed.folder / key).read_bytes()
    text = (folder / feed.folder / feed.index_key(key)).read_text()
    entries = parse_ecmwf(text) if feed.index == "ecmwf" else parse_ncep(text, len(data))
    names = {called: row.name for row in feed.parameters() for called in feed.names(row)}
    return {names[entry.name]: next(decode(data[entry.start : entry.end])) for entry in entries if entry.name in names}


@pytest.fixture(scope="module")
def written(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One lead and those before it of every model, and an analysis."""
    root = tmp_path_factory.mktemp("world")
    writer = Writer(root)
    for source, start, leads, further in (
        ("gfs", datetime(2025, 8, 6, 18), (7, 8, 9, 10, 11, 12), ()),
        ("gefs_mean", datetime(2025, 8, 6, 18), (12,), ()),
        ("ifs", datetime(2025, 8, 6, 12), (15, 18), (12,)),
        ("aifs", datetime(2025, 8, 6, 12), (12, 18), ()),
        ("icon", datetime(2025, 8, 6, 18), (12,), (6, 9)),
        ("gdps", datetime(2025, 8, 6, 12), (18,), (12, 15)),
        ("hrrr", datetime(2025, 8, 6, 22), (8,), (2, 6)),
        ("gfs_wave", datetime(2025, 8, 6, 18), (12,), ()),
        ("ecmwf_wam", datetime(2025, 8, 6, 12), (18,), ()),
        ("gdas", datetime(2025, 8, 7, 6), (0,), ()),
        ("gefs", datetime(2025, 8, 6, 18), (12,), ()),
    ):
        past = source in ("icon", "gdps")
        write_job(world, writer, Job(source, start, DAY, leads, further, exact=not past))
    write_coordinates(writer, SOURCES["icon"], Cycle(datetime(2025, 8, 6, 18)))
    assert writer.octets == sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    return root


GFS_CYCLE = Cycle(datetime(2025, 8, 6, 18))
IFS_CYCLE = Cycle(datetime(2025, 8, 6, 12))


@pytest.mark.parametrize(
    ("source", "cycle", "lead"),
    [("gfs", GFS_CYCLE, 12), ("gefs_mean", GFS_CYCLE, 12), ("ifs", IFS_CYCLE, 18), ("aifs", IFS_CYCLE, 18),
     ("icon", GFS_CYCLE, 12), ("gdps", IFS_CYCLE, 18), ("hrrr", Cycle(datetime(2025, 8, 6, 22)), 8),
     ("gfs_wave", GFS_CYCLE, 12), ("ecmwf_wam", IFS_CYCLE, 18)],
)  # fmt: skip
def test_a_lead_holds_every_parameter_within_its_bounds(written: Path, source: str, cycle: Cycle, lead: int) -> None:
    fields = fields_of(source, written, cycle, lead)
    assert set(fields) == {row.name for row in FEEDS[source].parameters()}
    for name_, field in fields.items():
        row, values = blended()[name_], field.values[np.isfinite(field.values)]
        assert values.size > 0.2 * field.values.size
        if row.kind in ("accumulation", "interval_mean"):
            values = values / max(field.end_hours - field.start_hours, 1) if field.statistic == "sum" else values
        slack = 2 * row.precision + 1e-3 * (row.maximum - row.minimum)
        assert row.minimum - slack <= values.min(), name_
        assert values.max() <= row.maximum + slack, name_


def test_values_are_the_fields_of_the_run(world: World, written: Path) -> None:
    run = Run("gfs", GFS_CYCLE.init_time, DAY)
    expected = instant(world, run, datetime(2025, 8, 7, 6))["temperature_2m"]
    found = fields_of("gfs", written, GFS_CYCLE, 12)["temperature_2m"].values
    np.testing.assert_allclose(found.ravel(), expected, atol=(expected.max() - expected.min()) / 4095)


def test_buckets_of_the_gfs_grow_and_sum_to_the_hours(world: World, written: Path) -> None:
    buckets = [fields_of("gfs", written, GFS_CYCLE, lead)["precipitation"] for lead in range(7, 13)]
    assert [(bucket.start_hours, bucket.end_hours) for bucket in buckets] == [(6, lead) for lead in range(7, 13)]
    for earlier, later in itertools.pairwise(buckets):
        assert (later.values - earlier.values).min() > -0.02
    hours = hourly(world, Run("gfs", GFS_CYCLE.init_time, DAY), datetime(2025, 8, 7, 6))
    np.testing.assert_allclose(buckets[-1].values.ravel(), hours.values["precipitation"].sum(0), atol=0.02)


def test_totals_from_the_start_conserve_what_fell(world: World, written: Path) -> None:
    early, late = (fields_of("ifs", written, IFS_CYCLE, lead)["precipitation"] for lead in (12, 18))
    hours = hourly(world, Run("ifs", IFS_CYCLE.init_time, DAY), datetime(2025, 8, 7, 6))
    fell = hours.values["precipitation"].sum(0)
    assert (early.start_hours, late.start_hours) == (0, 0)
    np.testing.assert_allclose((late.values - early.values).ravel(), fell, atol=0.02)
    assert fell.max() > 0.5
    assert early.values.max() > 0.5


@pytest.mark.parametrize(
    ("source", "cycle", "first", "last"), [("icon", GFS_CYCLE, 6, 12), ("gdps", IFS_CYCLE, 12, 18)]
)
def test_totals_of_past_runs_conserve_what_fell_in_the_interval(
    world: World, written: Path, source: str, cycle: Cycle, first: int, last: int
) -> None:
    early, late = (fields_of(source, written, cycle, lead)["precipitation"] for lead in (first, last))
    hours = hourly(world, Run(source, cycle.init_time, DAY), datetime(2025, 8, 7, 6))
    np.testing.assert_allclose((late.values - early.values).ravel(), hours.values["precipitation"].sum(0), atol=0.03)


def test_maxima_are_not_below_the_temperature_nor_minima_above(written: Path) -> None:
    for source, cycle, lead in (("gfs", GFS_CYCLE, 12), ("ifs", IFS_CYCLE, 18), ("icon", GFS_CYCLE, 12)):
        fields = fields_of(source, written, cycle, lead)
        now = fields["temperature_2m"].values
        assert (fields["temperature_2m_maximum"].values - now).min() > -0.05
        assert (now - fields["temperature_2m_minimum"].values).min() > -0.05


def test_sea_fields_have_no_value_on_land(written: Path) -> None:
    height = fields_of("gfs_wave", written, GFS_CYCLE, 12)["significant_wave_height"].values
    assert 0.2 < np.isnan(height).mean() < 0.6


def test_winds_along_the_grid_of_hrrr_are_turned_back_by_the_decoder(world: World, written: Path) -> None:
    from pipeline.sources.decode import earth_winds

    cycle = Cycle(datetime(2025, 8, 6, 22))
    fields = fields_of("hrrr", written, cycle, 8)
    turned, refused = earth_winds([fields["eastward_wind_10m"], fields["northward_wind_10m"]])
    assert not refused
    expected = instant(world, Run("hrrr", cycle.init_time, DAY), datetime(2025, 8, 7, 6))
    for field in turned:
        np.testing.assert_allclose(np.ravel(field.values), expected[field.parameter], atol=0.06)


def test_members_scatter_around_the_published_mean(written: Path) -> None:
    mean = fields_of("gefs_mean", written, GFS_CYCLE, 12)["temperature_2m"].values
    spread = fields_of("gefs_mean", written, GFS_CYCLE, 12, product="spread")["temperature_2m"].values
    members = np.stack(
        [fields_of("gefs", written, GFS_CYCLE, 12, member=number)["temperature_2m"].values for number in range(31)]
    )
    np.testing.assert_allclose(members.mean(0), mean, atol=0.06)
    ratio = members[1:].std(0).mean() / spread.mean()
    assert 0.8 < ratio < 1.2


def test_the_analysis_has_orography_and_land(written: Path) -> None:
    key = SOURCES["gdas"].key(Cycle(datetime(2025, 8, 7, 6)), 0)
    text = (written / SOURCES["gdas"].folder / f"{key}.idx").read_text()
    assert "HGT:surface:anl:" in text
    assert "LAND:surface:anl:" in text


def test_ecmwf_index_lines_have_the_real_keys(written: Path) -> None:
    path = written / SOURCES["ifs"].folder / SOURCES["ifs"].index_key(SOURCES["ifs"].key(IFS_CYCLE, 18))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert {
        "domain",
        "date",
        "time",
        "class",
        "type",
        "stream",
        "step",
        "levtype",
        "param",
        "_offset",
        "_length",
    } <= set(rows[0])
    assert next(row for row in rows if row["levtype"] == "pl")["levelist"]
    assert timedelta(hours=int(rows[0]["step"])) == timedelta(hours=18)
