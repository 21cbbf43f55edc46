"""Index files beside the data: where each message lies, so that only the wanted ones are fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Statistic = Literal["", "sum", "mean", "maximum", "minimum", "other"]


class IndexFormatError(ValueError):
    """The text is not an index; the message is one line for a human."""


@dataclass(frozen=True)
class IndexEntry:
    """One message: its name, bytes start to end (exclusive) and time.

    `name`: `VAR:level` (NCEP) or `param:levtype[:level]` (ECMWF). `step`: hours (start, end) of its interval, equal
    for an instant, None if the index does not say it in hours. `statistic`: over that interval, "" for an instant.
    """

    name: str
    start: int
    end: int
    step: tuple[float, float] | None
    statistic: Statistic = ""
    member: int | None = None


_HOURS = {"min": 1 / 60, "hour": 1.0, "day": 24.0}
_STATISTICS: dict[str, Statistic] = {"acc": "sum", "ave": "mean", "max": "maximum", "min": "minimum"}
_TIME = re.compile(r"^([0-9]{1,6})(?:-([0-9]{1,6}))? (min|hour|day)(?: (\w+))? (?:fcst|anl)$")
_MEMBER = re.compile(r"^ENS=([+-]?[0-9]{1,6}|low-res ctl|hi-res ctl)$")
_NUMBER = re.compile(r"^[0-9]{1,9}(\.[0-9]{1,9})?$")
_OFFSET = re.compile(r"^[0-9]{1,15}$")


def parse_ncep(text: str, size: int, *, whole: bool = True) -> list[IndexEntry]:
    """Entries of an `.idx` file as wgrib2 writes it, in order.

    size: bytes of the data file, where the last message ends. Messages numbered 3.1, 3.2 lie in one message 3.
    Raises IndexFormatError naming the line if it is not such an index; also, if the file must be `whole`, where it is
    cut off before its last message.
    """
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split(":")
        if len(parts) < 6 or not _NUMBER.match(parts[0]) or not _OFFSET.match(parts[1]) or parts[2][:2] != "d=":
            raise IndexFormatError(
                f"expected `number:offset:d=date:VAR:level:time:` on line {number}; found {line[:80]!r}"
            )
        offset = int(parts[1])
        if rows and offset < rows[-1][0]:
            raise IndexFormatError(f"expected growing offsets; line {number} goes back from {rows[-1][0]} to {offset}")
        rows.append((offset, parts))
    if not rows:
        raise IndexFormatError("expected index lines; found an empty index")
    if whole and size <= rows[-1][0]:
        raise IndexFormatError(f"the data end at byte {size}, before the last message begins at byte {rows[-1][0]}")
    offsets = sorted({offset for offset, _ in rows})
    ends = dict(zip(offsets, [*offsets[1:], max(size, offsets[-1] + 1)], strict=True))
    return [_ncep_entry(offset, ends[offset], parts) for offset, parts in rows]


def _ncep_entry(offset: int, end: int, parts: list[str]) -> IndexEntry:
    step, statistic = _ncep_time(parts[5])
    member = next((_ncep_member(match.group(1)) for part in parts[6:] if (match := _MEMBER.match(part))), None)
    return IndexEntry(f"{parts[3]}:{parts[4]}", offset, end, step, statistic, member)


def _ncep_time(text: str) -> tuple[tuple[float, float] | None, Statistic]:
    if text == "anl":
        return (0.0, 0.0), ""
    match = _TIME.match(text)
    if match is None:
        return None, "other"
    first, last, unit, statistic = match.groups()
    start = int(first) * _HOURS[unit]
    end = int(last) * _HOURS[unit] if last else start
    return (start, end), _STATISTICS.get(statistic, "other") if statistic else ""


def _ncep_member(text: str) -> int:
    return 0 if text.endswith("ctl") else abs(int(text))


def parse_ecmwf(text: str) -> list[IndexEntry]:
    """Entries of an ECMWF `.index` file: one JSON object a line with `param`, `levtype`, `_offset`, `_length`.

    Raises IndexFormatError naming the line if it is not such an index.
    """
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            entries.append(_ecmwf_entry(row))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise IndexFormatError(
                f"expected a JSON object with param, levtype, step, _offset and _length on line {number}; "
                f"found {line[:80]!r}"
            ) from None
    if not entries:
        raise IndexFormatError("expected index lines; found an empty index")
    return entries


def _ecmwf_entry(row: dict[str, str | int]) -> IndexEntry:
    start, length = row["_offset"], row["_length"]
    if not isinstance(start, int) or not isinstance(length, int) or start < 0 or length <= 0:
        raise ValueError
    name = ":".join(str(row[key]) for key in ("param", "levtype", "levelist") if row.get(key, "") != "")
    if not isinstance(row["param"], str) or not isinstance(row["levtype"], str):
        raise TypeError
    first, _, last = str(row["step"]).partition("-")
    step = (float(int(first)), float(int(last or first)))
    member = int(row["number"]) if "number" in row else (0 if row.get("type") == "cf" else None)
    return IndexEntry(name, start, start + length, step, "" if not last else "other", member)


def coalesce(entries: Sequence[IndexEntry], gap: int) -> list[tuple[int, int]]:
    """Byte ranges (start, end) that hold all entries; ranges nearer than `gap` bytes become one."""
    ranges: list[tuple[int, int]] = []
    for start, end in sorted((entry.start, entry.end) for entry in entries):
        if ranges and start <= ranges[-1][1] + gap:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], end))
        else:
            ranges.append((start, end))
    return ranges
