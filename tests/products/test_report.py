from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import paths
from pipeline.config import Place
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.products.report import charts, colours, maps, projection, symbols
from pipeline.products.report import scores as report_scores
from pipeline.products.report.page import draw_maps, write_report
from pipeline.products.report.region import Region
from pipeline.products.report.storm import cone, landfall_histogram, plumes, strike_map
from pipeline.products.report.tracks import read_track, storm_map, storms, tracks_section
from pipeline.products.report.weights import dominant
from pipeline.science.tracks import Fix
from pipeline.store import Store
from tests.products.example_store import HOUR, write_example_store

PLACES = (Place(name="Ascension <Island>", latitude=-7.9, longitude=-14.4),)


@pytest.fixture(scope="module")
def page(example_store: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "new" / "report.html"
    why = {PLACES[0].name: '<svg xmlns="http://www.w3.org/2000/svg"/>'}
    write_report(example_store, HOUR, path, maps=draw_maps(example_store, HOUR), places=PLACES, why=why)
    assert path.stat().st_size < 6e6
    return path.read_text(encoding="utf-8")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag not in ("meta", "input", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_self_contained_and_well_formed(page: str) -> None:
    tags = _Tags()
    tags.feed(page)
    assert not tags.open
    assert all(link.startswith(("#", "data:")) for link in tags.links)
    assert not re.search(r"https?://", page.replace("http://www.w3.org/", ""))


def test_synthetic_world_says_so_in_title_and_banner(page: str) -> None:
    assert "<title>SYNTHETIC · Hourcast 2026-01-31 06 UTC</title>" in page
    assert "This is no forecast of real weather" in page


def test_page_names_sources_degradations_places_scores(page: str) -> None:
    for word in (
        "gefs_mean",
        "file truncated, quarantined",
        "Ascension &lt;Island&gt;",
        "20 of 20",
        "21.2 s in 1 shard",
    ):
        assert word in page


def test_viewer_has_a_picture_for_every_map_and_lead(page: str) -> None:
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S).group(1))  # type: ignore[union-attr]
    viewer = data["viewer"]
    assert viewer["leads"] == [0, 6, 12, 18, 24, 36, 48]
    by_key = {one["key"]: one["images"] for one in viewer["maps"]}
    assert set(by_key) == {"temperature", "rain6", "rain24", "gust", "cloud", "waves"}
    assert all(image.startswith("data:image/png;base64,") for image in by_key["temperature"])
    assert [bool(image) for image in by_key["rain24"]] == [False] * 4 + [True] * 3
    assert len(viewer["overlays"]["isobars"]) == 7
    assert [len(one["dominant"]) for one in data["trust"]["parameters"]] == [4] * 5


def test_unpublished_hour_is_refused(example_store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        draw_maps(example_store, Cycle.parse("2026-01-31T07"))
    assert not (tmp_path / "report.html").exists()


@given(st.floats(-89.9, 89.9), st.floats(-180, 180))
def test_projection_and_back_is_the_same_place(latitude: float, east: float) -> None:
    found = projection.unproject(*projection.project(np.array([latitude]), np.array([east])))
    assert found[0] == pytest.approx(latitude, abs=0.02)
    assert found[1] == pytest.approx(east, abs=0.02)


def test_projection_keeps_areas() -> None:
    def area(south: float, north: float) -> float:
        latitude = np.linspace(south, north, 201)
        x, y = projection.project(latitude, np.full(201, 10.0))
        x0, _ = projection.project(latitude, np.full(201, 0.0))
        return float(np.trapezoid(x - x0, -y)) / (np.sin(np.deg2rad(north)) - np.sin(np.deg2rad(south)))

    assert area(0, 10) == pytest.approx(area(60, 80), rel=2e-3)


def test_raster_reproduces_a_smooth_field_at_the_right_place() -> None:
    grid = Grid(5.0)
    latitude, longitude = np.meshgrid(grid.latitude, grid.longitude, indexing="ij")
    canvas = projection.Canvas(grid.shape, width=400)
    values = canvas.raster(np.cos(np.deg2rad(latitude)) * np.sin(np.deg2rad(longitude)))
    x, y = projection.project(np.array(40.0), np.array(120.0 - projection.CENTRE))
    pixel = values[int(y * 400 / projection.WIDTH), int(x * 400 / projection.WIDTH)]
    assert pixel == pytest.approx(np.cos(np.deg2rad(40)) * np.sin(np.deg2rad(120)), abs=0.02)
    assert np.isnan(values[0, 0])
    assert not np.isnan(values[97, 1])


def test_png_holds_the_bands_it_was_given() -> None:
    bands = np.arange(12, dtype=np.uint8).reshape(3, 4)
    data = base64.b64decode(projection.png(bands, np.zeros((12, 4), np.uint8)).split(",")[1])
    assert struct.unpack(">II", data[16:24]) == (4, 3)
    start = data.index(b"IDAT")
    size = struct.unpack(">I", data[start - 4 : start])[0]
    rows = np.frombuffer(zlib.decompress(data[start + 4 : start + 4 + size]), np.uint8).reshape(3, 5)
    np.testing.assert_array_equal(rows[:, 1:], bands)


def test_ramp_goes_through_its_anchors() -> None:
    found = colours.ramp(["#ff0000", "#00ff00", "#0000ff"], 5)
    np.testing.assert_array_equal(found[[0, 2, 4]], [[255, 0, 0], [0, 255, 0], [0, 0, 255]])


def test_scale_puts_values_in_their_bands_and_missing_ones_nowhere() -> None:
    scale = colours.PRECIPITATION
    bands = scale.index(np.array([0.0, 0.21, 0.4, 500, np.nan]))
    assert bands.tolist() == [0, 1, 1, len(scale.edges), len(scale.edges) + 1]
    assert scale.palette[[0, -1], 3].tolist() == [0, 0]


def test_dominant_picture_hides_what_it_is_told_to() -> None:
    grid = Grid(10.0)
    canvas = projection.Canvas(grid.shape, width=100)
    weights = np.stack([np.full(grid.shape, 0.8), np.full(grid.shape, 0.2)])
    shown = dominant(canvas, weights, ["#102030", "#405060"], None)
    hidden = dominant(canvas, weights, ["#102030", "#405060"], np.ones_like(canvas.outside))
    assert len(shown) > len(hidden)


def test_barb_of_65_knots_has_a_pennant_a_full_and_a_half_feather() -> None:
    path = symbols._barb(0, 0, 17, 0, 1, 13)
    assert path.count("M") == 4  # shaft, pennant, full, half
    assert path.count("L") == 2
    feather = re.search(r"l(-?[\d.]+),(-?[\d.]+)", path)
    assert feather is not None
    assert float(feather.group(2)) < 0  # a westerly of the northern hemisphere: feathers to the north


def test_lows_and_highs_are_marked_where_they_are() -> None:
    grid = Grid(2.5)
    latitude, longitude = np.meshgrid(grid.latitude, grid.longitude, indexing="ij")
    low = np.exp(-(((latitude - 50) / 8) ** 2) - ((longitude - 180) / 12) ** 2)
    high = np.exp(-(((latitude + 30) / 8) ** 2) - ((longitude - 60) / 12) ** 2)
    drawn = symbols.isobars(101300 - 4000 * low + 2500 * high)
    assert len(re.findall(r"hl low", drawn)) == len(re.findall(r"hl high", drawn)) == 1
    assert ">973<" in drawn
    assert ">1038<" in drawn


def test_leads_are_thinned_and_the_last_one_stays() -> None:
    found = maps.frames(range(361))
    assert len(found) <= maps.MOST_FRAMES
    assert found[0] == 0
    assert found[-1] == 240
    assert maps.frames(range(7)) == [0, 6]


def test_ticks_are_round_and_within() -> None:
    assert charts.ticks(0, 10) == [0, 2.5, 5, 7.5, 10]
    assert charts.ticks(983.2, 1022.9) == [990, 1000, 1010, 1020]


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5))
def test_ticks_never_leave_the_range(low: float, span: float) -> None:
    found = charts.ticks(low, low + span)
    assert 1 <= len(found) <= 10
    assert low - 1e-6 * abs(low) - 1e-9 <= found[0] <= found[-1] <= low + span * 1.001 + 1e-6 * abs(low)


def test_scoreboard_marks_the_winner_and_its_gain() -> None:
    base = {"parameter": "temperature_2m", "lead_time_hours": 24, "n": 9, "bias": 0.0, "mae": 1.0, "crps": 1.0}
    systems = {"gfs": 2.0, "equal_weights": 1.5, "best_source": 1.6, "hourcast": 1.2}
    records = [{**base, "system": name, "rmse": rmse} for name, rmse in systems.items()]
    table = report_scores.scoreboard(records)
    assert re.search(r'class="num s hourcast win"[^>]*>1\.20<', table)
    assert "−25 %" in table
    assert report_scores.headline(records) == {"wins": "1 of 1", "best_source": "−25 %", "equal_weights": "−20 %"}


def _features(longitudes: list[list[float]], latitude: float = 15) -> list[dict]:
    return [
        {
            "type": "Feature",
            "properties": {
                "number": number, "longitude": places, "latitude": [latitude + k for k in range(len(places))],
                "maximum_wind": [20.0] * len(places), "lead_time": [6 * k for k in range(len(places))],
            },
        }
        for number, places in enumerate(longitudes)
    ]  # fmt: skip


def test_tracks_over_the_date_line_stay_together() -> None:
    tracks = [read_track(one) for one in _features([[178, -179, -176]] * 2 + [[-179.5, -177, -174]] * 2)]
    (storm,) = storms(tracks)
    drawn = storm_map(storm, np.zeros((37, 72)))
    xs = [float(x) for x in re.findall(r'class="track"[^>]*d="M([\d.]+)', drawn)]
    assert len(storm) == 4
    assert max(xs) - min(xs) < 300
    assert all(0 <= float(x) <= 900 for x in re.findall(r'cx="([-\d.]+)"', drawn))


def test_a_cyclone_of_few_members_or_of_high_latitudes_is_no_storm_of_its_own() -> None:
    places = [[10.0, 12, 14]] * 8
    assert storms([read_track(one) for one in _features(places[:3])]) == []
    assert storms([read_track(one) for one in _features(places, latitude=50)]) == []
    assert len(storms([read_track(one) for one in _features(places)])) == 1


def test_a_storm_has_its_cone_its_strikes_its_plumes_and_its_landfalls() -> None:
    land = np.zeros((181, 360))
    land[:, 300:] = 1.0  # east of 60 W
    members = {n: tuple(Fix(6.0 * k, 15.0, -70 + k + 0.1 * n, 99_000, 20.0 + n) for k in range(9)) for n in range(4)}
    view = Region(np.array([-72.0, -60]), np.array([15.0, 15]))
    (circle,) = re.findall(r"<title>([^<]*)</title>", cone(members, view))[:1]
    assert circle == "+24 h: two thirds of 4 members within 16 km"  # 0.15 of a degree of longitude
    strikes = strike_map(members, 8, view, "")
    assert set(re.findall(r"<title>to (\d+) %", strikes)) <= {"20", "30", "40", "50"}, "half of the members have it"
    assert "up to 50%" in strikes
    assert plumes(members).count('class="sys source"') == 4
    ashore = landfall_histogram({n: track[:2] for n, track in members.items()}, 8, land)
    assert "No member comes ashore" in ashore
    assert "rect" not in ashore
    east = {n: tuple(replace(fix, longitude=fix.longitude + 6) for fix in track) for n, track in members.items()}
    ashore = landfall_histogram(east, 8, land)
    assert "Ashore in 50%" in ashore
    assert re.search(r'height="[1-9][\d.]*"><title>\+12 to 24 h', ashore)


def test_no_tracks_no_map() -> None:
    assert tracks_section([], np.zeros((37, 72))) == ""


def test_page_without_scores_tracks_or_weights_is_still_written(tmp_path: Path) -> None:
    store = write_example_store(tmp_path / "store", resolution=10.0, last_lead=12)
    for key in ("scores", "tracks", "journal", paths.forecast(HOUR, "weights.zarr"), paths.static_fields()):
        store.delete(key)
    write_report(store, HOUR, tmp_path / "report.html", maps=draw_maps(store, HOUR))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No scores yet" in text
    assert "no cyclone" in text


def test_simplified_line_stays_within_tolerance_and_drops_points() -> None:
    x = np.linspace(0, 20, 400)
    line = np.stack([x, np.sin(x)], axis=-1)
    found = projection.simplified(line, 0.05)
    assert len(found) < 100
    np.testing.assert_allclose(np.interp(x, found[:, 0], found[:, 1]), np.sin(x), atol=0.06)
    ring = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    np.testing.assert_array_equal(projection.simplified(ring, 0.1), ring)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.3, 1.0]))
def test_a_line_is_simplified_as_it_is_by_recursion(seed: int, tolerance: float) -> None:
    line = np.cumsum(np.random.default_rng(seed).normal(size=(40, 2)), axis=0)

    def kept(first: int, last: int) -> list[int]:
        (x, y), inner = line[last] - line[first], line[first + 1 : last] - line[first]
        distance = np.abs(inner[:, 0] * y - inner[:, 1] * x) / np.hypot(x, y)
        if not (distance > tolerance).any():
            return [first]
        middle = first + 1 + int(distance.argmax())
        return kept(first, middle) + kept(middle, last)

    np.testing.assert_array_equal(projection.simplified(line, tolerance), line[[*kept(0, 39), 39]])


def test_proof_is_shown(page: str) -> None:
    section = page.split('<section id="proof"')[1].split("</section>")[0]
    assert "<b>9 of 10</b> figures" in section, "all but the wind's roughness"
    assert section.count('class="ours over"') == 1
    assert "+11.0 %" in section
    assert "error of 2 m temperature at withheld stations" in section
    assert "whole" not in section
    assert page.count("<summary>Why this number") == 1


def test_calibration_is_compared_with_raw_members_and_emos(page: str) -> None:
    section = page.split('<section id="calibration"')[1].split("</section>")[0]
    assert "<b>87 %</b> of cases" in section
    assert "CRPS <b>−17 %</b> against the raw members, better in 20 of 20" in section
    assert "CRPS <b>−4 %</b> against EMOS" in section
    assert section.count("<svg") == 4 * 5, "four charts a parameter"


def test_proof_is_hidden_where_nothing_was_scored(tmp_path: Path) -> None:
    store = write_example_store(tmp_path / "store", resolution=15, last_lead=6)
    store.delete("scores")
    write_report(store, HOUR, tmp_path / "report.html", maps=draw_maps(store, HOUR))
    text = (tmp_path / "report.html").read_text()
    assert '<section id="proof" hidden>' in text
    assert '<section id="calibration" hidden>' in text
