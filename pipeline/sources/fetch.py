"""Fetches just the wanted messages of a feed's file and decodes them; what fails is repeated, then named."""

from __future__ import annotations

import bz2
import hashlib
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources.base import Source
from pipeline.sources.decode import Field, decode
from pipeline.sources.geometry import Coordinates
from pipeline.sources.index import IndexEntry, IndexFormatError, coalesce, parse_ecmwf, parse_ncep
from pipeline.sources.messages import GribError, split
from pipeline.sources.unpack import unpack
from pipeline.store import ObjectChanged

# A range request costs about as much as this many bytes of a stream.
RANGE_GAP = 256 * 1024
NO_FILE = "no file"
"""Begins the reason of a fault where the file is not there, or not yet."""
_FIRST_WAIT_SECONDS = 0.25
_LARGEST_FIELD = 2**27  # bytes: MOST_POINTS of 32 bits


class Bucket(Protocol):
    """What is needed of a store; see `pipeline.store.Store`."""

    def read(self, key: str) -> bytes: ...
    def read_range(self, key: str, start: int, end: int, tag: str | None = None) -> bytes: ...
    def version(self, key: str) -> tuple[int, str | None]: ...
    def size(self, key: str) -> int: ...
    def exists(self, key: str) -> bool: ...


@dataclass(frozen=True)
class Request:
    """What is wanted of one file: its parameters, of every member it holds unless `member` is given."""

    cycle: Cycle
    lead: int
    parameters: tuple[Parameter, ...]
    member: int | None = None
    product: str = "forecast"


@dataclass(frozen=True)
class Fault:
    """Why a parameter is missing; `data`: the bytes that could not be used, if there are any."""

    parameter: str
    lead: int
    reason: str
    data: bytes = b""
    member: int | None = None


@dataclass
class Delivery:
    """What one or more files gave: fields, faults and the checksum of the bytes fetched of each key."""

    fields: list[Field] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    checksums: dict[str, str] = field(default_factory=dict)


def fetch(
    bucket: Bucket,
    source: Source,
    request: Request,
    *,
    coordinates: Coordinates | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Delivery:
    """The fields of one lead (and member) of a source; faults instead of exceptions for what is missing or damaged.

    A damaged file is fetched again, with growing waits, until the source's deadline or until it has stopped
    changing. A file that is not there is a fault at once: choosing the cycle has already waited for it.
    """
    if source.index == "none":
        parts = [
            _attempts(bucket, source, _one(request, parameter), coordinates, sleep) for parameter in request.parameters
        ]
        return merge(parts)
    return _attempts(bucket, source, request, coordinates, sleep)


def merge(parts: Iterable[Delivery]) -> Delivery:
    """All deliveries as one."""
    whole = Delivery()
    for part in parts:
        whole.fields += part.fields
        whole.faults += part.faults
        whole.checksums |= part.checksums
    return whole


def _one(request: Request, parameter: Parameter) -> Request:
    return Request(request.cycle, request.lead, (parameter,), request.member, request.product)


def _attempts(
    bucket: Bucket,
    source: Source,
    request: Request,
    coordinates: Coordinates | None,
    sleep: Callable[[float], None],
) -> Delivery:
    wait, waited, before = _FIRST_WAIT_SECONDS, 0.0, ""
    while True:
        delivery = _attempt(bucket, source, request, coordinates)
        damaged = "|".join(hashlib.sha1(fault.data).hexdigest() for fault in delivery.faults if fault.data)
        if not damaged or damaged == before or waited + wait > source.deadline_seconds:
            return delivery
        sleep(wait)
        before, waited, wait = damaged, waited + wait, wait * 2


def _attempt(bucket: Bucket, source: Source, request: Request, coordinates: Coordinates | None) -> Delivery:
    delivery = Delivery()
    key = source.key(
        request.cycle,
        request.lead,
        member=request.member,
        parameter=request.parameters[0].name if source.index == "none" else "",
        product=request.product,
    )
    checksum = hashlib.sha256()
    try:
        if source.index == "none":
            data = bucket.read(key)
            checksum.update(data)
            pieces = [(request.parameters[0], request.member, data)]
        else:
            pieces = _indexed(bucket, source, request, key, delivery, checksum.update)
    except FileNotFoundError:
        delivery.faults += [_fault(request, parameter, f"{NO_FILE} {key}") for parameter in request.parameters]
        return delivery
    delivery.checksums[key] = checksum.hexdigest()
    for parameter, member, data in pieces:
        try:
            delivery.fields.append(_read(source, request, parameter, member, data, coordinates))
        except GribError as error:
            delivery.faults.append(Fault(parameter.name, request.lead, f"{key}: {error}", data, member))
    return delivery


def _fault(request: Request, parameter: Parameter, reason: str, data: bytes = b"") -> Fault:
    return Fault(parameter.name, request.lead, reason, data, request.member)


Piece = tuple[Parameter, int | None, bytes]


def _indexed(
    bucket: Bucket,
    source: Source,
    request: Request,
    key: str,
    delivery: Delivery,
    checksum: Callable[[bytes], None],
) -> list[Piece]:
    """Bytes of each wanted message; parameters that the index lacks, or that lie behind the file's end, as faults."""
    index = bucket.read(source.index_key(key))
    size, tag = bucket.version(key)
    try:
        text = index.decode("utf-8", "replace")
        entries = parse_ncep(text, size, whole=False) if source.index == "ncep" else parse_ecmwf(text)
    except IndexFormatError as error:
        delivery.faults += [
            _fault(request, parameter, f"{source.index_key(key)}: {error}", index) for parameter in request.parameters
        ]
        return []
    by_name: dict[str, list[IndexEntry]] = {}
    for entry in entries:
        by_name.setdefault(entry.name, []).append(entry)
    wanted: list[tuple[Parameter, IndexEntry]] = []
    for parameter in request.parameters:
        chosen = choose(by_name, source, request, parameter)
        if not chosen:
            delivery.faults.append(_fault(request, parameter, f"not in {source.index_key(key)}"))
        for entry in chosen:
            reason = _cannot_be_read(key, entry, size)
            if reason:
                delivery.faults.append(Fault(parameter.name, request.lead, reason, index, entry.member))
            else:
                wanted.append((parameter, entry))
    blocks = {}
    try:
        for start, end in coalesce([entry for _, entry in wanted], RANGE_GAP):
            blocks[start] = bucket.read_range(key, start, end, tag)
            checksum(blocks[start])
    except ObjectChanged as error:
        delivery.faults += [_fault(request, row, str(error), str(tag).encode()) for row, _ in wanted]
        return []
    starts = sorted(blocks)
    return [(parameter, entry.member, _slice(blocks, starts, entry)) for parameter, entry in wanted]


def _cannot_be_read(key: str, entry: IndexEntry, size: int) -> str:
    """Why a message is not read that an index places in a file of so many bytes; empty if it is."""
    if entry.end > size or entry.end <= entry.start:
        return f"{key} is cut off: the message needs bytes up to {entry.end}, the file has {size}"
    if entry.end - entry.start > _LARGEST_FIELD:
        return f"{key}: expected a field; its index gives it {entry.end - entry.start} bytes"
    return ""


def _slice(blocks: dict[int, bytes], starts: list[int], entry: IndexEntry) -> bytes:
    begin = max(start for start in starts if start <= entry.start)
    return blocks[begin][entry.start - begin : entry.end - begin]


def choose(
    entries: Mapping[str, Sequence[IndexEntry]], source: Source, request: Request, parameter: Parameter
) -> list[IndexEntry]:
    """The messages to fetch for a parameter, one a member, or the wanted member's: best name first, then the statistic.

    entries: those of the index, by name. Of several intervals the longest is taken where the source counts from the
    start, as only these can be subtracted at any lead; else the shortest, which needs the least subtraction.
    """
    suitable = _SUITABLE.get(parameter.kind, ("", "mean"))
    for name in source.names(parameter):
        by_member: dict[int | None, IndexEntry] = {}
        for entry in entries.get(name, ()):
            if entry.step is None or entry.step[1] != request.lead or entry.statistic not in suitable:
                continue
            if request.member is not None and entry.member not in (request.member, None):
                continue
            known = by_member.get(entry.member)
            if known is None or _prefers(source, entry, known):
                by_member[entry.member] = entry
        if by_member:
            return list(by_member.values())
    return []


def _prefers(source: Source, entry: IndexEntry, known: IndexEntry) -> bool:
    assert entry.step is not None
    assert known.step is not None
    from_start = source.accumulates_from_start and "sum" in (entry.statistic, known.statistic)
    return entry.step[0] < known.step[0] if from_start else entry.step[0] > known.step[0]


_SUITABLE = {
    "accumulation": ("sum", ""),
    "interval_mean": ("mean", "sum", ""),
    "interval_maximum": ("maximum", ""),
    "interval_minimum": ("minimum", ""),
}


def _read(
    source: Source,
    request: Request,
    parameter: Parameter,
    member: int | None,
    data: bytes,
    coordinates: Coordinates | None,
) -> Field:
    """The field in the bytes of one message, checked against what was asked for."""
    data = _plain(source, data)
    reasons: list[str] = []
    found: list[str] = []
    for candidate in decode(data, coordinates=coordinates, refused=reasons.append):
        if (
            candidate.parameter == parameter.name
            and candidate.end_hours == request.lead
            and candidate.init_time == request.cycle.init_time
            and (member is None or candidate.member is None or candidate.member == member)
        ):
            if np.isnan(candidate.values).all():
                raise GribError(f"{parameter.name} has no value anywhere")
            return candidate
        found.append(f"{candidate.parameter} from {candidate.init_time:%Y%m%dT%HZ} at {candidate.end_hours:g} h")
    raise GribError(
        f"expected {parameter.name} from {request.cycle} at {request.lead} h; found {'; '.join(found + reasons)}"
    )


def _plain(source: Source, data: bytes) -> bytes:
    if source.compression == "bz2":
        try:
            with bz2.open(io.BytesIO(data)) as file:
                plain = file.read(_LARGEST_FIELD + 1)
        except (OSError, ValueError, EOFError) as error:
            raise GribError(f"expected bzip2 data; {error}") from None
        if len(plain) > _LARGEST_FIELD:
            raise GribError(f"expected a field; found more than {_LARGEST_FIELD} bytes in {len(data)}")
        return plain
    return data


def unpacked(source: Source, data: bytes) -> NDArray[np.float32]:
    """Values of the first message of a file of the source, whatever it is: for coordinates and static fields."""
    return unpack(next(split(_plain(source, data))))


def message_named(bucket: Bucket, source: Source, key: str, name: str) -> bytes:
    """The message that the NCEP index of the file `key` calls `name`; FileNotFoundError, IndexFormatError, KeyError."""
    entries = parse_ncep(bucket.read(source.index_key(key)).decode("utf-8", "replace"), bucket.size(key))
    entry = next((entry for entry in entries if entry.name == name), None)
    if entry is None:
        raise KeyError(f"no message {name!r} in {source.index_key(key)}")
    return bucket.read_range(key, entry.start, entry.end)
