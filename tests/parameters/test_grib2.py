"""The GRIB2 table: a row a parameter, each with the meaning and the unit that WMO's own tables give its number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import eccodes
import pytest

from pipeline.parameters import Parameter, blended, catalogue
from pipeline.parameters.grib2 import LOCAL, Encoding, Surface, encoding, encodings
from pipeline.products.export_grib2 import _TABLES_VERSION

# WMO's words for what the catalogue calls otherwise, and the factor between the two.
_UNITS = {
    "/s": "s-1", "deg": "degree", "-": "1",
    "m/s": "m s-1", "Pa/s": "Pa s-1", "J/kg": "J kg-1", "kg/kg": "1", "kg kg-1 m s-1": "m s-1", "N m-2": "Pa",
    "gpm": "m", "degree true": "degree", "dB": "dBZ", "Numeric": "1", "Proportion": "1", "fraction": "1", "m3 m-3": "1",
}  # fmt: skip
_FACTORS = {("%", "1"): 100, ("K/m", "K km-1"): 1e-3, ("km-2 day-1", "km-2 h-1"): 24, ("J kg-1", "m2 s-2"): 1}
_TIME_INTEGRALS = {"W m-2": "J m-2", "m s-1": "m", "kg m-2 s-1": "kg m-2"}
_NUMBERS = list(encodings().values())
# The catalogue's words for WMO's, where it has others.
_OURS = {
    "u-component": "eastward", "v-component": "northward", "dewpoint": "dew point", "buildup": "build up", "msl": "sea",
    "uv": "ultraviolet", "wave energy flux": "wave power", "water temperature": "sea temperature",
    "downward short-wave": "downward solar", "wind speed": "wind speed way",
}  # fmt: skip
_COMMON = {
    "of", "to", "and", "or", "total", "temperature", "wind", "height", "rate", "flux", "level", "index", "radiation",
    "wave", "waves", "pressure", "by", "in",
}  # fmt: skip


@contextmanager
def _table_entry(code: tuple[int, int, int]) -> Iterator[int]:
    """A handle of ecCodes with nothing but a parameter: its tables are read when the handle is new."""
    handle = eccodes.codes_grib_new_from_samples("GRIB2")
    try:
        eccodes.codes_set(handle, "tablesVersion", _TABLES_VERSION)
        for key, value in zip(("discipline", "parameterCategory", "parameterNumber"), code, strict=True):
            eccodes.codes_set(handle, key, value)
        fresh = eccodes.codes_new_from_message(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)
    try:
        yield fresh
    finally:
        eccodes.codes_release(fresh)


def _wmo(code: tuple[int, int, int]) -> tuple[str, str]:
    with _table_entry(code) as handle:
        return eccodes.codes_get(handle, "parameterName"), eccodes.codes_get(handle, "parameterUnits")


def test_every_parameter_of_the_catalogue_has_a_row_and_no_other() -> None:
    assert set(encodings()) == set(catalogue()), "add a parameter's row to pipeline/parameters/grib2.csv"


def test_no_two_parameters_are_written_alike() -> None:
    seen: dict[tuple[object, ...], str] = {}
    for row in _NUMBERS:
        key = (row.code, row.first, row.second, row.statistic, row.hours)
        assert key not in seen, f"{row.name} is written as {seen[key]}"
        seen[key] = row.name


@pytest.mark.parametrize("row", [row for row in _NUMBERS if row.code[1] < LOCAL], ids=lambda row: row.name)
def test_a_number_of_wmo_means_what_the_catalogue_says(row: Encoding) -> None:
    name, units = _wmo(row.code)
    assert not name.isdigit(), f"{row.code} is not in WMO's table {_TABLES_VERSION}"
    assert "eserved" not in name
    ours = catalogue()[row.name]
    assert _share_a_word(name, ours), f"{row.name} ({ours.long_name}) as {name!r}?"
    _check_units(units, ours, row)


def _share_a_word(wmo: str, ours: Parameter) -> bool:
    """Whether a word of WMO's name is in ours: one that tells parameters apart, if it has any."""
    text = wmo.lower()
    for theirs, mine in _OURS.items():
        text = text.replace(theirs, mine)
    words = _words(text)
    return bool((words - _COMMON or words) & _words(f"{ours.long_name} {ours.standard_name} {ours.name}"))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def _check_units(wmo: str, ours: Parameter, row: Encoding) -> None:
    units = _UNITS.get(wmo, wmo)
    if units.startswith("Code table"):
        assert ours.kind == "category"
        return
    if row.statistic == "accumulation" and units in _TIME_INTEGRALS:  # a rate's sum over time
        units = _TIME_INTEGRALS[units]
    expected = 1 if units == ours.units else _FACTORS.get((units, ours.units))
    assert row.factor == expected, f"{ours.units} to {wmo}"


def test_local_numbers_are_outside_wmos_range_and_mean_one_thing_each() -> None:
    units: dict[tuple[int, int, int], set[str]] = {}
    for row in _NUMBERS:
        if row.code[1] >= LOCAL:
            units.setdefault(row.code, set()).add(catalogue()[row.name].units)
            assert row.factor == 1
            assert row.abbreviation == ""
        else:
            assert row.code[2] < LOCAL, f"{row.name}: a local number in a category of WMO"
    assert [code for code, found in units.items() if len(found) > 1] == []


def test_an_interval_of_the_catalogue_is_an_interval_in_grib() -> None:
    words = {"interval_mean": "mean", "accumulation": "accumulation", "interval_maximum": "maximum"}
    words["interval_minimum"] = "minimum"
    for row in _NUMBERS:
        kind = catalogue()[row.name].kind
        assert bool(row.statistic) == (row.hours > 0)
        if kind in words:
            assert (row.statistic, row.hours) == (words[kind], 1), row.name
        hours = re.search(r"_(\d+)h$", row.name)
        assert not (row.statistic and hours) or row.hours == int(hours[1]), row.name


def test_levels_are_those_of_the_names() -> None:
    for row in _NUMBERS:
        if level := re.fullmatch(r"[a-z_]+_(\d+)hpa", row.name):
            assert row.first == Surface(100, 100 * int(level[1])), row.name
        elif height := re.fullmatch(r"(?!solar)[a-z_]+[a-z]_(\d+)m", row.name):
            assert row.first == Surface(103, float(height[1])), row.name


def test_what_feeds_write_and_what_we_write_differ_only_on_purpose() -> None:
    changed = {
        "skin_temperature",  # 0.0.0 at the surface is anything's
        "precipitation",  # a rate's sum, which ecCodes calls tp whoever wrote it
        "precipitable_water",
    }
    # Soil is a number of NCEP's own in feeds, or anything's; swells are told apart by a level of NCEP's own.
    changed |= {name for name in blended() if name.startswith("soil_") or "swell_wave" in name}
    for name, row in blended().items():
        same = ".".join(map(str, encoding(name).code)) == row.grib2
        assert same == (name not in changed), name


def test_an_unknown_parameter_is_told_where_to_add_it() -> None:
    with pytest.raises(KeyError, match=r"grib2\.csv"):
        encoding("nothing")
