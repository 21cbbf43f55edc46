"""The truth: every blended parameter on the truth's grid at any hour, from the nature run's large scales.

The nature run has no diurnal cycle, no fine terrain and no surface weather; they are added here by simple, documented
relations, the same at all times, so that the parameters of one hour are consistent with each other. The tropical
cyclone is not in these fields: `cyclone` adds it where it is needed, so that models can misplace it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from pipeline.parameters import blended
from pipeline.world import clouds, ocean, soil, sun
from pipeline.world.geography import Geography, geography, places
from pipeline.world.interpolate import Operator, operator
from pipeline.world.levels import LAPSE_RATE, PRESSURE_LEVELS, Array, dew_point, surface_pressure
from pipeline.world.nature import CLIMATE_DAYS, FIELDS, STATES_PER_DAY, Nature
from pipeline.world.waves import Waves

BUOYS_ALONE = ("sea_surface_temperature",)
"""What no model of the world tells as such."""
PARAMETERS = (*blended(), *BUOYS_ALONE)
METRES_PER_PASCAL = 0.083
ROUGH_LAND_WIND = 0.72  # of the wind over open water


@dataclass(frozen=True, eq=False)
class Truth:
    """The world's weather without its cyclone."""

    nature: Nature
    waves: Waves
    pressure_shift: Array  # Pa (latitude, 1): brings the run's zonal mean pressure to the climatological one
    to_truth: Operator
    orography: Array  # m, of the nature run, on the truth's grid
    static: Geography = field(default_factory=geography)

    def fields(self, when: datetime) -> dict[str, Array]:
        """Every parameter at `when`, (latitude, longitude); hourly amounts, means and extremes of the hour before."""
        return {name: values.astype(np.float32) for name, values in _diagnose(self, when).items()}


def climatological_pressure(latitude: Array) -> Array:
    """Zonal mean sea-level pressure of the season (Pa), roughly as in reanalyses."""
    knots = [-90, -75, -65, -55, -45, -30, -15, 0, 15, 30, 45, 60, 75, 90]
    means = [1002, 992, 986, 994, 1009, 1019, 1014, 1011.5, 1011.5, 1013.5, 1014, 1010, 1011, 1013]
    return (100 * np.interp(latitude, knots, means)).astype(np.float32)


def truth(nature: Nature, waves: Waves) -> Truth:
    """The truth of a nature run and its waves."""
    index = FIELDS.index("pressure_at_sea_level")
    mean = np.asarray(nature.fields[: CLIMATE_DAYS * STATES_PER_DAY : STATES_PER_DAY, index]).mean((0, 2))
    latitude = places()[0]
    shift = climatological_pressure(latitude) - np.interp(-latitude, -nature.latitude, mean)
    to_truth = operator(nature.latitude, nature.longitude)
    return Truth(nature, waves, shift.astype(np.float32), to_truth, to_truth(nature.orography))


@lru_cache(maxsize=4)
def _state(world: Truth, index: int) -> Array:
    """(field, latitude, longitude) of a saved state on the truth's grid."""
    return world.to_truth(world.nature.fields[index])


def _large_scale(world: Truth, when: datetime) -> dict[str, Array]:
    index, fraction = world.nature.position(when)
    values = _state(world, index)
    if fraction:
        values = values * (1 - fraction) + _state(world, index + 1) * fraction
    return dict(zip(FIELDS, values, strict=True))


def _temperature(world: Truth, when: datetime, large: dict[str, Array]) -> dict[str, Array]:
    """2 m and skin temperature with terrain and the day's course."""
    latitude, longitude = places()
    static = world.static
    base = large["near_surface_temperature"] + LAPSE_RATE * (world.orography - static.altitude)
    cloud = np.clip(large["cloud_fraction"], 0, 1)
    sunshine = sun.daily_insolation(when, latitude) / 0.35
    dryness = 1.25 - 1.5 * static.soil_moisture
    amplitude = (0.35 + 6.2 * static.land * sunshine * (1 - 0.65 * cloud) * dryness).astype(np.float32)
    return {
        "temperature_2m": base + amplitude * sun.course(when, longitude, 14.6),
        "skin_temperature": static.land * (base + 0.4 + 1.5 * amplitude * sun.course(when, longitude, 13.2))
        + (1 - static.land) * ocean.surface_temperature(static, when),
        "amplitude": amplitude,
    }


def _diagnose(world: Truth, when: datetime) -> dict[str, Array]:
    static, large = world.static, _large_scale(world, when)
    warm = _temperature(world, when, large)
    before = _temperature(world, when - timedelta(hours=1), large)
    t2 = warm["temperature_2m"]
    out = {name: large[name] for name in PARAMETERS if name in large}
    shift = world.pressure_shift
    out["pressure_at_sea_level"] = large["pressure_at_sea_level"] + shift
    for level in PRESSURE_LEVELS:
        out[f"geopotential_height_{level}hpa"] = large[f"geopotential_height_{level}hpa"] + shift * METRES_PER_PASCAL
        out[f"relative_humidity_{level}hpa"] = np.clip(large[f"relative_humidity_{level}hpa"], 0.01, 1.0)
    out["surface_pressure"] = surface_pressure(out["pressure_at_sea_level"], static.altitude, t2)
    vapour = np.maximum(large["near_surface_humidity"], 1e-5) * out["surface_pressure"] / 0.622
    depression = t2 - dew_point(vapour) + 0.12 * warm["amplitude"]
    out["dew_point_temperature_2m"] = t2 - 0.3 - np.logaddexp(0, depression - 0.3)
    out["temperature_2m"], out["skin_temperature"] = t2, warm["skin_temperature"]
    out["temperature_2m_maximum"] = np.maximum(t2, before["temperature_2m"]) + 0.1
    out["temperature_2m_minimum"] = np.minimum(t2, before["temperature_2m"]) - 0.1
    out |= _wind(world, when, large)
    out |= clouds.diagnose(large, out, static, when)
    out |= world.waves.at(when)
    out |= soil.diagnose(static, out, warm["amplitude"], when)
    out |= ocean.diagnose(static, out, when)
    return {name: out[name] for name in PARAMETERS}


def _wind(world: Truth, when: datetime, large: dict[str, Array]) -> dict[str, Array]:
    """10 m, 100 m and gust: land is rougher, and stable at night."""
    land, longitude = world.static.land, places()[1]
    day = 0.12 * land * sun.course(when, longitude, 14.0)
    slow = 1 - (1 - ROUGH_LAND_WIND) * land
    near = slow * (1 + day)
    out: dict[str, Array] = {}
    for name in ("eastward_wind", "northward_wind"):
        surface = large[f"near_surface_{name}"]
        out[f"{name}_10m"] = surface * near
        out[f"{name}_100m"] = surface * (slow * (1.22 + 0.14 * land) * (1 - 0.5 * day))
    out["wind_speed_10m"] = np.hypot(out["eastward_wind_10m"], out["northward_wind_10m"])
    out["wind_speed_100m"] = np.hypot(out["eastward_wind_100m"], out["northward_wind_100m"])
    aloft = np.hypot(large["eastward_wind_850hpa"], large["northward_wind_850hpa"])
    mixing = 0.25 + 0.2 * np.clip(day / 0.12, 0, 1)
    out["wind_gust"] = (
        out["wind_speed_10m"] * (1.25 + 0.2 * land) + 1.0 + mixing * np.clip(aloft - out["wind_speed_100m"], 0, None)
    )
    return out
