"""WAVEWATCH III's ww3_grid.nml and ww3_shel.nml from the description of a run on a grid of latitude and longitude.

Rules of the manual 6.07, section 3.2: the spatial step keeps the longest waves within a cell at the grid's narrowest
place, the overall one is up to three of them, refraction takes half of that.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.namelists import Namelist, check
from models.namelists_domain import Run

GRAVITY = 9.806  # m s-2
METRES_PER_DEGREE = 111_195.0
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


def ww3_shel(run: Ww3Run) -> Namelist:
    """For ww3_shel: forced by files of winds, and of currents if asked; fields out at every history step."""
    begin, end = (f"{when:%Y%m%d %H%M%S}" for when in (run.start, run.end))
    stride = str(run.history_minutes * 60)
    namelist: Namelist = {
        "domain_nml": {"domain": {"start": begin, "stop": end}},
        "input_nml": {"input": {"forcing": {"winds": "T", "currents": "T" if run.currents else "F"}}},
        "output_type_nml": {"type": {"field": {"list": "HS FP T0M1 DIR DP PHS PTP PDIR ICE WND"}}},
        "output_date_nml": {
            "date": {
                "field": {"start": begin, "stride": stride, "stop": end},
                "restart": [begin, str(run.restart_hours * 3600), end],
            }
        },
    }
    check("ww3_shel.nml", namelist)
    return namelist
