"""Writes the files of a job: GRIB2 messages and the index beside them, under the keys of the real buckets."""

from __future__ import annotations

import bz2
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources import SOURCES, Source
from pipeline.world import encode, ensemble
from pipeline.world.encode import Step
from pipeline.world.forecasts import Hours, Run, hourly, instant
from pipeline.world.geography import geography
from pipeline.world.interpolate import sample
from pipeline.world.levels import Array
from pipeline.world.schedule import Job
from pipeline.world.state import INSTANT, WAVE_VECTOR, World

WINDOW_HOURS = {"ecmwf": 3}  # of maxima and minima; the others reduce since the last multiple of six hours
_SUMS = ("precipitation", "convective_precipitation", "snowfall", "surface_downwelling_shortwave_flux",
         "surface_downwelling_longwave_flux")  # fmt: skip
_EXTREMES = {
    "temperature_2m_maximum": ("temperature_2m", np.max, 0.1),
    "temperature_2m_minimum": ("temperature_2m", np.min, -0.1),
    "wind_gust": ("wind_gust", np.max, 0.0),
}


@dataclass
class Writer:
    """Collects messages and writes files below `root`; counts what it wrote."""

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


@dataclass(frozen=True)
class Entry:
    """One message and how the index calls it."""

    parameter: Parameter
    data: bytes
    step: Step
    statistic: str


def write_job(world: World, writer: Writer, job: Job) -> None:
    """Write every file of a job."""
    source = SOURCES[job.source]
    if source.role == "ensemble":
        for lead in job.leads:
            _write_members(world, writer, job, lead)
        return
    run = Run(job.source, job.start, job.day)
    for lead in (*job.further, *job.leads):
        whole = lead in job.leads
        fields = _instant(world, run, lead) if whole else {}
        entries = list(_entries(world, run, job, lead, fields))
        _write(writer, source, Cycle(job.start), lead, entries)
        if "spread" in source.products and whole:
            expected = ensemble.expected_spread(world, run, run.start + timedelta(hours=lead), fields)
            spread = list(_spread_entries(source, run, lead, expected))
            _write(writer, source, Cycle(job.start), lead, spread, product="spread")


@lru_cache(maxsize=64)
def _columns(name: str) -> tuple[str, ...]:
    source = SOURCES[name]
    wanted = set(source.carries)
    if "wind_speed_10m" in wanted or "wind_gust" in wanted:
        wanted |= {"eastward_wind_10m", "northward_wind_10m"}
    if wanted & {"temperature_2m_maximum", "dew_point_temperature_2m"}:
        wanted |= {"temperature_2m"}
    if "wave_direction" in wanted:
        wanted |= set(WAVE_VECTOR)
    return tuple(column for column in INSTANT if column in wanted)


def _instant(world: World, run: Run, lead: int) -> dict[str, Array]:
    return instant(world, run, run.start + timedelta(hours=lead), _columns(run.source))


def _block(run: Run, lead: int, job: Job) -> tuple[datetime, int]:
    """End of the block of the job that `lead` belongs to, and the hour in it; a lead at its start is hour 0."""
    last = run.start + timedelta(hours=job.leads[-1])
    end = last if last.hour % 6 == 0 else _ceil(last)
    when = run.start + timedelta(hours=lead)
    if when <= end - timedelta(hours=6):
        own = _ceil(when)
        return (end, 0) if when == end - timedelta(hours=6) and not job.exact else (own, 6 - _hours(own - when))
    return end, 6 - _hours(end - when)


def _ceil(when: datetime) -> datetime:
    from pipeline.world.schedule import block_end

    return block_end(when)


def _hours(delta: timedelta) -> int:
    return int(delta.total_seconds() // 3600)


def _entries(world: World, run: Run, job: Job, lead: int, fields: dict[str, Array]) -> Iterator[Entry]:
    """The messages of one lead in the order of the catalogue."""
    source = SOURCES[run.source]
    end, hour = _block(run, lead, job)
    reduced = hourly(world, run, end) if lead and any(encode.statistic_of(run.source, p) for p in source.parameters()) else None
    for wanted in source.parameters():
        statistic = encode.statistic_of(run.source, wanted)
        if not statistic and wanted.name in fields:
            step, values = Step(lead, lead), fields[wanted.name]
        elif statistic and reduced is not None:
            found = _interval(world, run, job, wanted, lead, (reduced, hour))
            if found is None:
                continue
            step, values = found
            if wanted.name in _EXTREMES and fields:
                limit = np.minimum if wanted.name.endswith("minimum") else np.maximum
                values = limit(values, fields[_EXTREMES[wanted.name][0]])
        else:
            continue
        form = encode.template(run.source, wanted.name)
        yield Entry(wanted, encode.message(form, run.start, step, values), step, statistic)


def _interval(
    world: World, run: Run, job: Job, wanted: Parameter, lead: int, block: tuple[Hours, int]
) -> tuple[Step, Array] | None:
    """The interval and the reduced values of a parameter at a lead; None where the interval is not in the block."""
    hours, hour = block
    source = SOURCES[run.source]
    if wanted.name in _EXTREMES:
        name, how, offset = _EXTREMES[wanted.name]
        begin = max(hour - WINDOW_HOURS.get(source.vocabulary, hour), hours.first - 1)
        if hour == 0 or begin >= hour:
            return None
        return Step(lead - (hour - begin), lead), hours.reduce(name, begin, hour, how) + np.float32(offset)
    amount = hours.reduce(wanted.name, 0, hour, np.sum) if hour else np.zeros(run.grid.size, np.float32)
    if source.accumulates_from_start or source.role == "regional":
        return Step(0, lead), amount + _before(world, run, job, wanted.name, hours)
    start = lead - (hour - hours.first + 1)
    if encode.statistic_of(run.source, wanted) == "mean":
        return Step(start, lead), amount / np.float32(lead - start)
    return Step(start, lead), amount


def _before(world: World, run: Run, job: Job, name: str, hours: Hours) -> Array:
    """Total from the start of the run to the start of the block."""
    begin = hours.end - timedelta(hours=6)
    if begin <= run.start:
        return np.zeros(run.grid.size, np.float32)
    if not job.exact:
        return _true_total(world, run.source, run.start, begin)[name]
    return run_total(world, run, begin)[name]


@lru_cache(maxsize=64)
def run_total(world: World, run: Run, until: datetime) -> dict[str, Array]:
    """What the run itself accumulated from its start to the end of a block."""
    hours = hourly(world, run, until)
    block = {name: hours.reduce(name, 0, 6, np.sum) for name in _SUMS}
    earlier = until - timedelta(hours=6)
    if earlier <= run.start:
        return block
    before = run_total(world, run, earlier)
    return {name: block[name] + before[name] for name in _SUMS}


@lru_cache(maxsize=64)
def _true_total(world: World, source: str, start: datetime, until: datetime) -> dict[str, Array]:
    """A stand-in for what a run accumulated before the interval of interest: a rough mean of the truth."""
    hours = _hours(until - start)
    run = Run(source, start, start.date())
    lat, lon = run.grid.latitude.astype(np.float32), run.grid.longitude.astype(np.float32)
    middle = world.fields(start + timedelta(hours=hours // 2))
    rates = np.stack([np.full_like(middle[name], 200.0) if "flux" in name else middle[name] for name in _SUMS], -1)
    totals = sample(rates, lat, lon, np.arange(len(_SUMS))) * np.float32(hours)
    return dict(zip(_SUMS, totals, strict=True))


def _spread_entries(source: Source, run: Run, lead: int, spread: dict[str, Array]) -> Iterator[Entry]:
    for wanted in source.parameters():
        if wanted.name in spread and not encode.statistic_of(run.source, wanted):
            form = encode.template(run.source, wanted.name, "spread")
            yield Entry(wanted, encode.message(form, run.start, Step(lead, lead), spread[wanted.name]), Step(lead, lead), "")


def _write_members(world: World, writer: Writer, job: Job, lead: int) -> None:
    """Files of all members at a lead, and the spread of the mean's feed."""
    source, mean = SOURCES[job.source], Run("gefs_mean", job.start, job.day)
    wanted = tuple(row for row in source.parameters() if row.probabilistic)
    columns = tuple(row.name for row in wanted if row.name in INSTANT or row.name == "precipitation" and lead)
    when = job.start + timedelta(hours=lead)
    raw = ensemble.members(world, mean, when, columns)
    for member, fields in raw.items():
        entries = []
        for row in wanted:
            if row.name in fields:
                step = Step(lead - 6, lead) if row.name == "precipitation" else Step(lead, lead)
                form = encode.template(job.source, row.name, "forecast", member)
                statistic = encode.statistic_of(job.source, row)
                entries.append(Entry(row, encode.message(form, job.start, step, fields[row.name]), step, statistic))
        _write(writer, source, Cycle(job.start), lead, entries, member=member)


def _write(
    writer: Writer, source: Source, cycle: Cycle, lead: int, entries: list[Entry], *, member: int | None = None,
    product: str = "forecast",
) -> None:  # fmt: skip
    """Write the messages of one lead: one file with its index, or a file a parameter."""
    writer.messages += len(entries)
    if source.index == "none":
        for entry in entries:
            data = bz2.compress(entry.data, 1) if source.compression == "bz2" else entry.data
            writer.put(source, source.key(cycle, lead, parameter=entry.parameter.name), data)
        return
    data = [entry.data for entry in entries]
    static = _static_messages(source, cycle, lead)
    key = source.key(cycle, lead, member=member, product=product)
    line = _ecmwf_line if source.index == "ecmwf" else _ncep_line
    offset, lines = 0, []
    for number, entry in enumerate(entries, 1):
        lines.append(line(source, cycle, entry, (number, offset, lead), member, product))
        offset += len(entry.data)
    for name, message in static:
        lines.append(f"{len(lines) + 1}:{offset}:d={cycle.init_time:%Y%m%d%H}:{name}:anl:")
        offset += len(message)
        data.append(message)
    writer.put(source, key, b"".join(data))
    writer.put(source, source.index_key(key), ("\n".join(lines) + "\n").encode())


def _static_messages(source: Source, cycle: Cycle, lead: int) -> list[tuple[str, bytes]]:
    """Orography and land of the analysis at its start."""
    if source.name != "gdas" or lead:
        return []
    start, at = cycle.init_time, Step(0, 0)
    altitude, land = geography().altitude.ravel(), geography().land.ravel()
    return [
        ("HGT:surface", encode.message(encode.template("gdas", "surface_altitude"), start, at, altitude)),
        ("LAND:surface", encode.message(encode.template("gdas", "land_area_fraction"), start, at, np.rint(land))),
    ]


_NCEP_STATISTIC = {"sum": "acc", "mean": "ave", "maximum": "max", "minimum": "min"}


def _ncep_line(
    source: Source, cycle: Cycle, entry: Entry, place: tuple[int, int, int], member: int | None, product: str
) -> str:
    number, offset, lead = place
    if entry.statistic:
        time = f"{entry.step.start}-{entry.step.end} hour {_NCEP_STATISTIC[entry.statistic]} fcst"
    else:
        time = f"{lead} hour fcst" if lead else "anl"
    tail = ""
    if source.name == "gefs_mean":
        tail = "ens spread" if product == "spread" else "ens mean"
    elif member is not None:
        tail = f"ENS=+{member}" if member else "ENS=low-res ctl"
    return f"{number}:{offset}:d={cycle.init_time:%Y%m%d%H}:{source.names(entry.parameter)[0]}:{time}:{tail}"


def _ecmwf_line(
    source: Source, cycle: Cycle, entry: Entry, place: tuple[int, int, int], member: int | None, product: str
) -> str:
    del member, product
    _, offset, lead = place
    name, level_type, *level = source.names(entry.parameter)[0].split(":")
    stream = source.key(cycle, lead).rsplit("-", 2)[-2]
    row: dict[str, str | int] = {
        "domain": "g", "date": f"{cycle.init_time:%Y%m%d}", "time": f"{cycle.init_time:%H}00", "expver": "0001",
        "class": "ai" if source.name == "aifs" else "od", "type": "fc", "stream": stream, "step": str(lead),
    }  # fmt: skip
    if level:
        row["levelist"] = level[0]
    row |= {"levtype": level_type, "param": name, "_offset": offset, "_length": len(entry.data)}
    return json.dumps(row)


def write_coordinates(writer: Writer, source: Source, cycle: Cycle) -> None:
    """The files of latitude and longitude that an unstructured grid needs, one of each a cycle."""
    for name in source.coordinate_files:
        data = encode.coordinate_message(source.name, name, cycle.init_time)
        writer.put(source, source.key(cycle, 0, parameter=name), bz2.compress(data, 1))
        writer.messages += 1
