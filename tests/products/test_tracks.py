"""Tracks as GeoJSON of RFC 7946."""

from __future__ import annotations

import json

import pytest

from pipeline.cycle import Cycle
from pipeline.products.tracks import feature_collection
from pipeline.science.tracks import Fix

HOUR = Cycle.parse("2026-01-31T00")
HERE = (Fix(0, 10, 170, 99000.4, 20), Fix(6, 10.5, 172, 98500, 25.04), Fix(12, 11, 174, 98000, 33))
ACROSS = (Fix(0, 10, 178, 99000, 20), Fix(6, 12, -178, 98500, 25), Fix(12, 13, -177, 98000, 33))


def test_fixes_and_line() -> None:
    collection = feature_collection({3: [HERE], 1: []}, HOUR, "gefs", synthetic=True)
    assert json.loads(json.dumps(collection)) == collection
    assert collection["type"] == "FeatureCollection"
    assert collection["members"] == [1, 3]
    assert collection["synthetic"] is True
    assert "Synthetic" in collection["title"]
    (feature,) = collection["features"]
    assert feature["geometry"] == {"type": "LineString", "coordinates": [[170, 10], [172, 10.5], [174, 11]]}
    assert feature["properties"] == {
        "model": "gefs", "number": 3, "lead_time": [0, 6, 12], "longitude": [170, 172, 174], "latitude": [10, 10.5, 11],
        "valid_time": ["2026-01-31T00:00:00Z", "2026-01-31T06:00:00Z", "2026-01-31T12:00:00Z"],
        "pressure_at_sea_level": [99000, 98500, 98000], "maximum_wind": [20, 25, 33],
    }  # fmt: skip


@pytest.mark.parametrize("track", [ACROSS, ACROSS[::-1]])
def test_a_line_across_the_antimeridian_is_cut_there(track: tuple[Fix, ...]) -> None:
    (feature,) = feature_collection({1: [track]}, HOUR, "gefs", synthetic=False)["features"]
    geometry = feature["geometry"]
    assert geometry["type"] == "MultiLineString"
    first, second = geometry["coordinates"]
    assert len(first) >= 2
    assert len(second) >= 2
    assert first[-1][0] == -second[0][0]
    assert abs(first[-1][0]) == 180
    assert first[-1][1] == second[0][1] == 11
    assert len(feature["properties"]["longitude"]) == 3
