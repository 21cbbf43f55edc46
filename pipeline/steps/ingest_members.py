"""The members of an ensemble at an hour, each parameter one array on the target grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.sources import Source
from pipeline.sources.decode import Field
from pipeline.sources.fetch import Delivery, Request, merge
from pipeline.sources.newest import interval_leads, newest_cycle
from pipeline.steps import Deployment
from pipeline.steps.assemble import INTERVAL_KINDS, assemble
from pipeline.steps.ingest_common import attributes, bucket_of, fetched, live_leads, quarantine, record_of, speeds
from pipeline.steps.input_store import plain_array, rounded
from pipeline.store import Store

DIMENSIONS = ("number", "lead_time", "latitude", "longitude")


def ingest_members(deployment: Deployment, source: Source, hour: Cycle) -> None:
    """Write the ensemble of the newest usable run at the hour, unless it is there; nothing if none has arrived.

    One array (number, lead_time, latitude, longitude) for each probabilistic parameter that the members carry, with
    `lead_time` counted from `hour`; its attribute `interval_hours` is the length of the interval ending at each lead.
    """
    key, record = paths.ensemble(hour, source.name), paths.input_record(source.name, hour)
    if deployment.store.exists(record):
        return
    bucket = bucket_of(deployment, source)
    cycle = newest_cycle(bucket, source, hour, deployment.config.last_lead_hours)
    if cycle is None:
        return
    leads = live_leads(deployment, source, cycle, hour)
    rows = tuple(row for row in source.parameters() if row.probabilistic)
    names = [row.name for row in rows] + [name for name in speeds(source) if blended()[name].probabilistic]
    members = [member for member in source.members if _arrived(bucket, source, cycle, leads[0], member)]
    deployment.store.delete(key)
    group = _create(deployment, source, hour, cycle, members, leads, names)
    whole = Delivery()
    for place, member in enumerate(members):
        delivery = _fetch_member(bucket, source, cycle, leads, rows, member)
        _write(group, delivery.fields, place, leads, deployment)
        whole = merge([whole, Delivery([], delivery.faults, delivery.checksums)])
    absent = [f"member {member} has no files" for member in source.members if member not in members]
    kept = quarantine(deployment.store, source, cycle, whole)
    record_of(whole, names, leads, kept, absent).write(deployment.store, source, record)


def _arrived(bucket: Store, source: Source, cycle: Cycle, lead: int, member: int) -> bool:
    return bucket.exists(source.index_key(source.key(cycle, lead, member=member)))


def _fetch_member(
    bucket: Store, source: Source, cycle: Cycle, leads: Sequence[int], rows: tuple[Parameter, ...], member: int
) -> Delivery:
    intervals = tuple(row for row in rows if row.kind in INTERVAL_KINDS)
    wanted = [(lead, rows) for lead in leads]
    wanted += [(lead, intervals) for lead in interval_leads(source, cycle, leads)]
    requests = [Request(cycle, lead, which, member=member) for lead, which in wanted]
    return fetched(bucket, source, requests)


def _create(
    deployment: Deployment,
    source: Source,
    hour: Cycle,
    cycle: Cycle,
    members: Sequence[int],
    leads: Sequence[int],
    names: Sequence[str],
) -> zarr.Group:
    grid = deployment.grid
    about = attributes(deployment, source, cycle) | {"Conventions": "CF-1.11", "hour": hour.init_time.isoformat()}
    group = zarr.create_group(deployment.store.zarr(paths.ensemble(hour, source.name)), attributes=dict(about))
    age = int(cycle.lead_hours(hour.init_time))
    axes: dict[str, tuple[NDArray[Any], dict[str, str]]] = {
        "number": (np.asarray(members, np.int32), {"standard_name": "realization", "units": "1"}),
        "lead_time": (np.asarray(leads, np.int32) - age, {"standard_name": "forecast_period", "units": "hours"}),
        "latitude": (grid.latitude, {"standard_name": "latitude", "units": "degrees_north"}),
        "longitude": (grid.longitude, {"standard_name": "longitude", "units": "degrees_east"}),
    }
    for name, (values, described) in axes.items():
        plain_array(group, name, values, (name,), **described)
    for name in names:
        group.create_array(
            name,
            shape=(len(members), len(leads), *grid.shape),
            chunks=(1, len(leads), min(deployment.config.tile_rows, grid.shape[0]), grid.shape[1]),
            dtype="float32",
            fill_value=np.nan,
            compressors=ZstdCodec(level=1),
            dimension_names=DIMENSIONS,
            attributes=dict(blended()[name].cf_attributes()),
        )
    return group


def _write(
    group: zarr.Group, fields: Sequence[Field], place: int, leads: Sequence[int], deployment: Deployment
) -> None:
    """Store the fields of one member at its place along `number`."""
    by_name: dict[str, list[Field]] = {}
    for field in fields:
        by_name.setdefault(field.parameter, []).append(field)
    for name, group_fields in by_name.items():
        assembled = assemble(blended()[name], group_fields, leads, deployment.grid)
        array = group[name]
        assert isinstance(array, zarr.Array)
        array[place] = rounded(assembled.values, blended()[name].precision).reshape(-1, *deployment.grid.shape)
        if "interval_hours" not in array.attrs:
            array.attrs["interval_hours"] = [float(length) for length in assembled.interval_hours]
