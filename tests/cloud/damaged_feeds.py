"""Feeds of which much is wrong, as files in the public buckets of a local cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from cdk.local.cloud import LocalCloud, create_public_bucket
from pipeline.parameters import parameter
from pipeline.sources import SOURCES
from pipeline.store import Store
from tests.cloud.tiny_cloud import settings
from tests.grib_samples import COLUMNS, ROWS, Entry, of_parameter, put_ncep
from tests.tiny_deployment import HOUR, NAMES

GFS, GEFS = SOURCES["gfs"], SOURCES["gefs"]
CYCLE = HOUR - 6
LEADS = (6, 9, 12, 15, 18)
STEP_HOURS = 3
ABSENT, EMPTY, TRUNCATED, REPUBLISHED = "dew_point_temperature_2m", "pressure_at_sea_level", 12, 9
"""A variable that no file has, one without a value at EMPTY_AT; leads of a file cut off and of one that is replaced."""
BEHIND_THE_CUT = NAMES[4:]
EMPTY_AT = 15
MEMBER_GONE, MEMBER_EMPTY = 7, 8
LIVELY = "temperature_2m"
"""What the members carry."""
_LEVELS = {"temperature_2m": 285.0, "dew_point_temperature_2m": 280.0, "pressure_at_sea_level": 101_300.0}


def settings_with_members(cloud: LocalCloud) -> dict[str, Any]:
    """The tiny deployment, which takes members of an ensemble too."""
    tiny = settings(cloud)
    members = {"endpoint": cloud.address, "without": sorted(GEFS.carries - {LIVELY}), "lead_step_hours": STEP_HOURS}
    stepped = tiny["sources"]["gfs"] | {"lead_step_hours": STEP_HOURS}
    sources = {**tiny["sources"], "gfs": stepped, "gefs": members}
    return tiny | {"sources": dict(sorted(sources.items()))}  # as YAML has them, for their order is in the manifest


@contextmanager
def published(cloud: LocalCloud) -> Iterator[str]:
    """The damaged feeds, there during the block; `bucket/key` of the file that waits to be replaced."""
    create_public_bucket(cloud, GEFS.folder)
    gfs, gefs = (Store.open(source.bucket, endpoint=cloud.address) for source in (GFS, GEFS))
    try:
        for lead in LEADS:
            key = put_ncep(gfs, GFS, CYCLE, lead, _entries(lead))
            if lead == TRUNCATED:
                gfs.write(key, gfs.read(key)[: sum(len(data) for *_, data in _entries(lead)[:3]) + 50])
            if lead == REPUBLISHED:
                gfs.write(f"{key}.next", b"".join(data for *_, data in _entries(lead, warmer=1)))
                replaced = f"{GFS.folder}/{key}"
            for member in GEFS.members:
                if member != MEMBER_GONE:
                    _put_member(gefs, member, lead)
        yield replaced
    finally:
        for bucket in (gfs, gefs):
            bucket.delete("")


def _entries(lead: int, warmer: float = 0) -> list[Entry]:
    """Messages of a file in the order of the table."""
    entries = []
    for number, name in enumerate(NAMES):
        row, values = parameter(name), _LEVELS.get(name, 1.0) + warmer + _pattern(number + lead)
        start = (lead - 1) // 6 * 6 if name == "precipitation" else lead
        if lead == EMPTY_AT and name == EMPTY:
            values = np.full(values.shape, np.nan)
        time = f"{start}-{lead} hour acc fcst" if start < lead else f"{lead} hour fcst"
        if name != ABSENT:
            entries.append((GFS.names(row)[0], time, of_parameter(row, CYCLE, start, lead, values)))
    return entries


def _put_member(bucket: Store, member: int, lead: int) -> None:
    values = _LEVELS[LIVELY] + _pattern(member + lead)
    if member == MEMBER_EMPTY:
        values = np.full(values.shape, np.nan)
    row, key = parameter(LIVELY), GEFS.key(CYCLE, lead, member=member)
    bucket.write(key, of_parameter(row, CYCLE, lead, lead, values, productDefinitionTemplateNumber=1,
                                   perturbationNumber=member))  # fmt: skip
    line = f"1:0:d={CYCLE.init_time:%Y%m%d%H}:{GEFS.names(row)[0]}:{lead} hour fcst:ENS=+{member}"
    bucket.write(GEFS.index_key(key), line.encode())


def _pattern(seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).uniform(0, 2, ROWS * COLUMNS)
