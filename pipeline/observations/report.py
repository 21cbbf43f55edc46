"""What every network's reader returns: observations in the catalogue's names and units, and what it could not read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from pipeline.cycle import Cycle

KELVIN = 273.15
KNOT = 1852 / 3600  # m s-1
STATUTE_MILE = 1609.344  # m
NAUTICAL_MILE = 1852.0  # m
INCH = 0.0254  # m
INCH_OF_MERCURY = 3386.389  # Pa, at 0 degC


class Observation(NamedTuple):
    """One value; `elevation` of the station in m, NaN where nobody says; `valid_time` is naive UTC."""

    station: str
    network: str
    latitude: float
    longitude: float
    elevation: float
    valid_time: datetime
    parameter: str
    value: float


class Problem(NamedTuple):
    """Text that gave no value, and why."""

    network: str
    text: str
    reason: str


class Station(NamedTuple):
    """Degrees north and east; `elevation` in m, NaN where unknown."""

    latitude: float
    longitude: float
    elevation: float


@dataclass
class Reading:
    """The yield of one network: filled while its text is read."""

    network: str
    observations: list[Observation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, name: str, station: Station, valid_time: datetime, values: dict[str, float]) -> None:
        """Keep one report's values by parameter."""
        self.observations.extend(
            Observation(name, self.network, *station, valid_time, parameter, value)
            for parameter, value in values.items()
        )

    def reject(self, text: str, reason: str) -> None:
        """Note text that cannot be used; long or unprintable text is shortened to what a log can show."""
        shown = "".join(c if c.isprintable() else "?" for c in text.strip())
        self.problems.append(Problem(self.network, shown[:120], reason))


def day_and_time(day: int, hour: int, minute: int, reference: Cycle) -> datetime | None:
    """The time nearest to `reference` with this day of the month, None if there is none within two days."""
    for offset in (0, -1, 1, -2, 2):
        date = reference.init_time.date() + timedelta(days=offset)
        if date.day == day and hour < 24 and minute < 60:
            return datetime(date.year, date.month, date.day, hour, minute)
    return None


def wind_components(speed: float, direction: float) -> dict[str, float]:
    """Eastward and northward wind from speed and the direction it comes from, in degrees."""
    angle = math.radians(direction)
    return {"eastward_wind_10m": -speed * math.sin(angle), "northward_wind_10m": -speed * math.cos(angle)}
