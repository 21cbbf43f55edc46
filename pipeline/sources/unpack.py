"""Values of a message. Simple packing, which most feeds use, is unpacked here; ecCodes unpacks the rest."""

from __future__ import annotations

import struct

import eccodes
import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.sources.messages import GribError, Message
from pipeline.sources.naming import with_handle

MISSING = -1.5e300
MOST_POINTS = 2**25
"""Of a message, which is refused before memory is taken for more; a global grid of 0.05 degrees has 26 million."""
_SIMPLE, _NO_BITMAP, _OWN_BITMAP = 0, 255, 0


def unpack(message: Message, factor: float = 1.0) -> NDArray[np.float32]:
    """(n,) values times `factor`, NaN where the message has none; GribError if they cannot be unpacked."""
    if _declared(message) > MOST_POINTS:
        raise GribError(f"the message is damaged: it declares {_declared(message)} points, of {MOST_POINTS} at most")
    values = _simple(message, factor) if message.edition == 2 else None
    return with_handle(message, lambda handle: _through_eccodes(handle, factor)) if values is None else values


def _declared(message: Message) -> int:
    """How many points or values the header says there are; ecCodes believes it."""
    if message.edition == 1:
        return with_handle(message, lambda handle: int(eccodes.codes_get_long(handle, "numberOfDataPoints")))
    return max(int.from_bytes(message.section(3)[6:10], "big"), int.from_bytes(message.section(5)[5:9], "big"))


def _through_eccodes(handle: int, factor: float) -> NDArray[np.float32]:
    eccodes.codes_set_double(handle, "missingValue", MISSING)
    values = eccodes.codes_get_double_array(handle, "values")
    values[values == MISSING] = np.nan
    return (values * factor).astype(np.float32)


def _simple(message: Message, factor: float) -> NDArray[np.float32] | None:
    """GRIB2 simple packing (template 5.0): (reference + packed * 2^E) / 10^D; None for any other packing."""
    head, bitmap, data = message.section(5), message.section(6), message.section(7)
    if int.from_bytes(head[9:11], "big") != _SIMPLE or bitmap[5] not in (_NO_BITMAP, _OWN_BITMAP):
        return None
    packed, points = int.from_bytes(head[5:9], "big"), int.from_bytes(message.section(3)[6:10], "big")
    (reference,) = struct.unpack(">f", head[11:15])
    binary, decimal, bits = _signed(head[15:17]), _signed(head[17:19]), head[19]
    if bits > 32 or len(data) - 5 < (packed * bits + 7) // 8:
        raise GribError(f"the message is damaged: {packed} values of {bits} bits in {len(data) - 5} bytes")
    try:
        scale, offset = 2.0**binary * 10.0**-decimal * factor, reference * 10.0**-decimal * factor
    except OverflowError:
        raise GribError(f"the message is damaged: values of scale 2^{binary} / 10^{decimal}") from None
    octets = np.frombuffer(data, np.uint8, offset=5)
    values = np.empty(packed, np.float32)
    if bits == 0:
        values[:] = offset
    else:
        _unpack_bits(octets, bits, scale, offset, values)
    if bitmap[5] == _NO_BITMAP:
        if packed != points:
            raise GribError(f"the message is damaged: {packed} values for {points} points without a bitmap")
        return values
    present = np.unpackbits(np.frombuffer(bitmap, np.uint8, offset=6), count=points).view(bool)
    if int(present.sum()) != packed:
        raise GribError(f"the message is damaged: {packed} values for {int(present.sum())} points in its bitmap")
    result = np.full(points, np.nan, np.float32)
    result[present] = values
    return result


def _signed(octets: bytes) -> int:
    """GRIB's sign and magnitude."""
    value = int.from_bytes(octets, "big")
    return -(value & 0x7FFF) if value & 0x8000 else value


@njit(cache=True, nogil=True)
def _unpack_bits(
    octets: NDArray[np.uint8], bits: int, scale: float, offset: float, values: NDArray[np.float32]
) -> None:  # pragma: no cover
    """values[k] = offset + scale * (the k-th big-endian integer of `bits` bits)."""
    buffer, held, position = np.uint64(0), 0, 0
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    for k in range(len(values)):
        while held < bits:
            buffer = (buffer << np.uint64(8)) | np.uint64(octets[position])
            position += 1
            held += 8
        held -= bits
        values[k] = offset + scale * np.float64((buffer >> np.uint64(held)) & mask)
