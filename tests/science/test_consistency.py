"""Corrections hold, are the least, spare what is consistent, and need no second pass."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import nnls

from pipeline import parameters
from pipeline.science.consistency import COMPONENT_ERROR, RULES, SPEED_ERROR, apply
from pipeline.science.consistency_ties import GROUPS, LEVELS, THINNEST_AIR, Group
from pipeline.science.derive import thermo

Array = NDArray[np.float32]
ROWS = parameters.blended()
ZERO = 273.15
AROUND = {
    "temperatures in order": (285, 1.5), "gust at least wind speed": (8, 6), "pressure levels apart": (4000, 3000),
    "cloud layers make up the total": (0.4, 0.5),
}  # fmt: skip


def anything(seed: int, missing: float = 0.0, wildness: float = 0.2) -> dict[str, Array]:
    """Fields anywhere around their bounds, mostly inconsistent."""
    rng = np.random.default_rng(seed)
    fields = {}
    for name, row in ROWS.items():
        reach = row.maximum - row.minimum
        drawn = rng.uniform(row.minimum - wildness * reach, row.maximum + wildness * reach, (5, 40))
        drawn[rng.random((5, 40)) < missing] = np.nan
        fields[name] = drawn.astype(np.float32)
    fields["toa_incoming_shortwave_flux"] = np.clip(rng.normal(0, 600, (5, 40)), 0, 1400).astype(np.float32)
    fields["surface_altitude"] = rng.uniform(-300, 6000, 40).astype(np.float32)
    fields["land_area_fraction"] = rng.uniform(0, 1, 40).astype(np.float32)
    return fields


def calm(leads: int = 3) -> dict[str, Array]:
    """A summer hour at sea level in which everything fits."""
    values = dict.fromkeys(ROWS, 0.0) | {
        "temperature_2m": 290, "dew_point_temperature_2m": 285, "temperature_2m_maximum": 291,
        "temperature_2m_minimum": 289, "skin_temperature": 291, "eastward_wind_10m": 3, "northward_wind_10m": 4,
        "wind_speed_10m": 5, "eastward_wind_100m": 6, "northward_wind_100m": 8, "wind_speed_100m": 10, "wind_gust": 9,
        "pressure_at_sea_level": 101500, "surface_pressure": 101400, "precipitation": 1.0, "snowfall": 0.0,
        "convective_precipitation": 0.5, "total_cloud_cover": 0.8, "low_cloud_cover": 0.5, "medium_cloud_cover": 0.4,
        "high_cloud_cover": 0.1, "surface_downwelling_shortwave_flux": 500, "surface_downwelling_longwave_flux": 350,
        "significant_wave_height": 2.0, "wind_wave_height": 1.2,
        "swell_wave_height": 1.4, "primary_wave_period": 8, "mean_wave_period": 6, "swell_wave_period": 9,
        "wind_wave_period": 5,
        **{f"soil_temperature_{layer}cm": 288 for layer in ("0_10", "10_40", "40_100", "100_200")},
    }  # fmt: skip
    standard = {
        1000: (290, 130), 925: (286, 800), 850: (281, 1500), 700: (272, 3100), 600: (264, 4300), 500: (255, 5700),
        400: (243, 7300), 300: (229, 9300), 250: (222, 10500), 200: (218, 11900), 150: (216, 13700), 100: (212, 16200),
        50: (215, 20600),
    }  # fmt: skip
    for level, (temperature, height) in standard.items():
        values |= {f"temperature_{level}hpa": temperature, f"geopotential_height_{level}hpa": height}
    fields = {name: np.full((leads, 2), value, np.float32) for name, value in values.items()}
    return fields | {
        "toa_incoming_shortwave_flux": np.full((leads, 2), 1000, np.float32),
        "surface_altitude": np.zeros(2, np.float32),
        "land_area_fraction": np.zeros(2, np.float32),
    }


def changed(**values: float) -> dict[str, Array]:
    """The calm hour with some fields replaced, corrected."""
    fields = calm()
    for name, value in values.items():
        fields[name] = np.full_like(fields[name], value)
    corrected, _ = apply(fields)
    return corrected


def test_what_is_consistent_is_not_touched() -> None:
    fields = calm()
    corrected, counts = apply(fields)
    assert {name: count for name, count in counts.items() if count} == {}
    assert set(counts) == {rule.name for rule in (*RULES, *GROUPS)} | {"within bounds"}
    for name, values in fields.items():
        np.testing.assert_array_equal(corrected[name], values, err_msg=name)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.2]), st.sampled_from([-0.3, 0.0, 0.5]))
def test_a_second_pass_changes_nothing(seed: int, missing: float, wildness: float) -> None:
    fields = anything(seed, missing, wildness)
    before = {name: values.copy() for name, values in fields.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        once, _ = apply(fields)
        twice, _ = apply(once)
    for name in fields:
        np.testing.assert_array_equal(twice[name], once[name], err_msg=name)
        np.testing.assert_array_equal(fields[name], before[name], err_msg=f"{name} of the input was changed")
        np.testing.assert_array_equal(np.isnan(once[name]), np.isnan(fields[name]), err_msg=name)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_every_relation_holds_afterwards(seed: int) -> None:
    f, _ = apply(anything(seed))
    for name, row in ROWS.items():
        assert f[name].min() >= np.float32(row.minimum)
        assert f[name].max() <= np.float32(row.maximum)
    assert (f["dew_point_temperature_2m"] <= f["temperature_2m"]).all()
    assert (f["temperature_2m_minimum"][1:] <= f["temperature_2m"][:-1]).all()
    assert (f["temperature_2m_maximum"] >= f["temperature_2m"]).all()
    assert (f["wind_gust"] >= f["wind_speed_10m"]).all()
    assert (f["wind_gust"][1:] >= f["wind_speed_10m"][:-1]).all()
    for height in ("10m", "100m"):
        u, v, speed = f[f"eastward_wind_{height}"], f[f"northward_wind_{height}"], f[f"wind_speed_{height}"]
        fits = np.abs(np.hypot(u, v) - np.minimum(speed, 120)) <= 0.006 + 0.0011 * speed
        assert fits.all()
    layers = [f[f"{layer}_cloud_cover"] for layer in ("low", "medium", "high")]
    assert (np.maximum.reduce(layers) <= f["total_cloud_cover"]).all()
    assert (sum(layers) >= f["total_cloud_cover"] - 3e-4).all()
    assert (f["snowfall"] <= f["precipitation"]).all()
    assert (f["convective_precipitation"] <= f["precipitation"]).all()
    assert (f["surface_downwelling_shortwave_flux"] <= f["toa_incoming_shortwave_flux"]).all()
    parts = np.hypot(f["wind_wave_height"], f["swell_wave_height"])
    assert (parts <= f["significant_wave_height"] * 1.002 + 0.006).all()
    assert (f["significant_wave_height"][f["sea_ice_fraction"] >= 0.95] == 0).all()
    assert (f["sea_ice_fraction"][f["skin_temperature"] > ZERO + 10.1] == 0).all()
    sea = f["land_area_fraction"] < 0.5
    assert (f["wind_wave_height"] <= 0.0866 * f["wind_speed_10m"] ** 2)[:, sea].all()
    assert (f["wind_wave_period"] <= 1.45 * f["wind_speed_10m"])[:, sea].all()
    steepness = 2 * np.pi * f["significant_wave_height"] / (9.80665 * f["primary_wave_period"].clip(0.01) ** 2)
    assert steepness.max() < 0.0901
    heights = [f[f"geopotential_height_{level}hpa"] for level in LEVELS]
    for (lower, a), (upper, b) in pairwise(zip(LEVELS, heights, strict=True)):
        assert (b - a >= 287.0 / 9.81 * THINNEST_AIR * np.log(lower / upper) - 0.5).all()


def test_least_corrections() -> None:
    waves = changed(wind_wave_height=1.5, swell_wave_height=2, significant_wave_height=1)
    np.testing.assert_allclose([waves["wind_wave_height"][0, 0], waves["swell_wave_height"][0, 0]], [0.6, 0.8])
    calm_sea = changed(wind_speed_10m=2, eastward_wind_10m=1.2, northward_wind_10m=1.6, wind_wave_period=7)
    assert calm_sea["wind_wave_height"][0, 0] == pytest.approx(4 * 0.0861, rel=2e-3)
    assert calm_sea["wind_wave_period"][0, 0] == pytest.approx(2 * 1.443, rel=2e-3)
    assert calm_sea["swell_wave_height"][0, 0] == np.float32(1.4)
    inland = changed(wind_speed_10m=2, eastward_wind_10m=1.2, northward_wind_10m=1.6, land_area_fraction=0.9)
    assert inland["wind_wave_height"][0, 0] == np.float32(1.2), "that of the nearest sea"
    bare = changed(low_cloud_cover=0, medium_cloud_cover=0, high_cloud_cover=0)
    for layer in ("low", "medium", "high"):
        np.testing.assert_allclose(bare[f"{layer}_cloud_cover"], 0.8 / 3, atol=2e-4)
    np.testing.assert_array_equal(bare["total_cloud_cover"], np.float32(0.8))
    assert changed(surface_pressure=90000)["surface_pressure"][0, 0] == pytest.approx(101500 * 0.99, abs=1)
    assert changed(primary_wave_period=1)["primary_wave_period"][0, 0] == pytest.approx(3.77, abs=0.01)
    assert changed(convective_precipitation=3)["convective_precipitation"][0, 0] == 1
    assert changed(sea_ice_fraction=0.07)["sea_ice_fraction"][0, 0] == 0
    assert changed(sea_ice_fraction=0.07, skin_temperature=275)["sea_ice_fraction"][0, 0] == np.float32(0.07)


@pytest.mark.realdata
def test_real_wind_seas_keep_to_their_wind(realdata: Path) -> None:
    """Of WAVEWATCH III's own spectra all that runs at less than 1.7 times the wind's component is left as it is."""
    with xr.open_dataset(realdata / "obs" / "wavespectra" / "ww3file.nc") as data:
        speed = 9.80665 / (2 * np.pi * data["frequency"])
        ahead = np.cos(np.deg2rad(data["direction"] - data["wnddir"] - 180))  # towards, and from where
        driven = data["efth"].where(speed < 1.7 * data["wnd"] * ahead, 0)
        energy = driven.sum("direction").integrate("frequency") * 2 * np.pi / data.sizes["direction"]
        height, wind = (values.values.astype(np.float32) for values in (4 * np.sqrt(energy), data["wnd"]))
    assert height.max() > 0.3
    fields = {"wind_wave_height": height, "wind_speed_10m": wind, "land_area_fraction": np.zeros(2, np.float32)}
    _, counts = apply(fields)
    assert counts["wind sea as high as the wind may drive"] == 0


def test_what_is_tied_gives_way_together_by_its_errors() -> None:
    damp = changed(dew_point_temperature_2m=290.5)
    met = (290 / 1.2**2 + 290.5 / 1.5**2) / (1 / 1.2**2 + 1 / 1.5**2)
    np.testing.assert_allclose(damp["dew_point_temperature_2m"], met, rtol=1e-6)
    np.testing.assert_array_equal(damp["temperature_2m"], damp["dew_point_temperature_2m"])
    met = (5 / COMPONENT_ERROR**2 + 8 / SPEED_ERROR**2) / (1 / COMPONENT_ERROR**2 + 1 / SPEED_ERROR**2)
    wind = changed(wind_speed_10m=8)
    np.testing.assert_allclose(wind["wind_speed_10m"], met, rtol=1e-6)
    np.testing.assert_allclose(wind["eastward_wind_10m"], 0.6 * met, rtol=1e-6)
    np.testing.assert_allclose(wind["northward_wind_10m"], 0.8 * met, rtol=1e-6)
    assert met < 9 == wind["wind_gust"][0, 0]
    west = changed(eastward_wind_10m=0, northward_wind_10m=0)
    np.testing.assert_allclose(west["eastward_wind_10m"], west["wind_speed_10m"])
    assert 0 < west["wind_speed_10m"][0, 0] < 5


def test_a_calm_gust_slows_the_wind_and_its_vector() -> None:
    """The nearest of all three, by the errors of each: what speed and vector agreed on meets the gust."""
    slow = changed(wind_gust=4)
    together = 1 / (1 / COMPONENT_ERROR**2 + 1 / SPEED_ERROR**2)
    met = (5 / together + 4 / 2.5**2) / (1 / together + 1 / 2.5**2)
    for name in ("wind_speed_10m", "wind_gust"):
        np.testing.assert_allclose(slow[name], met, rtol=1e-3)
    np.testing.assert_allclose(np.hypot(slow["eastward_wind_10m"], slow["northward_wind_10m"]), met, rtol=1e-3)


def test_an_extreme_of_the_hour_sees_both_its_ends() -> None:
    fields = calm()
    fields["temperature_2m"][:, 0] = [295, 290, 290]
    corrected, counts = apply(fields)
    # The first hour's temperature has two maxima against it, each of which meets it.
    met = (295 / 1.2**2 + 2 * 291 / 1.6**2) / (1 / 1.2**2 + 2 / 1.6**2)
    np.testing.assert_allclose(corrected["temperature_2m"][:, 0], [met, 290, 290], rtol=1e-6)
    np.testing.assert_allclose(corrected["temperature_2m_maximum"][:, 0], [met, met, 291], rtol=1e-6)
    assert counts["temperatures in order"] == 3


def test_snow_melts_by_the_wet_bulb_not_by_the_air() -> None:
    dry = changed(temperature_2m=ZERO + 6, dew_point_temperature_2m=ZERO - 12, snowfall=0.5)
    assert thermo.wet_bulb(np.float32(ZERO + 6), thermo.saturation_vapour_pressure(np.float32(ZERO - 12)), 101400.0) < (
        ZERO + 3
    )
    assert dry["snowfall"][0, 0] == 0.5
    assert changed(temperature_2m=ZERO + 6, dew_point_temperature_2m=ZERO + 4, snowfall=0.5)["snowfall"][0, 0] == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(GROUPS), st.sampled_from([0.0, 0.1]))
def test_no_smaller_change_makes_the_ties_hold(seed: int, group: Group, missing: float) -> None:
    """The referee solves the quadratic programme of every place as a least-distance problem (Lawson and Hanson)."""
    random = np.random.default_rng(seed)
    middle, spread = AROUND[group.name]
    fields = {name: random.normal(middle, spread, (5, 6)).clip(ROWS[name].minimum, ROWS[name].maximum).astype("f4")
              for name in group.errors}  # fmt: skip
    for values in fields.values():
        values[random.random(values.shape) < missing] = np.nan
    ours, counts = apply(fields)
    assert set(counts) - {"within bounds"} <= {group.name} | {rule.name for rule in RULES}
    for place in range(6):
        before, after = ({name: values[:, place] for name, values in f.items()} for f in (fields, ours))
        expected = nearest_consistent(before, group)
        # Compared by cost: where the referee, whose matrix is nearly singular, stops early, ours is the smaller change.
        assert _cost(before, after, group) <= _cost(before, expected, group) * 1.002 + 1e-4


def _cost(before: dict[str, Array], after: Mapping[str, NDArray[np.floating]], group: Group) -> float:
    """Sum of squares of the changes in standard deviations; what is trusted may not move but by its rounding."""
    total = 0.0
    for name, error in group.errors.items():
        change = np.nan_to_num(np.asarray(after[name], float) - before[name])
        if not error:
            np.testing.assert_allclose(change, 0, atol=1e-6 * ROWS[name].maximum, err_msg=name)
        total += float(((change / (error or 1.0)) ** 2).sum())
    return total


def nearest_consistent(series: dict[str, Array], group: Group) -> dict[str, NDArray[np.float64]]:
    """Least change, in standard deviations, of one place's (lead,) series that keeps ties and bounds; by scipy."""
    names, leads = list(group.errors), len(next(iter(series.values())))
    scale = np.repeat([group.errors[name] for name in names], leads)  # 0 for what is trusted
    start = np.concatenate([series[name] for name in names]).astype(float)
    rows, least = [], []
    for tie in group.ties:
        for lead in range(max(back for _, back, _ in tie.terms), leads):
            row = np.zeros(start.size)
            for name, back, factor in tie.terms:
                row[names.index(name) * leads + lead - back] = factor
            rows.append(row)
            least.append(tie.least)
    for i, name in enumerate(names):
        rows += [*np.eye(start.size)[i * leads : (i + 1) * leads], *-np.eye(start.size)[i * leads : (i + 1) * leads]]
        least += [ROWS[name].minimum] * leads + [-ROWS[name].maximum] * leads
    known = np.isfinite(start)
    usable = [not (row[~known] != 0).any() and (row * scale).any() for row in rows]
    matrix, limits = np.array(rows)[usable][:, known], np.array(least)[usable]
    gap = limits - matrix @ start[known]
    # minimise |y| with matrix scale y >= gap: the residual of a non-negative least squares problem tells y.
    system, target = np.vstack([(matrix * scale[known]).T, gap]), np.r_[np.zeros(known.sum()), 1.0]
    residual = system @ nnls(system, target, maxiter=10_000)[0] - target
    found = start.copy()
    found[known] -= scale[known] * residual[:-1] / residual[-1]
    return dict(zip(names, found.reshape(-1, leads), strict=True))


def test_a_missing_neighbour_leaves_a_value_alone() -> None:
    fields = calm()
    fields["temperature_2m"][:] = np.nan
    fields["dew_point_temperature_2m"][:] = 300
    corrected, _ = apply(fields)
    assert (corrected["dew_point_temperature_2m"] == 300).all()
    assert np.isnan(corrected["temperature_2m"]).all()
    only, counts = apply({"wind_gust": calm()["wind_gust"]})
    assert list(counts) == ["within bounds"]
    assert set(only) == {"wind_gust"}
    assert apply({}) == ({}, {"within bounds": 0})
