"""Makes GRIB messages with ecCodes, and buckets of them in the feeds' real layout, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import eccodes
import numpy as np
from numpy.typing import ArrayLike

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources import Source
from pipeline.store import Store

Keys = Mapping[str, str | int | float]
MISSING = 9999.0

STEP = 30.0
COLUMNS, ROWS = 12, 7
GRID: Keys = {
    "Ni": COLUMNS, "Nj": ROWS, "iDirectionIncrementInDegrees": STEP, "jDirectionIncrementInDegrees": STEP,
    "latitudeOfFirstGridPointInDegrees": 90, "latitudeOfLastGridPointInDegrees": -90,
    "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 330,
}  # fmt: skip


def message(keys: Keys, values: ArrayLike, *, sample: str = "regular_ll_sfc_grib2", grid: Keys = GRID) -> bytes:
    """One message; NaN in `values` becomes missing in its bitmap."""
    handle = eccodes.codes_grib_new_from_samples(sample)
    try:
        for key, value in {**grid, **keys}.items():
            eccodes.codes_set(handle, key, value)
        array = np.asarray(values, np.float64).ravel()
        if np.isnan(array).any():
            eccodes.codes_set(handle, "bitmapPresent", 1)
            eccodes.codes_set(handle, "missingValue", MISSING)
            array = np.where(np.isnan(array), MISSING, array)
        eccodes.codes_set_values(handle, array)
        return bytes(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)


def of_parameter(row: Parameter, cycle: Cycle, start: int, end: int, values: ArrayLike, **keys: str | int) -> bytes:
    """A message of a catalogue parameter as NCEP sends it: an interval if `end` is after `start`."""
    codes = dict(
        zip(("discipline", "parameterCategory", "parameterNumber"), map(int, row.grib2.split(".")), strict=True)
    )
    level: dict[str, str | int] = {"typeOfLevel": row.level_type, "level": row.level}
    time: dict[str, str | int] = {
        "dataDate": int(f"{cycle.init_time:%Y%m%d}"), "dataTime": cycle.init_time.hour * 100, "forecastTime": start,
        "indicatorOfUnitOfTimeRange": 1,
    }  # fmt: skip
    if end > start:
        statistic = {"accumulation": 1, "interval_mean": 0, "interval_maximum": 2, "interval_minimum": 3}[row.kind]
        finish = cycle.valid_time(end)
        time |= {"productDefinitionTemplateNumber": 8, "typeOfStatisticalProcessing": statistic,
                 "indicatorOfUnitForTimeRange": 1, "lengthOfTimeRange": end - start,
                 "yearOfEndOfOverallTimeInterval": finish.year, "monthOfEndOfOverallTimeInterval": finish.month,
                 "dayOfEndOfOverallTimeInterval": finish.day, "hourOfEndOfOverallTimeInterval": finish.hour,
                 "minuteOfEndOfOverallTimeInterval": 0, "secondOfEndOfOverallTimeInterval": 0}  # fmt: skip
        return message({"centre": 7, **codes, **time, **level, **keys}, values)
    return message({"centre": 7, **codes, **level, **time, **keys}, values)


Entry = tuple[str, str, bytes]
"""Name in the index, time in the index, message."""


def put_ncep(bucket: Store, source: Source, cycle: Cycle, lead: int, entries: Iterable[Entry]) -> str:
    """Write a file and its `.idx`; returns the file's key."""
    key, offset, lines, data = source.key(cycle, lead), 0, [], []
    for number, (name, time, part) in enumerate(entries, 1):
        lines.append(f"{number}:{offset}:d={cycle.init_time:%Y%m%d%H}:{name}:{time}:")
        offset += len(part)
        data.append(part)
    bucket.write(key, b"".join(data))
    bucket.write(source.index_key(key), "\n".join(lines).encode())
    return key
