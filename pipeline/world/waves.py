"""Waves of the truth: a simple parametric model of wind sea and swell on the nature run's grid.

Wind sea grows towards the height of Pierson and Moskowitz 1964 with the time scale of a fetch-limited sea and decays
when the wind drops; what decays becomes swell, whose energy and momentum spread over the ocean basins (diffusion at a
group speed of 10 m s-1) and fade in three days. Young swell becomes an older, longer one within a day and that one the
oldest: three systems, each with a direction of its own. Ice damps all. Smooth in space and time by construction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pipeline.world.geography import geography
from pipeline.world.interpolate import LATITUDE, LONGITUDE, operator
from pipeline.world.levels import EARTH_RADIUS, GRAVITY, Array
from pipeline.world.nature import EVERY_HOURS, FIELDS, Nature

GROWTH_HOURS = 7.0
DECAY_HOURS = 10.0
SWELL_HOURS = 60.0
AGEING_HOURS = 24.0  # until most of one system's energy is the next one's
SWELL_SPEED = 10.0  # m s-1
FULLY_DEVELOPED = 0.24  # U^2/g to height in light winds; strong ones seldom last long enough
SELDOM = 24.0  # m s-1
SWELLS = tuple(
    tuple(f"{rank}swell_wave_{what}" for what in ("height", "period", "direction"))
    for rank in ("", "secondary_", "tertiary_")
)
"""Height, period and direction of each system, youngest first."""
_SHORTEST = (7.0, 9.5, 12.0)  # s, periods of low swells
STATES = (
    "sea_energy", "east", "north",
    *(f"swell_{part}_{number}" for number in range(len(SWELLS)) for part in ("energy", "east", "north")),
)  # fmt: skip


@dataclass(frozen=True)
class Waves:
    """`states` (time, state, latitude, longitude) on the truth's grid, every EVERY_HOURS from `start`."""

    start: datetime
    states: Array

    def at(self, when: datetime) -> dict[str, Array]:
        """The wave parameters at `when`, (latitude, longitude); values over land mean nothing."""
        position = min(max((when - self.start).total_seconds() / 3600 / EVERY_HOURS, 0.0), len(self.states) - 1.001)
        index, fraction = int(position), np.float32(position % 1)
        state = self.states[index] * (1 - fraction) + self.states[index + 1] * fraction
        return sea_state(state[0], state[1], state[2], state[3:].reshape(len(SWELLS), 3, *state.shape[1:]))


def sea_state(sea: Array, east: Array, north: Array, swells: Array) -> dict[str, Array]:
    """Heights (m), periods (s) and the directions waves come from (degree) of energies (m2) and vectors.

    `swells`: (system, energy and both parts of its vector, ...). Peak period of the wind sea T = 4.8 H^0.5 (Toba 1972);
    swell is longer, the more so the older and the higher it was.
    """
    swell, swell_east, swell_north = swells.sum(0)
    wind_height, swell_height = 4 * np.sqrt(np.clip(sea, 0, None)), 4 * np.sqrt(np.clip(swell, 0, None))
    height = np.sqrt(wind_height**2 + swell_height**2)
    wind_period = 4.8 * np.sqrt(wind_height + 0.05)
    swell_period = 8.5 + 2.6 * np.sqrt(swell_height + 0.05)
    share = wind_height**2 / np.maximum(height**2, 1e-4)
    peak = wind_period * share**2 + swell_period * (1 - share**2)
    speed, flux = np.hypot(east, north) + 1e-3, np.hypot(swell_east, swell_north) + 1e-4
    towards_east = share * east / speed + (1 - share) * swell_east / flux
    towards_north = share * north / speed + (1 - share) * swell_north / flux
    return {
        "significant_wave_height": height + 0.15,
        "wind_wave_height": wind_height,
        "wind_wave_period": 0.78 * wind_period,
        "wind_wave_direction": _from(east, north),
        "primary_wave_period": peak,
        "mean_wave_period": 0.78 * (share * wind_period + (1 - share) * swell_period) + 0.6,
        "wave_direction": _from(towards_east, towards_north),
    } | _partitions(swells)


def _partitions(swells: Array) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for names, shortest, (energy, east, north) in zip(SWELLS, _SHORTEST, swells, strict=True):
        height = 4 * np.sqrt(np.clip(energy, 0, None))
        values = height + 0.05, shortest + 2.0 * np.sqrt(height + 0.05), _from(east, north)
        found |= dict(zip(names, values, strict=True))
    return found


def _from(east: Array, north: Array) -> Array:
    """Degrees that what goes along a vector comes from."""
    return np.asarray(np.rad2deg(np.arctan2(-east, -north)) % 360)


def run(nature: Nature) -> Iterator[Array]:
    """(state, latitude, longitude) of the wave model on the truth's grid, one after another as nature's states come."""
    indices = [FIELDS.index(f"near_surface_{name}") for name in ("eastward_wind", "northward_wind")]
    to_truth = operator(nature.latitude, nature.longitude)
    open_water = _open_water(nature)
    spread = _Spread(nature.latitude, nature.longitude.size, open_water)
    sea = np.zeros(open_water.shape, np.float32)
    swells = np.zeros((len(SWELLS), 3, *open_water.shape), np.float32)
    fade, ageing = np.exp(-EVERY_HOURS / SWELL_HOURS), 1 - np.exp(-EVERY_HOURS / AGEING_HOURS)
    for step in range(len(nature.fields)):
        east, north = np.asarray(nature.fields[step, indices])
        speed = np.hypot(east, north) + 0.01
        height = FULLY_DEVELOPED * speed**2 / GRAVITY / (1 + (speed / SELDOM) ** 2)
        full = (height / 4) ** 2 * open_water
        scale = np.where(full > sea, GROWTH_HOURS, DECAY_HOURS)
        new_sea = full + (sea - full) * np.exp(-EVERY_HOURS / scale)
        shed = 0.35 * np.clip(sea - new_sea, 0, None) + 0.006 * EVERY_HOURS * new_sea
        older = ageing * swells[:-1]
        swells[:-1] -= older
        swells[1:] += older
        swells *= fade
        swells[0] += np.stack([shed, shed * east / speed, shed * north / speed])
        swells = spread(swells)
        sea = new_sea
        yield to_truth(np.concatenate([np.stack([sea, east, north]), swells.reshape(-1, *sea.shape)]))


def _open_water(nature: Nature) -> Array:
    """0..1 on the nature run's grid: sea that is not frozen."""
    static = geography()
    free = (1 - static.land) * (1 - static.ice)
    rows = np.clip(np.rint((90 - nature.latitude) / 2.5), 0, LATITUDE.size - 1).astype(int)
    columns = np.rint(nature.longitude / 2.5).astype(int) % LONGITUDE.size
    return free[np.ix_(rows, columns)].astype(np.float32)


class _Spread:
    """One step of diffusion over open water; coasts take what reaches them."""

    def __init__(self, latitude: NDArray[np.float64], columns: int, open_water: Array) -> None:
        length = SWELL_SPEED * EVERY_HOURS * 3600.0
        dy = EARTH_RADIUS * np.deg2rad(180 / latitude.size)
        dx = EARTH_RADIUS * np.deg2rad(360 / columns) * np.cos(np.deg2rad(latitude))[:, None]
        self._north = np.float32(min(0.2, 0.25 * (length / dy) ** 2))
        self._east = np.clip(0.25 * (length / dx) ** 2, 0, 0.2).astype(np.float32)
        self._open = open_water

    def __call__(self, values: Array) -> Array:
        rows = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(1, 1), (0, 0)], mode="edge")
        north = rows[..., :-2, :] + rows[..., 2:, :] - 2 * values
        east = np.roll(values, 1, -1) + np.roll(values, -1, -1) - 2 * values
        return ((values + self._north * north + self._east * east) * self._open).astype(np.float32)
