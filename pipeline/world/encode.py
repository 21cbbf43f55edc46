"""Fills template messages with time and values; forty times faster than asking ecCodes for each message."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipeline.world.levels import Array
from pipeline.world.templates import Template


@dataclass(frozen=True)
class Step:
    """Hours from the start of the run to the start and the end of the interval; equal for an instant."""

    start: int
    end: int


def _interval_octets(start: datetime, step: Step) -> bytes:
    end = start + timedelta(hours=step.end)
    return struct.pack(">HBBBBB", end.year, end.month, end.day, end.hour, end.minute, end.second)


def message(form: Template, start: datetime, step: Step, values: Array) -> bytes:
    """The GRIB2 message of `values` (point,), in the catalogue's unit, of the run that began at `start`."""
    head = bytearray(form.head)
    head[28:35] = struct.pack(">HBBBBB", start.year, start.month, start.day, start.hour, 0, 0)
    time = form.section4 + 18
    head[time : time + 4] = struct.pack(">I", step.start)
    if form.interval:
        at = form.section4 + form.interval
        head[at : at + 7] = _interval_octets(start, step)
        head[at + 15 : at + 19] = struct.pack(">I", step.end - step.start)
    packed, reference, exponent = _pack(values if form.present is None else values[form.present], form)
    scale = -exponent | 0x8000 if exponent < 0 else exponent
    at = form.section5 + 11
    head[at : at + 8] = struct.pack(">fHH", reference, scale, 0)
    body = struct.pack(">IB", len(packed) + 5, 7) + packed
    head[8:16] = struct.pack(">Q", len(head) + len(form.tail) + len(body) + 4)
    return b"".join((head, form.tail, body, b"7777"))


def _pack(values: Array, form: Template) -> tuple[bytes, float, int]:
    """Simple packing: octets, reference value and binary exponent."""
    native = values * np.float32(form.factor)
    low, high = float(native.min()), float(native.max())
    reference = float(np.float32(low))
    if reference > low:
        reference = float(np.nextafter(np.float32(low), np.float32(-np.inf)))
    span = max(high - reference, 1e-12)
    exponent = int(np.ceil(np.log2(span / ((1 << form.bits) - 1))))
    numbers = (native - np.float32(reference)) * np.float32(2.0**-exponent) + np.float32(0.5)
    if form.bits == 16:
        return np.minimum(numbers, 65535.0).astype(">u2").tobytes(), reference, exponent
    return _twelve_bits(np.minimum(numbers, 4095.0).astype(np.uint32)), reference, exponent


def _twelve_bits(numbers: NDArray[np.uint32]) -> bytes:
    """Two numbers in three octets."""
    even = np.append(numbers, np.uint32(0)) if numbers.size % 2 else numbers
    pairs = (even[::2] << 12 | even[1::2]).astype(">u4")
    return pairs.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()[: (numbers.size * 12 + 7) // 8]
