"""The world's observing network: invented stations, dense where people live, and buoys off their coasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.world.geography import geography
from pipeline.world.interpolate import sample
from pipeline.world.levels import Array

LAND_STATIONS = 2000
BUOYS = 160
_MINIMUM_LAND = 0.35
# Latitude, longitude, extent in degrees, share of the stations.
_LAND_CLUSTERS = (
    (39, -80, 7, 12), (37, -97, 8, 12), (42, -112, 9, 6), (36, -119, 4, 4), (52, -105, 9, 5), (48, -73, 6, 3),
    (21, -101, 5, 3), (50, 5, 6, 11), (49, 17, 6, 8), (60, 18, 6, 5), (41, 14, 6, 5), (40, -4, 4, 4), (54, 38, 10, 5),
    (58, 70, 14, 4), (35, 108, 9, 8), (36, 138, 3, 4), (23, 78, 8, 6), (15, 103, 7, 4), (-2, 112, 8, 2), (34, 45, 8, 3),
    (28, 15, 10, 2), (7, 8, 8, 2), (-2, 33, 9, 2), (-27, 26, 5, 3), (-22, -48, 8, 5), (-34, -62, 6, 3), (3, -70, 7, 2),
    (-33, 147, 6, 4), (-26, 134, 9, 2), (-42, 173, 3, 1), (65, -150, 7, 2), (66, 110, 15, 2), (-75, 0, 30, 1),
    (70, -45, 8, 1), (0, 0, 80, 6),
)  # fmt: skip
_SEA_CLUSTERS = (
    (33, -75, 5, 22), (27, -89, 4, 12), (38, -126, 6, 18), (52, -145, 8, 8), (20, -158, 5, 8), (52, -12, 8, 12),
    (44, -40, 14, 10), (62, 2, 5, 8), (0, -140, 25, 16), (0, 165, 15, 10), (5, 85, 12, 8), (32, 135, 7, 8),
    (-35, 115, 18, 8), (-45, -30, 25, 6), (25, -60, 9, 8),
)  # fmt: skip


@dataclass(frozen=True)
class Stations:
    """Names and places; `elevation` is the station's own, `ground` the terrain's of the truth there (m).

    `american` stations report in the style of the United States (miles, inches of mercury, remarks).
    """

    names: tuple[str, ...]
    latitude: Array
    longitude: Array
    elevation: Array
    ground: Array
    american: NDArray[np.bool_]


def _scatter(
    generator: np.random.Generator, clusters: tuple[tuple[float, float, float, float], ...], count: int, on_land: bool
) -> tuple[Array, Array]:
    """Places drawn around the clusters that fall on land or on open water, each group up to its share."""
    static = geography()
    fields = np.stack([static.land, static.ice])
    table = np.array(clusters)
    chance = table[:, 3] / table[:, 3].sum()
    latitude, longitude = np.empty(0, np.float32), np.empty(0, np.float32)
    while latitude.size < count:
        which = generator.choice(len(table), 4 * count, p=chance)
        lat = table[which, 0] + table[which, 2] * generator.standard_normal(which.size)
        lon = table[which, 1] + table[which, 2] * 1.3 * generator.standard_normal(which.size)
        lat, lon = lat.astype(np.float32), ((lon + 180) % 360 - 180).astype(np.float32)
        land, ice = sample(fields, lat, lon, np.arange(2))
        good = np.abs(lat) < 88
        good &= land > _MINIMUM_LAND if on_land else (land < 0.3) & (ice < 0.3)
        latitude, longitude = np.append(latitude, lat[good]), np.append(longitude, lon[good])
    return latitude[:count], longitude[:count]


def _rounded(degrees: Array, parts: int) -> Array:
    return np.asarray(np.rint(degrees * parts) / parts, np.float32)


def land_stations(seed: int) -> Stations:
    """LAND_STATIONS aerodromes with names that no real one has (they begin with X)."""
    generator = np.random.default_rng([seed, 1])
    latitude, longitude = _scatter(generator, _LAND_CLUSTERS, LAND_STATIONS, on_land=True)
    # The tables of stations give whole minutes.
    latitude, longitude = _rounded(latitude, 60), _rounded(longitude, 60)
    static = geography()
    ground, roughness = sample(np.stack([static.altitude, static.roughness]), latitude, longitude, np.arange(2))
    # Aerodromes lie in valleys.
    offset = roughness * (250 * generator.standard_normal(latitude.size) - 180) + 8 * np.abs(
        generator.standard_normal(latitude.size)
    )
    elevation = np.clip(np.rint(ground + offset), 1, 4500).astype(np.float32)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    names = tuple(f"X{letters[i // 676]}{letters[i // 26 % 26]}{letters[i % 26]}" for i in range(LAND_STATIONS))
    american = (latitude > 24) & (latitude < 50) & (longitude > -128) & (longitude < -64)
    return Stations(names, latitude, longitude, elevation, ground, american)


def buoys(seed: int) -> Stations:
    """BUOYS with five-figure numbers from 99001 on."""
    generator = np.random.default_rng([seed, 2])
    latitude, longitude = _scatter(generator, _SEA_CLUSTERS, BUOYS, on_land=False)
    latitude, longitude = _rounded(latitude, 1000), _rounded(longitude, 1000)
    zero = np.zeros(BUOYS, np.float32)
    names = tuple(f"{99001 + number}" for number in range(BUOYS))
    return Stations(names, latitude, longitude, zero, zero, np.zeros(BUOYS, bool))
