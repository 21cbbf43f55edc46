"""Index files: the real ones, their odd lines, and any text."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.index import IndexEntry, IndexFormatError, coalesce, parse_ecmwf, parse_ncep

LINES = """1:0:d=2025080100:PRMSL:mean sea level:7 hour fcst:
2:100:d=2025080100:APCP:surface:6-7 hour acc fcst:
3.1:250:d=2025080100:UGRD:10 m above ground:anl:
3.2:250:d=2025080100:VGRD:10 m above ground:anl:
4:400:d=2025080100:TMAX:2 m above ground:0-1 day max fcst:ENS=+12
"""


def test_ncep_lines_give_names_ranges_times_and_members() -> None:
    entries = parse_ncep(LINES, 500)
    assert entries[0] == IndexEntry("PRMSL:mean sea level", 0, 100, (7, 7))
    assert entries[1] == IndexEntry("APCP:surface", 100, 250, (6, 7), "sum")
    assert entries[4] == IndexEntry("TMAX:2 m above ground", 400, 500, (0, 24), "maximum", 12)


def test_submessages_share_the_bytes_of_their_message() -> None:
    u, v = parse_ncep(LINES, 500)[2:4]
    assert (u.start, u.end) == (v.start, v.end) == (250, 400)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18-24 hour ave fcst", ((18, 24), "mean")),
        ("0-15 min ave fcst", ((0, 0.25), "mean")),
        ("2 day fcst", ((48, 48), "")),
        ("0-0 day max fcst", ((0, 0), "maximum")),
        ("6 hour Hail fcst", ((6, 6), "other")),
        ("something else", (None, "other")),
    ],
)
def test_times_of_ncep(text: str, expected: tuple[tuple[float, float] | None, str]) -> None:
    entry = parse_ncep(f"1:0:d=2025080100:A:b:{text}:", 10)[0]
    assert (entry.step, entry.statistic) == expected


def test_control_member_is_number_zero() -> None:
    assert parse_ncep("1:0:d=2025080100:HGT:10 mb:6 hour fcst:ENS=low-res ctl", 9)[0].member == 0


def test_data_that_end_before_the_last_message_are_told() -> None:
    with pytest.raises(IndexFormatError, match="data end at byte 400"):
        parse_ncep(LINES, 400)


def test_ecmwf_lines_give_names_ranges_and_members() -> None:
    text = (
        '{"param": "t", "levtype": "pl", "levelist": "500", "step": "6", "number": "3", "_offset": 5, "_length": 7}\n'
        '{"param": "2t", "levtype": "sfc", "step": "6", "_offset": 12, "_length": 3}'
    )
    first, second = parse_ecmwf(text)
    assert first == IndexEntry("t:pl:500", 5, 12, (6, 6), "", 3)
    assert second == IndexEntry("2t:sfc", 12, 15, (6, 6))


@given(st.text())
def test_any_text_gives_entries_or_one_clear_error(text: str) -> None:
    for parse in (lambda: parse_ncep(text, 100), lambda: parse_ecmwf(text)):
        try:
            assert all(entry.start >= 0 for entry in parse())
        except IndexFormatError as error:
            assert "expected" in str(error) or "end" in str(error)
            assert "\n" not in str(error)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["param", "levtype", "levelist", "step", "number", "_offset", "_length"]), _json)
)
def test_any_object_gives_entries_or_one_clear_error(row: dict[str, object]) -> None:
    import json

    try:
        parse_ecmwf(json.dumps(row))
    except IndexFormatError as error:
        assert "line 1" in str(error)


_field = st.text(st.characters(blacklist_characters=":\n\r", blacklist_categories=("Cs", "Zl", "Zp", "Cc")), max_size=8)


@given(st.lists(st.tuples(st.integers(0, 50), _field, _field, _field), min_size=1, max_size=6))
def test_well_formed_lines_of_any_content_tile_the_file(rows: list[tuple[int, str, str, str]]) -> None:
    offsets = sorted(row[0] for row in rows)
    text = "\n".join(
        f"{k}:{offset}:d=2025010100:{row[1]}:{row[2]}:{row[3]}:"
        for k, (offset, row) in enumerate(zip(offsets, rows, strict=True))
    )
    entries = parse_ncep(text, 60)
    assert [entry.start for entry in entries] == offsets
    assert entries[-1].end == 60
    assert all(entry.end > entry.start for entry in entries)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 500)), min_size=1, max_size=20), st.integers(0, 1000))
def test_coalesced_ranges_hold_every_entry_and_lie_apart(spans: list[tuple[int, int]], gap: int) -> None:
    entries = [IndexEntry("x", start, start + length, None) for start, length in spans]
    ranges = coalesce(entries, gap)
    assert all(any(start <= entry.start and entry.end <= end for start, end in ranges) for entry in entries)
    assert all(after[0] - before[1] > gap for before, after in itertools.pairwise(ranges))


@pytest.mark.realdata
def test_every_real_index_is_read_or_refused_in_one_line(realdata: Path) -> None:
    files = [*realdata.glob("grib_index/**/*.i*d*x"), *realdata.glob("grib/**/*.idx")]
    assert len(files) >= 15
    for file in files:
        text = file.read_text()
        lines = len([line for line in text.splitlines() if line.strip()])
        if text.startswith("{"):
            if '"lead_hours"' in text:  # an index of another maker, with other keys
                with pytest.raises(IndexFormatError, match="expected a JSON object with param"):
                    parse_ecmwf(text)
            else:
                assert len(parse_ecmwf(text)) == lines
        else:
            entries = parse_ncep(text, 10**10)
            assert len(entries) == lines
            assert all(entry.step is not None for entry in entries)
