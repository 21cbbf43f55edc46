"""What every way of ingesting shares: sources by name, their buckets, records, quarantine, and writing fields."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import unit_vectors
from pipeline.parameters import blended
from pipeline.science import regrid
from pipeline.sources import Source
from pipeline.sources.decode import Field, earth_winds
from pipeline.sources.fetch import Delivery, Fault, Request, fetch, merge, unpacked
from pipeline.sources.geometry import Coordinates, Geometry
from pipeline.sources.newest import leads_for
from pipeline.steps import Deployment
from pipeline.steps.assemble import INTERVAL_KINDS, assemble, weights_of, with_speeds
from pipeline.steps.input_store import InputWriter
from pipeline.store import Store

# Requests to a bucket that wait for the network at one time.
NETWORK_REQUESTS = 16


def bucket_of(deployment: Deployment, source: Source) -> Store:
    """The source's bucket, or the mirror that the configuration names."""
    settings = deployment.config.sources.get(source.name)
    return Store.open(source.bucket, endpoint=settings.endpoint if settings else None, anonymous=True)


@dataclass(frozen=True)
class Record:
    """What a run's input store holds; the JSON whose presence means that the store is complete."""

    status: str
    parameters: list[str]
    leads: list[int]
    missing: list[dict[str, str | int]]
    quarantined: list[dict[str, str | int]]
    files: list[dict[str, str]]

    def write(self, store: Store, source: Source, key: str) -> None:
        """Store it, with what is needed to give credit."""
        about = {
            "source": source.name,
            "title": source.title,
            "licence": source.licence,
            "attribution": source.attribution,
            "delay": source.delay_hours,
        }
        store.write(key, json.dumps(about | self.__dict__, indent=1, sort_keys=True).encode())


def record_of(
    delivery: Delivery,
    parameters: Sequence[str],
    leads: Sequence[int],
    quarantined: list[dict[str, str | int]],
    absent: Sequence[str] = (),
) -> Record:
    """The record of what has been written; an interval that ends at the start of a run is not missing.

    absent: what is missing as a whole, in words.
    """
    missing: list[dict[str, str | int]] = [
        {"parameter": fault.parameter, "lead_time": fault.lead, "reason": fault.reason}
        for fault in delivery.faults
        if fault.lead in leads and (fault.lead > 0 or blended()[fault.parameter].kind not in INTERVAL_KINDS)
    ]
    missing += [{"parameter": "", "lead_time": int(leads[0]), "reason": reason} for reason in absent]
    return Record(
        status="partial" if missing else "complete",
        parameters=list(parameters),
        leads=[int(lead) for lead in leads],
        missing=missing,
        quarantined=quarantined,
        files=[{"key": key, "sha256": checksum} for key, checksum in sorted(delivery.checksums.items())],
    )


def quarantine(store: Store, source: Source, cycle: Cycle, delivery: Delivery) -> list[dict[str, str | int]]:
    """Keep the bytes that could not be used, with the reason beside them; returns what the record says of them."""
    kept: list[dict[str, str | int]] = []
    for fault in delivery.faults:
        if not fault.data:
            continue
        member = "" if fault.member is None else f"_{fault.member:02d}"
        key = paths.quarantine(source.name, f"{cycle}/{fault.lead:03d}_{fault.parameter}{member}")
        note: dict[str, str | int] = {"parameter": fault.parameter, "lead_time": fault.lead, "reason": fault.reason}
        store.write(f"{key}.bytes", fault.data)
        store.write(f"{key}.json", json.dumps(note, indent=1, sort_keys=True).encode())
        kept.append(note | {"key": f"{key}.bytes"})
    return kept


def attributes(deployment: Deployment, source: Source, cycle: Cycle) -> dict[str, str | bool]:
    """Attributes of the input store."""
    return {
        "source": source.name,
        "title": source.title,
        "init_time": cycle.init_time.isoformat(),
        "synthetic": deployment.config.synthetic,
        "licence": source.licence,
        "attribution": source.attribution,
    }


def live_leads(deployment: Deployment, source: Source, cycle: Cycle, hour: Cycle) -> tuple[int, ...]:
    """Native leads of `cycle` that the hour's forecast needs."""
    settings = deployment.config.sources.get(source.name)
    step = settings.lead_step_hours if settings else None
    return leads_for(source, cycle, hour, deployment.config.last_lead_hours, step)


def fetched(
    bucket: Store, source: Source, requests: Sequence[Request], coordinates: Coordinates | None = None
) -> Delivery:
    """Everything the requests give, in their order, ready to be assembled; over a network several at a time."""

    def one(request: Request) -> Delivery:
        return usable(fetch(bucket, source, request, coordinates=coordinates))

    if bucket.url.startswith("file://"):
        return merge([one(request) for request in requests])
    with ThreadPoolExecutor(NETWORK_REQUESTS) as pool:
        return merge(pool.map(one, requests))


def usable(delivery: Delivery) -> Delivery:
    """The delivery of one file with winds turned to earth and wind speeds added; what cannot be turned is a fault."""
    if any(field.geometry.grid_relative for field in delivery.fields):
        turned, refused = earth_winds(delivery.fields)
        faults = [Fault(field.parameter, int(field.end_hours), reason) for field, reason in refused]
        delivery = Delivery(turned, delivery.faults + faults, delivery.checksums)
    return Delivery(with_speeds(delivery.fields), delivery.faults, delivery.checksums)


def coordinates_of(bucket: Store, source: Source, cycle: Cycle) -> Coordinates | None:
    """Latitude and longitude of an unstructured grid from the source's files for them; None if it needs none."""
    if not source.coordinate_files:
        return None
    try:
        latitude, longitude = (
            unpacked(source, bucket.read(source.key(cycle, 0, parameter=name))) for name in ("clat", "clon")
        )
    except FileNotFoundError:
        return None
    return latitude.astype(np.float64), longitude.astype(np.float64)


def coverage_of(deployment: Deployment, geometry: Geometry) -> NDArray[np.float32]:
    """(place,) how much a source on that grid counts: 1, and down to 0 towards the edge of a region."""
    return regrid.feather(weights_of(geometry, deployment.grid, "bilinear").coverage, deployment.grid)


def write_fields(
    writer: InputWriter, source: Source, fields: Sequence[Field], leads: Sequence[int], deployment: Deployment
) -> Geometry | None:
    """Assemble and write each parameter; returns the grid of the last one, None if there was nothing."""
    geometry = None
    groups: dict[tuple[str, str], list[Field]] = {}
    for field in fields:
        groups.setdefault((field.parameter, "spread" if field.product == "spread" else "forecast"), []).append(field)
    for (name, array), group in groups.items():
        assembled = assemble(blended()[name], group, leads, deployment.grid)
        values = assembled.values
        if blended()[name].domain != "all" and source.role != "analysis":
            values = _continued(values, assembled.geometry, deployment)
        writer.write(blended()[name], array, values, assembled.interval_hours)
        geometry = assembled.geometry
    return geometry


def write_run(deployment: Deployment, source: Source, cycle: Cycle, delivery: Delivery) -> str:
    """The input store of one run from its fields, one a parameter and interval, in place of one that is there; its key.

    The fields of a parameter are on one grid. Earlier leads of the run are forgotten.
    """
    fields = delivery.fields
    leads = sorted({int(field.end_hours) for field in fields})
    names = [name for name in blended() if any(field.parameter == name for field in fields)]
    key, record = paths.input_zarr(source.name, cycle), paths.input_record(source.name, cycle)
    deployment.store.delete(record)
    arrays = sorted({"spread" if field.product == "spread" else "forecast" for field in fields})
    writer = InputWriter(deployment.store, key, deployment.grid, leads, names, arrays, deployment.config.tile_rows)
    geometry = write_fields(writer, source, fields, leads, deployment)
    assert geometry is not None
    writer.close(coverage_of(deployment, geometry), attributes(deployment, source, cycle))
    record_of(delivery, names, leads, []).write(deployment.store, source, record)
    return key


def _continued(values: NDArray[np.float32], geometry: Geometry, deployment: Deployment) -> NDArray[np.float32]:
    """Sea (land) parameters continued over the other cells from the nearest that has a value, so that every point of
    the coast finds its sea; only where the source counts at all. An analysis stays: it tells where the sea is."""
    wanted = weights_of(geometry, deployment.grid, "bilinear").coverage
    return regrid.nearest_fill(values, wanted, unit_vectors(*deployment.grid.places))


def speeds(source: Source) -> list[str]:
    """Wind speeds that the source does not carry but that follow from components it does."""
    return sorted(source.delivers - source.carries)
