"""Soil of the truth: the air's temperature damped and delayed with depth, water that follows the rain; what runs off.

No model of the ground: shares of the surface's course that fall with depth as in a soil that conducts heat.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from pipeline.world import sun
from pipeline.world.geography import Geography, places
from pipeline.world.levels import Array, saturation_vapour_pressure

# By layer: share of the air's departure from the season's soil, of its daily course, hour of the day's maximum, share
# of the surface's wetness from the hour's rain.
_LAYERS = {
    "0_10cm": (0.6, 0.33, 14.6, 1.0),
    "10_40cm": (0.35, 0.08, 20.0, 0.4),
    "40_100cm": (0.15, 0.01, 6.0, 0.15),
    "100_200cm": (0.05, 0.0, 0.0, 0.05),
}
_DRIER_BELOW = 0.015  # of volume, a layer
EXCHANGE = 1.3e-3  # of moisture between sea and air; Large and Pond 1982
LATENT_HEAT = 2.5e6  # J kg-1


def diagnose(static: Geography, out: dict[str, Array], amplitude: Array, when: datetime) -> dict[str, Array]:
    """Soil temperature and moisture by layer, snow, runoff and the flux of latent heat; `out` holds air and radiation.

    `amplitude` (K) is half the daily course of the air.
    """
    longitude, fields = places()[1], {}
    wet = np.clip(out["precipitation"] * 0.01, 0, 0.05)
    steady = out["temperature_2m"] - amplitude * sun.course(when, longitude, 14.6)
    for number, (layer, (share, daily, peak, rain)) in enumerate(_LAYERS.items()):
        departure = share * (steady - static.soil_temperature) + daily * amplitude * sun.course(when, longitude, peak)
        fields[f"soil_temperature_{layer}"] = static.soil_temperature + departure
        water = static.soil_moisture - number * _DRIER_BELOW + rain * wet
        fields[f"soil_moisture_{layer}"] = np.clip(water, 0.02, 0.5)
    frozen = np.clip((272.0 - out["temperature_2m"]) / 12, 0, 1)
    saturation = np.clip((fields["soil_moisture_0_10cm"] - 0.15) / 0.4, 0.02, 0.8)
    return fields | {
        "snow_depth": static.snow * (0.4 + 0.6 * frozen),
        "runoff": out["precipitation"] * saturation,
        "surface_upward_latent_heat_flux": _latent_heat(static, out),
    }


def _latent_heat(static: Geography, out: dict[str, Array]) -> Array:
    """W m-2: the bulk formula over the sea; over land the share of the sunshine that its moisture lets evaporate."""
    pressure, skin = out["surface_pressure"], out["skin_temperature"]
    vapour, saturated = (saturation_vapour_pressure(t) for t in (out["dew_point_temperature_2m"], skin))
    deficit = 0.622 * (0.98 * saturated - vapour) / pressure
    density = pressure / (287.05 * out["temperature_2m"])
    sea = density * LATENT_HEAT * EXCHANGE * out["wind_speed_10m"] * deficit * (1 - static.ice)
    land = 0.7 * static.soil_moisture / 0.4 * 0.75 * out["surface_downwelling_shortwave_flux"] + 5.0
    return np.asarray(static.land * land + (1 - static.land) * sea)
