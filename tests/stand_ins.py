"""Stand-ins for the executables of WPS, WRF, MPAS-Atmosphere and WAVEWATCH III: they are no models.

Each looks for its namelists and inputs where the real program does, by the names that the real program uses, fails if
one is not there or not as it must be, writes files of the real layout and the real lines of log. A model "integrates" a
rain that its restart file carries; with a file `hang` in its folder it stops for ever at hour 9, in the middle of a
restart file. Run as `python stand_ins.py PROGRAM` in the folder of a run.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import f90nml
import numpy as np

HANGS_AFTER = 9  # h
CELLS = 10242
_WRF_TIME, _MPAS_TIME, _WW3_TIME = "%Y-%m-%d_%H:%M:%S", "%Y-%m-%d_%H.%M.%S", "%Y%m%d %H%M%S"


def rain(hours: float) -> float:
    """kg m-2 since the start of a run."""
    return 0.5 * hours * (hours + 1)


def temperature(hours: float) -> float:
    """K at 2 m."""
    return 280.0 + hours


def height(hours: float) -> float:
    """m, of the waves."""
    return 1.0 + 0.1 * hours


def install(programs: Path, data: Path) -> None:
    """The folder of programs as our containers have it, and one of fixed data."""
    (programs / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        script = programs / "bin" / name
        first_alone = '[ "${SLURM_PROCID:-0}" = 0 ] || exit 0'  # the other ranks have nothing to do
        script.write_text(f'#!/bin/sh\n{first_alone}\nexec {sys.executable} {Path(__file__).resolve()} {name} "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    share = ("wps/GEOGRID.TBL.ARW", "wps/METGRID.TBL.ARW", "wps/Vtable.GFS", "wps/Vtable.SST", "wrf/LANDUSE.TBL",
             "mpas/RRTMG_LW_DATA")  # fmt: skip
    fixed = ("geog/index", "x1.10242.grid.nc", "x1.10242.graph.info.part.2", "alps.static.nc", "alps.graph.info.part.1",
             "x1.10242.graph.info.part.1", "depth.inp", "mask.inp")  # fmt: skip
    for path in (*(programs / "share" / name for name in share), *(data / name for name in fixed)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)


def _need(*names: str) -> None:
    absent = [name for name in names if not Path(name).exists()]
    if absent:
        sys.exit(f"STAND-IN ERROR: cannot open {', '.join(absent)}")


def _wps_times() -> tuple[f90nml.Namelist, list[datetime]]:
    namelist = f90nml.read("namelist.wps")
    share = namelist["share"]
    first, last = (np.atleast_1d(share[name])[0] for name in ("start_date", "end_date"))
    return namelist, list(_times(first, last, _WRF_TIME, share["interval_seconds"]))


def _times(first: str, last: str, form: str, seconds: int) -> Iterator[datetime]:
    when, end = datetime.strptime(first, form), datetime.strptime(last, form)
    while when <= end:
        yield when
        when += timedelta(seconds=seconds)


def _successful(program: str) -> None:
    print("!" * 40, f"!  Successful completion of {program}.    !", "!" * 40, sep="\n")


def geogrid() -> None:
    namelist, _ = _wps_times()
    _need("geogrid/GEOGRID.TBL", namelist["geogrid"]["geog_data_path"] + "/index")
    Path("geo_em.d01.nc").write_text("grid")
    _successful("geogrid")


def ungrib() -> None:
    _need("Vtable")
    namelist, times = _wps_times()
    prefix, files = namelist["ungrib"]["prefix"], sorted(Path().glob("GRIBFILE.???"))[: len(times)]
    assert [path.name for path in files] == [f"GRIBFILE.AA{letter}" for letter in "ABCDEFGH"[: len(times)]]
    assert Path("Vtable").read_text() == ("Vtable.SST" if prefix == "SST" else "Vtable.GFS")
    for when, path in zip(times, files, strict=True):
        messages = path.read_bytes().split(b"7777")[:-1]
        assert all(message.startswith(b"GRIB") for message in messages)
        assert f"{when:%Y%m%d%H}".encode() in messages[0]
        assert prefix == "FILE" or any(b"TMP:surface" in message for message in messages)
        Path(f"{prefix}:{when:%Y-%m-%d_%H}").write_text(str(len(messages)))
    _successful("ungrib")


def metgrid() -> None:
    namelist, times = _wps_times()
    prefixes = np.atleast_1d(namelist["metgrid"]["fg_name"])
    files = [f"{prefix}:{when:%Y-%m-%d_%H}" for prefix in prefixes for when in times]
    _need("metgrid/METGRID.TBL", "geo_em.d01.nc", *files)
    for when in times:
        Path(f"met_em.d01.{when:{_WRF_TIME}}.nc").write_text("met")
    _successful("metgrid")


def _wrf_start(namelist: f90nml.Namelist) -> datetime:
    control = namelist["time_control"]
    return datetime(*(int(np.atleast_1d(control[f"start_{unit}"])[0]) for unit in ("year", "month", "day", "hour")))


def real() -> None:
    namelist = f90nml.read("namelist.input")
    assert "nproc_x" not in namelist["domains"]
    start, control = _wrf_start(namelist), namelist["time_control"]
    for second in range(0, control["run_hours"] * 3600 + 1, control["interval_seconds"]):
        _need(f"met_em.d01.{start + timedelta(seconds=second):{_WRF_TIME}}.nc")
    for name in ("wrfinput_d01", "wrfbdy_d01", *_lower_boundary(namelist)):
        Path(name).write_text(name)
    Path("rsl.error.0000").write_text(f"d01 {start:{_WRF_TIME}} real_em: SUCCESS COMPLETE REAL_EM INIT\n")


def _lower_boundary(namelist: f90nml.Namelist) -> list[str]:
    """What real writes and wrf reads if the sea's temperature is to follow the driving model."""
    if not namelist["physics"]["sst_update"]:
        return []
    control = namelist["time_control"]
    assert np.atleast_1d(control["auxinput4_interval"])[0] * 60 == control["interval_seconds"]
    return [control["auxinput4_inname"].replace("<domain>", "01")]


def _hours(
    start: datetime, end: datetime, restart: Callable[[datetime], Path], every: int, before: Path | None
) -> Iterator[tuple[datetime, float]]:
    """Each hour with the rain since the start of the run, which a restart file carries on; these are written here."""
    fallen = 0.0 if before is None else json.loads(before.read_text())["rain"]
    hour = 0.0 if before is None else json.loads(before.read_text())["hour"]
    yield start, fallen
    for _ in range(round((end - start).total_seconds() / 3600)):
        hour, start, fallen = hour + 1, start + timedelta(hours=1), fallen + rain(hour + 1) - rain(hour)
        yield start, fallen
        if hour == HANGS_AFTER and Path("hang").exists():
            Path("hang").unlink()
            restart(start).write_text('{"rain":')
            Path("hanging").touch()
            time.sleep(600)
        if hour % every == 0:
            restart(start).write_text(json.dumps({"rain": fallen, "hour": hour}))


def wrf() -> None:
    namelist = f90nml.read("namelist.input")
    _need("wrfinput_d01", "wrfbdy_d01", "LANDUSE.TBL", *_lower_boundary(namelist))
    start, control = _wrf_start(namelist), namelist["time_control"]
    assert namelist["domains"]["nproc_x"] * namelist["domains"]["nproc_y"] == int(os.environ["SLURM_STEP_NUM_TASKS"])
    before = Path(f"wrfrst_d01_{start:{_WRF_TIME}}") if control["restart"] else None
    zero = start if before is None else start - timedelta(hours=json.loads(before.read_text())["hour"])
    end = start + timedelta(hours=control["run_hours"])
    every, size = control["restart_interval"] // 60, int(np.atleast_1d(namelist["domains"]["e_we"])[0]) - 1
    steps = _hours(start, end, lambda when: Path(f"wrfrst_d01_{when:{_WRF_TIME}}"), every, before)
    with open("rsl.error.0000", "w") as log:
        for when, fallen in steps:
            if when > start or before is None:
                hours = (when - zero).total_seconds() / 3600
                _wrfout(Path(f"wrfout_d01_{when:{_WRF_TIME}}"), when, size, hours, fallen)
            if when > start:
                line = f"Timing for main: time {when:{_WRF_TIME}} on domain   1:    0.50000 elapsed seconds"
                print(line, file=log, flush=True)
        print(f"d01 {end:{_WRF_TIME}} wrf: SUCCESS COMPLETE WRF", file=log)


def _wrfout(path: Path, when: datetime, size: int, hours: float, fallen: float) -> None:
    from netCDF4 import Dataset

    y, x = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    plane = ("Time", "south_north", "west_east")
    centre = f90nml.read("namelist.wps")["geogrid"]["ref_lat"]
    ones = np.ones((1, size, size), np.float32)
    fields = {
        "XLAT": centre + 0.081 * (y - size / 2)[None], "XLONG": 9 + 0.115 * (x - size / 2)[None],
        "T2": temperature(hours) * ones, "PSFC": 1e5 * ones, "Q2": 0.005 * ones, "U10": 3 * ones, "V10": 4 * ones,
        "COSALPHA": ones, "SINALPHA": 0 * ones, "RAINC": 0 * ones, "RAINNC": fallen * ones,
    }  # fmt: skip
    with Dataset(path, "w") as file:
        file.setncatts({"TITLE": " OUTPUT FROM A STAND-IN, NOT FROM WRF", "MAP_PROJ": 1, "BUCKET_MM": -1.0})
        for name, length in {"Time": None, "DateStrLen": 19, "south_north": size, "west_east": size}.items():
            file.createDimension(name, length)
        file.createVariable("Times", "S1", ("Time", "DateStrLen"))[0] = np.array(list(f"{when:{_WRF_TIME}}"), "S1")
        for name, values in fields.items():
            file.createVariable(name, "f4", plane)[:] = values


def init_atmosphere_model() -> None:
    namelist = f90nml.read("namelist.init_atmosphere")
    stages, model, sources = (namelist[name] for name in ("preproc_stages", "nhyd_model", "data_sources"))
    streams = {stream.get("name"): stream for stream in ElementTree.parse("streams.init_atmosphere").getroot()}
    _need(streams["input"].get("filename_template", ""))
    case, seconds = model["config_init_case"], sources["config_fg_interval"]
    times = list(_times(model["config_start_time"], model["config_stop_time"], _WRF_TIME, seconds))
    if case == 8:
        assert stages["config_input_sst"]
        _need(*(f"{sources['config_sfc_prefix']}:{when:%Y-%m-%d_%H}" for when in times))
        Path(streams["surface"].get("filename_template", "")).write_text("surface")
    elif stages["config_met_interp"]:
        _need(*(f"{sources['config_met_prefix']}:{when:%Y-%m-%d_%H}" for when in times))
        if case == 9:
            for when in times:
                Path(when.strftime(_template(streams["lbc"]))).write_text("boundary")
        else:
            _mesh(Path(streams["output"].get("filename_template", "")))
    else:
        assert stages["config_static_interp"]
        _need("geog/index")
        Path(streams["output"].get("filename_template", "")).write_text("static")
    _mpas_log("log.init_atmosphere.0000.out", "w")


def _template(stream: ElementTree.Element) -> str:
    """The form of a stream's files' names."""
    text = stream.get("filename_template", "").replace("$h", "%H").replace("$m", "%M").replace("$s", "%S")
    return text.replace("$Y", "%Y").replace("$M", "%m").replace("$D", "%d")


def _mpas_log(name: str, mode: str) -> None:
    with open(name, mode) as log:
        print(" Total log messages printed:", "    Output messages =                  120",
              "    Warning messages =                     0", "    Error messages =                     0",
              "    Critical error messages =            0", sep="\n", file=log)  # fmt: skip


def _mesh(path: Path) -> None:
    """Cells all over the globe, of a region those of its northern half."""
    from netCDF4 import Dataset

    number = np.arange(CELLS if path.name.startswith("x1.") else CELLS // 2) + 0.5
    with Dataset(path, "w") as file:
        file.createDimension("nCells", len(number))
        file.createVariable("latCell", "f8", ("nCells",))[:] = np.arcsin(1 - 2 * number / CELLS)
        file.createVariable("lonCell", "f8", ("nCells",))[:] = np.mod(number * np.pi * (3 - np.sqrt(5)), 2 * np.pi)


def atmosphere_model() -> None:
    namelist = f90nml.read("namelist.atmosphere")
    streams = {stream.get("name"): stream for stream in ElementTree.parse("streams.atmosphere").getroot()}
    prefix = namelist["decomposition"]["config_block_decomp_file_prefix"]
    lists = [stream.find("file").get("name") for stream in streams.values() if stream.tag == "stream"]  # type: ignore[union-attr]
    _need("RRTMG_LW_DATA", f"{prefix}{os.environ['SLURM_STEP_NUM_TASKS']}", *(name for name in lists if name))
    assert all(stream.get("clobber_mode") == "truncate" for stream in streams.values() if stream.get("type") != "input")
    start = datetime.strptime(namelist["nhyd_model"]["config_start_time"], _WRF_TIME)
    days, clock = namelist["nhyd_model"]["config_run_duration"].split("_")
    end = start + timedelta(days=int(days), hours=int(clock[:2]))
    before = Path(f"restart.{start:{_MPAS_TIME}}.nc") if namelist["restart"]["config_do_restart"] else None
    _need(streams["input"].get("filename_template", "")) if before is None else None
    if namelist["physics"]["config_sst_update"]:
        _need(streams["surface"].get("filename_template", ""))
    cells = CELLS
    if namelist["limited_area"]["config_apply_lbcs"]:
        cells, interval = CELLS // 2, int(streams["lbc_in"].get("input_interval", "")[:2])
        lateral = (
            start + timedelta(hours=hour) for hour in range(0, (end - start) // timedelta(hours=1) + 1, interval)
        )
        _need(*(when.strftime(_template(streams["lbc_in"])) for when in lateral))
    zero = start if before is None else start - timedelta(hours=json.loads(before.read_text())["hour"])
    every = int(streams["restart"].get("output_interval", "").split("_")[1][:2])
    with open("log.atmosphere.0000.out", "w") as log:
        for when, fallen in _hours(start, end, lambda when: Path(f"restart.{when:{_MPAS_TIME}}.nc"), every, before):
            if when > start or before is None:
                hours = (when - zero).total_seconds() / 3600
                _diag(Path(f"diag.{when:{_MPAS_TIME}}.nc"), when, hours, fallen, cells)
            print(f" Begin timestep {when:{_WRF_TIME}}\n Timing for integration step:   1.5 s", file=log, flush=True)
    _mpas_log("log.atmosphere.0000.out", "a")


def _diag(path: Path, when: datetime, hours: float, fallen: float, cells: int) -> None:
    from netCDF4 import Dataset

    fields = {"t2m": temperature(hours), "u10": 3.0, "v10": 4.0, "rainc": 0.0, "rainnc": fallen}
    with Dataset(path, "w") as file:
        for name, size in {"Time": None, "StrLen": 64, "nCells": cells}.items():
            file.createDimension(name, size)
        text = f"{when:{_WRF_TIME}}".ljust(64)
        file.createVariable("xtime", "S1", ("Time", "StrLen"))[0] = np.array(list(text), "S1")
        for name, value in fields.items():
            file.createVariable(name, "f4", ("Time", "nCells"))[0] = np.full(cells, value, np.float32)


def ww3_grid() -> None:
    namelist = f90nml.read("ww3_grid.nml")
    _need(namelist["depth_nml"]["depth"]["filename"], namelist["mask_nml"]["mask"]["filename"],
          namelist["grid_nml"]["grid"]["nml"])  # fmt: skip
    rect = namelist["rect_nml"]["rect"]
    Path("mod_def.ww3").write_text(json.dumps({name: rect[name] for name in ("nx", "ny", "sx", "sy", "x0", "y0")}))
    _end_of_program("Grid preprocessor")


def _end_of_program(name: str) -> None:
    print("\n  End of program ", " ====================================", f"         WAVEWATCH III {name} ", sep="\n")


def ww3_prnc() -> None:
    from netCDF4 import Dataset

    _need("mod_def.ww3")
    namelist = f90nml.read("ww3_prnc.nml")
    (field,) = (name for name, on in namelist["forcing_nml"]["forcing"]["field"].items() if on)
    about = namelist["file_nml"]["file"]
    with Dataset(about["filename"]) as file:
        for name in np.atleast_1d(about["var"]):
            assert file[name].dimensions == ("time", about["latitude"], about["longitude"])
        assert "since" in file["time"].units
    Path({"winds": "wind.ww3", "currents": "current.ww3", "ice_conc": "ice.ww3"}[field]).write_text(field)
    _end_of_program("Input preprocessing")


def ww3_shel() -> None:
    namelist = f90nml.read("ww3_shel.nml")
    domain, date = namelist["domain_nml"]["domain"], namelist["output_date_nml"]["date"]
    forcing = namelist["input_nml"]["input"]["forcing"]
    files = {"winds": "wind.ww3", "currents": "current.ww3", "ice_conc": "ice.ww3"}
    _need("mod_def.ww3", *(files[name] for name, on in forcing.items() if on == "T"))
    start, end = (datetime.strptime(domain[name], _WW3_TIME) for name in ("start", "stop"))
    before = Path("restart.ww3") if Path("restart.ww3").exists() else None
    first, stride = datetime.strptime(date["restart"][0], _WW3_TIME), int(date["restart"][1])
    zero = start if before is None else start - timedelta(hours=json.loads(before.read_text())["hour"])

    def restart(when: datetime) -> Path:
        return Path(f"restart{1 + round((when - first).total_seconds() / stride):03d}.ww3")

    with open("out_grd.ww3", "w") as out:
        for when, _ in _hours(start, end, restart, stride // 3600, before):
            hours = (when - zero).total_seconds() / 3600
            print(json.dumps({"time": f"{when:{_WW3_TIME}}", "hs": height(hours)}), file=out, flush=True)
            print(f"  WAVEWATCH III calculating for {when:%Y/%m/%d %H:%M:%S} UTC at 10:00:00", flush=True)
    _end_of_program("Program shell")


def ww3_ounf() -> None:
    from netCDF4 import Dataset, date2num

    field, about = (f90nml.read("ww3_ounf.nml")[f"{name}_nml"][name] for name in ("field", "file"))
    grid = json.loads(Path("mod_def.ww3").read_text())
    rows = [json.loads(line) for line in Path("out_grd.ww3").read_text().splitlines()]
    first = datetime.strptime(field["timestart"], _WW3_TIME)
    rows = [row for row in rows if datetime.strptime(row["time"], _WW3_TIME) >= first][: int(field["timecount"])]
    times = [datetime.strptime(row["time"], _WW3_TIME) for row in rows]
    with Dataset(f"{about['prefix']}{times[0]:%Y%m}.nc", "w") as file:
        axes = {"latitude": grid["y0"] + grid["sy"] * np.arange(grid["ny"]),
                "longitude": grid["x0"] + grid["sx"] * np.arange(grid["nx"])}  # fmt: skip
        file.createDimension("time", None)
        for name, values in axes.items():
            file.createDimension(name, len(values))
            file.createVariable(name, "f4", (name,))[:] = values
        time_axis = file.createVariable("time", "f8", ("time",))
        time_axis.units = "days since 1990-01-01 00:00:00"
        time_axis[:] = date2num(times, time_axis.units)
        hs = file.createVariable("hs", "i2", ("time", "latitude", "longitude"), fill_value=-32767)
        hs.scale_factor = 0.002
        hs[:] = np.array([row["hs"] for row in rows])[:, None, None] * np.ones((1, grid["ny"], grid["nx"]))
    _end_of_program("NetCDF field output")


PROGRAMS: dict[str, Callable[[], None]] = {
    "geogrid.exe": geogrid, "ungrib.exe": ungrib, "metgrid.exe": metgrid, "real.exe": real, "wrf.exe": wrf,
    "init_atmosphere_model": init_atmosphere_model, "atmosphere_model": atmosphere_model, "ww3_grid": ww3_grid,
    "ww3_prnc": ww3_prnc, "ww3_shel": ww3_shel, "ww3_ounf": ww3_ounf,
}  # fmt: skip

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]]()
