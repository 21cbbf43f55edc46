"""Storm files of the warning centres: ATCF a-decks (forecasts) and b-decks (best tracks), and HURDAT2.

ATCF: https://science.nrlmry.navy.mil/atcf/docs/database/new/abdeck.txt. HURDAT2: Landsea and Franklin 2013,
https://doi.org/10.1175/MWR-D-12-00254.1. Winds of a minute's mean in knots become m s-1, hPa become Pa; nothing is made
of a minute's mean into one of ten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from pipeline.cycle import Cycle
from pipeline.science.tracks import Fix, Track

KNOT = 1852 / 3600  # m s-1
BEST = "BEST"


@dataclass(frozen=True)
class Deck:
    """One track: the storm, such as `AL012019`, who says so, from when its fixes' leads count, and the fixes.

    A wind or pressure that the file does not have is NaN.
    """

    storm: str
    technique: str
    start: datetime
    track: Track


def read_atcf(text: str) -> list[Deck]:
    """The tracks of an a-deck or b-deck, each technique's runs apart, the best track as one.

    A time with several lines, one a wind radius, is one fix. ValueError names a line that is none of a deck.
    """
    found: dict[tuple[str, str, datetime], dict[float, Fix]] = {}
    best: dict[str, datetime] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            parts = [part.strip() for part in line.split(",")]
            when = datetime.strptime(parts[2], "%Y%m%d%H")
            technique, lead = parts[4], float(parts[5] or 0)
            place = _degrees(parts[6]), _degrees(parts[7])
            wind, pressure = (_known(parts[index] if len(parts) > index else "") for index in (8, 9))
        except (IndexError, ValueError):
            raise ValueError(f"line {number} is not of an ATCF deck: {line[:60]!r}") from None
        storm = f"{parts[0]}{parts[1].zfill(2)}"
        if technique == BEST:
            start = best.setdefault(storm, when)
            lead = (when - start) / timedelta(hours=1)
        else:
            start = when
        fix = Fix(lead, *place, pressure * 100, wind * KNOT)
        if place != (0, 0):  # a run that has lost the storm
            found.setdefault((storm, technique, start), {}).setdefault(lead, fix)
    return [
        Deck(f"{storm}{start:%Y}", technique, start, tuple(fix for _, fix in sorted(fixes.items())))
        for (storm, technique, start), fixes in found.items()
    ]


def read_hurdat(text: str) -> list[Deck]:
    """The storms of a HURDAT2 file; ValueError names a line that is none."""
    decks: list[Deck] = []
    storm, start = "", datetime.min
    fixes: list[Fix] = []
    for number, line in enumerate([*text.splitlines(), "END"], 1):
        parts = [part.strip() for part in line.split(",")]
        if line == "END" or (len(parts) >= 3 and parts[0][:2].isalpha() and len(parts[0]) == 8):
            if fixes:
                decks.append(Deck(storm, BEST, start, tuple(fixes)))
            storm, fixes = parts[0], []
            continue
        if not line.strip():
            continue
        try:
            when = datetime.strptime(parts[0] + parts[1], "%Y%m%d%H%M")
            start = start if fixes else when
            place = _degrees(parts[4] + " "), _degrees(parts[5] + " ")
            wind, pressure = (_known(parts[index]) for index in (6, 7))
        except (IndexError, ValueError):
            raise ValueError(f"line {number} is not of HURDAT2: {line[:60]!r}") from None
        fixes.append(Fix((when - start) / timedelta(hours=1), *place, pressure * 100, wind * KNOT))
    return decks


def write_atcf(tracks: Mapping[int, Sequence[Track]], hour: Cycle, technique: str, basin: str = "XX") -> str:
    """A-deck lines of all members' tracks: technique `XXnn` for member nn, storms numbered from 90 as invests are."""
    return "".join(
        _line(fix, hour, f"{technique}{member:02d}", basin, 90 + place)
        for member, several in sorted(tracks.items())
        for place, found in enumerate(several[:10])
        for fix in found
    )


def write_best(track: Track, start: Cycle, basin: str, storm: int) -> str:
    """B-deck lines of a track whose leads count from `start`."""
    fixes = ((replace(fix, lead_hours=0.0), start + fix.lead_hours) for fix in track)
    return "".join(_line(fix, when, BEST, basin, storm) for fix, when in fixes)


def write_csv(tracks: Mapping[int, Sequence[Track]], hour: Cycle) -> str:
    """One line a fix, in SI units, with a head that says so."""
    rows = [
        f"{member},{place},{hour.valid_time(fix.lead_hours):%Y-%m-%dT%H:%MZ},{fix.lead_hours:g},{fix.latitude:.2f},"
        f"{fix.longitude:.2f},{fix.pressure:.0f},{fix.wind:.1f}"
        for member, several in sorted(tracks.items())
        for place, found in enumerate(several)
        for fix in found
    ]
    head = "number,track,valid_time,lead_time_hours,latitude,longitude,pressure_pa,maximum_wind_m_s"
    return "\n".join([head, *rows]) + "\n"


def _line(fix: Fix, hour: Cycle, technique: str, basin: str, storm: int) -> str:
    latitude = f"{abs(fix.latitude) * 10:3.0f}{'N' if fix.latitude >= 0 else 'S'}"
    longitude = f"{abs(fix.longitude) * 10:4.0f}{'E' if fix.longitude >= 0 else 'W'}"
    return (
        f"{basin}, {storm:02d}, {hour.init_time:%Y%m%d%H}, 03, {technique:>4}, {fix.lead_hours:3.0f}, {latitude:>4}, "
        f"{longitude:>5}, {fix.wind / KNOT:3.0f}, {fix.pressure / 100:4.0f}, XX,\n"
    )


def _degrees(text: str) -> float:
    """Of `275N` in tenths, or of `27.5N `, with the blank, in degrees; west and south negative, east to 180."""
    sign = -1 if text.strip()[-1] in "SW" else 1
    if text.strip()[-1] not in "NSEW":
        raise ValueError(text)
    value = float(text.strip()[:-1]) * (1.0 if text.endswith(" ") else 0.1)
    return round(float((sign * value + 180) % 360 - 180), 2)


def _known(text: str) -> float:
    value = float(text or 0)
    return value if value > 0 else np.nan
