"""Cuts bytes into GRIB messages of one field each, editions 1 and 2, without trusting them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

END = b"7777"
_FIELD_SECTIONS = (3, 4, 5, 6, 7)
_PREVIOUS_BITMAP = 254


class GribError(ValueError):
    """The bytes are not the GRIB they should be; the message is one line for a human."""


@dataclass(frozen=True, slots=True)
class Message:
    """One field: a complete message of its own and where its sections lie, (start, end) by number."""

    edition: int
    data: bytes
    sections: dict[int, tuple[int, int]]

    def section(self, number: int) -> bytes:
        """The section's bytes; empty if it is absent."""
        start, end = self.sections.get(number, (0, 0))
        return self.data[start:end]


def split(data: bytes) -> Iterator[Message]:
    """The fields in `data`, in order; bytes between messages are skipped.

    Fields of a multi-field message come out as messages of their own. Raises GribError where a message is cut off,
    damaged or of an unknown edition, after the fields before it; and at once if there is no message at all.
    """
    position, found = data.find(b"GRIB"), False
    while position >= 0:
        end, edition = _extent(data, position)
        found = True
        body = data[position:end]
        if edition == 1:
            yield Message(1, body, _sections_1(body, position))
        else:
            yield from _fields(body, position)
        position = data.find(b"GRIB", end)
    if not found:
        raise GribError(f"expected GRIB messages; found {_describe(data)}")


def _describe(data: bytes) -> str:
    if not data:
        return "an empty file"
    known = {
        b"\x89HDF": "HDF5 or NetCDF-4",
        b"CDF": "NetCDF",
        b"BUFR": "BUFR",
        b"%PDF": "PDF",
        b"PK": "a zip archive",
        b"{": "JSON text",
        b"<": "HTML or XML",
    }
    name = next((name for magic, name in known.items() if data.lstrip().startswith(magic)), "other data")
    return f"{name} ({len(data)} bytes)"


def _extent(data: bytes, position: int) -> tuple[int, int]:
    """End of the message that begins at `position`, and its edition."""
    header = data[position : position + 16]
    if len(header) < 16:
        raise GribError(f"the message at byte {position} is cut off in its header")
    edition = header[7]
    if edition == 1:
        length = _length_1(data, position)
    elif edition == 2:
        length = int.from_bytes(header[8:16], "big")
    else:
        raise GribError(f"expected GRIB edition 1 or 2 at byte {position}; found edition {edition}")
    end = position + length
    if length < 20 or end > len(data):
        raise GribError(
            f"the message at byte {position} is cut off: {len(data) - position} of its {length} bytes are there"
        )
    if data[end - 4 : end] != END:
        raise GribError(f"the message at byte {position} is damaged: its {length} bytes do not end in 7777")
    return end, edition


def _length_1(data: bytes, position: int) -> int:
    """Total length of a GRIB1 message; above 8 MiB it counts in units of 120 bytes (ECMWF's convention)."""
    length = int.from_bytes(data[position + 4 : position + 7], "big")
    if not length & 0x800000:
        return length
    start = position + 8
    flags = data[start + 7 : start + 8]
    for present in (0x80, 0x40):
        start += int.from_bytes(data[start : start + 3], "big")
        if not flags or not flags[0] & present:
            continue
    data_section = int.from_bytes(data[start : start + 3], "big")
    total = (length & 0x7FFFFF) * 120
    return total - data_section + 4 if data_section < 120 else total


def _sections_1(body: bytes, position: int) -> dict[int, tuple[int, int]]:
    sections = {0: (0, 8)}
    start, flags = 8, body[15]
    for number in (1, *((2,) if flags & 0x80 else ()), *((3,) if flags & 0x40 else ())):
        length = int.from_bytes(body[start : start + 3], "big")
        if length < 6 or start + length > len(body):
            raise GribError(f"the message at byte {position} is damaged: section {number} has {length} bytes")
        sections[number] = (start, start + length)
        start += length
    sections[4] = (start, len(body) - 4)
    return sections


def _fields(body: bytes, position: int) -> Iterator[Message]:
    """Walk the sections of a GRIB2 message; each section 7 completes a field."""
    sections: dict[int, tuple[int, int]] = {0: (0, 16)}
    bitmap: tuple[int, int] | None = None
    start, fields = 16, 0
    whole: Message | None = None
    while body[start : start + 4] != END or start != len(body) - 4:
        length = int.from_bytes(body[start : start + 4], "big")
        number = body[start + 4] if start + 5 <= len(body) else 0
        if length < 5 or start + length > len(body) - 4 or not 1 <= number <= 7:
            raise GribError(f"the message at byte {position} is damaged: section {number} of {length} bytes in it")
        sections[number] = (start, start + length)
        if number == 6 and body[start + 5] != _PREVIOUS_BITMAP:
            bitmap = sections[6]
        if number == 7:
            if any(needed not in sections for needed in (1, *_FIELD_SECTIONS)):
                raise GribError(f"the message at byte {position} is damaged: a field in it lacks a section")
            if body[sections[6][0] + 5] == _PREVIOUS_BITMAP and bitmap is not None:
                sections[6] = bitmap
            if whole is not None:
                yield _alone(whole)
            whole, fields = Message(2, body, dict(sections)), fields + 1
        start += length
    if whole is None:
        raise GribError(f"the message at byte {position} holds no field")
    yield whole if fields == 1 else _alone(whole)


def _alone(field: Message) -> Message:
    """A field of a multi-field message as a message of its own."""
    parts, sections, start = [], {0: (0, 16)}, 16
    for number in sorted(field.sections):
        if number:
            part = field.section(number)
            sections[number] = (start, start + len(part))
            parts.append(part)
            start += len(part)
    header = field.data[:8] + (start + 4).to_bytes(8, "big")
    return Message(2, b"".join((header, *parts, END)), sections)
