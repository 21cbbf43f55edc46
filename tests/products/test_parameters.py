"""What the catalogue tells of itself: families, ties and formulas from the code, and maps that show what is where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.style import Style

from pipeline import parameters
from pipeline.products import parameter_facts as facts
from pipeline.products import parameter_page
from pipeline.products.parameter_map import AMOUNT, CIRCLE, SIGNED, in_terminal, limits, painted
from pipeline.science.consistency_ties import THINNEST_AIR
from pipeline.store import Store
from tests.products.example_store import HOUR

ROOT = Path(__file__).resolve().parents[2]
DRY = np.zeros((5, 8), np.float32)


def printed(*parts: object) -> str:
    console = Console(width=200, highlight=False)
    with console.capture() as capture:
        console.print(*parts)
    return capture.get()


def test_every_parameter_has_a_family_and_every_family_a_title() -> None:
    for rows in (parameters.blended(), parameters.derived()):
        groups = facts.families(rows)
        assert sum(map(len, groups.values())) == len(rows)
        assert all(facts.title(group, kind) for kind, group in groups.items())
    assert facts.family("relative_humidity_2m") == "humidity"
    assert facts.family("wind_speed_850hpa") == "levels"  # by a formula that several families share
    assert facts.chosen("sea", True).keys() == {r.name for r in parameters.blended().values() if r.domain == "sea"}


def test_the_code_of_a_formula_is_where_it_is_said_to_be() -> None:
    for name in ("heat_index", "specific_humidity_850hpa", "storm_relative_helicity_0_1km"):
        file, _, line = facts.place(name).partition(":")
        assert (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].startswith("def ")
    assert "Bolton (1980), eq. 39" in facts.formula("equivalent_potential_temperature_850hpa")


def test_what_a_formula_takes_follows_from_it() -> None:
    assert "heat_index" in facts.followers("relative_humidity_2m")
    assert facts.blended_inputs("heat_index") == {"temperature_2m", "dew_point_temperature_2m"}
    assert "snow_depth" in facts.inputs("blowing_snow")


def test_sources_that_deliver_one_wind_deliver_its_speed() -> None:
    assert "gfs" in facts.deliverers("beaufort_wind_force")
    assert "ifs" not in facts.deliverers("wave_power")
    assert facts.deliverers("wind_gust") == [n for n, s in facts.SOURCES.items() if "wind_gust" in s.carries]


def test_ties_are_told_in_words_and_of_what_they_move() -> None:
    layers = next(one for one in facts.relations() if one.name == "cloud layers make up the total")
    assert "total_cloud_cover ≥ low_cloud_cover" in layers.words
    assert layers.trusted == ("total_cloud_cover",)
    assert layers in facts.ties("total_cloud_cover")
    assert layers in facts.ties("cloud_base_height")
    assert layers not in facts.ties("cloud_okta")  # of the total alone, which gives no way
    levels = next(one for one in facts.relations() if one.name == "pressure levels apart")
    thickness = 287.05 * THINNEST_AIR / 9.80665 * np.log(925 / 850)  # the hypsometric equation
    assert f"geopotential_height_850hpa ≥ geopotential_height_925hpa + {thickness:.0f} m" in levels.words


def test_search_reads_misspelt_words_and_takes_units_by_themselves() -> None:
    found, read = facts.matching(["Temprature", "wet"])
    assert read == {"temprature": "temperature"}
    assert "wet_bulb_temperature_2m" in found
    watts, _ = facts.matching(["W", "m-2"])
    assert {row.units for row in watts.values()} == {"W m-2"}
    with pytest.raises(ValueError, match="no parameter has 'xyzzy'"):
        facts.matching(["xyzzy"])


def test_counts_are_of_the_tables() -> None:
    found = {name: (whole, part) for name, whole, part in facts.counts()}
    assert found["together"][0] == len(parameters.catalogue()) >= 350
    assert found["together"][1] == sum("hpa" not in name for name in parameters.catalogue()) >= 350


@pytest.mark.parametrize("name", ["wind_gust", "precipitation_type", "storm_relative_helicity_0_3km"])
def test_a_page_tells_what_the_row_does(name: str) -> None:
    row = parameters.parameter(name)
    text = printed(parameter_page.page(name))
    assert "GRIB2" in text
    for part in (row.long_name, row.units, f"{row.minimum:g} to {row.maximum:g}", row.source, *facts.inputs(name)):
        assert part in text
    assert all(relation.name in text for relation in facts.ties(name))


def test_colours_follow_from_what_a_parameter_is() -> None:
    field = np.linspace(-1, 3, 40, dtype=np.float32).reshape(5, 8)
    wind, heading = parameters.parameter("eastward_wind_10m"), parameters.parameter("wave_direction")
    low, high = limits(field, wind)
    assert low == -high
    part = (field[0, 0] + high) / (2 * high)
    np.testing.assert_array_equal(painted(field, wind, DRY, west=0)[0, 0], SIGNED[int(np.rint(part * 63))])
    assert limits(field, parameters.parameter("precipitation_type")) == (0, 8)
    north = painted(np.full((5, 8), 360, np.float32), heading, DRY, west=0)
    np.testing.assert_array_equal(north[0, 0], CIRCLE[0])
    gone = np.where(np.arange(8) == 3, np.nan, field)
    np.testing.assert_array_equal(painted(gone, wind, DRY, west=0)[2, 3], (255, 0, 255))


def test_a_map_begins_in_the_west_and_has_a_coast() -> None:
    field = np.broadcast_to(np.arange(8, dtype=np.float32), (5, 8)).copy()
    row = parameters.parameter("wind_gust")
    east = painted(field, row, DRY, west=0)
    np.testing.assert_array_equal(east[0, 0], AMOUNT[0])
    np.testing.assert_array_equal(painted(field, row, DRY, west=-90)[0, 2], AMOUNT[0])
    land = DRY.copy()
    land[2, 0] = 1
    dark = (painted(field, row, land, west=0) < east).any(axis=-1)
    assert dark.tolist() == [[k in beside for k in range(8)] for beside in ((), (0,), (1, 7), (0,), ())]


def test_the_example_is_of_the_published_hour(example_store: Store) -> None:
    plain = list(parameter_page.example(example_store, HOUR, "temperature_2m", 24, 0))
    assert len(plain) == 1
    assert f"{HOUR} + 24 h: " in plain[0]
    drawn = printed(*parameter_page.example(example_store, HOUR, "temperature_2m", 24, 72))
    assert drawn.count("▀") == 72 * 18  # 37 rows of cells at 5 degrees
    for name, lead in (("temperature_2m", 999), ("soil_moisture_0_10cm", 24)):
        assert "has no" in printed(*parameter_page.example(example_store, HOUR, name, lead, 72))


def test_a_half_block_is_two_cells() -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    text = in_terminal(picture, 6)
    assert text.plain == "▀▀▀▀▀▀\n▀▀▀▀▀▀\n"
    style = Style.parse(str(text.spans[7].style))
    assert style.color is not None
    assert style.bgcolor is not None
    assert tuple(style.color.triplet or ()) == tuple(picture[2, 1])
    assert tuple(style.bgcolor.triplet or ()) == tuple(picture[3, 1])
    assert len(in_terminal(picture, 3).plain.splitlines()[0]) == 3
