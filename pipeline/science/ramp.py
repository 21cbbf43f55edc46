"""From the blend to the newest observations: optimal interpolation at lead 0, ramped out over the first hours.

Optimal interpolation (Gandin 1963; Daley 1991, chapter 4) of departures from the blend with Gaussian correlations in
distance and height, all observations at once: one sparse system of equations, solved by scipy, and one sum at every
cell. Distances are straight lines through the sphere, so the date line and the poles are ordinary places. gridpp,
which does the same from the nearest observations of every cell, is the referee of the tests; it errs by 0.02 to 0.05
of a departure against the exact solution where this errs by 0.006 at most, and takes fifty times as long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import cg
from scipy.spatial import cKDTree

from pipeline.grid import Grid, unit_vectors
from pipeline.science.interpolate import bilinear
from pipeline.science.ramp_kernel import REACH, spread

Floats = NDArray[np.floating]

_MOST_ITERATIONS = 2000
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
    background_error: Floats | float | None = None,
) -> NDArray[np.float32]:
    """What to add to the blend at lead 0, (latitude, longitude), given `departure` (station,) of good observations.

    altitude: (latitude, longitude) in m; background_error: standard deviation, (latitude, longitude) or a number, the
    structure's by default. Far from every station the increment is 0. Raises ValueError if a departure is not finite.
    """
    if not np.all(np.isfinite(departure)):
        raise ValueError("every departure must be finite; leave out observations where the blend has no value")
    if len(departure) == 0:
        return np.zeros(grid.shape, np.float32)
    one = structure.background_error if background_error is None else background_error
    error = np.broadcast_to(np.asarray(one, float), grid.shape)
    error_there = bilinear(error, grid, stations.latitude, stations.longitude)
    ground = bilinear(altitude, grid, stations.latitude, stations.longitude)
    elevation = np.where(np.isfinite(stations.elevation), stations.elevation, ground)
    # In units of the background error, so that the correlations serve where the error varies.
    weights = _weights(departure / error_there, (stations.error / error_there) ** 2, stations, elevation, structure)
    return np.asarray(_spread(weights, grid, stations, elevation, altitude, structure) * error, np.float32)


def _weights(departure: Floats, noise: Floats, stations: Stations, elevation: Floats, structure: Structure) -> Floats:
    """(station,) solution of (correlations + noise) weights = departures, by conjugate gradients."""
    points = unit_vectors(np.asarray(stations.latitude, float), np.asarray(stations.longitude, float))
    length = structure.horizontal / _EARTH_RADIUS
    pairs = cKDTree(points).query_pairs(REACH * length, output_type="ndarray")
    one, other = pairs[:, 0], pairs[:, 1]
    exponent = ((points[one] - points[other]) ** 2).sum(axis=1) / length**2
    if structure.vertical:
        exponent += ((elevation[one] - elevation[other]) / structure.vertical) ** 2
    correlation, itself = np.exp(-exponent / 2), np.arange(len(departure))
    matrix = csr_matrix(
        (np.r_[correlation, correlation, 1 + noise], (np.r_[one, other, itself], np.r_[other, one, itself]))
    )
    weights, failed = cg(matrix, departure, rtol=1e-5, maxiter=_MOST_ITERATIONS)
    if failed:
        raise ValueError(
            f"optimal interpolation of {len(departure)} observations did not converge in {_MOST_ITERATIONS} steps; "
            "expected observation errors above a hundredth of the background error"
        )
    return np.asarray(weights)


def _spread(
    weights: Floats, grid: Grid, stations: Stations, elevation: Floats, altitude: Floats, structure: Structure
) -> NDArray[np.float32]:
    """(latitude, longitude) sum of weights times correlations."""
    result = np.zeros(grid.shape, np.float32)
    order = np.argsort(stations.latitude, kind="stable")
    phi, lam = np.deg2rad(grid.latitude), np.deg2rad(grid.longitude)
    spread(
        np.sin(phi), np.cos(phi), np.cos(lam).astype(np.float32), np.sin(lam).astype(np.float32),
        np.ascontiguousarray(altitude, np.float32), np.deg2rad(stations.latitude[order].astype(float)),
        np.mod(np.deg2rad(stations.longitude[order].astype(float)), 2 * np.pi), elevation[order], weights[order],
        structure.horizontal / _EARTH_RADIUS, 1 / structure.vertical if structure.vertical else 0.0, result,
    )  # fmt: skip
    return result
