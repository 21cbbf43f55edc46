"""Encoding whole Zarr v3 shards: blosc(zstd) inner chunks and their index, as the Zarr sharding codec lays them out.

zarr-python spends 3 ms of bookkeeping on what takes 1 ms of compression here; the bytes are its format, and it reads
them back in the tests.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import Any

import google_crc32c
import numcodecs.blosc
import numcodecs.zstd
import numpy as np
from numpy.typing import NDArray

# Threads of blosc finish in any order, and the same data must always become the same bytes.
numcodecs.blosc.use_threads = False

_ABSENT = 2**64 - 1  # in a shard's index: the chunk is not there
_BLOCK_BYTES = 2**18
"""A chunk is one block: blosc's own choice, small blocks, costs half as much time again and compresses less."""
_SETTINGS = (b"zstd", 1, numcodecs.blosc.BITSHUFFLE, _BLOCK_BYTES)

_HEADER = struct.Struct("<4B5I")
"""Before the one block of a chunk of blosc: form; bytes of chunk and block uncompressed, and of all compressed; where
the block's stream begins, and its bytes (c-blosc's README_CHUNK_FORMAT)."""
_FORM = 2, 1, 0x94, 4
"""Versions of blosc and of its zstd; flags: zstd, one stream, bits shuffled; bytes of a value."""


def codecs(inner: Sequence[int]) -> list[dict[str, Any]]:
    """The `codecs` of `zarr.json` for what `encode_chunks` makes of inner chunks of the shape `inner`."""
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    blosc = {"cname": "zstd", "clevel": 1, "shuffle": "bitshuffle", "typesize": 4, "blocksize": _BLOCK_BYTES}
    sharding = {
        "chunk_shape": list(inner),
        "codecs": [little, {"name": "blosc", "configuration": blosc}],
        "index_codecs": [little, {"name": "crc32c"}],
        "index_location": "end",
    }
    return [{"name": "sharding_indexed", "configuration": sharding}]


def round_to_precision(values: NDArray[np.float32], precision: float) -> NDArray[np.float32]:
    """Values rounded to a power of two that keeps the error within `precision` (in the values' units); any shape.

    The low bits become zero, which is what compresses. Zero or negative precision keeps the values.
    """
    if precision <= 0:
        return values
    quantum = _quantum(precision)
    rounded = np.empty(values.shape, np.float32)
    np.divide(values, quantum, out=rounded)
    np.rint(rounded, out=rounded)
    rounded *= quantum
    rounded += np.float32(0)  # no negative zero
    return rounded


def _quantum(precision: float) -> np.float32:
    return np.float32(2.0 ** math.floor(math.log2(2 * precision)))


def encode_chunks(values: NDArray[np.float32], inner: Sequence[int], precision: float) -> dict[tuple[int, ...], bytes]:
    """The bytes of each inner chunk of `values`, rounded to `precision`, by its position.

    Chunks that reach over the end of `values` are filled up with NaN, as readers expect.
    """
    return {position: _compressed(chunk, precision) for position, chunk in _chunks(values, inner)}


def _compressed(chunk: NDArray[np.float32], precision: float) -> bytes:
    """What blosc makes of a rounded chunk, in four fifths of its time."""
    from pipeline.products.bit_planes import GROUP, rounded_planes  # readers need not wait for numba

    size = chunk.nbytes
    if precision > 0 and chunk.size % GROUP == 0 and size <= _BLOCK_BYTES:
        planes = np.empty(size, np.uint8)
        rounded_planes(chunk.reshape(-1), _quantum(precision), planes)
        block = numcodecs.zstd.compress(planes, 1)
        if len(block) + _HEADER.size < size:
            return _HEADER.pack(*_FORM, size, size, len(block) + _HEADER.size, _HEADER.size - 4, len(block)) + block
    return bytes(numcodecs.blosc.compress(np.ascontiguousarray(round_to_precision(chunk, precision)), *_SETTINGS))


def join(chunks: Mapping[tuple[int, ...], bytes], inner: Sequence[int], shard: Sequence[int]) -> bytes:
    """The bytes of one shard of encoded inner chunks, in the order of their positions."""
    index = np.full([*(size // step for size, step in zip(shard, inner, strict=True)), 2], _ABSENT, dtype="<u8")
    ordered = sorted(chunks)
    sizes = [len(chunks[position]) for position in ordered]
    for position, size, end in zip(ordered, sizes, accumulate(sizes), strict=True):
        index[position] = end - size, size
    table = index.tobytes()
    checksum = google_crc32c.value(table).to_bytes(4, "little")
    return b"".join([*(chunks[position] for position in ordered), table, checksum])


def decode(data: bytes, inner: Sequence[int], shard: Sequence[int]) -> NDArray[np.float32]:
    """The values of one shard, (shard...), NaN where nothing was written; ValueError if its bytes are damaged."""
    return _fill(data, 0, _index(data, inner, shard), inner)


def decode_leads(
    read: Callable[[int, int], bytes], size: int, inner: Sequence[int], shard: Sequence[int], leads: slice
) -> NDArray[np.float32]:
    """The same of the leads `leads` alone, (..., lead, row, longitude), of a shard of `size` bytes that `read` reads.

    `read` gives the bytes from a start to an end; it is asked for the index and for the chunks of these leads.
    """
    index = _index(read(max(0, size - _index_length(inner, shard)), size), inner, shard)
    step = inner[-3]
    first = leads.start // step
    index = index[..., first : -(-leads.stop // step), :, :, :]
    offsets, sizes = index[..., 0].astype(np.int64), index[..., 1].astype(np.int64)
    there = index[..., 0] != _ABSENT
    start, end = (int(offsets[there].min()), int((offsets + sizes)[there].max())) if there.any() else (0, 0)
    values = _fill(read(start, end), start, index, inner)
    return values[..., leads.start - first * step : leads.stop - first * step, :, :]


def _index_length(inner: Sequence[int], shard: Sequence[int]) -> int:
    return 16 * math.prod(size // step for size, step in zip(shard, inner, strict=True)) + 4


def _index(end: bytes, inner: Sequence[int], shard: Sequence[int]) -> NDArray[np.uint64]:
    """Offset and size of each chunk, (position..., 2), out of the end of a shard's bytes."""
    counts = [size // step for size, step in zip(shard, inner, strict=True)]
    length = _index_length(inner, shard)
    table, checksum = end[-length:-4], end[-4:]
    if len(table) != length - 4 or google_crc32c.value(table).to_bytes(4, "little") != checksum:
        raise ValueError("expected the index of a shard at its end; found other bytes, the object is damaged")
    return np.frombuffer(table, "<u8").reshape([*counts, 2])


def _fill(data: bytes, start: int, index: NDArray[np.uint64], inner: Sequence[int]) -> NDArray[np.float32]:
    """The values of the chunks in `index`, whose offsets are `start` bytes further on than in `data`."""
    counts = index.shape[:-1]
    values = np.empty([count * step for count, step in zip(counts, inner, strict=True)], np.float32)
    for position in product(*(range(count) for count in counts)):
        offset, size = index[position].tolist()
        part = values[tuple(slice(i * step, (i + 1) * step) for i, step in zip(position, inner, strict=True))]
        if offset == _ABSENT:
            part[...] = np.nan
            continue
        block = data[offset - start : offset - start + size]
        part[...] = np.frombuffer(numcodecs.blosc.decompress(block), "<f4").reshape(inner)
    return values


def _chunks(values: NDArray[np.float32], inner: Sequence[int]) -> Iterator[tuple[tuple[int, ...], NDArray[np.float32]]]:
    counts = [-(-size // step) for size, step in zip(values.shape, inner, strict=True)]
    for position in product(*(range(count) for count in counts)):
        part = values[tuple(slice(i * step, (i + 1) * step) for i, step in zip(position, inner, strict=True))]
        if part.shape == tuple(inner):
            yield position, part
        else:
            chunk = np.full(inner, np.nan, dtype=np.float32)
            chunk[tuple(slice(size) for size in part.shape)] = part
            yield position, chunk
