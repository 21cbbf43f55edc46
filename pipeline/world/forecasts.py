"""Imperfect forecasts: the truth, displaced, biased and noisy as `errors` states, on each model's own grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np

from pipeline.world import cyclone, deviations, errors, noise, templates
from pipeline.world.errors import Region
from pipeline.world.feeds import FEEDS
from pipeline.world.grids import NativeGrid, native_grid
from pipeline.world.levels import Array
from pipeline.world.state import (
    DIRECTIONS,
    HOURLY,
    INSTANT,
    SHORTWAVE,
    VECTORS,
    World,
    at_points,
    block_at_points,
    clear_sky_on,
)
from pipeline.world.waves import SWELLS

HOUR = timedelta(hours=1)
SIGNED = ("surface_upward_latent_heat_flux",)
_PARTS = ("convective_precipitation", "snowfall", "runoff")
SHIFTS = (noise.LATENTS.index("shift_north"), noise.LATENTS.index("shift_east"))


@dataclass(frozen=True)
class Run:
    """One forecast run: `day` is the day whose midnight it serves, by which its errors are drawn."""

    source: str
    start: datetime
    day: date
    member: int | None = None

    @property
    def model(self) -> str:
        """Whose stated errors it has."""
        return "gefs_mean" if self.source == "gefs" else self.source

    @property
    def grid(self) -> NativeGrid:
        """The points of its fields."""
        return native_grid(self.source)

    def lead(self, when: datetime) -> float:
        """Hours since its start."""
        return (when - self.start).total_seconds() / 3600

    @property
    def midnight(self) -> datetime:
        """From where the knots of its noise are counted."""
        return datetime(self.day.year, self.day.month, self.day.day)


@lru_cache(maxsize=64)
def _best(source: str, grid: str) -> Array:
    points = native_grid(source)
    return errors.quality(source, 0.0, points.latitude, points.longitude).astype(np.float32)


@lru_cache(maxsize=512)
def _region(region: Region, source: str) -> Array:
    grid = native_grid(source)
    return region(grid.latitude, grid.longitude).astype(np.float32)


@lru_cache(maxsize=256)
def _sun_course(source: str, hour: int, peak: float) -> Array:
    return np.cos(2 * np.pi * (hour + native_grid(source).longitude / 15 - peak) / 24).astype(np.float32)


def size_of(run: Run, when: datetime) -> Array:
    """(point,) relative size of the run's errors; the analysis is as good everywhere."""
    if run.model not in errors.SIZES:
        return np.full(run.grid.size, errors.ANALYSIS_ERROR, np.float32)
    _, change = errors.SIZES[run.model]
    late = 1 + change * run.lead(when) / 120
    return _best(run.model, run.grid.name) * np.float32(late)


@lru_cache(maxsize=48)
def _latents_at_knot(seed: int, source: str, day: date, knot: int, member: int | None) -> Array:
    """(latent, point) of a run's error at a knot, for a member including its own departure."""
    model = "gefs_mean" if source == "gefs" else source
    modes = noise.coefficients(seed, model, day, knot)
    if member is not None:
        own = noise.coefficients(seed, f"member {member}", day, knot)
        modes = modes + np.float32(errors.SPREAD_RATIO) * own
    return noise.fields(native_grid(source), modes)


def latents(world: World, run: Run, when: datetime) -> Array:
    """(latent, point) unit-variance fields of the run's error at any time, kept at unit variance between knots."""
    position = (when - run.midnight).total_seconds() / 3600 / noise.KNOT_HOURS - noise.FIRST_KNOT
    index, fraction = int(position), position % 1
    first = _latents_at_knot(world.seed, run.source, run.day, index, run.member)
    if fraction == 0:
        return first
    second = _latents_at_knot(world.seed, run.source, run.day, index + 1, run.member)
    memory = np.exp(-noise.KNOT_HOURS / errors.ERROR_MEMORY_HOURS)
    norm = np.sqrt((1 - fraction) ** 2 + fraction**2 + 2 * fraction * (1 - fraction) * memory)
    return first * np.float32((1 - fraction) / norm) + second * np.float32(fraction / norm)


def displacement(run: Run, when: datetime, latent: Array, size: Array) -> tuple[Array, Array]:
    """Degrees of latitude and of great circle by which the run's fields are out of place."""
    if run.model not in errors.SIZES:
        zero = np.zeros(run.grid.size, np.float32)
        return zero, zero
    degrees = size * np.float32(deviations.growth(*errors.DISPLACEMENT, run.lead(when)))
    return degrees * latent[SHIFTS[0]], degrees * latent[SHIFTS[1]]


def bias_of(run: Run, parameter: str, when: datetime) -> Array | float:
    """(point,) the planted bias; equal to `errors.planted_bias`, with the regions kept."""
    total: Array | float = 0.0
    for bias in errors.BIASES.get(run.model, ()):
        if parameter in bias.parameters:
            course: Array | float = bias.amount
            if bias.diurnal:
                course = bias.amount + np.float32(bias.diurnal) * _sun_course(run.source, when.hour, bias.peak)
            total = total + _region(bias.region, run.source) * course * np.float32(
                1 + bias.growth * run.lead(when) / 24
            )
    return total


def factor_of(run: Run, parameter: str) -> Array | float:
    """(point,) the planted factor."""
    total: Array | float = 1.0
    for parameters, region, factor in errors.FACTORS.get(run.model, ()):
        if parameter in parameters:
            total = total * (1 + np.float32(factor - 1) * _region(region, run.source))
    return total


def disturb(run: Run, parameter: str, values: Array, when: datetime, latent: Array, size: Array) -> Array:
    """Bias, factor and noise on (point,) values of one parameter."""
    noisy = deviations.noise_of(parameter)
    if noisy is not None:
        z = sum(np.float32(weight) * latent[noise.LATENTS.index(name)] for name, weight in noisy.loadings)
        deviation = size * np.float32(deviations.growth(noisy.early, noisy.late, run.lead(when)))
        change = np.exp(deviation * z - 0.5 * deviation**2) if noisy.relative else deviation * z
        values = values * change if noisy.relative else values + change
    return np.asarray(values * factor_of(run, parameter) + bias_of(run, parameter, when), np.float32)


def environment(world: World, run: Run, when: datetime, columns: tuple[str, ...]) -> dict[str, Array]:
    """(point,) fields of the run at a time without its cyclone, in the catalogue's units."""
    latent, size = latents(world, run, when), size_of(run, when)
    north, east = displacement(run, when, latent, size)
    values = at_points(world, run.grid, when, columns, north, east)
    fields = {
        name: value if name in VECTORS else disturb(run, name, value, when, latent, size)
        for name, value in values.items()
    }
    for name, (east_part, north_part) in DIRECTIONS.items():
        if east_part in fields:
            direction = np.rad2deg(np.arctan2(fields.pop(east_part), fields.pop(north_part))) % 360
            fields[name] = disturb(run, name, direction, when, latent, size) % 360
    return fields


def with_cyclone(world: World, run: Run, when: datetime, fields: dict[str, Array]) -> dict[str, Array]:
    """Fields of a run with its cyclone, bounded and consistent."""
    mark = imprint_of(world, run, when)
    if mark is not None:
        cyclone.add(fields, mark)
    return ranked(consistent(fields))


def instant(world: World, run: Run, when: datetime, columns: tuple[str, ...] = INSTANT) -> dict[str, Array]:
    """(point,) fields of the run at a time, in the catalogue's units, bounded and consistent."""
    return with_cyclone(world, run, when, environment(world, run, when, columns))


@lru_cache(maxsize=1024)
def imprint_of(world: World, run: Run, when: datetime) -> cyclone.Imprint | None:
    """The cyclone of the run on its grid: the true one for an analysis, the members' average for the ensemble mean."""
    members = errors.MEMBERS if run.source == "gefs_mean" else (run.member,)
    vortices = [
        cyclone.forecast_vortex(
            world.seed, run.source, run.day, world.live, when, lead_hours=run.lead(when), member=member
        )
        for member in members
    ]
    marks = [
        cyclone.imprint(vortex, run.grid.latitude, run.grid.longitude) for vortex in vortices if vortex is not None
    ]
    if not marks:
        return None
    return marks[0] if len(marks) == 1 else cyclone.average(marks, run.grid.size)


@dataclass(frozen=True)
class Hours:
    """Hourly values in the block of six hours that ends at `end`: name -> (hour, point), hours `first`..6."""

    end: datetime
    first: int
    values: dict[str, Array]

    def reduce(self, name: str, start: int, stop: int, how: Callable[..., Array]) -> Array:
        """(point,) over the hours after `start` up to `stop`, counted from the start of the block."""
        rows = self.values[name][max(start - self.first + 1, 0) : stop - self.first + 1]
        return np.asarray(how(rows, axis=0), np.float32)


@lru_cache(maxsize=64)
def _reduced(source: str) -> tuple[str, ...]:
    """Columns of HOURLY that a source's amounts, means and extremes follow from."""
    names = {row.name for row in FEEDS[source].parameters() if templates.statistic_of(source, row)}
    if names & {"temperature_2m_maximum", "temperature_2m_minimum"}:
        names |= {"temperature_2m"}
    return tuple(name for name in HOURLY if name in names | {"precipitation"})


@lru_cache(maxsize=24)
def hourly(world: World, run: Run, end: datetime, columns: tuple[str, ...] = ()) -> Hours:
    """The hours up to `end` (00, 06, 12 or 18 UTC) with one displacement and noise, so that parts sum to wholes.

    `columns` of HOURLY, precipitation among them; by default all that the source reduces.
    """
    columns = columns or _reduced(run.source)
    first = max(1, 7 - int(run.lead(end)))
    latent, size = latents(world, run, end), size_of(run, end)
    north, east = displacement(run, end, latent, size)
    values: dict[str, list[Array]] = {name: [] for name in columns}
    block = block_at_points(world, run.grid, end, columns, north, east)
    for hour in range(first, 7):
        when, fields = end + (hour - 6) * HOUR, block[hour - 1]
        if SHORTWAVE in fields:
            fields[SHORTWAVE] = fields[SHORTWAVE] * clear_sky_on(run.grid, when)
        fields = _rain_and_the_rest(run, fields, when, latent, size)
        mark = imprint_of(world, run, when)
        if mark is not None:
            cyclone.add(fields, mark)
        for name in columns:
            values[name].append(fields[name] if name in SIGNED else np.maximum(fields[name], 0))
    return Hours(end, first, {name: np.stack(rows) for name, rows in values.items()})


def _rain_and_the_rest(
    run: Run, fields: dict[str, Array], when: datetime, latent: Array, size: Array
) -> dict[str, Array]:
    """Disturb the hourly fields; parts of the rain keep their share of it."""
    rain = disturb(run, "precipitation", fields["precipitation"], when, latent, size)
    ratio = rain / np.maximum(fields["precipitation"], 1e-6)
    return {"precipitation": rain} | {
        name: values * ratio if name in _PARTS else disturb(run, name, values, when, latent, size)
        for name, values in fields.items()
        if name != "precipitation"
    }


def ranked(fields: dict[str, Array]) -> dict[str, Array]:
    """The swells in the order of their heights, as wave models number them, whichever system each of them is."""
    if not all(name in fields for system in SWELLS for name in system):
        return fields
    order = np.argsort(-np.stack([fields[height] for height, _, _ in SWELLS]), axis=0, kind="stable")
    for names in zip(*SWELLS, strict=True):
        values = np.take_along_axis(np.stack([fields[name] for name in names]), order, 0)
        fields |= dict(zip(names, values, strict=True))
    return fields


def consistent(fields: dict[str, Array]) -> dict[str, Array]:
    """Keep the fields of one time within physical bounds and in accord, as a model's own output is."""
    for name, values in fields.items():
        if name.endswith("cloud_cover") or name == "sea_ice_fraction" or name.startswith("soil_moisture"):
            np.clip(values, 0, 1, out=values)
        elif name.startswith("relative_humidity"):
            np.clip(values, 0.01, 1, out=values)
        elif name == "convective_inhibition":
            np.minimum(values, 0, out=values)
        elif name.endswith(("_wave_height", "_layer_height", "_period", "_depth", "_thickness", "visibility", "energy",
                            "gust")):  # fmt: skip
            np.maximum(values, 0, out=values)
    if "dew_point_temperature_2m" in fields and "temperature_2m" in fields:
        np.minimum(fields["dew_point_temperature_2m"], fields["temperature_2m"], out=fields["dew_point_temperature_2m"])
    if "total_cloud_cover" in fields and "low_cloud_cover" in fields:
        layers = [fields[f"{layer}_cloud_cover"] for layer in ("low", "medium", "high")]
        fields["total_cloud_cover"] = np.maximum(fields["total_cloud_cover"], np.maximum.reduce(layers))
    for height in ("10m", "100m"):
        if f"eastward_wind_{height}" in fields:
            speed = np.hypot(fields[f"eastward_wind_{height}"], fields[f"northward_wind_{height}"])
            fields[f"wind_speed_{height}"] = speed
    if "wind_gust" in fields and "wind_speed_10m" in fields:
        np.maximum(fields["wind_gust"], 1.05 * fields["wind_speed_10m"], out=fields["wind_gust"])
    return fields
