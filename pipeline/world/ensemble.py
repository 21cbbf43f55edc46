"""The ensemble: members around their mean, and the spread that its feed publishes beside the mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from pipeline.world import deviations, errors
from pipeline.world.forecasts import Run, environment, hourly, size_of, with_cyclone
from pipeline.world.interpolate import RESOLUTION, sample
from pipeline.world.levels import Array
from pipeline.world.state import INSTANT, World, departures

_AMOUNTS = ("precipitation", "snowfall")


def members(world: World, mean: Run, when: datetime, columns: tuple[str, ...]) -> dict[int, dict[str, Array]]:
    """Fields of every member at a time, `precipitation` in the six hours before, recentred on the run of the mean.

    Amounts are recentred by a factor within 1/3 to 3, all else by a shift, so that the published mean is their mean.
    Cyclones are added afterwards: each member has one, where it thinks best.
    """
    runs = {member: replace(mean, source="gefs", member=member) for member in errors.MEMBERS}
    raw = {member: _around(world, run, when, columns) for member, run in runs.items()}
    for name, wanted in _around(world, mean, when, columns).items():
        average = np.mean([fields[name] for fields in raw.values()], axis=0)
        for fields in raw.values():
            fields[name] = _recentred(name, fields[name], average, wanted)
    for member, fields in raw.items():
        rain = fields.pop("precipitation", None)
        raw[member] = with_cyclone(world, runs[member], when, fields)
        if rain is not None:
            raw[member]["precipitation"] = rain
    return raw


def _around(world: World, run: Run, when: datetime, columns: tuple[str, ...]) -> dict[str, Array]:
    """The fields that are recentred: those of the moment without a cyclone, the rain of six hours with it."""
    fields = environment(world, run, when, tuple(name for name in columns if name != "precipitation"))
    if "precipitation" in columns:
        fields["precipitation"] = hourly(world, run, when, ("precipitation",)).reduce("precipitation", 0, 6, np.sum)
    return fields


def _recentred(name: str, values: Array, average: Array, wanted: Array) -> Array:
    if name in _AMOUNTS:
        return values * np.clip(wanted / np.maximum(average, 0.02), 1 / 3, 3)
    moved = values + (wanted - average)
    return np.clip(moved, 0, 1) if name.endswith("cloud_cover") else moved


def expected_spread(world: World, run: Run, when: datetime, fields: dict[str, Array]) -> dict[str, Array]:
    """The spread of members that are not made, from the stated sizes and the gradients of the truth.

    `fields` are the mean's; of those reduced over an interval only the stated noise counts.
    """
    stated = {name: noise for name in fields if (noise := deviations.noise_of(name)) is not None}
    lead, size = run.lead(when), size_of(run, when) * np.float32(errors.SPREAD_RATIO)
    slope = _slopes(world, run, when, tuple(name for name in stated if name in INSTANT))
    shift = size * np.float32(deviations.growth(*errors.DISPLACEMENT, lead))
    out = {}
    for name, noise in stated.items():
        own = size * np.float32(deviations.growth(noise.early, noise.late, lead))
        own = own * np.abs(fields[name]) if noise.relative else own
        out[name] = np.hypot(own, shift * slope[name]) if name in slope else own
    return out


def _slopes(world: World, run: Run, when: datetime, names: tuple[str, ...]) -> dict[str, Array]:
    """(point,) gradient of the truth per degree, by name."""
    values = departures(world, when, names)
    north = np.gradient(values, RESOLUTION, axis=1)
    east = (np.roll(values, -1, 2) - np.roll(values, 1, 2)) / (2 * RESOLUTION)
    slope = np.hypot(north, east).astype(np.float32)
    lat, lon = run.grid.latitude.astype(np.float32), run.grid.longitude.astype(np.float32)
    return dict(zip(names, sample(slope, lat, lon, np.arange(len(names))), strict=True))
