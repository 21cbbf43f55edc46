"""WRF's namelist.wps and namelist.input from the description of a domain and its nests.

Rules of the WRF Users' Guide 4, chapter 5 and "namelist best practices": a time step of at most 6 s a km of spacing,
nests of odd ratio whose sides are whole parent's cells and that keep 5 cells off the edge, patches of 10 cells or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.namelists import Namelist, check, text
from models.namelists_domain import DRIVERS, Boundary, Run, check_driver, check_sea, whole_divisor

SECONDS_PER_KM = 6.0
FASTEST_WIND = 120.0  # m s-1
LARGEST_COURANT = 1.42 / 3**0.5
"""Of Runge-Kutta 3 with fifth-order advection in three dimensions: Wicker and Skamarock 2002,
https://doi.org/10.1175/1520-0493(2002)130<2088:TSMFEM>2.0.CO;2."""
SMALLEST_PATCH = 10
_MARGIN = 5
_CUMULUS_KM = 10.0
"""Spacing (km) from which deep convection must be parameterised."""
_CUMULUS = {"CONUS": 6, "tropical": 16}
Side = Annotated[int, Field(ge=30, le=5000)]


class Nest(BaseModel):
    """A refinement inside domain number `parent` (1 is the coarsest), from its cell (i, j), of nx by ny own cells."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parent: Annotated[int, Field(ge=1)]
    ratio: Literal[3, 5, 7] = 3
    i: Annotated[int, Field(ge=1)]
    j: Annotated[int, Field(ge=1)]
    nx: Side
    ny: Side


class WrfRun(Run):
    """A limited area: centre, spacing, cells, levels, physics, nests, and what drives it.

    `sea_updates`: the sea's temperature follows the driving model instead of staying as it was at the start.
    """

    centre_latitude: Annotated[float, Field(ge=-85, le=85)]
    centre_longitude: Annotated[float, Field(ge=-180, le=180)]
    spacing_m: Annotated[float, Field(ge=300, le=60000)]
    nx: Side
    ny: Side
    levels: Annotated[int, Field(ge=30, le=100)] = 50
    top_pa: Annotated[int, Field(ge=1000, le=10000)] = 5000
    suite: Literal["CONUS", "tropical"] = "CONUS"
    boundary: Boundary = "gfs"
    sea_updates: bool = False
    nests: tuple[Nest, ...] = ()
    time_step_seconds: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _is_legal(self) -> WrfRun:
        driver = check_driver(self.boundary, self.hours)
        if self.top_pa < driver.top:
            raise ValueError(f"expected top_pa of {driver.top} or more, the highest level of {self.boundary}")
        if self.spacing_m * 12 < driver.spacing_km * 1000:
            raise ValueError(
                f"expected spacing_m of {driver.spacing_km * 1000 / 12:.0f} or more: nest into {self.boundary}"
            )
        if self.sea_updates:
            check_sea(self.boundary)
        for number, nest in enumerate(self.nests, 2):
            self._check_nest(number, nest)
        courant = FASTEST_WIND * self.time_step / self.spacing_m
        if courant > LARGEST_COURANT or 3600 % self.time_step:
            raise ValueError(
                f"expected a time step that divides an hour, of at most {SECONDS_PER_KM * self.spacing_m / 1000:.0f} s "
                f"(6 s a km); found {self.time_step} s"
            )
        self.decomposition  # noqa: B018 - raises if there is none
        return self

    def _check_nest(self, number: int, nest: Nest) -> None:
        if nest.parent >= number:
            raise ValueError(f"nest {number}: expected a parent before it; found {nest.parent}")
        sides = ((nest.nx, nest.i, self.sides[nest.parent - 1][0]), (nest.ny, nest.j, self.sides[nest.parent - 1][1]))
        for cells, start, parent in sides:
            if cells % nest.ratio:
                raise ValueError(f"nest {number}: expected sides that are multiples of {nest.ratio}; found {cells}")
            if start <= _MARGIN or start + cells // nest.ratio > parent - _MARGIN:
                raise ValueError(f"nest {number}: expected {_MARGIN} or more cells of the parent around it")

    @property
    def names(self) -> dict[str, str]:
        """What the table of programs leaves open."""
        driver, lower = DRIVERS[self.boundary], "wrflowinp_d01" if self.sea_updates else ""
        return {"vtable": driver.vtable, "sea_vtable": driver.sea_vtable, "lower_boundary": lower}

    @property
    def sides(self) -> list[tuple[int, int]]:
        """Cells of every domain."""
        return [(self.nx, self.ny), *((nest.nx, nest.ny) for nest in self.nests)]

    @property
    def time_step(self) -> int:
        """Seconds of the coarsest domain: as given, or the longest that divides an hour and keeps to 6 s a km."""
        return self.time_step_seconds or whole_divisor(SECONDS_PER_KM * self.spacing_m / 1000, 3600)

    @property
    def decomposition(self) -> tuple[int, int]:
        """Ranks along x and y, of those that leave every patch 10 cells the squarest; ValueError if there are none."""
        nx, ny = (min(side[axis] for side in self.sides) for axis in (0, 1))
        pairs = [(x, self.ranks // x) for x in range(1, self.ranks + 1) if self.ranks % x == 0]
        legal = [(x, y) for x, y in pairs if nx // x >= SMALLEST_PATCH and ny // y >= SMALLEST_PATCH]
        if not legal:
            raise ValueError(
                f"expected ranks that leave each of them {SMALLEST_PATCH} by {SMALLEST_PATCH} cells of the smallest "
                f"domain, {nx} by {ny}; found {self.ranks}"
            )
        return min(legal, key=lambda pair: abs(nx / pair[0] - ny / pair[1]))

    @property
    def spacings_m(self) -> list[float]:
        """Spacing of every domain."""
        spacings = [self.spacing_m]
        for nest in self.nests:
            spacings.append(spacings[nest.parent - 1] / nest.ratio)
        return spacings


def namelist_wps(run: WrfRun, *, prefix: str = "FILE") -> Namelist:
    """For geogrid, ungrib and metgrid; the map is Mercator in the tropics, Lambert, or polar stereographic.

    prefix: of the files that ungrib makes.
    """
    hemisphere = 1.0 if run.centre_latitude >= 0 else -1.0
    latitude = abs(run.centre_latitude)
    projection = "mercator" if latitude < 20 else "lambert" if latitude < 65 else "polar"
    parallels = {"mercator": (run.centre_latitude,) * 2, "polar": (hemisphere * 90.0,) * 2}
    parallels["lambert"] = (hemisphere * (latitude - 15), hemisphere * (latitude + 15))
    count = 1 + len(run.nests)
    namelist: Namelist = {
        "share": {
            "wrf_core": "ARW",
            "max_dom": count,
            "start_date": [f"{run.start:%Y-%m-%d_%H:%M:%S}"] * count,
            "end_date": [f"{run.end:%Y-%m-%d_%H:%M:%S}"] * count,
            "interval_seconds": check_driver(run.boundary, run.hours).every_hours * 3600,
            "io_form_geogrid": 2,
        },
        "geogrid": {
            **_geometry(run, [1, *(nest.parent for nest in run.nests)]),
            "geog_data_res": ["default"] * count,
            "dx": run.spacing_m,
            "dy": run.spacing_m,
            "map_proj": projection,
            "ref_lat": run.centre_latitude,
            "ref_lon": run.centre_longitude,
            "truelat1": parallels[projection][0],
            "truelat2": parallels[projection][1],
            "stand_lon": run.centre_longitude,
            "geog_data_path": "geog",
        },
        "ungrib": {"out_format": "WPS", "prefix": prefix},
        "metgrid": {"fg_name": ["FILE", "SST"] if run.sea_updates else "FILE", "io_form_metgrid": 2},
    }
    check("namelist.wps", namelist)
    return namelist


def _geometry(run: WrfRun, parents: list[int]) -> dict[str, list[int]]:
    return {
        "parent_id": parents,
        "parent_grid_ratio": [1, *(nest.ratio for nest in run.nests)],
        "i_parent_start": [1, *(nest.i for nest in run.nests)],
        "j_parent_start": [1, *(nest.j for nest in run.nests)],
        "e_we": [nx + 1 for nx, _ in run.sides],
        "e_sn": [ny + 1 for _, ny in run.sides],
    }


def namelist_input(run: WrfRun, *, since: datetime | None = None) -> Namelist:
    """For real and wrf; `since` is the time of the restart file that a run goes on from."""
    count = 1 + len(run.nests)
    namelist: Namelist = {
        "time_control": _time_control(run, since),
        "domains": _domains(run),
        "physics": {
            "physics_suite": run.suite,
            "cu_physics": [_CUMULUS[run.suite] if m >= _CUMULUS_KM * 1000 else 0 for m in run.spacings_m],
            "radt": [max(1, round(run.spacing_m / 1000))] * count,
            "num_land_cat": 21,
            "sst_update": int(run.sea_updates),
        },
        "dynamics": {
            "hybrid_opt": 2,
            "w_damping": 1,
            "diff_opt": [2] * count,
            "km_opt": [4] * count,
            "damp_opt": 3,
            "zdamp": [5000.0] * count,
            "dampcoef": [0.2] * count,
            "non_hydrostatic": [True] * count,
        },
        "bdy_control": {"spec_bdy_width": 5, "specified": True},
        "namelist_quilt": {"nio_tasks_per_group": 0, "nio_groups": 1},
    }
    check("namelist.input", namelist)
    return namelist


def _time_control(run: WrfRun, since: datetime | None) -> dict[str, Any]:
    """When, and how often files are read and written."""
    start, count = since or run.start, 1 + len(run.nests)
    seconds = check_driver(run.boundary, run.hours).every_hours * 3600
    lower = {
        "auxinput4_inname": "wrflowinp_d<domain>",
        "auxinput4_interval": [seconds // 60] * count,
        "io_form_auxinput4": 2,
    }
    times = {
        f"{word}_{unit}": [getattr(when, unit)] * count
        for word, when in (("start", start), ("end", run.end))
        for unit in ("year", "month", "day", "hour")
    }
    return {
        "run_hours": round((run.end - start).total_seconds() / 3600),
        **times,
        "interval_seconds": seconds,
        **(lower if run.sea_updates else {}),
        "input_from_file": [True] * count,
        "history_interval": [run.history_minutes] * count,
        "frames_per_outfile": [1] * count,
        "restart": since is not None,
        "restart_interval": run.restart_hours * 60,
        **{f"io_form_{file}": 2 for file in ("history", "restart", "input", "boundary")},
    }


def _domains(run: WrfRun) -> dict[str, Any]:
    """Where, how fine, and on how many ranks."""
    driver, count = check_driver(run.boundary, run.hours), 1 + len(run.nests)
    geometry = _geometry(run, [0, *(nest.parent for nest in run.nests)])
    nproc_x, nproc_y = run.decomposition
    return {
        "time_step": run.time_step,
        "max_dom": count,
        **geometry,
        "e_vert": [run.levels] * count,
        "p_top_requested": run.top_pa,
        "num_metgrid_levels": driver.levels,
        "num_metgrid_soil_levels": driver.soil_levels,
        "dx": run.spacing_m,
        "dy": run.spacing_m,
        "grid_id": list(range(1, count + 1)),
        "parent_time_step_ratio": geometry["parent_grid_ratio"],
        "feedback": 1,
        "smooth_option": 0,
        "nproc_x": nproc_x,
        "nproc_y": nproc_y,
    }


def texts(run: WrfRun, stage: str, since: datetime, until: datetime) -> Mapping[str, str]:
    """The namelist of a stage; real has fewer ranks than the model, and divides the domain among them itself."""
    if stage in ("geogrid", "ungrib", "sea", "metgrid"):
        return {"namelist.wps": text(namelist_wps(run, prefix="SST" if stage == "sea" else "FILE"))}
    namelist = namelist_input(run, since=since if since > run.start else None)
    if stage == "real":
        domains = {name: value for name, value in namelist["domains"].items() if not name.startswith("nproc_")}
        namelist = {**namelist, "domains": domains}
    return {"namelist.input": text(namelist)}
