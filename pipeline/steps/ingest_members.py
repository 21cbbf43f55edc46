"""The members of an ensemble at an hour, each parameter one array on the target grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, ZstdCodec

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import Parameter, blended
from pipeline.sources import Source
from pipeline.sources.decode import Field
from pipeline.sources.fetch import Delivery, Request, merge
from pipeline.sources.newest import arrival_key, interval_leads, longer_cycles, newest_cycle
from pipeline.steps import Deployment
from pipeline.steps.assemble import INTERVAL_KINDS, assemble
from pipeline.steps.ingest_common import attributes, bucket_of, fetched, live_leads, quarantine, record_of, speeds
from pipeline.steps.input_store import CHUNK_KEYS, LEVEL, plain_array, rounded
from pipeline.store import Store

Array = NDArray[np.float32]

DIMENSIONS = ("number", "lead_time", "latitude", "longitude")


def ingest_members(deployment: Deployment, source: Source, hour: Cycle) -> None:
    """Write the ensemble of the newest usable run at the hour, unless it is there; nothing if none has arrived.

    Where a short run ends the members of the long one before it, of the same number, go on.
    One array (number, lead_time, latitude, longitude) for each probabilistic parameter that the members carry, with
    `lead_time` counted from `hour`; its attribute `interval_hours` is the length of the interval ending at each lead.
    Beside each `<parameter>_variance` (verified_lead_time, latitude, longitude) of the members at the leads that skill
    is learnt at.
    """
    key, record = paths.ensemble(hour, source.name), paths.input_record(source.name, hour)
    if deployment.store.exists(record):
        return
    bucket = bucket_of(deployment, source)
    cycle = newest_cycle(bucket, source, hour, deployment.config.last_lead_hours)
    if cycle is None:
        return
    runs = _runs(deployment, source, bucket, cycle, hour)
    leads = [lead for run in runs for lead in run.leads]
    rows = tuple(row for row in source.parameters() if row.probabilistic)
    names = [row.name for row in rows] + [name for name in speeds(source) if blended()[name].probabilistic]
    members = [member for member in source.members if _arrived(bucket, source, cycle, leads[0], member)]
    deployment.store.delete(record)  # another worker may have been here meanwhile
    deployment.store.delete(key)
    group = create(deployment, source, hour, cycle, members, leads, names)
    whole, spreads = Delivery(), {name: Variance.nothing(group, deployment) for name in names}
    for place, member in enumerate(members):
        deliveries = [_fetch_member(bucket, source, run, rows, member) for run in runs]
        _write(group, deliveries, place, runs, deployment, spreads)
        whole = merge([whole, *(Delivery([], part.faults, part.checksums) for part in deliveries)])
    for longer in runs[1:]:
        group.attrs["longer_init_time"] = longer.cycle.init_time.isoformat()
    for name, spread in spreads.items():
        write_variance(group, name, spread, deployment)
    absent = [f"member {member} has no files" for member in source.members if member not in members]
    kept = quarantine(deployment.store, source, cycle, whole)
    record_of(whole, names, leads, kept, absent).write(deployment.store, source, record)


@dataclass(frozen=True)
class Run:
    """A run of the ensemble: the leads wanted of it, `native` from its own start, `leads` from that of the newest."""

    cycle: Cycle
    native: tuple[int, ...]
    leads: tuple[int, ...]


def _runs(deployment: Deployment, source: Source, bucket: Store, cycle: Cycle, hour: Cycle) -> list[Run]:
    """The newest run, and the longer one before it where that ends."""
    leads = live_leads(deployment, source, cycle, hour)
    runs = [Run(cycle, leads, leads)]
    for longer in longer_cycles(source, cycle, hour)[:1]:
        later = round(longer.lead_hours(cycle.init_time))
        native = tuple(
            lead for lead in live_leads(deployment, source, longer, hour) if lead - later > source.leads(cycle)[-1]
        )
        if native and bucket.exists(arrival_key(source, longer, native[-1])):
            runs.append(Run(longer, native, tuple(lead - later for lead in native)))
    return runs


@dataclass(frozen=True)
class Variance:
    """Of the members that have come so far (Welford 1962), at the leads around the verified ones: arrays (lead, place).

    `hours`: the verified leads; `leads`: which of the ensemble's leads are kept, by place. `parts`: for each of the
    hours the kept leads that it lies at or between and the share of each: few hours are at a lead of a run that began
    some hours before.
    """

    hours: tuple[int, ...]
    leads: tuple[int, ...]
    parts: tuple[tuple[tuple[int, float], ...], ...]
    count: Array
    mean: Array
    square: Array

    @classmethod
    def nothing(cls, group: zarr.Group, deployment: Deployment) -> Variance:
        """Of no members."""
        held = np.asarray(group["lead_time"][:])  # type: ignore[index]
        hours = tuple(lead for lead in deployment.config.learning.lead_hours if held[0] <= lead <= held[-1])
        position = np.interp(hours, held, np.arange(len(held)))
        leads = sorted({int(place) for place in (*np.floor(position), *np.ceil(position))})
        parts = tuple(
            tuple((k, 1 - abs(place - lead)) for k, lead in enumerate(leads) if abs(place - lead) < 1)
            for place in position.tolist()
        )
        zeros = np.zeros((3, len(leads), deployment.grid.shape[0] * deployment.grid.shape[1]), np.float32)
        return cls(hours, tuple(leads), parts, *zeros)

    def add(self, values: Array) -> None:
        """One more member (lead, place), at all of the ensemble's leads; NaN where it has no value."""
        chosen = values[list(self.leads)]
        good = np.isfinite(chosen)
        self.count[...] += good
        departure = np.where(good, chosen - self.mean, 0)
        self.mean[...] += departure / np.maximum(self.count, 1)
        self.square[...] += np.where(good, departure * (chosen - self.mean), 0)

    def values(self) -> Array:
        """(hour, place), NaN where there are fewer than two members."""
        known = np.where(self.count > 1, self.square / np.maximum(self.count - 1, 1), np.nan).astype(np.float32)
        result = np.zeros((len(self.hours), known.shape[1]), np.float32)
        for variance, parts in zip(result, self.parts, strict=True):
            for lead, share in parts:
                variance += np.float32(share) * known[lead]
        return result


def write_variance(group: zarr.Group, name: str, variance: Variance, deployment: Deployment) -> None:
    """Store the variance of all members beside them."""
    if "verified_lead_time" not in group:
        described = {"long_name": "lead time at which skill is learnt", "units": "hours"}
        plain_array(
            group, "verified_lead_time", np.asarray(variance.hours, np.int32), ("verified_lead_time",), **described
        )
    group.create_array(
        f"{name}_variance",
        data=variance.values().reshape(-1, *deployment.grid.shape),
        chunks=(1, *deployment.grid.shape),
        compressors=ZstdCodec(level=1),
        dimension_names=("verified_lead_time", "latitude", "longitude"),
        attributes={"long_name": f"variance of the members' {blended()[name].long_name}"},
    )


def _arrived(bucket: Store, source: Source, cycle: Cycle, lead: int, member: int) -> bool:
    return bucket.exists(source.index_key(source.key(cycle, lead, member=member)))


def _fetch_member(bucket: Store, source: Source, run: Run, rows: tuple[Parameter, ...], member: int) -> Delivery:
    """The fields of one member; faults have the leads of the newest run."""
    intervals = tuple(row for row in rows if row.kind in INTERVAL_KINDS)
    wanted = [(lead, rows) for lead in run.native]
    wanted += [(lead, intervals) for lead in interval_leads(source, run.cycle, run.native)]
    requests = [Request(run.cycle, lead, which, member=member) for lead, which in wanted]
    delivery, earlier = fetched(bucket, source, requests), run.native[0] - run.leads[0]
    faults = [replace(fault, lead=fault.lead - earlier) for fault in delivery.faults]
    return Delivery(delivery.fields, faults, delivery.checksums)


def create(
    deployment: Deployment,
    source: Source,
    hour: Cycle,
    cycle: Cycle,
    members: Sequence[int],
    leads: Sequence[int],
    names: Sequence[str],
) -> zarr.Group:
    """The ensemble's group with its axes and an empty array for each of `names`; leads count from the cycle."""
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
            compressors=BloscCodec(cname="lz4", clevel=LEVEL, shuffle="bitshuffle", typesize=4),
            dimension_names=DIMENSIONS,
            chunk_key_encoding=CHUNK_KEYS,
            attributes=dict(blended()[name].cf_attributes()),
        )
    return group


def _write(
    group: zarr.Group,
    deliveries: Sequence[Delivery],
    place: int,
    runs: Sequence[Run],
    deployment: Deployment,
    spreads: Mapping[str, Variance],
) -> None:
    """Store the fields of one member, from each run, at its place along `number` and add it to the variances."""
    by_name: dict[str, list[list[Field]]] = {}
    for number, delivery in enumerate(deliveries):
        for field in delivery.fields:
            by_name.setdefault(field.parameter, [[] for _ in runs])[number].append(field)
    for name, of_runs in by_name.items():
        parts = [
            _assembled(blended()[name], fields, run.native, deployment.grid)
            for fields, run in zip(of_runs, runs, strict=True)
        ]
        values, lengths = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        array = group[name]
        assert isinstance(array, zarr.Array)
        array[place] = rounded(values, blended()[name].precision).reshape(-1, *deployment.grid.shape)
        spreads[name].add(values)
        if "interval_hours" not in array.attrs:
            array.attrs["interval_hours"] = [float(length) for length in lengths]


def _assembled(
    row: Parameter, fields: Sequence[Field], leads: Sequence[int], grid: Grid
) -> tuple[Array, NDArray[np.float64]]:
    """Values (lead, place) and interval lengths (lead,) of one run, NaN and 0 where it has no field."""
    if not fields:
        return np.full((len(leads), grid.shape[0] * grid.shape[1]), np.nan, np.float32), np.zeros(len(leads))
    assembled = assemble(row, fields, leads, grid)
    return assembled.values, assembled.interval_hours
