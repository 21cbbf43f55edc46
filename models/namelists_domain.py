"""What the descriptions of a run of every physics model share: when, how long, driven by what, on how many ranks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Boundary = Literal["gfs", "ifs", "hrrr"]
Positive = Annotated[int, Field(gt=0)]


@dataclass(frozen=True)
class Driver:
    """A driving model: isobaric levels with the surface's, its highest one in Pa, hours between files, last lead.

    `vtable`: the table of WPS by which ungrib knows its fields. `sea_vtable`: that by which it takes the temperature of
    the surface for the sea's, empty if there is none.
    """

    levels: int
    top: int
    every_hours: int
    last_hours: int
    spacing_km: float
    soil_levels: int
    vtable: str
    sea_vtable: str = "Vtable.SST"


DRIVERS: dict[Boundary, Driver] = {
    "gfs": Driver(34, 1000, every_hours=3, last_hours=384, spacing_km=28, soil_levels=4, vtable="Vtable.GFS"),
    "ifs": Driver(
        14, 5000, every_hours=3, last_hours=144, spacing_km=28, soil_levels=4, vtable="Vtable.ECMWF", sea_vtable=""
    ),
    "hrrr": Driver(
        41, 5000, every_hours=1, last_hours=48, spacing_km=3, soil_levels=9, vtable="Vtable.RAP.pressure.ncep"
    ),
}


class Run(BaseModel):
    """A forecast to be made: from `start` (UTC) for `hours`, history every `history_minutes`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: datetime
    hours: Annotated[int, Field(ge=1, le=384)]
    ranks: Positive
    history_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    restart_hours: Positive = 6

    @field_validator("start", mode="before")
    @classmethod
    def _is_a_full_hour(cls, value: Any) -> datetime:
        when = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(when, datetime) or when.tzinfo or when.replace(minute=0, second=0, microsecond=0) != when:
            raise ValueError("expected a full hour in UTC such as 2026-01-31T06")
        return when

    @property
    def end(self) -> datetime:
        """The last valid time."""
        return self.start + timedelta(hours=self.hours)

    @property
    def names(self) -> dict[str, str]:
        """What the table of programs leaves open."""
        return {}


def check_driver(boundary: Boundary, hours: int) -> Driver:
    """The driving model; ValueError if the run is longer than it, or no multiple of its interval."""
    driver = DRIVERS[boundary]
    if hours > driver.last_hours or hours % driver.every_hours:
        raise ValueError(
            f"expected hours up to {driver.last_hours} in steps of {driver.every_hours}, as {boundary} has them; "
            f"found {hours}"
        )
    return driver


def check_sea(boundary: Boundary) -> None:
    """ValueError if the sea's temperature cannot be taken from the driving model at every boundary time."""
    if not DRIVERS[boundary].sea_vtable:
        able = ", ".join(name for name, driver in DRIVERS.items() if driver.sea_vtable)
        raise ValueError(f"expected sea_updates with a boundary of {able}; found {boundary}")


def whole_divisor(seconds: float, period: int) -> int:
    """The greatest whole number of seconds up to `seconds` that divides `period`, so that outputs fall on steps."""
    return next(step for step in range(int(min(seconds, period)), 0, -1) if period % step == 0)
