"""Writes the files of a job: GRIB2 messages and the index beside them, under the keys of the real buckets."""

from __future__ import annotations

import bz2
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from pipeline.cycle import Cycle
from pipeline.parameters import INTERVAL_KINDS, blended
from pipeline.sources import Source
from pipeline.world import ensemble, index, templates
from pipeline.world.encode import Step, message
from pipeline.world.feeds import FEEDS
from pipeline.world.forecasts import Run, instant
from pipeline.world.geography import geography
from pipeline.world.grids import NativeGrid
from pipeline.world.index import Entry, Place
from pipeline.world.intervals import interval
from pipeline.world.levels import Array
from pipeline.world.schedule import Job
from pipeline.world.state import DIRECTIONS, INSTANT, World


@dataclass
class Writer:
    """Writes objects below `root` and counts messages and octets."""

    root: Path
    messages: int = 0
    octets: int = 0
    folders: set[Path] = field(default_factory=set)

    def put(self, source: Source, key: str, data: bytes) -> None:
        """Write one object of a source's bucket."""
        path = self.root / source.folder / key
        if path.parent not in self.folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.folders.add(path.parent)
        path.write_bytes(data)
        self.octets += len(data)


def write_job(world: World, writer: Writer, job: Job) -> None:
    """Write every file of a job."""
    source = FEEDS[job.source]
    if source.role == "ensemble":
        for lead in job.leads:
            _write_members(world, writer, job, lead)
        return
    run = Run(job.source, job.start, job.day)
    for lead in (*job.further, *job.leads):
        place = Place(Cycle(job.start), lead, 1, 0)
        when = run.start + timedelta(hours=lead)
        fields = instant(world, run, when, _columns(run.source)) if lead in job.leads else {}
        values = dict(_values(world, run, job, lead, fields))
        if source.role == "analysis" and lead:  # of its short forecast only the intervals are asked for
            values = {name: found for name, found in values.items() if blended()[name].kind in INTERVAL_KINDS}
        _write(writer, source, place, _entries(run, values))
        if "spread" in source.products and lead in job.leads:
            spread = ensemble.expected_spread(world, run, when, {name: row for name, (_, row) in values.items()})
            entries = _entries(run, {name: (values[name][0], row) for name, row in spread.items()}, "spread")
            _write(writer, source, replace(place, product="spread"), entries)


@lru_cache(maxsize=64)
def _columns(name: str) -> tuple[str, ...]:
    """Columns of the truth that a source's parameters follow from."""
    wanted = set(FEEDS[name].carries)
    if wanted & {"wind_speed_10m", "wind_gust"}:
        wanted |= {"eastward_wind_10m", "northward_wind_10m"}
    if wanted & {"temperature_2m_maximum", "dew_point_temperature_2m"}:
        wanted |= {"temperature_2m"}
    wanted |= {part for name in wanted & set(DIRECTIONS) for part in DIRECTIONS[name]}
    return tuple(column for column in INSTANT if column in wanted)


def _values(
    world: World, run: Run, job: Job, lead: int, fields: dict[str, Array]
) -> Iterator[tuple[str, tuple[Step, Array]]]:
    """(name, (step, values)) of every parameter at a lead, in the order of the catalogue."""
    for wanted in FEEDS[run.source].parameters():
        if templates.statistic_of(run.source, wanted):
            found = interval(world, run, job, wanted, lead, fields)
            if found is not None:
                yield wanted.name, found
        elif wanted.name in fields:
            yield wanted.name, (Step(lead, lead), fields[wanted.name])


def _entries(
    run: Run, values: dict[str, tuple[Step, Array]], product: str = "forecast", member: int | None = None
) -> list[Entry]:
    wind = _along_grid(run.grid, values)
    return [
        Entry(
            row,
            message(templates.template(run.source, row.name, product, member), run.start, *wind[row.name]),
            wind[row.name][0],
            templates.statistic_of(run.source, row),
        )
        for row in FEEDS[run.source].parameters()
        if row.name in values
    ]


def _along_grid(grid: NativeGrid, values: dict[str, tuple[Step, Array]]) -> dict[str, tuple[Step, Array]]:
    """The values with winds turned to the axes of a projected grid."""
    if grid.turn is None:
        return values
    cosine, sine = grid.turn
    turned = dict(values)
    for name, (step, east) in values.items():
        partner = name.replace("eastward", "northward")
        if partner != name and partner in values:
            north = values[partner][1]
            turned[name] = step, cosine * east - sine * north
            turned[partner] = step, sine * east + cosine * north
    return turned


def _write_members(world: World, writer: Writer, job: Job, lead: int) -> None:
    """Files of all members at a lead: the probabilistic parameters."""
    source, mean = FEEDS[job.source], Run("gefs_mean", job.start, job.day)
    run = Run(job.source, job.start, job.day)
    names = [row.name for row in source.parameters() if row.probabilistic]
    columns = tuple(name for name in names if name in INSTANT or (name == "precipitation" and lead))
    raw = ensemble.members(world, mean, job.start + timedelta(hours=lead), columns)
    six_hours, moment = Step(max(lead - 6, 0), lead), Step(lead, lead)
    for member, fields in raw.items():
        values = {
            name: (six_hours if name == "precipitation" else moment, row)
            for name, row in fields.items()
            if name in names
        }
        place = Place(Cycle(job.start), lead, 1, 0, member)
        _write(writer, source, place, _entries(run, values, "forecast", member))


def _write(writer: Writer, source: Source, place: Place, entries: Sequence[Entry]) -> None:
    """Write the messages of one lead: one file with its index, or a file a parameter."""
    writer.messages += len(entries)
    if source.index == "none":
        for entry in entries:
            octets = bz2.compress(entry.data, 1) if source.compression == "bz2" else entry.data
            writer.put(source, source.key(place.cycle, place.lead, parameter=entry.parameter.name), octets)
        return
    parts: list[bytes] = []
    lines: list[str] = []
    offset = 0
    for entry in entries:
        lines.append(index.line(source, entry, replace(place, number=len(lines) + 1, offset=offset)))
        parts.append(entry.data)
        offset += len(entry.data)
    for name, data in _static_messages(source, place):
        lines.append(index.analysis_line(name, replace(place, number=len(lines) + 1, offset=offset)))
        parts.append(data)
        offset += len(data)
    key = source.key(place.cycle, place.lead, member=place.member, product=place.product)
    writer.put(source, key, b"".join(parts))
    writer.put(source, source.index_key(key), ("\n".join(lines) + "\n").encode())


def _static_messages(source: Source, place: Place) -> list[tuple[str, bytes]]:
    """Orography and land of the analysis at its start."""
    if source.name != "gdas" or place.lead:
        return []
    static = geography()
    values = {"HGT:surface": ("surface_altitude", static.altitude), "LAND:surface": ("land_area_fraction", static.land)}
    start = place.cycle.init_time
    return [
        (name, message(templates.template("gdas", template), start, Step(0, 0), field.ravel()))
        for name, (template, field) in values.items()
    ]


def write_coordinates(writer: Writer, source: Source, cycle: Cycle) -> None:
    """The files of latitude and longitude that an unstructured grid needs, one of each a cycle."""
    for name in source.coordinate_files:
        data = templates.coordinate_message(source.name, name, cycle.init_time)
        writer.put(source, source.key(cycle, 0, parameter=name), bz2.compress(data, 1))
        writer.messages += 1
