"""Export: each customer's parameters, leads and region as files, announced by a manifest once all are there.

Shards of a customer run side by side: each records what it has written, and whoever finds every record there writes the
manifest. Several may; they write the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Area
from pipeline.parameters import parameter
from pipeline.products import export_geotiff, export_grib2, export_netcdf, export_table
from pipeline.products.export_extract import Extract, Fields
from pipeline.products.export_manifest import listed, manifest
from pipeline.products.layout import array_metadata, is_tiled, read_area
from pipeline.steps import Deployment
from pipeline.store import Store
from pipeline.subscriptions import Format, Subscription

_WRITERS: dict[Format, Callable[[Fields, Extract], Iterator[tuple[str, bytes]]]] = {
    "grib2": export_grib2.files,
    "netcdf": export_netcdf.files,
    "geotiff": export_geotiff.files,
    "geoparquet": export_table.geoparquet_files,
    "csv": export_table.csv_files,
}
_HOURS = (24, 12, 8, 6, 4, 3, 2, 1)
_MOST_FIELDS = 4000
"""Fields of a shard, which stay in memory until their files are whole: at 0.25 degrees a megabyte each, packed."""


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """`<customer>.<first lead>`, of each customer the leads of a day, or of a part of it where they are many fields."""
    return [shard for customer in deployment.config.subscriptions for shard in _groups(deployment, customer)]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Write one shard's files and record them; announce the customer's hour if they were the last."""
    customer = shard.rpartition(".")[0]
    order, leads = deployment.config.subscriptions[customer], _groups(deployment, customer)[shard]
    area = order.region.area(deployment.grid)
    extract = Extract(hour, leads, area, deployment.config.synthetic, order.places)
    target, files = _target(deployment, customer), []
    names = _held(deployment, hour, order)
    for kind in order.formats if names else ():
        for name, data in _WRITERS[kind](_fields(deployment, hour, names, leads, area), extract):
            path = f"{kind}/{name}"
            target.write(f"{hour}/{path}", data)
            files.append(asdict(listed(path, kind, data)))
    _write_json(deployment.store, paths.export_record(hour, shard), files)
    _announce(deployment, hour, customer, target)


def _groups(deployment: Deployment, customer: str) -> dict[str, tuple[int, ...]]:
    """The customer's leads by shard."""
    order = deployment.config.subscriptions[customer]
    leads = order.leads.hours(deployment.config.last_lead_hours)
    hours = next(hours for hours in _HOURS if hours == 1 or len(order.names) * hours / order.leads.step <= _MOST_FIELDS)
    parts = (tuple(part) for _, part in groupby(leads, lambda lead: lead // hours))
    return {f"{customer}.{part[0]:03d}": part for part in parts}


def _target(deployment: Deployment, customer: str) -> Store:
    """The customer's folder or bucket."""
    destination = deployment.config.subscriptions[customer].destination
    if "://" in destination:
        return Store.open(destination)
    return deployment.store.child(paths.exports(customer))


def _held(deployment: Deployment, hour: Cycle, order: Subscription) -> list[str]:
    """Those of the ordered parameters that the hour holds."""
    arrays = array_metadata(deployment.store, paths.forecast(hour, "best.zarr"))
    return [name for name in order.names if name in arrays and is_tiled(arrays[name])]


def _fields(deployment: Deployment, hour: Cycle, names: list[str], leads: tuple[int, ...], area: Area) -> Fields:
    key = paths.forecast(hour, "best.zarr")  # its leads are hourly from 0, so that a lead is its position
    for name in names:
        yield parameter(name), read_area(deployment.store, key, name, leads, area)


def _announce(deployment: Deployment, hour: Cycle, customer: str, target: Store) -> None:
    """Write the manifest and move the pointer to it, unless a shard of the customer is still to come."""
    files: list[dict[str, Any]] = []
    for shard in _groups(deployment, customer):
        try:
            files += json.loads(deployment.store.read(paths.export_record(hour, shard)))
        except FileNotFoundError:
            return
    order = deployment.config.subscriptions[customer]
    forecast = json.loads(deployment.store.read(paths.forecast(hour, "manifest.json")))
    content = manifest(customer, hour, order, _held(deployment, hour, order), files, forecast)

    def announced(old: bytes | None) -> bytes:
        """The pointer, once the manifest is there: a local store lets nobody else do this at the same time."""
        target.remove_unfinished(str(hour))
        _write_json(target, f"{hour}/manifest.json", content)
        return _pointer(old, hour)

    target.update("latest.json", announced)


def _pointer(old: bytes | None, hour: Cycle) -> bytes:
    """The pointer to the hour's manifest, or the old one if that is as new."""
    new = {"init_time": f"{hour.init_time:%Y-%m-%dT%H:%M:%SZ}", "path": f"{hour}/manifest.json"}
    if old is not None and json.loads(old)["init_time"] >= new["init_time"]:
        return old
    return json.dumps(new).encode()


def _write_json(store: Store, key: str, content: Any) -> None:
    store.write(key, json.dumps(content, indent=1, allow_nan=False).encode())
