"""The declarations: keys as the open-data buckets have them, and names as their indexes have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cycle import Cycle
from pipeline.parameters import blended
from pipeline.sources import SOURCES, source_named
from pipeline.sources.base import carried

CYCLE = Cycle.parse("2026-11-01T12")


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("gfs", "gfs.20261101/12/atmos/gfs.t12z.pgrb2.0p25.f006"),
        ("gdas", "gdas.20261101/12/atmos/gdas.t12z.pgrb2.0p25.f006"),
        ("gefs_mean", "gefs.20261101/12/atmos/pgrb2sp25/geavg.t12z.pgrb2s.0p25.f006"),
        ("hrrr", "hrrr.20261101/conus/hrrr.t12z.wrfsfcf06.grib2"),
        ("gfs_wave", "gfs.20261101/12/wave/gridded/gfswave.t12z.global.0p25.f006.grib2"),
        ("ifs", "20261101/12z/ifs/0p25/oper/20261101120000-6h-oper-fc.grib2"),
        ("ifs_ens", "20261101/12z/ifs/0p25/enfo/20261101120000-6h-enfo-ef.grib2"),
        ("aifs", "20261101/12z/aifs-single/0p25/oper/20261101120000-6h-oper-fc.grib2"),
        ("ecmwf_wam", "20261101/12z/ifs/0p25/wave/20261101120000-6h-wave-fc.grib2"),
    ],
)
def test_keys_of_one_file_a_lead(source: str, key: str) -> None:
    assert SOURCES[source].key(CYCLE, 6) == key


def test_keys_of_one_file_a_parameter() -> None:
    assert SOURCES["icon"].key(CYCLE, 6, parameter="temperature_500hpa") == (
        "weather/nwp/icon/grib/12/t/icon_global_icosahedral_pressure-level_2026110112_006_500_T.grib2.bz2"
    )
    assert SOURCES["icon"].key(CYCLE, 0, parameter="clat") == (
        "weather/nwp/icon/grib/12/clat/icon_global_icosahedral_time-invariant_2026110112_CLAT.grib2.bz2"
    )
    assert SOURCES["gdps"].key(CYCLE, 6, parameter="temperature_2m") == (
        "20261101/WXO-DD/model_gdps/15km/12/006/20261101T12Z_MSC_GDPS_AirTemp_AGL-2m_LatLon0.15_PT006H.grib2"
    )
    with pytest.raises(ValueError, match="name the parameter"):
        SOURCES["gdps"].key(CYCLE, 6)


def test_members_and_spread_have_files_of_their_own() -> None:
    folder = "gefs.20261101/12/atmos/pgrb2sp25"
    assert SOURCES["gefs"].key(CYCLE, 3, member=0) == f"{folder}/gec00.t12z.pgrb2s.0p25.f003"
    assert SOURCES["gefs"].key(CYCLE, 3, member=7) == f"{folder}/gep07.t12z.pgrb2s.0p25.f003"
    assert SOURCES["gefs_mean"].key(CYCLE, 3, product="spread") == f"{folder}/gespr.t12z.pgrb2s.0p25.f003"
    with pytest.raises(ValueError, match="offers"):
        SOURCES["gfs"].key(CYCLE, 3, product="spread")
    with pytest.raises(ValueError, match="members"):
        SOURCES["gefs"].key(CYCLE, 3)


def test_streams_of_ecmwf_were_others_at_06_and_18_utc_before_cycle_50r1() -> None:
    before, after = Cycle.parse("2026-05-11T06"), Cycle.parse("2026-05-13T06")
    assert SOURCES["ifs"].key(before, 3) == "20260511/06z/ifs/0p25/scda/20260511060000-3h-scda-fc.grib2"
    assert SOURCES["ecmwf_wam"].key(before, 3) == "20260511/06z/ifs/0p25/scwv/20260511060000-3h-scwv-fc.grib2"
    assert SOURCES["ifs"].key(after, 3) == "20260513/06z/ifs/0p25/oper/20260513060000-3h-oper-fc.grib2"


def test_an_index_lies_beside_its_file() -> None:
    assert SOURCES["gfs"].index_key("a.f006") == "a.f006.idx"
    assert SOURCES["ifs"].index_key("a.grib2") == "a.index"


def test_leads_depend_on_the_start() -> None:
    assert SOURCES["hrrr"].leads(Cycle.parse("2026-11-01T12"))[-1] == 48
    assert SOURCES["hrrr"].leads(Cycle.parse("2026-11-01T13"))[-1] == 18
    assert SOURCES["ifs"].leads(Cycle.parse("2026-11-01T06"))[-1] == 144
    with pytest.raises(ValueError, match="gdps starts at"):
        SOURCES["gdps"].leads(Cycle.parse("2026-11-01T06"))


def test_every_source_is_whole() -> None:
    for name, source in SOURCES.items():
        assert source.name == name
        assert source.licence
        assert source.attribution
        for row in source.parameters():
            assert source.names(row), (name, row.name)
        for hour in source.cycles:
            leads = source.leads_by_cycle[hour]
            assert leads == tuple(sorted(set(leads)))


def test_a_domain_of_a_physics_model_is_a_source_of_its_own() -> None:
    alps, north = source_named("wrf-alps"), source_named("wrf-north-2")
    assert (alps.name, north.name) == ("wrf-alps", "wrf-north-2")
    assert alps.carries == SOURCES["wrf"].carries
    assert alps.title == "WRF run here: alps"
    assert "wrf-alps" not in SOURCES  # whoever lists the sources finds the models
    for name, near in (("hrrr-alps", "hrrr"), ("wrf-", "wrf"), ("wrf-a/b", "wrf")):
        with pytest.raises(ValueError, match=f"did you mean .*{near}"):
            source_named(name)


def test_a_typing_error_in_a_declaration_is_an_error() -> None:
    with pytest.raises(ValueError, match="no parameter"):
        carried("ncep", without=("temprature_2m",))


def test_a_feed_goes_without_what_it_is_asked_to() -> None:
    icon = SOURCES["icon"]
    surface = icon.without(["*hpa", "snow_depth"])
    assert surface.carries == {name for name in icon.carries if not name.endswith("hpa") and name != "snow_depth"}
    assert surface.without([]) == surface
    with pytest.raises(ValueError, match=r"source icon: .*found '\*hpascal'"):
        icon.without(["*hpascal"])


NCEP = "grib_index/reformatters/noaa/fixtures"


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("gfs", f"{NCEP}/gfs.t00z.pgrb2.0p25.f007.idx"),
        ("gefs_mean", f"{NCEP}/geavg.t00z.pgrb2s.0p25.f009.idx"),
        ("gefs", f"{NCEP}/gep01.t00z.pgrb2s.0p25.f015.idx"),
        ("hrrr", f"{NCEP}/hrrr.t00z.wrfsfcf08.grib2.idx"),
        ("gfs_wave", "grib/g2c/gdaswave.t00z.wcoast.0p16.f000.grib2.idx"),
        ("aifs", "grib_index/reformatters/ecmwf/fixtures/aifs_single_20250301_00z_6h.index"),
    ],
)
def test_a_feed_carries_what_its_real_index_lists(realdata: Path, source: str, file: str) -> None:
    lines = (realdata / file).read_text().splitlines()
    if file.endswith(".index"):
        rows = [json.loads(line) for line in lines]
        listed = {":".join(row[key] for key in ("param", "levtype", "levelist") if key in row) for row in rows}
    else:
        listed = {":".join(line.split(":")[3:5]) for line in lines}
    for row in blended().values():
        if row.name in SOURCES[source].carries:
            assert listed & set(SOURCES[source].names(row)), row.name
