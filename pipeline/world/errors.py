"""The stated errors of the world's models, as data: what a blending system should be able to find out.

A forecast is the truth, displaced, plus `planted_bias`, times `planted_factor`, plus noise whose standard deviation is
`noise_deviation`. Nothing here knows how the forecasts will be blended.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.world.deviations import Values, growth, noise_of

# Shares of the error variance that all models, and the models of one centre, have in common.
SHARED_BY_ALL = 0.30
SHARED_BY_FAMILY = 0.20
FAMILY = {
    "gfs": "ncep", "gefs_mean": "ncep", "gefs": "ncep", "gfs_wave": "ncep", "hrrr": "ncep",
    "ifs": "ecmwf", "aifs": "ecmwf", "ecmwf_wam": "ecmwf", "icon": "dwd", "gdps": "eccc",
}  # fmt: skip


@dataclass(frozen=True)
class Region:
    """A smooth bump on the sphere: 1 at the centre, exp(-1/2) at `radius` degrees; radius 0 is the whole globe."""

    latitude: float
    longitude: float
    radius: float

    def __call__(self, latitude: Values, longitude: Values) -> NDArray[np.float64]:
        """0..1 at the points (degrees)."""
        phi, lam = np.deg2rad(latitude), np.deg2rad(np.asarray(longitude) - self.longitude)
        if self.radius == 0:
            return np.ones(np.broadcast(phi, lam).shape)
        centre = np.deg2rad(self.latitude)
        cosine = np.sin(phi) * np.sin(centre) + np.cos(phi) * np.cos(centre) * np.cos(lam)
        distance = np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
        return np.exp(-0.5 * (distance / self.radius) ** 2)


GLOBE = Region(0, 0, 0)
EUROPE = Region(50, 12, 16)
NORTH_AMERICA = Region(42, 262, 18)
CANADA = Region(60, 255, 20)
EAST_ASIA = Region(35, 110, 20)
SOUTH_AMERICA = Region(-15, 300, 18)
AFRICA = Region(5, 20, 22)
AUSTRALIA = Region(-25, 135, 18)
NORTH_PACIFIC = Region(40, 190, 24)
NORTH_ATLANTIC = Region(45, 325, 20)
SOUTHERN_OCEAN = Region(-52, 90, 40)
TROPICAL_PACIFIC = Region(0, 210, 30)
INDIAN_OCEAN = Region(-10, 75, 20)
SIBERIA = Region(62, 100, 20)


@dataclass(frozen=True)
class Bias:
    """A bias of `amount` (catalogue units) in a region, growing by `growth` of itself a day of lead.

    `diurnal` is added with a cosine of the local solar hour that peaks at `peak`.
    """

    parameters: tuple[str, ...]
    region: Region
    amount: float
    diurnal: float = 0.0
    peak: float = 14.0
    growth: float = 0.08


WARMTH = ("temperature_2m", "temperature_2m_maximum", "temperature_2m_minimum", "skin_temperature")
DEW = ("dew_point_temperature_2m",)
PRESSURE = ("pressure_at_sea_level", "surface_pressure")
EAST = ("eastward_wind_10m",)
NORTH = ("northward_wind_10m",)
HEIGHTS = ("geopotential_height_500hpa", "geopotential_height_700hpa", "geopotential_height_850hpa")
LOW_TEMPERATURES = ("temperature_925hpa", "temperature_850hpa")
WAVE_HEIGHT = ("significant_wave_height",)

BIASES: dict[str, tuple[Bias, ...]] = {
    "gfs": (
        Bias(WARMTH, NORTH_AMERICA, 1.6, diurnal=1.0, peak=15.0),
        Bias(WARMTH, AFRICA, -1.5, diurnal=0.8, peak=5.0),
        Bias(WARMTH, GLOBE, 0.3),
        Bias(DEW, EUROPE, -1.4),
        Bias(PRESSURE, NORTH_ATLANTIC, -110.0, growth=0.2),
        Bias(EAST, TROPICAL_PACIFIC, -0.9),
        Bias(HEIGHTS, NORTH_PACIFIC, 9.0, growth=0.2),
        Bias(LOW_TEMPERATURES, EAST_ASIA, 0.9),
    ),
    "gefs_mean": (
        Bias(WARMTH, NORTH_AMERICA, 1.2, diurnal=0.7, peak=15.0),
        Bias(WARMTH, SIBERIA, 1.3),
        Bias(DEW, SOUTH_AMERICA, 1.0),
        Bias(PRESSURE, NORTH_ATLANTIC, -80.0, growth=0.2),
        Bias(NORTH, INDIAN_OCEAN, 0.8),
    ),
    "ifs": (
        Bias(WARMTH, EAST_ASIA, -1.1, diurnal=0.9, peak=14.0),
        Bias(WARMTH, GLOBE, -0.2),
        Bias(DEW, NORTH_AMERICA, 0.9),
        Bias(PRESSURE, SOUTHERN_OCEAN, 90.0, growth=0.15),
        Bias(EAST, NORTH_ATLANTIC, 0.7),
        Bias(LOW_TEMPERATURES, AFRICA, -0.7),
    ),
    "aifs": (
        Bias(WARMTH, SOUTH_AMERICA, -1.4),
        Bias(WARMTH, SIBERIA, -1.0, diurnal=0.8, peak=4.0),
        Bias(DEW, AFRICA, -1.2),
        Bias(PRESSURE, NORTH_PACIFIC, 70.0, growth=0.25),
        Bias(NORTH, TROPICAL_PACIFIC, -0.7),
        Bias(HEIGHTS, SOUTHERN_OCEAN, -8.0, growth=0.2),
    ),
    "icon": (
        Bias(WARMTH, EUROPE, 0.9, diurnal=1.1, peak=3.0),
        Bias(WARMTH, AUSTRALIA, -1.7, diurnal=1.0, peak=15.0),
        Bias(DEW, EAST_ASIA, -1.1),
        Bias(PRESSURE, INDIAN_OCEAN, 60.0),
        Bias(EAST, SOUTHERN_OCEAN, -1.0),
    ),
    "gdps": (
        Bias(WARMTH, AFRICA, 1.8, diurnal=0.8, peak=13.0),
        Bias(WARMTH, EUROPE, -1.3),
        Bias(DEW, AUSTRALIA, 1.2),
        Bias(PRESSURE, EAST_ASIA, 120.0, growth=0.1),
        Bias(NORTH, NORTH_ATLANTIC, 0.9),
        Bias(EAST, NORTH_PACIFIC, 0.8),
    ),
    "hrrr": (Bias(WARMTH, NORTH_AMERICA, 0.7, diurnal=0.6, peak=16.0), Bias(PRESSURE, NORTH_AMERICA, -40.0)),
    "gfs_wave": (Bias(WAVE_HEIGHT, SOUTHERN_OCEAN, 0.45), Bias(WAVE_HEIGHT, NORTH_ATLANTIC, -0.30)),
    "ecmwf_wam": (Bias(WAVE_HEIGHT, NORTH_PACIFIC, -0.35), Bias(WAVE_HEIGHT, TROPICAL_PACIFIC, 0.25)),
}

# Multiplied onto amounts that cannot be negative.
FACTORS: dict[str, tuple[tuple[tuple[str, ...], Region, float], ...]] = {
    "gfs": ((("precipitation", "convective_precipitation", "snowfall"), GLOBE, 1.25),),
    "gefs_mean": ((("precipitation", "snowfall"), TROPICAL_PACIFIC, 1.35),),
    "ifs": ((("precipitation", "snowfall"), AFRICA, 1.3), (("wind_gust",), EUROPE, 1.08)),
    "aifs": ((("precipitation", "convective_precipitation", "snowfall"), GLOBE, 0.8),),
    "icon": ((("precipitation", "convective_precipitation", "snowfall"), EUROPE, 0.7),),
    "gdps": ((("precipitation", "snowfall"), GLOBE, 1.1), (("wind_gust",), GLOBE, 0.92)),
}

# Where each model is best: its noise and displacement shrink to BEST of their size at the centre.
BEST_REGIONS: dict[str, Region] = {
    "gfs": NORTH_PACIFIC, "gefs_mean": SOUTHERN_OCEAN, "ifs": EUROPE, "aifs": TROPICAL_PACIFIC, "icon": EAST_ASIA,
    "gdps": CANADA, "hrrr": NORTH_AMERICA, "gfs_wave": NORTH_PACIFIC, "ecmwf_wam": NORTH_ATLANTIC,
}  # fmt: skip
BEST = 0.5
# Size of a model's errors at lead 0 and their relative change by 120 h.
SIZES: dict[str, tuple[float, float]] = {
    "gfs": (1.05, 0.0), "gefs_mean": (1.15, -0.18), "ifs": (0.92, 0.0), "aifs": (1.02, -0.12), "icon": (0.98, 0.05),
    "gdps": (1.12, 0.0), "hrrr": (0.85, 0.10), "gfs_wave": (1.05, 0.0), "ecmwf_wam": (0.92, 0.0),
}  # fmt: skip


# Degrees of latitude by which fields are out of place, at lead 0 and at 120 h; and the correlation time of errors.
DISPLACEMENT = (0.25, 2.2)
ERROR_MEMORY_HOURS = 30.0
SLOW_SHARE = 0.15  # of the variance, that changes over days instead of hours
SLOW_MEMORY_DAYS = 3.0

# The ensemble's members differ by this share of its mean's error: a little less than they should, as real ones do.
SPREAD_RATIO = 0.85
MEMBERS = tuple(range(31))  # the control is member 0

# The analysis errs too: by this share of a model's error at lead 0.
ANALYSIS_ERROR = 0.12

# Tropical cyclone: standard deviation of position along and across the track (km) and of intensity (m s-1).
CYCLONE_POSITION = (25.0, 240.0)
CYCLONE_INTENSITY = (2.0, 7.0)
CYCLONE_INTENSITY_BIAS = {"gfs": -2.0, "ifs": -3.0, "aifs": -6.0, "icon": -3.0, "gdps": 2.0, "gefs_mean": -5.0}


def planted_bias(
    source: str, parameter: str, lead_hours: Values, latitude: Values, longitude: Values, hour_of_day: float
) -> NDArray[np.float64]:
    """The additive bias (catalogue units) of a source's parameter at points (degrees).

    `lead_hours` is the source's own lead, `hour_of_day` the valid hour in UTC. Zero where none is planted.
    """
    total = np.zeros(np.broadcast(np.asarray(latitude), np.asarray(longitude), np.asarray(lead_hours)).shape)
    for bias in BIASES.get(source, ()):
        if parameter in bias.parameters:
            local = hour_of_day + np.asarray(longitude) / 15
            course = bias.amount + bias.diurnal * np.cos(2 * np.pi * (local - bias.peak) / 24)
            total = total + bias.region(latitude, longitude) * course * (1 + bias.growth * np.asarray(lead_hours) / 24)
    return total


def planted_factor(source: str, parameter: str, latitude: Values, longitude: Values) -> NDArray[np.float64]:
    """The factor on a source's non-negative parameter at points (degrees); one where none is planted."""
    total = np.ones(np.broadcast(np.asarray(latitude), np.asarray(longitude)).shape)
    for parameters, region, factor in FACTORS.get(source, ()):
        if parameter in parameters:
            total = total * (1 + (factor - 1) * region(latitude, longitude))
    return total


def quality(source: str, lead_hours: Values, latitude: Values, longitude: Values) -> NDArray[np.float64]:
    """Size of the source's errors relative to `NOISE` at points (degrees): small in its best region."""
    size, change = SIZES[source]
    best = 1 - (1 - BEST) * BEST_REGIONS[source](latitude, longitude)
    return size * (1 + change * np.asarray(lead_hours) / 120) * best


def noise_deviation(
    source: str, parameter: str, lead_hours: float, latitude: Values, longitude: Values
) -> NDArray[np.float64]:
    """Standard deviation of the noise at points (degrees); relative for parameters whose noise is a factor."""
    noise = noise_of(parameter)
    if noise is None:
        raise KeyError(f"no noise is stated for {parameter!r}; it follows from other parameters")
    return quality(source, lead_hours, latitude, longitude) * growth(noise.early, noise.late, lead_hours)
