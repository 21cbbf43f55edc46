"""Ingest: the newest usable run of each source becomes its input store, on the target grid and in catalogue units."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources import SOURCES, Source
from pipeline.sources.fetch import NO_FILE, Delivery, Request, merge
from pipeline.sources.geometry import Coordinates
from pipeline.sources.limits import memory_limit
from pipeline.sources.newest import (
    BUCKET_HOURS,
    always_there,
    arrival_key,
    due_cycles,
    interval_leads,
    leads_after,
    longer_cycles,
    newest_cycle,
)
from pipeline.stages import stage
from pipeline.steps import Deployment
from pipeline.steps.assemble import INTERVAL_KINDS
from pipeline.steps.ingest_common import (
    attributes,
    bucket_of,
    coordinates_of,
    coverage_of,
    fetched,
    live_leads,
    quarantine,
    record_of,
    speeds,
    write_fields,
)
from pipeline.steps.ingest_files import ingest_files
from pipeline.steps.ingest_members import ingest_members
from pipeline.steps.input_store import InputWriter
from pipeline.steps.static_fields import ingest_static
from pipeline.store import Store

__all__ = ["ingest_files", "ingest_past", "ingest_source", "past_runs", "run", "shards"]

# Memory for the native fields of the parameters that are assembled together.
BATCH_BYTES = 2 * 2**30
# An analysis verifies instants at its start and intervals over the first hours of its short forecast.
ANALYSIS_LEADS = (0, BUCKET_HOURS)


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The configured feeds, each one shard, those first that take longest: ensembles, then by what they carry.

    ValueError names an unknown one.
    """
    sources = map(deployment.source, deployment.config.sources)
    feeds = [source for source in sources if source.bucket]  # others are made here
    return [feed.name for feed in sorted(feeds, key=lambda feed: (feed.role != "ensemble", -len(feed.carries)))]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Bring in what the hour needs of a source: its newest usable run, and the past runs that skill is learnt from.

    A source of which nothing usable has arrived leaves no record, and the hour goes on without it.
    """
    with memory_limit(stage("ingest").memory_mib):  # that of its job in the cloud; its time the runner limits
        _ingest(deployment, deployment.source(shard), hour)


def _ingest(deployment: Deployment, source: Source, hour: Cycle) -> None:
    if source.role == "ensemble":
        ingest_members(deployment, source, hour)
        return
    if source.role == "analysis":
        ingest_past(deployment, source, hour)
        return
    bucket = bucket_of(deployment, source)
    cycle = newest_cycle(bucket, source, hour, deployment.config.last_lead_hours)
    ingest_past(deployment, source, hour, cycle)
    if cycle is None:
        return
    ingest_source(deployment, source, cycle, live_leads(deployment, source, cycle, hour))
    for longer in longer_cycles(source, cycle, hour)[:1]:
        leads = leads_after(source, cycle, longer, live_leads(deployment, source, longer, hour))
        if leads and bucket.exists(arrival_key(source, longer, leads[-1])):
            ingest_source(deployment, source, longer, leads)


def ingest_past(deployment: Deployment, source: Source, hour: Cycle, newest: Cycle | None = None) -> None:
    """Bring in the runs of a source, no ensemble, that skill is learnt from at the hour.

    newest: the run that serves the hour, if known. A later one is still coming: its few leads would serve instead.
    """
    bucket = bucket_of(deployment, source)
    for past, leads in past_runs(deployment, source, hour):
        if newest is not None and past > newest:
            continue
        # Some feeds keep a day only: one question is enough for a run that is gone.
        if any(bucket.exists(arrival_key(source, past, lead)) for lead in leads):
            ingest_source(deployment, source, past, leads)
    if source.role == "analysis":
        ingest_static(deployment, source, hour)


def past_runs(deployment: Deployment, source: Source, hour: Cycle) -> list[tuple[Cycle, tuple[int, ...]]]:
    """Runs of the source, with leads, that skill is learnt from at the hour, oldest first.

    Of a forecast the newest run at each past start, of an analysis those that verify the starts, and the newest day for
    persistence.
    """
    starts, ahead = deployment.learning_starts(hour), deployment.config.learning.lead_hours
    wanted: dict[Cycle, set[int]] = {}
    if source.role == "analysis":
        times = [start + lead for start in starts for lead in ahead]
        if any(SOURCES[name].role == "persistence" for name in deployment.config.sources):
            times += _newest_day(source, hour)
        for cycle, lead in _verifying(source, times, hour):
            wanted.setdefault(cycle, set()).add(lead)
    else:
        for start in starts:
            for cycle, leads in _at_start(source, start, ahead):
                wanted.setdefault(cycle, set()).update(leads)
    return [(cycle, tuple(sorted(leads))) for cycle, leads in sorted(wanted.items())]


def _at_start(source: Source, start: Cycle, ahead: Sequence[int]) -> Iterator[tuple[Cycle, set[int]]]:
    """The runs that served a start, with the leads that give its hours `ahead`."""
    for cycle in due_cycles(source, start)[:1]:
        last = -1.0
        for run in (cycle, *longer_cycles(source, cycle, start)[:1]):
            age = int(run.lead_hours(start.init_time))
            leads = {lead for hours in ahead if hours > last for lead in _around(source.leads(run), age + hours)}
            last = source.leads(run)[-1] - age
            if leads:
                yield run, leads


def _newest_day(source: Source, hour: Cycle) -> list[Cycle]:
    """The analyses that persistence carries on."""
    return [last - back for last in due_cycles(source, hour)[:1] for back in range(0, 24, BUCKET_HOURS)]


def _around(native: tuple[int, ...], lead: int) -> list[int]:
    """The lead itself if the source has it, else the two that it lies between; none beyond the last."""
    if lead in native or lead > native[-1]:
        return [lead] if lead in native else []
    return [max(part for part in native if part < lead), min(part for part in native if part > lead)]


def _verifying(source: Source, valid: Iterable[Cycle], hour: Cycle) -> Iterator[tuple[Cycle, int]]:
    """Analyses, with lead, that verify these times and have arrived by the hour."""
    intervals = any(row.kind in INTERVAL_KINDS for row in source.parameters())
    leads = ANALYSIS_LEADS if intervals else ANALYSIS_LEADS[:1]
    for time in valid:
        for lead in leads:
            cycle = time - lead
            if cycle.init_time.hour in source.cycles and cycle.lead_hours(hour.init_time) >= source.delay_hours:
                yield cycle, lead


def _recorded(store: Store, source: Source, cycle: Cycle) -> tuple[list[int], list[int]]:
    """Leads of the run that have been ingested, and those of which the file was not there; empty if it has not been."""
    try:
        record = json.loads(store.read(paths.input_record(source.name, cycle)))
    except FileNotFoundError:
        return [], []
    sign = always_there(source)
    missing = [item for item in record["missing"] if item["parameter"] == sign and item["reason"].startswith(NO_FILE)]
    return record["leads"], sorted({item["lead_time"] for item in missing})


def ingest_source(deployment: Deployment, source: Source, cycle: Cycle, leads: Sequence[int]) -> None:
    """Write the input store of one run at `leads` (and those it has already), unless it is there as far as it has come.

    It is written anew if files have come that were not there. Nothing is written if no field could be had.
    """
    bucket = bucket_of(deployment, source)
    known, absent = _recorded(deployment.store, source, cycle)
    come = any(bucket.exists(arrival_key(source, cycle, lead)) for lead in absent)
    if known and set(leads) <= set(known) and not come:
        return
    leads = sorted({*known, *leads})
    key, record = paths.input_zarr(source.name, cycle), paths.input_record(source.name, cycle)
    coordinates = coordinates_of(bucket, source, cycle)
    names = [*(row.name for row in source.parameters()), *speeds(source)]
    arrays = ["spread" if product == "spread" else "forecast" for product in source.products]
    whole, writer, geometry = Delivery(), None, None
    for batch in batches(source.parameters(), len(leads), deployment):
        delivery = _fetch_all(bucket, source, cycle, leads, batch, coordinates)
        if delivery.fields and writer is None:
            deployment.store.delete(record)  # only now, as another worker may have finished the run meanwhile
            tile_rows = deployment.config.tile_rows
            writer = InputWriter(deployment.store, key, deployment.grid, leads, names, arrays, tile_rows)
        if writer is not None:
            geometry = write_fields(writer, source, delivery.fields, leads, deployment) or geometry
        whole = merge([whole, Delivery([], delivery.faults, delivery.checksums)])
    quarantined = quarantine(deployment.store, source, cycle, whole)
    if writer is None or geometry is None:
        return
    writer.close(coverage_of(deployment, geometry), attributes(deployment, source, cycle))
    record_of(whole, names, leads, quarantined).write(deployment.store, source, record)


def batches(rows: Sequence[Parameter], leads: int, deployment: Deployment) -> list[tuple[Parameter, ...]]:
    """Parameters in groups whose fields fit in memory together; the components of a wind stay together."""
    one = 8 * leads * deployment.grid.shape[0] * deployment.grid.shape[1]
    limit = max(1, BATCH_BYTES // one)
    groups: list[list[Parameter]] = [[]]
    for row in rows:
        if len(groups[-1]) >= limit and not row.name.startswith("northward_"):
            groups.append([])
        groups[-1].append(row)
    return [tuple(group) for group in groups if group]


def _fetch_all(
    bucket: Store,
    source: Source,
    cycle: Cycle,
    leads: Sequence[int],
    rows: tuple[Parameter, ...],
    coordinates: Coordinates | None,
) -> Delivery:
    """Every product at every lead, and the further leads that intervals need; winds turned to earth, with speeds."""
    intervals = tuple(row for row in rows if row.kind in INTERVAL_KINDS)
    instants = tuple(row for row in rows if row.kind not in INTERVAL_KINDS)
    further = interval_leads(source, cycle, leads) if intervals else ()
    requests = []
    for product in source.products:
        wanted = [(lead, rows) for lead in leads]
        if source.role == "analysis":  # its short forecast is only for intervals
            wanted = [(lead, intervals if lead else rows) for lead in leads]
        if product == "spread":  # of a difference of totals nobody knows it
            wanted = [(lead, instants) for lead in leads]
        else:
            wanted += [(lead, intervals) for lead in further]
        requests += [Request(cycle, lead, which, product=product) for lead, which in wanted if which]
    return fetched(bucket, source, requests, coordinates)
