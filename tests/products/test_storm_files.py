"""Decks and HURDAT2 are read as the centres write them, and what is written is read back."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.cycle import Cycle
from pipeline.products.storm_files import KNOT, read_atcf, read_hurdat, write_atcf, write_csv
from pipeline.science.tracks import Fix

HOUR = Cycle.parse("2025-09-05T00")
TRACK = (Fix(0, 23.0, -68.4, 95_000, 48.0), Fix(6, 24.1, 179.9, 94_500, 50.0), Fix(12, -5.0, -0.5, 100_000, 10.0))


def test_a_line_of_an_a_deck_is_a_fix_in_si_units() -> None:
    line = "AL, 05, 2019082406, 03, AVNO,  12, 103N,  464W,  25, 1011, XX,  34, NEQ,    0,    0,    0,    0,\n"
    [deck] = read_atcf(line)
    assert (deck.storm, deck.technique, deck.start) == ("AL052019", "AVNO", datetime(2019, 8, 24, 6))
    assert deck.track == (Fix(12.0, 10.3, -46.4, 101_100.0, 25 * KNOT),)


def test_lines_of_several_wind_radii_are_one_fix_and_zero_is_unknown() -> None:
    head = "SH, 06, 2024011012,   , BEST,   0,  59S,  868E,"
    text = (
        f"{head}  35, 1008, TS,  34,\n{head}  35, 1008, TS,  50,\n" + head.replace("12, ", "18, ", 1) + "   0,    0,\n"
    )
    [deck] = read_atcf(text)
    assert [fix.lead_hours for fix in deck.track] == [0, 6]
    assert deck.track[0].latitude == -5.9
    assert np.isnan(deck.track[1].wind)
    assert np.isnan(deck.track[1].pressure)


def test_a_line_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="line 2 is not of an ATCF deck"):
        read_atcf("AL, 05, 2019082406, 03, AVNO,  12, 103N,  464W,  25, 1011,\nhello, world\n")
    with pytest.raises(ValueError, match="line 2 is not of HURDAT2"):
        read_hurdat("AL012021,                ANA,     17,\n20210520, 0000,  , EX, 30.3X\n")


def test_what_is_written_is_read_back() -> None:
    decks = read_atcf(write_atcf({0: [TRACK], 7: [TRACK[:1], TRACK]}, HOUR, "HC"))
    assert [deck.technique for deck in decks] == ["HC00", "HC07", "HC07"]
    assert [deck.storm for deck in decks] == ["XX902025", "XX902025", "XX912025"]
    for found, wanted in zip(decks[0].track, TRACK, strict=True):
        assert (found.latitude, found.longitude) == pytest.approx((wanted.latitude, wanted.longitude))
        assert found.pressure == wanted.pressure
        assert found.wind == pytest.approx(wanted.wind, abs=0.5 * KNOT)


def test_the_table_has_a_line_a_fix() -> None:
    lines = write_csv({3: [TRACK]}, HOUR).splitlines()
    assert len(lines) == 4
    assert lines[2] == "3,0,2025-09-05T06:00Z,6,24.10,179.90,94500,50.0"


@pytest.mark.realdata
def test_every_real_deck_is_read(realdata: Path) -> None:
    paths = [*(realdata / "tc").rglob("b*20*.dat"), *(realdata / "tc").rglob("*bdeck.dat")]
    assert len(paths) > 60
    for path in paths:
        for deck in read_atcf(path.read_text()):
            leads = [fix.lead_hours for fix in deck.track]
            assert leads == sorted(set(leads)), path
            assert all(abs(fix.latitude) < 75 for fix in deck.track), path


@pytest.mark.realdata
def test_a_real_a_deck_has_the_techniques_that_its_lines_name(realdata: Path) -> None:
    text = gzip.decompress((realdata / "tc/adecks/aal012019.dat.gz").read_bytes()).decode()
    decks = read_atcf(text)
    named = {line.split(",")[4].strip() for line in text.splitlines() if line.strip()}
    assert {deck.technique for deck in decks} <= named
    assert len({deck.technique for deck in decks}) > 0.9 * len(named)


@pytest.mark.realdata
def test_hurdat_and_b_deck_agree_on_a_storm_that_both_have(realdata: Path) -> None:
    text = (realdata / "tc/tropycal/tests/data/sample_hurdat.txt").read_text()
    storms = {deck.storm: deck for deck in read_hurdat(text)}
    assert len(storms) > 10
    assert all(line.count(",") > 5 or line.split(",")[0] in storms for line in text.splitlines() if line.strip())
    best = read_atcf((realdata / "tc/stormevents-bdecks/test_pcfill/ida2021-bdeck.dat").read_text())[0]
    other = storms["AL092021"]
    assert best.storm == other.storm
    by_time = {(other.start - best.start).total_seconds() / 3600 + fix.lead_hours: fix for fix in other.track}
    both = [(fix, by_time[fix.lead_hours]) for fix in best.track if fix.lead_hours in by_time]
    assert len(both) > 20
    assert np.mean([abs(a.latitude - b.latitude) + abs(a.longitude - b.longitude) for a, b in both]) < 0.3
