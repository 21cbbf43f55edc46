"""The ensemble: members around their mean, and the spread that the feed publishes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from pipeline.world import errors
from pipeline.world.forecasts import Run, hourly, instant, size_of
from pipeline.world.interpolate import RESOLUTION, sample
from pipeline.world.levels import Array
from pipeline.world.state import World, column_numbers, departures

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


def spread(raw: dict[int, dict[str, Array]]) -> dict[str, Array]:
    """Standard deviation over the perturbed members."""
    perturbed = [fields for member, fields in raw.items() if member]
    return {name: np.std([fields[name] for fields in perturbed], axis=0, dtype=np.float32) for name in perturbed[0]}


def expected_spread(world: World, run: Run, when: datetime, fields: dict[str, Array]) -> dict[str, Array]:
    """What `spread` would be, from the stated sizes and the gradients of the truth, where no members are made."""
    names = tuple(name for name in fields if errors.noise_of(name) and name != "precipitation")
    lead, size = run.lead(when), size_of(run, when) * np.float32(errors.SPREAD_RATIO)
    slope = _slopes(world, run, when, names)
    shift = size * np.float32(errors.growth(*errors.DISPLACEMENT, lead))
    out = {}
    for column, name in enumerate(names):
        stated = errors.noise_of(name)
        assert stated is not None
        own = size * np.float32(errors.growth(stated.early, stated.late, lead))
        own = own * np.abs(fields[name]) if stated.relative else own
        out[name] = np.hypot(own, shift * slope[column])
    return out


def _slopes(world: World, run: Run, when: datetime, names: tuple[str, ...]) -> Array:
    """(name, point) gradient of the truth per degree."""
    values = departures(world, when)[..., column_numbers(names)]
    north = np.gradient(values, RESOLUTION, axis=0)
    east = (np.roll(values, -1, 1) - np.roll(values, 1, 1)) / (2 * RESOLUTION)
    slope = np.hypot(north, east).astype(np.float32)
    lat, lon = run.grid.latitude.astype(np.float32), run.grid.longitude.astype(np.float32)
    return sample(slope, lat, lon, np.arange(len(names)))


