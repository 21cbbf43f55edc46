"""WRF, MPAS and WAVEWATCH III through their whole chain on a real Slurm, whose nodes are lost half way.

The executables are stand-ins (tests/stand_ins.py): none of the models runs here.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from models.chain import JOB, Job, programs
from models.chain_job import ProgramError, execute
from pipeline import paths, physics
from pipeline.config import Config, ConfigError
from pipeline.cycle import Cycle
from pipeline.physics.inputs import InputError, driver_messages
from pipeline.physics.output import OutputError, store
from pipeline.slurm import STEPS, Layout, follow, layouts, sized, status
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.input_reader import InputRun
from pipeline.store import Store
from tests import slurm_cluster, stand_ins
from tests.products.example_store import HOUR, write_example_store

HOURS, RESTART = 12, 3
_LEVELS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, *range(150, 901, 50), 925, 950, 975, 1000)
_COMMON = {"start": HOUR.init_time, "hours": HOURS, "restart_hours": RESTART}
RUNS: dict[str, dict[str, Any]] = {
    "wrf": {"ranks": 4, "centre_latitude": 45, "centre_longitude": 9, "spacing_m": 9000, "nx": 90, "ny": 90},
    "mpas": {"ranks": 2, "mesh": "x1.10242"},
    "ww3": {"ranks": 2, "south": 40, "west": 340, "nx": 21, "ny": 21, "spacing_degrees": 0.5},
}
LAYOUT = Layout("", nodes=2, ranks_per_node=2, threads=1, minutes=5, signal_seconds=0, efa=False)


def write_gfs(bucket: Path, last_hour: int = HOURS) -> None:
    """Files of GFS with their indexes: messages that say which they are, wanted ones and others."""
    aloft = ("HGT", "TMP", "UGRD", "VGRD", "RH", "SPFH")
    names = [f"{name}:{level} mb" for level in (0.4, *_LEVELS) for name in aloft]
    names += ["CLMR:1 hybrid level", "TMP:surface", "PRMSL:mean sea level", "TSOIL:0-0.1 m below ground"]
    names += ["LAND:surface"]
    source = SOURCES["gfs"]
    for lead in range(0, last_hour + 1, 3):
        key, data, lines = source.key(HOUR, lead), b"", []
        for number, name in enumerate(names, 1):
            when = "anl" if lead == 0 else f"{lead} hour fcst"
            lines.append(f"{number}:{len(data)}:d={HOUR.init_time:%Y%m%d%H}:{name}:{when}:")
            data += f"GRIB{name} valid {HOUR.valid_time(lead):%Y%m%d%H} 7777".encode()
        path = bucket / source.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        (path.parent / f"{path.name}.idx").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with a published hour, a mirror of GFS, and the models as sources."""
    root = tmp_path_factory.mktemp("deployment")
    write_example_store(root / "store", last_lead=HOURS)
    write_gfs(root / "mirror")
    stand_ins.install(root / "programs", root / "data")
    settings = {
        "store": f"file://{root}/store", "grid_resolution": 1, "last_lead_hours": HOURS,
        "sources": {"gfs": {"endpoint": f"file://{root}/mirror"}, **{model: {} for model in RUNS}},
    }  # fmt: skip
    path = root / "forecast.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture(scope="module")
def deployment(config: Path) -> Deployment:
    return Deployment.open(Config.read(config))


def _job(config: Path, model: str, **changes: Any) -> Job:
    places = {name: str(config.parent / name) for name in ("programs", "data")}
    return physics.job_of({"model": model, "run": _COMMON | RUNS[model] | changes, **places})


@pytest.fixture(scope="module")
def finished(
    slurm: None, config: Path, deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The folders of all three models' runs, after both nodes were lost while every model hung in a restart file."""
    root = tmp_path_factory.mktemp("runs")
    folders = {model: root / model for model in RUNS}
    for model, folder in folders.items():
        job = _job(config, model)
        physics.prepare(deployment, job, folder)
        (folder / "hang").touch()
        one = replace(LAYOUT, nodes=1, ranks_per_node=1)
        physics.submit(job, folder, config, {"pre": one, "run": LAYOUT, "post": one})
    _wait(lambda: all((folder / "hanging").exists() for folder in folders.values()), 90)
    standing = physics.standing(folders["wrf"], datetime(2026, 1, 1), datetime(2026, 1, 1) + timedelta(minutes=1))
    assert standing.wait, standing  # eight hours of weather took it four seconds, and there are three to go
    for node in ("n1", "n2"):
        slurm_cluster.lose(node)
    for folder in folders.values():
        ended = list(follow(physics.jobs_of(folder)["post"], poll_seconds=0.3))[-1]
        assert ended.state == "COMPLETED", (folder.name, ended)
    return folders


def _wait(done: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("model", RUNS)
def test_slurm_physics_goes_on_from_the_last_whole_restart_file(finished: dict[str, Path], model: str) -> None:
    folder = finished[model]
    assert status(physics.jobs_of(folder)["run"]).restarts == 1
    names = {"wrf": "namelist.input", "mpas": "namelist.atmosphere", "ww3": "ww3_shel.nml"}
    text = (folder / names[model]).read_text()
    again = {"wrf": "start_hour = 12", "mpas": "2026-01-31_12:00:00", "ww3": "domain%start = '20260131 120000'"}
    assert again[model] in text  # six hours after the start; the file of nine was broken
    done = physics.standing(folder, datetime(2026, 1, 1), datetime(2026, 1, 1))
    assert (done.wait, done.reason) == (True, "it is stored")


def test_slurm_physics_is_known_to_be_stored_when_slurm_has_forgotten_it(
    finished: dict[str, Path], tmp_path: Path
) -> None:
    for name in (JOB, physics.STORED):
        shutil.copy(finished["wrf"] / name, tmp_path)
    (tmp_path / physics.JOBS).write_text(json.dumps(dict.fromkeys(STEPS, 999_999)))
    now = datetime(2026, 1, 1)
    assert physics.standing(tmp_path, now, now).wait
    (tmp_path / physics.STORED).unlink()
    lost = physics.standing(tmp_path, now, now + timedelta(days=1))
    assert (lost.wait, lost.reason) == (False, f"wrf has ended, and nothing is stored: see the logs in {tmp_path}")


@pytest.mark.parametrize("model", RUNS)
def test_slurm_physics_is_stored_as_any_source_is(
    finished: dict[str, Path], deployment: Deployment, model: str
) -> None:
    run = InputRun(deployment.store.child(paths.input_zarr(model, HOUR)))
    assert run.leads.tolist() == list(range(HOURS + 1))
    rows = slice(0, deployment.grid.shape[0])
    if model == "ww3":
        waves = run.read("forecast", "significant_wave_height", rows)
        sea = run.coverage == 1
        assert 5 < sea.sum() < run.coverage.size / 100
        found = np.nanmedian(waves.reshape(HOURS + 1, -1)[:, sea.ravel()], axis=1)
        assert found == pytest.approx([stand_ins.height(hour) for hour in range(HOURS + 1)], abs=0.008)
        return
    names = ("temperature_2m", "precipitation")
    warmth, rain = (run.read("forecast", name, rows).reshape(HOURS + 1, -1) for name in names)
    inside = run.coverage.ravel() == 1
    assert inside.all() if model == "mpas" else 5 < inside.sum() < inside.size / 100
    for hour in range(HOURS + 1):
        assert warmth[hour, inside] == pytest.approx(stand_ins.temperature(hour), abs=0.06)
        if hour:  # the rain of an hour is its number, also of that in which the run went on
            assert rain[hour, inside] == pytest.approx(hour, abs=0.02)
    if model == "wrf":
        feathered = (run.coverage > 0) & (run.coverage < 1)
        assert feathered.any()
        assert np.isnan(warmth[5, run.coverage.ravel() == 0]).all()


def test_physics_inputs_are_the_ranges_that_ungrib_reads(deployment: Deployment, config: Path) -> None:
    bucket = Store.open(SOURCES["gfs"].bucket, endpoint=f"file://{config.parent}/mirror")
    data = driver_messages(bucket, SOURCES["gfs"], "gfs", HOUR, 3)
    messages = data.split(b"7777")[:-1]
    assert len(messages) == 6 * 33 + 4
    assert not any(b"CLMR" in message or b"0.4 mb" in message for message in messages)
    with pytest.raises(InputError, match="it is not there"):
        driver_messages(bucket, SOURCES["gfs"], "gfs", HOUR, 99)


@pytest.mark.realdata
def test_physics_inputs_count_the_levels_of_a_real_index(realdata: Path, tmp_path: Path) -> None:
    """Of a real GFS index 33 levels and the surface, as the namelists say; a file without its upper half is refused."""
    real = realdata / "grib_index" / "reformatters" / "noaa" / "fixtures" / "gfs.t00z.pgrb2.0p25.f007.idx"
    cycle, source = Cycle.parse("2025-08-01T00"), SOURCES["gfs"]
    path = tmp_path / source.folder / source.key(cycle, 7)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(600_000_000)  # sparse: of the data only the size counts
    index = path.parent / f"{path.name}.idx"
    index.write_text(real.read_text())
    bucket = Store.open(source.bucket, endpoint=f"file://{tmp_path}")
    wanted = driver_messages(bucket, source, "gfs", cycle, 7)
    assert 100e6 < len(wanted) < 300e6
    index.write_text("\n".join(line for line in real.read_text().splitlines() if ":TMP:500 mb" not in line))
    with pytest.raises(InputError, match="expected 34 levels with the surface; found 33"):
        driver_messages(bucket, source, "gfs", cycle, 7)


def test_physics_waves_are_driven_by_the_blend(deployment: Deployment, config: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="publish the hour first"):
        physics.prepare(deployment, _job(config, "ww3", start=HOUR.init_time + timedelta(hours=1)), tmp_path / "late")
    with pytest.raises(InputError, match="to 24 h; found leads to 12 h"):
        physics.prepare(deployment, _job(config, "ww3", hours=24), tmp_path / "long")
    with pytest.raises(InputError, match="sea_ice_fraction"):
        physics.prepare(deployment, _job(config, "ww3", ice=True), tmp_path / "ice")


def test_physics_stops_at_the_first_program_that_fails(deployment: Deployment, config: Path, tmp_path: Path) -> None:
    job = _job(config, "wrf")
    physics.prepare(deployment, job, tmp_path)
    (tmp_path / "GRIBFILE.AAC").unlink()
    with pytest.raises(ProgramError, match=r"(?s)ungrib: .* ended with code 1; expected 'Successful completion"):
        execute(tmp_path, "pre")
    assert not (tmp_path / "metgrid.out").exists()
    with pytest.raises(ProgramError, match=r"wrf: expected wrfinput_d01, wrfbdy_d01 before wrf.exe; found none"):
        execute(tmp_path, "run")
    with pytest.raises(OutputError, match="found none"):
        store(deployment, tmp_path)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"model": "wrf"}, "expected the keys model and run"),
        ({"model": "icon", "run": {}}, "expected a model of wrf, mpas, ww3, core"),
        ({"model": "mpas", "run": _COMMON | RUNS["mpas"] | {"ranks": 999}}, "at most 102 ranks"),
        ({"model": "mpas", "run": _COMMON | RUNS["mpas"] | {"history_minutes": 30}}, "whole hours"),
        ({"model": "core", "run": {"hours": 24, "ranks": 2}}, "run.ranks"),
    ],
)
def test_physics_descriptions_say_what_is_wrong(tmp_path: Path, description: dict[str, Any], message: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(description))
    with pytest.raises(ConfigError, match=message):
        physics.read(path)


def test_physics_runs_fill_whole_nodes() -> None:
    layout = layouts()["wrf", "run"]
    assert (sized(layout, 48).nodes, sized(layout, 96).nodes) == (1, 2)
    assert sized(layout, 6).ranks_per_node == 6
    with pytest.raises(ValueError, match="whole nodes of 48"):
        sized(layout, 50)


def test_physics_programs_exist_as_stand_ins(config: Path) -> None:
    """The table names no program that the chain's test does not run."""
    named = {program.program for model in RUNS for program in programs(_job(config, model))}
    assert named == stand_ins.PROGRAMS.keys()


def test_physics_runs_of_days_to_come_are_driven_by_the_newest_forecast(
    deployment: Deployment, config: Path, tmp_path: Path
) -> None:
    start = HOUR.init_time + timedelta(hours=6)
    made = physics.prepare(deployment, _job(config, "wrf", start=start, hours=6), tmp_path)
    assert made == ["GRIBFILE.AAA", "GRIBFILE.AAB", "GRIBFILE.AAC"]
    for name, hours in zip(made, (6, 9, 12), strict=True):
        assert f"valid {HOUR.valid_time(hours):%Y%m%d%H}".encode() in (tmp_path / name).read_bytes()
    with pytest.raises(InputError, match="gfs to 9 h after"):
        physics.prepare(deployment, _job(config, "wrf", start=start, hours=9), tmp_path / "long")


SEA = {"sea_updates": True, "ranks": 1, "hours": 6}
REGION = SEA | {"region": "alps", "region_cells": 5121, "sea_updates": False}


@pytest.mark.parametrize(
    ("model", "changes", "made", "messages"),
    [
        ("wrf", SEA, ["SST:2026-01-31_12", "wrflowinp_d01"], 6 * 33 + 4),
        ("mpas", SEA, ["SST:2026-01-31_12", "x1.10242.sfc_update.nc"], 2),
        ("mpas", REGION, ["FILE:2026-01-31_12", "lbc.2026-01-31_09.00.00.nc"], 6 * 33 + 4),
        ("mpas", REGION | {"sea_updates": True}, ["lbc.2026-01-31_12.00.00.nc", "alps.sfc_update.nc"], 6 * 33 + 4),
    ],
    ids=["wrf-sea", "mpas-sea", "mpas-region", "mpas-region-sea"],
)
def test_physics_follows_its_driving_model(
    deployment: Deployment, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str,
    changes: dict[str, Any], made: list[str], messages: int,
) -> None:  # fmt: skip
    """The sea's temperature and a region's boundaries at every time, from messages to the model's own files and run."""
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    physics.prepare(deployment, _job(config, model, **changes), tmp_path)
    assert (tmp_path / "GRIBFILE.AAC").read_bytes().count(b"7777") == messages
    for step in ("pre", "run"):
        execute(tmp_path, step)
    assert [name for name in made if not (tmp_path / name).exists()] == []
    run = InputRun(deployment.store.child(store(deployment, tmp_path)))
    if "region" in changes:  # the northern half of the stand-in's mesh
        covered = run.coverage.reshape(deployment.grid.shape)
        assert covered[10:80].mean() > 0.9
        assert not covered[95:].any()


def test_physics_follows_only_a_driving_model_with_a_sea(config: Path) -> None:
    for model in ("wrf", "mpas"):
        with pytest.raises(ValueError, match="expected sea_updates with a boundary of gfs, hrrr; found ifs"):
            _job(config, model, boundary="ifs", sea_updates=True)
    with pytest.raises(ValueError, match="a region together with its region_cells"):
        _job(config, "mpas", region="alps")
