"""Sea surface of the truth: temperature, ice, level and currents, as proxies without a model of the ocean.

Currents are the drift of the wind, turned by the earth's rotation, on a steady stream by latitude; the level is that of
the inverted barometer on a steady topography.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from pipeline.world import sun
from pipeline.world.geography import Geography, places
from pipeline.world.levels import GRAVITY, Array

DRIFT = 0.018  # of the wind; Ekman 1905 and drifters
DEFLECTION = 45.0  # degrees to the right (left) of the wind in the north (south)
WATER_DENSITY = 1025.0  # kg m-3
STANDARD_PRESSURE = 101325.0  # Pa


def surface_temperature(static: Geography, when: datetime) -> Array:
    """K: the season's, a little warmer in the afternoon (Kennedy et al. 2007: 0.25 K), never below freezing."""
    warmest = static.sea_surface_temperature + 0.25 * sun.course(when, places()[1], 15.0)
    return np.asarray(np.maximum(warmest, 271.4))


def diagnose(static: Geography, out: dict[str, Array], when: datetime) -> dict[str, Array]:
    """Temperature, ice, level and currents of the sea; `out` holds pressure and wind."""
    latitude = places()[0]
    angle = np.deg2rad(DEFLECTION) * np.tanh(latitude / 10)
    east, north = DRIFT * out["eastward_wind_10m"], DRIFT * out["northward_wind_10m"]
    stream = 0.2 * np.exp(-(((latitude + 50) / 8) ** 2)) - 0.4 * np.exp(-((latitude / 6) ** 2))
    subtropics, south = np.exp(-(((np.abs(latitude) - 25) / 20) ** 2)), np.clip(-(latitude + 40) / 20, 0, 1)
    barometer = (STANDARD_PRESSURE - out["pressure_at_sea_level"]) / (WATER_DENSITY * GRAVITY)
    return {
        "sea_surface_temperature": surface_temperature(static, when),
        "sea_ice_fraction": static.ice,
        "sea_ice_thickness": static.ice * np.where(latitude > 0, 1.8, 0.9),
        "sea_surface_height": 0.6 * subtropics - 1.2 * south + barometer,
        "eastward_sea_water_velocity": np.cos(angle) * east + np.sin(angle) * north + stream,
        "northward_sea_water_velocity": np.cos(angle) * north - np.sin(angle) * east,
    }
