"""What the network reports: the truth at the stations, with stated errors, some of them gross."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from pipeline.world import clouds, cyclone
from pipeline.world.forecasts import consistent
from pipeline.world.interpolate import sample
from pipeline.world.levels import LAPSE_RATE, Array
from pipeline.world.state import CLIMATE, DIRECTIONS, SHORTWAVE, World
from pipeline.world.stations import Stations

# Standard deviation of instrument and representativeness errors together, catalogue units.
ERROR = {
    "temperature_2m": 0.6, "dew_point_temperature_2m": 0.8, "eastward_wind_10m": 1.0, "northward_wind_10m": 1.0,
    "pressure_at_sea_level": 40.0, "sea_surface_temperature": 0.25,
}  # fmt: skip
RELATIVE_ERROR = {
    "wind_gust": 0.10, "visibility": 0.15, "precipitation": 0.25, "significant_wave_height": 0.07,
    "primary_wave_period": 0.06, "mean_wave_period": 0.05,
}  # fmt: skip
GROSS_SHARE = 0.015  # of the reports, one value of which is far off
GROSS = {"temperature_2m": 14.0, "pressure_at_sea_level": 2500.0, "dew_point_temperature_2m": 14.0}
DEW_POINT_LAPSE_RATE = 0.002  # K m-1


def truth_at(world: World, stations: Stations, when: datetime) -> dict[str, Array]:
    """The truth with its cyclone at the stations, at their own elevation."""
    values = world.fields(when)
    stack = np.stack([values[name] for name in CLIMATE])
    columns = sample(stack, stations.latitude, stations.longitude, np.arange(len(CLIMATE)))
    fields = dict(zip(CLIMATE, columns, strict=True))
    fields[SHORTWAVE] = fields[SHORTWAVE] * clouds.clear_sky(when, stations.latitude, stations.longitude)
    for name, (east, north) in DIRECTIONS.items():
        fields[name] = np.rad2deg(np.arctan2(fields.pop(east), fields.pop(north))).astype(np.float32) % 360
    vortex = cyclone.true_vortex(world.live, when)
    if vortex is not None:
        cyclone.add(fields, cyclone.imprint(vortex, stations.latitude, stations.longitude))
    rise = stations.elevation - stations.ground
    fields["temperature_2m"] = fields["temperature_2m"] - LAPSE_RATE * rise
    fields["dew_point_temperature_2m"] = fields["dew_point_temperature_2m"] - DEW_POINT_LAPSE_RATE * rise
    return consistent(fields)


def observed(world: World, stations: Stations, when: datetime) -> dict[str, Array]:
    """What the stations measure at a time; the same again for the same seed."""
    generator = np.random.default_rng([world.seed, len(stations.names), int(when.timestamp()) // 3600])
    fields = truth_at(world, stations, when)
    size = stations.latitude.size
    for name, deviation in ERROR.items():
        fields[name] = fields[name] + np.float32(deviation) * generator.standard_normal(size, dtype=np.float32)
    for name, deviation in RELATIVE_ERROR.items():
        noise = np.float32(deviation) * generator.standard_normal(size, dtype=np.float32)
        fields[name] = fields[name] * np.exp(noise)
    wrong = generator.random(size) < GROSS_SHARE
    which = generator.integers(len(GROSS), size=size)
    sign = generator.choice([-1, 1], size).astype(np.float32)
    for index, (name, amount) in enumerate(GROSS.items()):
        fields[name] = fields[name] + np.where(wrong & (which == index), sign * np.float32(amount), 0)
    return consistent(fields)
