"""WAVEWATCH III's namelists from the description of a run on a grid of latitude and longitude.

Rules of the manual 6.07, section 3.2: the spatial step keeps the longest waves within a cell at the grid's narrowest
place, the overall one is up to three of them, refraction takes half of that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.namelists import Namelist, check, text
from models.namelists_domain import Run

GRAVITY = 9.806  # m s-2
METRES_PER_DEGREE = 111_195.0
FORCING = {"winds": ("u", "v"), "currents": ("u", "v"), "ice_conc": ("ice",)}
"""The variables of each forcing's file."""
FIELDS = "HS FP T0M1 DIR DP PHS PTP PDIR ICE WND"
_NEAREST_POLE = 85.0
_SHORTEST_STEP = 10.0  # s, of sources


class Ww3Run(Run):
    """A sea: its south-western corner and size in steps of `spacing_degrees`, its spectrum, what forces it."""

    south: Annotated[float, Field(ge=-_NEAREST_POLE, le=_NEAREST_POLE)]
    west: Annotated[float, Field(ge=-180, lt=360)]
    nx: Annotated[int, Field(ge=10, le=10000)]
    ny: Annotated[int, Field(ge=10, le=10000)]
    spacing_degrees: Annotated[float, Field(ge=0.01, le=2)]
    lowest_frequency: Annotated[float, Field(ge=0.03, le=0.1)] = 0.035
    frequency_ratio: Annotated[float, Field(ge=1.05, le=1.15)] = 1.1
    frequencies: Annotated[int, Field(ge=20, le=60)] = 36
    directions: Literal[24, 36, 48] = 36
    currents: bool = False
    ice: bool = False

    @model_validator(mode="after")
    def _is_legal(self) -> Ww3Run:
        if self.south + (self.ny - 1) * self.spacing_degrees > _NEAREST_POLE:
            raise ValueError(f"expected a grid that ends south of {_NEAREST_POLE} degrees: cells become too narrow")
        if self.nx * self.spacing_degrees > 360 + 1e-9:
            raise ValueError(f"expected at most 360 degrees of longitude; found {self.nx * self.spacing_degrees:g}")
        if self.nx * self.ny < self.ranks:
            raise ValueError(f"expected no more ranks than cells, {self.nx * self.ny}; found {self.ranks}")
        return self

    @property
    def spatial_step(self) -> float:
        """Seconds in which the longest waves' energy, at the group speed of deep water, crosses no more than a cell."""
        northern = self.south + (self.ny - 1) * self.spacing_degrees
        narrowest = math.cos(math.radians(max(abs(self.south), abs(northern))))
        group_speed = GRAVITY / (4 * math.pi * self.lowest_frequency)
        return math.floor(self.spacing_degrees * METRES_PER_DEGREE * narrowest / group_speed)

    @property
    def overall_step(self) -> float:
        """Seconds: up to three spatial steps, no longer than an hour."""
        return min(3 * self.spatial_step, 3600.0)


def ww3_grid(run: Ww3Run) -> Namelist:
    """For ww3_grid; depth and mask are read from files beside it."""
    round_the_world = abs(run.nx * run.spacing_degrees - 360) < 1e-9
    namelist: Namelist = {
        "spectrum_nml": {
            "spectrum": {
                "xfr": run.frequency_ratio, "freq1": run.lowest_frequency, "nk": run.frequencies, "nth": run.directions,
            }
        },
        "run_nml": {"run": {"flcx": True, "flcy": True, "flcth": True, "flck": run.currents, "flsou": True}},
        "timesteps_nml": {
            "timesteps": {
                "dtmax": run.overall_step,
                "dtxy": min(run.spatial_step, run.overall_step),
                "dtkth": run.overall_step / 2,
                "dtmin": min(_SHORTEST_STEP, run.overall_step),
            }
        },
        "grid_nml": {
            "grid": {
                "name": "HOURCAST", "nml": "namelists.nml", "type": "RECT", "coord": "SPHE",
                "clos": "SMPL" if round_the_world else "NONE", "zlim": -0.1, "dmin": 2.5,
            }
        },
        "rect_nml": {
            "rect": {
                "nx": run.nx, "ny": run.ny, "sx": run.spacing_degrees, "sy": run.spacing_degrees,
                "x0": run.west, "y0": run.south,
            }
        },
        "depth_nml": {"depth": {"sf": 0.001, "filename": "depth.inp"}},
        "mask_nml": {"mask": {"filename": "mask.inp"}},
    }  # fmt: skip
    check("ww3_grid.nml", namelist)
    return namelist


def ww3_prnc(run: Ww3Run, field: str) -> Namelist:
    """For ww3_prnc, which makes a forcing (winds, currents, ice_conc) of the file of that name beside it."""
    namelist: Namelist = {
        "forcing_nml": {
            "forcing": {
                "timestart": _stamp(run.start), "timestop": _stamp(run.end), "field": {field: True},
                "grid": {"latlon": True},
            }
        },
        "file_nml": {
            "file": {
                "filename": f"{field}.nc", "longitude": "longitude", "latitude": "latitude",
                "var": list(FORCING[field]),
            }
        },
    }  # fmt: skip
    check("ww3_prnc.nml", namelist)
    return namelist


def ww3_shel(run: Ww3Run, *, since: datetime | None = None) -> Namelist:
    """For ww3_shel: forced by files of winds, and of others if asked; fields out at every history step.

    since: the time of the restart file that a run goes on from. The first restart file comes one step after that.
    """
    begin, end = since or run.start, _stamp(run.end)
    restart = begin + timedelta(hours=run.restart_hours)
    forcing = {"winds": "T", "currents": "T" if run.currents else "F", "ice_conc": "T" if run.ice else "F"}
    namelist: Namelist = {
        "domain_nml": {"domain": {"start": _stamp(begin), "stop": end}},
        "input_nml": {"input": {"forcing": forcing}},
        "output_type_nml": {"type": {"field": {"list": FIELDS}}},
        "output_date_nml": {
            "date": {
                "field": {"start": _stamp(begin), "stride": str(run.history_minutes * 60), "stop": end},
                "restart": [_stamp(restart), str(run.restart_hours * 3600), end],
            }
        },
    }
    check("ww3_shel.nml", namelist)
    return namelist


def ww3_ounf(run: Ww3Run, since: datetime, until: datetime) -> Namelist:
    """For ww3_ounf: all fields `since` the start of an attempt, of which what came after `until` does not count."""
    count = round((until - since).total_seconds() / (run.history_minutes * 60)) + 1
    namelist: Namelist = {
        "field_nml": {
            "field": {
                "timestart": _stamp(since), "timestride": str(run.history_minutes * 60), "timecount": str(count),
                "list": FIELDS, "partition": "0 1 2 3", "samefile": True,
            }
        },
        "file_nml": {"file": {"prefix": f"ww3.{since:%Y%m%dT%H%M%S}.", "netcdf": 4}},
    }  # fmt: skip
    check("ww3_ounf.nml", namelist)
    return namelist


def texts(run: Ww3Run, stage: str, since: datetime, until: datetime) -> Mapping[str, str]:
    """The namelist of a stage; that of the source terms stays empty: the model's defaults."""
    if stage == "grid":
        return {"ww3_grid.nml": text(ww3_grid(run)), "namelists.nml": "END OF NAMELISTS\n"}
    if stage in FORCING:
        return {"ww3_prnc.nml": text(ww3_prnc(run, stage))}
    if stage == "fields":
        return {"ww3_ounf.nml": text(ww3_ounf(run, since, until))}
    return {"ww3_shel.nml": text(ww3_shel(run, since=since))}


def _stamp(when: datetime) -> str:
    return f"{when:%Y%m%d %H%M%S}"
