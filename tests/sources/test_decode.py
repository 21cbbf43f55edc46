"""Decoding: values, units, times and winds against ecCodes and known answers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import eccodes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.sources import naming
from pipeline.sources.decode import Field, decode, earth_winds
from pipeline.sources.messages import GribError, split
from pipeline.sources.unpack import unpack
from tests.grib_samples import COLUMNS, GRID, ROWS, Keys, message

POINTS = COLUMNS * ROWS
RAMP = np.linspace(200, 300, POINTS)


def one(data: bytes) -> Field:
    fields = list(decode(data))
    assert len(fields) == 1
    return fields[0]


def values_of_eccodes(data: bytes) -> NDArray[np.float64]:
    handle = eccodes.codes_new_from_message(data)
    try:
        eccodes.codes_set(handle, "missingValue", 1e30)
        values = eccodes.codes_get_double_array(handle, "values")
    finally:
        eccodes.codes_release(handle)
    return np.where(values == 1e30, np.nan, values)


@settings(max_examples=60, deadline=None)
@given(
    bits=st.integers(1, 24),
    low=st.floats(-1e4, 1e4),
    span=st.floats(0, 1e5),
    holes=st.booleans(),
    seed=st.integers(0, 99),
)
def test_simple_packing_of_any_width_is_that_of_eccodes(
    bits: int, low: float, span: float, holes: bool, seed: int
) -> None:
    values = low + span * np.random.default_rng(seed).random(POINTS)
    if holes:
        values[::5] = np.nan
    data = message({"bitsPerValue": bits}, values)
    expected = values_of_eccodes(data)
    np.testing.assert_allclose(unpack(next(split(data))), expected, rtol=2e-7, atol=1e-30)


@pytest.mark.parametrize("packing", ["grid_ccsds", "grid_complex", "grid_ieee", "grid_complex_spatial_differencing"])
def test_other_packings_are_left_to_eccodes(packing: str) -> None:
    values = RAMP.copy()
    values[3] = np.nan
    handle_keys: Keys = {"packingType": packing} if packing != "grid_ieee" else {"packingType": packing, "precision": 2}
    data = message(handle_keys, values if packing != "grid_ieee" else RAMP)
    np.testing.assert_allclose(unpack(next(split(data))), values_of_eccodes(data), rtol=2e-7)


def test_a_constant_field_has_no_packed_values() -> None:
    np.testing.assert_array_equal(one(message({"shortName": "2t"}, np.full(POINTS, 273.15))).values, np.float32(273.15))


@pytest.mark.parametrize(
    ("keys", "sample", "parameter", "factor"),
    [
        ({"shortName": "tp"}, "regular_ll_sfc_grib1", "precipitation", 1000.0),
        ({"centre": 7, "parameterCategory": 6, "parameterNumber": 1, "typeOfFirstFixedSurface": 10},
         "regular_ll_sfc_grib2", "total_cloud_cover", 0.01),
        ({"shortName": "z", "typeOfLevel": "isobaricInhPa", "level": 500}, "regular_ll_pl_grib2",
         "geopotential_height_500hpa", 1 / 9.80665),
        ({"shortName": "t", "typeOfLevel": "isobaricInPa", "level": 85000}, "regular_ll_pl_grib2",
         "temperature_850hpa", 1.0),
        ({"shortName": "2t"}, "regular_ll_sfc_grib1", "temperature_2m", 1.0),
    ],
)  # fmt: skip
def test_native_units_become_those_of_the_catalogue(keys: Keys, sample: str, parameter: str, factor: float) -> None:
    field = one(message(keys, RAMP, sample=sample))
    assert field.parameter == parameter
    np.testing.assert_allclose(field.values, RAMP * factor, rtol=1e-4)


def test_energy_from_the_start_becomes_watt_hours() -> None:
    keys: Keys = {"productDefinitionTemplateNumber": 8, "shortName": "ssrd", "stepRange": "0-6"}
    field = one(message(keys, RAMP * 3600))
    assert (field.parameter, field.statistic) == ("surface_downwelling_shortwave_flux", "sum")
    assert (field.start_hours, field.end_hours) == (0, 6)
    np.testing.assert_allclose(field.values, RAMP, rtol=1e-4)


def test_an_unknown_unit_is_refused() -> None:
    assert naming._factor("furlong", "m") is None


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"shortName": "q", "typeOfLevel": "isobaricInhPa", "level": 500}, "q at isobaricInhPa 500 is not in the"),
        ({"productDefinitionTemplateNumber": 5, "shortName": "2t"}, "2t is a probability"),
        ({"productDefinitionTemplateNumber": 6, "shortName": "2t"}, "2t is a percentile"),
        ({"shortName": "t", "typeOfLevel": "hybrid", "level": 3}, "t at hybrid 3"),
    ],
)  # fmt: skip
def test_messages_that_are_no_parameter_are_refused_with_their_reason(keys: Keys, told: str) -> None:
    reasons: list[str] = []
    assert not list(decode(message(keys, RAMP), refused=reasons.append))
    assert told in reasons[0]


def test_times_and_members_of_an_ensemble_interval() -> None:
    keys: Keys = {
        "productDefinitionTemplateNumber": 11, "dataDate": 20260131, "dataTime": 1800, "shortName": "tp",
        "stepRange": "6-12", "perturbationNumber": 17,
    }  # fmt: skip
    field = one(message(keys, RAMP))
    assert field.init_time == datetime(2026, 1, 31, 18)
    assert (field.start_hours, field.end_hours, field.member) == (6, 12, 17)


@pytest.mark.parametrize(("unit", "number", "hours"), [(0, 90, 1.5), (1, 7, 7), (2, 2, 48), (10, 3, 9), (11, 2, 12)])
def test_units_of_the_lead_time(unit: int, number: int, hours: float) -> None:
    keys: Keys = {"shortName": "2t", "indicatorOfUnitOfTimeRange": unit, "forecastTime": number}
    assert one(message(keys, RAMP)).end_hours == hours


def test_spread_and_mean_are_told_apart() -> None:
    for derived, product in ((0, "mean"), (4, "spread")):
        keys: Keys = {"productDefinitionTemplateNumber": 2, "shortName": "2t", "derivedForecast": derived}
        assert one(message(keys, RAMP)).product == product


def test_a_date_that_does_not_exist_is_an_error_of_the_message() -> None:
    data = bytearray(message({"shortName": "2t"}, RAMP))
    data[30] = 13  # month
    with pytest.raises(GribError, match="does not exist"):
        list(decode(bytes(data)))


@settings(max_examples=150, deadline=None)
@given(place=st.integers(16, 180), value=st.integers(0, 255))
def test_a_changed_byte_gives_fields_or_one_clear_error(place: int, value: int) -> None:
    data = bytearray(message({"shortName": "2t"}, RAMP))
    data[place] = value
    try:
        for field in decode(bytes(data), refused=lambda reason: None):
            assert len(field.values) == len(field.geometry.latitude)
    except GribError as error:
        assert "\n" not in str(error)


def test_handles_are_released_also_after_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    freed: list[int] = []
    new, release = eccodes.codes_new_from_message, eccodes.codes_release
    monkeypatch.setattr(eccodes, "codes_new_from_message", lambda data: made.append(handle := new(data)) or handle)
    monkeypatch.setattr(eccodes, "codes_release", lambda handle: freed.append(handle) or release(handle))
    naming._KNOWN.clear()
    data = message({"shortName": "2t", "packingType": "grid_ccsds"}, RAMP)
    freed.clear()
    list(decode(data))
    with pytest.raises(GribError):
        naming.with_handle(next(split(data)), lambda handle: eccodes.codes_get(handle, "noSuchKey"))
    assert made
    assert sorted(made) == sorted(freed)


def test_threads_take_turns_with_eccodes() -> None:
    data = [message({"shortName": "2t", "packingType": "grid_ccsds"}, RAMP + shift) for shift in range(24)]
    with ThreadPoolExecutor(8) as pool:
        fields = list(pool.map(one, data * 4))
    for place, field in enumerate(fields):
        np.testing.assert_allclose(field.values, RAMP + place % 24, atol=0.01)


LAMBERT: Keys = {
    "gridType": "lambert", "Nx": 40, "Ny": 30, "latitudeOfFirstGridPointInDegrees": 25,
    "longitudeOfFirstGridPointInDegrees": 235, "LaDInDegrees": 38.5, "LoVInDegrees": 262.5, "DxInMetres": 120_000,
    "DyInMetres": 120_000, "Latin1InDegrees": 38.5, "Latin2InDegrees": 38.5, "iScansNegatively": 0,
    "jScansPositively": 1, "uvRelativeToGrid": 1, "shapeOfTheEarth": 6,
}  # fmt: skip


def _lambert_winds(names: Sequence[str], values: Sequence[NDArray[np.float64]]) -> list[Field]:
    data = b"".join(
        message({"shortName": name}, part, grid=LAMBERT, sample="GRIB2")
        for name, part in zip(names, values, strict=True)
    )
    return list(decode(data))


def test_grid_relative_winds_are_turned_to_east_and_north() -> None:
    points = LAMBERT["Nx"] * LAMBERT["Ny"]  # type: ignore[operator]
    fields = _lambert_winds(("10u", "10v"), (np.full(points, 10.0), np.full(points, 3.0)))
    (u, v), refused = earth_winds(fields)
    # NCEP's formula for its Lambert grids: the angle grows with the sine of the true latitude.
    angle = np.deg2rad(np.sin(np.deg2rad(38.5)) * (u.geometry.longitude - 262.5))
    np.testing.assert_allclose(u.values, 10 * np.cos(angle) + 3 * np.sin(angle), atol=0.02)
    np.testing.assert_allclose(v.values, -10 * np.sin(angle) + 3 * np.cos(angle), atol=0.02)
    assert not refused


def test_a_grid_relative_component_without_the_other_is_left_out() -> None:
    fields, refused = earth_winds(_lambert_winds(("10u",), (np.linspace(0, 1, 1200),)))
    assert not fields
    assert "other component" in refused[0][1]


def test_an_unstructured_grid_needs_its_coordinates() -> None:
    grid: Keys = {"gridType": "unstructured_grid", "numberOfDataPoints": 5, "numberOfValues": 5}
    data = message({"shortName": "2t", "bitsPerValue": 16}, np.linspace(250, 260, 5), grid=grid, sample="GRIB2")
    with pytest.raises(GribError, match="CLAT and CLON"):
        list(decode(data))
    latitude, longitude = np.linspace(-60, 60, 5), np.linspace(0, 300, 5)
    (field,) = decode(data, coordinates=(latitude, longitude))
    np.testing.assert_array_equal(field.geometry.latitude, latitude)
    assert field.geometry.shape is None


def test_coordinates_follow_the_scanning_mode() -> None:
    upward = {**GRID, "jScansPositively": 1, "latitudeOfFirstGridPointInDegrees": -90,
              "latitudeOfLastGridPointInDegrees": 90}  # fmt: skip
    field = one(message({"shortName": "2t"}, RAMP, grid=upward))
    assert field.geometry.shape == (ROWS, COLUMNS)
    assert field.geometry.latitude[0] == -90
