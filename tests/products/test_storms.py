"""Members' tracks of one storm are found together, and a GeoJSON gives back the tracks it was made of."""

from __future__ import annotations

import pytest

from pipeline.cycle import Cycle
from pipeline.products.storms import storms_of, strongest, tracks_of
from pipeline.products.tracks import feature_collection
from pipeline.science.tracks import Fix, Track

HOUR = Cycle.parse("2025-09-05T00")


def moving(latitude: float, longitude: float, wind: float = 30.0) -> Track:
    return tuple(Fix(6.0 * k, latitude + k, longitude - k, 98_000.0, wind) for k in range(5))


TRACKS = {0: [moving(12, -40), moving(50, 10)], 1: [moving(13, -42, 45), moving(15, 178)], 2: []}


def test_what_was_written_is_read() -> None:
    found = tracks_of(feature_collection(TRACKS, HOUR, "gefs", synthetic=True))
    assert found.keys() == {0, 1, 2}
    assert found[2] == []
    assert {track[0].latitude for track in found[0]} == {12, 50}


def test_tracks_that_begin_close_together_are_one_storm() -> None:
    storms = storms_of(feature_collection(TRACKS, HOUR, "gefs", synthetic=True), tropics=30)
    assert [sorted(storm) for storm in storms] == [[0, 1], [1]]
    assert strongest(storms[0]) == pytest.approx(45)
