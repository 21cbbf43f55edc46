"""GRIB files of any centre, filed under a source: the way in for data that do not come from a bucket."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline.cycle import Cycle
from pipeline.sources import Source, source_named
from pipeline.sources.decode import Field, decode, earth_winds
from pipeline.sources.fetch import Delivery
from pipeline.sources.geometry import Coordinates
from pipeline.sources.messages import GribError, split
from pipeline.sources.unpack import unpack
from pipeline.steps import Deployment
from pipeline.steps.assemble import with_speeds
from pipeline.steps.ingest_common import write_run

# DWD's local parameters that hold the coordinates of its unstructured grids: (discipline, category, number).
_COORDINATES = {(0, 191, 1): "latitude", (0, 191, 2): "longitude"}
_REASONS_SHOWN = 3
LEAST_POINTS = 4


def ingest_files(deployment: Deployment, source_name: str, files: Iterable[Path | str]) -> Iterator[str]:
    """Decode files, file their fields under the source, one input store a start; yields a line a file and a store.

    Files may be GRIB 1 or 2, also compressed by gzip or bzip2, or in a tar archive. A file that holds nothing usable
    gets a line that says why. Raises ValueError for an unknown source or one without files, and at the end if no file
    held anything.
    """
    source = source_named(source_name)
    if source.role == "persistence":
        raise ValueError(f"{source_name} takes no files, it is read from the analyses; name a feed")
    named = [Path(file) for file in files]
    coordinates = _coordinates(named)
    runs: dict[Cycle, list[Field]] = {}
    line = ""
    for file in named:
        fields, line = read_file(file, coordinates)
        for field in fields:
            runs.setdefault(Cycle(field.init_time), []).append(field)
        if runs or len(named) > 1:
            yield line
    if not runs:
        if len(named) == 1:
            raise ValueError(line)
        raise ValueError(f"none of the {len(named)} files holds a parameter of the catalogue on a usable grid")
    for cycle, fields in sorted(runs.items()):
        yield from _store(deployment, source, cycle, fields)


def contents(file: Path) -> list[bytes]:
    """The bytes of a file, or of the members of an archive, without compression; GribError if they cannot be had."""
    try:
        data = file.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:3] == b"BZh":
            data = bz2.decompress(data)
        if data[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                parts = [archive.extractfile(member) for member in archive.getmembers() if member.isfile()]
                return [part.read() for part in parts if part is not None]
    except IsADirectoryError:
        raise GribError("expected a file; found a folder") from None
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError) as error:
        raise GribError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return [data]


def read_file(file: Path, coordinates: Coordinates | None = None) -> tuple[list[Field], str]:
    """The usable fields of a file, winds turned to earth, and one line that says what was found and what was not."""
    fields: list[Field] = []
    reasons: Counter[str] = Counter()
    broken = ""
    try:
        for data in contents(file):
            fields += decode(data, coordinates=coordinates, refused=lambda reason: reasons.update([reason]))
    except GribError as error:
        broken = str(error)
    fields, turned_away = earth_winds(fields)
    reasons.update(f"{field.parameter} is {reason}" for field, reason in turned_away)
    obstacles = [_obstacle(field) for field in fields]
    reasons.update(obstacle for obstacle in obstacles if obstacle)
    whole = [field for field, obstacle in zip(fields, obstacles, strict=True) if not obstacle]
    return whole, _line(file, whole, reasons, broken)


def _obstacle(field: Field) -> str:
    """Why a field cannot be filed; empty if it can."""
    moment = field.init_time
    if moment.minute or moment.second or not float(field.end_hours).is_integer():
        return f"{field.parameter} is not at a full hour"
    if len(field.values) < LEAST_POINTS:
        return f"{field.parameter} has {len(field.values)} points, too few for a grid"
    return ""


def _line(file: Path, fields: Sequence[Field], reasons: Counter[str], broken: str) -> str:
    held = len({field.parameter for field in fields})
    parts = [f"{len(fields)} fields of {held} parameters" if fields else "nothing usable"]
    if broken:
        parts.append(broken)
    if reasons:
        shown = "; ".join(reason for reason, _ in reasons.most_common(_REASONS_SHOWN))
        more = f"; and {len(reasons) - _REASONS_SHOWN} more kinds" if len(reasons) > _REASONS_SHOWN else ""
        parts.append(f"{sum(reasons.values())} messages left out ({shown}{more})")
    return f"{file}: {', '.join(parts)}"


def _coordinates(files: Sequence[Path]) -> Coordinates | None:
    """Coordinates of an unstructured grid, if DWD's files of them are among the files."""
    found = {}
    for file in files:
        if not any(name in file.name.lower() for name in ("clat", "clon")):
            continue
        message = next(split(contents(file)[0]))
        product = message.section(4)
        kind = _COORDINATES.get((message.data[6], product[9], product[10])) if message.edition == 2 else None
        if kind:
            found[kind] = unpack(message).astype(np.float64)
    return (found["latitude"], found["longitude"]) if len(found) == 2 else None


def _store(deployment: Deployment, source: Source, cycle: Cycle, fields: Sequence[Field]) -> Iterator[str]:
    """Write the input store of one start from its fields, in place of one that is there."""
    kept, dropped = _one_each(fields)
    key = write_run(deployment, source, cycle, Delivery(kept))
    leads = sorted({int(field.end_hours) for field in kept})
    names = {field.parameter for field in kept}
    span = f"{leads[0]} h" if len(leads) == 1 else f"{len(leads)} leads from {leads[0]} to {leads[-1]} h"
    rest = f"; {dropped} further fields of the same times (members, other grids) left out" if dropped else ""
    yield f"{key}: {len(names)} parameters at {span}{rest}"


def _one_each(fields: Sequence[Field]) -> tuple[list[Field], int]:
    """One field a parameter and interval, all of a parameter on its most common grid; and how many others there were.

    Of several members the first is kept: an input store holds one forecast. Wind speeds are added.
    """
    grids: dict[str, Counter[str]] = {}
    for field in fields:
        grids.setdefault(field.parameter, Counter())[field.geometry.key] += 1
    kept: dict[tuple[object, ...], Field] = {}
    for field in sorted(fields, key=lambda field: -1 if field.member is None else field.member):
        if field.geometry.key == grids[field.parameter].most_common(1)[0][0]:
            product = "spread" if field.product == "spread" else "forecast"
            kept.setdefault((field.parameter, product, field.start_hours, field.end_hours), field)
    return with_speeds(list(kept.values())), len(fields) - len(kept)
