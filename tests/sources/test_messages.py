"""Cutting bytes into messages: padding, several fields in one, damage, and any bytes."""

from __future__ import annotations

import eccodes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.messages import GribError, Message, split
from pipeline.sources.unpack import unpack
from tests.grib_samples import COLUMNS, ROWS, message

VALUES = np.arange(COLUMNS * ROWS, dtype=float)
ONE = message({"shortName": "2t"}, VALUES + 200)
TWO = message({"shortName": "2t"}, VALUES + 250, sample="regular_ll_sfc_grib1")


def test_messages_of_both_editions_with_padding_between() -> None:
    found = list(split(b"\0\0" + ONE + b"xx" + TWO + b"\n"))
    assert [part.edition for part in found] == [2, 1]
    assert [part.data for part in found] == [ONE, TWO]


def _multi_field(first: bytes, second: bytes) -> bytes:
    """Two fields that share sections 1 and 3, as NCEP stores the components of the wind."""
    a, b = (next(split(part)) for part in (first, second))
    tail = b"".join(b.section(number) for number in (4, 5, 6, 7))
    body = first[16:-4] + tail + b"7777"
    assert isinstance(a, Message)
    return first[:8] + (16 + len(body)).to_bytes(8, "big") + body


def test_fields_of_one_message_become_messages_of_their_own() -> None:
    u, v = (message({"shortName": name}, VALUES + shift) for name, shift in (("10u", 0), ("10v", 5)))
    first, second = split(_multi_field(u, v))
    assert (first.data, second.data) == (u, v)


def test_a_field_may_use_the_bitmap_of_the_one_before() -> None:
    holes = np.where(VALUES % 3 == 0, np.nan, VALUES)
    u, v = (message({"shortName": name}, holes + shift) for name, shift in (("10u", 0), ("10v", 5)))
    data = bytearray(_multi_field(u, v))
    second = next(split(v))
    at = data.rindex(second.section(6))
    length = len(second.section(6))
    data[at : at + length] = (6).to_bytes(4, "big") + bytes([6, 254])
    data[8:16] = len(data).to_bytes(8, "big")
    fields = [unpack(part) for part in split(bytes(data))]
    np.testing.assert_allclose(fields[1], holes + 5, atol=0.01)


def test_what_is_cut_off_is_told_after_the_good_messages() -> None:
    parts = split(ONE + TWO[:-7])
    assert next(parts).data == ONE
    with pytest.raises(GribError, match="cut off"):
        next(parts)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "an empty file"),
        (b"\x89HDF\r\n", "HDF5 or NetCDF-4"),
        (b'{"a": 1}', "JSON text"),
        (b"GRIB", "cut off in its header"),
        (b"GRIB\0\0\0\3" + b"\0" * 20, "edition 3"),
        (ONE[:-4] + b"8888", "do not end in 7777"),
        (ONE[:20] + b"\0\0\0\0" + ONE[24:], "damaged"),
    ],
)
def test_foreign_and_damaged_bytes_are_named(data: bytes, told: str) -> None:
    with pytest.raises(GribError, match=told):
        list(split(data))


@given(st.binary(max_size=200))
def test_any_bytes_after_the_magic_give_messages_or_one_clear_error(tail: bytes) -> None:
    try:
        list(split(b"GRIB" + tail))
    except GribError as error:
        assert "\n" not in str(error)


@given(st.integers(0, len(ONE) - 1), st.integers(0, 255))
def test_a_changed_byte_never_breaks_more_than_the_message(place: int, value: int) -> None:
    data = bytearray(ONE)
    data[place] = value
    try:
        for part in split(bytes(data)):
            assert part.data.startswith(b"GRIB")
    except GribError as error:
        assert "\n" not in str(error)


def test_sections_are_those_of_eccodes() -> None:
    part = next(split(ONE))
    handle = eccodes.codes_new_from_message(ONE)
    try:
        assert len(part.section(3)) == eccodes.codes_get_long(handle, "section3Length")
        assert len(part.section(7)) == eccodes.codes_get_long(handle, "section7Length")
    finally:
        eccodes.codes_release(handle)
