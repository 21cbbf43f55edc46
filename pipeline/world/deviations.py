"""How large the models' random errors are: one row a parameter, as data.

Sizes follow published verification: 2 m temperature errs by 1 to 1.5 K at 6 h and by 2 to 3.5 K at 120 h, sea-level
pressure by 0.8 to 4 hPa, displacement included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64] | float
Latent = Literal["warm", "moist", "mass", "east", "north", "cloud", "rain", "wave"]
LATENTS: tuple[Latent, ...] = ("warm", "moist", "mass", "east", "north", "cloud", "rain", "wave")


@dataclass(frozen=True)
class Noise:
    """Deviation (catalogue units) at lead 0 and at 120 h, and its loadings on the latent fields.

    `relative`: the deviation is relative to the value, as a lognormal factor of mean one.
    """

    early: float
    late: float
    loadings: tuple[tuple[Latent, float], ...]
    relative: bool = False


def _only(latent: Latent) -> tuple[tuple[Latent, float], ...]:
    return ((latent, 1.0),)


_WARM, _MOIST, _CLOUD, _RAIN = _only("warm"), _only("moist"), _only("cloud"), _only("rain")
_MASS, _EAST, _NORTH, _WAVE = _only("mass"), _only("east"), _only("north"), _only("wave")
_NEAR_WARM: tuple[tuple[Latent, float], ...] = (("warm", 0.75), ("moist", 0.45), ("mass", 0.48))

# By name or, where the name is not found, by the name without its level.
NOISE: dict[str, Noise] = {
    "temperature_2m": Noise(0.95, 2.0, _WARM),
    "dew_point_temperature_2m": Noise(1.05, 2.1, (("warm", 0.6), ("moist", 0.8))),
    "temperature_2m_maximum": Noise(1.0, 2.1, (("warm", 0.95), ("cloud", -0.31))),
    "temperature_2m_minimum": Noise(1.0, 2.1, (("warm", 0.95), ("cloud", 0.31))),
    "skin_temperature": Noise(1.2, 2.4, (("warm", 0.9), ("cloud", -0.44))),
    "soil_temperature_0_10cm": Noise(0.7, 1.3, _WARM),
    "soil_temperature_10_40cm": Noise(0.5, 0.9, _WARM),
    "soil_temperature_40_100cm": Noise(0.35, 0.6, _WARM),
    "soil_temperature_100_200cm": Noise(0.25, 0.4, _WARM),
    "eastward_wind_10m": Noise(1.0, 2.2, _EAST),
    "northward_wind_10m": Noise(1.0, 2.2, _NORTH),
    "eastward_wind_100m": Noise(1.2, 2.6, _EAST),
    "northward_wind_100m": Noise(1.2, 2.6, _NORTH),
    "wind_gust": Noise(0.12, 0.22, (("east", 0.5), ("north", 0.4), ("cloud", 0.77)), relative=True),
    "pressure_at_sea_level": Noise(70.0, 280.0, _MASS),
    "surface_pressure": Noise(70.0, 280.0, _MASS),
    "precipitation": Noise(0.45, 0.75, _RAIN, relative=True),
    "total_cloud_cover": Noise(0.12, 0.20, _CLOUD),
    "low_cloud_cover": Noise(0.12, 0.20, (("cloud", 0.8), ("moist", 0.6))),
    "medium_cloud_cover": Noise(0.12, 0.20, (("cloud", 0.8), ("rain", 0.6))),
    "high_cloud_cover": Noise(0.12, 0.20, (("cloud", 0.8), ("mass", 0.6))),
    "visibility": Noise(0.20, 0.35, (("moist", -0.8), ("rain", -0.6)), relative=True),
    "surface_downwelling_shortwave_flux": Noise(0.10, 0.18, (("cloud", -1.0),), relative=True),
    "surface_downwelling_longwave_flux": Noise(8.0, 16.0, (("warm", 0.6), ("cloud", 0.8))),
    "precipitable_water": Noise(0.07, 0.15, _MOIST, relative=True),
    "convective_available_potential_energy": Noise(0.30, 0.55, (("warm", 0.5), ("moist", 0.87)), relative=True),
    "convective_inhibition": Noise(0.30, 0.55, (("warm", -0.5), ("moist", -0.87)), relative=True),
    "snow_depth": Noise(0.10, 0.20, (("rain", 0.8), ("warm", -0.6)), relative=True),
    "soil_moisture_0_10cm": Noise(0.015, 0.03, (("rain", 0.8), ("moist", 0.6))),
    "soil_moisture_10_40cm": Noise(0.012, 0.022, (("rain", 0.8), ("moist", 0.6))),
    "soil_moisture_40_100cm": Noise(0.01, 0.016, (("rain", 0.8), ("moist", 0.6))),
    "soil_moisture_100_200cm": Noise(0.008, 0.012, (("rain", 0.8), ("moist", 0.6))),
    "surface_upward_latent_heat_flux": Noise(12.0, 22.0, (("moist", -0.8), ("warm", 0.6))),
    "boundary_layer_height": Noise(0.15, 0.25, (("warm", 0.8), ("cloud", -0.6)), relative=True),
    "temperature_1000hpa": Noise(0.8, 1.8, _NEAR_WARM),
    "temperature_925hpa": Noise(0.7, 1.7, _NEAR_WARM),
    "temperature": Noise(0.45, 1.4, (("warm", 0.6), ("mass", 0.8))),
    "geopotential_height": Noise(7.0, 26.0, _MASS),
    "geopotential_height_500hpa": Noise(8.0, 34.0, _MASS),
    **dict.fromkeys(("geopotential_height_400hpa", "geopotential_height_300hpa"), Noise(10.0, 43.0, _MASS)),
    **dict.fromkeys((f"geopotential_height_{level}hpa" for level in (250, 200, 150)), Noise(11.0, 48.0, _MASS)),
    **dict.fromkeys((f"geopotential_height_{level}hpa" for level in (100, 50)), Noise(12.0, 44.0, _MASS)),
    "relative_humidity": Noise(0.07, 0.13, (("moist", 0.8), ("cloud", 0.6))),
    **dict.fromkeys((f"relative_humidity_{level}hpa" for level in (150, 100, 50)), Noise(0.02, 0.04, _MOIST)),
    "eastward_wind": Noise(1.3, 3.2, _EAST),
    "northward_wind": Noise(1.3, 3.2, _NORTH),
    **dict.fromkeys((f"eastward_wind_{level}hpa" for level in (400, 300, 250, 200)), Noise(2.2, 5.5, _EAST)),
    **dict.fromkeys((f"northward_wind_{level}hpa" for level in (400, 300, 250, 200)), Noise(2.2, 5.5, _NORTH)),
    "pressure_velocity": Noise(0.05, 0.09, (("rain", -0.8), ("cloud", -0.6))),
    "significant_wave_height": Noise(0.13, 0.24, _WAVE, relative=True),
    "wind_wave_height": Noise(0.16, 0.28, (("wave", 0.8), ("east", 0.6)), relative=True),
    "swell_wave_height": Noise(0.16, 0.26, (("wave", 0.9), ("mass", 0.44)), relative=True),
    "secondary_swell_wave_height": Noise(0.18, 0.28, (("wave", 0.7), ("mass", -0.71)), relative=True),
    "tertiary_swell_wave_height": Noise(0.20, 0.30, (("wave", 0.6), ("north", 0.8)), relative=True),
    "wind_wave_period": Noise(0.06, 0.11, (("wave", 0.8), ("east", 0.6)), relative=True),
    "secondary_swell_wave_period": Noise(0.06, 0.11, (("wave", 0.6), ("mass", -0.8)), relative=True),
    "tertiary_swell_wave_period": Noise(0.06, 0.11, (("wave", 0.6), ("north", 0.8)), relative=True),
    "wind_wave_direction": Noise(12.0, 26.0, (("north", 0.8), ("east", 0.6))),
    "swell_wave_direction": Noise(12.0, 26.0, (("north", 0.6), ("wave", 0.8))),
    "secondary_swell_wave_direction": Noise(14.0, 28.0, (("mass", 0.6), ("wave", 0.8))),
    "tertiary_swell_wave_direction": Noise(16.0, 30.0, (("east", 0.6), ("wave", 0.8))),
    "sea_ice_thickness": Noise(0.12, 0.2, (("warm", -1.0),), relative=True),
    "sea_surface_height": Noise(0.03, 0.06, (("mass", -1.0),)),
    "eastward_sea_water_velocity": Noise(0.05, 0.09, _EAST),
    "northward_sea_water_velocity": Noise(0.05, 0.09, _NORTH),
    "primary_wave_period": Noise(0.06, 0.11, (("wave", 0.7), ("mass", 0.71)), relative=True),
    "mean_wave_period": Noise(0.05, 0.09, (("wave", 0.8), ("mass", 0.6)), relative=True),
    "swell_wave_period": Noise(0.06, 0.11, (("wave", 0.6), ("mass", 0.8)), relative=True),
    "wave_direction": Noise(12.0, 26.0, (("north", 0.8), ("wave", 0.6))),
    "sea_ice_fraction": Noise(0.03, 0.06, (("warm", -1.0),)),
}


def growth(early: float, late: float, lead_hours: Values) -> Values:
    """From `early` at lead 0 towards `late` at 120 h, concave, as errors grow that saturate later."""
    return early + (late - early) * (np.maximum(lead_hours, 0) / 120.0) ** 0.8


def noise_of(parameter: str) -> Noise | None:
    """The noise of a parameter; None for those that follow from others (wind speed, parts of the rain)."""
    return NOISE.get(parameter) or NOISE.get(parameter.rsplit("_", 1)[0] if parameter.endswith("hpa") else "")
