"""The errors that the models make are the errors that are stated."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from pipeline.world import deviations, errors, noise
from pipeline.world.forecasts import Run, bias_of, displacement, instant, latents, size_of
from pipeline.world.grids import native_grid
from pipeline.world.state import World, at_points

DAY = date(2025, 8, 7)
START = datetime(2025, 8, 6, 18)


def run_of(source: str, day: date = DAY) -> Run:
    midnight = datetime(day.year, day.month, day.day)
    return Run(source, midnight - timedelta(hours=6), day)


@pytest.mark.parametrize("source", list(errors.BIASES))
def test_bias_used_is_the_bias_planted(source: str) -> None:
    run, grid = run_of(source), native_grid(source)
    when = run.start + timedelta(hours=30)
    for parameter in {name for bias in errors.BIASES[source] for name in bias.parameters}:
        planted = errors.planted_bias(source, parameter, 30, grid.latitude, grid.longitude, when.hour)
        np.testing.assert_allclose(bias_of(run, parameter, when), planted, atol=2e-3 * np.abs(planted).max())


def test_measured_bias_is_the_planted_one_within_its_sampling_error(world: World) -> None:
    # Draws of the noise are independent of the day's weather, so many seeds stand for many days.
    grid = native_grid("gfs")
    centre = np.argmin(np.hypot(grid.latitude - 42, grid.longitude - 262))
    when = datetime(2025, 8, 7, 0) + timedelta(hours=24)
    truth = at_points(world, grid, when, ("temperature_2m",))["temperature_2m"][centre]
    found = []
    for seed in range(40):
        other = World(seed, world.live, world.truth, world.climate)
        found.append(instant(other, run_of("gfs"), when, ("temperature_2m",))["temperature_2m"][centre] - truth)
    planted = errors.planted_bias("gfs", "temperature_2m", 30, grid.latitude[centre], grid.longitude[centre], 0)
    assert abs(np.mean(found) - planted) < 3.5 * np.std(found) / np.sqrt(len(found))


def test_diurnal_bias_follows_the_sun() -> None:
    afternoon = errors.planted_bias("gfs", "temperature_2m", 0, 42.0, 262.0, 21.5)
    night = errors.planted_bias("gfs", "temperature_2m", 0, 42.0, 262.0, 9.5)
    assert afternoon - night == pytest.approx(2.0, abs=0.1)


def test_no_bias_where_none_is_planted() -> None:
    assert errors.planted_bias("gfs", "temperature_250hpa", 24, 10.0, 20.0, 12) == 0
    assert errors.planted_bias("nobody", "temperature_2m", 24, 10.0, 20.0, 12) == 0
    assert errors.planted_factor("ifs", "temperature_2m", 0.0, 20.0) == 1
    assert errors.planted_factor("ifs", "precipitation", 5.0, 20.0) == pytest.approx(1.3)


@pytest.mark.parametrize("source", list(errors.BEST_REGIONS))
def test_each_model_is_at_its_best_in_its_region(source: str) -> None:
    region = errors.BEST_REGIONS[source]
    inside = errors.quality(source, 24, region.latitude, region.longitude)
    outside = errors.quality(source, 24, -region.latitude, region.longitude + 180)
    assert inside == pytest.approx(errors.BEST * outside, rel=0.05)


def test_errors_grow_with_lead(world: World) -> None:
    run = run_of("ifs")
    sizes = []
    for lead in (12, 30, 78):
        when = run.start + timedelta(hours=lead)
        truth = at_points(world, run.grid, when, ("temperature_2m",))["temperature_2m"]
        error = instant(world, run, when, ("temperature_2m",))["temperature_2m"] - truth
        sizes.append(np.sqrt(np.average(error**2, weights=np.cos(np.deg2rad(run.grid.latitude)))))
    assert sizes == sorted(sizes)
    assert 0.7 < sizes[0] < 1.7


def test_noise_has_the_stated_size_and_correlations(world: World) -> None:
    when = datetime(2025, 8, 7)
    weight = np.cos(np.deg2rad(native_grid("ifs").latitude))
    fields = {}
    for source in ("gefs_mean", "ifs", "aifs"):
        sets = [
            latents(World(seed, world.live, world.truth, world.climate), run_of(source), when) for seed in range(30)
        ]
        fields[source] = np.stack(sets)

    def covariance(one: str, other: str) -> float:
        return float(np.average((fields[one] * fields[other]).mean((0, 1)), weights=weight))

    assert covariance("ifs", "ifs") == pytest.approx(1, abs=0.06)
    for one, other in (("ifs", "aifs"), ("ifs", "gefs_mean")):
        assert covariance(one, other) == pytest.approx(noise.correlation(one, other), abs=0.06)
    assert noise.correlation("ifs", "aifs") > noise.correlation("ifs", "gefs_mean") > 0


def test_noise_persists_in_lead_time(world: World) -> None:
    pairs = [[noise.coefficients(seed, "icon", DAY, knot) for knot in (10, 11)] for seed in range(10)]
    product = np.mean([(a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()) for a, b in pairs])
    memory = np.exp(-noise.KNOT_HOURS / errors.ERROR_MEMORY_HOURS)
    assert product == pytest.approx((1 - errors.SLOW_SHARE) * memory + errors.SLOW_SHARE, abs=0.03)


def test_noise_of_following_days_is_weakly_related() -> None:
    pairs = [[noise.coefficients(seed, "icon", day, 12) for day in (DAY, date(2025, 8, 8))] for seed in range(10)]
    product = np.mean([(a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()) for a, b in pairs])
    assert 0.03 < product < errors.SLOW_SHARE


def test_fields_agree_between_regular_and_any_grid() -> None:
    modes = noise.coefficients(1, "ifs", DAY, 3)
    regular = native_grid("ifs")
    pointwise = modes.reshape(len(modes), -1) @ noise._pointwise(regular)
    np.testing.assert_allclose(noise.fields(regular, modes), pointwise, atol=1e-4)


def test_analysis_is_much_better_than_any_model(world: World) -> None:
    run = Run("gdas", START, DAY)
    when = START
    truth = at_points(world, run.grid, when, ("temperature_2m",))["temperature_2m"]
    found = instant(world, run, when, ("temperature_2m",))["temperature_2m"]
    assert np.std(found - truth) < 0.2 * deviations.NOISE["temperature_2m"].early
    north, east = displacement(run, when, latents(world, run, when), size_of(run, when))
    assert not north.any()
    assert not east.any()


def test_every_parameter_has_noise_or_follows_from_one_that_has() -> None:
    following = {"wind_speed_10m", "wind_speed_100m", "convective_precipitation", "snowfall", "runoff"}
    from pipeline.parameters import blended

    assert {name for name in blended() if deviations.noise_of(name) is None} == following
    with pytest.raises(KeyError, match="no noise is stated for 'snowfall'"):
        errors.noise_deviation("gfs", "snowfall", 24, 0.0, 0.0)
