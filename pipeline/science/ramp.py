"""From the blend to the newest observations: optimal interpolation at lead 0, ramped out over the first hours.

Optimal interpolation (Gandin 1963; Daley 1991, chapter 4) of departures from the blend, by gridpp (Lussana et al.
2019): Gaussian correlation in distance and height. gridpp works in three dimensions, so the date line and the poles
are ordinary places.
"""

from __future__ import annotations

from dataclasses import dataclass

import gridpp
import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Grid
from pipeline.science.interpolate import bilinear

Floats = NDArray[np.floating]

_MAXIMUM_POINTS = 40  # observations that act on one cell, nearest first; PEERS: 20 err by 1 K in dense networks
_FEWEST_FOR_AN_ESTIMATE = 30
# Standard deviation over median absolute value of a normal distribution.
_NORMAL_SCALE = 1.4826


@dataclass(frozen=True)
class Structure:
    """How errors of the blend at lead 0 hang together.

    `background_error`: standard deviation where too few observations tell, in the parameter's units. `horizontal` and
    `vertical`: decorrelation lengths in m, 0 for no vertical. `lapse_rate`: change of the parameter with height per m,
    which takes the blend from the model's surface to a station.
    """

    background_error: float
    horizontal: float
    vertical: float = 0.0
    lapse_rate: float = 0.0


# Lapse rates: standard atmosphere for temperature; Liston and Elder 2006, table 1 (annual mean), for dew point.
STRUCTURES: dict[str, Structure] = {
    "temperature_2m": Structure(1.2, 200e3, 500, -0.0065),
    "dew_point_temperature_2m": Structure(1.5, 200e3, 500, -0.0051),
    "eastward_wind_10m": Structure(1.8, 250e3, 500),
    "northward_wind_10m": Structure(1.8, 250e3, 500),
    "wind_speed_10m": Structure(1.6, 250e3, 500),
    "pressure_at_sea_level": Structure(120, 400e3),
    "significant_wave_height": Structure(0.4, 300e3),
    "mean_wave_period": Structure(0.8, 300e3),
    "sea_surface_temperature": Structure(0.6, 200e3),
}


@dataclass(frozen=True)
class Stations:
    """Observations of one parameter at one time, each (station,): degrees, m (NaN unknown), and catalogue units."""

    latitude: Floats
    longitude: Floats
    elevation: Floats
    value: Floats
    error: Floats


def ramp_factor(lead_hours: Floats, ramp_hours: float) -> NDArray[np.float32]:
    """What part of the increment acts at each lead: 1 at 0, 0 from `ramp_hours` on, a cosine between.

    A cosine has no step in its slope at either end. `ramp_hours` 0 switches the ramp off.
    """
    leads = np.asarray(lead_hours, dtype=float)
    if ramp_hours <= 0:
        return np.zeros(leads.shape, np.float32)
    return np.asarray((1 + np.cos(np.pi * np.clip(leads / ramp_hours, 0, 1))) / 2, np.float32)


def departures(
    background: Floats, grid: Grid, stations: Stations, *, altitude: Floats, lapse_rate: float
) -> NDArray[np.float64]:
    """Observation minus blend (station,), the blend taken to the station's height; NaN where the blend has no value.

    background, altitude: (latitude, longitude); lapse_rate per m. A station of unknown height stands on the model's.
    """
    places = stations.latitude, stations.longitude
    above = np.nan_to_num(stations.elevation - bilinear(altitude, grid, *places))
    return np.asarray(stations.value - bilinear(background, grid, *places) - lapse_rate * above)


def background_error(departure: Floats, observation_error: Floats, prior: float) -> float:
    """Standard deviation of the blend's error from the size of departures less the observations' error.

    Robust against gross errors (median of absolute departures); between a quarter and four times `prior`, which is used
    alone with fewer than 30 departures.
    """
    if len(departure) < _FEWEST_FOR_AN_ESTIMATE:
        return prior
    size = _NORMAL_SCALE * np.median(np.abs(departure))
    variance = size**2 - np.median(observation_error) ** 2
    return float(np.clip(np.sqrt(max(variance, 0)), prior / 4, prior * 4))


def analysis_increment(
    departure: Floats,
    grid: Grid,
    stations: Stations,
    *,
    altitude: Floats,
    structure: Structure,
    background_error: Floats | float,
) -> NDArray[np.float32]:
    """What to add to the blend at lead 0, (latitude, longitude), given `departure` (station,) of good observations.

    altitude: (latitude, longitude) in m; background_error: standard deviation, a number or (latitude, longitude).
    Far from every station the increment is 0. Raises ValueError if a departure is not finite.
    """
    if not np.all(np.isfinite(departure)):
        raise ValueError("every departure must be finite; leave out observations where the blend has no value")
    if len(departure) == 0:
        return np.zeros(grid.shape, np.float32)
    error = np.broadcast_to(np.asarray(background_error, float), grid.shape)
    error_at_stations = bilinear(error, grid, stations.latitude, stations.longitude)
    ground = bilinear(altitude, grid, stations.latitude, stations.longitude)
    elevation = np.where(np.isfinite(stations.elevation), stations.elevation, ground)
    latitude, longitude = np.meshgrid(grid.latitude, grid.longitude, indexing="ij")
    # In units of the background error, so that the correlations serve where the error varies.
    normalised = gridpp.optimal_interpolation(
        gridpp.Grid(latitude, longitude, altitude),
        np.zeros(grid.shape, np.float32),
        gridpp.Points(stations.latitude, stations.longitude, elevation),
        (departure / error_at_stations).astype(np.float32),
        ((stations.error / error_at_stations) ** 2).astype(np.float32),
        np.zeros(len(departure), np.float32),
        gridpp.BarnesStructure(structure.horizontal, structure.vertical),
        _MAXIMUM_POINTS,
    )
    return np.asarray(np.asarray(normalised) * error, np.float32)
