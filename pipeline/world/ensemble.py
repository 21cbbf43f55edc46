"""The ensemble: members around their mean, and the spread that its feed publishes beside the mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from pipeline.world import deviations, errors
from pipeline.world.forecasts import Run, hourly, instant, size_of
from pipeline.world.interpolate import RESOLUTION, sample
from pipeline.world.levels import Array
from pipeline.world.state import INSTANT, World, column_numbers, departures

MEMBERS = tuple(range(31))  # the control is member 0
_AMOUNTS = ("precipitation", "snowfall")


def members(world: World, mean: Run, when: datetime, columns: tuple[str, ...]) -> dict[int, dict[str, Array]]:
    """Fields of every member at a time, `precipitation` in the six hours before, recentred on the run of the mean.

    Amounts are recentred by a factor within 1/3 to 3, all else by a shift, so that the published mean is their mean.
    """
    raw = {member: _member(world, replace(mean, source="gefs", member=member), when, columns) for member in MEMBERS}
    centre = _member(world, mean, when, columns)
    for name, wanted in centre.items():
        average = np.mean([fields[name] for fields in raw.values()], axis=0)
        for fields in raw.values():
            fields[name] = _recentred(name, fields[name], average, wanted)
    return raw


def _member(world: World, run: Run, when: datetime, columns: tuple[str, ...]) -> dict[str, Array]:
    fields = instant(world, run, when, tuple(name for name in columns if name != "precipitation"))
    fields = {name: fields[name] for name in columns if name in fields}
    if "precipitation" in columns:
        fields["precipitation"] = hourly(world, run, when).reduce("precipitation", 0, 6, np.sum)
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
    values = departures(world, when)[..., column_numbers(names)]
    north = np.gradient(values, RESOLUTION, axis=0)
    east = (np.roll(values, -1, 1) - np.roll(values, 1, 1)) / (2 * RESOLUTION)
    slope = np.hypot(north, east).astype(np.float32)
    lat, lon = run.grid.latitude.astype(np.float32), run.grid.longitude.astype(np.float32)
    return dict(zip(names, sample(slope, lat, lon, np.arange(len(names))), strict=True))
