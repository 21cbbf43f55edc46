"""What a physics model starts from and is driven by, put where its pre-processors look for it.

Of a driving model just the messages that ungrib reads, by ranges of bytes; of our own blend the fields over the sea.
`fields.csv` names the messages as each feed's index does, in the order of WPS's Vtables.
"""

from __future__ import annotations

import csv
import string
from collections.abc import Iterator, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import xarray as xr
from netCDF4 import Dataset, date2num

from models.chain import Job
from models.namelists_domain import DRIVERS, Boundary
from models.namelists_mpas import MpasRun
from models.namelists_wrf import WrfRun
from models.namelists_ww3 import FORCING, Ww3Run
from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.sources import SOURCES, Source
from pipeline.sources.fetch import RANGE_GAP, Bucket
from pipeline.sources.index import IndexEntry, coalesce, parse_ecmwf, parse_ncep
from pipeline.steps import Deployment
from pipeline.steps.ingest_common import bucket_of

_TEMPERATURE = {"ncep": "TMP:", "ecmwf": "t:pl:"}
_PRESSURE_LEVEL_FILES = ("wrfsfcf", "wrfprsf")
"""HRRR has its levels in files beside those of the surface."""
_SEA = {
    "winds": ("eastward_wind_10m", "northward_wind_10m"),
    "currents": ("eastward_sea_water_velocity", "northward_sea_water_velocity"),
    "ice_conc": ("sea_ice_fraction",),
}
"""What each forcing of WAVEWATCH III is made of."""
_SEA_SURFACE = ("TMP:surface", "LAND:surface")
MOST_AHEAD = 144
"""Hours between the start of a driving model's run and that of a run inside it: nests are for days to come."""
_EPOCH = "seconds since 1970-01-01 00:00:00"


class InputError(ValueError):
    """What a run needs to start is not there; the message says what was expected and what was found."""


def stage(deployment: Deployment, job: Job, folder: Path) -> list[str]:
    """Bring what the run needs into its folder; what was made, by name. InputError if a part of it is missing."""
    run = job.run
    if isinstance(run, WrfRun):
        hours = range(0, run.hours + 1, DRIVERS[run.boundary].every_hours)
        return _drivers(deployment, run.boundary, Cycle(run.start), hours, folder)
    if isinstance(run, MpasRun):
        hours = range(0, run.hours + 1 if run.is_driven else 1, DRIVERS[run.boundary].every_hours)
        return _drivers(deployment, run.boundary, Cycle(run.start), hours, folder, sea_only=run.is_global)
    if isinstance(run, Ww3Run):
        wanted = {"winds": True, "currents": run.currents, "ice_conc": run.ice}
        return [_sea(deployment, run, name, folder) for name, needed in wanted.items() if needed]
    return []


def _drivers(
    deployment: Deployment, boundary: Boundary, start: Cycle, hours: Sequence[int], folder: Path, *,
    sea_only: bool = False,
) -> list[str]:  # fmt: skip
    """hours: after the start at which the run needs its driving model; `sea_only`: beyond the start, of the sea."""
    source = SOURCES[boundary]
    bucket, made = bucket_of(deployment, source), []
    cycle = driving_cycle(bucket, source, start, hours[-1])
    ahead = round(cycle.lead_hours(start.init_time))
    for name, hour in zip(grib_names(), hours, strict=False):
        sea = sea_only and hour > 0
        (folder / name).write_bytes(driver_messages(bucket, source, boundary, cycle, ahead + hour, sea=sea))
        made.append(name)
    return made


def driving_cycle(bucket: Bucket, source: Source, start: Cycle, hours: int) -> Cycle:
    """The newest run of the driving model, begun at `start` or before, that has arrived up to `hours` after it.

    InputError if there is none.
    """
    for ahead in range(MOST_AHEAD + 1):
        cycle = start - ahead
        reaches = cycle.init_time.hour in source.cycles and ahead + hours in source.leads(cycle)
        if reaches and bucket.exists(source.index_key(source.key(cycle, ahead + hours))):
            return cycle
    raise InputError(
        f"expected a run of {source.name} to {hours} h after {start}, begun at most {MOST_AHEAD} h before it, which "
        "drives the run; it is not there"
    )


def grib_names() -> Iterator[str]:
    """GRIBFILE.AAA, GRIBFILE.AAB, ...: what ungrib opens one after the other."""
    letters = string.ascii_uppercase
    yield from (f"GRIBFILE.{first}{second}{third}" for first in letters for second in letters for third in letters)


def driver_messages(
    bucket: Bucket, source: Source, boundary: Boundary, cycle: Cycle, lead: int, *, sea: bool = False
) -> bytes:
    """The messages of one file of a driving model that ungrib reads, in the file's order; of the `sea` or all.

    InputError if the file is not there, or has not the levels that the namelists count on.
    """
    key = source.key(cycle, lead).replace(*_PRESSURE_LEVEL_FILES)
    try:
        text, size = bucket.read(source.index_key(key)).decode(), bucket.size(key)
    except FileNotFoundError:
        raise InputError(f"expected {key} of {source.name}, which drives the run; it is not there") from None
    entries = parse_ncep(text, size) if source.index == "ncep" else parse_ecmwf(text)
    wanted = [entry for entry in entries if entry.statistic == "" and _is_wanted(boundary, entry)]
    found = 1 + sum(entry.name.startswith(_TEMPERATURE[source.vocabulary]) and _is_aloft(entry) for entry in wanted)
    if sea:
        wanted = [entry for entry in wanted if entry.name in _SEA_SURFACE]
    elif found != DRIVERS[boundary].levels:
        raise InputError(f"{key}: expected {DRIVERS[boundary].levels} levels with the surface; found {found}")
    blocks = {start: bucket.read_range(key, start, end) for start, end in coalesce(wanted, RANGE_GAP)}
    ranges = sorted({(entry.start, entry.end) for entry in wanted})  # both components of a wind may be one message
    return b"".join(_cut(blocks, start, end) for start, end in ranges)


def _is_wanted(boundary: Boundary, entry: IndexEntry) -> bool:
    return any(fnmatchcase(entry.name, name) for name in _names(boundary))


def _is_aloft(entry: IndexEntry) -> bool:
    return entry.name.endswith(" mb") or ":pl:" in entry.name


def _cut(blocks: dict[int, bytes], start: int, end: int) -> bytes:
    begin = max(place for place in blocks if place <= start)
    return blocks[begin][start - begin : end - begin]


@cache
def _names(boundary: Boundary) -> tuple[str, ...]:
    with resources.files(__package__).joinpath("fields.csv").open(encoding="utf-8") as file:
        return tuple(row["name"] for row in csv.DictReader(file) if row["boundary"] == boundary)


def _sea(deployment: Deployment, run: Ww3Run, forcing: str, folder: Path) -> str:
    """A forcing from our own published blend of the hour at which the run starts, hour by hour."""
    key = paths.forecast(Cycle(run.start), "best.zarr")
    if not deployment.store.exists(f"{key}/zarr.json"):
        raise InputError(f"expected {key}, the blend that drives the waves; publish the hour first")
    blend = xr.open_zarr(deployment.store.zarr(key), consolidated=False, chunks=None, decode_timedelta=False)
    absent = [name for name in _SEA[forcing] if name not in blend]
    if absent or blend["lead_time"].max() < run.hours:
        last = int(blend["lead_time"].max())
        raise InputError(f"{key}: expected {', '.join(_SEA[forcing])} to {run.hours} h; found leads to {last} h")
    fields = blend[list(_SEA[forcing])].sel(lead_time=slice(0, run.hours)).sortby("latitude")
    _write_forcing(folder / f"{forcing}.nc", fields, run.start, FORCING[forcing])
    return f"{forcing}.nc"


def _write_forcing(path: Path, fields: xr.Dataset, start: datetime, names: Sequence[str]) -> None:
    """As ww3_prnc reads it: (time, latitude, longitude), south to north, missing values calm."""
    seconds = date2num(start, _EPOCH) + 3600 * fields["lead_time"].values.astype(np.float64)
    with Dataset(path, "w") as file:
        axes = {"time": seconds, "latitude": fields["latitude"].values, "longitude": fields["longitude"].values}
        for name, values in axes.items():
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,))[:] = values
        file["time"].setncatts({"units": _EPOCH, "calendar": "standard"})
        for name, field in zip(names, fields.data_vars.values(), strict=True):
            variable = file.createVariable(name, "f4", ("time", "latitude", "longitude"))
            variable.setncatts({"units": str(field.attrs["units"])})
            variable[:] = np.nan_to_num(field.values)
