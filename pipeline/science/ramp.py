"""From the blend to the newest observations: optimal interpolation at lead 0, ramped out over the first hours.

Optimal interpolation (Gandin 1963; Daley 1991, chapter 4) of departures from the blend, by gridpp (Lussana et al.
2019): Gaussian correlation in distance and height. gridpp works in three dimensions, so the date line and the poles
are ordinary places.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import gridpp
import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Grid, unit_vectors
from pipeline.science.interpolate import bilinear

Floats = NDArray[np.floating]

_MAXIMUM_POINTS = 40  # observations that act on one cell, nearest first; PEERS: 20 err by 1 K in dense networks
_FEWEST_FOR_AN_ESTIMATE = 30
_FEWEST_FOR_A_FIT, _MOST_FOR_A_FIT = 200, 3000
_FEWEST_PAIRS = 50
_BINS = np.array([0.1, 0.3, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4])  # edges, in prior lengths
_EARTH_RADIUS = 6.371e6  # m
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
    "temperature_2m": Structure(1.2, 250e3, 500, -0.0065),
    "dew_point_temperature_2m": Structure(1.5, 250e3, 500, -0.0051),
    "eastward_wind_10m": Structure(1.8, 300e3, 500),
    "northward_wind_10m": Structure(1.8, 300e3, 500),
    "wind_speed_10m": Structure(1.6, 300e3, 500),
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


def fit(departure: Floats, stations: Stations, prior: Structure) -> Structure:
    """`prior` with background error and horizontal length as the departures tell them.

    Hollingsworth and Lönnberg (1986): errors of observations are independent, so what departures at two stations have
    in common is the blend's error; a Gaussian is fitted to their products by distance. departure, stations: good ones
    only. Within a quarter and four times the prior error and half and twice its length; `prior` itself for fewer than
    200 departures.
    """
    if len(departure) < _FEWEST_FOR_A_FIT:
        return replace(prior, background_error=background_error(departure, stations.error, prior.background_error))
    chosen = slice(None, None, -(-len(departure) // _MOST_FOR_A_FIT))
    places = (np.asarray(degrees[chosen], float) for degrees in (stations.latitude, stations.longitude))
    points = unit_vectors(*places) * _EARTH_RADIUS
    values = departure[chosen]
    one, other = np.triu_indices(len(values), 1)
    distance = np.linalg.norm(points[one] - points[other], axis=1)
    which = np.digitize(distance, _BINS * prior.horizontal) - 1
    inside = (which >= 0) & (which < len(_BINS) - 1)
    count, total, product = (
        np.bincount(which[inside], weights, len(_BINS) - 1)
        for weights in (None, distance[inside], (values[one] * values[other])[inside])
    )
    filled = count >= _FEWEST_PAIRS
    weight = np.sqrt(count[filled])
    mean_distance, covariance = total[filled] / count[filled], product[filled] / count[filled]
    lengths = prior.horizontal * np.geomspace(0.5, 2, 29)
    shapes = np.exp(-0.5 * (mean_distance / lengths[:, None]) ** 2)
    variances = (weight * shapes * covariance).sum(axis=1) / (weight * shapes**2).sum(axis=1)
    best = np.argmin((weight * (covariance - variances[:, None] * shapes) ** 2).sum(axis=1))
    error = np.sqrt(max(variances[best], 0)) / prior.background_error
    return replace(
        prior, background_error=prior.background_error * float(np.clip(error, 0.25, 4)), horizontal=float(lengths[best])
    )


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
    background_error: Floats | None = None,
) -> NDArray[np.float32]:
    """What to add to the blend at lead 0, (latitude, longitude), given `departure` (station,) of good observations.

    altitude: (latitude, longitude) in m; background_error: standard deviation (latitude, longitude), the structure's
    one number by default.
    Far from every station the increment is 0. Raises ValueError if a departure is not finite.
    """
    if not np.all(np.isfinite(departure)):
        raise ValueError("every departure must be finite; leave out observations where the blend has no value")
    if len(departure) == 0:
        return np.zeros(grid.shape, np.float32)
    one = np.full(grid.shape, structure.background_error)
    error = one if background_error is None else np.asarray(background_error, float)
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
