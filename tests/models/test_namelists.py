"""Namelists: real ones round-trip and pass, valid descriptions give legal ones, invalid ones say why."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import f90nml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.namelists import NamelistError, check, read, text
from models.namelists_mpas import FINEST_KM, MpasRun, namelist_atmosphere, streams_atmosphere
from models.namelists_mpas_init import namelist_init_atmosphere
from models.namelists_wrf import WrfRun, namelist_input, namelist_wps
from models.namelists_ww3 import Ww3Run, ww3_grid, ww3_shel

START = datetime(2026, 1, 31, 6)


@st.composite
def wrf_runs(draw: st.DrawFn) -> dict[str, Any]:
    """Valid descriptions: of one domain, or with a nest in its middle."""
    nx, ny = draw(st.integers(60, 600)), draw(st.integers(60, 600))
    ratio = draw(st.sampled_from([3, 5]))
    nests = []
    if draw(st.booleans()):
        across, along = draw(st.integers(10, nx - 30)), draw(st.integers(10, ny - 30))
        i, j = draw(st.integers(6, nx - 5 - across)), draw(st.integers(6, ny - 5 - along))
        nests = [{"parent": 1, "ratio": ratio, "i": i, "j": j, "nx": across * ratio, "ny": along * ratio}]
    boundary = draw(st.sampled_from(["gfs", "ifs"]))
    return {
        "start": START, "hours": 3 * draw(st.integers(1, 48)), "ranks": draw(st.sampled_from([1, 2, 4, 6, 9])),
        "centre_latitude": draw(st.floats(-80, 80)), "centre_longitude": draw(st.floats(-180, 180)),
        "spacing_m": draw(st.floats(2400, 30000)), "nx": nx, "ny": ny, "levels": draw(st.integers(30, 80)),
        "suite": draw(st.sampled_from(["CONUS", "tropical"])), "boundary": boundary,
        "nests": nests, "sea_updates": boundary == "gfs" and draw(st.booleans()),
    }  # fmt: skip


def _again(namelist: Any) -> Any:
    """What a model reads of the text, as plain dictionaries."""
    return f90nml.reads(text(namelist))


@settings(max_examples=200)
@given(wrf_runs())
def test_valid_wrf_descriptions_give_legal_namelists(description: dict[str, Any]) -> None:
    run = WrfRun(**description)
    wps, wrf = _again(namelist_wps(run)), _again(namelist_input(run))
    check("namelist.wps", wps)
    check("namelist.input", wrf)
    domains = wrf["domains"]
    assert 3600 % domains["time_step"] == 0
    assert domains["time_step"] <= 6 * run.spacing_m / 1000
    assert domains["nproc_x"] * domains["nproc_y"] == run.ranks
    sides = [domains[side] if isinstance(domains[side], list) else [domains[side]] for side in ("e_we", "e_sn")]
    assert min(sides[0]) // domains["nproc_x"] >= 10
    assert min(sides[1]) // domains["nproc_y"] >= 10
    assert wrf["physics"]["sst_update"] == run.sea_updates == ("auxinput4_interval" in wrf["time_control"])
    if run.nests:
        nest = run.nests[0]
        assert (sides[0][1] - 1) % nest.ratio == 0
        assert nest.i + (sides[0][1] - 1) // nest.ratio < sides[0][0] - 4
    for name in ("e_we", "e_sn", "i_parent_start", "parent_grid_ratio"):
        assert wps["geogrid"][name] == domains[name]


def _nested(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    nest = {"parent": 1, "ratio": 3, "i": 10, "j": 10, "nx": 60, "ny": 60} | changes
    return lambda run: run | {"nests": [nest]}


def _with(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda run: run | changes


WRONG: list[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = [
    ("time step", lambda run: run | {"time_step_seconds": math.ceil(run["spacing_m"] / 1000 * 7)}),
    ("time step", _with(time_step_seconds=7)),
    ("hours up to", lambda run: run | {"hours": run["hours"] + 1}),
    ("hours", _with(hours=0)),
    ("less than or equal to 384", _with(hours=385)),
    ("expected ranks", _with(ranks=100_003)),
    ("levels", _with(levels=5)),
    ("top_pa", _with(top_pa=500)),
    ("expected top_pa", _with(boundary="ifs", top_pa=2000)),
    ("expected spacing_m", _with(spacing_m=900.0)),
    ("centre_latitude", _with(centre_latitude=91.0)),
    ("suite", _with(suite="MARS")),
    ("sea_updates with a boundary of gfs", _with(boundary="ifs", sea_updates=True)),
    ("multiples of 3", _nested(nx=61)),
    ("ratio", _nested(ratio=4)),
    ("parent around it", _nested(i=3)),
    ("parent around it", _nested(ny=3000)),
    ("parent before it", _nested(parent=2)),
    ("misspelt", _with(misspelt=1)),
]


@settings(max_examples=200)
@given(wrf_runs(), st.sampled_from(WRONG))
def test_invalid_wrf_descriptions_say_what_was_expected(
    description: dict[str, Any], wrong: tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]
) -> None:
    message, change = wrong
    with pytest.raises(ValidationError) as caught:
        WrfRun(**change(description))
    assert message in str(caught.value)


def test_wrf_as_the_manual_has_it() -> None:
    run = WrfRun(
        start=START, hours=48, ranks=96, centre_latitude=40, centre_longitude=-100, spacing_m=15000, nx=300, ny=240,
        nests=[{"parent": 1, "ratio": 3, "i": 53, "j": 25, "nx": 219, "ny": 213},
               {"parent": 2, "ratio": 3, "i": 20, "j": 20, "nx": 120, "ny": 120}],
    )  # fmt: skip
    assert run.time_step == 90
    assert run.spacings_m == [15000, 5000, pytest.approx(5000 / 3)]
    assert namelist_input(run)["physics"]["cu_physics"] == [6, 0, 0]
    assert run.decomposition == (8, 12)
    assert namelist_input(run, since=START + timedelta(hours=6))["time_control"]["restart"] is True
    geogrid = namelist_wps(run)["geogrid"]
    assert (geogrid["map_proj"], geogrid["truelat1"], geogrid["truelat2"]) == ("lambert", 25, 55)


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(FINEST_KM)), st.integers(1, 80), st.integers(1, 100), st.integers(5, 1440), st.booleans(),
    st.sampled_from([None, "alps"]),
)  # fmt: skip
def test_valid_mpas_descriptions_give_legal_files(
    mesh: Any, steps: int, ranks: int, minutes: int, sea: bool, region: str | None
) -> None:
    suite = "convection_permitting" if FINEST_KM[mesh] < 10 else "mesoscale_reference"
    run = MpasRun(
        start=START, hours=3 * steps, ranks=ranks, mesh=mesh, suite=suite, history_minutes=minutes, sea_updates=sea,
        region=region, region_cells=region and 20_000,
    )  # fmt: skip
    for stage in ("static", "init", "surface", "lateral"):
        check("namelist.init_atmosphere", _again(namelist_init_atmosphere(run, stage)))
    atmosphere = _again(namelist_atmosphere(run))
    check("namelist.atmosphere", atmosphere)
    assert 0.6 * 6 * FINEST_KM[mesh] < atmosphere["nhyd_model"]["config_dt"] <= 6 * FINEST_KM[mesh]
    streams = ElementTree.fromstring(streams_atmosphere(run))
    driven = {name for name, asked in (("surface", sea), ("lbc_in", region)) if asked}
    assert {stream.get("name") for stream in streams} == {"input", "restart", "output", "diagnostics"} | driven


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranks": 103}, "at most 102 ranks"),
        ({"mesh": "x1.7"}, "mesh"),
        ({"mesh": "x5.6488066"}, "convection_permitting"),
    ],
)
def test_invalid_mpas_descriptions_say_what_was_expected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MpasRun(**{"start": START, "hours": 24, "ranks": 10, "mesh": "x1.10242"} | changes)


@settings(max_examples=60)
@given(st.floats(-60, 20), st.integers(20, 200), st.floats(0.02, 0.3), st.floats(0.03, 0.1), st.booleans())
def test_valid_ww3_descriptions_give_legal_namelists(
    south: float, size: int, spacing: float, frequency: float, currents: bool
) -> None:
    run = Ww3Run(
        start=START, hours=24, ranks=4, south=south, west=-30, nx=size, ny=size, spacing_degrees=spacing,
        lowest_frequency=frequency, currents=currents,
    )  # fmt: skip
    grid, shel = _again(ww3_grid(run)), _again(ww3_shel(run))
    check("ww3_grid.nml", grid)
    check("ww3_shel.nml", shel)
    steps = grid["timesteps_nml"]["timesteps"]
    north = max(abs(south), abs(south + (size - 1) * spacing))
    narrowest = spacing * 111_195 * math.cos(math.radians(north))
    assert steps["dtxy"] * 9.806 / (4 * math.pi * frequency) <= narrowest
    assert steps["dtmin"] <= steps["dtkth"] <= steps["dtmax"] <= 3 * steps["dtxy"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"south": 80}, "too narrow"),
        ({"nx": 3000}, "at most 360"),
        ({"ranks": 10**7}, "no more ranks"),
        ({"directions": 7}, "24"),
    ],
)
def test_invalid_ww3_descriptions_say_what_was_expected(changes: dict[str, Any], message: str) -> None:
    valid = {
        "start": START,
        "hours": 24,
        "ranks": 4,
        "south": 0,
        "west": 0,
        "nx": 100,
        "ny": 100,
        "spacing_degrees": 0.25,
    }
    with pytest.raises(ValidationError, match=message):
        Ww3Run(**valid | changes)


@pytest.mark.parametrize(
    ("group", "name", "value", "message"),
    [
        ("domains", "tyme_step", 90, "did you mean time_step"),
        ("domain", "time_step", 90, "did you mean domains"),
        ("domains", "time_step", 90.5, "expected integer"),
        ("domains", "time_step", True, "expected integer"),
        ("domains", "time_step", -1, "expected 0 to inf"),
        ("domains", "feedback", 2, "one of 0, 1"),
        ("domains", "time_step", [1, 2], "expected one value"),
        ("time_control", "restart", "yes", "expected logical"),
    ],
)
def test_the_check_names_the_variable_and_what_was_expected(group: str, name: str, value: Any, message: str) -> None:
    with pytest.raises(NamelistError, match=message):
        check("namelist.input", {group: {name: value}})


@pytest.mark.realdata
def test_real_namelists_round_trip_unchanged(realdata: Path) -> None:
    paths = [
        *realdata.glob("wrf/**/namelist*"), *realdata.glob("mpas/**/namelist*"),
        *realdata.glob("ww3/**/ww3_grid*.nml"), *realdata.glob("ww3/**/ww3_shel.nml"),
    ]  # fmt: skip
    assert len(paths) > 30
    for path in paths:
        first = read(path)
        assert f90nml.reads(text(first)) == first, path


OF_ANOTHER_MODEL = {"namelist.input.chem": "group &chem", "namelist.input.volc": "group &chem"}
OF_AN_OLD_RELEASE = {"namelist.input.fire": "unknown variable pd_moist in &dynamics"}


@pytest.mark.realdata
def test_real_namelists_pass_the_check_unless_the_model_would_refuse_them(realdata: Path) -> None:
    tables = ["namelist.input", "namelist.wps", "namelist.atmosphere", "namelist.init_atmosphere"]
    found = [(table, path) for table in tables for path in realdata.glob(f"*/**/{table}*")]
    for table in ("ww3_grid", "ww3_shel", "ww3_prnc", "ww3_ounf"):
        found += [(f"{table}.nml", path) for path in realdata.glob(f"ww3/**/{table}*.nml")]
    assert len(found) > 55
    refused = OF_ANOTHER_MODEL | OF_AN_OLD_RELEASE
    for table, path in found:
        if path.name in refused:
            with pytest.raises(NamelistError, match=refused[path.name]):
                check(table, read(path))
        else:
            check(table, read(path))
    with pytest.raises(NamelistError, match=r"examples\.namelist"):  # a text of examples, and no namelist
        read(realdata / "wrf" / "WRF-namelists" / "test" / "em_real" / "examples.namelist")
